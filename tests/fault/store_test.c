/* Every write, sync, open and allocation of the spool fails in turn: a file is either whole and told so, or told
 * to have failed and gone. */
#include "pacs/base/bounds.h"
#include "pacs/base/durable.h"
#include "pacs/base/fault.h"
#include "pacs/store/spool.h"
#include "tests/lib/images.h"
#include "tests/lib/t.h"

static char dir[64];
static struct why why;
static struct loop *loop;
static struct spool *spool;

enum { FILES = 3 };
static const size_t sizes[FILES] = { 100, 300000, 3 * BOUND_SPOOL_CHUNK };
static struct one {
	struct spool_file *f;
	size_t left;
	bool is_done;
	struct spool_done result;
} files[FILES];
static uint8_t data[3 * BOUND_SPOOL_CHUNK];

static void on_done(void *arg, const struct spool_done *d)
{
	struct one *o = arg;
	CHECK(!o->is_done);
	o->is_done = true;
	o->result = *d;
}

/* The file is written: told on a thread of the pool, synced by its taker, and brought to the loop here. */
struct synced { void *arg; struct spool_done d; };

static void synced_on_loop(void *arg)
{
	struct synced *s = arg;
	on_done(s->arg, &s->d);
	free(s);
}

static void remove_file(const char *relative)
{
	char path[400];
	snprintf(path, sizeof(path), "%s/%s", dir, relative);
	CHECK_INT(unlink(path), 0);
}

static void on_written(void *arg, const struct spool_done *d)
{
	struct synced *s = malloc(sizeof(*s));
	if (!s)
		abort();
	*s = (struct synced){ arg, *d };
	if (d->fd >= 0 && (s->d.err = durable_sync(d->fd, d->path, &s->d.why)))
		remove_file(d->path);
	if (d->fd >= 0)
		close(d->fd);
	if (loop_post(loop, synced_on_loop, s))
		abort();
}

static void write_on(void *arg)
{
	struct one *o = arg;
	while (o->left) {
		size_t n = o->left < 50000 ? o->left : 50000;
		enum err e = spool_write(o->f, bytes_of(data, n), NULL);
		o->left -= n;
		if (e == ERR_BUSY)
			return;
		if (e)
			o->left = 0;
	}
	spool_finish(&o->f, on_written, on_done, o);
}

static long run(enum fault_op op, long nth, bool onward)
{
	char cmd[200], path[400];
	unsigned whole = 0;
	snprintf(cmd, sizeof(cmd), "rm -rf %s && mkdir -p %s/spool", dir, dir);
	CHECK_INT(system(cmd), 0);
	memset(files, 0, sizeof(files));
	CHECK_INT(loop_new(&loop), ERR_OK);
	fault_plan(op, nth, onward);
	enum err e = spool_open(loop, dir, 0, &spool, &why);
	for (size_t i = 0; !e && i < FILES; i++) {
		files[i].left = sizes[i];
		if (spool_begin(spool, BYTES("head"), 0, true, write_on, &files[i], &files[i].f, &why) == ERR_OK)
			write_on(&files[i]);
		else
			CHECK(!files[i].f);
	}
	loop_run(loop);
	long calls = fault_calls(op);
	fault_plan(op, 0, false);
	spool_close(&spool);
	loop_free(&loop);
	for (size_t i = 0; i < FILES; i++) {
		struct stat st = { .st_size = -1 };
		if (!files[i].is_done || files[i].result.err)
			continue;
		whole++;
		snprintf(path, sizeof(path), "%s/%s", dir, files[i].result.path);
		CHECK_INT(stat(path, &st), 0);
		CHECK_INT(st.st_size, 4 + sizes[i]);
		CHECK_INT(files[i].result.size, 4 + sizes[i]);
	}
	CHECK_INT(files_in(dir, "spool"), whole);
	/* A file that cannot be made ahead is made later, and a spare that cannot be had is done without. */
	bool may_be_harmless = (op == FAULT_OPEN || op == FAULT_ALLOC) && !(onward && nth == 1);
	if (nth && calls >= nth && !may_be_harmless)
		CHECK(whole < FILES);
	return calls;
}

static void each_in_turn(enum fault_op op)
{
	for (int onward = 0; onward < 2; onward++) {
		long n = 1;
		while (run(op, n, onward) >= n && !t_bad)
			n++;
		CHECK(n > 1);
		if (t_bad)
			printf("# when call %ld failed\n", n);
	}
}

TEST(writes, "a failing write") { each_in_turn(FAULT_WRITE); }
TEST(syncs, "a failing sync") { each_in_turn(FAULT_FSYNC); }
TEST(opens, "a failing open") { each_in_turn(FAULT_OPEN); }
TEST(allocations, "a failing allocation") { each_in_turn(FAULT_ALLOC); }

int main(void)
{
	snprintf(dir, sizeof(dir), "/tmp/spool_fault.%ld", (long)getpid());
	RUN(writes);
	RUN(syncs);
	RUN(opens);
	RUN(allocations);
	char cmd[200];
	snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	CHECK_INT(system(cmd), 0);
	return t_done();
}
