#include "pacs/ul/assoc_impl.h"

/* Messages: fragments put together on the way in, cut into P-DATA-TF on the way out (PS3.8 annex E). */

/* ---- messages in ---- */

static void bad_message(struct assoc *a, const char *what, uint8_t context_id)
{
	fail(&a->detail, ERR_PROTO, "%s on presentation context %u", what, context_id);
	assoc_invalid(a, REASON_INVALID_PARAMETER);
}

static void command_done(struct assoc *a)
{
	struct dimse cmd;
	enum err e = dimse_parse(buf_view(&a->command), &cmd, &a->detail);
	a->in_command = false;
	buf_fini(&a->command);           /* an idle association holds no buffer */
	if (e) {
		assoc_invalid(a, REASON_INVALID_PARAMETER);
		return;
	}
	a->expects_data = cmd.has_data;
	a->events->on_command(a->user, a->message_context, &cmd);
}

void assoc_take_fragment(struct assoc *a, const struct pdu_event *ev)
{
	bool continues = a->in_command || a->expects_data;
	if (continues && ev->context_id != a->message_context)
		bad_message(a, "a fragment of another message came in between", ev->context_id);
	else if (ev->is_command && a->expects_data)
		bad_message(a, "a command came where a data set was expected", ev->context_id);
	else if (!ev->is_command && !a->expects_data)
		bad_message(a, "a data set came where a command was expected", ev->context_id);
	else if (!continues && !assoc_context(a, ev->context_id))
		bad_message(a, "a message came that was not negotiated", ev->context_id);
	else if (ev->is_command) {
		a->in_command = true;
		a->message_context = ev->context_id;
		buf_add(&a->command, ev->body.p, ev->body.len);
		if (buf_err(&a->command))
			bad_message(a, "a command set over the limit", ev->context_id);
		else if (ev->is_last)
			command_done(a);
	} else {
		if (ev->is_last)
			a->expects_data = false;
		if (ev->body.len || ev->is_last)
			a->events->on_data(a->user, ev->context_id, ev->body, ev->is_last);
	}
}

/* ---- messages out ---- */

_Static_assert(ASSOC_DATA_HEAD == PDU_HEAD + PDV_HEAD, "one PDV in each P-DATA-TF");

size_t assoc_room(const struct assoc *a)
{
	return (a->peer_max - PDV_HEAD) & ~(size_t)1;
}

static void put_head(uint8_t *p, uint8_t context_id, size_t n, uint8_t control)
{
	p[0] = PDU_DATA;
	p[1] = 0;
	put_be32(p + 2, (uint32_t)(PDV_HEAD + n));
	put_be32(p + 6, (uint32_t)(2 + n));
	p[10] = context_id;
	p[11] = control;
}

void assoc_data_head(uint8_t context_id, size_t n, bool is_last, uint8_t out[ASSOC_DATA_HEAD])
{
	put_head(out, context_id, n, is_last ? 2 : 0);
}

/* As many P-DATA-TF as the peer's maximum asks for; one PDV each. A byte that was held back goes first. */
static enum err put_data(struct assoc *a, uint8_t context_id, struct bytes v, uint8_t control, bool is_last)
{
	size_t most = assoc_room(a);
	do {
		size_t held = a->has_held, n = held + v.len < most ? held + v.len : most;
		uint8_t *p = buf_extend(&a->out, PDU_HEAD + PDV_HEAD + n);
		if (!p)
			return buf_err(&a->out);
		put_head(p, context_id, n, (uint8_t)(control | (is_last && n == held + v.len ? 2 : 0)));
		p += PDU_HEAD + PDV_HEAD;
		if (held)
			*p++ = a->held;
		a->has_held = false;
		n -= held;
		if (n)
			memcpy(p, v.p, n);
		v.p += n;
		v.len -= n;
	} while (v.len);
	return ERR_OK;
}

enum err assoc_send_command(struct assoc *a, uint8_t context_id, const struct dimse *d)
{
	struct buf b;
	if (!assoc_is_open(a))
		return ERR_CLOSED;
	buf_init(&b, BOUND_COMMAND_SET);
	enum err e = dimse_build(d, &b);
	if (!e)
		e = put_data(a, context_id, buf_view(&b), 1, true);
	buf_fini(&b);
	return e;
}

enum err assoc_send_data(struct assoc *a, uint8_t context_id, struct bytes piece, bool is_last)
{
	if (!assoc_is_open(a))
		return ERR_CLOSED;
	if (!piece.len && !is_last)
		return ERR_OK;
	/* Fragments are of even length: some peers refuse others. An odd byte waits for the next piece. */
	bool is_odd = !is_last && ((a->has_held + piece.len) & 1);
	piece.len -= is_odd;
	enum err e = a->has_held + piece.len || is_last ? put_data(a, context_id, piece, 0, is_last) : ERR_OK;
	if (is_odd)
		a->held = piece.p[piece.len];
	a->has_held = is_odd;
	return e;
}
