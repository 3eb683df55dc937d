#include <string.h>
#include <time.h>

#include "pacs/base/clock.h"
#include "pacs/command.h"
#include "pacs/ctl/ctl.h"
#include "pacs/folder.h"
#include "pacs/output.h"

enum { LOOK_EVERY_MS = 50 };

static bool answers(const struct conf *conf, const char *socket)
{
	return !ctl_call(run_path(conf->dir, socket).s, json_pack("{s:s}", "op", "ping"), 1000, NULL, NULL);
}

enum exit_code cmd_wait(struct app *app, int argc, char **argv)
{
	const char *text = NULL;
	const struct arg_option options[] = { { "--timeout", &text, NULL } };
	unsigned long timeout_s = 60;
	enum exit_code code;
	struct conf *conf;
	if (!args_read(app, argc, argv, options, NELEM(options)) || !args_want_words(app, "wait", 0, 0) ||
	    !args_number("--timeout", text, 0, 86400, &timeout_s))
		return EXIT_USAGE;
	if (!app_conf(app, &conf, &code))
		return code;
	uint64_t begun = clock_mono_ns(), deadline = begun + timeout_s * 1000000000;
	bool storescp = false, router = false, hl7d = !conf->hl7_port;
	while (!(storescp = answers(conf, "storescp.sock")) || !(router = answers(conf, "router.sock")) || (conf->hl7_port && !(hl7d = answers(conf, "hl7d.sock")))) {
		if (clock_mono_ns() >= deadline)
			break;
		nanosleep(&(struct timespec){ .tv_nsec = LOOK_EVERY_MS * 1000000 }, NULL);
	}
	uint64_t ms = (clock_mono_ns() - begun) / 1000000;
	code = storescp && router && hl7d ? EXIT_DONE : EXIT_NOT_RUNNING;
	if (app->json)
		output_json(json_pack("{s:b,s:b,s:I}", "storescp", storescp, "router", router, "waited_ms", (json_int_t)ms));
	else if (code == EXIT_DONE)
		printf("%s answers\n", conf->aet);
	else
		say_error("%s does not answer after %lu s (%s); its log says why, or it was not started: pacs -C %s serve", conf->aet, timeout_s,
		          !storescp ? "storescp is silent" : !router ? "router is silent" : "hl7d is silent", conf->dir);
	conf_unref(&conf);
	return code;
}
