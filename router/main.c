/* router - what becomes of images once they are safe: rules, jobs, forwarding, compression, reading work.
 *
 * Run by `pacs serve`: router -C DIR.
 * Exit: 0 after SIGTERM, 1 the world is broken (the supervisor starts it again), 2 usage,
 * 78 configuration or version: starting again would not help.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pacs/base/log.h"
#include "router/commit.h"
#include "router/complete.h"
#include "router/compress.h"
#include "router/errand.h"
#include "router/forget.h"
#include "router/requests.h"
#include "router/jobs.h"
#include "router/mpps.h"
#include "router/patients.h"
#include "router/plan.h"
#include "router/router.h"
#include "router/send.h"

enum { EXIT_USAGE = 2, EXIT_CONFIG = 78, ENDING_MS = 1000 };

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

static void on_stop(void *arg)
{
	struct router *r = arg;
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

static void on_hangup(void *arg)
{
	struct router *r = arg;
	if (!r->is_stopping)
		requests_reload(r);
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

static enum err open_rooms(struct router *r, struct why *why)
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

/* What is open goes with the process; half a start has no order to close it in. */
static _Noreturn void give_up(enum err e, const struct why *why)
{
	log_event(LOG_ERROR, "cannot_start", "error", err_name(e), "why", why->text, NULL);
	exit(e == ERR_CONFIG || e == ERR_VERSION || e == ERR_MISMATCH || e == ERR_NOT_FOUND || e == ERR_BUSY ? EXIT_CONFIG : 1);
}

static int usage(void)
{
	fprintf(stderr, "usage: router -C DIR\n"
	                "Forwards, compresses and lists for reading what DIR receives; normally run by `pacs -C DIR serve`.\n");
	return EXIT_USAGE;
}

int main(int argc, char **argv)
{
	const char *dir = NULL;
	for (int c; (c = getopt(argc, argv, "C:")) != -1; ) {
		if (c != 'C')
			return usage();
		dir = optarg;
	}
	if (!dir || optind != argc)
		return usage();

	struct router r = { 0 };
	struct why why = { "" };
	log_init("router", LOG_INFO);
	enum err e = conf_load(dir, &r.conf, &why);
	if (e)
		give_up(e, &why);
	log_init("router", r.conf->log_level);
	if (loop_new(&r.loop))
		give_up(ERR_NOMEM, &(struct why){ "no event loop" });
	if ((e = open_rooms(&r, &why)))
		give_up(e, &why);

	loop_on_stop(r.loop, on_stop, &r);
	loop_on_signals(r.loop, on_hangup, &r);
	log_event(LOG_INFO, "started", "aet", r.conf->aet, "dir", r.conf->dir, NULL);
	loop_run(r.loop);
	loop_free(&r.loop);
	plan_fini(&r);
	compress_fini(&r);
	commit_check_fini(&r);
	errands_fini(&r);
	send_fini(&r);
	mpps_fini(&r);
	conf_unref(&r.conf);
	log_event(LOG_INFO, "stopped", NULL);
	return 0;
}
