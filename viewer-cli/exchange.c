#include "viewer-cli/exchange.h"

#include <string.h>

#include "pacs/dicom/charset_detect.h"

enum { ANSWER_MAX = 64 << 20 };

enum err client_skip(struct client *c, const struct client_event *ev, struct why *why)
{
	struct client_event piece = { .is_last = !ev->cmd.has_data };
	enum err e = ERR_OK;

	while (!e && !piece.is_last)
		e = client_next(c, &piece, why);
	return e;
}

static enum err send_request(struct client *c, const struct assoc_context *pc, struct dimse *rq, const struct dataset *ds, struct why *why)
{
	struct buf b;
	enum err e = ERR_OK;

	buf_init(&b, BOUND_IDENTIFIER);
	rq->message_id = client_message_id(c);
	rq->has_data = ds != NULL;
	if (ds)
		e = dataset_write(ds, ds_encoding_of(pc->ts), &b);
	if (e)
		fail(why, e, "the request does not fit in %d bytes", BOUND_IDENTIFIER);
	else
		e = client_send(c, pc->id, rq, buf_view(&b), why);
	buf_fini(&b);
	return e;
}

/* The next response with its data set. */
static enum err receive(struct client *c, const struct assoc_context *pc, const struct dimse *rq, struct arena *a, struct dimse *rsp, struct dataset **ds, struct why *why)
{
	struct client_event ev;
	struct buf b;
	enum err e = client_next(c, &ev, why);

	*ds = NULL;
	if (e)
		return e;
	if (ev.kind != CLIENT_COMMAND || ev.cmd.field != (rq->field | 0x8000) || ev.cmd.message_id != rq->message_id)
		return fail(why, ERR_PROTO, "%s came as the answer to %s", dimse_field_name(ev.cmd.field), dimse_field_name(rq->field));
	*rsp = ev.cmd;
	if (!rsp->has_data)
		return ERR_OK;
	buf_init(&b, ANSWER_MAX);
	do {
		e = client_next(c, &ev, why);
		if (!e)
			buf_add(&b, ev.data.p, ev.data.len);
	} while (!e && !ev.is_last);
	if (!e && buf_err(&b))
		e = fail(why, buf_err(&b), "an answer of more than %d bytes", ANSWER_MAX);
	if (!e)
		e = dataset_parse(a, buf_view(&b), ds_encoding_of(pc->ts), ds, why);
	buf_fini(&b);
	return e;
}

enum err client_call(struct client *c, const struct assoc_context *pc, struct dimse *rq, const struct dataset *ds,
                     struct arena *a, struct dimse *rsp, struct dataset **rsp_ds, struct why *why)
{
	struct dataset *got;
	enum err e = send_request(c, pc, rq, ds, why);

	if (!e)
		e = receive(c, pc, rq, a, rsp, &got, why);
	if (!e && rsp_ds)
		*rsp_ds = got;
	return e;
}

enum err client_find(struct client *c, const struct assoc_context *pc, const char *sop_class, const struct dataset *keys,
                     struct arena *a, void (*fn)(void *arg, const struct dataset *answer), void *arg, uint16_t *status, struct why *why)
{
	struct dimse rq = { .field = DIMSE_C_FIND_RQ }, rsp;
	enum err e = uid_take(&rq.sop_class, bytes_str(sop_class));

	if (!e)
		e = send_request(c, pc, &rq, keys, why);
	do {
		struct arena_mark mark = arena_mark(a);
		struct dataset *ds = NULL;
		if (!e)
			e = receive(c, pc, &rq, a, &rsp, &ds, why);
		if (!e && ds && dimse_status_is_pending(rsp.status))
			fn(arg, ds);
		arena_release(a, mark);
	} while (!e && dimse_status_is_pending(rsp.status));
	if (!e)
		*status = rsp.status;
	return e;
}

const char *client_text(const struct dataset *ds, uint32_t tag)
{
	const struct element *el = dataset_find(ds, tag);
	struct charset_verdict text;
	struct buf b;
	const char *out;

	if (!el)
		return "";
	buf_init(&b, BOUND_ELEMENT);
	charset_judge(ds, "", NULL, &text);
	charset_read(&text, el->vr, el->value, &b);
	out = arena_strn(ds->arena, buf_cstr(&b), strlen(buf_cstr(&b)));
	buf_fini(&b);
	return out ? out : "";
}
