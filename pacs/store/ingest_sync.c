#include "pacs/store/ingest_private.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pacs/base/durable.h"
#include "pacs/base/fault.h"

/* The files and directories of a round are synced by threads of their own, while this round's rows are written and committed:
 * all wait for the same disk, a journaling file system brings them there in one go, and none needs another's result. The
 * answer needs all of them.
 *
 * Two orders of one round:
 *
 *   only new images    rename -> ( file syncs | directory sync | rows, COMMIT ) -> answer
 *   anything else      rename -> ( file syncs | directory sync ) -> rows, COMMIT -> answer
 *
 * In the first a power cut may keep the row and lose the rename or the bytes. The image was not acknowledged then, and the next
 * start knows which rows are so young: it puts the file in its place or takes the row out (ingest_heal.c). The second is for
 * rows that point away from a file that was acknowledged: they may not be on disk before the new one is.
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

/* A file first, as it takes longest and may be the only one; then the directories, for which all wait; then the other files. */
static void sync_one(struct ingest *g, size_t i)
{
	struct ingest_syncer *s = &g->syncer;
	size_t ahead = s->file_count > 0;
	if (i >= ahead && i < ahead + s->dirs.n) {
		i -= ahead;
		s->dirs.of[i].err = durable_sync_dir(ingest_path(g, s->dirs.of[i].path).s, &s->dirs.of[i].why);
		crash_point("dir-sync");
		return;
	}
	struct entry *it = s->files[i < ahead ? i : i - s->dirs.n];
	it->sync_err = ingest_sync_file(it->job, &it->sync_why);
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
		bool is_last = s->next == s->count;
		pthread_mutex_unlock(&s->mutex);
		/* One wakes the next: the ingest thread, for which all wait, has rows to write meanwhile. (Without the lock, here and
		 * below: who is woken may take the processor at once, and would sleep again for it.) */
		if (!is_last)
			pthread_cond_signal(&s->wake);
		sync_one(g, mine);
		pthread_mutex_lock(&s->mutex);
		if (!--s->open) {
			pthread_mutex_unlock(&s->mutex);
			pthread_cond_signal(&s->done);
			pthread_mutex_lock(&s->mutex);
		}
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
	s->dirs.n = s->file_count = 0;
	for (size_t i = 0; i < g->item_count; i++) {
		struct entry *it = &g->items[i];
		if (!it->is_placed || it->plan == PLAN_FAIL)
			continue;
		collect_dir(&s->dirs, it->placed_at);
		if (it->job->is_unsynced)
			s->files[s->file_count++] = it;
	}
}

void ingest_sync_begin(struct ingest *g)
{
	struct ingest_syncer *s = &g->syncer;
	collect(g);
	pthread_mutex_lock(&s->mutex);
	s->next = 0;
	size_t count = s->open = s->count = s->dirs.n + s->file_count;
	pthread_mutex_unlock(&s->mutex);
	if (count)
		pthread_cond_signal(&s->wake);
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
	pthread_cond_init(&s->done, NULL);
	s->is_made = true;
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
	s->is_made = false;
	pthread_cond_destroy(&s->wake);
	pthread_cond_destroy(&s->done);
	pthread_mutex_destroy(&s->mutex);
}
