#include "db/query_impl.h"

#include <stdlib.h>

#include "db/index_reader.h"
#include "pacs/dicom/dataset_text.h"

enum {
	STEPS_BETWEEN_ASKING = 20000,        /* virtual machine steps: well under 10 ms */
	KEYS_MAX = 4 << 20,                  /* identifier texts, and lists made of them */
	HEADER_MAX = 32 << 20,               /* one parsed header: the bytes and its nodes */
};

struct query {
	struct index_reader *reader;
	const struct query_options *options; /* borrowed */
	struct arena arena;                  /* keys and bound texts */
	struct keys keys;
	size_t key_count;
	bool is_corrected;                   /* the header in hand was laid over, and is UTF-8 */
	bool wants_header, some_unsupported;
	sqlite3_stmt *st;
	bool has_ended;
};

static int on_progress(void *arg)
{
	const struct query *q = arg;

	return q->options->should_stop(q->options->stop_arg);
}

static void look_at_keys(struct query *q)
{
	for (const struct key *k = q->keys.first; k; k = k->next) {
		q->key_count++;
		q->wants_header |= k->way == KEY_HEADER;
		q->some_unsupported |= k->way == KEY_UNSUPPORTED || k->way == KEY_LOWER;
	}
}

static enum err prepare(struct query *q, struct why *why)
{
	struct sql_text text;

	sql_text_init(&text, &q->arena);
	text.pinyin = q->options->pinyin;
	enum err e = sql_find(&text, &q->keys, index_reader_db(q->reader), why);
	if (!e)
		e = sql_text_prepare(&text, index_reader_db(q->reader), &q->st, why);
	sql_text_fini(&text);
	return e;
}

enum err query_open(struct index_reader *r, const struct dataset *identifier, const struct query_options *o, struct query **out, struct why *why)
{
	struct query *q = calloc(1, sizeof(*q));

	*out = NULL;
	if (!q)
		return fail(why, ERR_NOMEM, "no memory for a query");
	q->reader = r;
	q->options = o;
	arena_init(&q->arena, KEYS_MAX);
	enum err e = query_keys_read(&q->keys, &q->arena, identifier, o, why);
	if (!e) {
		look_at_keys(q);
		e = prepare(q, why);
	}
	if (e) {
		query_close(&q);
		return e;
	}
	if (o->should_stop)
		sqlite3_progress_handler(index_reader_db(r), STEPS_BETWEEN_ASKING, on_progress, q);
	*out = q;
	return ERR_OK;
}

void query_close(struct query **qp)
{
	struct query *q = *qp;

	if (!q)
		return;
	sqlite3_progress_handler(index_reader_db(q->reader), 0, NULL, NULL);
	if (q->st)
		sql_finalize_all(&q->st, 1);
	arena_fini(&q->arena);
	free(q);
	*qp = NULL;
}

/* ---- one row ---- */
static const char *column_text(struct query *q, const struct key *k, struct arena *a)
{
	const char *s = sql_text(q->st, k->column);

	if (k->attribute->kind == ATTRIBUTE_NUMBER && !strcmp(s, "0"))
		return "";
	return arena_strn(a, s, strlen(s));
}

/* What a person corrected takes the place of what the header says. */
struct overlay { struct dataset *ds; const char *sender; enum err e; bool any; };

static bool lay_over(void *arg, uint32_t tag, const char *value)
{
	struct overlay *o = arg;
	if (!o->any)
		o->e = dataset_to_utf8(o->ds, o->sender);
	if (!o->any && !o->e)
		o->e = dataset_put_str(o->ds, TAG_SPECIFIC_CHARACTER_SET, "ISO_IR 192");
	o->any = true;
	if (!o->e)
		o->e = dataset_put_str(o->ds, tag, value);
	return !o->e;
}

static enum err correct(struct query *q, uint64_t instance, struct dataset *ds, struct why *why)
{
	const char *sender = q->options->sender_charset;
	struct overlay o = { .ds = ds, .sender = sender ? sender : "" };
	enum err e = index_edited(q->reader, instance, lay_over, &o, why);
	q->is_corrected = o.any;
	return e ? e : o.e;
}

/* The row's header, parsed in `scratch`; *out NULL when the instance has none that can be read. */
static enum err load_header(struct query *q, struct arena *scratch, struct dataset **out, struct why *why)
{
	uint8_t *raw = NULL;
	size_t len = 0;
	int encoding = 0;

	*out = NULL;
	q->is_corrected = false;
	if (!q->wants_header)
		return ERR_OK;
	enum err e = index_header(q->reader, (uint64_t)sql_int(q->st, 0), &raw, &len, &encoding, why);
	if (e)
		return e == ERR_NOT_FOUND ? ERR_OK : e;
	e = dataset_parse(scratch, bytes_of(raw, len), (enum ds_encoding)encoding, out, why);
	free(raw);
	if (*out && e != ERR_NOMEM) {
		enum err c = correct(q, (uint64_t)sql_int(q->st, 0), *out, why);
		if (c)
			return c;
	}
	return e == ERR_NOMEM ? e : ERR_OK;      /* ERR_FORMAT, ERR_LIMIT: what was read before it answers */
}

/* One key's value of the row. */
static enum err take_value(struct query *q, const struct header *h, const struct key *k, struct arena *a, struct answer_value *out)
{
	*out = (struct answer_value){ .tag = k->tag, .vr = k->vr, .text = k->vr == VR_SQ ? NULL : "" };
	if (k->way == KEY_HEADER || k->way == KEY_CREATOR)
		return header_value(h, k, a, out);
	if (k->way == KEY_COLUMN)
		out->text = column_text(q, k, a);
	return out->text || k->vr == VR_SQ ? ERR_OK : ERR_NOMEM;
}

/* ERR_MORE: the header says that this row does not match. */
static enum err take_values(struct query *q, const struct header *h, struct arena *a, struct answer_value *v, size_t *n, struct why *why)
{
	for (const struct key *k = q->keys.first; k; k = k->next)
		if (k->way == KEY_HEADER && !header_matches(h, k, a))
			return ERR_MORE;
	for (const struct key *k = q->keys.first; k; k = k->next)
		if (take_value(q, h, k, a, &v[(*n)++]))
			return fail(why, ERR_NOMEM, "no memory for an answer");
	return ERR_OK;
}

static enum err build_answer(struct query *q, const struct dataset *ds, struct arena *a, struct dataset **answer, struct why *why)
{
	enum { EXTRA = 4 };
	struct answer_value *v = arena_alloc(a, (q->key_count + EXTRA) * sizeof(*v));
	struct header h;
	size_t n = 0;

	if (!v)
		return fail(why, ERR_NOMEM, "no memory for an answer");
	header_init(&h, ds, &q->keys, q->options->sender_charset);
	/* It is known in which set that is; two short words could be taken for another. */
	if (q->is_corrected)
		h.text = (struct charset_verdict){ .how = CHARSET_DECLARED, .said = CHARSET_SAID_RIGHT, .term = "ISO_IR 192" };
	v[n++] = (struct answer_value){ .tag = TAG_QUERY_LEVEL, .vr = VR_CS, .text = query_level_name(q->keys.level) };
	v[n++] = (struct answer_value){ .tag = TAG_RETRIEVE_AE, .vr = VR_AE, .text = q->options->retrieve_aet ? q->options->retrieve_aet : "" };
	v[n++] = (struct answer_value){ .tag = TAG_AVAILABILITY, .vr = VR_CS, .text = "ONLINE" };
	if (q->keys.is_zoned)
		v[n++] = (struct answer_value){ .tag = TAG(0x0008, 0x0201), .vr = VR_SH, .text = q->keys.zone };
	enum err e = take_values(q, &h, a, v, &n, why);
	return e ? e : query_answer_build(a, v, n, q->keys.charset, answer, why);
}

/* The header lives as long as the answer is built: raw values are lent by it. */
static enum err row_to_answer(struct query *q, struct arena *a, struct dataset **answer, struct why *why)
{
	struct arena scratch;
	struct dataset *header;

	arena_init(&scratch, HEADER_MAX);
	enum err e = load_header(q, &scratch, &header, why);
	if (!e)
		e = build_answer(q, header, a, answer, why);
	arena_fini(&scratch);
	return e;
}

static bool should_stop(const struct query *q)
{
	return q->options->should_stop && q->options->should_stop(q->options->stop_arg);
}

enum err query_next(struct query *q, struct arena *a, struct dataset **answer, bool *some_keys_unsupported, struct why *why)
{
	*some_keys_unsupported = q->some_unsupported;
	*answer = NULL;
	while (!q->has_ended) {
		if (should_stop(q))
			return ERR_CANCELLED;
		enum err e = sql_step(q->st, why);
		if (e) {
			q->has_ended = true;
			return e != ERR_END && should_stop(q) ? ERR_CANCELLED : e;
		}
		struct arena_mark m = arena_mark(a);
		e = row_to_answer(q, a, answer, why);
		if (e != ERR_MORE)
			return e;
		arena_release(a, m);
	}
	return ERR_END;
}
