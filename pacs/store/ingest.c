#include "pacs/store/ingest_private.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "pacs/base/clock.h"
#include "pacs/base/durable.h"
#include "pacs/base/fault.h"
#include "pacs/base/log.h"
#include "pacs/ctl/ctl.h"
#include "pacs/store/ingest_repair.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

enum { TEXTS_MAX = 64 << 20 };           /* texts of one round: 512 records of a few kB; odd ones may be large */
enum { SCRATCH_MAX = 64 << 20 };         /* one header of BOUND_HEADER in parsed form */
enum { HEADERS_MAX = 32 << 20 };         /* headers of one round together */
enum { JOIN_NS = 5000000 };              /* nobody joins a round that has begun so long ago: its first ones wait for their answers */

struct object_path ingest_path(const struct ingest *g, const char *relative)
{
	struct object_path p;
	int n = snprintf(p.s, sizeof(p.s), "%s/%s", g->conf->dir, relative);
	assert(n > 0 && (size_t)n < sizeof(p.s));        /* conf.h bounds DIR */
	return p;
}

/* ---- answers ---- */

struct answers {
	size_t n;
	struct answer { struct ingest_job *job; struct ingest_result result; } of[];
};

static void on_answers(void *arg)
{
	struct answers *a = arg;
	for (size_t i = 0; i < a->n; i++)
		a->of[i].job->done(a->of[i].job->arg, a->of[i].job, &a->of[i].result);
	free(a);
}

/* Out of memory for an answer: somebody waits for it, and memory comes back. */
static void wait_for_memory(void)
{
	static const struct timespec pause = { .tv_nsec = 10000000 };
	nanosleep(&pause, NULL);
}

static void answer_all(struct ingest *g)
{
	size_t n = g->item_count;
	struct answers *a;
	while (!(a = fault_fails(FAULT_ALLOC) ? NULL : malloc(sizeof(*a) + n * sizeof(a->of[0]))))
		wait_for_memory();
	a->n = n;
	for (size_t i = 0; i < n; i++) {
		struct ingest_job *j = g->items[i].job;
		free((void *)(uintptr_t)j->header.p);
		j->header = bytes_of(NULL, 0);
		free(j->check);
		ingest_close_file(j);
		j->check = NULL;
		a->of[i].job = j;
		a->of[i].result = g->items[i].result;
	}
	crash_point("before-answer");
	while (loop_post(g->loop, on_answers, a))
		wait_for_memory();
}

/* ---- the thread ---- */

static uint64_t key_of(const struct ingest_job *j)
{
	if (j->is_replace)
		return j->replace_instance;
	return XXH3_64bits(j->sop_instance.s, strlen(j->sop_instance.s));
}

static bool is_taken(const struct ingest *g, uint64_t key)
{
	for (size_t i = 0; i < g->item_count; i++)
		if (g->items[i].uid_hash == key)
			return true;
	return false;
}

/* What takes longer to come than to sync is not waited for. */
static bool is_small(const struct ingest_job *j)
{
	return j->is_unsynced && j->size <= COMPANY_SMALL;
}

/* Takes what waits, in order, into the round, up to its bounds. A SOP Instance UID stands in a round once: its second
 * image is decided when the first has its row. (Jobs whose UID only the data set tells go in rounds of one.)
 * Replacements have rounds of their own, so that none meets a new image of the same instance. */
static void take_jobs(struct ingest *g)
{
	for (struct ingest_job **at = &g->first, *j; !g->is_nameless && (j = *at) && g->item_count < BOUND_COMMIT_BATCH && g->item_bytes < HEADERS_MAX; ) {
		uint64_t key = key_of(j);
		bool has_no_name = !j->is_replace && !j->sop_instance.s[0];
		bool is_other_kind = g->item_count && g->items[0].job->is_replace != j->is_replace;
		if (is_other_kind || is_taken(g, key) || (has_no_name && g->item_count)) {
			at = &j->next;
			continue;
		}
		*at = j->next;
		if (!*at)
			g->last = at;
		g->company.queued -= is_small(j);
		g->company.joined += is_small(j);
		g->item_bytes += j->header.len;
		g->items[g->item_count++] = (struct entry){ .job = j, .uid_hash = key };
		g->is_nameless = has_no_name;
	}
}

/* ---- who joins a round ---- */

/* Takes into the round who waits, or who comes in time. With the mutex held, which is released while it waits. */
static bool join(struct ingest *g, uint64_t *since)
{
	size_t before = g->item_count;
	uint64_t wait_ns;
	int code = 0;
	if (!*since)
		*since = clock_mono_ns();
	while (!g->first && !g->is_stopping && !code && (wait_ns = company_wait_ns(&g->company))) {
		const struct timespec end = { .tv_sec = (time_t)((*since + wait_ns) / 1000000000), .tv_nsec = (long)((*since + wait_ns) % 1000000000) };
		g->company.has_waited = true;
		code = pthread_cond_timedwait(&g->wake, &g->mutex, &end);
	}
	take_jobs(g);
	return g->item_count > before;
}

/* Is it worth while to write what is here before it is synced? */
static bool is_awaited(struct ingest *g)
{
	return company_is_worth(&g->company) && (g->first || company_wait_ns(&g->company));
}

/* What was taken, and what comes while that is written. */
static void run_round(struct ingest *g)
{
	uint64_t since = 0, until = clock_mono_ns() + JOIN_NS;
	bool has_more = true;
	ingest_round_begin(g);
	while (has_more && ingest_round_take(g) && clock_mono_ns() < until) {
		pthread_mutex_lock(&g->mutex);
		has_more = is_awaited(g);
		pthread_mutex_unlock(&g->mutex);
		if (!has_more || !ingest_round_write(g))
			break;
		pthread_mutex_lock(&g->mutex);
		has_more = join(g, &since);
		pthread_mutex_unlock(&g->mutex);
	}
	uint64_t began = clock_mono_ns();
	ingest_round_end(g);
	uint64_t took_ns = clock_mono_ns() - began;
	pthread_mutex_lock(&g->mutex);
	company_round(&g->company, g->round.has_begun ? took_ns : 0);
	pthread_mutex_unlock(&g->mutex);
}

static void write_notes(struct ingest *g, const struct note *notes, unsigned n)
{
	struct why why = { "" };
	if (!n)
		return;
	enum err e = index_begin(g->index, &why);
	for (unsigned i = 0; !e && i < n; i++)
		e = notes[i].is_forget ? index_forget_unknown(g->index, notes[i].calling, &why)
		                       : index_note_unknown(g->index, notes[i].calling, notes[i].called, notes[i].address, &why);
	if (!e)
		e = index_commit(g->index, &why);
	if (e) {
		index_rollback(g->index);
		log_event(LOG_WARN, "unknown_caller_not_noted", "why", why.text, NULL);
	}
}

/* One between two rounds: images do not wait for a long list of them. */
static struct ingest_repair *take_repair(struct ingest *g)
{
	struct ingest_repair *r = g->repair_first;
	if (r && !(g->repair_first = r->next))
		g->repair_last = &g->repair_first;
	return r;
}

static bool has_arrival(const struct ingest *g)
{
	for (size_t i = 0; i < g->item_count; i++)
		if (g->items[i].result.seq && g->items[i].plan != PLAN_FAIL)
			return true;
	return false;
}

static void *run(void *arg)
{
	struct ingest *g = arg;
	struct note notes[NOTES];
	pthread_mutex_lock(&g->mutex);
	while (g->first || g->note_count || g->patients || g->repair_first || g->set_aside || !g->is_stopping) {
		if (!g->first && !g->note_count && !g->patients && !g->repair_first) {
			pthread_cond_wait(&g->wake, &g->mutex);
			continue;
		}
		g->item_count = g->item_bytes = 0;
		g->is_nameless = false;
		company_begin(&g->company);
		take_jobs(g);
		unsigned note_count = g->note_count;
		memcpy(notes, g->notes, note_count * sizeof(notes[0]));
		g->note_count = 0;
		struct ingest_patients *patients = g->patients;
		if (patients && !(g->patients = patients->next))
			g->patients_last = &g->patients;
		struct ingest_repair *repair = take_repair(g);
		pthread_mutex_unlock(&g->mutex);

		if (g->item_count)
			run_round(g);
		if (g->item_count) {
			bool wake = has_arrival(g);
			answer_all(g);
			if (wake)
				wake_send(&g->router);
		}
		arena_release(&g->texts, (struct arena_mark){ 0 });
		write_notes(g, notes, note_count);
		if (patients)
			ingest_patients_apply(g, patients);
		if (repair)
			ingest_repair_run(g, repair);
		index_checkpoint(g->index);
		pthread_mutex_lock(&g->mutex);
	}
	pthread_mutex_unlock(&g->mutex);
	struct why why;
	if (g->last_seq > g->told_seq && ingest_note_durable(g, g->last_seq, &why))
		log_event(LOG_WARN, "end_not_noted", "why", why.text, NULL);     /* the next start looks at some files more */
	return NULL;
}

/* ---- the loop's side ---- */

void ingest_queue(struct ingest *g, struct ingest_job *j)
{
	j->next = NULL;
	*g->last = j;
	g->last = &j->next;
	g->company.queued += is_small(j);
	pthread_cond_signal(&g->wake);
}

void ingest_use_decoder(struct ingest *g, const struct ingest_decoder *d)
{
	pthread_mutex_lock(&g->mutex);
	g->decoder = *d;
	pthread_mutex_unlock(&g->mutex);
}

void ingest_job_take(struct ingest_job *j, const struct spool_done *d)
{
	memcpy(j->path, d->path, sizeof(j->path));
	memcpy(j->digest, d->digest, sizeof(j->digest));
	j->size = d->size;
	j->dataset_at = d->dataset_at;
	j->is_unsynced = d->fd >= 0;
	j->fd = d->fd;
}

void ingest_submit(struct ingest *g, struct ingest_job *job)
{
	job->check = NULL;
	pthread_mutex_lock(&g->mutex);
	ingest_queue(g, job);
	pthread_mutex_unlock(&g->mutex);
}

static void note(struct ingest *g, const struct note *n)
{
	pthread_mutex_lock(&g->mutex);
	if (g->note_count < NOTES)
		g->notes[g->note_count++] = *n;
	pthread_cond_signal(&g->wake);
	pthread_mutex_unlock(&g->mutex);
}

void ingest_note_unknown(struct ingest *g, const char *calling, const char *called, const char *address)
{
	struct note n = { .is_forget = false };
	snprintf(n.calling, sizeof(n.calling), "%s", calling);
	snprintf(n.called, sizeof(n.called), "%s", called);
	snprintf(n.address, sizeof(n.address), "%s", address);
	note(g, &n);
}

void ingest_forget_unknown(struct ingest *g, const char *calling)
{
	struct note n = { .is_forget = true };
	snprintf(n.calling, sizeof(n.calling), "%s", calling);
	note(g, &n);
}

/* ---- start and stop ---- */

static void ingest_free(struct ingest *g)
{
	ingest_sync_stop(g);
	index_writer_close(&g->index);
	wake_sender_fini(&g->router);
	arena_fini(&g->texts);
	arena_fini(&g->scratch);
	free(g->items);
	free(g->doubts);
	free(g->forget);
	if (g->lock_fd >= 0)
		close(g->lock_fd);
	conf_unref(&g->conf);
	pthread_cond_destroy(&g->wake);
	pthread_cond_destroy(&g->check_wake);
	pthread_mutex_destroy(&g->mutex);
	free(g);
}

static enum err take_lock(struct ingest *g, struct why *why)
{
	enum err e = durable_mkdirs(ingest_path(g, "run").s, why);
	if (e)
		return e;
	g->lock_fd = fault_fails(FAULT_OPEN) ? -1 : open(ingest_path(g, "run/ingest.lock").s, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	if (g->lock_fd < 0)
		return fail_errno(why, ERR_IO, "opening %s/run/ingest.lock", g->conf->dir);
	if (flock(g->lock_fd, LOCK_EX | LOCK_NB))
		return errno == EWOULDBLOCK ? fail(why, ERR_BUSY, "another storescp works in %s (run/ingest.lock is taken)", g->conf->dir)
		                            : fail_errno(why, ERR_IO, "locking %s/run/ingest.lock", g->conf->dir);
	return ERR_OK;
}

static enum err allocate(struct ingest *g, struct why *why)
{
	if (!fault_fails(FAULT_ALLOC)) {
		g->items = calloc(BOUND_COMMIT_BATCH, sizeof(*g->items));
		g->doubts = calloc(BOUND_COMMIT_BATCH, sizeof(*g->doubts));
		g->forget = calloc(BOUND_COMMIT_BATCH, sizeof(*g->forget));
	}
	return g->items && g->doubts && g->forget ? ERR_OK : fail(why, ERR_NOMEM, "no memory for ingest");
}

static enum err start_threads(struct ingest *g, struct why *why)
{
	enum err e = ingest_sync_start(g, why);
	if (!e)
		e = ingest_check_start(g, why);
	if (e)
		return e;
	int code = pthread_create(&g->thread, NULL, run, g);
	if (!code)
		return ERR_OK;
	ingest_check_stop(g);
	return fail(why, ERR_NOMEM, "starting the ingest thread: error %d", code);
}

enum err ingest_start(struct loop *l, struct conf *conf, struct ingest **out, struct why *why)
{
	struct ingest *g = fault_fails(FAULT_ALLOC) ? NULL : calloc(1, sizeof(*g));
	*out = NULL;
	if (!g)
		return fail(why, ERR_NOMEM, "no memory for ingest");
	g->loop = l;
	g->conf = conf_ref(conf);
	g->lock_fd = -1;
	g->router.fd = -1;
	g->last = &g->first;
	g->check_last = &g->check_first;
	g->patients_last = &g->patients;
	g->repair_last = &g->repair_first;
	arena_init(&g->texts, TEXTS_MAX);
	arena_init(&g->scratch, SCRATCH_MAX);
	pthread_mutex_init(&g->mutex, NULL);
	pthread_condattr_t monotonic;
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&g->wake, &monotonic);
	pthread_condattr_destroy(&monotonic);
	g->company = company_new();
	pthread_cond_init(&g->check_wake, NULL);
	enum err e = allocate(g, why);
	if (!e)
		e = take_lock(g, why);
	if (!e)
		e = index_writer_open(conf->dir, &g->index, why);
	if (!e)
		e = ingest_recover(g, why);
	if (!e)
		e = wake_sender_init(&g->router, ingest_path(g, "run/wake.router").s, why);
	if (!e)
		e = start_threads(g, why);
	if (e) {
		ingest_free(g);
		return e;
	}
	*out = g;
	return ERR_OK;
}

void ingest_stop(struct ingest **g)
{
	if (!*g)
		return;
	struct ingest *mine = *g;
	*g = NULL;
	pthread_mutex_lock(&mine->mutex);
	mine->is_stopping = true;
	pthread_cond_signal(&mine->wake);
	pthread_mutex_unlock(&mine->mutex);
	pthread_join(mine->thread, NULL);
	ingest_check_stop(mine);
	ingest_free(mine);
}
