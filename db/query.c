#include "db/query_impl.h"

#include <stdlib.h>

#include "db/index_reader.h"

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
	enum err e = sql_find(&text, &q->keys, why);
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

/* The row's header, parsed in `scratch`; *out NULL when the instance has none that can be read. */
static enum err load_header(struct query *q, struct arena *scratch, struct dataset **out, struct why *why)
{
	uint8_t *raw = NULL;
	size_t len = 0;
	int encoding = 0;

	*out = NULL;
	if (!q->wants_header)
		return ERR_OK;
	enum err e = index_header(q->reader, (uint64_t)sql_int(q->st, 0), &raw, &len, &encoding, why);
	if (e)
		return e == ERR_NOT_FOUND ? ERR_OK : e;
	e = dataset_parse(scratch, bytes_of(raw, len), (enum ds_encoding)encoding, out, why);
	free(raw);
	return e == ERR_NOMEM ? e : ERR_OK;      /* ERR_FORMAT, ERR_LIMIT: what was read before it answers */
}

/* ERR_MORE: the header says that this row does not match. */
static enum err take_values(struct query *q, struct arena *a, struct answer_value *v, size_t *n, struct why *why)
{
	struct arena scratch;
	struct dataset *header;

	arena_init(&scratch, HEADER_MAX);
	enum err e = load_header(q, &scratch, &header, why);
	for (const struct key *k = q->keys.first; k && !e; k = k->next) {
		const char *text = "";
		if (k->way == KEY_COLUMN)
			text = column_text(q, k, a);
		else if (k->way == KEY_HEADER && header)
			text = header_text(header, k, q->options->sender_charset, a);
		if (!text)
			e = fail(why, ERR_NOMEM, "no memory for an answer");
		else if (k->way == KEY_HEADER && !key_matches_text(k, text))
			e = ERR_MORE;
		else
			v[(*n)++] = (struct answer_value){ k->tag, k->vr, text };
	}
	arena_fini(&scratch);
	return e;
}

static enum err row_to_answer(struct query *q, struct arena *a, struct dataset **answer, struct why *why)
{
	enum { EXTRA = 3 };
	struct answer_value *v = arena_alloc(a, (q->key_count + EXTRA) * sizeof(*v));
	size_t n = 0;

	if (!v)
		return fail(why, ERR_NOMEM, "no memory for an answer");
	v[n++] = (struct answer_value){ TAG_QUERY_LEVEL, VR_CS, query_level_name(q->keys.level) };
	v[n++] = (struct answer_value){ TAG_RETRIEVE_AE, VR_AE, q->options->retrieve_aet ? q->options->retrieve_aet : "" };
	v[n++] = (struct answer_value){ TAG_AVAILABILITY, VR_CS, "ONLINE" };
	enum err e = take_values(q, a, v, &n, why);
	return e ? e : query_answer_build(a, v, n, q->keys.charset, answer, why);
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
