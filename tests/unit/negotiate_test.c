/* A-ASSOCIATE: there and back, decided, cut at every byte, and made hostile item by item. */
#include <stdlib.h>

#include "pacs/ul/negotiate.h"
#include "tests/lib/t.h"

#define CR "1.2.840.10008.5.1.4.1.1.1"
#define SC "1.2.840.10008.5.1.4.1.1.7"

static struct arena arena;

static struct bytes body_of(const struct buf *pdu)
{
	CHECK_INT(be32(pdu->p + 2), pdu->len - 6);
	return bytes_of(pdu->p + 6, pdu->len - 6);
}

/* ---- a full request ---- */

static const char *ts_two[] = { TS_EXPLICIT_LE, TS_IMPLICIT_LE }, *ts_odd[] = { "1.2.3.4" };
static struct negotiate_context contexts[] = { { 1, UID_VERIFICATION, ts_two, 2 }, { 3, CR, ts_two, 2 }, { 5, SC, ts_odd, 1 }, { 255, SC, ts_two, 1 } };
static struct negotiate_role roles[] = { { CR, true, true }, { SC, false, true } };
static struct negotiate_extended extended[] = { { UID_STUDY_ROOT_FIND, { (const uint8_t *)"\1\0\1", 3 } } };

static struct assoc_request full(void)
{
	return (struct assoc_request){
		.called = "CALLED_SIXTEEN_A", .calling = "ME", .application_context = UID_APPLICATION_CONTEXT, .contexts = contexts, .context_count = NELEM(contexts),
		.roles = roles, .role_count = NELEM(roles), .extended = extended, .extended_count = 1, .identity = { 2, true, BYTES("user"), BYTES("pass") },
		.max_pdu = 16384, .has_async = true, .max_invoked = 0, .max_performed = 5, .implementation_class = "1.2.3", .implementation_version = "V1",
	};
}

static void check_same(const struct assoc_request *got, const struct assoc_request *want)
{
	CHECK_STR(got->called, want->called);
	CHECK_STR(got->calling, want->calling);
	CHECK_STR(got->application_context, want->application_context);
	CHECK_INT(got->context_count, want->context_count);
	for (unsigned i = 0; i < want->context_count; i++) {
		CHECK_INT(got->contexts[i].id, want->contexts[i].id);
		CHECK_STR(got->contexts[i].abstract_syntax, want->contexts[i].abstract_syntax);
		CHECK_INT(got->contexts[i].ts_count, want->contexts[i].ts_count);
		for (unsigned k = 0; k < want->contexts[i].ts_count; k++)
			CHECK_STR(got->contexts[i].ts[k], want->contexts[i].ts[k]);
	}
	CHECK_INT(got->role_count, want->role_count);
	for (unsigned i = 0; i < want->role_count; i++) {
		CHECK_STR(got->roles[i].sop_class, want->roles[i].sop_class);
		CHECK(got->roles[i].scu == want->roles[i].scu && got->roles[i].scp == want->roles[i].scp);
	}
	CHECK_INT(got->extended_count, want->extended_count);
	CHECK(bytes_equal(got->extended[0].info, want->extended[0].info));
	CHECK_INT(got->identity.type, want->identity.type);
	CHECK(got->identity.response_requested == want->identity.response_requested);
	CHECK(bytes_equal(got->identity.primary, want->identity.primary) && bytes_equal(got->identity.secondary, want->identity.secondary));
	CHECK_INT(got->max_pdu, want->max_pdu);
	CHECK_INT(got->max_invoked, want->max_invoked);
	CHECK_INT(got->max_performed, want->max_performed);
	CHECK_STR(got->implementation_class, want->implementation_class);
	CHECK_STR(got->implementation_version, want->implementation_version);
}

TEST(round, "a request with every item comes back as it went")
{
	struct assoc_request rq = full(), got;
	struct why why = { "" };
	struct buf b;
	buf_init(&b, BOUND_ASSOCIATE_PDU);
	CHECK_INT(negotiate_build_rq(&rq, &b), ERR_OK);
	CHECK_INT(b.p[0], 1);
	CHECK_OK(negotiate_parse_rq(&arena, body_of(&b), &got, &why), why);
	check_same(&got, &rq);
	buf_fini(&b);
}

TEST(cut, "a request cut anywhere is never read past its end, and is refused when an item is cut")
{
	struct assoc_request rq = full(), got;
	struct buf b;
	buf_init(&b, BOUND_ASSOCIATE_PDU);
	CHECK_INT(negotiate_build_rq(&rq, &b), ERR_OK);
	unsigned taken = 0;
	for (size_t n = 0; n < b.len - 6; n++) {
		struct arena_mark m = arena_mark(&arena);
		uint8_t *copy = malloc(n ? n : 1);
		if (n)
			memcpy(copy, b.p + 6, n);
		taken += negotiate_parse_rq(&arena, bytes_of(copy, n), &got, NULL) == ERR_OK;
		free(copy);
		arena_release(&arena, m);
	}
	CHECK_INT(taken, 6);     /* behind the fixed part, the application context, and each context but none inside */
	buf_fini(&b);
}

/* ---- hostile items: appended to the fixed part ---- */

static struct bytes with_items(struct buf *b, struct bytes items)
{
	buf_init(b, BOUND_ASSOCIATE_PDU);
	buf_add(b, "\0\1\0\0CALLED          CALLING         ", 36);
	memset(buf_extend(b, 32), 0, 32);
	buf_add(b, items.p, items.len);
	return buf_view(b);
}

static const struct { const char *says; struct bytes items; enum err want; } hostile[] = {
	{ "no items at all", BYTES(""), ERR_OK },
	{ "an unknown item", BYTES("\x99\0\0\2xx"), ERR_OK },
	{ "an unknown user item, and common extended negotiation", BYTES("\x50\0\0\x0B\x77\0\0\1x\x57\0\0\2ab"), ERR_OK },
	{ "an item header cut", BYTES("\x10\0\0"), ERR_PROTO },
	{ "an item past the end", BYTES("\x10\0\0\5x"), ERR_PROTO },
	{ "a context of 3 bytes", BYTES("\x20\0\0\3\1\0\0"), ERR_PROTO },
	{ "a context without syntaxes", BYTES("\x20\0\0\4\1\0\0\0"), ERR_OK },
	{ "a context with empty UIDs", BYTES("\x20\0\0\x0C\1\0\0\0\x30\0\0\0\x40\0\0\0"), ERR_OK },
	{ "a sub-item past its context", BYTES("\x20\0\0\x08\1\0\0\0\x30\0\0\1"), ERR_PROTO },
	{ "a user item past item 50", BYTES("\x50\0\0\4\x51\0\0\4\0\0\0\0"), ERR_PROTO },
	{ "a maximum length of 2 bytes", BYTES("\x50\0\0\6\x51\0\0\2\1\0"), ERR_PROTO },
	{ "a maximum length of 12", BYTES("\x50\0\0\x08\x51\0\0\4\0\0\0\x0C"), ERR_PROTO },
	{ "a maximum length of 13", BYTES("\x50\0\0\x08\x51\0\0\4\0\0\0\x0D"), ERR_OK },
	{ "an async item of 3 bytes", BYTES("\x50\0\0\7\x53\0\0\3\0\1\0"), ERR_PROTO },
	{ "a role whose UID passes the item", BYTES("\x50\0\0\x08\x54\0\0\4\0\5xx"), ERR_PROTO },
	{ "a role without roles", BYTES("\x50\0\0\x08\x54\0\0\4\0\2xx"), ERR_PROTO },
	{ "an extended negotiation of one byte", BYTES("\x50\0\0\5\x56\0\0\1\0"), ERR_PROTO },
	{ "an extended negotiation of nothing", BYTES("\x50\0\0\6\x56\0\0\2\0\0"), ERR_OK },
	{ "an identity of 3 bytes", BYTES("\x50\0\0\7\x58\0\0\3\1\0\0"), ERR_PROTO },
	{ "an identity longer than its item", BYTES("\x50\0\0\x08\x58\0\0\4\1\0\xFF\xFF"), ERR_PROTO },
	{ "a passcode longer than its item", BYTES("\x50\0\0\x0A\x58\0\0\6\2\0\0\0\0\1"), ERR_PROTO },
	{ "an identity without a passcode's length", BYTES("\x50\0\0\x08\x58\0\0\4\1\0\0\0"), ERR_OK },
	{ "a version name of 40 letters", BYTES("\x50\0\0\x2C\x55\0\0\x28" "1234567890123456789012345678901234567890"), ERR_OK },
	{ "two user items 50, the first with a role", BYTES("\x20\0\0\x1E\1\0\0\0\x30\0\0\1" "x\x40\0\0\x11" "1.2.840.10008.1.2\x50\0\0\x09\x54\0\0\5\0\1x\1\1\x50\0\0\0"), ERR_OK },
};

static const struct ts *pick_first(void *arg, const struct negotiate_context *pc, uint8_t *result, bool *as_scu)
{
	(void)arg;
	*as_scu = true;
	const struct ts *ts = ts_find(pc->ts[0]);
	if (!ts)
		*result = CONTEXT_TRANSFER_SYNTAX;
	return ts;
}
static const struct negotiate_policy policy = { .pick = pick_first, .max_ops = 8 };

TEST(hostility, "each broken item is refused with words; what is only strange is taken, decided and answered")
{
	for (size_t i = 0; i < NELEM(hostile); i++) {
		struct buf b, pdu;
		struct assoc_request rq;
		struct assoc_answer ans;
		struct why why = { "" };
		enum err e = negotiate_parse_rq(&arena, with_items(&b, hostile[i].items), &rq, &why);
		if (e != hostile[i].want || (e && !why.text[0]))
			T_FAIL("%s: %s, \"%s\"", hostile[i].says, err_name(e), why.text);
		if (!e) {
			buf_init(&pdu, BOUND_ASSOCIATE_PDU);
			CHECK_INT(negotiate_decide(&arena, &rq, &policy, &ans), ERR_OK);
			CHECK_INT(negotiate_build_ac(&rq, &ans, &pdu), ERR_OK);
			buf_fini(&pdu);
		}
		buf_fini(&b);
	}
}

/* n contexts, IDs 1, 3, 5 ... and again from 1. */
static void add_contexts(struct buf *items, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		buf_add(items, "\x20\0\0\x21", 4);
		buf_add_byte(items, (uint8_t)(2 * i + 1));
		buf_add(items, "\0\0\0\x30\0\0\4" "1.22\x40\0\0\x11" "1.2.840.10008.1.2", 3 + 8 + 4 + 17);
	}
}

TEST(contexts_128, "128 contexts are answered one by one, 129 are too many")
{
	for (unsigned n = 128; n <= 129; n++) {
		struct buf items, b;
		struct assoc_request rq;
		struct assoc_answer ans;
		struct why why = { "" };
		buf_init(&items, BOUND_ASSOCIATE_PDU);
		add_contexts(&items, n);
		enum err e = negotiate_parse_rq(&arena, with_items(&b, buf_view(&items)), &rq, &why);
		CHECK_INT(e, n == 128 ? ERR_OK : ERR_PROTO);
		if (!e) {
			CHECK_INT(negotiate_decide(&arena, &rq, &policy, &ans), ERR_OK);
			CHECK_INT(ans.context_count, 128);
			for (unsigned i = 0; i < 128; i++)
				CHECK_INT(ans.contexts[i].result, CONTEXT_ACCEPTED);
		}
		buf_fini(&items);
		buf_fini(&b);
	}
}

/* ---- decisions ---- */

TEST(decides, "a repeated or even ID is refused alone; roles go both ways only when both want them")
{
	struct negotiate_context pcs[] = { { 1, CR, ts_two, 2 }, { 1, CR, ts_two, 2 }, { 2, CR, ts_two, 2 }, { 7, SC, ts_odd, 1 }, { 9, SC, ts_two, 2 } };
	struct assoc_request rq = full();
	struct assoc_answer ans;
	rq.contexts = pcs;
	rq.context_count = NELEM(pcs);
	CHECK_INT(negotiate_decide(&arena, &rq, &policy, &ans), ERR_OK);
	static const uint8_t want[] = { CONTEXT_ACCEPTED, CONTEXT_USER_REJECTION, CONTEXT_USER_REJECTION, CONTEXT_TRANSFER_SYNTAX, CONTEXT_ACCEPTED };
	CHECK_INT(ans.context_count, NELEM(want));
	for (unsigned i = 0; i < NELEM(want); i++)
		CHECK_INT(ans.contexts[i].result, want[i]);
	CHECK(ans.contexts[0].may_perform && ans.contexts[0].may_invoke);
	CHECK(!ans.contexts[4].may_perform && ans.contexts[4].may_invoke);
	CHECK_INT(ans.max_invoked, 8);           /* unlimited was asked for */
	CHECK_INT(ans.max_performed, 5);
}

static enum err answer(struct assoc_answer *given, struct assoc_answer *got, struct why *why)
{
	struct assoc_request rq = full();
	struct buf b;
	buf_init(&b, BOUND_ASSOCIATE_PDU);
	CHECK_INT(negotiate_build_ac(&rq, given, &b), ERR_OK);
	enum err e = negotiate_parse_ac(&arena, body_of(&b), &rq, got, why);
	buf_fini(&b);
	return e;
}

TEST(answered, "the answer tells the requestor what it may do, one context for each that it proposed")
{
	struct assoc_request rq = full();
	struct assoc_answer ans, got;
	struct why why = { "" };
	CHECK_INT(negotiate_decide(&arena, &rq, &policy, &ans), ERR_OK);
	CHECK_OK(answer(&ans, &got, &why), why);
	CHECK_INT(got.context_count, NELEM(contexts));
	CHECK_STR(got.contexts[0].ts->uid, TS_EXPLICIT_LE);
	CHECK(got.contexts[0].may_invoke && !got.contexts[0].may_perform);
	CHECK(got.contexts[1].may_invoke && got.contexts[1].may_perform);
	CHECK_INT(got.contexts[2].result, CONTEXT_TRANSFER_SYNTAX);
	CHECK(!got.contexts[3].may_invoke && got.contexts[3].may_perform);
	CHECK_INT(got.max_invoked, 8);
	CHECK_INT(got.max_pdu, BOUND_PDU_OURS);
	CHECK(got.identity_response);
}

TEST(careless, "an answer to nothing, a missing one, and a syntax that was not proposed refuse one context each")
{
	struct assoc_context pcs[] = {
		{ .id = 9, .ts = ts_find(TS_IMPLICIT_LE) },                      /* never proposed */
		{ .id = 255, .ts = ts_find(TS_JPEG_BASELINE) },                  /* proposed without this syntax */
		{ .id = 1, .ts = ts_find(TS_IMPLICIT_LE) },
	};
	struct assoc_answer given = { .accept = true, .contexts = pcs, .context_count = NELEM(pcs) }, got;
	struct why why = { "" };
	CHECK_OK(answer(&given, &got, &why), why);
	CHECK_INT(got.context_count, NELEM(contexts));
	CHECK_INT(got.contexts[0].id, 1);
	CHECK_INT(got.contexts[0].result, CONTEXT_ACCEPTED);
	CHECK_INT(got.contexts[1].result, CONTEXT_NO_REASON);
	CHECK_INT(got.contexts[3].id, 255);
	CHECK_INT(got.contexts[3].result, CONTEXT_TRANSFER_SYNTAX);
	CHECK(!got.contexts[3].ts && !got.contexts[3].may_invoke);
	CHECK_INT(got.max_invoked, 1);           /* no item 53 */
}

TEST(version, "another protocol version is told apart from a broken request")
{
	struct buf b;
	struct assoc_request rq;
	with_items(&b, BYTES(""));
	b.p[1] = 2;
	CHECK_INT(negotiate_parse_rq(&arena, buf_view(&b), &rq, NULL), ERR_UNSUPPORTED);
	b.p[1] = 3;
	CHECK_INT(negotiate_parse_rq(&arena, buf_view(&b), &rq, NULL), ERR_OK);
	buf_fini(&b);
}

int main(void)
{
	arena_init(&arena, 16 << 20);
	RUN(round);
	RUN(cut);
	RUN(hostility);
	RUN(contexts_128);
	RUN(decides);
	RUN(answered);
	RUN(careless);
	RUN(version);
	arena_fini(&arena);
	return t_done();
}
