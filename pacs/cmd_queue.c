#include <string.h>

#include "pacs/ask.h"
#include "pacs/command.h"
#include "pacs/output.h"

struct queue_options { const char *state, *to, *limit; bool all; };

/* Asks the router for a list and shows what stands under `key`. */
static enum exit_code list_of_router(const struct app *app, const char *op, const char *key, const struct queue_options *o,
                                     const struct column *columns, size_t count, const char *when_empty)
{
	unsigned long limit = 100;
	if (!args_number("--limit", o->limit, 1, 100000, &limit))
		return EXIT_USAGE;
	enum exit_code code;
	struct conf *conf;
	if (!app_conf(app, &conf, &code))
		return code;
	struct why why;
	json_t *answer = NULL;
	enum err e = ask(conf, "router", json_pack("{s:s,s:s,s:s,s:i}", "op", op, "state", o->state ? o->state : "", "to", o->to ? o->to : "", "limit", (int)limit), &answer, &why);
	code = e ? say_failure(e, &why) : output_rows(app, json_incref(json_object_get(answer, key)), columns, count, when_empty);
	json_decref(answer);
	conf_unref(&conf);
	return code;
}

static enum exit_code change(const struct app *app, const char *op, const char *id_text, const struct queue_options *o)
{
	unsigned long id = 0;
	if ((id_text != NULL) + (o->to != NULL) + o->all != 1) {
		say_error("say which jobs: one of ID, --to NODE%s; `pacs queue list` shows them", strcmp(op, "queue.hold") ? ", --all" : "");
		return EXIT_USAGE;
	}
	if (!args_number("ID", id_text, 1, 1ul << 62, &id))
		return EXIT_USAGE;
	enum exit_code code;
	struct conf *conf;
	if (!app_conf(app, &conf, &code))
		return code;
	struct why why;
	json_t *answer = NULL;
	json_t *body = id_text ? json_pack("{s:s,s:I}", "op", op, "id", (json_int_t)id)
	             : o->to ? json_pack("{s:s,s:s}", "op", op, "to", o->to) : json_pack("{s:s,s:b}", "op", op, "all", 1);
	enum err e = ask(conf, "router", body, &answer, &why);
	long long n = (long long)json_integer_value(json_object_get(answer, "jobs"));
	if (e)
		code = say_failure(e, &why);
	else if (app->json)
		code = output_json(json_pack("{s:I}", "jobs", (json_int_t)n));
	else
		printf("%lld jobs %s\n", n, strcmp(op, "queue.hold") ? "are tried now" : "are held until `pacs queue retry`");
	json_decref(answer);
	conf_unref(&conf);
	return code;
}

enum exit_code cmd_queue(struct app *app, int argc, char **argv)
{
	static const struct column columns[] = {
		{ "ID", "id", COLUMN_NUMBER }, { "KIND", "kind", COLUMN_TEXT }, { "TO", "to", COLUMN_TEXT }, { "STATE", "state", COLUMN_TEXT }, { "CONFIRM", "confirm", COLUMN_TEXT },
		{ "TRIES", "tries", COLUMN_NUMBER }, { "NEXT TRY", "until", COLUMN_TIME }, { "SIZE", "size", COLUMN_SIZE }, { "SINCE", "created", COLUMN_TIME },
		{ "WHY", "why", COLUMN_TEXT }, { "SOP INSTANCE UID", "sop_instance", COLUMN_TEXT },
	};
	struct queue_options o = { 0 };
	const struct arg_option options[] = { { "--state", &o.state, NULL }, { "--to", &o.to, NULL }, { "--limit", &o.limit, NULL }, { "--all", NULL, &o.all } };
	if (!args_read(app, argc, argv, options, NELEM(options)) || !args_want_words(app, "queue", 1, 2))
		return EXIT_USAGE;
	const char *verb = app->words[0], *id = app->word_count > 1 ? app->words[1] : NULL;
	if (!strcmp(verb, "list"))
		return args_want_words(app, "queue", 1, 1) ? list_of_router(app, "queue.list", "jobs", &o, columns, NELEM(columns), "No jobs.") : EXIT_USAGE;
	if (!strcmp(verb, "retry"))
		return change(app, "queue.retry", id, &o);
	if (!strcmp(verb, "hold"))
		return change(app, "queue.hold", id, &o);
	say_error("queue knows list, retry and hold, not \"%s\"; see `pacs help queue`", verb);
	return EXIT_USAGE;
}

enum exit_code cmd_worklist(struct app *app, int argc, char **argv)
{
	static const struct column columns[] = {
		{ "STATE", "state", COLUMN_TEXT }, { "PRIORITY", "priority", COLUMN_TEXT }, { "MOD", "modality", COLUMN_TEXT }, { "PATIENT", "patient", COLUMN_TEXT },
		{ "LABEL", "label", COLUMN_TEXT }, { "GROUP", "group", COLUMN_TEXT }, { "SINCE", "scheduled", COLUMN_TEXT }, { "READER", "claimed_by", COLUMN_TEXT },
		{ "IMAGES", "instances", COLUMN_NUMBER }, { "NOTE", "note", COLUMN_TEXT }, { "UID", "uid", COLUMN_TEXT },
	};
	struct queue_options o = { 0 };
	const struct arg_option options[] = { { "--state", &o.state, NULL }, { "--limit", &o.limit, NULL } };
	if (!args_read(app, argc, argv, options, NELEM(options)) || !args_want_words(app, "worklist", 1, 1))
		return EXIT_USAGE;
	if (strcmp(app->words[0], "list")) {
		say_error("worklist knows list, not \"%s\"; see `pacs help worklist`", app->words[0]);
		return EXIT_USAGE;
	}
	return list_of_router(app, "worklist.list", "items", &o, columns, NELEM(columns), "No reading items.");
}
