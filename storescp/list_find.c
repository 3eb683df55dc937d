#include "storescp/list_find.h"

#include <stdio.h>
#include <stdlib.h>

#include "pacs/base/log.h"
#include "pacs/dicom/dataset_text.h"
#include "storescp/ups.h"
#include "storescp/ups_match.h"

enum { PAGE_BYTES = 256 << 10, PAGE_MAX = BOUND_SEND_QUEUE / 2 };

static void find_free(struct list_find *f)
{
	operation_end(&f->op);
	if (f->source->close)
		f->source->close(f);
	buf_fini(&f->answers);
	arena_fini(&f->arena);
	arena_fini(&f->keys_arena);
	free(f);
}

static void find_end(struct list_find *f, uint16_t status, const char *comment)
{
	f->is_busy = true;
	if (f->op.session)
		session_respond(f->op.session, f->op.context_id, &f->op.rq, status, comment);
	find_free(f);
}

/* ---- on a reader thread ---- */

static enum err add_answer(struct list_find *f, const struct dataset *row)
{
	struct dataset *out = dataset_new(&f->arena);
	size_t at = f->answers.len;
	enum err e = out ? ups_answer(row, f->keys, out) : ERR_NOMEM;

	if (!e)
		e = dataset_from_utf8(out, f->charset);
	buf_add_le32(&f->answers, 0);
	if (!e)
		e = dataset_write(out, f->enc, &f->answers);
	if (!e)
		e = buf_err(&f->answers);
	if (!e) {
		put_le32(f->answers.p + at, (uint32_t)(f->answers.len - at - 4));
		f->count++;
	}
	return e;
}

bool list_find_row(struct list_find *f, int64_t id, const struct dataset *ds)
{
	f->seen++;
	f->after = id;
	if (ups_match(ds, f->match_keys))
		f->err = add_answer(f, ds);
	return !f->err && f->answers.len < PAGE_BYTES;
}

bool list_find_skip(struct list_find *f, int64_t id)
{
	f->seen++;
	f->after = id;
	return true;
}

static void find_work(void *arg, struct index_reader *ix)
{
	struct list_find *f = arg;

	(void)ix;
	f->seen = f->count = 0;
	buf_reset(&f->answers);
	enum err e = f->source->page(f, &f->why);
	f->is_last = f->seen < LIST_PAGE && f->answers.len < PAGE_BYTES;
	if (e)
		f->err = e;
}

/* ---- on the loop ---- */

static void find_done(void *arg);

static void find_read(struct list_find *f)
{
	f->is_busy = true;
	enum err e = readers_run(f->op.server->readers, find_work, find_done, f);
	if (e) {
		f->is_busy = false;
		find_end(f, STATUS_OUT_OF_RESOURCES, "too many queries wait");
	}
}

static void find_send(struct list_find *f)
{
	struct session *s = f->op.session;
	struct bytes left = buf_view(&f->answers);

	for (unsigned i = 0; i < f->count; i++) {
		size_t n = le32(left.p);
		struct dimse rsp = dimse_response(&f->op.rq, STATUS_PENDING);
		rsp.has_data = true;
		enum err e = conn_send(s->conn, f->op.context_id, &rsp, bytes_of(left.p + 4, n));
		if (e) {
			if (e != ERR_CLOSED)
				conn_abort(s->conn, "an answer could not be queued");
			return;
		}
		left = bytes_of(left.p + 4 + n, left.len - 4 - n);
	}
}

static void find_step(struct list_find *f)
{
	if (!f->op.session)
		find_free(f);
	else if (f->is_cancelled)
		find_end(f, STATUS_CANCEL, NULL);
	else if (f->is_last)
		find_end(f, STATUS_SUCCESS, NULL);
	else if (!conn_is_full(f->op.session->conn))
		find_read(f);
}

static void find_done(void *arg)
{
	struct list_find *f = arg;

	if (f->err && f->op.session) {
		log_event(LOG_ERROR, f->source->event, "assoc", log_num((long long)conn_id(f->op.session->conn)).s, "error", err_name(f->err), "why", f->why.text, NULL);
		find_end(f, STATUS_CANNOT_UNDERSTAND | 1, "the list cannot be read");
		return;
	}
	if (f->op.session && !f->is_cancelled)
		find_send(f);
	f->is_busy = false;
	find_step(f);
}

static void find_cancel(struct operation *op)
{
	struct list_find *f = (struct list_find *)op;

	f->is_cancelled = true;
	if (!f->is_busy)
		find_step(f);
}

static void find_writable(struct operation *op)
{
	struct list_find *f = (struct list_find *)op;

	if (!f->is_busy)
		find_step(f);
}

static void find_gone(struct operation *op)
{
	struct list_find *f = (struct list_find *)op;

	if (!f->is_busy)
		find_free(f);
}

static const struct operation_class find_class = { .name = "C-FIND on a list", .cancel = find_cancel, .writable = find_writable, .gone = find_gone };

static const char *charset_for(const struct session *s, const struct dataset *keys)
{
	const struct conf_node *node = conf_node_by_aet(s->server->conf, s->calling);
	const char *own = node && node->charset[0] ? node->charset : s->server->conf->charset;

	return own[0] ? own : dataset_str(keys, TAG_SPECIFIC_CHARACTER_SET);
}

/* What the caller's own words say about the set to answer in is gone once they are UTF-8. */
static struct dataset *read_keys(struct list_find *f, struct bytes data)
{
	struct session *s = f->op.session;
	struct dataset *ds = NULL;
	struct why why;
	struct arena_mark mark = arena_mark(&f->keys_arena);

	if (f->source->in_callers_charset && !dataset_parse(&f->keys_arena, data, f->enc, &ds, &why))
		snprintf(f->charset, sizeof(f->charset), "%s", charset_for(s, ds));
	arena_release(&f->keys_arena, mark);
	return ups_read(s, f->op.context_id, &f->op.rq, &f->keys_arena, data);
}

void list_find_start(struct list_find *f, const struct list_source *source, struct session *s, uint8_t context_id, const struct dimse *rq, struct bytes data,
                     void (*filter)(struct list_find *f))
{
	struct why why = { "" };

	memcpy(f->dir, s->server->conf->dir, sizeof(f->dir));
	f->source = source;
	f->enc = ds_encoding_of(conn_context(s->conn, context_id)->ts);
	arena_init(&f->keys_arena, LIST_ARENA);
	arena_init(&f->arena, LIST_ARENA);
	buf_init(&f->answers, PAGE_MAX);
	operation_begin(&f->op, &find_class, s, context_id, rq);
	f->keys = read_keys(f, data);
	if (!f->keys) {                  /* ups_read has answered */
		find_free(f);
		return;
	}
	if (ups_check_keys(f->keys, &why)) {
		find_end(f, STATUS_MISMATCH, why.text);
		return;
	}
	f->match_keys = f->keys;
	if (filter)
		filter(f);
	find_read(f);
}
