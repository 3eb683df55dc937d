#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#include "conf/conf_parse.h"
#include "pacs/base/table.h"
#include "pacs/command.h"
#include "pacs/folder.h"
#include "pacs/output.h"

static void note(void *arg, const char *problem)
{
	json_array_append_new(arg, json_string(problem));
}

/* Not wrong, but the node would refuse images: worth a line. */
static void check_disk(const struct conf *c, json_t *problems)
{
	struct statvfs v;
	if (statvfs(c->dir, &v))
		return;
	uint64_t left = (uint64_t)v.f_bavail * v.f_frsize, reserve = (uint64_t)c->reserve_mb << 20;
	if (left >= reserve)
		return;
	struct why why;
	fail(&why, ERR_FULL, "%s: %s are free, less than the reserve of %s: new images are refused until there is space", c->dir, size_text(left).s, size_text(reserve).s);
	note(problems, why.text);
}

static enum exit_code tell(const struct app *app, json_t *problems)
{
	size_t n = json_array_size(problems);
	if (app->json) {
		output_json(json_pack("{s:b,s:O}", "ok", !n, "problems", problems));
	} else if (!n) {
		printf("%s: configuration and folders are right\n", app->dir);
	} else {
		for (size_t i = 0; i < n; i++)
			printf("%s\n", json_string_value(json_array_get(problems, i)));
	}
	return n ? EXIT_CONFIG : EXIT_DONE;
}

enum exit_code cmd_check(struct app *app, int argc, char **argv)
{
	const char *sender = NULL, *since = NULL;
	const struct arg_option options[] = { { "--sender", &sender, NULL }, { "--since", &since, NULL } };
	if (!args_read(app, argc, argv, options, NELEM(options)) || !args_want_words(app, "check", 0, 1))
		return EXIT_USAGE;
	if (app->word_count == 1 && !strcmp(app->words[0], "text"))
		return check_text(app, sender, since);
	if (app->word_count || sender || since) {
		say_error("check knows text, with --sender and --since; see `pacs help check`");
		return EXIT_USAGE;
	}
	json_t *problems = json_array();
	struct conf *conf = NULL;
	struct why why = { "" };
	enum err e = conf_load_telling(app->dir, note, problems, &conf, &why);
	if (e && !json_array_size(problems))
		note(problems, why.text);
	if (e != ERR_NOT_FOUND)
		folder_check(app->dir, note, problems);
	if (conf)
		check_disk(conf, problems);
	conf_unref(&conf);
	enum exit_code code = tell(app, problems);
	json_decref(problems);
	return code;
}
