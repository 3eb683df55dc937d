/* Every write, sync, rename, open and allocation of ingest and of the database below it fails in turn, once and
 * for good; after each: what was said to be stored is there and whole, what was said to have failed may be sent
 * again, no row names a missing file but those that are marked so, no file is without a row, and nothing lies in the spool. */
#include <fcntl.h>

#include "pacs/base/fault.h"
#include "tests/lib/images.h"
#include "tests/lib/joining.h"
#include "tests/lib/t.h"

#include "db/index_reader.h"

static char dir[64];
static struct why why;
static struct loop *loop;
static struct conf *conf;
static struct ingest *ingest;

enum { IMAGES = 6 };
static struct ingest_result results[IMAGES];
static unsigned submitted, answered;
static void (*on_answer)(void);          /* may submit more */

static void on_done(void *arg, struct ingest_job *job, const struct ingest_result *r)
{
	results[(size_t)(uintptr_t)arg] = *r;
	free(job);
	answered++;
	if (on_answer)
		on_answer();
	if (answered == submitted)
		loop_stop(loop);
}

static void submit(struct ingest_job *j)
{
	j->done = on_done;
	j->arg = (void *)(uintptr_t)submitted++;
	ingest_submit(ingest, j);
}

static void stop(void)
{
	if (answered < submitted)
		loop_run(loop);
	ingest_stop(&ingest);
	let_end();
	loop_stop(loop);
	loop_run(loop);
	loop_free(&loop);
}

static bool start(void)
{
	submitted = answered = 0;
	memset(results, 0, sizeof(results));
	CHECK_INT(loop_new(&loop), ERR_OK);
	if (ingest_start(loop, conf, &ingest, &why) == ERR_OK) {
		keep_running(loop);
		return true;
	}
	loop_stop(loop);
	loop_run(loop);
	loop_free(&loop);
	return false;
}

static void fresh(void)
{
	char cmd[300];
	snprintf(cmd, sizeof(cmd), "rm -rf %s && mkdir -p %s/spool %s/run", dir, dir, dir);
	CHECK_INT(system(cmd), 0);
}

static void no_fault(void)
{
	for (int op = 0; op < FAULT_OP_COUNT; op++)
		fault_plan((enum fault_op)op, 0, false);
}

static struct ingest_job *image_no(unsigned i)
{
	static const char *const sops[IMAGES] = { "1.2.1.1", "1.2.1.2", "1.2.1.3", "1.2.1.1", "1.2.1.2", "" };
	struct image im = { .study = "1.2", .series = "1.2.1", .sop = sops[i] };
	char name[16];
	snprintf(name, sizeof(name), "x%u", i);
	if (i == 3)
		im.ts = TS_IMPLICIT_LE;
	im.seed = i == 4;                        /* 3: the first again, in another encoding; 4: the second with other content; 5: for quarantine */
	struct ingest_job *j = image_job(dir, &im, name);
	char path[400];
	snprintf(path, sizeof(path), "%s/%s", dir, j->path);
	j->is_unsynced = i != 2;                 /* 2: as a large file comes */
	j->fd = j->is_unsynced ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	return j;
}

/* ---- what must be true after any failure ---- */

static int64_t number(struct index_reader *r, const char *sql)
{
	int64_t v = -1;
	CHECK_OK(sql_number(index_reader_db(r), &why, &v, sql, ""), why);
	return v;
}

static unsigned rows_and_files(struct index_reader *r)
{
	sqlite3_stmt *st = NULL;
	unsigned files = 0;
	CHECK_OK(sql_prepare(index_reader_db(r), "SELECT oid, size FROM instance WHERE id NOT IN (SELECT instance FROM damage) UNION ALL SELECT oid, size FROM conflict WHERE oid NOT NULL", &st, &why), why);
	while (sql_step(st, &why) == ERR_OK) {
		struct stat s;
		CHECK_INT(stat(object_path(dir, (uint64_t)sql_int(st, 0)).s, &s), 0);
		CHECK_INT(s.st_size, sql_int(st, 1));
		files++;
	}
	sqlite3_finalize(st);
	return files;
}

static void check_consistent(void)
{
	struct index_reader *r = NULL;
	CHECK_OK(index_reader_open(dir, &r, &why), why);
	if (!r)
		return;
	CHECK_INT(rows_and_files(r), files_in(dir, "store/0000/000"));
	CHECK_INT(number(r, "SELECT count(*) FROM quarantine"), files_in(dir, "quarantine"));
	CHECK_INT(number(r, "SELECT count(*) FROM instance WHERE id NOT IN (SELECT instance FROM arrival)"), 0);
	CHECK_INT(number(r, "SELECT count(*) FROM instance WHERE id NOT IN (SELECT instance FROM header)"), 0);
	CHECK_INT(number(r, "SELECT coalesce(sum(instances), 0) - (SELECT count(*) FROM instance) FROM study"), 0);
	CHECK_INT(number(r, "SELECT count(*) FROM study WHERE instances = 0"), 0);
	index_reader_close(&r);
}

static void check_stored(unsigned i)
{
	static const char *const sops[] = { "1.2.1.1", "1.2.1.2", "1.2.1.3", "1.2.1.1", "1.2.1.2" };
	struct index_reader *r = NULL;
	struct index_instance k;
	if (i == 5 || results[i].outcome == INGEST_FAILED)
		return;
	CHECK_OK(index_reader_open(dir, &r, &why), why);
	CHECK_OK(index_get_by_uid(r, sops[i], &k, &why), why);
	/* Another content is kept beside an image whose file was lost, too. */
	bool is_beside = results[i].outcome == INGEST_CONFLICT && number(r, "SELECT count(*) FROM damage") > 0;
	CHECK(is_beside || object_is_whole(dir, &k));
	index_reader_close(&r);
}

/* ---- one run under a plan ---- */

static void restart(void)
{
	if (start())
		stop();
	else
		T_FAIL("cannot start: %s", why.text);
}

static void submit_all(void)
{
	for (unsigned i = 0; i < IMAGES; i++)
		submit(image_no(i));
}

static bool one_by_one;                  /* and each joins the round that has begun */

/* How many calls of op there were while the plan was in force. */
static long run_under_fault(enum fault_op op, long nth, bool onward)
{
	struct ingest_job *jobs[IMAGES];
	no_fault();
	fresh();
	restart();                               /* the database is there; making it is tested below */
	for (unsigned i = 0; i < IMAGES; i++)
		jobs[i] = image_no(i);
	fault_plan(op, nth, onward);
	bool is_up = start();
	if (is_up && one_by_one)
		let_join(ingest, IMAGES);
	for (unsigned i = 0; i < IMAGES; i++) {
		if (is_up) {
			submit(jobs[i]);
			if (one_by_one)
				until_taken(ingest);
		} else {
			if (jobs[i]->is_unsynced)
				close(jobs[i]->fd);
			free((void *)(uintptr_t)jobs[i]->header.p);
			free(jobs[i]);
		}
	}
	if (is_up)
		stop();
	long calls = fault_calls(op);
	no_fault();
	for (unsigned i = 0; is_up && i < IMAGES; i++)
		check_stored(i);
	if (is_up)
		CHECK_INT(files_in(dir, "spool"), 0);
	restart();                               /* repairs what was left in doubt */
	check_consistent();
	CHECK(start());                          /* and all can be sent again */
	submit_all();
	stop();
	for (unsigned i = 0; i < IMAGES; i++) {
		CHECK(results[i].outcome != INGEST_FAILED);
		check_stored(i);
	}
	check_consistent();
	CHECK_INT(files_in(dir, "spool"), 0);
	return calls;
}

static void each_in_turn(enum fault_op op, bool onward)
{
	long n = 1;
	while (run_under_fault(op, n, onward) >= n && !t_bad)
		n++;
	if (t_bad)
		printf("# when call %ld failed%s\n", n, onward ? ", and all after it" : "");
	CHECK(n > 1);                            /* else nothing was tested */
	printf("# %ld calls\n", n - 1);
}

TEST(writes, "each write in turn") { each_in_turn(FAULT_WRITE, false); }
TEST(syncs, "each sync in turn") { each_in_turn(FAULT_FSYNC, false); }
TEST(renames, "each rename in turn") { each_in_turn(FAULT_RENAME, false); }
TEST(opens, "each open in turn") { each_in_turn(FAULT_OPEN, false); }
TEST(allocations, "each allocation in turn") { each_in_turn(FAULT_ALLOC, false); }
TEST(writes_on, "each write in turn and all after it, a dead disk") { each_in_turn(FAULT_WRITE, true); }
TEST(syncs_on, "each sync in turn and all after it") { each_in_turn(FAULT_FSYNC, true); }

TEST(joined, "the same where images join a round one by one")
{
	one_by_one = true;
	each_in_turn(FAULT_WRITE, false);
	each_in_turn(FAULT_FSYNC, false);
	each_in_turn(FAULT_RENAME, false);
	each_in_turn(FAULT_ALLOC, false);
	one_by_one = false;
}

/* ---- a round of many small files ---- */

enum { MANY = 24 };
static enum ingest_outcome outcomes[MANY];
static enum err errors[MANY];

static void on_one_of_many(void *arg, struct ingest_job *job, const struct ingest_result *r)
{
	outcomes[(size_t)(uintptr_t)arg] = r->outcome;
	errors[(size_t)(uintptr_t)arg] = r->err;
	free(job);
	if (++answered == submitted)
		loop_stop(loop);
}

/* The first keeps the thread busy while the others gather. */
static void submit_many(unsigned run)
{
	for (unsigned i = 0; i < MANY; i++) {
		char sop[64], name[16];
		snprintf(sop, sizeof(sop), "1.2.7.%u", i);
		snprintf(name, sizeof(name), "m%u-%u", run, i);
		struct image im = { .study = "1.2", .series = "1.2.7", .sop = sop };
		struct ingest_job *j = image_job(dir, &im, name);
		char path[400];
		snprintf(path, sizeof(path), "%s/%s", dir, j->path);
		j->is_unsynced = true;
		j->fd = open(path, O_RDONLY | O_CLOEXEC);
		j->done = on_one_of_many;
		j->arg = (void *)(uintptr_t)i;
		submitted++;
		ingest_submit(ingest, j);
	}
}

/* How many syncs there were. */
static long many_under_fault(long nth, bool onward)
{
	no_fault();
	fresh();
	restart();
	CHECK(start());
	fault_plan(FAULT_FSYNC, nth, onward);
	submit_many(0);
	stop();
	long calls = fault_calls(FAULT_FSYNC);
	no_fault();
	CHECK_INT(files_in(dir, "spool"), 0);
	for (unsigned i = 0; i < MANY; i++)
		CHECK(outcomes[i] == INGEST_STORED || (nth && outcomes[i] == INGEST_FAILED && errors[i] == ERR_IO));
	restart();
	check_consistent();
	CHECK(start());
	submit_many(1);
	stop();
	for (unsigned i = 0; i < MANY; i++)
		CHECK(outcomes[i] == INGEST_STORED || outcomes[i] == INGEST_SAME || (nth && outcomes[i] == INGEST_REPAIRED));
	check_consistent();
	return calls;
}

TEST(many, "a large round: when any sync fails, once or for good, nothing is promised that is not there")
{
	(void)many_under_fault(0, false);
	long n = 1;
	while (many_under_fault(n, false) >= n && !t_bad)
		n++;
	for (long from = 1; from < n && !t_bad; from++)
		(void)many_under_fault(from, true);
	if (t_bad)
		printf("# when sync %ld failed\n", n);
	CHECK(n > 3);
}

/* One more image for a node that runs: its round syncs the directory and the commit, and neither may be left out. */
static long calls_for_one;

static void again_with_the_disk_well(void)
{
	if (answered != 1)
		return;
	calls_for_one = fault_calls(FAULT_FSYNC);
	no_fault();
	submit(image_no(1));
}

static void one_image_when_sync_fails(long nth)
{
	no_fault();
	fresh();
	CHECK(start());
	submit(image_no(0));
	stop();
	CHECK(start());
	struct ingest_job *j = image_no(1);
	on_answer = again_with_the_disk_well;
	fault_plan(FAULT_FSYNC, nth, false);
	submit(j);
	stop();
	on_answer = NULL;
}

TEST(no_sync_no_success, "an image is told stored only when its directory and its commit were synced; sent again it is")
{
	one_image_when_sync_fails(0);
	CHECK_INT(results[0].outcome, INGEST_STORED);
	CHECK_INT(results[1].outcome, INGEST_SAME);
	CHECK(calls_for_one >= 2);
	for (long n = 1, calls = calls_for_one; n <= calls; n++) {
		one_image_when_sync_fails(n);
		CHECK_INT(results[0].outcome, INGEST_FAILED);
		CHECK_INT(results[0].err, ERR_IO);
		CHECK(results[1].outcome == INGEST_STORED || results[1].outcome == INGEST_SAME || results[1].outcome == INGEST_REPAIRED);
		check_consistent();
	}
}

static void next_one(void)
{
	if (answered == 2)
		no_fault();
	if (answered < 3)
		submit(image_no(answered));
}

TEST(owed, "a directory that cannot be synced behind a commit stops every success until it is")
{
	no_fault();
	fresh();
	CHECK(start());
	submit(image_no(0));
	stop();
	CHECK(start());
	struct ingest_job *j = image_no(1);
	on_answer = next_one;
	fault_plan(FAULT_OPEN, 1, true);         /* the directory cannot even be opened; the commit can be written */
	submit(j);
	stop();
	on_answer = NULL;
	CHECK_INT(results[0].outcome, INGEST_FAILED);
	CHECK_INT(results[1].outcome, INGEST_FAILED);    /* the same image: it has its row by now */
	CHECK_INT(results[2].outcome, INGEST_STORED);
	restart();
	check_consistent();
}

/* A folder without a database. */
TEST(first_start, "a first start that fails at any write or sync says so, and the next one succeeds")
{
	static const enum fault_op ops[] = { FAULT_WRITE, FAULT_FSYNC, FAULT_OPEN, FAULT_ALLOC };
	for (size_t i = 0; i < NELEM(ops); i++)
		for (long n = 1, calls = 1; n <= calls && !t_bad; n++) {
			no_fault();
			fresh();
			fault_plan(ops[i], n, false);
			bool is_up = start();
			if (is_up)
				stop();
			calls = fault_calls(ops[i]);
			no_fault();
			CHECK(is_up || why.text[0]);
			restart();
			check_consistent();
		}
}

/* ---- a replacement under failures ---- */

static long replace_under_fault(enum fault_op op, long nth, bool onward)
{
	struct index_reader *r = NULL;
	struct index_instance k = { .instance = 0 };
	no_fault();
	fresh();
	CHECK(start());
	submit(image_no(0));
	stop();
	CHECK_OK(index_reader_open(dir, &r, &why), why);
	CHECK_OK(index_get(r, 1, &k, &why), why);
	index_reader_close(&r);
	struct ingest_job *j = image_job(dir, &(struct image){ .study = "1.2", .series = "1.2.1", .sop = "1.2.1.1", .ts = TS_IMPLICIT_LE }, "smaller");
	j->is_replace = true;
	j->replace_instance = k.instance;
	j->replace_oid = k.oid;
	fault_plan(op, nth, onward);
	bool is_up = start();
	if (is_up) {
		submit(j);
		stop();
	} else {
		free((void *)(uintptr_t)j->header.p);
		free(j);
	}
	long calls = fault_calls(op);
	no_fault();
	check_stored(0);
	restart();
	check_consistent();
	CHECK_INT(files_in(dir, "store/0000/000"), 1);
	return calls;
}

TEST(replacements, "a replacement that fails at any call leaves exactly one good file")
{
	static const enum fault_op ops[] = { FAULT_WRITE, FAULT_FSYNC, FAULT_RENAME, FAULT_OPEN, FAULT_ALLOC };
	for (size_t i = 0; i < NELEM(ops); i++)
		for (long n = 1; replace_under_fault(ops[i], n, false) >= n && !t_bad; n++)
			;
}

int main(void)
{
	snprintf(dir, sizeof(dir), "/tmp/ingest_fault.%ld", (long)getpid());
	conf = image_conf(dir);
	RUN(writes);
	RUN(syncs);
	RUN(renames);
	RUN(opens);
	RUN(allocations);
	RUN(writes_on);
	RUN(syncs_on);
	RUN(joined);
	RUN(many);
	RUN(no_sync_no_success);
	RUN(owed);
	RUN(first_start);
	RUN(replacements);
	no_fault();
	fresh();
	char cmd[300];
	snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	CHECK_INT(system(cmd), 0);
	conf_unref(&conf);
	return t_done();
}
