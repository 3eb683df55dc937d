/* An association against table 9-10: each PDU, and an abort, in each state that it can rest in. */
#include "tests/unit/assoc_pair.h"

static struct buf ac_pdu;        /* an A-ASSOCIATE-AC that answers request() */

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

int main(void)
{
	RUN(states);
	RUN(abort_anywhere);
	return t_done();
}
