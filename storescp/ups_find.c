/* C-FIND on work items. Pages of items are read and matched on a reader thread; the loop sends what a page gave
 * when the connection has room, and then asks for the next page. No statement stays open between pages: the place is
 * the id of the last item seen, so an item comes once, as it stands when its page is read. */
#include "storescp/ups.h"

#include <stdlib.h>
#include <string.h>

#include "pacs/base/log.h"
#include "storescp/ups_match.h"

enum { PAGE_ITEMS = 64, PAGE_BYTES = 256 << 10, PAGE_MAX = BOUND_SEND_QUEUE / 2 };

struct find {
	struct operation op;
	char dir[sizeof(((struct conf *)0)->dir)];
	enum ds_encoding enc;
	struct arena keys_arena;
	struct dataset *keys;
	struct items_filter filter;      /* strings in keys_arena */
	struct items_reader *reader;     /* used by one reader thread at a time */
	bool is_busy;                    /* a thread or a function below holds it: gone() must not free it */
	bool is_cancelled, is_last;
	/* the page */
	struct arena arena;
	struct buf answers;              /* each as 32-bit length and bytes */
	unsigned seen, count;
	int64_t after;
	enum err err;
	struct why why;
};

static void find_free(struct find *f)
{
	operation_end(&f->op);
	items_reader_close(&f->reader);
	buf_fini(&f->answers);
	arena_fini(&f->arena);
	arena_fini(&f->keys_arena);
	free(f);
}

static void find_end(struct find *f, uint16_t status, const char *comment)
{
	f->is_busy = true;
	if (f->op.session)
		session_respond(f->op.session, f->op.context_id, &f->op.rq, status, comment);
	find_free(f);
}

/* ---- on a reader thread ---- */

static enum err add_answer(struct find *f, const struct dataset *item)
{
	struct dataset *out = dataset_new(&f->arena);
	size_t at = f->answers.len;
	enum err e = out ? ups_answer(item, f->keys, out) : ERR_NOMEM;

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

static bool find_item(void *arg, const struct item_row *row, const struct dataset *ds)
{
	struct find *f = arg;

	(void)row;
	f->seen++;
	if (ups_match(ds, f->keys))
		f->err = add_answer(f, ds);
	return !f->err && f->answers.len < PAGE_BYTES;
}

static void find_work(void *arg, struct index_reader *ix)
{
	struct find *f = arg;
	enum err e = f->reader ? ERR_OK : items_reader_open(f->dir, &f->reader, &f->why);

	(void)ix;
	f->seen = f->count = 0;
	buf_reset(&f->answers);
	if (!e)
		e = items_page(f->reader, &f->filter, f->after, PAGE_ITEMS, &f->arena, find_item, f, &f->after, &f->why);
	f->is_last = f->seen < PAGE_ITEMS && f->answers.len < PAGE_BYTES;
	if (e)
		f->err = e;
}

/* ---- on the loop ---- */

static void find_done(void *arg);

static void find_read(struct find *f)
{
	f->is_busy = true;
	enum err e = readers_run(f->op.server->readers, find_work, find_done, f);
	if (e) {
		f->is_busy = false;
		find_end(f, STATUS_OUT_OF_RESOURCES, "too many queries wait");
	}
}

static void find_send(struct find *f)
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

static void find_step(struct find *f)
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
	struct find *f = arg;

	if (f->err && f->op.session) {
		log_event(LOG_ERROR, "ups_find_failed", "assoc", log_num((long long)conn_id(f->op.session->conn)).s, "error", err_name(f->err), "why", f->why.text, NULL);
		find_end(f, STATUS_CANNOT_UNDERSTAND | 1, "the work list cannot be read");
		return;
	}
	if (f->op.session && !f->is_cancelled)
		find_send(f);
	f->is_busy = false;
	find_step(f);
}

static void find_cancel(struct operation *op)
{
	struct find *f = (struct find *)op;

	f->is_cancelled = true;
	if (!f->is_busy)
		find_step(f);
}

static void find_writable(struct operation *op)
{
	struct find *f = (struct find *)op;

	if (!f->is_busy)
		find_step(f);
}

static void find_gone(struct operation *op)
{
	struct find *f = (struct find *)op;

	if (!f->is_busy)
		find_free(f);
}

static const struct operation_class find_class = { .name = "UPS C-FIND", .cancel = find_cancel, .writable = find_writable, .gone = find_gone };

/* What an index serves; the rest is matched item by item. */
static struct items_filter filter_of(const struct dataset *keys)
{
	struct items_filter f = { .state = ITEM_NONE };
	const char *uid = dataset_str(keys, TAG_SOP_INSTANCE_UID), *study = dataset_str(keys, TAG_STUDY_UID);

	if (!item_state_parse(dataset_str(keys, TAG_STEP_STATE), &f.state))
		f.state = ITEM_NONE;
	f.uid = uid_is_legal(uid) ? uid : NULL;
	f.study_uid = uid_is_legal(study) ? study : NULL;
	return f;
}

static struct find *find_new(struct session *s, uint8_t context_id)
{
	struct find *f = calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	memcpy(f->dir, s->server->conf->dir, sizeof(f->dir));
	f->enc = ds_encoding_of(conn_context(s->conn, context_id)->ts);
	arena_init(&f->keys_arena, UPS_ARENA);
	arena_init(&f->arena, UPS_ARENA);
	buf_init(&f->answers, PAGE_MAX);
	return f;
}

static void find_start(struct session *s, uint8_t context_id, const struct dimse *rq, struct bytes data)
{
	struct why why = { "" };
	struct find *f;

	if (!ups_may(s, context_id, rq))
		return;
	f = find_new(s, context_id);
	if (!f) {
		session_respond(s, context_id, rq, STATUS_OUT_OF_RESOURCES, "no memory");
		return;
	}
	operation_begin(&f->op, &find_class, s, context_id, rq);
	f->keys = ups_read(s, context_id, rq, &f->keys_arena, data);
	if (!f->keys) {                  /* ups_read has answered */
		find_free(f);
		return;
	}
	if (ups_check_keys(f->keys, &why)) {
		find_end(f, STATUS_MISMATCH, why.text);
		return;
	}
	f->filter = filter_of(f->keys);
	find_read(f);
}

const struct service service_ups_find = { .field = DIMSE_C_FIND_RQ, .start = find_start };
