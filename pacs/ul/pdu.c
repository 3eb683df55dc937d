#include "pacs/ul/pdu.h"

enum { UNRECOGNISED_PDU = 1, INVALID_PARAMETER = 6 };    /* PS3.8 section 9.3.8 */
enum { SMALL = 4 };                                      /* body of RJ, RELEASE and ABORT */

void pdu_reader_init(struct pdu_reader *r, uint32_t max_data)
{
	*r = (struct pdu_reader){ .max_data = max_data };
	buf_init(&r->body, BOUND_ASSOCIATE_PDU);
}

void pdu_reader_fini(struct pdu_reader *r)
{
	buf_fini(&r->body);
}

void pdu_reader_drop(struct pdu_reader *r)
{
	buf_fini(&r->body);
}

static void advance(struct bytes *in, size_t n)
{
	in->p += n;
	in->len -= n;
}

/* Collects the six bytes of a header; true when they are there. */
static bool collect_head(struct pdu_reader *r, struct bytes *in)
{
	size_t n = PDU_HEAD - r->head_len;
	if (n > in->len)
		n = in->len;
	if (n)
		memcpy(r->head + r->head_len, in->p, n);
	r->head_len += (unsigned)n;
	advance(in, n);
	if (r->head_len < PDU_HEAD)
		return false;
	r->head_len = 0;
	return true;
}

static enum err broken(struct pdu_reader *r)
{
	r->is_broken = true;
	return ERR_PROTO;
}

static enum err begin_pdu(struct pdu_reader *r, uint8_t *reason, struct why *why)
{
	uint8_t type = r->head[0];       /* r->head[1] is reserved: never tested */
	uint32_t len = be32(r->head + 2), max = type == PDU_DATA ? r->max_data : type <= PDU_ASSOCIATE_AC ? BOUND_ASSOCIATE_PDU : SMALL;
	*reason = INVALID_PARAMETER;
	if (type < PDU_ASSOCIATE_RQ || type > PDU_ABORT) {
		*reason = UNRECOGNISED_PDU;
		return fail(why, broken(r), "PDU type %02x, known are 01 to 07", type);
	}
	if (len > max)
		return fail(why, broken(r), "PDU %02x of %u bytes, limit %u", type, len, max);
	if (max == SMALL && len < SMALL)
		return fail(why, broken(r), "PDU %02x of %u bytes, it has %d", type, len, SMALL);
	r->type = type;
	r->left = len;
	buf_reset(&r->body);
	return ERR_OK;
}

/* A PDV: length(4, counts what follows), context ID, control. r->left counts the PDU from here. */
static enum err begin_pdv(struct pdu_reader *r, uint8_t *reason, struct why *why)
{
	uint32_t len = be32(r->head);
	*reason = INVALID_PARAMETER;
	if (len < 2 || len > r->left - 4)
		return fail(why, broken(r), "a PDV of %u bytes in a PDU with %u left", len, r->left - 4);
	r->left -= PDV_HEAD;
	r->pdv_left = len - 2;
	r->context_id = r->head[4];
	r->control = r->head[5];
	r->in_pdv = true;
	return ERR_OK;
}

static void fragment(struct pdu_reader *r, struct bytes *in, struct pdu_event *out)
{
	size_t n = r->pdv_left < in->len ? r->pdv_left : in->len;
	*out = (struct pdu_event){ .kind = PDU_FRAGMENT, .type = PDU_DATA, .body = bytes_of(in->p, n), .context_id = r->context_id,
	                           .is_command = r->control & 1, .is_pdv_end = n == r->pdv_left };
	out->is_last = out->is_pdv_end && (r->control & 2);
	advance(in, n);
	r->pdv_left -= (uint32_t)n;
	r->left -= (uint32_t)n;
	if (!r->pdv_left) {
		r->in_pdv = false;
		if (!r->left)
			r->type = 0;
	}
}

static enum err next_data(struct pdu_reader *r, struct bytes *in, struct pdu_event *out, uint8_t *reason, struct why *why)
{
	if (!r->in_pdv) {
		if (!r->head_len && r->left < PDV_HEAD)
			return *reason = INVALID_PARAMETER, fail(why, broken(r), "%u bytes left in a P-DATA PDU, a PDV has at least %d", r->left, PDV_HEAD);
		if (!collect_head(r, in))
			return ERR_MORE;
		enum err e = begin_pdv(r, reason, why);
		if (e)
			return e;
	}
	if (r->pdv_left && !in->len)
		return ERR_MORE;
	fragment(r, in, out);
	return ERR_OK;
}

static enum err next_whole(struct pdu_reader *r, struct bytes *in, struct pdu_event *out, struct why *why)
{
	size_t n = r->left < in->len ? r->left : in->len;
	buf_add(&r->body, in->p, n);
	if (buf_err(&r->body))
		return fail(why, broken(r), "no memory for a PDU");
	advance(in, n);
	r->left -= (uint32_t)n;
	if (r->left)
		return ERR_MORE;
	*out = (struct pdu_event){ .kind = PDU_WHOLE, .type = r->type, .body = buf_view(&r->body) };
	r->type = 0;
	return ERR_OK;
}

enum err pdu_reader_next(struct pdu_reader *r, struct bytes *in, struct pdu_event *out, uint8_t *reason, struct why *why)
{
	*reason = INVALID_PARAMETER;
	if (r->is_broken)
		return fail(why, ERR_PROTO, "the stream was given up");
	if (!r->type) {
		if (!collect_head(r, in))
			return ERR_MORE;
		enum err e = begin_pdu(r, reason, why);
		if (e)
			return e;
		if (r->type == PDU_DATA) {
			*out = (struct pdu_event){ .kind = PDU_DATA_BEGINS, .type = PDU_DATA };
			if (!r->left)
				r->type = 0;     /* an empty P-DATA-TF: senseless and harmless */
			return ERR_OK;
		}
	}
	return r->type == PDU_DATA ? next_data(r, in, out, reason, why) : next_whole(r, in, out, why);
}
