/* Rules: what is enqueued for an arrival. And what an answer to a C-STORE means for the job. */
#include "tests/lib/t.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "router/jobs.h"
#include "router/plan.h"

static char dir[64];
static struct work *work;
static struct why why;

static struct conf_node nodes[] = {
	{ .name = "county", .aet = "COUNTY", .has_level = true, .level = LEVEL_COUNTY },
	{ .name = "clinic", .aet = "CLINIC", .has_level = true, .level = LEVEL_CLINIC },
	{ .name = "ct", .aet = "CT1" },
};
static struct conf_route routes[8];
static struct conf conf = { .nodes = nodes, .node_count = NELEM(nodes), .routes = routes };

static void open_db(void)
{
	char run[96];
	snprintf(dir, sizeof(dir), "/tmp/plan_test.XXXXXX");
	CHECK(mkdtemp(dir));
	snprintf(run, sizeof(run), "%s/run", dir);
	CHECK(!mkdir(run, 0755));
	CHECK_OK(work_open(dir, &work, &why), why);
	CHECK_OK(work_begin(work, &why), why);
	conf.route_count = 0;
}

static void close_db(void)
{
	static const char *const names[] = { "work.db", "work.db-wal", "work.db-shm", "run/router.lock", "run" };
	char path[128];
	work_rollback(work);
	work_close(&work);
	for (size_t i = 0; i < NELEM(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		if (remove(path))
			continue;
	}
	rmdir(dir);
}

static struct conf_route *rule(enum conf_action action, const char *to)
{
	struct conf_route *r = &routes[conf.route_count++];
	*r = (struct conf_route){ .action = action };
	snprintf(r->to, sizeof(r->to), "%s", action == ACTION_FORWARD ? to : "");
	snprintf(r->codec, sizeof(r->codec), "%s", action == ACTION_COMPRESS ? to : "");
	snprintf(r->group, sizeof(r->group), "%s", action == ACTION_WORKLIST ? to : "");
	return r;
}

static bool arrive(uint64_t instance, const char *calling, const char *modality, const char *ts)
{
	struct index_arrival a = { .seq = (int64_t)instance, .what = { .instance = instance, .size = 1000 } };
	struct plan_made made = { 0 };
	snprintf(a.calling, sizeof(a.calling), "%s", calling);
	snprintf(a.modality, sizeof(a.modality), "%s", modality);
	snprintf(a.what.ts.s, sizeof(a.what.ts.s), "%s", ts);
	snprintf(a.what.sop_uid.s, sizeof(a.what.sop_uid.s), "1.2.%llu", (unsigned long long)instance);
	snprintf(a.what.study_uid.s, sizeof(a.what.study_uid.s), "1.3");
	CHECK_OK(plan_arrival(&conf, work, &a, 5, &made, &why), why);
	return made.to_read;
}

static struct work_job jobs[16];
static size_t job_count;
static bool see(void *arg, const struct work_job *j)
{
	(void)arg;
	jobs[job_count++] = *j;
	return job_count < NELEM(jobs);
}

static size_t look(void)
{
	struct work_reader *r;
	job_count = 0;
	CHECK_OK(work_commit(work, &why), why);
	CHECK_OK(work_begin(work, &why), why);
	CHECK_OK(work_reader_open(dir, &r, &why), why);
	CHECK_OK(work_reader_list(r, &(struct work_filter){ .limit = NELEM(jobs) }, see, NULL, &why), why);
	work_reader_close(&r);
	return job_count;
}

TEST(every_rule, "every rule that matches acts, and an arrival that is planned twice makes no second job")
{
	open_db();
	rule(ACTION_FORWARD, "county")->priority = 3;
	rule(ACTION_FORWARD, "clinic");
	snprintf(rule(ACTION_FORWARD, "ct")->modality, sizeof(routes[0].modality), "US");
	arrive(1, "DR1", "DX", TS_EXPLICIT_LE);
	arrive(1, "DR1", "DX", TS_EXPLICIT_LE);
	CHECK_INT(look(), 2);
	CHECK_STR(jobs[0].to, "county");
	CHECK_INT(jobs[0].priority, 3);
	CHECK_STR(jobs[0].source, "DR1");
	CHECK_STR(jobs[0].study.s, "1.3");
	CHECK_STR(jobs[1].to, "clinic");
	close_db();
}

TEST(no_return, "an image never goes back to the node that it came from")
{
	open_db();
	rule(ACTION_FORWARD, "county");
	rule(ACTION_FORWARD, "clinic");
	arrive(1, "COUNTY", "DX", TS_EXPLICIT_LE);
	CHECK_INT(look(), 1);
	CHECK_STR(jobs[0].to, "clinic");
	close_db();
}

TEST(unknown, "a rule to a node that does not exist makes held jobs, not lost ones")
{
	open_db();
	rule(ACTION_FORWARD, "province");
	arrive(1, "DR1", "DX", TS_EXPLICIT_LE);
	CHECK_INT(look(), 1);
	CHECK_INT(jobs[0].state, JOB_HELD);
	CHECK_INT(jobs[0].hold, HOLD_NO_NODE);
	CHECK_STR(jobs[0].why, "no such node: province");
	close_db();
}

TEST(level, "a rule for a level means the level of the sender")
{
	open_db();
	snprintf(rule(ACTION_FORWARD, "county")->level, sizeof(routes[0].level), "clinic");
	arrive(1, "CLINIC", "DX", TS_EXPLICIT_LE);
	arrive(2, "CT1", "DX", TS_EXPLICIT_LE);
	arrive(3, "NOBODY", "DX", TS_EXPLICIT_LE);
	CHECK_INT(look(), 1);
	CHECK_INT(jobs[0].instance, 1);
	close_db();
}

TEST(compress_first, "forwarding stands behind compression and lends it its priority")
{
	open_db();
	rule(ACTION_COMPRESS, "jpeg2000");
	rule(ACTION_FORWARD, "county")->priority = 9;
	arrive(1, "DR1", "DX", TS_EXPLICIT_LE);
	CHECK_INT(look(), 2);
	CHECK_INT(jobs[0].kind, JOB_COMPRESS);
	CHECK_INT(jobs[0].priority, 9);
	CHECK_STR(jobs[0].to, "jpeg2000");
	CHECK(jobs[1].is_blocked);
	close_db();
}

TEST(compressed, "what is compressed already, and what a rule keeps, is not compressed and goes at once")
{
	open_db();
	snprintf(rule(ACTION_COMPRESS, "keep")->modality, sizeof(routes[0].modality), "US");
	rule(ACTION_COMPRESS, "jpeg2000");
	rule(ACTION_FORWARD, "county");
	arrive(1, "DR1", "DX", TS_JPEG_LOSSLESS_SV1);
	arrive(2, "US1", "US", TS_EXPLICIT_LE);
	CHECK_INT(look(), 2);
	for (size_t i = 0; i < 2; i++) {
		CHECK_INT(jobs[i].kind, JOB_FORWARD);
		CHECK(!jobs[i].is_blocked);
	}
	close_db();
}

TEST(late_rule, "a rule that is added when the compression is over does not wait for it")
{
	open_db();
	rule(ACTION_COMPRESS, "jpeg2000");
	arrive(1, "DR1", "DX", TS_EXPLICIT_LE);
	CHECK_OK(work_apply(work, 1, &(struct work_event){ .event = JOB_DELIVERED }, NULL, &why), why);
	rule(ACTION_FORWARD, "county");
	arrive(1, "DR1", "DX", TS_EXPLICIT_LE);
	CHECK_INT(look(), 1);
	CHECK(!jobs[0].is_blocked);
	close_db();
}

TEST(worklist, "an image for the worklist is told, others are not")
{
	open_db();
	snprintf(rule(ACTION_WORKLIST, "DR")->modality, sizeof(routes[0].modality), "DX,CR");
	CHECK(arrive(1, "DR1", "DX", TS_EXPLICIT_LE));
	CHECK(!arrive(2, "US1", "US", TS_EXPLICIT_LE));
	CHECK_INT(look(), 0);
	close_db();
}

/* ---- answers ---- */

static const struct {
	const char *says;
	enum err err;
	uint16_t status;
	uint64_t bytes;
	bool has_closed;
	enum job_event event;
	bool is_full;
} answers[] = {
	{ "success",                              ERR_OK, 0x0000, 9, false, JOB_DELIVERED, false },
	{ "a warning: it is stored",              ERR_OK, 0xB000, 9, false, JOB_DELIVERED, false },
	{ "a warning with B007",                  ERR_OK, 0xB007, 9, false, JOB_DELIVERED, false },
	{ "out of resources",                     ERR_OK, 0xA700, 9, false, JOB_FAILED, true },
	{ "out of resources, another code",       ERR_OK, 0xA7FF, 9, false, JOB_FAILED, true },
	{ "resource limitation",                  ERR_OK, 0x0213, 9, false, JOB_FAILED, true },
	{ "processing failure",                   ERR_OK, 0x0110, 9, false, JOB_FAILED, false },
	{ "does not match the class",             ERR_OK, 0xA900, 9, false, JOB_REFUSED, false },
	{ "cannot understand",                    ERR_OK, 0xC123, 9, false, JOB_REFUSED, false },
	{ "class not supported",                  ERR_OK, 0x0122, 9, false, JOB_REFUSED, false },
	{ "not authorised",                       ERR_OK, 0x0124, 9, false, JOB_REFUSED, false },
	{ "invalid instance",                     ERR_OK, 0x0117, 9, false, JOB_REFUSED, false },
	{ "no context accepted",                  ERR_UNSUPPORTED, 0, 0, false, JOB_REFUSED, false },
	{ "our transcoder's output was not equal", ERR_MISMATCH, 0, 0, false, JOB_REFUSED, false },
	{ "our transcoder died",                  ERR_CLOSED, 0, 0, false, JOB_FAILED, false },
	{ "our transcoder hung",                  ERR_TIMEOUT, 0, 0, false, JOB_FAILED, false },
	{ "our file was swapped meanwhile",       ERR_NOT_FOUND, 0, 0, false, JOB_FAILED, false },
	{ "the association ended before it",      ERR_CLOSED, 0, 0, true, JOB_GIVE_BACK, false },
	{ "the association ended within it",      ERR_CLOSED, 0, 1, true, JOB_FAILED, false },
	{ "we stop",                              ERR_CANCELLED, 0, 1, true, JOB_GIVE_BACK, false },
};

TEST(judge, "each answer to a C-STORE means what the table says")
{
	for (size_t i = 0; i < NELEM(answers); i++) {
		struct send_result res = { .err = answers[i].err, .status = answers[i].status, .bytes = answers[i].bytes };
		snprintf(res.comment, sizeof(res.comment), "the words");
		struct jobs_verdict v = jobs_judge(&res, answers[i].has_closed);
		if (v.event != answers[i].event || v.is_full != answers[i].is_full)
			T_FAIL("%s: got %s full=%d, wanted %s", answers[i].says, job_event_name(v.event), v.is_full, job_event_name(answers[i].event));
		if ((v.event == JOB_FAILED || v.event == JOB_REFUSED) && !strstr(v.why, "the words"))
			T_FAIL("%s: the reason is lost: \"%s\"", answers[i].says, v.why);
	}
}

int main(void)
{
	RUN(every_rule);
	RUN(no_return);
	RUN(unknown);
	RUN(level);
	RUN(compress_first);
	RUN(compressed);
	RUN(late_rule);
	RUN(worklist);
	RUN(judge);
	return t_done();
}
