#include <string.h>

#include "pacs/ask.h"
#include "pacs/command.h"
#include "pacs/output.h"

/* What stands under `key` of the router's answer, as a table with a title over it when there are several. */
struct part { const char *key, *title, *when_empty; const struct column *columns; size_t count; };

static enum exit_code show(const struct app *app, const char *op, const char *limit_text, const struct part *parts, size_t n)
{
	unsigned long limit = 100;
	enum exit_code code;
	struct conf *conf;
	if (!args_number("--limit", limit_text, 1, 5000, &limit))
		return EXIT_USAGE;
	if (!app_conf(app, &conf, &code))
		return code;
	struct why why;
	json_t *answer = NULL;
	enum err e = ask(conf, "router", json_pack("{s:s,s:i}", "op", op, "limit", (int)limit), &answer, &why);
	conf_unref(&conf);
	if (e) {
		code = say_failure(e, &why);
	} else if (app->json) {
		json_object_del(answer, "ok");
		code = output_json(json_incref(answer));
	} else {
		code = EXIT_DONE;
		for (size_t i = 0; i < n && code == EXIT_DONE; i++) {
			printf("%s%s\n", i ? "\n" : "", parts[i].title);
			code = output_rows(app, json_incref(json_object_get(answer, parts[i].key)), parts[i].columns, parts[i].count, parts[i].when_empty);
		}
	}
	json_decref(answer);
	return code;
}

static enum exit_code list_only(struct app *app, int argc, char **argv, const char *name, const char *op, const struct part *parts, size_t n)
{
	const char *limit = NULL;
	const struct arg_option options[] = { { "--limit", &limit, NULL } };
	if (!args_read(app, argc, argv, options, NELEM(options)) || !args_want_words(app, name, 1, 1))
		return EXIT_USAGE;
	if (strcmp(app->words[0], "list")) {
		say_error("%s knows list, not \"%s\"; see `pacs help %s`", name, app->words[0], name);
		return EXIT_USAGE;
	}
	return show(app, op, limit, parts, n);
}

enum exit_code cmd_commitment(struct app *app, int argc, char **argv)
{
	static const struct column nodes[] = {
		{ "NODE", "to", COLUMN_TEXT }, { "TO BE ASKED", "wanted", COLUMN_NUMBER }, { "ASKED", "asked", COLUMN_NUMBER }, { "SENT AGAIN", "sending", COLUMN_NUMBER },
		{ "TRIES", "tries", COLUMN_NUMBER }, { "NEXT TRY", "until", COLUMN_TIME }, { "REFUSED", "refused", COLUMN_TIME }, { "WHY", "why", COLUMN_TEXT },
	};
	static const struct column requests[] = {
		{ "NODE", "to", COLUMN_TEXT }, { "STATE", "state", COLUMN_TEXT }, { "IMAGES", "objects", COLUMN_NUMBER }, { "SINCE", "created", COLUMN_TIME },
		{ "WAITS UNTIL", "until", COLUMN_TIME }, { "TRANSACTION UID", "transaction", COLUMN_TEXT },
	};
	static const struct column duties[] = {
		{ "CALLER", "calling", COLUMN_TEXT }, { "STATE", "state", COLUMN_TEXT }, { "IMAGES", "objects", COLUMN_NUMBER }, { "FAILED", "failed", COLUMN_NUMBER },
		{ "TRIES", "tries", COLUMN_NUMBER }, { "NEXT TRY", "until", COLUMN_TIME }, { "SINCE", "created", COLUMN_TIME }, { "WHY", "why", COLUMN_TEXT },
		{ "TRANSACTION UID", "transaction", COLUMN_TEXT },
	};
	static const struct part parts[] = {
		{ "nodes", "Sent, and not confirmed yet:", "Nothing waits for a confirmation.", nodes, NELEM(nodes) },
		{ "requests", "Asked of other nodes:", "None.", requests, NELEM(requests) },
		{ "duties", "Asked of us:", "None.", duties, NELEM(duties) },
	};
	return list_only(app, argc, argv, "commitment", "commit.list", parts, NELEM(parts));
}

enum exit_code cmd_notice(struct app *app, int argc, char **argv)
{
	static const struct column notices[] = {
		{ "AT", "at", COLUMN_TIME }, { "FROM", "calling", COLUMN_TEXT }, { "AVAILABLE", "availability", COLUMN_TEXT }, { "AT AE", "retrieve", COLUMN_TEXT },
		{ "SERIES", "series", COLUMN_NUMBER }, { "IMAGES", "instances", COLUMN_NUMBER }, { "STUDY", "study", COLUMN_TEXT },
	};
	static const struct column events[] = {
		{ "AT", "at", COLUMN_TIME }, { "BY", "cause", COLUMN_TEXT }, { "IMAGES", "instances", COLUMN_NUMBER }, { "STUDY", "study", COLUMN_TEXT },
	};
	static const struct part parts[] = {
		{ "notices", "Told by other nodes:", "None.", notices, NELEM(notices) },
		{ "events", "Studies complete here:", "None.", events, NELEM(events) },
	};
	return list_only(app, argc, argv, "notice", "notice.list", parts, NELEM(parts));
}
