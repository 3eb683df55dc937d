#include "pacs/store/ingest_private.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "pacs/base/durable.h"
#include "pacs/base/fault.h"

/* Reading whole files takes seconds for a long cine, and others wait for the round. So a job that needs it is set aside,
 * looked at here by a thread of its own, and comes back into a later round with what was found:
 *
 *   round: PLAN_CHECK --set_aside--> checks queue --this thread--> jobs queue --> a later round decides
 *
 * What was found holds for the kept file it was found of: if the row names another one by then, it is looked at anew. */

enum { SCRATCH_MAX = 128 << 20 };        /* two headers of BOUND_HEADER in parsed form */

/* The file comes from another program: believe nothing, and sync it here, as invariant 4 is ours to keep. */
static enum err check_replacement(struct ingest *g, const struct ingest_job *j, struct why *why)
{
	char digest[33];
	int fd = open(ingest_path(g, j->path).s, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return fail_errno(why, ERR_NOT_FOUND, "opening %s", j->path);
	enum err e = durable_sync(fd, j->path, why);
	off_t size = lseek(fd, 0, SEEK_END);
	if (!e && (size < 0 || (uint64_t)size != j->size || j->dataset_at > j->size))
		e = fail(why, ERR_MISMATCH, "%s has %lld bytes, %llu were announced", j->path, (long long)size, (unsigned long long)j->size);
	if (!e)
		e = object_digest(fd, j->dataset_at, digest, why);
	if (!e && strcmp(digest, j->digest))
		e = fail(why, ERR_MISMATCH, "%s has digest %s, %s was announced", j->path, digest, j->digest);
	close(fd);
	return e;
}

static void look(struct ingest *g, struct arena *scratch, struct ingest_job *j)
{
	struct ingest_check *c = j->check;
	c->content = c->kept = ERR_OK;
	/* It will be compared with one that was acknowledged, in rounds that have no time for it. */
	if ((c->content = ingest_sync_file(j, &c->why)))
		return;
	if (j->is_replace) {
		c->content = check_replacement(g, j, &c->why);
		return;
	}
	if (strcmp(j->digest, c->known.received_digest))
		c->content = ingest_same_content(g, scratch, j, &c->known, &c->why);
	if (!c->content)
		c->kept = ingest_check_kept(g, &c->known, &c->why);
}

static void *run(void *arg)
{
	struct ingest *g = arg;
	struct arena scratch;
	arena_init(&scratch, SCRATCH_MAX);
	pthread_mutex_lock(&g->mutex);
	for (;;) {
		struct ingest_job *j = g->check_first;
		if (!j && g->is_over)
			break;
		if (!j) {
			pthread_cond_wait(&g->check_wake, &g->mutex);
			continue;
		}
		if (!(g->check_first = j->next))
			g->check_last = &g->check_first;
		pthread_mutex_unlock(&g->mutex);
		look(g, &scratch, j);
		pthread_mutex_lock(&g->mutex);
		g->set_aside--;
		ingest_queue(g, j);
	}
	pthread_mutex_unlock(&g->mutex);
	arena_fini(&scratch);
	return NULL;
}

enum err ingest_check_prepare(struct entry *it, struct why *why)
{
	struct ingest_job *j = it->job;
	if (!j->check)
		j->check = fault_fails(FAULT_ALLOC) ? NULL : calloc(1, sizeof(*j->check));
	if (!j->check)
		return fail(why, ERR_NOMEM, "no memory to compare an image with the kept one");
	j->check->known = it->known;
	return ERR_OK;
}

void ingest_check_later(struct ingest *g, struct ingest_job *j)
{
	j->next = NULL;
	pthread_mutex_lock(&g->mutex);
	*g->check_last = j;
	g->check_last = &j->next;
	g->set_aside++;
	pthread_cond_signal(&g->check_wake);
	pthread_mutex_unlock(&g->mutex);
}

enum err ingest_check_start(struct ingest *g, struct why *why)
{
	int code = pthread_create(&g->check_thread, NULL, run, g);
	return code ? fail(why, ERR_NOMEM, "starting the thread that compares images: error %d", code) : ERR_OK;
}

void ingest_check_stop(struct ingest *g)
{
	pthread_mutex_lock(&g->mutex);
	g->is_over = true;
	pthread_cond_signal(&g->check_wake);
	pthread_mutex_unlock(&g->mutex);
	pthread_join(g->check_thread, NULL);
}
