#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pacs/base/log.h"
#include "pacs/command.h"
#include "pacs/folder.h"
#include "pacs/net/conn.h"
#include "pacs/supervise.h"

static void tell(void *arg, const char *problem)
{
	(void)arg;
	say_error("%s", problem);
}

static void on_ready(void *arg)
{
	const struct conf *c = arg;
	printf("ready: %s listens on %s:%u\n", c->aet, c->listen, c->port);
	fflush(stdout);
}

/* The ports are ours or this node does not start: nothing has been touched until here. */
static enum exit_code open_port(const struct conf *conf, const char *option, unsigned port, int *fd)
{
	struct why why;
	enum err e = listener_bind(conf->listen, &port, fd, &why);
	if (e == ERR_EXISTS)
		say_error("port %u on %s is in use by another program; end that one (ss -ltnp shows it) or set another %s in %s/pacs.conf", port, conf->listen, option, conf->dir);
	else if (e)
		say_error("cannot listen on %s:%u: %s; see listen and %s in %s/pacs.conf", conf->listen, port, why.text, option, conf->dir);
	return e ? EXIT_CONFIG : EXIT_DONE;
}

static enum exit_code open_and_run(struct conf *conf)
{
	int fd = -1, hl7_fd = -1;
	enum exit_code code = open_port(conf, "port", conf->port, &fd);
	if (!code && conf->hl7_port)
		code = open_port(conf, "hl7_port", conf->hl7_port, &hl7_fd);
	if (!code)
		code = supervise(conf, fd, hl7_fd, on_ready, conf);
	if (fd >= 0)
		close(fd);
	if (hl7_fd >= 0)
		close(hl7_fd);
	return code;
}

enum exit_code cmd_serve(struct app *app, int argc, char **argv)
{
	enum exit_code code;
	struct conf *conf;
	if (!args_read(app, argc, argv, NULL, 0) || !args_want_words(app, "serve", 0, 0))
		return EXIT_USAGE;
	if (!app_conf(app, &conf, &code))
		return code;
	log_init("pacs", conf->log_level);
	struct why why;
	int lock;
	enum err e = ERR_OK;
	if (folder_check(conf->dir, tell, NULL))
		code = EXIT_CONFIG;
	else if ((e = folder_lock(conf->dir, &lock, &why)))
		code = say_failure(e, &why);
	else {
		code = open_and_run(conf);
		close(lock);
	}
	conf_unref(&conf);
	return code;
}
