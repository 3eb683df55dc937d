#include "pacs/ul/negotiate.h"

#include <string.h>

enum { ITEM_APPLICATION = 0x10, ITEM_CONTEXT_RQ = 0x20, ITEM_CONTEXT_AC = 0x21, ITEM_ABSTRACT = 0x30, ITEM_TRANSFER = 0x40,
       ITEM_USER = 0x50, ITEM_MAX_LENGTH = 0x51, ITEM_CLASS_UID = 0x52, ITEM_ASYNC = 0x53, ITEM_ROLE = 0x54, ITEM_VERSION = 0x55,
       ITEM_EXTENDED = 0x56, ITEM_IDENTITY = 0x58, ITEM_IDENTITY_AC = 0x59 };
enum { FIXED = 68 };     /* version 2, reserved 2, two AE titles, reserved 32: what comes before the items */
enum { MIN_PDU = 13 };   /* a fragment needs 6 bytes of PDV header and one to carry */

/* ---- reading ---- */

/* One item off the front of *in. */
static enum err next_item(struct bytes *in, uint8_t *type, struct bytes *value, struct why *why)
{
	*type = 0;
	*value = (struct bytes){ NULL, 0 };
	if (in->len < 4)
		return fail(why, ERR_PROTO, "an item header of %zu bytes, 4 are needed", in->len);
	size_t len = be16(in->p + 2);
	if (len > in->len - 4)
		return fail(why, ERR_PROTO, "item %02x of %zu bytes, %zu are left", in->p[0], len, in->len - 4);
	*type = in->p[0];
	*value = bytes_of(in->p + 4, len);
	in->p += 4 + len;
	in->len -= 4 + len;
	return ERR_OK;
}

static void take_aet(char out[BOUND_AET + 1], const uint8_t *p)
{
	size_t n = BOUND_AET;
	while (n && (p[n - 1] == ' ' || p[n - 1] == '\0'))
		n--;
	while (n && *p == ' ') {
		p++;
		n--;
	}
	for (size_t i = 0; i < n; i++)
		out[i] = p[i] < ' ' || p[i] == '\\' || p[i] > 126 ? '?' : (char)p[i];    /* it goes into logs */
	memset(out + n, 0, BOUND_AET + 1 - n);
}

/* Its letters are not judged: an illegal UID is one that nobody knows, and its context is refused alone. */
static enum err take_uid(struct arena *a, struct bytes v, const char **out, struct why *why)
{
	struct uid u;
	if (uid_take(&u, v))
		return fail(why, ERR_PROTO, "a UID of %zu bytes, limit %d", v.len, BOUND_UID);
	*out = arena_strn(a, u.s, strlen(u.s));
	return *out ? ERR_OK : fail(why, ERR_NOMEM, "no memory for an association request");
}

/* uidlen(2) UID at the front of *v. */
static enum err take_uid16(struct arena *a, struct bytes *v, const char **out, struct why *why)
{
	size_t n = v->len < 2 ? 0 : be16(v->p);
	if (v->len < 2 || n > v->len - 2)
		return fail(why, ERR_PROTO, "an item of %zu bytes with a UID of %zu", v->len, n);
	enum err e = take_uid(a, bytes_of(v->p + 2, n), out, why);
	v->p += 2 + n;
	v->len -= 2 + n;
	return e;
}

static enum err parse_context_rq(struct arena *a, struct bytes v, struct assoc_request *rq, struct why *why)
{
	const char *ts[BOUND_TS_PER_CONTEXT];
	struct negotiate_context pc = { .abstract_syntax = "" };
	if (v.len < 4)
		return fail(why, ERR_PROTO, "a presentation context of %zu bytes, at least 4 are needed", v.len);
	if (rq->context_count == BOUND_CONTEXTS)
		return fail(why, ERR_PROTO, "more than %d presentation contexts", BOUND_CONTEXTS);
	pc.id = v.p[0];
	v = bytes_of(v.p + 4, v.len - 4);
	while (v.len) {
		uint8_t type;
		struct bytes value;
		enum err e = next_item(&v, &type, &value, why);
		if (!e && type == ITEM_ABSTRACT)
			e = take_uid(a, value, &pc.abstract_syntax, why);
		else if (!e && type == ITEM_TRANSFER && pc.ts_count < BOUND_TS_PER_CONTEXT)
			e = take_uid(a, value, &ts[pc.ts_count++], why);
		if (e)
			return e;
	}
	pc.ts = arena_alloc(a, (pc.ts_count + 1) * sizeof(*ts));
	if (!pc.ts)
		return fail(why, ERR_NOMEM, "no memory for an association request");
	if (pc.ts_count)
		memcpy(pc.ts, ts, pc.ts_count * sizeof(*ts));
	rq->contexts[rq->context_count++] = pc;
	return ERR_OK;
}

/* What is alike in the user information of RQ and AC. */
struct user {
	struct negotiate_role *roles;
	struct negotiate_extended *extended;
	unsigned role_count, extended_count;
	struct negotiate_identity identity;
	uint32_t max_pdu;
	bool has_async, identity_response;
	uint16_t max_invoked, max_performed;
	const char *class_uid, *version;
};

static enum err parse_role(struct arena *a, struct bytes v, struct user *u, struct why *why)
{
	struct negotiate_role r;
	enum err e = take_uid16(a, &v, &r.sop_class, why);
	if (e)
		return e;
	if (v.len < 2)
		return fail(why, ERR_PROTO, "a role selection item without roles");
	r.scu = v.p[0] == 1;
	r.scp = v.p[1] == 1;
	if (u->role_count < BOUND_USER_ITEMS)
		u->roles[u->role_count++] = r;
	return ERR_OK;
}

static enum err parse_extended(struct arena *a, struct bytes v, struct user *u, struct why *why)
{
	struct negotiate_extended x;
	enum err e = take_uid16(a, &v, &x.sop_class, why);
	if (e)
		return e;
	x.info = arena_bytes(a, v);
	if (v.len && !x.info.p)
		return fail(why, ERR_NOMEM, "no memory for an association request");
	if (u->extended_count < BOUND_USER_ITEMS)
		u->extended[u->extended_count++] = x;
	return ERR_OK;
}

static enum err parse_identity(struct arena *a, struct bytes v, struct user *u, struct why *why)
{
	if (v.len < 4)
		return fail(why, ERR_PROTO, "a user identity item of %zu bytes", v.len);
	struct negotiate_identity *id = &u->identity;
	size_t n = be16(v.p + 2);
	if (n > v.len - 4)
		return fail(why, ERR_PROTO, "a user identity of %zu bytes in an item of %zu", n, v.len);
	id->type = v.p[0];
	id->response_requested = v.p[1] == 1;
	id->primary = arena_bytes(a, bytes_of(v.p + 4, n));
	v = bytes_of(v.p + 4 + n, v.len - 4 - n);
	size_t m = v.len < 2 ? 0 : be16(v.p);
	if (v.len >= 2 && m > v.len - 2)
		return fail(why, ERR_PROTO, "a passcode of %zu bytes, %zu are left", m, v.len - 2);
	id->secondary = arena_bytes(a, bytes_of(m ? v.p + 2 : NULL, m));
	return (n && !id->primary.p) || (m && !id->secondary.p) ? fail(why, ERR_NOMEM, "no memory for an association request") : ERR_OK;
}

static enum err parse_user_item(struct arena *a, uint8_t type, struct bytes v, struct user *u, struct why *why)
{
	switch (type) {
	case ITEM_MAX_LENGTH:
		if (v.len != 4)
			return fail(why, ERR_PROTO, "a maximum length item of %zu bytes", v.len);
		u->max_pdu = be32(v.p);
		if (u->max_pdu && u->max_pdu < MIN_PDU)
			return fail(why, ERR_PROTO, "a maximum length of %u carries nothing", u->max_pdu);
		return ERR_OK;
	case ITEM_CLASS_UID:
		return take_uid(a, v, &u->class_uid, why);
	case ITEM_VERSION:
		u->version = arena_strn(a, v.p, v.len < 16 ? v.len : 16);
		return u->version ? ERR_OK : fail(why, ERR_NOMEM, "no memory for an association request");
	case ITEM_ASYNC:
		if (v.len != 4)
			return fail(why, ERR_PROTO, "an asynchronous operations item of %zu bytes", v.len);
		u->has_async = true;
		u->max_invoked = be16(v.p);
		u->max_performed = be16(v.p + 2);
		return ERR_OK;
	case ITEM_ROLE:
		return parse_role(a, v, u, why);
	case ITEM_EXTENDED:
		return parse_extended(a, v, u, why);
	case ITEM_IDENTITY:
		return parse_identity(a, v, u, why);
	case ITEM_IDENTITY_AC:
		u->identity_response = true;
		return ERR_OK;
	default:
		return ERR_OK;           /* common extended negotiation (57) is information only; unknown items are skipped */
	}
}

static enum err parse_user(struct arena *a, struct bytes v, struct user *u, struct why *why)
{
	if (!u->roles)           /* a second item 50 adds to the first */
		u->roles = arena_alloc(a, BOUND_USER_ITEMS * sizeof(*u->roles));
	if (!u->extended)
		u->extended = arena_alloc(a, BOUND_USER_ITEMS * sizeof(*u->extended));
	if (!u->roles || !u->extended)
		return fail(why, ERR_NOMEM, "no memory for an association request");
	while (v.len) {
		uint8_t type;
		struct bytes value;
		enum err e = next_item(&v, &type, &value, why);
		if (!e)
			e = parse_user_item(a, type, value, u, why);
		if (e)
			return e;
	}
	return ERR_OK;
}

static struct user user_defaults(void)
{
	return (struct user){ .max_invoked = 1, .max_performed = 1, .class_uid = "", .version = "" };
}

enum err negotiate_parse_rq(struct arena *a, struct bytes body, struct assoc_request *out, struct why *why)
{
	*out = (struct assoc_request){ .application_context = "" };
	if (body.len < FIXED)
		return fail(why, ERR_PROTO, "an association request of %zu bytes, at least %d are needed", body.len, FIXED);
	if (!(be16(body.p) & 1))
		return fail(why, ERR_UNSUPPORTED, "protocol version bits %04x, version 1 is bit 0", be16(body.p));
	take_aet(out->called, body.p + 4);
	take_aet(out->calling, body.p + 20);
	out->contexts = arena_alloc(a, BOUND_CONTEXTS * sizeof(*out->contexts));
	if (!out->contexts)
		return fail(why, ERR_NOMEM, "no memory for an association request");
	struct user u = user_defaults();
	for (struct bytes in = bytes_of(body.p + FIXED, body.len - FIXED); in.len; ) {
		uint8_t type;
		struct bytes value;
		enum err e = next_item(&in, &type, &value, why);
		if (!e && type == ITEM_APPLICATION)
			e = take_uid(a, value, &out->application_context, why);
		else if (!e && type == ITEM_CONTEXT_RQ)
			e = parse_context_rq(a, value, out, why);
		else if (!e && type == ITEM_USER)
			e = parse_user(a, value, &u, why);
		if (e)
			return e;
	}
	out->roles = u.roles;
	out->role_count = u.role_count;
	out->extended = u.extended;
	out->extended_count = u.extended_count;
	out->identity = u.identity;
	out->max_pdu = u.max_pdu;
	out->has_async = u.has_async;
	out->max_invoked = u.max_invoked;
	out->max_performed = u.max_performed;
	out->implementation_class = u.class_uid;
	out->implementation_version = u.version;
	return ERR_OK;
}

static struct assoc_context *find_context(struct assoc_answer *ac, uint8_t id)
{
	for (unsigned i = 0; i < ac->context_count; i++)
		if (ac->contexts[i].id == id)
			return &ac->contexts[i];
	return NULL;
}

/* One for each proposed one, refused until its answer comes. */
static enum err begin_contexts(struct arena *a, const struct assoc_request *ours, struct assoc_answer *ac)
{
	ac->contexts = arena_alloc(a, (ours->context_count + 1) * sizeof(*ac->contexts));
	if (!ac->contexts)
		return ERR_NOMEM;
	for (unsigned i = 0; i < ours->context_count; i++) {
		struct assoc_context *pc = &ac->contexts[ac->context_count++];
		pc->id = ours->contexts[i].id;
		pc->result = CONTEXT_NO_REASON;
		if (uid_take(&pc->abstract_syntax, bytes_str(ours->contexts[i].abstract_syntax)))
			return ERR_LIMIT;
	}
	return ERR_OK;
}

static const struct ts *proposed_ts(const struct assoc_request *ours, const struct assoc_answer *ac, const struct assoc_context *pc, const char *ts)
{
	const struct negotiate_context *asked = &ours->contexts[pc - ac->contexts];
	for (unsigned i = 0; i < asked->ts_count; i++)
		if (!strcmp(asked->ts[i], ts))
			return ts_find(ts);
	return NULL;
}

/* An answer to what was not asked is passed over, and one that accepts with a syntax that was not proposed counts
 * as a refusal: neither makes the other contexts useless. */
static enum err parse_context_ac(struct bytes v, const struct assoc_request *ours, struct assoc_answer *ac, struct why *why)
{
	if (v.len < 4)
		return fail(why, ERR_PROTO, "a presentation context answer of %zu bytes", v.len);
	struct assoc_context *pc = find_context(ac, v.p[0]);
	if (!pc)
		return ERR_OK;
	pc->result = v.p[2];
	pc->ts = NULL;
	if (pc->result)
		return ERR_OK;                   /* the transfer syntax is not significant then */
	uint8_t type;
	struct bytes value, rest = bytes_of(v.p + 4, v.len - 4);
	struct uid ts;
	enum err e = next_item(&rest, &type, &value, why);
	if (e)
		return e;
	if (type == ITEM_TRANSFER && !uid_take(&ts, value))
		pc->ts = proposed_ts(ours, ac, pc, ts.s);
	if (!pc->ts)
		pc->result = CONTEXT_TRANSFER_SYNTAX;
	return ERR_OK;
}

/* PS3.7 D.3.3.4: without an answer the default roles hold. */
static void apply_roles_requestor(const struct assoc_request *ours, const struct user *u, struct assoc_answer *ac)
{
	for (unsigned i = 0; i < ac->context_count; i++) {
		struct assoc_context *pc = &ac->contexts[i];
		pc->may_invoke = pc->result == CONTEXT_ACCEPTED;
		for (unsigned k = 0; k < ours->role_count; k++)
			for (unsigned n = 0; n < u->role_count; n++)
				if (!strcmp(ours->roles[k].sop_class, pc->abstract_syntax.s) && !strcmp(u->roles[n].sop_class, pc->abstract_syntax.s)) {
					pc->may_invoke = !pc->result && ours->roles[k].scu && u->roles[n].scu;
					pc->may_perform = !pc->result && ours->roles[k].scp && u->roles[n].scp;
				}
	}
}

enum err negotiate_parse_ac(struct arena *a, struct bytes body, const struct assoc_request *ours, struct assoc_answer *out, struct why *why)
{
	*out = (struct assoc_answer){ .accept = true };
	if (body.len < FIXED)
		return fail(why, ERR_PROTO, "an association answer of %zu bytes, at least %d are needed", body.len, FIXED);
	if (begin_contexts(a, ours, out))
		return fail(why, ERR_NOMEM, "no memory for an association answer");
	struct user u = user_defaults();
	for (struct bytes in = bytes_of(body.p + FIXED, body.len - FIXED); in.len; ) {
		uint8_t type;
		struct bytes value;
		enum err e = next_item(&in, &type, &value, why);
		if (!e && type == ITEM_CONTEXT_AC)
			e = parse_context_ac(value, ours, out, why);
		else if (!e && type == ITEM_USER)
			e = parse_user(a, value, &u, why);
		if (e)
			return e;
	}
	apply_roles_requestor(ours, &u, out);
	out->roles = u.roles;
	out->role_count = u.role_count;
	out->extended = u.extended;
	out->extended_count = u.extended_count;
	out->identity_response = u.identity_response;
	out->max_pdu = u.max_pdu;
	out->has_async = u.has_async && ours->has_async;
	out->max_invoked = out->has_async ? u.max_invoked : 1;
	out->max_performed = out->has_async ? u.max_performed : 1;
	out->implementation_class = u.class_uid;
	out->implementation_version = u.version;
	return ERR_OK;
}
