#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pacs/base/bounds.h"
#include "pacs/base/durable.h"
#include "pacs/store/digest.h"
#include "pacs/store/object.h"
#include "pacs/store/spool.h"
#include "tests/lib/t.h"

static char dir[] = "/tmp/spool_test.XXXXXX";
static struct why why;
static struct loop *loop;
static struct spool *spool;

static const struct bytes HEAD = { (const uint8_t *)"head head ", 10 };

/* ---- one file that is written by a sender who waits when told ---- */
struct sender {
	struct spool_file *f;
	const uint8_t *data;
	size_t left, piece;
	unsigned pauses;
	bool is_waiting, is_done, stop_at_end;
	struct spool_done result;
	enum err failed;
};
static unsigned unfinished;

static void on_done(void *arg, const struct spool_done *d)
{
	struct sender *s = arg;
	CHECK(!s->is_done);
	s->is_done = true;
	s->result = *d;
	if (!--unfinished)
		loop_stop(loop);
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

static void send_on(void *arg)
{
	struct sender *s = arg;
	s->is_waiting = false;
	while (s->left) {
		size_t n = s->piece < s->left ? s->piece : s->left;
		enum err e = spool_write(s->f, bytes_of(s->data, n), &why);
		s->data += n;
		s->left -= n;
		if (e == ERR_BUSY) {
			s->pauses++;
			s->is_waiting = true;
			return;
		}
		if (e) {
			s->failed = e;
			s->left = 0;
		}
	}
	spool_finish(&s->f, on_written, on_done, s);
	CHECK(!s->f);
}

static void begin(struct sender *s, const uint8_t *data, size_t len, size_t piece)
{
	*s = (struct sender){ .data = data, .left = len, .piece = piece };
	CHECK_OK(spool_begin(spool, HEAD, 0, true, send_on, s, &s->f, &why), why);
	unfinished++;
}

/* Those made ahead are empty. */
static unsigned files_left(bool with_empty)
{
	char path[64];
	unsigned n = 0;
	snprintf(path, sizeof(path), "%s/spool", dir);
	DIR *d = opendir(path);
	for (struct dirent *de; (de = readdir(d)); ) {
		struct stat st;
		n += de->d_name[0] != '.' && !fstatat(dirfd(d), de->d_name, &st, 0) && (with_empty || st.st_size);
	}
	closedir(d);
	return n;
}

static void open_spool(uint64_t reserve)
{
	char path[64];
	snprintf(path, sizeof(path), "%s/spool", dir);
	CHECK_OK(durable_mkdirs(path, &why), why);
	CHECK_INT(loop_new(&loop), ERR_OK);
	CHECK_OK(spool_open(loop, dir, reserve, &spool, &why), why);
}

static void run(void)
{
	loop_run(loop);
	spool_close(&spool);
	loop_free(&loop);
}

static void check_file(const struct sender *s, const uint8_t *data, size_t len)
{
	char path[400], want[33];
	struct digest *d = digest_new();
	digest_add(d, bytes_of(data, len));
	digest_hex(d, want);
	digest_free(&d);
	CHECK_INT(s->result.err, ERR_OK);
	CHECK_INT(s->result.size, HEAD.len + len);
	CHECK_INT(s->result.dataset_at, HEAD.len);
	CHECK_STR(s->result.digest, want);
	snprintf(path, sizeof(path), "%s/%s", dir, s->result.path);
	char *got = NULL;
	size_t n = 0;
	CHECK_OK(durable_slurp(path, 1u << 30, &got, &n, &why), why);
	CHECK(got && n == HEAD.len + len && !memcmp(got, HEAD.p, HEAD.len) && !memcmp(got + HEAD.len, data, len));
	free(got);
}

static uint8_t *noise(size_t len)
{
	uint8_t *p = malloc(len + 1);
	for (size_t i = 0; i < len; i++)
		p[i] = (uint8_t)(i * 2654435761u >> 13);
	return p;
}

TEST(whole, "what was written is what stands in the file, for sizes around every chunk's end")
{
	static const size_t sizes[] = { 0, 1, (64 << 10) - 10, (64 << 10) - 9, (64 << 10) + BOUND_SPOOL_CHUNK - 10, (64 << 10) + BOUND_SPOOL_CHUNK, 3000000 };
	struct sender s[NELEM(sizes)];
	uint8_t *data = noise(3000000);
	open_spool(0);
	for (size_t i = 0; i < NELEM(sizes); i++)
		begin(&s[i], data, sizes[i], i % 2 ? 1000 : 131072);
	for (size_t i = 0; i < NELEM(sizes); i++)
		send_on(&s[i]);
	run();
	for (size_t i = 0; i < NELEM(sizes); i++)
		check_file(&s[i], data, sizes[i]);
	CHECK_INT(files_left(false), NELEM(sizes));
	free(data);
	open_spool(0);           /* an earlier run's files go at the start */
	CHECK_INT(files_left(false), 0);
	loop_stop(loop);
	run();
}

TEST(paused, "a sender faster than the disk is paused at the bound and goes on when there is room")
{
	struct sender s;
	size_t len = 4 * BOUND_SPOOL_DIRTY;
	uint8_t *data = noise(len);
	open_spool(0);
	begin(&s, data, len, 131072);
	send_on(&s);
	CHECK(s.is_waiting);
	CHECK(len - s.left <= BOUND_SPOOL_DIRTY + 131072);
	run();
	CHECK(s.pauses > 1);
	check_file(&s, data, len);
	free(data);
}

TEST(together, "many slow files together never hold more than the bound, and all come to their end")
{
	enum { N = 200, EACH = 240000 };         /* less than a chunk each, twice the bound together */
	static struct sender s[N];
	uint8_t *data = noise(EACH);
	unsigned pauses = 0;
	open_spool(0);
	for (size_t i = 0; i < N; i++)
		begin(&s[i], data, EACH, EACH / 2);
	for (size_t i = 0; i < N; i++) {         /* everybody has half of it under way before anybody ends */
		enum err e = spool_write(s[i].f, bytes_of(data, EACH / 2), &why);
		CHECK(e == ERR_OK || e == ERR_BUSY);
		s[i].data += EACH / 2;
		s[i].left -= EACH / 2;
		s[i].is_waiting = e == ERR_BUSY;
	}
	for (size_t i = 0; i < N; i++)
		if (!s[i].is_waiting)
			send_on(&s[i]);
	run();
	for (size_t i = 0; i < N; i++) {
		CHECK(s[i].is_done && s[i].result.size == HEAD.len + EACH);
		pauses += s[i].pauses;
	}
	CHECK(pauses > 0);
	free(data);
}

static struct sender dying[6];

static void stop(void *arg)
{
	(void)arg;
	loop_stop(loop);
}

TEST(discarded, "a file that is given up leaves nothing, whether its job runs or not")
{
	uint8_t *data = noise(600000);
	open_spool(0);
	for (size_t i = 0; i < NELEM(dying); i++) {
		begin(&dying[i], data, 0, 1);
		if (i % 2)
			CHECK_INT(spool_write(dying[i].f, bytes_of(data, i * 100000), &why), ERR_OK);
		spool_discard(&dying[i].f);
		CHECK(!dying[i].f);
	}
	unfinished = 0;
	spool_close(&spool);     /* jobs still run: the room goes when they are back */
	CHECK_INT(loop_post(loop, stop, NULL), ERR_OK);
	loop_run(loop);
	loop_free(&loop);
	CHECK_INT(files_left(true), 0);
	free(data);
}

TEST(low, "below the reserve nothing new begins; with room again it does")
{
	struct sender s;
	open_spool(UINT64_MAX);
	CHECK(spool_is_low(spool));
	CHECK_INT(spool_begin(spool, HEAD, 0, true, send_on, &s, &s.f, &why), ERR_FULL);
	CHECK(!s.f);
	spool_set_reserve(spool, 0);
	begin(&s, (const uint8_t *)"abc", 3, 3);
	send_on(&s);
	run();
	check_file(&s, (const uint8_t *)"abc", 3);
}

TEST(gone, "a failure on the disk is told once, at the end at the latest, and leaves nothing")
{
	char path[64], away[64];
	struct sender s;
	uint8_t *data = noise(8 << 20);
	open_spool(0);
	snprintf(path, sizeof(path), "%s/spool", dir);
	snprintf(away, sizeof(away), "%s/away", dir);
	CHECK_INT(rename(path, away), 0);
	begin(&s, data, 8 << 20, 131072);
	send_on(&s);
	run();
	CHECK_INT(rename(away, path), 0);
	CHECK(s.is_done);
	CHECK_INT(s.result.err, ERR_IO);
	CHECK(strstr(s.result.why.text, "creating spool/"));
	CHECK_INT(s.failed, ERR_IO);
	free(data);
}

int main(void)
{
	CHECK(mkdtemp(dir));
	RUN(whole);
	RUN(paused);
	RUN(together);
	RUN(discarded);
	RUN(low);
	RUN(gone);
	char cmd[128];
	snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	CHECK_INT(system(cmd), 0);
	return t_done();
}
