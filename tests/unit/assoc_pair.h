/* assoc_pair - two associations in memory, joined by pump(), for the tests of assoc. */
#ifndef TESTS_UNIT_ASSOC_PAIR_H
#define TESTS_UNIT_ASSOC_PAIR_H

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

static void clear_out(struct end *e)
{
	buf_consume(&e->a.out, e->a.out.len);
}

#endif
