/* storescp - takes DICOM in: associations, storage, queries, retrieval, work items.
 *
 * Run by `pacs serve`, which hands it the listening socket: storescp -C DIR --fd N.
 * Alone (tests, debugging) it opens the port of pacs.conf itself: storescp -C DIR.
 * Exit: 0 after SIGTERM, 1 the world is broken (the supervisor starts it again), 2 usage,
 * 78 configuration or version: starting again would not help.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "pacs/base/clock.h"
#include "pacs/base/log.h"
#include "storescp/control.h"
#include "storescp/decoder.h"
#include "storescp/service.h"

enum { EXIT_USAGE = 2, EXIT_CONFIG = 78 };
enum { READER_THREADS = 6 };     /* queries and retrievals at once; each has its own connection of ~6 MB */

static const uint64_t PREDECESSOR_NS = 5000000000;        /* given to the one before us to end */

struct program {
	struct server server;
	struct listener *listener;
	struct control *control;
	struct decoder decoder;
	char worker[4096 + 16];          /* the codec worker's program */
};

/* All associations have ended: close what is left, so that the loop runs out. */
static void on_quiet(struct server *sv)
{
	struct program *p = (struct program *)sv;
	control_close(&p->control);
	xcode_free(&sv->xcode);
	stored_kinds_stop(&sv->kinds);
	readers_close(&sv->readers);
	ingest_stop(&sv->ingest);
	decoder_fini(&p->decoder);
	spool_close(&sv->spool);
}

static void on_stop(void *arg)
{
	struct program *p = arg;
	listener_close(&p->listener);
	decoder_stop(&p->decoder);
	p->server.on_quiet = on_quiet;
	server_stop(&p->server);
}

static void on_hangup(void *arg)
{
	struct program *p = arg;
	if (p->control)
		control_reload(p->control);
}

/* One descriptor for each association and file on the way. */
static void raise_descriptor_limit(void)
{
	struct rlimit r;
	if (!getrlimit(RLIMIT_NOFILE, &r)) {
		r.rlim_cur = r.rlim_max;
		setrlimit(RLIMIT_NOFILE, &r);
	}
}

/* After a kill the supervisor starts us within milliseconds, and the kernel may still be ending the one before. */
static enum err start_ingest(struct server *sv, struct why *why)
{
	static const struct timespec pause = { .tv_nsec = 20000000 };
	uint64_t deadline = clock_mono_ns() + PREDECESSOR_NS;
	enum err e;
	while ((e = ingest_start(sv->loop, sv->conf, &sv->ingest, why)) == ERR_BUSY && clock_mono_ns() < deadline)
		nanosleep(&pause, NULL);
	return e;
}

static enum err open_rooms(struct program *p, struct why *why)
{
	struct server *sv = &p->server;
	const struct conf *conf = sv->conf;
	char self[4096];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	self[n > 0 ? n : 0] = '\0';
	char *slash = strrchr(self, '/');
	snprintf(p->worker, sizeof(p->worker), "%.*s/xcode-worker", slash ? (int)(slash - self) : 1, slash ? self : ".");
	struct xcode_limits limits = { .workers = conf->compress_workers, .memory_bytes = (uint64_t)conf->worker_memory_mb << 20, .timeout_s = conf->worker_timeout_s };

	decoder_init(&p->decoder, p->worker, &limits);
	const struct ingest_decoder decoder = decoder_for_ingest(&p->decoder);
	enum err e = start_ingest(sv, why);
	if (!e)
		ingest_use_decoder(sv->ingest, &decoder);
	if (!e)
		e = spool_open(sv->loop, conf->dir, (uint64_t)conf->reserve_mb << 20, &sv->spool, why);
	if (!e)
		e = readers_open(sv->loop, conf->dir, READER_THREADS, &sv->readers, why);
	if (!e)
		e = stored_kinds_start(sv->loop, sv->readers, &sv->kinds, why);
	if (!e && (e = xcode_new(sv->loop, p->worker, &limits, &sv->xcode)))
		fail(why, e, "codec workers: %s", err_name(e));
	if (!e)
		e = control_open(sv, &p->control, why);
	return e;
}

static enum err open_listener(struct program *p, int fd, struct why *why)
{
	const struct conf *conf = p->server.conf;
	struct listener_handlers h = session_handlers();
	struct conn_timeouts t = { .artim_ms = conf->artim_s * 1000, .idle_ms = conf->idle_s * 1000 };
	unsigned port = conf->port;
	enum err e = fd >= 0 ? ERR_OK : listener_bind(conf->listen, &port, &fd, why);
	if (!e)
		e = listener_open(p->server.loop, fd, &h, &p->server, &t, &p->listener, why);
	return e;
}

/* What is open goes with the process; half a start has no order to close it in. */
static _Noreturn void give_up(enum err e, const struct why *why)
{
	log_event(LOG_ERROR, "cannot_start", "error", err_name(e), "why", why->text, NULL);
	exit(e == ERR_CONFIG || e == ERR_VERSION || e == ERR_MISMATCH || e == ERR_NOT_FOUND || e == ERR_BUSY || e == ERR_EXISTS ? EXIT_CONFIG : 1);
}

static int usage(void)
{
	fprintf(stderr, "usage: storescp -C DIR [--fd N]\n"
	                "Takes DICOM associations for the data folder DIR; normally run by `pacs -C DIR serve`.\n");
	return EXIT_USAGE;
}

int main(int argc, char **argv)
{
	static const struct option options[] = { { "fd", required_argument, NULL, 'f' }, { 0 } };
	const char *dir = NULL;
	int fd = -1;
	for (int c; (c = getopt_long(argc, argv, "C:", options, NULL)) != -1; ) {
		if (c == 'C')
			dir = optarg;
		else if (c == 'f')
			fd = atoi(optarg);
		else
			return usage();
	}
	if (!dir || optind != argc)
		return usage();

	struct program p = { 0 };
	struct why why = { "" };
	LIST_INIT(&p.server.all);
	setenv("UV_THREADPOOL_SIZE", "8", 1);    /* fdatasync of as many files at once */
	log_init("storescp", LOG_INFO);
	raise_descriptor_limit();
	enum err e = conf_load(dir, &p.server.conf, &why);
	if (e)
		give_up(e, &why);
	log_init("storescp", p.server.conf->log_level);
	if (loop_new(&p.server.loop))
		give_up(ERR_NOMEM, &(struct why){ "no event loop" });
	if ((e = open_rooms(&p, &why)) || (e = open_listener(&p, fd, &why)))
		give_up(e, &why);

	loop_on_stop(p.server.loop, on_stop, &p);
	loop_on_signals(p.server.loop, on_hangup, &p);
	log_event(LOG_INFO, "started", "aet", p.server.conf->aet, "dir", p.server.conf->dir, NULL);
	loop_run(p.server.loop);
	loop_free(&p.server.loop);
	conf_unref(&p.server.conf);
	log_event(LOG_INFO, "stopped", NULL);
	return 0;
}
