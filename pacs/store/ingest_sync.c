#include "pacs/store/ingest_private.h"

#include <assert.h>
#include <string.h>

#include "pacs/base/durable.h"
#include "pacs/base/fault.h"

/* The directories of a round are synced by a thread of their own, while this round's rows are written and committed: both
 * wait for the same disk, and neither needs the other's result. The answer needs both.
 *
 * Two orders of one round:
 *
 *   only new images    rename -> ( directory sync | rows, COMMIT ) -> answer
 *   anything else      rename -> directory sync -> rows, COMMIT -> answer
 *
 * In the first a power cut may keep the row and lose the rename. The image was not acknowledged then; its bytes were synced
 * under their spool name, so the next start puts the file in its place (ingest_recover.c). The second is for rows that point
 * away from a file that was acknowledged: they may not be on disk before the name of the new one is.
 *
 * When a directory cannot be synced behind a commit, its images fail and stay (an image sent again is the same image),
 * and every round fails until that directory has been synced. */

static void same_dir(char out[40], const char *placed_at)
{
	size_t n = (size_t)(strrchr(placed_at, '/') - placed_at);
	memcpy(out, placed_at, n);
	out[n] = '\0';
}

static void sync_them(struct ingest *g, struct ingest_dirs *d)
{
	for (size_t i = 0; i < d->n; i++)
		d->of[i].err = durable_sync_dir(ingest_path(g, d->of[i].path).s, &d->of[i].why);
	crash_point("dir-sync");
}

static void *run(void *arg)
{
	struct ingest *g = arg;
	struct ingest_syncer *s = &g->syncer;
	pthread_mutex_lock(&s->mutex);
	while (!s->is_over) {
		if (!s->is_asked) {
			pthread_cond_wait(&s->wake, &s->mutex);
			continue;
		}
		pthread_mutex_unlock(&s->mutex);
		sync_them(g, &s->dirs);
		pthread_mutex_lock(&s->mutex);
		s->is_asked = false;
		pthread_cond_signal(&s->done);
	}
	pthread_mutex_unlock(&s->mutex);
	return NULL;
}

/* Numbers rise, so a round has two directories of the store at most, and the quarantine. */
static void collect(struct ingest *g, struct ingest_dirs *d)
{
	d->n = 0;
	for (size_t i = 0; i < g->item_count; i++) {
		char dir[40];
		size_t k = 0;
		if (!g->items[i].is_placed || g->items[i].plan == PLAN_FAIL)
			continue;
		same_dir(dir, g->items[i].placed_at);
		while (k < d->n && strcmp(d->of[k].path, dir))
			k++;
		if (k < d->n)
			continue;
		assert(d->n < NELEM(d->of));
		d->of[k] = (struct ingest_dir){ .err = ERR_OK };
		memcpy(d->of[d->n++].path, dir, sizeof(dir));
	}
}

void ingest_sync_begin(struct ingest *g)
{
	struct ingest_syncer *s = &g->syncer;
	collect(g, &s->dirs);
	pthread_mutex_lock(&s->mutex);
	s->is_asked = true;
	pthread_cond_signal(&s->wake);
	pthread_mutex_unlock(&s->mutex);
}

const struct ingest_dirs *ingest_sync_end(struct ingest *g)
{
	struct ingest_syncer *s = &g->syncer;
	pthread_mutex_lock(&s->mutex);
	while (s->is_asked)
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
	int code = pthread_create(&s->thread, NULL, run, g);
	s->is_running = !code;
	return code ? fail(why, ERR_NOMEM, "starting the thread that syncs directories: error %d", code) : ERR_OK;
}

void ingest_sync_stop(struct ingest *g)
{
	struct ingest_syncer *s = &g->syncer;
	if (!s->is_running)
		return;
	pthread_mutex_lock(&s->mutex);
	s->is_over = true;
	pthread_cond_signal(&s->wake);
	pthread_mutex_unlock(&s->mutex);
	pthread_join(s->thread, NULL);
	s->is_running = false;
	pthread_cond_destroy(&s->wake);
	pthread_cond_destroy(&s->done);
	pthread_mutex_destroy(&s->mutex);
}
