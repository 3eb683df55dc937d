/* The UPS services between a connection, reader threads and a router that do as they are told. */
#include <stdlib.h>
#include <unistd.h>

#include "db/items_sql.h"
#include "db/work_schema.h"
#include "pacs/ctl/ctl.h"
#include "storescp/ups.h"
#include "tests/lib/t.h"

enum { CTX_PUSH = 1, CTX_PULL = 3, CTX_WATCH = 5, CTX_QUERY = 7, ITEMS = 150 };
#define LOCK "2.25.1111"

static char dir[] = "/tmp/ups_test.XXXXXX";
static struct arena arena;
static struct conf conf = { .aet = "COUNTY", .refs = 1 };
static struct server server = { .conf = &conf };
static struct session *session;

/* ---- the connection ---- */

static struct assoc_context contexts[4];
static struct dimse answers[ITEMS + 8];
static unsigned answer_count, pending;
static bool is_full;
static struct dataset *last_data;

const struct assoc_context *conn_context(const struct conn *c, uint8_t id)
{
	(void)c;
	for (size_t i = 0; i < NELEM(contexts); i++)
		if (contexts[i].id == id)
			return &contexts[i];
	return NULL;
}

enum err conn_send(struct conn *c, uint8_t context_id, const struct dimse *cmd, struct bytes data)
{
	(void)c;
	(void)context_id;
	answers[answer_count++ % NELEM(answers)] = *cmd;
	pending += dimse_status_is_pending(cmd->status);
	if (cmd->has_data)
		CHECK_INT(dataset_parse(&arena, data, DS_EXPLICIT_LE, &last_data, NULL), ERR_OK);
	return ERR_OK;
}

bool conn_is_full(const struct conn *c)
{
	(void)c;
	return is_full;
}

void conn_abort(struct conn *c, const char *because)
{
	(void)c;
	T_FAIL("aborted: %s", because);
}

uint64_t conn_id(const struct conn *c)
{
	(void)c;
	return 1;
}

/* ---- the session ---- */

static struct operation *running;
static unsigned operations;

void operation_begin(struct operation *op, const struct operation_class *class, struct session *s, uint8_t context_id, const struct dimse *rq)
{
	op->class = class;
	op->server = s->server;
	op->session = s;
	op->context_id = context_id;
	op->rq = *rq;
	running = op;
	operations++;
}

void operation_end(struct operation *op)
{
	if (running == op)
		running = NULL;
	operations--;
}

void session_respond(struct session *s, uint8_t context_id, const struct dimse *rq, uint16_t status, const char *comment)
{
	struct dimse rsp = dimse_response(rq, status);

	if (comment)
		snprintf(rsp.error_comment, sizeof(rsp.error_comment), "%s", comment);
	CHECK_INT(conn_send(s->conn, context_id, &rsp, (struct bytes){ 0 }), ERR_OK);
}

/* ---- reader threads: one job is kept until run_reader() ---- */

static void (*job_work)(void *, struct index_reader *), (*job_done)(void *);
static void *job_arg;

enum err readers_run(struct readers *r, void (*work)(void *arg, struct index_reader *ix), void (*done)(void *arg), void *arg)
{
	(void)r;
	job_work = work;
	job_done = done;
	job_arg = arg;
	return ERR_OK;
}

static bool run_reader(void)
{
	void (*work)(void *, struct index_reader *) = job_work;

	job_work = NULL;
	if (!work)
		return false;
	work(job_arg, NULL);
	job_done(job_arg);
	return true;
}

/* ---- the router ---- */

static json_t *asked;
static void (*router_done)(void *arg, enum err e, const json_t *answer, const struct why *why);
static void *router_arg;

enum err ctl_call_async(struct loop *l, const char *path, json_t *body, unsigned timeout_ms,
                        void (*done)(void *arg, enum err e, const json_t *answer, const struct why *why), void *arg)
{
	(void)l;
	(void)timeout_ms;
	CHECK(strstr(path, "run/router.sock") != NULL);
	json_decref(asked);
	asked = body;
	router_done = done;
	router_arg = arg;
	return ERR_OK;
}

static void router_says(int status, const char *comment)
{
	json_t *answer = json_pack("{s:b, s:i, s:s}", "ok", 1, "status", status, "comment", comment);
	struct why why = { "" };

	router_done(router_arg, ERR_OK, answer, &why);
	json_decref(answer);
}

static const char *asked_for(const char *key)
{
	const char *s = json_string_value(json_object_get(asked, key));

	return s ? s : "(none)";
}

/* ---- requests ---- */

static struct dimse request(uint16_t field)
{
	struct dimse rq = { .field = field, .message_id = 7, .action_type = 1 };

	strcpy(rq.sop_class.s, UID_UPS_PUSH);
	strcpy(rq.sop_instance.s, "1.1");
	return rq;
}

static void start(const struct service *sv, uint8_t context_id, const struct dimse *rq, const struct dataset *ds)
{
	struct buf b;

	buf_init(&b, 1 << 20);
	if (ds)
		CHECK_INT(dataset_write(ds, DS_EXPLICIT_LE, &b), ERR_OK);
	answer_count = pending = 0;
	last_data = NULL;
	job_work = NULL;
	router_done = NULL;
	is_full = false;
	json_decref(asked);
	asked = NULL;
	sv->start(session, context_id, rq, buf_view(&b));
	buf_fini(&b);
}

static uint16_t last_status(void)
{
	return answer_count ? answers[(answer_count - 1) % NELEM(answers)].status : 0xFFFF;
}

static struct dataset *state_change(const char *state, const char *transaction)
{
	struct dataset *ds = dataset_new(&arena);

	if (state)
		CHECK_INT(dataset_put_str(ds, TAG_STEP_STATE, state), ERR_OK);
	if (transaction)
		CHECK_INT(dataset_put_str(ds, TAG_TRANSACTION_UID, transaction), ERR_OK);
	return ds;
}

TEST(classes, "each operation is served on the contexts that have it, and refused on the others")
{
	static const struct { const struct service *sv; bool push, pull, watch, query; } rows[] = {
		{ &service_ups_find, false, true, true, true },
		{ &service_ups_get, true, true, true, false },
		{ &service_ups_set, false, true, false, false },
		{ &service_ups_action, true, true, true, false },
	};
	for (size_t i = 0; i < NELEM(rows); i++) {
		const bool may[] = { rows[i].push, rows[i].pull, rows[i].watch, rows[i].query };
		for (unsigned c = 0; c < 4; c++) {
			struct dimse rq = request(rows[i].sv->field);
			start(rows[i].sv, (uint8_t)(2 * c + 1), &rq, state_change("IN PROGRESS", LOCK));
			if ((last_status() != STATUS_UNRECOGNISED_OPERATION) != may[c])
				T_FAIL("%s on context %u: %04x", dimse_field_name(rq.field), c, last_status());
			run_reader();
			if (router_done)
				router_says(0, "");
			while (run_reader())
				;
		}
	}
	CHECK_INT(operations, 0);
	CHECK(ups_is_sop_class(UID_UPS_PULL) && !ups_is_sop_class(UID_UPS_EVENT) && !ups_is_sop_class(UID_VERIFICATION));
}

TEST(action, "a change of state goes to the router with its lock, and its answer comes back")
{
	struct dimse rq = request(DIMSE_N_ACTION_RQ);

	start(&service_ups_action, CTX_PULL, &rq, state_change("IN PROGRESS", LOCK));
	CHECK_STR(asked_for("op"), "ups.state");
	CHECK_STR(asked_for("uid"), "1.1");
	CHECK_STR(asked_for("state"), "IN PROGRESS");
	CHECK_STR(asked_for("transaction"), LOCK);
	CHECK_STR(asked_for("calling"), "READER1");
	CHECK_INT(answer_count, 0);
	router_says(UPS_IN_PROGRESS, "somebody else");
	CHECK_INT(last_status(), UPS_IN_PROGRESS);
	CHECK_STR(answers[0].error_comment, "somebody else");
	CHECK_INT(operations, 0);
}

TEST(bad_actions, "what is no change of state is refused without asking anybody")
{
	struct dimse rq = request(DIMSE_N_ACTION_RQ), subscribe = rq, foreign = rq;

	start(&service_ups_action, CTX_PULL, &rq, state_change(NULL, LOCK));
	CHECK_INT(last_status(), UPS_MISSING_VALUE);
	start(&service_ups_action, CTX_PULL, &rq, state_change("DONE", LOCK));
	CHECK_INT(last_status(), UPS_BAD_VALUE);
	start(&service_ups_action, CTX_PULL, &rq, state_change("IN PROGRESS", "not a uid"));
	CHECK_INT(last_status(), UPS_BAD_VALUE);
	start(&service_ups_action, CTX_WATCH, &rq, state_change("IN PROGRESS", LOCK));
	CHECK_INT(last_status(), UPS_NO_ACTION);
	subscribe.action_type = 3;
	start(&service_ups_action, CTX_PULL, &subscribe, state_change("IN PROGRESS", LOCK));
	CHECK_INT(last_status(), UPS_NO_ACTION);
	strcpy(foreign.sop_class.s, UID_VERIFICATION);
	start(&service_ups_action, CTX_PULL, &foreign, state_change("IN PROGRESS", LOCK));
	CHECK_INT(last_status(), UPS_NO_CLASS);
	CHECK(asked == NULL);
	CHECK_INT(operations, 0);
}

TEST(no_router, "when the router does not answer the reader is told to come back")
{
	struct dimse rq = request(DIMSE_N_ACTION_RQ);
	struct why why = { "nobody listens" };

	start(&service_ups_action, CTX_PULL, &rq, state_change("IN PROGRESS", LOCK));
	router_done(router_arg, ERR_CLOSED, NULL, &why);
	CHECK_INT(last_status(), STATUS_PROCESSING_FAILURE);
	CHECK(dimse_status_is_transient(last_status()));
	CHECK_INT(operations, 0);
}

TEST(gone, "an association that ends while the router works gets no answer, and nothing is left behind")
{
	struct dimse rq = request(DIMSE_N_ACTION_RQ);

	start(&service_ups_action, CTX_PULL, &rq, state_change("IN PROGRESS", LOCK));
	struct operation *op = running;
	op->session = NULL;
	op->class->gone(op);
	router_says(0, "");
	CHECK_INT(answer_count, 0);
	CHECK_INT(operations, 0);
}

TEST(set, "N-SET hands on the changes without the Transaction UID among them")
{
	struct dimse rq = request(DIMSE_N_SET_RQ);
	struct dataset *ds = state_change(NULL, LOCK), *got;
	uint8_t raw[512];
	size_t n = 0;

	CHECK_INT(dataset_put_str(ds, TAG_STEP_LABEL, "X"), ERR_OK);
	start(&service_ups_set, CTX_PULL, &rq, ds);
	CHECK_STR(asked_for("op"), "ups.set");
	CHECK_STR(asked_for("transaction"), LOCK);
	for (const char *h = asked_for("changes"); h[0] && h[1] && n < sizeof(raw); h += 2) {
		unsigned v;
		CHECK_INT(sscanf(h, "%2x", &v), 1);
		raw[n++] = (uint8_t)v;
	}
	CHECK_INT(dataset_parse(&arena, bytes_of(raw, n), DS_EXPLICIT_LE, &got, NULL), ERR_OK);
	CHECK_STR(dataset_str(got, TAG_STEP_LABEL), "X");
	CHECK(!dataset_has(got, TAG_TRANSACTION_UID));
	router_says(0, "");
	CHECK_INT(last_status(), 0);
}

TEST(get, "N-GET gives the attributes asked for, and C307 for an item that is not there")
{
	struct dimse rq = request(DIMSE_N_GET_RQ);

	rq.attributes[0] = TAG_STEP_STATE;
	rq.attribute_count = 1;
	start(&service_ups_get, CTX_WATCH, &rq, NULL);
	CHECK(run_reader());
	CHECK_INT(last_status(), 0);
	CHECK(last_data != NULL);
	if (last_data) {
		CHECK_STR(dataset_str(last_data, TAG_STEP_STATE), "IN PROGRESS");
		CHECK(!dataset_has(last_data, TAG_STEP_LABEL));
	}
	rq.attribute_count = 0;
	start(&service_ups_get, CTX_PULL, &rq, NULL);
	CHECK(run_reader());
	CHECK(last_data && dataset_has(last_data, TAG_STEP_LABEL) && !dataset_has(last_data, TAG_TRANSACTION_UID));
	strcpy(rq.sop_instance.s, "9.9");
	start(&service_ups_get, CTX_PULL, &rq, NULL);
	CHECK(run_reader());
	CHECK_INT(last_status(), UPS_NO_SUCH);
	CHECK_INT(operations, 0);
}

static struct dataset *keys(const char *state)
{
	return state_change(state, NULL);
}

TEST(find, "C-FIND gives every item that matches, once, page by page")
{
	struct dimse rq = request(DIMSE_C_FIND_RQ);

	start(&service_ups_find, CTX_PULL, &rq, keys(""));
	while (run_reader())
		;
	CHECK_INT(pending, ITEMS);
	CHECK_INT(answer_count, ITEMS + 1);
	CHECK_INT(last_status(), STATUS_SUCCESS);
	start(&service_ups_find, CTX_QUERY, &rq, keys("IN PROGRESS"));
	while (run_reader())
		;
	CHECK_INT(pending, 1);
	CHECK(last_data && strcmp(dataset_str(last_data, TAG_SOP_INSTANCE_UID), "1.1") == 0);
	CHECK_INT(operations, 0);
}

TEST(find_full, "a full connection stops the search until there is room")
{
	struct dimse rq = request(DIMSE_C_FIND_RQ);

	start(&service_ups_find, CTX_PULL, &rq, keys(""));
	is_full = true;
	CHECK(run_reader());
	CHECK(!run_reader());
	CHECK(pending > 0 && pending < ITEMS);
	is_full = false;
	running->class->writable(running);
	while (run_reader())
		;
	CHECK_INT(pending, ITEMS);
	CHECK_INT(last_status(), STATUS_SUCCESS);
}

TEST(find_cancel, "a cancelled search ends with FE00")
{
	struct dimse rq = request(DIMSE_C_FIND_RQ);

	start(&service_ups_find, CTX_PULL, &rq, keys(""));
	CHECK(run_reader());
	running->class->cancel(running);     /* while a page is being read */
	CHECK(run_reader());
	CHECK(!run_reader());
	CHECK_INT(last_status(), STATUS_CANCEL);
	start(&service_ups_find, CTX_PULL, &rq, keys(""));
	is_full = true;
	CHECK(run_reader());
	running->class->cancel(running);     /* while it waits for room */
	CHECK_INT(last_status(), STATUS_CANCEL);
	CHECK_INT(operations, 0);
}

TEST(find_gone, "a search whose association ends is freed, whatever it was doing")
{
	struct dimse rq = request(DIMSE_C_FIND_RQ);

	for (unsigned waits = 0; waits < 2; waits++) {
		start(&service_ups_find, CTX_PULL, &rq, keys(""));
		is_full = waits;
		CHECK(run_reader());
		struct operation *op = running;
		op->session = NULL;
		op->class->gone(op);
		while (run_reader())
			;
		CHECK_INT(operations, 0);
	}
}

TEST(find_bad, "a key that cannot be read is A900, a data set that cannot be read C000")
{
	struct dimse rq = request(DIMSE_C_FIND_RQ);
	struct dataset *ds = dataset_new(&arena);

	CHECK_INT(dataset_put_str(ds, TAG_STEP_START, "soon"), ERR_OK);
	start(&service_ups_find, CTX_PULL, &rq, ds);
	CHECK_INT(last_status(), STATUS_MISMATCH);
	answer_count = 0;
	service_ups_find.start(session, CTX_PULL, &rq, BYTES("\x08\0\x05\0CS\x40\0abc"));
	CHECK_INT(last_status(), STATUS_CANNOT_UNDERSTAND);
	CHECK_INT(operations, 0);
}

/* ---- a work list ---- */

static enum err make_items(struct why *why)
{
	char path[64];
	sqlite3 *db = NULL;
	uint16_t status = 0;

	snprintf(path, sizeof(path), "%s/work.db", dir);
	enum err e = sql_open_writer(path, &work_schema, &db, why);
	if (!e)
		e = sql_exec(db, "BEGIN", why);
	for (unsigned i = 1; i <= ITEMS && !e; i++) {
		struct item_row row = { .instances = 1 };
		struct dataset *ds = dataset_new(&arena);
		snprintf(row.uid.s, sizeof(row.uid.s), "1.%u", i);
		snprintf(row.study_uid.s, sizeof(row.study_uid.s), "1.2.%u", i);
		e = dataset_put_str(ds, TAG_SOP_INSTANCE_UID, row.uid.s);
		if (!e)
			e = dataset_put_str(ds, TAG_STEP_LABEL, "READING-DR");
		if (!e)
			e = items_insert(db, &row, ds, "COUNTY", 1, why);
	}
	if (!e)
		e = items_change_state(db, "1.1", ITEM_IN_PROGRESS, LOCK, "READER1", 2, &status, why);
	if (!e)
		e = sql_exec(db, "COMMIT", why);
	sql_close(&db);
	return e;
}

int main(void)
{
	static const char *const syntaxes[] = { UID_UPS_PUSH, UID_UPS_PULL, UID_UPS_WATCH, UID_UPS_QUERY };
	struct why why = { "" };
	char path[64];

	arena_init(&arena, 64 << 20);
	session = calloc(1, sizeof(*session));
	if (!session || !mkdtemp(dir) || make_items(&why)) {
		printf("Bail out! %s\n", why.text);
		return 1;
	}
	snprintf(conf.dir, sizeof(conf.dir), "%s", dir);
	session->server = &server;
	strcpy(session->calling, "READER1");
	for (size_t i = 0; i < NELEM(contexts); i++) {
		contexts[i] = (struct assoc_context){ .id = (uint8_t)(2 * i + 1), .ts = ts_find(TS_EXPLICIT_LE) };
		snprintf(contexts[i].abstract_syntax.s, sizeof(contexts[i].abstract_syntax.s), "%s", syntaxes[i]);
	}
	RUN(classes);
	RUN(action);
	RUN(bad_actions);
	RUN(no_router);
	RUN(gone);
	RUN(set);
	RUN(get);
	RUN(find);
	RUN(find_full);
	RUN(find_cancel);
	RUN(find_gone);
	RUN(find_bad);
	json_decref(asked);
	free(session);
	arena_fini(&arena);
	for (size_t i = 0; i < 3; i++) {
		static const char *const ends[] = { "", "-wal", "-shm" };
		snprintf(path, sizeof(path), "%s/work.db%s", dir, ends[i]);
		unlink(path);
	}
	rmdir(dir);
	return t_done();
}
