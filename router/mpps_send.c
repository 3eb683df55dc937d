/* Sending performed procedure steps on: one association and one message at a time to each node, in the order in which they came. */
#include "router/mpps.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "pacs/base/clock.h"
#include "pacs/base/log.h"
#include "pacs/dicom/dataset_text.h"
#include "pacs/net/conn.h"
#include "router/jobs.h"

enum { TICK_MS = 1000, ANSWER_MS = 60000, LINGER_MS = 2000, ARENA = 32 << 20 };

/* A node that steps are sent to.
 *
 *   idle --claim--> a message in hand --connect--> open --send--> answered --> idle (the association stays LINGER_MS)
 */
struct target {
	LIST_ENTRY(target) link;
	struct router *router;
	struct conf_node node;           /* a copy */
	bool is_known;                   /* in the present configuration */
	bool is_claiming, is_sent;       /* a task is with the work thread; the message in hand is on the wire */
	bool has_work;                   /* look for a job */
	struct conn *conn;
	struct loop_timer *linger;
	int64_t job;                     /* in hand; 0 none */
	struct uid uid;
	int kind;
	struct buf data;                 /* its data set, explicit VR little endian */
	uint16_t message_id;
};

struct mpps_sender {
	LIST_HEAD(, target) targets;
	struct loop_timer *tick;
};

static void step(struct target *t);

/* ---- the job's end ---- */

static void report(struct target *t, enum job_event event, const char *why)
{
	log_event(event == JOB_DELIVERED ? LOG_INFO : LOG_WARN, event == JOB_DELIVERED ? "mpps_delivered" : "mpps_not_delivered", "to", t->node.name,
	          "mpps", t->uid.s, "kind", t->kind == MPPS_CREATE ? "N-CREATE" : "N-SET", "why", why[0] ? why : NULL, NULL);
	jobs_report(t->router, t->job, event, why, mpps_wake);
	t->job = 0;
	t->is_sent = false;
	buf_reset(&t->data);
}

/* What the far end says. A step that is there already is what an N-CREATE that was answered into a broken line looks like; a final one
 * that may not be changed again is what such an N-SET looks like. */
static void answered(struct target *t, const struct dimse *rsp)
{
	char why[161];
	bool is_repeated = (t->kind == MPPS_CREATE && rsp->status == MPPS_EXISTS) || (rsp->status == MPPS_FAILED && rsp->error_id == MPPS_ID_FINAL);
	snprintf(why, sizeof(why), "the far end answered %04X%s%.100s", rsp->status, rsp->error_comment[0] ? ": " : "", rsp->error_comment);
	if (dimse_status_is_done(rsp->status) || is_repeated)
		report(t, JOB_DELIVERED, rsp->status ? why : "");
	else if (dimse_status_is_transient(rsp->status) || rsp->status == 0x0213)
		report(t, JOB_FAILED, why);
	else
		report(t, JOB_REFUSED, why);
}

/* ---- the association ---- */

static void send_message(struct target *t)
{
	const struct assoc_context *pc = conn_find_context(t->conn, UID_MPPS, NULL);
	struct dimse rq = { .field = t->kind == MPPS_CREATE ? DIMSE_N_CREATE_RQ : DIMSE_N_SET_RQ, .has_data = true, .sop_instance = t->uid };
	if (!pc) {
		report(t, JOB_REFUSED, "the far end takes no performed procedure steps");
		conn_release(t->conn);
		return;
	}
	snprintf(rq.sop_class.s, sizeof(rq.sop_class.s), "%s", UID_MPPS);
	rq.message_id = t->message_id = conn_next_message_id(t->conn);
	t->is_sent = true;
	loop_timer_start(t->linger, ANSWER_MS, 0);
	struct arena a;
	struct dataset *ds;
	struct buf out;
	arena_init(&a, ARENA);
	buf_init(&out, 2 * BOUND_IDENTIFIER);
	enum err e = dataset_parse(&a, buf_view(&t->data), DS_EXPLICIT_LE, &ds, NULL);
	if (!e)
		e = dataset_from_utf8(ds, t->node.charset);
	if (!e)
		e = dataset_write(ds, ds_encoding_of(pc->ts), &out);
	if (!e)
		e = conn_send(t->conn, pc->id, &rq, buf_view(&out));
	buf_fini(&out);
	arena_fini(&a);
	if (e)
		conn_abort(t->conn, "the message could not be sent");
}

static void on_open(void *user, struct conn *c)
{
	struct target *t = user;
	(void)c;
	if (t->job && !t->is_sent)
		send_message(t);
}

static void on_command(void *user, struct conn *c, uint8_t context_id, const struct dimse *cmd)
{
	struct target *t = user;
	(void)c;
	(void)context_id;
	if (!t->is_sent || !DIMSE_IS_RSP(cmd->field) || cmd->message_id != t->message_id)
		return;
	answered(t, cmd);
	loop_timer_start(t->linger, LINGER_MS, 0);
	t->has_work = true;
	step(t);
}

static void on_data(void *user, struct conn *c, uint8_t context_id, struct bytes piece, bool is_last)
{
	(void)user;
	(void)c;
	(void)context_id;
	(void)piece;
	(void)is_last;
}

static void on_closed(void *user, struct conn *c, enum conn_end how, const char *detail, uint8_t rj_result, uint8_t rj_source, uint8_t rj_reason)
{
	struct target *t = user;
	char why[161];
	(void)c;
	(void)rj_result;
	(void)rj_source;
	(void)rj_reason;
	t->conn = NULL;
	if (t->linger)
		loop_timer_stop(t->linger);
	if (!t->job)
		return;
	snprintf(why, sizeof(why), "%s: %.120s", conn_end_name(how), detail ? detail : "");
	report(t, t->router->is_stopping ? JOB_GIVE_BACK : JOB_FAILED, why);
}

/* No answer in time, or nothing to say for a while. */
static void on_linger(void *arg)
{
	struct target *t = arg;
	if (t->conn && t->is_sent)
		conn_abort(t->conn, "no answer in time");
	else if (t->conn && t->is_claiming)
		loop_timer_start(t->linger, LINGER_MS, 0);       /* what is found goes over this association */
	else if (t->conn && !t->job)
		conn_release(t->conn);
}

static void open_association(struct target *t)
{
	static const char *ts[] = { TS_EXPLICIT_LE, TS_IMPLICIT_LE };
	struct negotiate_context context = { .id = 1, .abstract_syntax = UID_MPPS, .ts = ts, .ts_count = NELEM(ts) };
	struct assoc_request rq = { .application_context = UID_APPLICATION_CONTEXT, .contexts = &context, .context_count = 1, .max_pdu = BOUND_PDU_OURS,
	                            .implementation_class = IMPLEMENTATION_CLASS_UID, .implementation_version = IMPLEMENTATION_VERSION };
	static const struct conn_handlers h = { .on_open = on_open, .on_command = on_command, .on_data = on_data, .on_closed = on_closed };
	struct why why = { "" };
	snprintf(rq.called, sizeof(rq.called), "%s", t->node.aet);
	snprintf(rq.calling, sizeof(rq.calling), "%s", t->router->conf->aet);
	if (conn_connect(t->router->loop, t->node.host, t->node.port, &rq, &h, t, NULL, &t->conn, &why))
		report(t, JOB_FAILED, why.text);
}

/* ---- the next job ---- */

struct claim {
	struct target *target;
	char to[33];
	struct work_job job;
	size_t n;
	struct mpps_message message;
	struct buf data;
};

static enum err claim_work(void *arg, struct work *w, struct index_reader *ix, struct why *why)
{
	struct claim *c = arg;
	int64_t next_ms;
	struct arena a;
	(void)ix;
	enum err e = work_claim_in_order(w, JOB_MPPS, c->to, clock_wall_ms(), &c->job, &c->n, &next_ms, why);
	if (e || !c->n)
		return e;
	arena_init(&a, ARENA);
	e = mpps_message_get(work_db(w), (int64_t)c->job.instance, &a, &c->message, why);
	if (!e)
		e = dataset_write(c->message.ds, DS_EXPLICIT_LE, &c->data);
	arena_fini(&a);
	return e;
}

static void claim_done(void *arg, enum err e, const struct why *why)
{
	struct claim *c = arg;
	struct target *t = c->target;
	t->is_claiming = false;
	if (e)
		log_event(LOG_ERROR, "mpps_claim_failed", "to", c->to, "error", err_name(e), "why", why->text, NULL);
	if (!e && c->n) {
		t->job = c->job.id;
		t->uid = c->message.uid;
		t->kind = c->message.kind;
		buf_reset(&t->data);
		buf_add(&t->data, c->data.p, c->data.len);
		t->has_work = true;
		if (t->router->is_stopping)
			report(t, JOB_GIVE_BACK, "");
		else if (!t->conn)
			open_association(t);
		else if (conn_is_open(t->conn))
			send_message(t);
	}
	buf_fini(&c->data);
	free(c);
}

static void step(struct target *t)
{
	if (t->router->is_stopping || t->is_claiming || t->job || !t->is_known || !t->node.host[0] || !t->has_work || (t->conn && !conn_is_open(t->conn)))
		return;
	struct claim *c = calloc(1, sizeof(*c));
	if (!c)
		return;
	c->target = t;
	snprintf(c->to, sizeof(c->to), "%s", t->node.name);
	buf_init(&c->data, 2 * BOUND_IDENTIFIER);
	t->has_work = false;
	t->is_claiming = true;
	if (work_run(t->router->work, claim_work, claim_done, c)) {
		t->is_claiming = false;
		free(c);
	}
}

/* ---- the room ---- */

static bool is_target(const struct conf *conf, const char *name)
{
	for (size_t i = 0; i < conf->route_count; i++)
		if (conf->routes[i].action == ACTION_MPPS && !strcmp(conf->routes[i].to, name))
			return true;
	return false;
}

static struct target *target_get(struct router *r, const char *name)
{
	struct target *t;
	LIST_FOREACH(t, &r->mpps->targets, link)
		if (!strcmp(t->node.name, name))
			return t;
	t = calloc(1, sizeof(*t));
	if (!t || loop_timer_new(r->loop, on_linger, t, &t->linger)) {
		free(t);
		return NULL;
	}
	t->router = r;
	buf_init(&t->data, 2 * BOUND_IDENTIFIER);
	LIST_INSERT_HEAD(&r->mpps->targets, t, link);
	return t;
}

void mpps_wake(struct router *r)
{
	struct target *t;
	if (!r->mpps || r->is_stopping)
		return;
	LIST_FOREACH(t, &r->mpps->targets, link)
		t->is_known = false;
	/* A node that no rule names any more may still have jobs that wait for it. */
	for (size_t i = 0; i < r->conf->node_count; i++) {
		LIST_FOREACH(t, &r->mpps->targets, link)
			if (!strcmp(t->node.name, r->conf->nodes[i].name))
				break;
		t = t || is_target(r->conf, r->conf->nodes[i].name) ? target_get(r, r->conf->nodes[i].name) : NULL;
		if (!t)
			continue;
		t->node = r->conf->nodes[i];
		t->is_known = t->has_work = true;
		step(t);
	}
}

static void on_tick(void *arg)
{
	mpps_wake(arg);
}

enum err mpps_start(struct router *r, struct why *why)
{
	r->mpps = calloc(1, sizeof(*r->mpps));
	if (!r->mpps || loop_timer_new(r->loop, on_tick, r, &r->mpps->tick))
		return fail(why, ERR_NOMEM, "no memory");
	LIST_INIT(&r->mpps->targets);
	loop_timer_start(r->mpps->tick, TICK_MS, TICK_MS);
	mpps_wake(r);
	return ERR_OK;
}

void mpps_stop(struct router *r)
{
	struct target *t;
	if (!r->mpps)
		return;
	loop_timer_free(&r->mpps->tick);
	LIST_FOREACH(t, &r->mpps->targets, link) {
		if (t->conn)
			conn_abort(t->conn, "the router stops");
		loop_timer_free(&t->linger);
	}
}

void mpps_fini(struct router *r)
{
	struct target *t;
	if (!r->mpps)
		return;
	while ((t = LIST_FIRST(&r->mpps->targets))) {
		LIST_REMOVE(t, link);
		buf_fini(&t->data);
		free(t);
	}
	free(r->mpps);
	r->mpps = NULL;
}
