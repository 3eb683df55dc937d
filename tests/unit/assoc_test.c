/* Two associations joined in memory: what one puts out the other is fed, cut at every size. */
#include <stdlib.h>

#include "pacs/ul/assoc.h"
#include "tests/lib/t.h"

struct end {
	struct assoc a;
	struct dimse cmd;
	unsigned commands, opens;
	size_t data_len;
	uint32_t data_sum;
	bool data_done, echo_back;
	bool reject;
};

static const struct ts *pick(void *arg, const struct negotiate_context *pc, uint8_t *result, bool *as_scu)
{
	(void)arg;
	*as_scu = true;
	if (!strcmp(pc->abstract_syntax, "1.2.3")) {
		*result = CONTEXT_ABSTRACT_SYNTAX;
		return NULL;
	}
	return ts_find(pc->ts[pc->ts_count - 1]);
}

static void on_request(void *user, struct arena *ar, const struct assoc_request *rq, struct assoc_answer *ans)
{
	struct end *e = user;
	struct negotiate_policy p = { .pick = pick, .max_ops = 8 };
	CHECK_INT(negotiate_decide(ar, rq, &p, ans), ERR_OK);
	if (e->reject) {
		ans->accept = false;
		ans->rj_result = 1;
		ans->rj_source = 1;
		ans->rj_reason = 7;
	}
}

static void on_open(void *user)
{
	((struct end *)user)->opens++;
}

static void on_command(void *user, uint8_t ctx, const struct dimse *cmd)
{
	struct end *e = user;
	e->cmd = *cmd;
	e->commands++;
	if (e->echo_back && !cmd->has_data) {
		struct dimse rsp = dimse_response(cmd, 0);
		CHECK_INT(assoc_send_command(&e->a, ctx, &rsp), ERR_OK);
	}
}

static void on_data(void *user, uint8_t ctx, struct bytes piece, bool is_last)
{
	struct end *e = user;
	(void)ctx;
	for (size_t i = 0; i < piece.len; i++)
		e->data_sum = e->data_sum * 31 + piece.p[i];
	e->data_len += piece.len;
	e->data_done |= is_last;
}

static const struct assoc_events events = { on_request, on_open, on_command, on_data };
static const char *ts_both[] = { TS_EXPLICIT_LE, TS_IMPLICIT_LE };
static struct negotiate_context contexts[] = {
	{ 1, UID_VERIFICATION, ts_both, 2 }, { 3, "1.2.840.10008.5.1.4.1.1.7", ts_both, 1 }, { 5, "1.2.3", ts_both, 2 },
};
static struct negotiate_role roles[] = { { "1.2.840.10008.5.1.4.1.1.7", false, true } };

static struct assoc_request request(void)
{
	return (struct assoc_request){ .called = "CALLED", .calling = "CALLING", .contexts = contexts, .context_count = NELEM(contexts), .roles = roles,
	                               .role_count = 1, .max_pdu = 16384, .has_async = true, .max_invoked = 4, .max_performed = 0 };
}

/* Moves bytes both ways, at most `chunk` at once, until nothing moves. */
static void pump(struct end *x, struct end *y, size_t chunk)
{
	struct end *from[2] = { x, y }, *to[2] = { y, x };
	for (bool moved = true; moved; ) {
		moved = false;
		for (int i = 0; i < 2; i++) {
			size_t n = from[i]->a.out.len < chunk ? from[i]->a.out.len : chunk;
			if (!n)
				continue;
			uint8_t *copy = malloc(n);       /* exactly as long as it is: overreads show */
			memcpy(copy, from[i]->a.out.p, n);
			buf_consume(&from[i]->a.out, n);
			assoc_feed(&to[i]->a, bytes_of(copy, n));
			free(copy);
			moved = true;
		}
	}
}

static void open_pair(struct end *scu, struct end *scp, size_t chunk)
{
	struct assoc_request rq = request();
	memset(scu, 0, sizeof(*scu));
	bool reject = scp->reject;
	memset(scp, 0, sizeof(*scp));
	scp->reject = reject;
	scp->echo_back = true;
	assoc_init(&scu->a, true, &events, scu);
	assoc_init(&scp->a, false, &events, scp);
	CHECK_INT(assoc_open(&scu->a, &rq), ERR_OK);
	assoc_on_accepted(&scp->a);
	CHECK(scp->a.artim_on);
	assoc_on_connected(&scu->a);
	pump(scu, scp, chunk);
}

static void close_pair(struct end *scu, struct end *scp)
{
	assoc_fini(&scu->a);
	assoc_fini(&scp->a);
}

TEST(negotiates, "contexts, roles, window and maximum are agreed, however the stream is cut")
{
	for (size_t chunk = 1; chunk < 40; chunk += chunk < 4 ? 1 : 17) {
		struct end scu, scp = { 0 };
		open_pair(&scu, &scp, chunk);
		CHECK_INT(scu.opens, 1);
		CHECK_INT(scp.opens, 1);
		CHECK_STR(scp.a.calling, "CALLING");
		CHECK_INT(scu.a.context_count, 3);
		CHECK_STR(assoc_context(&scu.a, 1)->ts->uid, TS_IMPLICIT_LE);
		CHECK(assoc_context(&scu.a, 3)->may_perform && !assoc_context(&scu.a, 3)->may_invoke);
		CHECK(assoc_context(&scp.a, 3)->may_invoke);
		CHECK(!assoc_context(&scu.a, 5));
		CHECK_INT(scu.a.contexts[2].result, CONTEXT_ABSTRACT_SYNTAX);
		CHECK_INT(scu.a.max_invoked, 4);
		CHECK_INT(scp.a.peer_max, 16384);
		CHECK(!scp.a.artim_on);
		close_pair(&scu, &scp);
	}
}

TEST(messages, "a command is answered, and a data set of any size arrives whole")
{
	static const size_t sizes[] = { 0, 1, 16377, 16378, 16379, 200000 };
	for (size_t i = 0; i < NELEM(sizes); i++) {
		struct end scu, scp = { 0 };
		open_pair(&scu, &scp, 1 << 20);
		struct dimse echo = { .field = DIMSE_C_ECHO_RQ, .message_id = 9 };
		CHECK_INT(assoc_send_command(&scu.a, 1, &echo), ERR_OK);
		pump(&scu, &scp, 7);
		CHECK_INT(scu.cmd.field, DIMSE_C_ECHO_RSP);
		CHECK_INT(scu.cmd.message_id, 9);

		uint8_t *data = calloc(1, sizes[i] + 1);
		uint32_t sum = 0;
		for (size_t k = 0; k < sizes[i]; k++)
			sum = sum * 31 + (data[k] = (uint8_t)(k * 7));
		struct dimse store = { .field = DIMSE_C_STORE_RQ, .message_id = 10, .has_data = true };
		CHECK_INT(assoc_send_command(&scu.a, 1, &store), ERR_OK);
		CHECK_INT(assoc_send_data(&scu.a, 1, bytes_of(data, sizes[i]), true), ERR_OK);
		pump(&scu, &scp, 1000);
		CHECK(scp.data_done);
		CHECK_INT(scp.data_len, sizes[i]);
		CHECK_INT(scp.data_sum, sum);
		free(data);
		close_pair(&scu, &scp);
	}
}

TEST(release, "a release is agreed to; when both ask at once both get through")
{
	struct end scu, scp = { 0 };
	open_pair(&scu, &scp, 100);
	assoc_release(&scu.a);
	pump(&scu, &scp, 3);
	CHECK_INT(scu.a.end, ASSOC_RELEASED);
	CHECK(scu.a.wants_close);
	CHECK_INT(scp.a.state, STA13);
	assoc_on_closed(&scp.a);
	CHECK_INT(scp.a.end, ASSOC_RELEASED);
	close_pair(&scu, &scp);

	open_pair(&scu, &scp, 100);
	assoc_release(&scu.a);
	assoc_release(&scp.a);
	pump(&scu, &scp, 100);
	CHECK_INT(scu.a.end, ASSOC_RELEASED);
	CHECK_INT(scp.a.end, ASSOC_RELEASED);
	close_pair(&scu, &scp);
}

TEST(rejected, "a rejection reaches the requestor with its codes")
{
	struct end scu, scp = { .reject = true };
	open_pair(&scu, &scp, 2);
	CHECK_INT(scu.a.end, ASSOC_REJECTED);
	CHECK_INT(scu.a.rj_result, 1);
	CHECK_INT(scu.a.rj_source, 1);
	CHECK_INT(scu.a.rj_reason, 7);
	CHECK_INT(scp.a.end, ASSOC_REJECTED);
	CHECK_INT(scp.opens, 0);
	close_pair(&scu, &scp);
}

TEST(aborts, "an abort ends both sides, and data after it is not looked at")
{
	struct end scu, scp = { 0 };
	open_pair(&scu, &scp, 100);
	assoc_abort(&scu.a, "enough");
	assoc_abort(&scu.a, "twice is harmless");
	pump(&scu, &scp, 100);
	CHECK_INT(scu.a.end, ASSOC_ABORTED_BY_US);
	CHECK_STR(scu.a.detail.text, "enough");
	CHECK_INT(scp.a.end, ASSOC_ABORTED);
	CHECK(scp.a.wants_close);
	struct dimse echo = { .field = DIMSE_C_ECHO_RQ, .message_id = 1 };
	CHECK_INT(assoc_send_command(&scu.a, 1, &echo), ERR_CLOSED);
	close_pair(&scu, &scp);
}

/* What a hostile peer sends in data transfer; each ends in A-ABORT from the provider with this reason. */
static const struct { const char *says; struct bytes in; uint8_t reason; } hostile[] = {
	{ "type 08 does not exist", BYTES("\10\0\0\0\0\0"), 1 },
	{ "a P-DATA over what we announced", BYTES("\4\0\0\2\0\1"), 6 },
	{ "a PDV past the end of its PDU", BYTES("\4\0\0\0\0\6\0\0\0\3\1\3"), 6 },
	{ "a PDV of one byte", BYTES("\4\0\0\0\0\6\0\0\0\1\1\3"), 6 },
	{ "a PDU that cannot hold a PDV", BYTES("\4\0\0\0\0\5\0\0\0\1\1"), 6 },
	{ "a command on a context that was refused", BYTES("\4\0\0\0\0\6\0\0\0\2\5\3"), 6 },
	{ "a command on a context that was never proposed", BYTES("\4\0\0\0\0\6\0\0\0\2\7\3"), 6 },
	{ "a data set without a command", BYTES("\4\0\0\0\0\6\0\0\0\2\1\2"), 6 },
	{ "an empty command set", BYTES("\4\0\0\0\0\6\0\0\0\2\1\3"), 6 },
	{ "a command set cut in an element", BYTES("\4\0\0\0\0\13\0\0\0\7\1\3\0\0\0\1\2"), 6 },
	{ "an association request in an association", BYTES("\1\0\0\0\0\1x"), 2 },
	{ "a release answer nobody asked for", BYTES("\6\0\0\0\0\4\0\0\0\0"), 2 },
	{ "a release request of five bytes", BYTES("\5\0\0\0\0\5\0\0\0\0\0"), 6 },
};

TEST(hostility, "what may not come is answered by A-ABORT with the standard's reason, however it is cut")
{
	for (size_t i = 0; i < NELEM(hostile); i++)
		for (size_t chunk = 1; chunk <= hostile[i].in.len; chunk++) {
			struct end scu, scp = { 0 };
			open_pair(&scu, &scp, 1000);
			for (size_t at = 0; at < hostile[i].in.len; at += chunk) {
				size_t n = hostile[i].in.len - at < chunk ? hostile[i].in.len - at : chunk;
				uint8_t *copy = malloc(n);
				memcpy(copy, hostile[i].in.p + at, n);
				assoc_feed(&scp.a, bytes_of(copy, n));
				free(copy);
			}
			if (scp.a.end != ASSOC_ABORTED_BY_US || scp.a.out.len != 10 || scp.a.out.p[0] != 7 || scp.a.out.p[8] != 2 || scp.a.out.p[9] != hostile[i].reason)
				T_FAIL("%s, chunk %zu: end %d, %zu bytes out, reason %d", hostile[i].says, chunk, (int)scp.a.end, scp.a.out.len,
				       scp.a.out.len == 10 ? scp.a.out.p[9] : -1);
			close_pair(&scu, &scp);
		}
}

TEST(silence, "a transport without a request ends by ARTIM; a peer that closes is told apart from one that releases")
{
	struct end scp = { 0 };
	assoc_init(&scp.a, false, &events, &scp);
	assoc_on_accepted(&scp.a);
	CHECK(scp.a.artim_on);
	assoc_on_artim(&scp.a);
	CHECK(scp.a.wants_close);
	assoc_fini(&scp.a);

	struct end scu, other = { 0 };
	open_pair(&scu, &other, 100);
	assoc_on_closed(&other.a);
	CHECK_INT(other.a.end, ASSOC_LOST);
	close_pair(&scu, &other);
}

/* ---- every PDU in every state that an association can rest in ---- */

static struct buf ac_pdu;        /* an A-ASSOCIATE-AC that answers request() */

static void clear_out(struct end *e)
{
	buf_consume(&e->a.out, e->a.out.len);
}

static void deliver(struct end *from, struct end *to)
{
	uint8_t copy[1024];
	size_t n = from->a.out.len;
	CHECK(n <= sizeof(copy));
	memcpy(copy, from->a.out.p, n);
	clear_out(from);
	assoc_feed(&to->a, bytes_of(copy, n));
}

/* Returns the side that is in the state; both must be finished by close_pair(). */
static struct end *bring_to(enum fsm_state sta, struct end *scu, struct end *scp)
{
	struct assoc_request rq = request();
	struct end *e = scu;
	*scp = (struct end){ 0 };
	if (sta >= STA6) {
		open_pair(scu, scp, 1000);
	} else {
		*scu = (struct end){ 0 };
		assoc_init(&scu->a, true, &events, scu);
		assoc_init(&scp->a, false, &events, scp);
		CHECK_INT(assoc_open(&scu->a, &rq), ERR_OK);
		assoc_on_accepted(&scp->a);
	}
	if (sta == STA2)
		e = scp;
	if (sta == STA5)
		assoc_on_connected(&scu->a);
	if (sta == STA7 || sta == STA10 || sta == STA11)
		assoc_release(&scu->a);
	if (sta == STA10 || sta == STA11) {      /* both ask; one has heard the other */
		assoc_release(&scp->a);
		e = sta == STA10 ? scp : scu;
		deliver(e == scu ? scp : scu, e);
	}
	if (sta == STA13)
		assoc_abort(&scu->a, "test");
	CHECK_INT(e->a.state, sta);
	clear_out(e);
	return e;
}

static struct bytes pdu_of(enum fsm_event ev, struct buf *b)
{
	struct assoc_request rq = request();
	struct dimse echo = { .field = DIMSE_C_ECHO_RSP, .message_id = 1 };
	if (ev == EV_ASSOCIATE_RQ)
		CHECK_INT(negotiate_build_rq(&rq, b), ERR_OK);
	else if (ev == EV_ASSOCIATE_AC)
		buf_add(b, ac_pdu.p, ac_pdu.len);
	else if (ev == EV_ASSOCIATE_RJ)
		buf_add(b, "\3\0\0\0\0\4\0\1\1\1", 10);
	else if (ev == EV_RELEASE_RQ)
		buf_add(b, "\5\0\0\0\0\4\0\0\0\0", 10);
	else if (ev == EV_RELEASE_RP)
		buf_add(b, "\6\0\0\0\0\4\0\0\0\0", 10);
	else if (ev == EV_ABORT)
		buf_add(b, "\7\0\0\0\0\4\0\0\0\0", 10);
	else if (ev == EV_INVALID)
		buf_add(b, "\11\0\0\0\0\0", 6);
	else {
		buf_add(b, "\4\0\0\0\0\0\0\0\0\0\1\3", 12);
		CHECK_INT(dimse_build(&echo, b), ERR_OK);
		put_be32(b->p + 2, (uint32_t)(b->len - 6));
		put_be32(b->p + 6, (uint32_t)(b->len - 10));
	}
	return buf_view(b);
}

/* Where the state goes when we answer at once what is ours to answer. */
static enum fsm_state rest(enum fsm_state s)
{
	return s == STA3 ? STA6 : s == STA8 || s == STA12 ? STA13 : s == STA9 ? STA11 : s;
}

static void one_cell(enum fsm_state sta, enum fsm_event ev)
{
	struct end scu, scp;
	struct end *e = bring_to(sta, &scu, &scp);
	struct buf b;
	buf_init(&b, 65536);
	enum fsm_state next;
	enum fsm_action action = fsm_step(sta, ev, e->a.is_requestor, &next);
	unsigned commands = e->commands;
	assoc_feed(&e->a, pdu_of(ev, &b));
	bool aborts = action == AA_1 || action == AA_7 || action == AA_8;
	const uint8_t *out = e->a.out.p;
	if (e->a.state != rest(next))
		T_FAIL("event %d in Sta%d: went to %d, wanted %d", (int)ev, (int)sta, (int)e->a.state, (int)rest(next));
	if (aborts != (e->a.out.len == 10 && out[0] == 7))
		T_FAIL("event %d in Sta%d: %zu bytes out, an abort %s wanted", (int)ev, (int)sta, e->a.out.len, aborts ? "was" : "was not");
	else if (aborts)
		CHECK_INT(out[8], action == AA_1 ? 0 : 2);
	CHECK(e->a.wants_close == (next == STA1));
	CHECK_INT(e->commands - commands, action == DT_2 || action == AR_6);
	buf_fini(&b);
	close_pair(&scu, &scp);
}

TEST(states, "each PDU in each state does what table 9-10 says, down to the bytes of the abort")
{
	static const enum fsm_state states[] = { STA2, STA5, STA6, STA7, STA10, STA11, STA13 };
	static const enum fsm_event pdus[] = { EV_ASSOCIATE_RQ, EV_ASSOCIATE_AC, EV_ASSOCIATE_RJ, EV_DATA, EV_RELEASE_RQ, EV_RELEASE_RP, EV_ABORT, EV_INVALID };
	struct end scu, scp = { 0 };
	struct assoc_request rq = request();
	buf_init(&ac_pdu, 65536);
	assoc_init(&scp.a, false, &events, &scp);
	assoc_init(&scu.a, true, &events, &scu);
	CHECK_INT(assoc_open(&scu.a, &rq), ERR_OK);
	assoc_on_accepted(&scp.a);
	assoc_feed(&scp.a, buf_view(&scu.a.rq));
	buf_add(&ac_pdu, scp.a.out.p, scp.a.out.len);
	close_pair(&scu, &scp);
	for (size_t i = 0; i < NELEM(states); i++)
		for (size_t k = 0; k < NELEM(pdus); k++)
			one_cell(states[i], pdus[k]);
	buf_fini(&ac_pdu);
}

TEST(abort_anywhere, "an abort in any state is sent once when there is somebody to send it to, and ends it")
{
	static const enum fsm_state states[] = { STA2, STA4, STA5, STA6, STA7, STA10, STA11, STA13 };
	for (size_t i = 0; i < NELEM(states); i++) {
		struct end scu, scp;
		struct end *e = bring_to(states[i], &scu, &scp);
		bool has_peer = states[i] >= STA5 && states[i] != STA13;
		assoc_abort(&e->a, "test");
		assoc_abort(&e->a, "twice");
		CHECK_INT(e->a.out.len, has_peer ? 10 : 0);
		CHECK_INT(e->a.state, states[i] == STA2 || states[i] == STA4 ? STA1 : STA13);
		CHECK_INT(e->a.end, ASSOC_ABORTED_BY_US);
		if (e->a.state == STA13) {
			assoc_on_artim(&e->a);
			CHECK(e->a.wants_close);
		}
		close_pair(&scu, &scp);
	}
}

/* Counts the fragments in `out` that are of odd length and not the last of their message. */
static unsigned odd_fragments(struct bytes out)
{
	unsigned n = 0;
	for (size_t at = 0; at < out.len; at += 6 + be32(out.p + at + 2))
		n += (be32(out.p + at + 6) & 1) && !(out.p[at + 11] & 2);
	return n;
}

TEST(odd_pieces, "pieces of odd length leave in even fragments, all but the last, and nothing is lost")
{
	static const size_t sizes[] = { 1, 2, 3, 1, 1, 0, 20001, 16384, 5 };
	static uint8_t data[40000];
	struct end scu, scp = { 0 };
	struct dimse store = { .field = DIMSE_C_STORE_RQ, .message_id = 10, .has_data = true };
	size_t at = 0;
	uint32_t sum = 0;
	open_pair(&scu, &scp, 1 << 20);
	CHECK_INT(assoc_send_command(&scu.a, 1, &store), ERR_OK);
	clear_out(&scp);
	for (size_t i = 0; i < NELEM(sizes); at += sizes[i++])
		for (size_t k = 0; k < sizes[i]; k++)
			sum = sum * 31 + (data[at + k] = (uint8_t)(at + k * 7));
	size_t whole = at;
	at = 0;
	for (size_t i = 0; i < NELEM(sizes); at += sizes[i++])
		CHECK_INT(assoc_send_data(&scu.a, 1, bytes_of(data + at, sizes[i]), i + 1 == NELEM(sizes)), ERR_OK);
	CHECK_INT(odd_fragments(buf_view(&scu.a.out)), 0);
	pump(&scu, &scp, 777);
	CHECK(scp.data_done);
	CHECK_INT(scp.data_len, whole);
	CHECK_INT(scp.data_sum, sum);
	close_pair(&scu, &scp);
}

int main(void)
{
	RUN(negotiates);
	RUN(messages);
	RUN(release);
	RUN(rejected);
	RUN(aborts);
	RUN(hostility);
	RUN(silence);
	RUN(states);
	RUN(abort_anywhere);
	RUN(odd_pieces);
	return t_done();
}
