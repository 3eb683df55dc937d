/* commit_peer - a peer for the tests of storage commitment and notifications, over pacs/net only: it shares no code with the
 * services it is put against, and does what it is told, wrong things too. Says what happens on stdout, a line each.
 *
 *   commit_peer ask --port P --called A --calling B [--transaction U] [--type N] [--instance U] [--wait MS] CLASS INSTANCE [...]
 *       one N-ACTION; then waits MS for an event report on the same association, and releases
 *   commit_peer report --port P --called A --calling B --transaction U [--type N] [--reason HEX] [--no-role] CLASS INSTANCE [...]
 *       one N-EVENT-REPORT on an association of its own, in the role of SCP
 *   commit_peer create --port P --called A --calling B [--uid U] --study U --series U CLASS INSTANCE [...]
 *       one N-CREATE of an instance availability notification
 *   commit_peer serve --port P [--reason HEX] [--silent] [--refuse] [--status HEX]
 *       takes images and throws them away; answers an N-ACTION and reports on the same association: all with --reason, 0 = committed;
 *       --silent: never reports; --refuse: does not accept the commitment context; --status: of its answers to N-ACTION and N-EVENT-REPORT
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pacs/dicom/availability.h"
#include "pacs/dicom/commitment.h"
#include "pacs/net/conn.h"

static struct {
	const char *mode, *called, *calling, *transaction, *instance, *uid, *study, *series;
	unsigned port, type, wait_ms;
	uint16_t reason, status;
	bool is_silent, is_refusing, has_role;
	char **refs;
	size_t ref_count;
} opt = { .called = "PEER", .calling = "PEER", .transaction = "1.2.3.4.5", .instance = UID_COMMITMENT_INSTANCE, .uid = "", .study = "1.2", .series = "1.2.1",
          .type = 1, .has_role = true };

static struct loop *loop;
static struct loop_timer *timer;
static int code;

/* One association, either way. */
struct peer { struct conn *conn; struct dimse rq; struct buf data; };

static void say_refs(const struct commit_refs *r)
{
	for (size_t i = 0; i < r->count; i++)
		printf("  %s %s %04X\n", r->refs[i].sop_class.s, r->refs[i].sop_instance.s, r->refs[i].reason);
}

static void given_refs(struct commit_refs *r)
{
	*r = (struct commit_refs){ .refs = calloc(opt.ref_count / 2 + 1, sizeof(*r->refs)), .count = opt.ref_count / 2 };
	snprintf(r->transaction.s, sizeof(r->transaction.s), "%s", opt.transaction);
	for (size_t i = 0; i < r->count; i++) {
		snprintf(r->refs[i].sop_class.s, sizeof(r->refs[i].sop_class.s), "%s", opt.refs[2 * i]);
		snprintf(r->refs[i].sop_instance.s, sizeof(r->refs[i].sop_instance.s), "%s", opt.refs[2 * i + 1]);
		r->refs[i].reason = opt.reason;
	}
}

static enum ds_encoding encoding(struct conn *c, uint8_t id)
{
	return ds_encoding_of(conn_context(c, id)->ts);
}

static void give_up(const char *why)
{
	printf("failed: %s\n", why);
	fflush(stdout);
	exit(1);
}

static void send_rq(struct conn *c, uint8_t context_id, struct dimse *rq, const struct buf *data)
{
	rq->message_id = conn_next_message_id(c);
	rq->has_data = true;
	if (conn_send(c, context_id, rq, buf_view(data)))
		give_up("cannot send");
}

static void respond(struct peer *p, uint8_t context_id, uint16_t status)
{
	struct dimse rsp = dimse_response(&p->rq, status);
	if (conn_send(p->conn, context_id, &rsp, (struct bytes){ 0 }))
		give_up("cannot answer");
}

/* ---- serving ---- */

static void report_back(struct peer *p, uint8_t context_id, const struct commit_refs *refs)
{
	struct dimse rq = { .field = DIMSE_N_EVENT_REPORT_RQ, .sop_class = { UID_COMMITMENT }, .sop_instance = { UID_COMMITMENT_INSTANCE },
	                    .event_type = commit_event_type(refs), .present = DIMSE_HAS_EVENT_TYPE };
	struct buf data;
	buf_init(&data, 4 << 20);
	if (commit_write_result(refs, "", encoding(p->conn, context_id), &data))
		give_up("cannot write a result");
	send_rq(p->conn, context_id, &rq, &data);
	buf_fini(&data);
}

static void on_action(struct peer *p, uint8_t context_id)
{
	struct commit_refs refs;
	uint16_t status;
	struct why why = { "" };
	if (commit_read_request(buf_view(&p->data), encoding(p->conn, context_id), &refs, &status, &why))
		give_up(why.text);
	printf("action %s %zu\n", refs.transaction.s, refs.count);
	say_refs(&refs);
	respond(p, context_id, opt.status);
	for (size_t i = 0; i < refs.count; i++)
		refs.refs[i].reason = opt.reason;
	if (!opt.is_silent && !opt.status)
		report_back(p, context_id, &refs);
	commit_refs_free(&refs);
}

static void on_event(struct peer *p, uint8_t context_id)
{
	struct commit_refs refs;
	uint16_t status;
	struct why why = { "" };
	if (commit_read_result(buf_view(&p->data), encoding(p->conn, context_id), p->rq.event_type, &refs, &status, &why))
		give_up(why.text);
	printf("event %u %s %zu\n", p->rq.event_type, refs.transaction.s, refs.count);
	say_refs(&refs);
	respond(p, context_id, opt.status);
	commit_refs_free(&refs);
	if (strcmp(opt.mode, "serve"))
		loop_timer_start(timer, 1, 0);
}

static void on_create(struct peer *p, uint8_t context_id)
{
	struct availability_summary a;
	uint16_t status;
	struct why why = { "" };
	if (availability_read(buf_view(&p->data), encoding(p->conn, context_id), &a, &status, &why))
		give_up(why.text);
	printf("notice %s study %s series %u instances %u %s at %s\n", p->rq.sop_instance.s, a.study_uid.s, a.series, a.instances, a.availability, a.retrieve_aet);
	respond(p, context_id, opt.status);
}

static void on_whole(struct peer *p, uint8_t context_id)
{
	switch (p->rq.field) {
	case DIMSE_C_STORE_RQ:
		printf("stored %s\n", p->rq.sop_instance.s);
		respond(p, context_id, 0);
		break;
	case DIMSE_N_ACTION_RQ:
		on_action(p, context_id);
		break;
	case DIMSE_N_EVENT_REPORT_RQ:
		on_event(p, context_id);
		break;
	case DIMSE_N_CREATE_RQ:
		on_create(p, context_id);
		break;
	default:
		respond(p, context_id, 0);
	}
	fflush(stdout);
}

static void on_command(void *user, struct conn *c, uint8_t context_id, const struct dimse *cmd)
{
	struct peer *p = user;
	(void)c;
	p->rq = *cmd;
	buf_reset(&p->data);
	if (DIMSE_IS_RSP(cmd->field)) {
		printf("%s %04X %s %s\n", dimse_field_name(cmd->field), cmd->status, cmd->sop_instance.s, cmd->error_comment);
		fflush(stdout);
		code = cmd->status && strcmp(opt.mode, "serve") ? 2 : code;
		if (strcmp(opt.mode, "serve"))
			loop_timer_start(timer, cmd->status ? 1 : opt.wait_ms + 1, 0);
	} else if (!cmd->has_data) {
		on_whole(p, context_id);
	}
}

static void on_data(void *user, struct conn *c, uint8_t context_id, struct bytes piece, bool is_last)
{
	struct peer *p = user;
	(void)c;
	if (p->rq.field != DIMSE_C_STORE_RQ)
		buf_add(&p->data, piece.p, piece.len);
	if (is_last)
		on_whole(p, context_id);
}

static const struct ts *pick(void *arg, const struct negotiate_context *pc, uint8_t *result, bool *as_scu)
{
	(void)arg;
	*as_scu = true;
	*result = CONTEXT_ABSTRACT_SYNTAX;
	return opt.is_refusing && !strcmp(pc->abstract_syntax, UID_COMMITMENT) ? NULL : ts_find(pc->ts[0]);
}

static void on_request(void *user, struct conn *c, struct arena *a, const struct assoc_request *rq, struct assoc_answer *ans)
{
	struct negotiate_policy policy = { .pick = pick, .max_ops = 8 };
	(void)user;
	(void)c;
	if (negotiate_decide(a, rq, &policy, ans))
		give_up("no memory");
	for (unsigned i = 0; i < rq->role_count; i++)
		if (!strcmp(rq->roles[i].sop_class, UID_COMMITMENT))
			printf("role scu=%d scp=%d\n", rq->roles[i].scu, rq->roles[i].scp);
	ans->accept = true;
}

static struct peer *peer_new(struct conn *c)
{
	struct peer *p = calloc(1, sizeof(*p));
	if (!p)
		give_up("no memory");
	p->conn = c;
	buf_init(&p->data, 4 << 20);
	return p;
}

static void *on_accept(void *arg, struct conn *c)
{
	(void)arg;
	return peer_new(c);
}

static void peer_free(struct peer *p)
{
	buf_fini(&p->data);
	free(p);
}

static void on_nothing(void *user, struct conn *c)
{
	(void)user;
	(void)c;
}

static void on_closed(void *user, struct conn *c, enum conn_end how, const char *detail, uint8_t rj_result, uint8_t rj_source, uint8_t rj_reason)
{
	(void)c;
	(void)rj_result;
	(void)rj_source;
	(void)rj_reason;
	peer_free(user);
	if (!strcmp(opt.mode, "serve"))
		return;
	if (how != CONN_RELEASED) {
		printf("closed: %s: %s\n", conn_end_name(how), detail ? detail : "");
		code = 1;
	}
	loop_timer_free(&timer);
}

/* ---- asking ---- */

static void write_request(struct buf *data, enum ds_encoding enc, struct dimse *rq)
{
	struct commit_refs refs;
	struct arena arena;
	enum err e;
	given_refs(&refs);
	arena_init(&arena, 64 << 20);
	*rq = (struct dimse){ .sop_class = { UID_COMMITMENT } };
	snprintf(rq->sop_instance.s, sizeof(rq->sop_instance.s), "%s", opt.instance);
	if (!strcmp(opt.mode, "ask")) {
		rq->field = DIMSE_N_ACTION_RQ;
		rq->action_type = (uint16_t)opt.type;
		rq->present = DIMSE_HAS_ACTION_TYPE;
		e = commit_write_request(&refs, enc, data);
	} else if (!strcmp(opt.mode, "report")) {
		rq->field = DIMSE_N_EVENT_REPORT_RQ;
		rq->event_type = (uint16_t)opt.type;
		rq->present = DIMSE_HAS_EVENT_TYPE;
		e = commit_write_result(&refs, "", enc, data);
	} else {
		struct availability a;
		rq->field = DIMSE_N_CREATE_RQ;
		rq->sop_class = (struct uid){ UID_AVAILABILITY };
		snprintf(rq->sop_instance.s, sizeof(rq->sop_instance.s), "%s", opt.uid);
		e = availability_begin(&a, &arena, opt.study);
		for (size_t i = 0; i < refs.count && !e; i++)
			e = availability_add(&a, opt.series, refs.refs[i].sop_class.s, refs.refs[i].sop_instance.s, opt.calling);
		if (!e)
			e = dataset_write(a.ds, enc, data);
	}
	arena_fini(&arena);
	commit_refs_free(&refs);
	if (e)
		give_up("cannot write the request");
}

static void on_open(void *user, struct conn *c)
{
	struct peer *p = user;
	struct buf data;
	struct dimse rq;
	p->conn = c;
	if (!strcmp(opt.mode, "serve"))
		return;
	if (!conn_context(c, 1))
		give_up("the context was not accepted");
	buf_init(&data, 4 << 20);
	write_request(&data, encoding(c, 1), &rq);
	send_rq(c, 1, &rq, &data);
	buf_fini(&data);
}

static struct conn *client;

static void on_timer(void *arg)
{
	(void)arg;
	conn_release(client);
}

static void call(void)
{
	static const struct conn_handlers handlers = { .on_open = on_open, .on_command = on_command, .on_data = on_data, .on_writable = on_nothing, .on_closed = on_closed };
	static const char *syntaxes[] = { TS_IMPLICIT_LE };
	const char *abstract = strcmp(opt.mode, "create") ? UID_COMMITMENT : UID_AVAILABILITY;
	struct negotiate_context context = { 1, abstract, syntaxes, 1 };
	struct negotiate_role role = { abstract, false, true };
	bool as_scp = !strcmp(opt.mode, "report") && opt.has_role;
	struct assoc_request rq = { .application_context = UID_APPLICATION_CONTEXT, .contexts = &context, .context_count = 1, .roles = as_scp ? &role : NULL,
	                            .role_count = as_scp, .max_pdu = 16384, .max_invoked = 1, .max_performed = 1, .implementation_class = "1.2.3", .implementation_version = "PEER" };
	struct why why = { "" };
	snprintf(rq.called, sizeof(rq.called), "%s", opt.called);
	snprintf(rq.calling, sizeof(rq.calling), "%s", opt.calling);
	if (loop_timer_new(loop, on_timer, NULL, &timer) || conn_connect(loop, "127.0.0.1", opt.port, &rq, &handlers, peer_new(NULL), NULL, &client, &why))
		give_up(why.text);
}

static struct listener *listener;

static void on_stop(void *arg)
{
	(void)arg;
	if (listener)
		listener_close(&listener);
	exit(code);      /* whatever is open goes with the process */
}

static void serve(void)
{
	struct listener_handlers h = { .on_accept = on_accept, .conn = { .on_request = on_request, .on_open = on_open, .on_command = on_command, .on_data = on_data,
	                                                                 .on_writable = on_nothing, .on_closed = on_closed } };
	struct why why = { "" };
	int fd;
	if (listener_bind("127.0.0.1", &opt.port, &fd, &why) || listener_open(loop, fd, &h, NULL, &(struct conn_timeouts){ 0 }, &listener, &why))
		give_up(why.text);
	printf("ready\n");
	fflush(stdout);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "port", 1, NULL, 'p' }, { "called", 1, NULL, 'c' }, { "calling", 1, NULL, 'a' }, { "transaction", 1, NULL, 't' }, { "type", 1, NULL, 'y' },
		{ "instance", 1, NULL, 'i' }, { "wait", 1, NULL, 'w' }, { "reason", 1, NULL, 'r' }, { "status", 1, NULL, 's' }, { "silent", 0, NULL, 'S' },
		{ "refuse", 0, NULL, 'R' }, { "no-role", 0, NULL, 'N' }, { "uid", 1, NULL, 'u' }, { "study", 1, NULL, 'd' }, { "series", 1, NULL, 'e' }, { 0 },
	};
	opt.mode = argc > 1 ? argv[1] : "";
	for (int c; (c = getopt_long(argc - 1, argv + 1, "", options, NULL)) != -1; ) {
		switch (c) {
		case 'p': opt.port = (unsigned)atoi(optarg); break;
		case 'c': opt.called = optarg; break;
		case 'a': opt.calling = optarg; break;
		case 't': opt.transaction = optarg; break;
		case 'y': opt.type = (unsigned)atoi(optarg); break;
		case 'i': opt.instance = optarg; break;
		case 'w': opt.wait_ms = (unsigned)atoi(optarg); break;
		case 'r': opt.reason = (uint16_t)strtoul(optarg, NULL, 16); break;
		case 's': opt.status = (uint16_t)strtoul(optarg, NULL, 16); break;
		case 'S': opt.is_silent = true; break;
		case 'R': opt.is_refusing = true; break;
		case 'N': opt.has_role = false; break;
		case 'u': opt.uid = optarg; break;
		case 'd': opt.study = optarg; break;
		case 'e': opt.series = optarg; break;
		default: return 2;
		}
	}
	opt.refs = argv + 1 + optind;
	opt.ref_count = (size_t)(argc - 1 - optind);
	if (loop_new(&loop))
		return 1;
	loop_on_stop(loop, on_stop, NULL);
	if (!strcmp(opt.mode, "serve")) {
		loop_on_signals(loop, NULL, NULL);
		serve();
	} else {
		call();
	}
	loop_run(loop);
	fflush(stdout);
	return code;
}
