/* discard - a receiver that keeps nothing: what a sender can do at most.
 *
 *   discard    prints "port N", answers C-ECHO and each C-STORE with 0000 as soon as its last byte is read
 *
 * It sits on the same network room as storescp. With an unmodified client it shows the client's own limit, which no
 * receiver can pass.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "pacs/net/conn.h"

static const struct ts *pick(void *arg, const struct negotiate_context *pc, uint8_t *result, bool *as_scu)
{
	(void)arg;
	*as_scu = false;
	for (unsigned i = 0; i < pc->ts_count; i++)
		if (ts_find(pc->ts[i]))
			return ts_find(pc->ts[i]);
	*result = CONTEXT_TRANSFER_SYNTAX;
	return NULL;
}

static void on_request(void *user, struct conn *c, struct arena *a, const struct assoc_request *rq, struct assoc_answer *ans)
{
	const struct negotiate_policy policy = { .pick = pick, .max_ops = 1 };
	(void)user;
	(void)c;
	ans->accept = !negotiate_decide(a, rq, &policy, ans);
}

/* One association: the request that waits for its last byte. */
struct caller { struct dimse rq; };

static void answer(struct conn *c, uint8_t context_id, const struct dimse *rq)
{
	struct dimse rsp = dimse_response(rq, 0);
	if (conn_send(c, context_id, &rsp, (struct bytes){ 0 }))
		conn_abort(c, "the answer could not be queued");
}

static void on_command(void *user, struct conn *c, uint8_t context_id, const struct dimse *cmd)
{
	struct caller *k = user;
	k->rq = *cmd;
	if (!cmd->has_data)
		answer(c, context_id, cmd);
}

static void on_data(void *user, struct conn *c, uint8_t context_id, struct bytes piece, bool is_last)
{
	struct caller *k = user;
	(void)piece;
	if (is_last)
		answer(c, context_id, &k->rq);
}

static void on_closed(void *user, struct conn *c, enum conn_end how, const char *detail, uint8_t result, uint8_t source, uint8_t reason)
{
	(void)c, (void)how, (void)detail, (void)result, (void)source, (void)reason;
	free(user);
}

static void *on_accept(void *arg, struct conn *c)
{
	(void)arg, (void)c;
	return calloc(1, sizeof(struct caller));
}

int main(void)
{
	const struct listener_handlers h = { on_accept, { .on_request = on_request, .on_command = on_command, .on_data = on_data, .on_closed = on_closed } };
	struct loop *l;
	struct listener *listener;
	struct why why = { "" };
	unsigned port = 0;
	int fd;
	if (loop_new(&l) || listener_bind("127.0.0.1", &port, &fd, &why) || listener_open(l, fd, &h, NULL, NULL, &listener, &why)) {
		fprintf(stderr, "discard: %s\n", why.text);
		return 1;
	}
	signal(SIGTERM, SIG_DFL);
	printf("port %u\n", port);
	fflush(stdout);
	loop_run(l);
	return 0;
}
