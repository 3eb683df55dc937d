/* Sending performed procedure steps on: real jobs and messages in a work.db, and a network, timers and a work thread that only do what
 * the test tells them. They take the names of the real ones. */
#include "tests/lib/t.h"

#include <sys/stat.h>
#include <unistd.h>

#include "db/sql.h"
#include "db/work.h"
#include "pacs/base/clock.h"
#include "pacs/dicom/dataset_text.h"
#include "pacs/net/conn.h"
#include "router/jobs.h"
#include "router/mpps.h"

enum { RETRY_S = 30 };

/* ---- the stage ---- */

struct loop_timer { void (*fn)(void *arg); void *arg; uint64_t after_ms; bool is_started; };
struct message { struct dimse cmd; struct dataset *ds; };
struct conn {
	const struct conn_handlers *h;
	void *user;
	struct assoc_context context;
	bool is_there, is_open, is_released;
	const char *aborted;
	uint16_t next_id;
	unsigned count;
	struct message messages[8];
};
struct task { work_fn *work; work_done_fn *done; void *arg; };

static struct conn conn;
static unsigned connects;
static bool may_connect, has_context;
static struct loop_timer timers[8];
static struct task tasks[8];
static unsigned timer_count, task_count;
static char dir[64];
static struct work *work;
static struct why why;
static struct arena arena;
static struct { int64_t job; enum job_event event; char why[161]; } told;     /* the last report */

enum err loop_timer_new(struct loop *l, void (*fn)(void *arg), void *arg, struct loop_timer **out)
{
	(void)l;
	*out = &timers[timer_count++];
	**out = (struct loop_timer){ .fn = fn, .arg = arg };
	return ERR_OK;
}

void loop_timer_start(struct loop_timer *t, uint64_t after_ms, uint64_t repeat_ms)
{
	(void)repeat_ms;
	t->after_ms = after_ms;
	t->is_started = true;
}

void loop_timer_stop(struct loop_timer *t) { t->is_started = false; }
void loop_timer_free(struct loop_timer **t) { *t = NULL; }

enum err work_run(struct work_thread *w, work_fn *fn, work_done_fn *done, void *arg)
{
	(void)w;
	tasks[task_count++] = (struct task){ fn, done, arg };
	return ERR_OK;
}

static void run_tasks(void)
{
	for (unsigned i = 0; i < task_count; i++) {
		struct why said = { "" };
		CHECK_OK(work_begin(work, &why), why);
		enum err e = tasks[i].work(tasks[i].arg, work, NULL, &said);
		CHECK_OK(work_commit(work, &why), why);
		tasks[i].done(tasks[i].arg, e, &said);
	}
	task_count = 0;
}

void jobs_report(struct router *r, int64_t id, enum job_event event, const char *because, void (*saved)(struct router *r))
{
	const struct work_event ev = { .event = event, .hold = event == JOB_REFUSED ? HOLD_REFUSED : HOLD_NONE, .why = because, .now_ms = clock_wall_ms(),
	                               .retry_min_s = RETRY_S, .retry_max_s = RETRY_S, .random = UINT32_MAX };
	told.job = id;
	told.event = event;
	snprintf(told.why, sizeof(told.why), "%s", because);
	CHECK_OK(work_begin(work, &why), why);
	CHECK_OK(work_apply(work, id, &ev, NULL, &why), why);
	CHECK_OK(work_commit(work, &why), why);
	if (!r->is_stopping)
		saved(r);
}

enum err conn_connect(struct loop *l, const char *host, unsigned port, const struct assoc_request *rq, const struct conn_handlers *h, void *user,
                      const struct conn_timeouts *t, struct conn **out, struct why *w)
{
	(void)l;
	(void)host;
	(void)port;
	(void)t;
	connects++;
	CHECK_STR(rq->called, "COUNTY");
	CHECK_STR(rq->calling, "CLINIC");
	CHECK(!conn.is_there);
	if (!may_connect)
		return fail(w, ERR_NOT_FOUND, "no such host");
	conn = (struct conn){ .h = h, .user = user, .is_there = true, .context = { .id = 1, .ts = ts_find(TS_IMPLICIT_LE), .may_invoke = true } };
	*out = &conn;
	return ERR_OK;
}

bool conn_is_open(const struct conn *c) { return c->is_open; }
uint16_t conn_next_message_id(struct conn *c) { return ++c->next_id; }
const char *conn_end_name(enum conn_end e) { return e == CONN_LOST ? "lost" : "other"; }

const struct assoc_context *conn_find_context(const struct conn *c, const char *abstract_syntax, const char *ts)
{
	CHECK(!strcmp(abstract_syntax, UID_MPPS) && !ts);
	return has_context ? &c->context : NULL;
}

enum err conn_send(struct conn *c, uint8_t context_id, const struct dimse *cmd, struct bytes data)
{
	struct message *m = &c->messages[c->count++];
	CHECK(c->is_open && context_id == 1);
	m->cmd = *cmd;
	uint8_t *copy = arena_alloc(&arena, data.len);
	memcpy(copy, data.p, data.len);
	CHECK_OK(dataset_parse(&arena, bytes_of(copy, data.len), DS_IMPLICIT_LE, &m->ds, &why), why);
	return ERR_OK;
}

void conn_release(struct conn *c)
{
	c->is_released = true;
	c->is_open = false;
}

void conn_abort(struct conn *c, const char *because)
{
	c->aborted = because;
	c->is_open = false;
}

/* ---- what the network does ---- */

static void opens(void)
{
	conn.is_open = true;
	conn.h->on_open(conn.user, &conn);
}

static void closes(enum conn_end how)
{
	conn.is_there = conn.is_open = false;
	conn.h->on_closed(conn.user, &conn, how, "as the test has it", 0, 0, 0);
}

static void answer(uint16_t status, uint16_t error_id)
{
	const struct dimse *rq = &conn.messages[conn.count - 1].cmd;
	struct dimse rsp = { .field = (uint16_t)(rq->field | 0x8000), .message_id = rq->message_id, .status = status, .error_id = error_id };
	conn.h->on_command(conn.user, &conn, 1, &rsp);
}

static void time_out(struct loop_timer *t)
{
	CHECK(t->is_started);
	t->is_started = false;
	t->fn(t->arg);
}

/* ---- a router with a rule ---- */

static struct conf_node nodes[] = { { .name = "county", .aet = "COUNTY", .host = "far", .port = 104, .charset = "GB18030" } };
static struct conf_route routes[] = { { .action = ACTION_MPPS, .to = "county" } };
static struct conf conf;
static struct router router;

static void start(void)
{
	char path[96];
	snprintf(dir, sizeof(dir), "/tmp/mpps_send_test.XXXXXX");
	CHECK(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/run", dir);
	CHECK(!mkdir(path, 0755));
	arena_init(&arena, 1 << 20);
	conn = (struct conn){ 0 };
	timer_count = task_count = connects = 0;
	may_connect = has_context = true;
	conf = (struct conf){ .nodes = nodes, .node_count = 1, .routes = routes, .route_count = 1 };
	snprintf(conf.aet, sizeof(conf.aet), "CLINIC");
	router = (struct router){ .conf = &conf };
	CHECK_OK(work_open(dir, &work, &why), why);
	CHECK_OK(mpps_start(&router, &why), why);
	run_tasks();
}

static void stop(void)
{
	char cmd[96];
	router.is_stopping = true;
	mpps_stop(&router);
	if (conn.is_there)
		closes(CONN_ABORTED_BY_US);
	run_tasks();
	mpps_fini(&router);
	work_close(&work);
	arena_fini(&arena);
	snprintf(cmd, sizeof(cmd), "rm -rf '%s'", dir);
	CHECK_INT(system(cmd), 0);
}

/* A message of a step, whose patient is called 张三, and its job. */
static int64_t add(const char *uid, int kind)
{
	struct dataset *ds = dataset_new(&arena);
	struct buf b;
	sqlite3_stmt *st;
	struct work_job j = { .kind = JOB_MPPS, .to = "county", .source = "DR1", .created_ms = clock_wall_ms() };
	buf_init(&b, 4096);
	CHECK_OK(dataset_put_str(ds, TAG(0x0008, 0x0005), "ISO_IR 192"), why);
	CHECK_OK(dataset_put_str(ds, TAG_PATIENT_NAME, "张三"), why);
	CHECK_OK(dataset_put_str(ds, TAG_MPPS_STATUS, kind == MPPS_CREATE ? "IN PROGRESS" : "COMPLETED"), why);
	CHECK_OK(dataset_write(ds, DS_EXPLICIT_LE, &b), why);
	CHECK_OK(work_begin(work, &why), why);
	CHECK_OK(sql_ask(work_db(work), &why, &st, "INSERT INTO mpps_message(mpps, kind, at_ms, dataset) VALUES(?1, ?2, ?3, ?4)", "tii", uid, (int64_t)kind, clock_wall_ms()), why);
	sql_bind_blob(st, 4, buf_view(&b));
	CHECK_OK(sql_run_once(st, &why), why);
	j.instance = (uint64_t)sqlite3_last_insert_rowid(work_db(work));
	snprintf(j.sop_instance.s, sizeof(j.sop_instance.s), "%s", uid);
	CHECK_OK(work_enqueue(work, &j, &why), why);
	int64_t job = sqlite3_last_insert_rowid(work_db(work));
	CHECK_OK(work_commit(work, &why), why);
	buf_fini(&b);
	return job;
}

static enum job_state state_of(int64_t job)
{
	struct work_job j = { .state = JOB_STATE_COUNT };
	CHECK_OK(work_get(work, job, &j, &why), why);
	return j.state;
}

static void let_back_off_pass(void)
{
	CHECK_OK(sql_do(work_db(work), &why, "UPDATE job SET until_ms = until_ms - ?1 WHERE until_ms > 0", "i", (int64_t)RETRY_S * 1000), why);
}

static void wake(void)
{
	mpps_wake(&router);
	run_tasks();
}

/* ---- tests ---- */

TEST(order, "a step's messages go out one after the other over one association, as they came, in the far end's character set")
{
	start();
	int64_t create = add("2.25.1", MPPS_CREATE), set = add("2.25.1", MPPS_SET);
	wake();
	CHECK_INT(conn.count, 0);
	opens();
	run_tasks();
	CHECK_INT(conn.count, 1);
	CHECK_INT(conn.messages[0].cmd.field, DIMSE_N_CREATE_RQ);
	CHECK_STR(conn.messages[0].cmd.sop_instance.s, "2.25.1");
	CHECK_STR(dataset_str(conn.messages[0].ds, TAG(0x0008, 0x0005)), "GB18030");
	CHECK_STR(dataset_str(conn.messages[0].ds, TAG_PATIENT_NAME), "\xD5\xC5\xC8\xFD");
	wake();
	CHECK_INT(conn.count, 1);
	answer(0, 0);
	run_tasks();
	CHECK_INT(state_of(create), JOB_SENT);
	CHECK_INT(conn.count, 2);
	CHECK_INT(conn.messages[1].cmd.field, DIMSE_N_SET_RQ);
	CHECK(conn.messages[1].cmd.message_id != conn.messages[0].cmd.message_id);
	answer(0, 0);
	run_tasks();
	CHECK_INT(state_of(set), JOB_SENT);
	CHECK_INT(connects, 1);
	stop();
}

TEST(answers, "what the far end says decides: taken, again later, or held for a person")
{
	static const struct { int kind; uint16_t status, error_id; enum job_state then; } cases[] = {
		{ MPPS_CREATE, 0x0000, 0, JOB_SENT }, { MPPS_CREATE, 0x0116, 0, JOB_SENT }, { MPPS_CREATE, 0x0107, 0, JOB_SENT },
		{ MPPS_CREATE, 0x0111, 0, JOB_SENT },                    /* it took the one whose answer was lost */
		{ MPPS_SET, 0x0111, 0, JOB_HELD },
		{ MPPS_SET, 0x0110, 0xA710, JOB_SENT },                  /* the same for a final state */
		{ MPPS_SET, 0x0110, 0, JOB_WAITING }, { MPPS_CREATE, 0x0213, 0, JOB_WAITING }, { MPPS_CREATE, 0xA700, 0, JOB_WAITING },
		{ MPPS_SET, 0x0112, 0, JOB_HELD }, { MPPS_CREATE, 0x0120, 0, JOB_HELD }, { MPPS_CREATE, 0x0106, 0, JOB_HELD },
	};
	for (size_t i = 0; i < NELEM(cases); i++) {
		start();
		int64_t job = add("2.25.1", cases[i].kind);
		wake();
		opens();
		answer(cases[i].status, cases[i].error_id);
		if (state_of(job) != cases[i].then)
			T_FAIL("kind %d answered %04X, %04X: %s, wanted %s", cases[i].kind, cases[i].status, cases[i].error_id, job_state_name(state_of(job)),
			       job_state_name(cases[i].then));
		stop();
	}
}

TEST(held, "behind a message that was refused those of its step wait; another step's go")
{
	start();
	int64_t first = add("2.25.1", MPPS_CREATE), behind = add("2.25.1", MPPS_SET), other = add("2.25.2", MPPS_CREATE);
	wake();
	opens();
	answer(0x0106, 0);
	run_tasks();
	CHECK_INT(state_of(first), JOB_HELD);
	CHECK_INT(conn.count, 2);
	CHECK_STR(conn.messages[1].cmd.sop_instance.s, "2.25.2");
	answer(0, 0);
	run_tasks();
	CHECK_INT(state_of(other), JOB_SENT);
	CHECK_INT(state_of(behind), JOB_QUEUED);
	CHECK_INT(conn.count, 2);
	stop();
}

TEST(broken, "a message without an answer is sent again when its back-off is over, and nothing overtakes it")
{
	start();
	int64_t create = add("2.25.1", MPPS_CREATE), set = add("2.25.1", MPPS_SET);
	wake();
	opens();
	CHECK_INT(conn.count, 1);
	closes(CONN_LOST);
	run_tasks();
	CHECK_INT(state_of(create), JOB_WAITING);
	CHECK(strstr(told.why, "lost"));
	wake();
	CHECK_INT(connects, 1);
	let_back_off_pass();
	wake();
	CHECK_INT(connects, 2);
	opens();
	CHECK_INT(conn.count, 1);
	CHECK_INT(conn.messages[0].cmd.field, DIMSE_N_CREATE_RQ);
	answer(0x0111, 0);
	run_tasks();
	CHECK_INT(state_of(create), JOB_SENT);
	answer(0, 0);
	run_tasks();
	CHECK_INT(state_of(set), JOB_SENT);
	stop();
}

TEST(unreachable, "a node that cannot be reached, or cannot be looked up, costs a try; one that says nothing is given up in time")
{
	start();
	int64_t job = add("2.25.1", MPPS_CREATE);
	may_connect = false;
	wake();
	CHECK_INT(state_of(job), JOB_WAITING);
	CHECK_STR(told.why, "no such host");
	let_back_off_pass();
	may_connect = true;
	wake();
	closes(CONN_UNREACHABLE);
	CHECK_INT(state_of(job), JOB_WAITING);
	let_back_off_pass();
	wake();
	opens();
	CHECK_INT(conn.count, 1);
	struct loop_timer *linger = &timers[1];
	CHECK(linger->is_started && linger->after_ms >= 10000);
	time_out(linger);
	CHECK(conn.aborted);
	closes(CONN_ABORTED_BY_US);
	CHECK_INT(state_of(job), JOB_WAITING);
	stop();
}

TEST(context, "a node that takes no steps: held, and the association is given back")
{
	start();
	int64_t job = add("2.25.1", MPPS_CREATE);
	has_context = false;
	wake();
	opens();
	CHECK_INT(state_of(job), JOB_HELD);
	CHECK(conn.is_released && !conn.count);
	stop();
}

TEST(linger, "an association with nothing to say is released after a while, but not under a message that is being fetched")
{
	start();
	add("2.25.1", MPPS_CREATE);
	wake();
	opens();
	answer(0, 0);
	run_tasks();
	struct loop_timer *linger = &timers[1];
	CHECK(linger->is_started && linger->after_ms < 10000);
	int64_t next = add("2.25.2", MPPS_CREATE);
	mpps_wake(&router);
	CHECK_INT(task_count, 1);
	time_out(linger);
	CHECK(!conn.is_released && linger->is_started);
	run_tasks();
	CHECK_INT(conn.count, 2);
	answer(0, 0);
	run_tasks();
	CHECK_INT(state_of(next), JOB_SENT);
	time_out(linger);
	CHECK(conn.is_released && !conn.aborted);
	stop();
}

TEST(stop, "what is in hand when the router stops is given back, and costs no try")
{
	start();
	int64_t sent = add("2.25.1", MPPS_CREATE);
	wake();
	opens();
	router.is_stopping = true;
	mpps_stop(&router);
	closes(CONN_ABORTED_BY_US);
	CHECK_INT(told.event, JOB_GIVE_BACK);
	CHECK_INT(state_of(sent), JOB_QUEUED);
	stop();
}

int main(void)
{
	RUN(order);
	RUN(answers);
	RUN(held);
	RUN(broken);
	RUN(unreachable);
	RUN(context);
	RUN(linger);
	RUN(stop);
	return t_done();
}
