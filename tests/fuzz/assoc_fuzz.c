/* A hostile peer in either role, after an honest opening or instead of one. Byte 0: bit 0 we are the requestor,
 * bit 1 the association is opened honestly first, bit 2 we have asked for release; byte 1 the length of the pieces.
 * assoc_check() runs in each step; here only what shows outside. */
#include "pacs/ul/assoc.h"

#include "tests/fuzz/fuzz.h"

struct end { struct assoc a; bool in_data, is_open; };

static const struct ts *pick(void *arg, const struct negotiate_context *pc, uint8_t *result, bool *as_scu)
{
	(void)arg;
	(void)result;
	*as_scu = true;
	return ts_find(pc->ts[0]);
}

static void on_request(void *user, struct arena *ar, const struct assoc_request *rq, struct assoc_answer *ans)
{
	static const struct negotiate_policy p = { .pick = pick, .max_ops = 4 };
	(void)user;
	if (negotiate_decide(ar, rq, &p, ans))
		*ans = (struct assoc_answer){ .rj_result = 2, .rj_source = 3, .rj_reason = 2 };
}

static void on_open(void *user)
{
	struct end *e = user;
	MUST(!e->is_open);
	e->is_open = true;
}

static void on_command(void *user, uint8_t id, const struct dimse *cmd)
{
	struct end *e = user;
	MUST(e->is_open && !e->in_data && assoc_context(&e->a, id));
	e->in_data = cmd->has_data;
	struct dimse rsp = dimse_response(cmd, 0);
	enum err err = assoc_send_command(&e->a, id, &rsp);
	MUST(!err || err == ERR_CLOSED || err == ERR_LIMIT);
	if (cmd->message_id == 0xABAB)
		assoc_abort(&e->a, "fuzz");
}

static void on_data(void *user, uint8_t id, struct bytes piece, bool is_last)
{
	struct end *e = user;
	MUST(e->is_open && e->in_data && assoc_context(&e->a, id) && (piece.len || is_last));
	e->in_data = !is_last;
}

static const struct assoc_events events = { on_request, on_open, on_command, on_data };

static void open_honestly(struct end *us, struct end *peer)
{
	assoc_on_accepted(us->a.is_requestor ? &peer->a : &us->a);
	assoc_on_connected(us->a.is_requestor ? &us->a : &peer->a);
	struct end *order[] = { us, peer };
	for (int i = us->a.is_requestor ? 0 : 1, n = 0; n < 2; n++, i = !i) {
		assoc_feed(&order[!i]->a, buf_view(&order[i]->a.out));
		buf_reset(&order[i]->a.out);
	}
	MUST(us->is_open && peer->is_open);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *ts[] = { TS_IMPLICIT_LE };
	static struct negotiate_context contexts[] = { { 1, UID_VERIFICATION, ts, 1 }, { 3, "1.2.3", ts, 1 } };
	static const struct assoc_request rq = { .called = "A", .calling = "B", .contexts = contexts, .context_count = 2 };
	struct end us = { .in_data = false }, peer = { .in_data = false };
	struct why words;
	if (size < 3)
		return 0;
	assoc_init(&us.a, data[0] & 1, &events, &us);
	assoc_init(&peer.a, !(data[0] & 1), &events, &peer);
	MUST(!assoc_open(us.a.is_requestor ? &us.a : &peer.a, &rq));
	if (data[0] & 2)
		open_honestly(&us, &peer);
	else if (us.a.is_requestor)
		assoc_on_connected(&us.a);
	else
		assoc_on_accepted(&us.a);
	if (data[0] & 4)
		assoc_release(&us.a);
	size_t chunk = 1 + data[1];
	for (size_t at = 2; at < size && !us.a.wants_close; at += chunk)
		assoc_feed(&us.a, bytes_of(data + at, size - at < chunk ? size - at : chunk));
	MUST(us.a.end != ASSOC_ABORTED_BY_US || us.a.detail.text[0]);
	assoc_describe(&us.a, &words);
	assoc_on_closed(&us.a);
	MUST(us.a.state == STA1 && us.a.wants_close && us.a.end != ASSOC_RUNNING);
	assoc_fini(&us.a);
	assoc_fini(&peer.a);
	return 0;
}
