#include "router/rooms.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "router/commit.h"
#include "router/complete.h"
#include "router/compress.h"
#include "router/errand.h"
#include "router/forget.h"
#include "router/jobs.h"
#include "router/mpps.h"
#include "router/patients.h"
#include "router/plan.h"
#include "router/requests.h"
#include "router/send.h"

enum { ENDING_MS = 1000 };

/* ---- stopping: first what makes work, then the work, then the database ---- */

static void on_compress_quiet(struct router *r)
{
	/* Before the thread ends, what was given back is committed. */
	work_thread_stop(&r->work);
	jobs_stop(r);
	loop_timer_free(&r->ending);
}

/* The senders use the workers too, so these go after them. */
static void on_send_quiet(struct router *r)
{
	xcode_free(&r->xcode);
	compress_stop(r, on_compress_quiet);
}

static void on_errands_quiet(struct router *r)
{
	send_stop(r, on_send_quiet);
}

static void on_ending(void *arg)
{
	(void)arg;
}

void rooms_stop(struct router *r)
{
	r->is_stopping = true;
	loop_timer_start(r->ending, ENDING_MS, ENDING_MS);
	requests_close(r);
	plan_stop(r);
	worklist_stop(r);
	complete_stop(r);
	forget_stop(r);
	commit_check_stop(r);
	mpps_stop(r);
	patients_stop(r);
	errands_stop(r, on_errands_quiet);
}

void rooms_fini(struct router *r)
{
	plan_fini(r);
	compress_fini(r);
	commit_check_fini(r);
	errands_fini(r);
	send_fini(r);
	mpps_fini(r);
}

/* ---- starting ---- */

static enum err open_workers(struct router *r, struct why *why)
{
	char self[4096], worker[sizeof(self) + 16];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	self[n > 0 ? n : 0] = '\0';
	char *slash = strrchr(self, '/');
	snprintf(worker, sizeof(worker), "%.*s/xcode-worker", slash ? (int)(slash - self) : 1, slash ? self : ".");
	const struct xcode_limits limits = { .workers = r->conf->compress_workers, .memory_bytes = (uint64_t)r->conf->worker_memory_mb << 20,
	                                     .timeout_s = r->conf->worker_timeout_s, .is_background = true };
	enum err e = xcode_new(r->loop, worker, &limits, &r->xcode);
	return e ? fail(why, e, "codec workers: %s", err_name(e)) : ERR_OK;
}

enum err rooms_start(struct router *r, struct why *why)
{
	enum err e = work_thread_start(r->loop, r->conf->dir, &r->work, why);
	if (!e && loop_timer_new(r->loop, on_ending, r, &r->ending))
		e = fail(why, ERR_NOMEM, "no memory");
	if (!e)
		e = open_workers(r, why);
	if (!e)
		e = jobs_start(r, why);
	if (!e)
		e = send_start(r, why);
	if (!e)
		e = compress_start(r, why);
	if (!e)
		e = worklist_start(r, why);
	if (!e)
		e = forget_start(r, why);
	if (!e)
		e = errands_start(r, why);
	if (!e)
		e = commit_check_start(r, why);
	if (!e)
		e = complete_start(r, why);
	if (!e)
		e = mpps_start(r, why);
	if (!e)
		e = patients_start(r, why);
	if (!e)
		e = plan_start(r, why);
	if (!e)
		e = requests_open(r, why);
	return e;
}
