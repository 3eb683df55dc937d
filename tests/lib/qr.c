#include "tests/lib/qr.h"

#include <unistd.h>

#include "pacs/dicom/uid.h"

enum { QUERY_CONTEXT = 1 };

enum err qr_open(struct qr *q, const struct wire_target *t, const char *sop_class, struct bytes extended,
                 const struct qr_storage *storage, unsigned storage_count, struct why *why)
{
	static const char *plain[] = { TS_IMPLICIT_LE };
	struct negotiate_context contexts[1 + QR_STORAGE_MAX] = { { QUERY_CONTEXT, sop_class, plain, 1 } };
	struct negotiate_role roles[QR_STORAGE_MAX];
	struct negotiate_extended x = { sop_class, extended };
	const char *syntaxes[QR_STORAGE_MAX][8];
	struct assoc_request rq = { .contexts = contexts, .context_count = 1, .roles = roles, .extended = &x, .extended_count = extended.len != 0 };

	*q = (struct qr){ .sop_class = sop_class };
	for (unsigned i = 0; i < storage_count && i < QR_STORAGE_MAX; i++) {
		struct negotiate_context *pc = &contexts[rq.context_count++];
		*pc = (struct negotiate_context){ .id = (uint8_t)(3 + 2 * i), .abstract_syntax = storage[i].sop_class, .ts = syntaxes[i] };
		while (pc->ts_count < 8 && storage[i].ts[pc->ts_count]) {
			syntaxes[i][pc->ts_count] = storage[i].ts[pc->ts_count];
			pc->ts_count++;
		}
		roles[rq.role_count++] = (struct negotiate_role){ storage[i].sop_class, false, true };
	}
	arena_init(&q->arena, BOUND_ASSOCIATE_PDU);
	buf_init(&q->pdu, BOUND_PDU_OURS + 16);
	buf_init(&q->out, BOUND_IDENTIFIER + BOUND_COMMAND_SET);
	q->fd = wire_associate(t, &rq, &q->arena, &q->ac, why);
	if (q->fd >= 0 && q->ac.contexts[0].result == CONTEXT_ACCEPTED)
		return ERR_OK;
	if (q->fd >= 0)
		fail(why, ERR_CLOSED, "the query context was refused");
	qr_close(q);
	return ERR_CLOSED;
}

void qr_close(struct qr *q)
{
	if (q->fd >= 0)
		wire_release(q->fd, &q->pdu);
	buf_fini(&q->pdu);
	buf_fini(&q->out);
	arena_fini(&q->arena);
	q->fd = -1;
}

struct bytes qr_extended(const struct qr *q)
{
	return q->ac.extended_count ? q->ac.extended[0].info : (struct bytes){ 0 };
}

const struct ts *qr_storage_ts(const struct qr *q, unsigned i)
{
	return q->ac.contexts[1 + i].ts;
}

enum err qr_request(struct qr *q, uint16_t field, const struct dataset *identifier, const char *destination)
{
	struct dimse rq = { .field = field, .has_data = true };
	struct buf data;

	rq.message_id = ++q->message_id ? q->message_id : ++q->message_id;
	if (uid_take(&rq.sop_class, bytes_str(q->sop_class)))
		return ERR_LIMIT;
	strncpy(rq.move_destination, destination ? destination : "", BOUND_AET);
	buf_init(&data, BOUND_IDENTIFIER);
	enum err e = dataset_write(identifier, DS_IMPLICIT_LE, &data);
	if (!e && !wire_send(q->fd, QUERY_CONTEXT, &rq, buf_view(&data), &q->out))
		e = ERR_CLOSED;
	buf_fini(&data);
	return e;
}

enum err qr_cancel(struct qr *q)
{
	struct dimse rq = { .field = DIMSE_C_CANCEL_RQ, .message_id = q->message_id };

	return wire_send(q->fd, QUERY_CONTEXT, &rq, (struct bytes){ 0 }, &q->out) ? ERR_OK : ERR_CLOSED;
}

/* The next fragment, lent until the next one. */
static enum err next_fragment(struct qr *q, uint8_t *context, uint8_t *flags, struct bytes *piece)
{
	if (q->at >= q->pdu.len) {
		if (wire_pdu(q->fd, &q->pdu) != PDU_DATA)
			return ERR_CLOSED;
		q->at = 0;
	}
	if (q->pdu.len - q->at < 6)
		return ERR_PROTO;
	const uint8_t *p = q->pdu.p + q->at;
	uint32_t len = be32(p);
	if (len < 2 || len > q->pdu.len - q->at - 4)
		return ERR_PROTO;
	*context = p[4];
	*flags = p[5];
	*piece = bytes_of(p + 6, len - 2);
	q->at += 4 + (size_t)len;
	return ERR_OK;
}

/* The same of data that nobody wants: a PDU of one fragment is dropped in the socket, so that what is measured is its sender. */
static enum err skip_fragment(struct qr *q, uint8_t *context, uint8_t *flags, size_t *len)
{
	uint8_t head[WIRE_HEAD];
	struct bytes piece = { NULL, 0 };
	if (q->at >= q->pdu.len) {
		if (!wire_get(q->fd, head, sizeof(head)) || head[0] != PDU_DATA)
			return ERR_CLOSED;
		uint32_t pdu = be32(head + 2), pdv = be32(head + 6);
		if (pdv < 2 || pdu < 6 || pdu > BOUND_ASSOCIATE_PDU)
			return ERR_PROTO;
		if (pdu == pdv + 4) {
			*context = head[10];
			*flags = head[11];
			*len = pdv - 2;
			return wire_skip(q->fd, *len) ? ERR_OK : ERR_CLOSED;
		}
		buf_reset(&q->pdu);
		buf_add(&q->pdu, head + 6, 6);
		uint8_t *rest = buf_extend(&q->pdu, pdu - 6);
		if (!rest || !wire_get(q->fd, rest, pdu - 6))
			return ERR_CLOSED;
		q->at = 0;
	}
	enum err e = next_fragment(q, context, flags, &piece);
	*len = piece.len;
	return e;
}

enum err qr_read(struct qr *q, struct dimse *cmd, uint8_t *context, struct buf *data, uint64_t *len)
{
	struct buf command;
	struct bytes piece;
	uint8_t flags = 0;
	enum err e = ERR_OK;

	*len = 0;
	buf_init(&command, BOUND_COMMAND_SET);
	while (!e && !(flags & 2)) {
		e = next_fragment(q, context, &flags, &piece);
		if (!e)
			buf_add(&command, piece.p, piece.len);
	}
	if (!e)
		e = dimse_parse(buf_view(&command), cmd, NULL);
	buf_fini(&command);
	for (flags = 0; !e && cmd->has_data && !(flags & 2); ) {
		size_t n = 0;
		e = data ? next_fragment(q, context, &flags, &piece) : skip_fragment(q, context, &flags, &n);
		if (!e && data) {
			buf_add(data, piece.p, piece.len);
			n = piece.len;
		}
		*len += n;
	}
	return e;
}

enum err qr_stored(struct qr *q, uint8_t context, const struct dimse *rq, uint16_t status)
{
	struct dimse rsp = dimse_response(rq, status);

	return wire_send(q->fd, context, &rsp, (struct bytes){ 0 }, &q->out) ? ERR_OK : ERR_CLOSED;
}
