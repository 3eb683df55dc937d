#include "router/errand.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "pacs/base/clock.h"
#include "pacs/base/log.h"
#include "pacs/dicom/dataset.h"
#include "router/jobs.h"

enum { TICK_MS = 250, POLL_MS = 60000, ANSWER_MS = 60000, RETRY_MS = 1000 };
enum { ARENA = 32 << 20 };

struct errand_agent {
	LIST_ENTRY(errand_agent) entry;
	struct router *router;
	enum errand_kind kind;
	const struct errand_class *class;
	struct conf_node node;           /* a copy */
	bool is_known;                   /* in the present configuration */
	bool is_working;                 /* next() or ended() is with the work thread */
	bool has_work;
	int64_t next_ms;                 /* wall: something comes due; 0: nothing known */
	uint64_t poll_ns;                /* monotonic: a wake-up may be lost */
	unsigned failures;               /* associations in a row */
	uint64_t not_before_ns;          /* back-off; 0: none */
	struct errand *now;              /* owned; the one in hand */
	bool is_sent;
	uint16_t message_id;
	uint64_t deadline_ns;            /* of the answer, or of lingering */
	struct conn *conn;
	bool is_ending;                  /* we asked for the end */
	struct dimse rq;                 /* a request whose data set is coming */
	uint8_t rq_context;
	struct buf data;
};

struct errands {
	LIST_HEAD(, errand_agent) agents;
	struct loop_timer *tick;
	void (*quiet)(struct router *r);
};

static const struct errand_class *const classes[] = { [ERRAND_ASK] = &errand_ask, [ERRAND_REPORT] = &errand_report, [ERRAND_NOTIFY] = &errand_notify };
_Static_assert(NELEM(classes) == ERRAND_KIND_COUNT, "one class for each kind");

static void step(struct errand_agent *a);

struct router *errand_router(const struct errand_agent *a)
{
	return a->router;
}

const struct conf_node *errand_node(const struct errand_agent *a)
{
	return &a->node;
}

static void tell_quiet(struct router *r)
{
	const struct errand_agent *a;
	void (*quiet)(struct router *) = r->errands->quiet;
	LIST_FOREACH(a, &r->errands->agents, entry)
		if (a->conn)
			return;
	r->errands->quiet = NULL;
	if (quiet)
		quiet(r);
}

static void errand_free(struct errand *e)
{
	if (e)
		buf_fini(&e->data);
	free(e);
}

/* ---- work.db ---- */

struct job {
	struct errand_agent *agent;
	struct conf *conf;               /* a reference */
	struct conf_node node;
	struct errand *errand;           /* owned */
	struct errand_end end;
	int64_t next_ms;
	bool found;
};

static struct errand_place place_of(const struct job *j, struct work *w, struct index_reader *ix)
{
	return (struct errand_place){ .w = w, .ix = ix, .conf = j->conf, .node = &j->node, .now_ms = clock_wall_ms(), .random = jobs_random() };
}

static enum err next_work(void *arg, struct work *w, struct index_reader *ix, struct why *why)
{
	struct job *j = arg;
	struct errand_place p = place_of(j, w, ix);
	enum err e = j->agent->class->next(&p, j->errand, &j->next_ms, why);
	j->found = !e;
	return e == ERR_END ? ERR_OK : e;
}

static enum err ended_work(void *arg, struct work *w, struct index_reader *ix, struct why *why)
{
	struct job *j = arg;
	struct errand_place p = place_of(j, w, ix);
	return j->agent->class->ended(&p, j->errand, &j->end, why);
}

static struct job *job_new(struct errand_agent *a)
{
	struct job *j = calloc(1, sizeof(*j));
	if (!j)
		return NULL;
	j->agent = a;
	j->conf = conf_ref(a->router->conf);
	j->node = a->node;
	return j;
}

static void job_free(struct job *j)
{
	errand_free(j->errand);
	conf_unref(&j->conf);
	free(j);
}

static void retry_later(struct errand_agent *a)
{
	a->next_ms = clock_wall_ms() + RETRY_MS;
}

static void next_done(void *arg, enum err e, const struct why *why)
{
	struct job *j = arg;
	struct errand_agent *a = j->agent;
	a->is_working = false;
	if (e) {
		log_event(LOG_ERROR, "errand_not_found", "errand", a->class->name, "to", a->node.name, "error", err_name(e), "why", why->text, NULL);
		retry_later(a);
	} else if (j->found) {
		a->now = j->errand;
		a->is_sent = false;
		j->errand = NULL;
	} else {
		a->next_ms = j->next_ms;
	}
	job_free(j);
	step(a);
}

static void ask_next(struct errand_agent *a)
{
	struct job *j = job_new(a);
	a->has_work = false;
	a->next_ms = 0;
	a->poll_ns = clock_mono_ns() + (uint64_t)POLL_MS * 1000000;
	if (j && (j->errand = calloc(1, sizeof(*j->errand))))
		buf_init(&j->errand->data, BOUND_SEND_QUEUE);
	a->is_working = j && j->errand && !work_run(a->router->work, next_work, next_done, j);
	if (a->is_working)
		return;
	if (j)
		job_free(j);
	retry_later(a);
}

static void ended_done(void *arg, enum err e, const struct why *why)
{
	struct job *j = arg;
	struct errand_agent *a = j->agent;
	a->is_working = false;
	a->has_work = true;
	if (e) {         /* what stands in work.db makes it be done once more; not at once, for the disk may be full */
		log_event(LOG_ERROR, "errand_not_saved", "errand", a->class->name, "to", a->node.name, "error", err_name(e), "why", why->text, NULL);
		a->has_work = false;
		retry_later(a);
	}
	job_free(j);
	step(a);
}

/* A node that cannot be reached is tried later and later, whatever number of errands waits for it. */
static void note_success(struct errand_agent *a, bool is_reached)
{
	const struct conf *conf = a->router->conf;
	a->failures = is_reached ? 0 : a->failures + 1;
	a->not_before_ns = is_reached ? 0 : clock_mono_ns() + job_back_off_ms(a->failures, conf->retry_min_s, conf->retry_max_s, jobs_random()) * 1000000;
}

/* The errand in hand is over. */
static void finish(struct errand_agent *a, enum errand_end_kind kind, uint16_t status, const char *words)
{
	struct job *j = a->router->work ? job_new(a) : NULL;
	struct errand *e = a->now;
	a->now = NULL;
	note_success(a, kind != ERRAND_UNSENT);
	bool good = kind == ERRAND_ANSWERED && !status;
	log_event(good ? LOG_INFO : LOG_WARN, "errand", "what", a->class->name, "to", a->node.name, "instance", e->sop_instance.s,
	          "status", kind == ERRAND_ANSWERED ? log_num(status).s : NULL, "why", words && words[0] ? words : NULL, NULL);
	if (!j) {
		errand_free(e);
		retry_later(a);
		return;
	}
	j->errand = e;
	j->end = (struct errand_end){ .kind = kind, .status = status };
	snprintf(j->end.why, sizeof(j->end.why), "%.160s", words ? words : "");
	a->is_working = !work_run(a->router->work, ended_work, ended_done, j);
	if (!a->is_working) {
		job_free(j);
		retry_later(a);
	}
}

/* ---- the association ---- */

static void end_association(struct errand_agent *a, const char *because)
{
	if (a->is_ending)
		return;
	a->is_ending = true;
	if (because || !conn_is_open(a->conn))
		conn_abort(a->conn, because ? because : "not needed any more");
	else
		conn_release(a->conn);
}

/* Some peers accept the context and do not answer the role item; so the role is proposed and not insisted upon. */
static const struct assoc_context *context_of(const struct errand_agent *a)
{
	unsigned n;
	const struct assoc_context *all = conn_contexts(a->conn, &n);
	for (unsigned i = 0; i < n; i++)
		if (all[i].result == CONTEXT_ACCEPTED && !strcmp(all[i].abstract_syntax.s, a->class->sop_class))
			return &all[i];
	return NULL;
}

static enum err in_encoding(const struct errand *e, enum ds_encoding enc, struct buf *out)
{
	struct arena arena;
	struct dataset *ds = NULL;
	arena_init(&arena, ARENA);
	enum err err = dataset_parse(&arena, buf_view(&e->data), DS_EXPLICIT_LE, &ds, NULL);
	if (!err)
		err = dataset_write(ds, enc, out);
	arena_fini(&arena);
	return err;
}

static void send_now(struct errand_agent *a)
{
	const struct assoc_context *pc = context_of(a);
	struct errand *e = a->now;
	struct buf data;
	if (!pc) {
		finish(a, ERRAND_UNOFFERED, 0, "the node does not accept the presentation context");
		end_association(a, NULL);
		return;
	}
	struct dimse rq = { .field = e->field, .message_id = conn_next_message_id(a->conn), .has_data = true, .sop_instance = e->sop_instance };
	snprintf(rq.sop_class.s, sizeof(rq.sop_class.s), "%s", a->class->sop_class);
	if (e->field == DIMSE_N_ACTION_RQ) {
		rq.action_type = e->type;
		rq.present = DIMSE_HAS_ACTION_TYPE;
	} else if (e->field == DIMSE_N_EVENT_REPORT_RQ) {
		rq.event_type = e->type;
		rq.present = DIMSE_HAS_EVENT_TYPE;
	}
	buf_init(&data, BOUND_SEND_QUEUE);
	enum err err = in_encoding(e, ds_encoding_of(pc->ts), &data);
	if (!err)
		err = conn_send(a->conn, pc->id, &rq, buf_view(&data));
	buf_fini(&data);
	a->is_sent = !err;
	a->message_id = rq.message_id;
	a->deadline_ns = clock_mono_ns() + (uint64_t)ANSWER_MS * 1000000;
	if (err)
		end_association(a, "a request could not be queued");     /* its end tells the errand's */
}

static void on_open(void *user, struct conn *c)
{
	(void)c;
	step(user);
}

static void on_response(struct errand_agent *a, const struct dimse *rsp)
{
	char words[161] = "";
	if (!a->now || !a->is_sent || rsp->message_id != a->message_id || rsp->field != (a->now->field | 0x8000)) {
		end_association(a, "an answer that nobody asked for");
		return;
	}
	if (rsp->status)
		snprintf(words, sizeof(words), "the far end answered %04X%s%.100s", rsp->status, rsp->error_comment[0] ? ": " : "", rsp->error_comment);
	finish(a, ERRAND_ANSWERED, rsp->status, words);
	step(a);
}

static void on_command(void *user, struct conn *c, uint8_t context_id, const struct dimse *cmd)
{
	struct errand_agent *a = user;
	(void)c;
	a->rq = (struct dimse){ 0 };
	if (DIMSE_IS_RSP(cmd->field)) {
		on_response(a, cmd);
	} else if (!a->class->request || !cmd->has_data || context_id != (context_of(a) ? context_of(a)->id : 0)) {
		end_association(a, "a request that nobody serves here");
	} else {
		a->rq = *cmd;
		a->rq_context = context_id;
		buf_reset(&a->data);
	}
}

static void on_data(void *user, struct conn *c, uint8_t context_id, struct bytes piece, bool is_last)
{
	struct errand_agent *a = user;
	const struct assoc_context *pc = conn_context(c, context_id);
	if (!a->rq.field)
		return;          /* the data set of an answer */
	buf_add(&a->data, piece.p, piece.len);
	if (!is_last)
		return;
	if (buf_err(&a->data) || !pc || !pc->ts)
		end_association(a, "a data set that is too long");
	else
		a->class->request(a, context_id, &a->rq, ds_encoding_of(pc->ts), buf_view(&a->data));
	a->rq = (struct dimse){ 0 };
	buf_fini(&a->data);
	buf_init(&a->data, BOUND_IDENTIFIER);
	a->deadline_ns = clock_mono_ns() + (uint64_t)(a->is_sent && a->now ? ANSWER_MS : a->class->linger_ms) * 1000000;
}

static void on_closed(void *user, struct conn *c, enum conn_end how, const char *detail, uint8_t rj_result, uint8_t rj_source, uint8_t rj_reason)
{
	struct errand_agent *a = user;
	char words[161];
	(void)c;
	(void)rj_result;
	(void)rj_source;
	(void)rj_reason;         /* in the detail */
	a->conn = NULL;
	a->is_ending = false;
	snprintf(words, sizeof(words), "%s: %.120s", conn_end_name(how), detail ? detail : "");
	if (a->now && !a->router->is_stopping)
		finish(a, a->is_sent ? ERRAND_UNANSWERED : ERRAND_UNSENT, 0, words);
	if (a->router->is_stopping)
		tell_quiet(a->router);
	else
		step(a);
}

static enum err connect_to(struct errand_agent *a, struct why *why)
{
	static const struct conn_handlers handlers = { .on_open = on_open, .on_command = on_command, .on_data = on_data, .on_closed = on_closed };
	static const char *syntaxes[] = { TS_EXPLICIT_LE, TS_IMPLICIT_LE };
	struct negotiate_context context = { .id = 1, .abstract_syntax = a->class->sop_class, .ts = syntaxes, .ts_count = NELEM(syntaxes) };
	struct negotiate_role role = { .sop_class = a->class->sop_class, .scp = true };
	struct assoc_request rq = {
		.application_context = UID_APPLICATION_CONTEXT, .contexts = &context, .context_count = 1, .max_pdu = BOUND_PDU_OURS,
		.roles = a->class->is_scp ? &role : NULL, .role_count = a->class->is_scp, .max_invoked = 1, .max_performed = 1,
		.implementation_class = IMPLEMENTATION_CLASS_UID, .implementation_version = IMPLEMENTATION_VERSION,
	};
	snprintf(rq.called, sizeof(rq.called), "%s", a->node.aet);
	snprintf(rq.calling, sizeof(rq.calling), "%s", a->router->conf->aet);
	return conn_connect(a->router->loop, a->node.host, a->node.port, &rq, &handlers, a, NULL, &a->conn, why);
}

static void open_association(struct errand_agent *a)
{
	struct why why = { "" };
	if (connect_to(a, &why)) {
		a->conn = NULL;
		finish(a, ERRAND_UNSENT, 0, why.text);
	}
}

/* ---- stepping ---- */

static void linger(struct errand_agent *a)
{
	uint64_t now = clock_mono_ns();
	if (!a->deadline_ns || a->is_sent)
		a->deadline_ns = now + (uint64_t)a->class->linger_ms * 1000000;
	a->is_sent = false;
	if (now >= a->deadline_ns || !a->is_known)
		end_association(a, NULL);
}

static bool is_due(const struct errand_agent *a)
{
	if (clock_mono_ns() < a->not_before_ns)
		return false;
	return a->has_work || (a->next_ms && clock_wall_ms() >= a->next_ms) || clock_mono_ns() >= a->poll_ns;
}

static void step(struct errand_agent *a)
{
	if (a->router->is_stopping || a->is_ending)
		return;
	if (!a->now && !a->is_working && a->is_known && is_due(a))
		ask_next(a);
	if (a->now && !a->conn)
		open_association(a);
	else if (a->now && conn_is_open(a->conn) && !a->is_sent)
		send_now(a);
	else if (a->now && a->is_sent && clock_mono_ns() >= a->deadline_ns)
		end_association(a, "no answer in time");
	else if (!a->now && !a->is_working && a->conn && conn_is_open(a->conn))
		linger(a);
}

static void on_tick(void *arg)
{
	struct router *r = arg;
	struct errand_agent *a;
	LIST_FOREACH(a, &r->errands->agents, entry)
		step(a);
}

/* ---- answers to requests that came ---- */

struct errand_token errand_token(const struct errand_agent *a, uint8_t context_id, const struct dimse *rq)
{
	struct errand_token t = { .kind = a->kind, .conn = conn_id(a->conn), .context_id = context_id, .rq = *rq };
	memcpy(t.node, a->node.name, sizeof(t.node));
	return t;
}

static struct errand_agent *find(struct router *r, enum errand_kind kind, const char *node)
{
	struct errand_agent *a;
	LIST_FOREACH(a, &r->errands->agents, entry)
		if (a->kind == kind && !strcmp(a->node.name, node))
			return a;
	return NULL;
}

void errand_respond(struct router *r, const struct errand_token *t, uint16_t status, const char *comment)
{
	struct errand_agent *a = r->errands ? find(r, t->kind, t->node) : NULL;
	struct dimse rsp = dimse_response(&t->rq, status);
	if (!a || !a->conn || conn_id(a->conn) != t->conn)
		return;          /* it asks again, elsewhere */
	snprintf(rsp.error_comment, sizeof(rsp.error_comment), "%s", comment ? comment : "");
	if (conn_send(a->conn, t->context_id, &rsp, (struct bytes){ 0 }))
		end_association(a, "an answer could not be queued");
}

/* ---- the room ---- */

void errands_wake(struct router *r, enum errand_kind kind, const char *node)
{
	struct errand_agent *a;
	if (!r->errands || r->is_stopping)
		return;
	LIST_FOREACH(a, &r->errands->agents, entry)
		if (a->kind == kind && (!node || !strcmp(a->node.name, node))) {
			a->has_work = true;
			step(a);
		}
}

void errands_hurry(struct router *r, const char *node)
{
	struct errand_agent *a;
	LIST_FOREACH(a, &r->errands->agents, entry)
		if (!node || !strcmp(a->node.name, node))
			a->not_before_ns = 0;
	for (int kind = 0; kind < ERRAND_KIND_COUNT; kind++)
		errands_wake(r, (enum errand_kind)kind, node);
}

static void configure(struct router *r, enum errand_kind kind, const struct conf_node *node)
{
	struct errand_agent *a = find(r, kind, node->name);
	if (!a) {
		a = calloc(1, sizeof(*a));
		if (!a)
			return;  /* the next reload, or start, makes it */
		a->router = r;
		a->kind = kind;
		a->class = classes[kind];
		buf_init(&a->data, BOUND_IDENTIFIER);
		LIST_INSERT_HEAD(&r->errands->agents, a, entry);
	}
	a->node = *node;
	a->is_known = node->host[0] != '\0';
	a->has_work = true;
}

void errands_reload(struct router *r)
{
	struct errand_agent *a;
	LIST_FOREACH(a, &r->errands->agents, entry)
		a->is_known = false;
	for (size_t i = 0; i < r->conf->node_count; i++)
		for (int kind = 0; kind < ERRAND_KIND_COUNT; kind++)
			configure(r, (enum errand_kind)kind, &r->conf->nodes[i]);
}

enum err errands_start(struct router *r, struct why *why)
{
	r->errands = calloc(1, sizeof(*r->errands));
	if (!r->errands || loop_timer_new(r->loop, on_tick, r, &r->errands->tick))
		return fail(why, ERR_NOMEM, "no memory");
	LIST_INIT(&r->errands->agents);
	errands_reload(r);
	loop_timer_start(r->errands->tick, TICK_MS, TICK_MS);
	return ERR_OK;
}

void errands_stop(struct router *r, void (*quiet)(struct router *r))
{
	struct errand_agent *a;
	r->errands->quiet = quiet;
	loop_timer_free(&r->errands->tick);
	LIST_FOREACH(a, &r->errands->agents, entry)
		if (a->conn)
			end_association(a, "the router is stopping");
	tell_quiet(r);
}

void errands_fini(struct router *r)
{
	struct errand_agent *a;
	if (!r->errands)
		return;
	while ((a = LIST_FIRST(&r->errands->agents))) {
		LIST_REMOVE(a, entry);
		errand_free(a->now);
		buf_fini(&a->data);
		free(a);
	}
	free(r->errands);
	r->errands = NULL;
}
