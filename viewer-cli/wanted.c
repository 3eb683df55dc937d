#include "viewer-cli/wanted.h"

#include <stdlib.h>
#include <string.h>

enum { ARENA = 64 << 20 };

struct image { struct uid study, series, sop_class, sop; bool has_come; };
struct wanted {
	struct image *images;            /* owned; those of a series stand together */
	unsigned n, cap;
};

struct wanted *wanted_new(void)
{
	return calloc(1, sizeof(struct wanted));
}

void wanted_free(struct wanted **w)
{
	if (*w)
		free((*w)->images);
	free(*w);
	*w = NULL;
}

enum err wanted_add(struct wanted *w, const char *study, const char *series, const char *sop_class, const char *sop)
{
	if (w->n == w->cap) {
		unsigned cap = w->cap ? 2 * w->cap : 64;
		struct image *grown = realloc(w->images, cap * sizeof(*grown));
		if (!grown)
			return ERR_NOMEM;
		w->images = grown;
		w->cap = cap;
	}
	struct image *i = &w->images[w->n];
	i->has_come = false;
	if (uid_take(&i->study, bytes_str(study)) || uid_take(&i->series, bytes_str(series)) || uid_take(&i->sop_class, bytes_str(sop_class)) ||
	    uid_take(&i->sop, bytes_str(sop)) || !uid_is_legal(i->sop.s))
		return ERR_FORMAT;
	w->n++;
	return ERR_OK;
}

static struct image *find(const struct wanted *w, const char *sop)
{
	for (unsigned i = 0; i < w->n; i++)
		if (strcmp(w->images[i].sop.s, sop) == 0)
			return &w->images[i];
	return NULL;
}

unsigned wanted_count(const struct wanted *w)
{
	return w->n;
}

unsigned wanted_missing(const struct wanted *w)
{
	unsigned n = 0;

	for (unsigned i = 0; i < w->n; i++)
		n += !w->images[i].has_come;
	return n;
}

bool wanted_has(const struct wanted *w, const char *sop)
{
	return find(w, sop) != NULL;
}

bool wanted_check_off(struct wanted *w, const char *sop)
{
	struct image *i = find(w, sop);
	bool is_first = i && !i->has_come;

	if (i)
		i->has_come = true;
	return is_first;
}

/* True when no image before this one has its class. */
static bool is_first_of_class(const struct wanted *w, unsigned at)
{
	for (unsigned i = 0; i < at; i++)
		if (strcmp(w->images[i].sop_class.s, w->images[at].sop_class.s) == 0)
			return false;
	return true;
}

/* What a reader looks at, for nodes that do not say of which class an image is (in C-FIND it is an optional key). */
static bool is_usual(const struct sop_class *c)
{
	static const char *const words[] = { "Image", "PDF", "State", " SR" };
	bool is_usual = false;

	for (size_t i = 0; i < NELEM(words); i++)
		is_usual |= strstr(c->name, words[i]) != NULL;
	return is_usual && !strstr(c->name, "(retired)") && !strstr(c->name, "(trial)");
}

static unsigned usual_classes(void (*fn)(void *arg, const char *sop_class, unsigned classes), void *arg, unsigned classes)
{
	size_t count;
	const struct sop_class *table = sop_storage_table(&count);
	unsigned n = 0;

	for (size_t i = 0; i < count; i++) {
		if (!is_usual(&table[i]))
			continue;
		n++;
		if (fn)
			fn(arg, table[i].uid, classes);
	}
	return n;
}

void wanted_classes(const struct wanted *w, void (*fn)(void *arg, const char *sop_class, unsigned classes), void *arg)
{
	unsigned classes = 0;

	for (unsigned i = 0; i < w->n; i++) {
		classes += is_first_of_class(w, i);
		if (!w->images[i].sop_class.s[0]) {
			usual_classes(fn, arg, usual_classes(NULL, NULL, 0));
			return;
		}
	}
	for (unsigned i = 0; i < w->n; i++)
		if (is_first_of_class(w, i))
			fn(arg, w->images[i].sop_class.s, classes);
}

enum err wanted_request(const struct wanted *w, unsigned *at, unsigned max, struct dataset *out)
{
	const struct image *first = &w->images[*at];
	struct buf uids;

	if (*at >= w->n)
		return ERR_END;
	buf_init(&uids, BOUND_IDENTIFIER);
	for (unsigned n = 0; n < max && *at < w->n && strcmp(w->images[*at].series.s, first->series.s) == 0; n++, (*at)++) {
		if (n)
			buf_add_byte(&uids, '\\');
		buf_add_str(&uids, w->images[*at].sop.s);
	}
	enum err e = dataset_put_str(out, TAG_QUERY_LEVEL, "IMAGE");
	if (!e)
		e = dataset_put_str(out, TAG_STUDY_UID, first->study.s);
	if (!e)
		e = dataset_put_str(out, TAG_SERIES_UID, first->series.s);
	if (!e)
		e = dataset_put_str(out, TAG_SOP_INSTANCE_UID, buf_cstr(&uids));
	buf_fini(&uids);
	return e;
}

/* ---- from a work item ---- */

static enum err add_series(struct wanted *w, const struct dataset *series)
{
	const char *study = dataset_str(series, TAG_STUDY_UID), *uid = dataset_str(series, TAG_SERIES_UID);
	const struct element *refs = dataset_find(series, TAG_REFERENCED_SOPS);
	enum err e = ERR_OK;

	for (const struct item *i = refs ? refs->items : NULL; i && !e; i = i->next)
		e = wanted_add(w, study, uid, dataset_str(i->ds, TAG_REFERENCED_SOP_CLASS), dataset_str(i->ds, TAG_REFERENCED_SOP_INSTANCE));
	return e;
}

enum err wanted_of_item(const struct viewer_options *o, const char *item, struct wanted *w, struct why *why)
{
	static const uint32_t tags[] = { TAG_INPUT_INFORMATION };
	struct work_client *c = NULL;
	struct dataset *ds, *series;
	struct arena a;

	arena_init(&a, ARENA);
	enum err e = work_client_open(o, &c, why);
	if (!e)
		e = work_client_get(c, item, tags, NELEM(tags), &a, &ds, why);
	work_client_close(&c);
	for (unsigned i = 0; !e && (series = dataset_item(ds, TAG_INPUT_INFORMATION, i)); i++)
		if ((e = add_series(w, series)))
			fail(why, e, "%s: input reference %u cannot be read: %s", item, i + 1, err_name(e));
	if (!e && w->n == 0)
		e = fail(why, ERR_NOT_FOUND, "%s names no images", item);
	arena_fini(&a);
	return e;
}

/* ---- from a study ---- */

struct search {
	struct client *client;
	const struct assoc_context *pc;
	struct arena arena;
	const char *study;
	struct uid *series;              /* owned */
	unsigned series_n;
	struct wanted *wanted;
	const char *in_series;           /* the one whose images are asked for */
	enum err err;
};

static void found_series(void *arg, const struct dataset *answer)
{
	struct search *s = arg;
	struct uid *grown = realloc(s->series, (s->series_n + 1) * sizeof(*grown));

	if (!grown) {
		s->err = ERR_NOMEM;
		return;
	}
	s->series = grown;
	if (uid_take(&grown[s->series_n], bytes_str(dataset_str(answer, TAG_SERIES_UID))))
		s->err = ERR_FORMAT;
	else
		s->series_n++;
}

static void found_image(void *arg, const struct dataset *answer)
{
	struct search *s = arg;
	enum err e = wanted_add(s->wanted, s->study, s->in_series, dataset_str(answer, TAG_SOP_CLASS_UID), dataset_str(answer, TAG_SOP_INSTANCE_UID));

	if (e)
		s->err = e;
}

static enum err find_level(struct search *s, const char *level, void (*fn)(void *, const struct dataset *), struct why *why)
{
	struct arena_mark mark = arena_mark(&s->arena);
	struct dataset *keys = dataset_new(&s->arena);
	bool is_image = strcmp(level, "IMAGE") == 0;
	uint16_t status = 0;
	enum err e = keys ? dataset_put_str(keys, TAG_QUERY_LEVEL, level) : ERR_NOMEM;

	if (!e)
		e = dataset_put_str(keys, TAG_STUDY_UID, s->study);
	if (!e)
		e = dataset_put_str(keys, TAG_SERIES_UID, is_image ? s->in_series : "");
	if (!e && is_image)
		e = dataset_put_str(keys, TAG_SOP_INSTANCE_UID, "");
	if (!e && is_image)
		e = dataset_put_str(keys, TAG_SOP_CLASS_UID, "");
	if (e)
		fail(why, e, "no memory for a query");
	else
		e = client_find(s->client, s->pc, UID_STUDY_ROOT_FIND, keys, &s->arena, fn, s, &status, why);
	arena_release(&s->arena, mark);
	if (!e && s->err)
		e = fail(why, s->err, "an answer to the query cannot be used: %s", err_name(s->err));
	if (!e && status != STATUS_SUCCESS)
		e = fail(why, ERR_CONFLICT, "the node answered the query with %04x", status);
	return e;
}

static enum err open_find(const struct viewer_options *o, struct search *s, struct why *why)
{
	const char *ts[] = { TS_EXPLICIT_LE, TS_IMPLICIT_LE };
	struct negotiate_context context = { .id = 1, .abstract_syntax = UID_STUDY_ROOT_FIND, .ts = ts, .ts_count = NELEM(ts) };
	struct assoc_request rq = { .contexts = &context, .context_count = 1 };
	struct client_peer peer = { o->host, o->port, o->called, o->calling, o->cancel };
	enum err e = client_open(&peer, &rq, &s->client, why);

	if (!e && !(s->pc = client_context(s->client, UID_STUDY_ROOT_FIND)))
		e = fail(why, ERR_UNSUPPORTED, "%s answers no queries (Study Root FIND refused)", o->called);
	return e;
}

enum err wanted_of_study(const struct viewer_options *o, const char *study, struct wanted *w, struct why *why)
{
	struct search s = { .study = study, .wanted = w };

	if (!uid_is_legal(study))
		return fail(why, ERR_FORMAT, "\"%s\" is not a Study Instance UID", study);
	arena_init(&s.arena, ARENA);
	enum err e = open_find(o, &s, why);
	if (!e)
		e = find_level(&s, "SERIES", found_series, why);
	for (unsigned i = 0; i < s.series_n && !e; i++) {
		s.in_series = s.series[i].s;
		e = find_level(&s, "IMAGE", found_image, why);
	}
	client_close(&s.client);
	arena_fini(&s.arena);
	free(s.series);
	if (!e && w->n == 0)
		e = fail(why, ERR_NOT_FOUND, "the node has no images of study %s", study);
	return e;
}
