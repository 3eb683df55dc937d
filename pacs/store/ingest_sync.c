#include "pacs/store/ingest_private.h"

#include <assert.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pacs/base/clock.h"
#include "pacs/base/durable.h"
#include "pacs/base/fault.h"

/* The files and directories of a round are synced by threads of their own, while this round's rows are written and committed:
 * all wait for the same disk, a journaling file system brings them there in one go, and none needs another's result. The
 * answer needs all of them.
 *
 * Two orders of one round:
 *
 *   only new images    ( renames, file syncs, directory sync | rows, all are renamed, COMMIT ) -> answer
 *   anything else      renames -> ( file syncs | directory sync ) -> rows, COMMIT -> answer
 *
 * In the first a power cut may keep the row and lose the rename or the bytes. The image was not acknowledged then, and the next
 * start knows which rows are so young: it puts the file in its place or takes the row out (ingest_heal.c). The second is for
 * rows that point away from a file that was acknowledged: they may not be on disk before the new one is.
 *
 * A round of several small files is synced by one syncfs, by one thread: a sync of each costs as much as all else that is done to a
 * small image. It waits for what others have written too, so not while others write a lot, nor for a while after one that took
 * long. When it fails, each file and directory is asked for itself.
 *
 * When a file cannot be synced behind a commit it is removed: nobody may take it for whole later, and its row without a file
 * waits for the sender to send it again. When a directory cannot be synced behind a commit, its images fail and stay (an image
 * sent again is the same image), and every round fails until that directory has been synced. */

static void same_dir(char out[40], const char *placed_at)
{
	size_t n = (size_t)(strrchr(placed_at, '/') - placed_at);
	memcpy(out, placed_at, n);
	out[n] = '\0';
}

enum err ingest_sync_file(struct ingest_job *j, struct why *why)
{
	enum err e = j->is_unsynced ? durable_sync(j->fd, j->path, why) : ERR_OK;
	ingest_close_file(j);
	return e;
}

void ingest_close_file(struct ingest_job *j)
{
	if (j->is_unsynced)
		close(j->fd);
	j->is_unsynced = false;
}

enum { TOGETHER = 3, TOGETHER_BYTES = 2 << 20 };         /* files of a round, their bytes */
enum { LONG_MS = 20, APART_MS = 1000, APART_MAX_MS = 60000 };
enum { LOOK_MS = 100, OTHERS_BYTES = 128 << 20 };

/* Bytes of all file systems that wait for a disk; 0 where the kernel does not say. */
static uint64_t unwritten(void)
{
	char text[16384];
	int fd = open("/proc/vmstat", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 ? read(fd, text, sizeof(text) - 1) : 0;
	if (fd >= 0)
		close(fd);
	text[n > 0 ? n : 0] = '\0';
	uint64_t pages = 0;
	static const char *const names[] = { "\nnr_dirty ", "\nnr_writeback " };
	for (size_t i = 0; i < NELEM(names); i++) {
		const char *at = strstr(text, names[i]);
		pages += at ? strtoull(at + strlen(names[i]), NULL, 10) : 0;
	}
	return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* Somebody writes a lot: a backup, an export, a compiler. What is seen holds for a moment. */
static bool do_others_write(struct ingest_syncer *s, uint64_t now_ns)
{
	if (now_ns >= s->look_again_ns) {
		s->look_again_ns = now_ns + LOOK_MS * 1000000ull;
		s->do_others_write = unwritten() > OTHERS_BYTES;
	}
	return s->do_others_write;
}

static bool is_worth_one_sync(struct ingest *g)
{
	struct ingest_syncer *s = &g->syncer;
	uint64_t bytes = 0, now_ns = clock_mono_ns();
	for (size_t i = 0; i < s->file_count; i++)
		bytes += s->files[i]->job->size;
	if (s->file_count < TOGETHER || bytes > TOGETHER_BYTES || now_ns < s->apart_until_ns || do_others_write(s, now_ns))
		return false;
	if (s->store_fd < 0)
		s->store_fd = open(ingest_path(g, "store").s, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return s->store_fd >= 0;
}

/* After one that took long others are left alone for a while, and longer each time. */
static void note_time(struct ingest_syncer *s, uint64_t began_ns)
{
	uint64_t now_ns = clock_mono_ns();
	if (now_ns - began_ns <= LONG_MS * 1000000ull) {
		s->apart_ms = 0;
		return;
	}
	s->apart_ms = !s->apart_ms ? APART_MS : s->apart_ms < APART_MAX_MS / 2 ? s->apart_ms * 2 : APART_MAX_MS;
	s->apart_until_ns = now_ns + s->apart_ms * 1000000ull;
}

static void count_placed(struct ingest_syncer *s, size_t n)
{
	pthread_mutex_lock(&s->mutex);
	if (n && !(s->placing -= n))
		pthread_cond_broadcast(&s->placed);
	pthread_mutex_unlock(&s->mutex);
}

static void wait_placed(struct ingest_syncer *s)
{
	pthread_mutex_lock(&s->mutex);
	while (s->placing)
		pthread_cond_wait(&s->placed, &s->mutex);
	pthread_mutex_unlock(&s->mutex);
}

/* 1 when it was to be placed: so much is done then, well or not. */
static size_t place(struct ingest *g, struct entry *it)
{
	if (!it->is_to_place)
		return 0;
	it->place_err = durable_rename(ingest_path(g, it->job->path).s, ingest_path(g, it->placed_at).s, &it->place_why);
	it->is_placed = !it->place_err;
	crash_point("rename");
	return 1;
}

static void sync_file(struct entry *it)
{
	if (!it->is_placed)
		return;                  /* the round finds another place for it, or gives it up */
	it->sync_err = ingest_sync_file(it->job, &it->sync_why);
	crash_point("spool-sync");
}

static void sync_dir(struct ingest *g, struct ingest_dir *d)
{
	d->err = durable_sync_dir(ingest_path(g, d->path).s, &d->why);
	crash_point("dir-sync");
}

static void sync_one(struct ingest *g, size_t i)
{
	struct ingest_syncer *s = &g->syncer;
	if (i < s->file_count) {
		count_placed(s, place(g, s->files[i]));
		sync_file(s->files[i]);
	} else {
		wait_placed(s);
		sync_dir(g, &s->dirs.of[i - s->file_count]);
	}
}

static void sync_together(struct ingest *g)
{
	struct ingest_syncer *s = &g->syncer;
	size_t placed = 0;
	for (size_t i = 0; i < s->file_count; i++)
		placed += place(g, s->files[i]);
	count_placed(s, placed);
	uint64_t began_ns = clock_mono_ns();
	bool is_done = durable_sync_all(s->store_fd, "store", NULL) == ERR_OK;
	note_time(s, began_ns);
	for (size_t i = 0; i < s->file_count; i++)
		if (!is_done)
			sync_file(s->files[i]);
		else if (s->files[i]->is_placed)
			ingest_close_file(s->files[i]->job);
	for (size_t i = 0; !is_done && i < s->dirs.n; i++)
		sync_dir(g, &s->dirs.of[i]);
	crash_point("dir-sync");
	crash_point("spool-sync");
}

static void *run(void *arg)
{
	struct ingest *g = arg;
	struct ingest_syncer *s = &g->syncer;
	pthread_mutex_lock(&s->mutex);
	while (!s->is_over) {
		if (s->next == s->count) {
			pthread_cond_wait(&s->wake, &s->mutex);
			continue;
		}
		size_t mine = s->next++;
		pthread_mutex_unlock(&s->mutex);
		if (s->is_together)
			sync_together(g);
		else
			sync_one(g, mine);
		pthread_mutex_lock(&s->mutex);
		if (!--s->open)
			pthread_cond_signal(&s->done);
	}
	pthread_mutex_unlock(&s->mutex);
	return NULL;
}

static void collect_dir(struct ingest_dirs *d, const char *placed_at)
{
	char dir[40];
	size_t k = 0;
	same_dir(dir, placed_at);
	while (k < d->n && strcmp(d->of[k].path, dir))
		k++;
	if (k < d->n)
		return;
	/* Numbers rise, so a round has two directories of the store at most, and the quarantine. */
	assert(d->n < NELEM(d->of));
	d->of[k] = (struct ingest_dir){ .err = ERR_OK };
	memcpy(d->of[d->n++].path, dir, sizeof(dir));
}

static void collect(struct ingest *g)
{
	struct ingest_syncer *s = &g->syncer;
	s->dirs.n = s->file_count = s->placing = 0;
	for (size_t i = 0; i < g->item_count; i++) {
		struct entry *it = &g->items[i];
		if ((!it->is_placed && !it->is_to_place) || it->plan == PLAN_FAIL)
			continue;
		collect_dir(&s->dirs, it->placed_at);
		s->placing += it->is_to_place;
		if (it->job->is_unsynced || it->is_to_place)
			s->files[s->file_count++] = it;
	}
}

void ingest_sync_begin(struct ingest *g)
{
	struct ingest_syncer *s = &g->syncer;
	collect(g);
	pthread_mutex_lock(&s->mutex);
	s->next = 0;
	s->is_together = is_worth_one_sync(g);
	s->open = s->count = s->is_together ? 1 : s->dirs.n + s->file_count;
	for (size_t i = 0; i < s->count && i < SYNC_THREADS; i++)
		pthread_cond_signal(&s->wake);
	pthread_mutex_unlock(&s->mutex);
}

bool ingest_sync_placed(struct ingest *g)
{
	const struct ingest_syncer *s = &g->syncer;
	wait_placed(&g->syncer);
	for (size_t i = 0; i < s->file_count; i++)
		if (s->files[i]->place_err)
			return false;
	return true;
}

const struct ingest_dirs *ingest_sync_end(struct ingest *g)
{
	struct ingest_syncer *s = &g->syncer;
	pthread_mutex_lock(&s->mutex);
	while (s->open)
		pthread_cond_wait(&s->done, &s->mutex);
	pthread_mutex_unlock(&s->mutex);
	return &s->dirs;
}

const struct ingest_dir *ingest_dir_of(const struct ingest_dirs *d, const char *placed_at)
{
	char dir[40];
	same_dir(dir, placed_at);
	for (size_t i = 0; i < d->n; i++)
		if (!strcmp(d->of[i].path, dir))
			return &d->of[i];
	return NULL;
}

/* ---- what a failure leaves ---- */

void ingest_sync_owe(struct ingest *g, const struct ingest_dir *dir)
{
	for (size_t i = 0; i < g->owed.n; i++)
		if (!strcmp(g->owed.of[i].path, dir->path))
			return;
	/* No more rounds come before these are paid, so one round's directories fit. */
	assert(g->owed.n < NELEM(g->owed.of));
	g->owed.of[g->owed.n++] = *dir;
}

enum err ingest_sync_pay(struct ingest *g, struct why *why)
{
	while (g->owed.n) {
		enum err e = durable_sync_dir(ingest_path(g, g->owed.of[g->owed.n - 1].path).s, why);
		if (e)
			return e;
		g->owed.n--;
	}
	return ERR_OK;
}

/* ---- start and stop ---- */

enum err ingest_sync_start(struct ingest *g, struct why *why)
{
	struct ingest_syncer *s = &g->syncer;
	pthread_mutex_init(&s->mutex, NULL);
	pthread_cond_init(&s->wake, NULL);
	pthread_cond_init(&s->placed, NULL);
	pthread_cond_init(&s->done, NULL);
	s->is_made = true;
	s->store_fd = -1;
	s->files = fault_fails(FAULT_ALLOC) ? NULL : calloc(BOUND_COMMIT_BATCH, sizeof(struct entry *));
	if (!s->files)
		return fail(why, ERR_NOMEM, "no memory for the threads that sync");
	for (; s->running < SYNC_THREADS; s->running++) {
		int code = pthread_create(&s->threads[s->running], NULL, run, g);
		if (code)
			return fail(why, ERR_NOMEM, "starting a thread that syncs: error %d", code);
	}
	return ERR_OK;
}

void ingest_sync_stop(struct ingest *g)
{
	struct ingest_syncer *s = &g->syncer;
	if (!s->is_made)
		return;
	pthread_mutex_lock(&s->mutex);
	s->is_over = true;
	pthread_cond_broadcast(&s->wake);
	pthread_mutex_unlock(&s->mutex);
	while (s->running)
		pthread_join(s->threads[--s->running], NULL);
	free(s->files);
	if (s->store_fd >= 0)
		close(s->store_fd);
	s->is_made = false;
	pthread_cond_destroy(&s->wake);
	pthread_cond_destroy(&s->placed);
	pthread_cond_destroy(&s->done);
	pthread_mutex_destroy(&s->mutex);
}
