/* A child takes images through spool and ingest and is killed at each durable step, the first and later times it
 * passes there. The parent then starts on the same folder and asks: is everything that was acknowledged there,
 * whole, with its row and its arrival? Is no file without a row and no row without its file? The repair itself
 * is killed too. */
#include <signal.h>
#include <sys/wait.h>

#include "pacs/base/fault.h"
#include "pacs/store/spool.h"
#include "tests/lib/images.h"
#include "tests/lib/t.h"

#include "db/index_reader.h"

static char dir[64];
static struct why why;
static struct loop *loop;
static struct conf *conf;
static struct ingest *ingest;
static struct spool *spool;

enum { IMAGES = 6 };
static const char *const sops[IMAGES] = { "1.2.1.1", "1.2.1.2", "1.2.1.3", "1.2.1.4", "1.2.1.1", "1.2.1.2" };

static bool open_node(void)
{
	CHECK_INT(loop_new(&loop), ERR_OK);
	CHECK_OK(ingest_start(loop, conf, &ingest, &why), why);
	CHECK_OK(spool_open(loop, dir, 0, &spool, &why), why);
	keep_running(loop);
	return ingest && spool;
}

static void close_node(void)
{
	ingest_stop(&ingest);
	spool_close(&spool);
	let_end();
	loop_stop(loop);
	loop_run(loop);
	loop_free(&loop);
}

/* ---- the child ---- */

static unsigned left;
static struct sending { struct ingest_job *job; unsigned no; } sending[IMAGES + 1];

static void on_stored(void *arg, struct ingest_job *job, const struct ingest_result *r)
{
	struct sending *s = arg;
	char line[32];
	int n = snprintf(line, sizeof(line), "%u %d\n", s->no, (int)r->outcome);
	if (write(STDOUT_FILENO, line, (size_t)n) != n)          /* the acknowledgement: from here on it counts */
		abort();
	free(job);
	if (!--left)
		loop_stop(loop);
}

static void on_spooled(void *arg, const struct spool_done *d)
{
	struct sending *s = arg;
	if (d->err)
		abort();
	ingest_job_take(s->job, d);
	ingest_submit(ingest, s->job);
}

static void on_room(void *arg)
{
	(void)arg;
}

static struct image image_no(unsigned i)
{
	/* 4: the first again; 5: the second with other content */
	return (struct image){ .study = "1.2", .series = "1.2.1", .sop = sops[i], .seed = i == 5 };
}

/* Through the spool, as storescp does. */
static void send_image(unsigned i)
{
	struct image im = image_no(i);
	struct sending *s = &sending[i];
	struct spool_file *f;
	char path[400], name[16], *bytes;
	size_t len;
	snprintf(name, sizeof(name), "made%u", i);
	s->no = i;
	s->job = image_job(dir, &im, name);
	s->job->done = on_stored;
	s->job->arg = s;
	snprintf(path, sizeof(path), "%s/%s", dir, s->job->path);
	if (durable_slurp(path, 1 << 20, &bytes, &len, &why) || unlink(path) ||
	    spool_begin(spool, bytes_of(bytes, s->job->dataset_at), 0, true, on_room, NULL, &f, &why) ||
	    spool_write(f, bytes_of(bytes + s->job->dataset_at, len - s->job->dataset_at), &why))
		abort();
	spool_finish(&f, on_spooled, on_spooled, s);
	free(bytes);
	left++;
}

static void send_replacement(void)
{
	struct index_reader *r;
	struct index_instance k;
	struct image im = image_no(2);
	im.ts = TS_IMPLICIT_LE;
	if (index_reader_open(dir, &r, &why) || index_get_by_uid(r, sops[2], &k, &why))
		abort();
	index_reader_close(&r);
	struct sending *s = &sending[IMAGES];
	s->no = IMAGES;
	s->job = image_job(dir, &im, "replacement");
	s->job->done = on_stored;
	s->job->arg = s;
	s->job->is_replace = true;
	s->job->replace_instance = k.instance;
	s->job->replace_oid = k.oid;
	ingest_submit(ingest, s->job);
	left++;
}

static int child(void)
{
	if (!open_node())
		return 1;
	for (unsigned i = 0; i < 3; i++)
		send_image(i);
	loop_run(loop);
	close_node();
	if (!open_node())
		return 1;
	send_replacement();
	for (unsigned i = 3; i < IMAGES; i++)
		send_image(i);
	loop_run(loop);
	close_node();
	return t_bad;
}

/* ---- the parent ---- */

static char self[4096];
static int acked[IMAGES + 1];            /* outcome + 1 */

/* True when it was killed. */
static bool run_child(const char *point, long nth)
{
	char plan[64], buf[4096];
	size_t have = 0;
	int fds[2], status = 0;
	snprintf(plan, sizeof(plan), "%s:%ld", point, nth);
	CHECK_INT(pipe(fds), 0);
	pid_t pid = fork();
	if (pid == 0) {
		dup2(fds[1], STDOUT_FILENO);
		close(fds[0]);
		close(fds[1]);
		setenv("PACS_CRASH", plan, 1);
		execl(self, self, "child", dir, (char *)NULL);
		_exit(127);
	}
	close(fds[1]);
	for (ssize_t n; (n = read(fds[0], buf + have, sizeof(buf) - 1 - have)) > 0; )
		have += (size_t)n;
	close(fds[0]);
	buf[have] = '\0';
	CHECK(waitpid(pid, &status, 0) == pid);
	for (char *line = buf; *line; line = strchr(line, '\n') + 1) {
		unsigned no;
		int outcome;
		if (sscanf(line, "%u %d", &no, &outcome) == 2 && no <= IMAGES)
			acked[no] = outcome + 1;
	}
	bool killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
	CHECK(killed || (WIFEXITED(status) && WEXITSTATUS(status) == 0));
	return killed;
}

static int64_t number(struct index_reader *r, const char *sql)
{
	int64_t v = -1;
	CHECK_OK(sql_number(index_reader_db(r), &why, &v, sql, ""), why);
	return v;
}

static void check_files(struct index_reader *r)
{
	sqlite3_stmt *st = NULL;
	unsigned files = 0;
	CHECK_OK(sql_prepare(index_reader_db(r), "SELECT oid, size FROM instance UNION ALL SELECT oid, size FROM conflict WHERE oid NOT NULL", &st, &why), why);
	while (sql_step(st, &why) == ERR_OK) {
		struct stat s = { .st_size = -1 };
		CHECK_INT(stat(object_path(dir, (uint64_t)sql_int(st, 0)).s, &s), 0);
		CHECK_INT(s.st_size, sql_int(st, 1));
		files++;
	}
	sqlite3_finalize(st);
	CHECK_INT(files_in(dir, "store/0000/000"), files);
	CHECK_INT(number(r, "SELECT count(*) FROM garbage"), 0);
	CHECK_INT(number(r, "SELECT count(*) FROM instance WHERE id NOT IN (SELECT instance FROM arrival)"), 0);
	CHECK_INT(number(r, "SELECT count(*) - count(DISTINCT instance) FROM arrival WHERE kind = 0"), 0);
	CHECK_INT(number(r, "SELECT coalesce(sum(instances), 0) - (SELECT count(*) FROM instance) FROM study"), 0);
}

static void check_acknowledged(struct index_reader *r)
{
	for (unsigned i = 0; i < IMAGES; i++) {
		struct index_instance k;
		if (!acked[i])
			continue;
		CHECK_OK(index_get_by_uid(r, sops[i], &k, &why), why);
		CHECK(object_is_whole(dir, &k));
	}
	if (acked[5])
		CHECK_INT(number(r, "SELECT count(*) FROM conflict"), 1);
	if (acked[IMAGES])
		CHECK_INT(number(r, "SELECT count(*) FROM instance i JOIN term t ON t.id = i.ts WHERE t.text = '1.2.840.10008.1.2' AND digest <> received_digest"), 1);
}

static void check_after_crash(void)
{
	struct index_reader *r = NULL;
	if (open_node())
		close_node();
	CHECK_OK(index_reader_open(dir, &r, &why), why);
	if (!r)
		return;
	check_files(r);
	check_acknowledged(r);
	CHECK_INT(files_in(dir, "spool"), 0);
	index_reader_close(&r);
}

static void fresh(void)
{
	char cmd[300];
	snprintf(cmd, sizeof(cmd), "rm -rf %s && mkdir -p %s/spool %s/run", dir, dir, dir);
	CHECK_INT(system(cmd), 0);
	memset(acked, 0, sizeof(acked));
}

TEST(calm, "without a kill everything is acknowledged as expected")
{
	static const int want[IMAGES + 1] = { INGEST_STORED, INGEST_STORED, INGEST_STORED, INGEST_STORED, INGEST_SAME, INGEST_CONFLICT, INGEST_REPLACED };
	fresh();
	CHECK(!run_child("none", 1));
	for (unsigned i = 0; i <= IMAGES; i++)
		CHECK_INT(acked[i] - 1, want[i]);
	check_after_crash();
}

TEST(killed, "killed at each durable step, nothing acknowledged is lost and nothing half-done is left")
{
	static const char *const points[] = { INGEST_CRASH_POINTS };
	for (size_t i = 0; i < NELEM(points); i++) {
		long n = 1;
		for (bool killed = true; killed && !t_bad && n < 20; n++) {
			fresh();
			killed = run_child(points[i], n);
			CHECK(killed || n > 1);          /* every point is passed at least once */
			check_after_crash();
		}
		if (t_bad) {
			printf("# killed at %s, time %ld\n", points[i], n - 1);
			return;
		}
	}
}

static uint64_t oid_of(const char *sop)
{
	struct index_reader *r;
	struct index_instance k = { .oid = 0 };
	CHECK_OK(index_reader_open(dir, &r, &why), why);
	CHECK_OK(index_get_by_uid(r, sop, &k, &why), why);
	index_reader_close(&r);
	return k.oid;
}

/* What a crash leaves for the repair: an image without a row, an unreadable one, a file that was replaced. */
TEST(killed_again, "killed during the repair, the next repair comes to the same end")
{
	static const char *const points[] = { INGEST_RECOVERY_CRASH_POINTS };
	for (size_t i = 0; i < NELEM(points); i++) {
		fresh();
		CHECK(!run_child("none", 1));
		CHECK_INT(unlink(object_path(dir, oid_of(sops[0])).s), 0);       /* so that the next is a repair */
		struct image im = image_no(0);
		for (uint64_t oid = 100; oid < 103; oid++) {
			struct ingest_job *j = image_job(dir, &im, "orphan");
			char from[400];
			snprintf(from, sizeof(from), "%s/%s", dir, j->path);
			CHECK_INT(rename(from, object_path(dir, oid).s), 0);
			free((void *)(uintptr_t)j->header.p);
			free(j);
		}
		CHECK_INT(truncate(object_path(dir, 102).s, 150), 0);
		CHECK(run_child(points[i], 1));
		check_after_crash();
		CHECK_INT(files_in(dir, "quarantine"), 1);
	}
}

int main(int argc, char **argv)
{
	bool is_child = argc == 3 && !strcmp(argv[1], "child");
	if (is_child)
		snprintf(dir, sizeof(dir), "%s", argv[2]);
	else
		snprintf(dir, sizeof(dir), "/tmp/ingest_crash.%ld", (long)getpid());
	conf = image_conf(dir);
	if (is_child)
		return child();
	if (readlink("/proc/self/exe", self, sizeof(self) - 1) < 0)
		return 1;
	RUN(calm);
	RUN(killed);
	RUN(killed_again);
	char cmd[300];
	snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	CHECK_INT(system(cmd), 0);
	conf_unref(&conf);
	return t_done();
}
