#include <stdlib.h>
#include <string.h>

#include "pacs/export_private.h"

enum { STUDIES_MAX = 10000000 };

void export_pick_free(struct export_picks *p)
{
	for (size_t i = 0; i < p->count; i++) {
		struct export_study *s = &p->of[i];
		free(s->patient);
		free(s->name);
		free(s->id);
		free(s->issuer);
		free(s->birth_date);
	}
	free(p->of);
	*p = (struct export_picks){ .count = 0 };
}

static bool has_word(const char *list, const char *word)
{
	size_t n = strlen(word);
	for (const char *at = list; (at = strstr(at, word)); at += n)
		if ((at == list || at[-1] == '\\') && (!at[n] || at[n] == '\\'))
			return true;
	return false;
}

/* As the index has them: by ID and issuer; without an ID each study is another patient. */
static char *patient_key(const struct index_study *s)
{
	char key[1200];
	snprintf(key, sizeof(key), "%s\n%s\n%s", s->patient_id, s->issuer, s->patient_id[0] ? "" : s->study_uid.s);
	return strdup(key);
}

/* What a list's wildcards would let through is asked once more, letter by letter: nobody's images go out for a * in an ID. */
static bool is_meant(const struct export *x, const struct index_study *s)
{
	const struct index_study_filter *f = &x->o->filter;
	return (!f->patient_id || !strcmp(f->patient_id, s->patient_id)) && (!f->accession || !strcmp(f->accession, s->accession)) &&
	       (!x->o->modality || has_word(s->modalities, x->o->modality));
}

static bool add(void *arg, const struct index_study *s)
{
	struct export *x = arg;
	struct export_picks *p = &x->picks;
	if (!is_meant(x, s))
		return true;
	if (p->count == p->cap) {
		size_t cap = p->cap ? 2 * p->cap : 64;
		struct export_study *of = realloc(p->of, cap * sizeof(*of));
		if (!of) {
			x->err = fail(&x->why, ERR_NOMEM, "no memory for the list of studies");
			return false;
		}
		p->of = of;
		p->cap = cap;
	}
	struct export_study *n = &p->of[p->count++];
	*n = (struct export_study){ .uid = s->study_uid, .patient = patient_key(s), .name = strdup(s->patient_name), .id = strdup(s->patient_id),
	                            .issuer = strdup(s->issuer), .birth_date = strdup(s->birth_date), .instances = s->instances };
	snprintf(n->date, sizeof(n->date), "%s", s->study_date);
	p->objects += s->instances;
	if (n->patient && n->name && n->id && n->issuer && n->birth_date)
		return true;
	x->err = fail(&x->why, ERR_NOMEM, "no memory for the list of studies");
	return false;
}

static enum err add_named(struct export *x, struct why *why)
{
	for (const char *at = x->o->studies; *at; ) {
		size_t len = strcspn(at, ",");
		char uid[BOUND_UID + 1] = "";
		struct index_study s;
		if (len && len < sizeof(uid))
			memcpy(uid, at, len);
		enum err e = index_study_get(x->index, uid, &s, why);
		if (e == ERR_NOT_FOUND)
			return fail(why, e, "there is no study \"%.*s\" here; `pacs study list` shows what there is", (int)(len < 80 ? len : 80), at);
		if (e)
			return e;
		if (!add(x, &s) || x->err)
			return x->err;
		at += len + (at[len] == ',');
	}
	return ERR_OK;
}

static int by_patient(const void *a, const void *b)
{
	const struct export_study *s = a, *t = b;
	int d = strcmp(s->patient, t->patient);
	if (!d)
		d = strcmp(s->date, t->date);
	return d ? d : strcmp(s->uid.s, t->uid.s);
}

/* The same UID named twice is one study. */
static void drop_twins(struct export_picks *p)
{
	size_t kept = 0;
	for (size_t i = 0; i < p->count; i++) {
		if (kept && !strcmp(p->of[kept - 1].uid.s, p->of[i].uid.s)) {
			struct export_picks one = { .of = malloc(sizeof(*one.of)), .count = 1 };
			p->objects -= p->of[i].instances;
			if (one.of) {
				one.of[0] = p->of[i];
				export_pick_free(&one);
			}
			continue;
		}
		p->of[kept++] = p->of[i];
	}
	p->count = kept;
}

enum err export_pick(struct export *x, struct why *why)
{
	enum err e = x->o->studies ? add_named(x, why) : index_study_list(x->index, &x->o->filter, STUDIES_MAX, add, x, why);
	if (!e && x->err) {
		*why = x->why;
		e = x->err;
	}
	if (e)
		return e;
	if (x->picks.count)
		qsort(x->picks.of, x->picks.count, sizeof(*x->picks.of), by_patient);
	drop_twins(&x->picks);
	return x->picks.count ? ERR_OK : fail(why, ERR_NOT_FOUND, "no study is as asked for; `pacs study list` shows what there is");
}

/* ---- of one study ---- */

static bool add_item(void *arg, const struct index_instance *i)
{
	struct export *x = arg;
	if (x->item_count == x->item_cap) {
		size_t cap = x->item_cap ? 2 * x->item_cap : 256;
		struct export_item *of = realloc(x->items, cap * sizeof(*of));
		if (!of) {
			x->err = fail(&x->why, ERR_NOMEM, "no memory for the images of a study");
			return false;
		}
		x->items = of;
		x->item_cap = cap;
	}
	x->items[x->item_count++] = (struct export_item){ i->instance, i->series_uid };
	return true;
}

static int by_series(const void *a, const void *b)
{
	const struct export_item *s = a, *t = b;
	int d = strcmp(s->series.s, t->series.s);
	return d ? d : s->instance < t->instance ? -1 : s->instance > t->instance;
}

enum err export_pick_items(struct export *x, struct why *why)
{
	x->item = x->item_count = 0;
	enum err e = index_study_instances(x->index, x->picks.of[x->study].uid.s, add_item, x, why);
	if (!e && x->err) {
		*why = x->why;
		e = x->err;
	}
	if (x->item_count)
		qsort(x->items, x->item_count, sizeof(*x->items), by_series);
	return e;
}
