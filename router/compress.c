#include "router/compress.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pacs/base/clock.h"
#include "pacs/base/durable.h"
#include "pacs/base/fault.h"
#include "pacs/base/log.h"
#include "pacs/dicom/recipe.h"
#include "pacs/store/object.h"
#include "router/jobs.h"
#include "router/send.h"

#define OUTPUT_PREFIX "xcode-"

enum { TICK_MS = 500, SWAP_TIMEOUT_MS = 30000 };

struct compress {
	struct loop_timer *tick;
	bool is_claiming, has_work;
	unsigned codec, idle;            /* whose queue is asked next; how many in a row had nothing */
	int64_t next_due_ms;
	struct compress_state state;
	unsigned serial;                 /* in output names */
	void (*quiet)(struct router *r);
};

/* One job under way. */
struct shrink {
	struct router *router;
	struct work_job job;
	struct index_instance what;
	struct recipe recipe;
	char dir[sizeof(((struct conf *)0)->dir)];
	char name[64];                   /* of the output, below DIR: spool/... */
	int in_fd, out_fd;
	struct xcode_result result;
	enum err err;                    /* of the pool's work */
	struct why why;
};

static void step(struct router *r);

/* ---- the end of a job ---- */

static void tell_quiet(struct router *r)
{
	struct compress *c = r->compress;
	void (*quiet)(struct router *) = c->quiet;
	if (quiet && !c->state.running && !c->is_claiming) {
		c->quiet = NULL;
		quiet(r);
	}
}

/* What stood behind it may go; and on a full disk the report may come late, when our own look for work has found nothing. */
static void report_saved(struct router *r)
{
	send_wake(r);
	compress_wake(r);
}

static void finish(struct shrink *s, enum job_event ev, const char *why)
{
	struct router *r = s->router;
	log_event(ev == JOB_DELIVERED || ev == JOB_GIVE_BACK ? LOG_INFO : LOG_WARN, "compress", "sop", s->what.sop_uid.s, "job", job_event_name(ev), "why", why, NULL);
	jobs_report(r, s->job.id, ev, why, report_saved);
	if (s->in_fd >= 0)
		close(s->in_fd);
	if (s->out_fd >= 0)
		close(s->out_fd);
	free(s);
	r->compress->state.running--;
	r->compress->has_work = true;
	if (r->is_stopping)
		tell_quiet(r);
	else
		step(r);
}

/* ---- without the swap: the output goes, then the job ends ---- */

struct removal { struct shrink *shrink; enum job_event event; char why[161]; };

static void remove_work(void *arg)
{
	const struct removal *m = arg;
	char path[PATH_MAX];
	snprintf(path, sizeof(path), "%.*s/%s", PATH_MAX - 80, m->shrink->dir, m->shrink->name);
	unlink(path);        /* one that stays is removed at the next start */
}

static void remove_done(void *arg)
{
	struct removal *m = arg;
	finish(m->shrink, m->event, m->why);
	free(m);
}

static void give_up(struct shrink *s, enum job_event ev, const char *why)
{
	struct removal *m = calloc(1, sizeof(*m));
	if (m) {
		m->shrink = s;
		m->event = ev;
		snprintf(m->why, sizeof(m->why), "%.160s", why ? why : "");
	}
	if (!m || loop_work(s->router->loop, remove_work, remove_done, m)) {
		free(m);
		finish(s, ev, why);
	}
}

/* ---- the swap ---- */

static void swapped(void *arg, enum err e, const json_t *answer, const struct why *why)
{
	struct shrink *s = arg;
	struct compress *c = s->router->compress;
	char note[161];
	(void)answer;
	if (e) {
		snprintf(note, sizeof(note), "storescp did not swap the files: %.120s", why->text);
		give_up(s, JOB_FAILED, note);
		return;
	}
	crash_point("router_swapped");
	c->state.done++;
	c->state.bytes_in += s->what.size;
	c->state.bytes_out += s->result.size;
	snprintf(note, sizeof(note), "%llu to %llu bytes", (unsigned long long)s->what.size, (unsigned long long)s->result.size);
	finish(s, JOB_DELIVERED, note);
}

static void ask_to_swap(struct shrink *s)
{
	char path[PATH_MAX];
	const struct xcode_result *x = &s->result;
	snprintf(path, sizeof(path), "%.*s/run/storescp.sock", PATH_MAX - 80, s->dir);
	json_t *body = json_pack("{s:s,s:I,s:I,s:s,s:s,s:I,s:I,s:s,s:s}", "op", "replace", "instance", (json_int_t)s->what.instance,
	                         "oid", (json_int_t)s->what.oid, "path", s->name, "ts", s->recipe.ts->uid, "size", (json_int_t)x->size,
	                         "dataset_at", (json_int_t)x->dataset_at, "digest", x->digest, "pixel_digest", x->pixel_digest);
	enum err e = body ? ctl_call_async(s->router->loop, path, body, SWAP_TIMEOUT_MS, swapped, s) : ERR_NOMEM;
	if (e)
		give_up(s, JOB_FAILED, e == ERR_NOMEM ? "no memory" : "storescp is not running: it swaps the files");
}

static void sync_work(void *arg)
{
	struct shrink *s = arg;
	crash_point("router_compressed");
	s->err = durable_sync(s->out_fd, s->name, &s->why);
	crash_point("router_synced");
}

static void sync_done(void *arg)
{
	struct shrink *s = arg;
	if (s->err)
		give_up(s, JOB_FAILED, s->why.text);
	else
		ask_to_swap(s);
}

/* ---- the worker ---- */

/* The image or the codec is at fault, and will be next time. A full disk is not among these. */
static bool is_hopeless(enum err e)
{
	static const enum err these[] = { ERR_CLOSED, ERR_TIMEOUT, ERR_MISMATCH, ERR_PROTO, ERR_FORMAT, ERR_LIMIT, ERR_NOMEM };
	for (size_t i = 0; i < NELEM(these); i++)
		if (these[i] == e)
			return true;
	return false;
}

static void coded(void *arg, const struct xcode_result *x)
{
	struct shrink *s = arg;
	s->result = *x;
	if (x->err == ERR_UNSUPPORTED) {
		give_up(s, JOB_DELIVERED, x->why.text[0] ? x->why.text : "nothing to compress");
	} else if (x->err == ERR_CANCELLED) {
		give_up(s, JOB_GIVE_BACK, NULL);
	} else if (x->err && is_hopeless(x->err)) {
		give_up(s, s->job.tries ? JOB_REFUSED : JOB_FAILED, x->why.text);
	} else if (x->err) {
		give_up(s, JOB_FAILED, x->why.text);
	} else if (x->size >= s->what.size) {
		give_up(s, JOB_DELIVERED, "it does not get smaller");
	} else if (loop_work(s->router->loop, sync_work, sync_done, s)) {
		give_up(s, JOB_FAILED, "no memory");
	}
}

static void open_work(void *arg)
{
	struct shrink *s = arg;
	char path[PATH_MAX];
	uint64_t size;
	s->err = object_open(s->dir, s->what.oid, &s->in_fd, &size, &s->why);
	if (s->err)
		return;
	snprintf(path, sizeof(path), "%.*s/%s", PATH_MAX - 80, s->dir, s->name);
	s->out_fd = fault_fails(FAULT_OPEN) ? -1 : open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (s->out_fd < 0)
		s->err = fail_errno(&s->why, ERR_IO, "creating %s", s->name);
}

static void open_done(void *arg)
{
	struct shrink *s = arg;
	if (s->err)
		give_up(s, JOB_FAILED, s->why.text);
	else if (!s->router->xcode)
		give_up(s, JOB_GIVE_BACK, NULL);
	else if (xcode_submit(s->router->xcode, s->in_fd, s->out_fd, s->recipe.ts, coded, s))
		give_up(s, JOB_FAILED, "the codec workers take no more jobs");
}

/* ---- starting jobs ---- */

static void begin(struct router *r, const struct work_job *j, const struct index_instance *what)
{
	const struct ts *ts = ts_find(what->ts.s);
	struct shrink *s = calloc(1, sizeof(*s));
	if (!s) {
		jobs_report(r, j->id, JOB_GIVE_BACK, NULL, NULL);
		return;
	}
	*s = (struct shrink){ .router = r, .job = *j, .what = *what, .in_fd = -1, .out_fd = -1 };
	memcpy(s->dir, r->conf->dir, sizeof(s->dir));
	snprintf(s->name, sizeof(s->name), "spool/" OUTPUT_PREFIX "%lld-%d-%u", (long long)j->id, (int)getpid(), r->compress->serial++);
	r->compress->state.running++;
	struct why why = { "" };
	enum err e = recipe_parse(j->to, &s->recipe, &why);
	if (r->is_stopping)
		finish(s, JOB_GIVE_BACK, NULL);
	else if (e || s->recipe.is_lossy)
		finish(s, JOB_REFUSED, e ? why.text : "a lossy codec makes another object");
	else if (!s->recipe.ts)
		finish(s, JOB_DELIVERED, "it is to be kept as it is");
	else if (!ts || ts->is_encapsulated)
		finish(s, JOB_DELIVERED, "compressed already");
	else if (loop_work(r->loop, open_work, open_done, s))
		finish(s, JOB_GIVE_BACK, NULL);
}

static void note_due(struct compress *c, int64_t next_ms)
{
	if (next_ms && (!c->next_due_ms || next_ms < c->next_due_ms))
		c->next_due_ms = next_ms;
}

static void claimed(void *arg, enum err e, const struct jobs_claimed *got)
{
	struct router *r = arg;
	struct compress *c = r->compress;
	c->is_claiming = false;
	c->idle = e || got->n ? 0 : c->idle + 1;
	if (!e && !got->n) {
		c->codec++;
		note_due(c, got->next_ms);
	}
	/* All of them were asked one after another, and none had anything. */
	c->has_work = recipe_reversible(c->idle) != NULL;
	for (size_t i = 0; i < got->n; i++)
		begin(r, &got->job[i], &got->what[i]);
	if (r->is_stopping)
		tell_quiet(r);
	else if (!e)
		step(r);
}

static void step(struct router *r)
{
	struct compress *c = r->compress;
	unsigned workers = r->conf->compress_workers ? r->conf->compress_workers : 1;
	if (c->next_due_ms && clock_wall_ms() >= c->next_due_ms)
		c->has_work = true;
	if (r->is_stopping || !c->has_work || c->is_claiming || c->state.running >= workers)
		return;
	c->has_work = false;
	if (c->idle == 0 || !recipe_reversible(c->idle)) {
		c->idle = 0;
		c->next_due_ms = 0;
	}
	if (!recipe_reversible(c->codec))
		c->codec = 0;
	const char *codec = recipe_reversible(c->codec);
	c->is_claiming = !jobs_claim(r, JOB_COMPRESS, codec, workers - c->state.running, UINT64_MAX, claimed, r);
	c->has_work = !c->is_claiming;
}

/* ---- the room ---- */

static void on_tick(void *arg)
{
	step(arg);
}

void compress_wake(struct router *r)
{
	r->compress->has_work = true;
	r->compress->idle = 0;
	step(r);
}

struct compress_state compress_now(const struct router *r)
{
	return r->compress->state;
}

/* Before the loop runs, so it may block. */
static void remove_leftovers(const char *dir)
{
	char path[PATH_MAX];
	snprintf(path, sizeof(path), "%s/spool", dir);
	DIR *d = opendir(path);
	if (!d)
		return;
	for (struct dirent *e; (e = readdir(d)); )
		if (!strncmp(e->d_name, OUTPUT_PREFIX, sizeof(OUTPUT_PREFIX) - 1))
			unlinkat(dirfd(d), e->d_name, 0);
	closedir(d);
}

enum err compress_start(struct router *r, struct why *why)
{
	r->compress = calloc(1, sizeof(*r->compress));
	if (!r->compress || loop_timer_new(r->loop, on_tick, r, &r->compress->tick))
		return fail(why, ERR_NOMEM, "no memory");
	remove_leftovers(r->conf->dir);
	loop_timer_start(r->compress->tick, TICK_MS, TICK_MS);
	compress_wake(r);
	return ERR_OK;
}

void compress_stop(struct router *r, void (*quiet)(struct router *r))
{
	r->compress->quiet = quiet;
	loop_timer_free(&r->compress->tick);
	tell_quiet(r);
}

void compress_fini(struct router *r)
{
	free(r->compress);
	r->compress = NULL;
}
