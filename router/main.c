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
#include "router/requests.h"
#include "router/rooms.h"

enum { EXIT_USAGE = 2, EXIT_CONFIG = 78 };

static void on_stop(void *arg)
{
	rooms_stop(arg);
}

static void on_hangup(void *arg)
{
	struct router *r = arg;
	if (!r->is_stopping)
		requests_reload(r);
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
	if ((e = rooms_start(&r, &why)))
		give_up(e, &why);

	loop_on_stop(r.loop, on_stop, &r);
	loop_on_signals(r.loop, on_hangup, &r);
	log_event(LOG_INFO, "started", "aet", r.conf->aet, "dir", r.conf->dir, NULL);
	loop_run(r.loop);
	loop_free(&r.loop);
	rooms_fini(&r);
	conf_unref(&r.conf);
	log_event(LOG_INFO, "stopped", NULL);
	return 0;
}
