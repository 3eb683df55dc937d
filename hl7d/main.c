/* hl7d - takes orders and patient data by HL7 v2 (MLLP) and hands them to the router.
 *
 * Run by `pacs serve` when hl7_port is set: hl7d -C DIR [--fd N]. It writes nothing: it reads the network, so it owns nothing.
 * Exit: 0 after SIGTERM, 1 the world is broken, 2 usage, 78 configuration.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "hl7d/receiver.h"
#include "pacs/base/log.h"
#include "pacs/ctl/conf_reload.h"
#include "pacs/ctl/ctl.h"
#include "pacs/net/conn.h"

enum { EXIT_USAGE = 2, EXIT_CONFIG = 78 };

struct program {
	struct receiver receiver;
	struct ctl_server *ctl;
	bool is_stopping;
};

static void use_conf(void *arg, struct conf *conf)
{
	struct program *p = arg;
	if (p->is_stopping) {
		conf_unref(&conf);
		return;
	}
	conf_unref(&p->receiver.conf);
	p->receiver.conf = conf;
}

static void on_hangup(void *arg)
{
	struct program *p = arg;
	if (!p->is_stopping)
		conf_reload(p->receiver.loop, p->receiver.conf->dir, NULL, use_conf, p);
}

static void on_stop(void *arg)
{
	struct program *p = arg;
	p->is_stopping = true;
	ctl_server_close(&p->ctl);
	receiver_stop(&p->receiver);
}

static void handle(void *arg, struct ctl_request *rq, const char *op, const json_t *body)
{
	struct program *p = arg;
	const struct receiver *r = &p->receiver;
	(void)body;
	if (!strcmp(op, "ping"))
		ctl_answer(rq, NULL);
	else if (!strcmp(op, "reload"))
		conf_reload(r->loop, r->conf->dir, rq, use_conf, p);
	else if (!strcmp(op, "status"))
		ctl_answer(rq, json_pack("{s:i,s:i,s:i,s:i}", "connections", (int)r->clients, "accepted", (int)r->accepted, "refused", (int)r->refused, "pid", (int)getpid()));
	else
		ctl_refuse(rq, ERR_USAGE, "hl7d knows ping, reload, status");
}

static enum err open_rooms(struct program *p, int fd, struct why *why)
{
	struct receiver *r = &p->receiver;
	char path[sizeof(r->conf->dir) + 32];
	unsigned port = r->conf->hl7_port;
	enum err e = fd >= 0 ? ERR_OK : listener_bind(r->conf->listen, &port, &fd, why);
	if (!e)
		e = receiver_start(r, fd, why);
	snprintf(path, sizeof(path), "%s/run/hl7d.sock", r->conf->dir);
	return e ? e : ctl_server_open(r->loop, path, handle, p, &p->ctl, why);
}

static _Noreturn void give_up(enum err e, const struct why *why)
{
	log_event(LOG_ERROR, "cannot_start", "error", err_name(e), "why", why->text, NULL);
	exit(e == ERR_CONFIG || e == ERR_NOT_FOUND || e == ERR_EXISTS ? EXIT_CONFIG : 1);
}

static int usage(void)
{
	fprintf(stderr, "usage: hl7d -C DIR [--fd N]\n"
	                "Takes HL7 v2 messages for the data folder DIR; normally run by `pacs -C DIR serve` when hl7_port is set.\n");
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
	log_init("hl7d", LOG_INFO);
	enum err e = conf_load(dir, &p.receiver.conf, &why);
	if (e)
		give_up(e, &why);
	log_init("hl7d", p.receiver.conf->log_level);
	if (loop_new(&p.receiver.loop))
		give_up(ERR_NOMEM, &(struct why){ "no event loop" });
	if ((e = open_rooms(&p, fd, &why)))
		give_up(e, &why);
	loop_on_stop(p.receiver.loop, on_stop, &p);
	loop_on_signals(p.receiver.loop, on_hangup, &p);
	log_event(LOG_INFO, "started", "dir", p.receiver.conf->dir, NULL);
	loop_run(p.receiver.loop);
	loop_free(&p.receiver.loop);
	conf_unref(&p.receiver.conf);
	log_event(LOG_INFO, "stopped", NULL);
	return 0;
}
