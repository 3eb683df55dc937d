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

/* The port is ours or this node does not start: nothing has been touched until here. */
static enum exit_code open_and_run(struct conf *conf)
{
	unsigned port = conf->port;
	int fd;
	struct why why;
	enum err e = listener_bind(conf->listen, &port, &fd, &why);
	if (e == ERR_EXISTS) {
		say_error("port %u on %s is in use by another program; end that one (ss -ltnp shows it) or set another port in %s/pacs.conf", conf->port, conf->listen, conf->dir);
		return EXIT_CONFIG;
	}
	if (e) {
		say_error("cannot listen on %s:%u: %s; see listen and port in %s/pacs.conf", conf->listen, conf->port, why.text, conf->dir);
		return EXIT_CONFIG;
	}
	enum exit_code code = supervise(conf, fd, on_ready, conf);
	close(fd);
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
