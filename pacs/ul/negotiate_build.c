#include "pacs/ul/negotiate.h"

#include <string.h>

/* The writing half of negotiate.h, and the acceptor's decision. */

enum { PDU_RQ = 1, PDU_AC = 2, RESERVED = 32 };

static size_t begin_item(struct buf *b, uint8_t type)
{
	buf_add_byte(b, type);
	buf_add_byte(b, 0);
	buf_add_be16(b, 0);
	return b->len;
}

static void end_item(struct buf *b, size_t start)
{
	if (!buf_err(b) && b->len - start > UINT16_MAX)
		b->err = ERR_LIMIT;
	if (!buf_err(b))
		put_be16(b->p + start - 2, (uint16_t)(b->len - start));
}

static void text_item(struct buf *b, uint8_t type, const char *s)
{
	size_t at = begin_item(b, type);
	buf_add_str(b, s);
	end_item(b, at);
}

static void put_uid16(struct buf *b, const char *uid)
{
	buf_add_be16(b, (uint16_t)strlen(uid));
	buf_add_str(b, uid);
}

static size_t begin_pdu(struct buf *b, uint8_t type)
{
	buf_add_byte(b, type);
	buf_add_byte(b, 0);
	buf_add_be32(b, 0);
	return b->len;
}

static enum err end_pdu(struct buf *b, size_t start)
{
	if (!buf_err(b))
		put_be32(b->p + start - 4, (uint32_t)(b->len - start));
	return buf_err(b);
}

static void put_aet(struct buf *b, const char *aet)
{
	size_t n = strnlen(aet, BOUND_AET);
	buf_add(b, aet, n);
	while (n++ < BOUND_AET)
		buf_add_byte(b, ' ');
}

static void put_fixed(struct buf *b, const struct assoc_request *rq)
{
	buf_add_be16(b, 1);              /* protocol version 1 */
	buf_add_be16(b, 0);
	put_aet(b, rq->called);
	put_aet(b, rq->calling);
	uint8_t *p = buf_extend(b, RESERVED);
	if (p)
		memset(p, 0, RESERVED);
}

static void put_common(struct buf *b, uint32_t max_pdu, const char *class_uid, const char *version)
{
	size_t at = begin_item(b, 0x51);
	buf_add_be32(b, max_pdu);
	end_item(b, at);
	text_item(b, 0x52, class_uid && *class_uid ? class_uid : IMPLEMENTATION_CLASS_UID);
	text_item(b, 0x55, version && *version ? version : IMPLEMENTATION_VERSION);
}

static void put_negotiated(struct buf *b, const struct negotiate_role *roles, unsigned role_count,
                           const struct negotiate_extended *extended, unsigned extended_count, bool has_async, uint16_t invoked, uint16_t performed)
{
	size_t at;
	if (has_async) {
		at = begin_item(b, 0x53);
		buf_add_be16(b, invoked);
		buf_add_be16(b, performed);
		end_item(b, at);
	}
	for (unsigned i = 0; i < role_count; i++) {
		at = begin_item(b, 0x54);
		put_uid16(b, roles[i].sop_class);
		buf_add_byte(b, roles[i].scu);
		buf_add_byte(b, roles[i].scp);
		end_item(b, at);
	}
	for (unsigned i = 0; i < extended_count; i++) {
		at = begin_item(b, 0x56);
		put_uid16(b, extended[i].sop_class);
		buf_add(b, extended[i].info.p, extended[i].info.len);
		end_item(b, at);
	}
}

static void put_identity(struct buf *b, const struct negotiate_identity *id)
{
	if (!id->type)
		return;
	size_t at = begin_item(b, 0x58);
	buf_add_byte(b, id->type);
	buf_add_byte(b, id->response_requested);
	buf_add_be16(b, (uint16_t)id->primary.len);
	buf_add(b, id->primary.p, id->primary.len);
	buf_add_be16(b, (uint16_t)id->secondary.len);
	buf_add(b, id->secondary.p, id->secondary.len);
	end_item(b, at);
}

enum err negotiate_build_rq(const struct assoc_request *rq, struct buf *out)
{
	size_t pdu = begin_pdu(out, PDU_RQ), user;
	put_fixed(out, rq);
	text_item(out, 0x10, rq->application_context && *rq->application_context ? rq->application_context : UID_APPLICATION_CONTEXT);
	for (unsigned i = 0; i < rq->context_count; i++) {
		const struct negotiate_context *pc = &rq->contexts[i];
		size_t at = begin_item(out, 0x20);
		buf_add_byte(out, pc->id);
		buf_add(out, "\0\0", 3);
		text_item(out, 0x30, pc->abstract_syntax);
		for (unsigned k = 0; k < pc->ts_count; k++)
			text_item(out, 0x40, pc->ts[k]);
		end_item(out, at);
	}
	user = begin_item(out, 0x50);
	put_common(out, rq->max_pdu ? rq->max_pdu : BOUND_PDU_OURS, rq->implementation_class, rq->implementation_version);
	put_negotiated(out, rq->roles, rq->role_count, rq->extended, rq->extended_count, rq->has_async, rq->max_invoked, rq->max_performed);
	put_identity(out, &rq->identity);
	end_item(out, user);
	return end_pdu(out, pdu);
}

enum err negotiate_build_ac(const struct assoc_request *rq, const struct assoc_answer *ac, struct buf *out)
{
	size_t pdu = begin_pdu(out, PDU_AC), user;
	put_fixed(out, rq);
	text_item(out, 0x10, UID_APPLICATION_CONTEXT);
	for (unsigned i = 0; i < ac->context_count; i++) {
		const struct assoc_context *pc = &ac->contexts[i];
		size_t at = begin_item(out, 0x21);
		buf_add_byte(out, pc->id);
		buf_add_byte(out, 0);
		buf_add_byte(out, pc->result);
		buf_add_byte(out, 0);
		text_item(out, 0x40, pc->ts ? pc->ts->uid : TS_IMPLICIT_LE);
		end_item(out, at);
	}
	user = begin_item(out, 0x50);
	put_common(out, ac->max_pdu ? ac->max_pdu : BOUND_PDU_OURS, ac->implementation_class, ac->implementation_version);
	put_negotiated(out, ac->roles, ac->role_count, ac->extended, ac->extended_count, ac->has_async, ac->max_invoked, ac->max_performed);
	if (ac->identity_response) {
		size_t at = begin_item(out, 0x59);
		buf_add_be16(out, 0);            /* an empty server response: types 1 and 2 have no other */
		end_item(out, at);
	}
	end_item(out, user);
	return end_pdu(out, pdu);
}

/* ---- deciding ---- */

/* IDs are odd, and each stands once; the first keeps it. */
static bool is_bad_id(const struct assoc_request *rq, unsigned i)
{
	if (!(rq->contexts[i].id & 1))
		return true;
	for (unsigned k = 0; k < i; k++)
		if (rq->contexts[k].id == rq->contexts[i].id)
			return true;
	return false;
}

static const struct negotiate_role *find_role(const struct assoc_request *rq, const char *sop_class)
{
	for (unsigned i = 0; i < rq->role_count; i++)
		if (!strcmp(rq->roles[i].sop_class, sop_class))
			return &rq->roles[i];
	return NULL;
}

static void decide_context(const struct assoc_request *rq, unsigned i, const struct negotiate_policy *p, struct assoc_context *out, bool *as_scu)
{
	const struct negotiate_context *pc = &rq->contexts[i];
	const struct negotiate_role *role = find_role(rq, pc->abstract_syntax);
	*out = (struct assoc_context){ .id = pc->id, .result = CONTEXT_USER_REJECTION };
	memcpy(out->abstract_syntax.s, pc->abstract_syntax, strlen(pc->abstract_syntax));
	*as_scu = false;
	if (is_bad_id(rq, i))
		return;
	out->result = CONTEXT_TRANSFER_SYNTAX;
	if (!pc->ts_count)
		return;
	out->ts = p->pick(p->arg, pc, &out->result, as_scu);
	if (!out->ts) {
		if (out->result == CONTEXT_ACCEPTED)
			out->result = CONTEXT_NO_REASON;
		return;
	}
	out->result = CONTEXT_ACCEPTED;
	out->may_perform = !role || role->scu;           /* we serve unless the peer gave up its SCU role */
	out->may_invoke = role && role->scp && *as_scu;
}

/* One answer for each class that was asked for and of which a context was accepted. */
static void decide_roles(const struct assoc_request *rq, struct assoc_answer *ans)
{
	for (unsigned i = 0; i < rq->role_count; i++)
		for (unsigned k = 0; k < ans->context_count; k++)
			if (!ans->contexts[k].result && !strcmp(ans->contexts[k].abstract_syntax.s, rq->roles[i].sop_class)) {
				ans->roles[ans->role_count++] = (struct negotiate_role){ rq->roles[i].sop_class, rq->roles[i].scu,
				                                                        rq->roles[i].scp && ans->contexts[k].may_invoke };
				break;
			}
}

/* 0 asks for no limit. */
static uint16_t window(uint16_t asked, unsigned most)
{
	return asked == 0 || asked > most ? (uint16_t)most : asked;
}

enum err negotiate_decide(struct arena *a, const struct assoc_request *rq, const struct negotiate_policy *p, struct assoc_answer *ans)
{
	*ans = (struct assoc_answer){ .accept = true, .max_pdu = BOUND_PDU_OURS };
	ans->contexts = arena_alloc(a, (rq->context_count + 1) * sizeof(*ans->contexts));
	ans->roles = arena_alloc(a, (rq->role_count + 1) * sizeof(*ans->roles));
	if (!ans->contexts || !ans->roles)
		return ERR_NOMEM;
	for (unsigned i = 0; i < rq->context_count; i++) {
		bool as_scu;
		decide_context(rq, i, p, &ans->contexts[ans->context_count++], &as_scu);
	}
	decide_roles(rq, ans);
	unsigned most = p->max_ops ? p->max_ops : 1;
	ans->has_async = rq->has_async;
	ans->max_invoked = rq->has_async ? window(rq->max_invoked, most) : 1;
	ans->max_performed = rq->has_async ? window(rq->max_performed, most) : 1;
	ans->identity_response = rq->identity.type && rq->identity.response_requested;
	return ERR_OK;
}
