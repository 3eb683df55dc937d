#include "pacs/ask.h"

#include <string.h>

#include "pacs/ctl/ctl.h"
#include "pacs/folder.h"

enum { ANSWER_MS = 30000 };      /* the owner may be in the middle of a large commit */

enum err ask(const struct conf *conf, const char *program, json_t *body, json_t **answer, struct why *why)
{
	char socket[64];
	snprintf(socket, sizeof(socket), "%.40s.sock", program);
	enum err e = ctl_call(run_path(conf->dir, socket).s, body, ANSWER_MS, answer, why);
	if (e == ERR_CLOSED)
		fail(why, e, "%s does not run in %s; start the node with: pacs -C %s serve", program, conf->dir, conf->dir);
	if (e == ERR_TIMEOUT)
		fail(why, e, "%s gave no answer in %d s; see its log", program, ANSWER_MS / 1000);
	return e;
}

/* What the node cannot change while it runs. */
static void say_at_next_start(const struct conf *conf)
{
	json_t *answer = NULL;
	const json_t *name;
	size_t i;
	struct why why;
	if (!ask(conf, "storescp", json_pack("{s:s}", "op", "status"), &answer, &why))
		json_array_foreach(json_object_get(answer, "at_next_start"), i, name)
			printf("but not `%s`: the node takes it at its next start\n", json_string_value(name));
	json_decref(answer);
}

enum exit_code ask_reload(const struct conf *conf, const struct app *app, const char *done)
{
	static const char *const programs[] = { "storescp", "router", "hl7d" };
	unsigned running = 0, failed = 0, count = conf->hl7_port ? 3 : 2;
	for (size_t i = 0; i < count; i++) {
		struct why why;
		enum err e = ask(conf, programs[i], json_pack("{s:s}", "op", "reload"), NULL, &why);
		running += e != ERR_CLOSED;
		failed += e && e != ERR_CLOSED;
		if (e && e != ERR_CLOSED)
			say_error("%s did not take the new configuration and goes on with the one it has: %s", programs[i], why.text);
	}
	if (!app->json)
		printf("%s%s\n", done, failed ? "" : running == count ? ", in effect now" : running ?
		       "; a part of the node does not run and takes it at its start" : "; the node does not run, it takes effect at the next start");
	if (!app->json && running && !failed)
		say_at_next_start(conf);
	return failed ? EXIT_FAILED : EXIT_DONE;
}
