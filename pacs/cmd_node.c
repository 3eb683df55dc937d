#include <string.h>

#include "conf/conf_edit.h"
#include "conf/schema.h"
#include "db/index.h"
#include "pacs/ask.h"
#include "pacs/command.h"
#include "pacs/echo.h"
#include "pacs/output.h"

enum { ECHO_TIMEOUT_MS = 10000 };

struct node_options { const char *aet, *host, *port, *level, *codec; };

static json_t *node_row(const struct conf_node *n)
{
	return json_pack("{s:s,s:s,s:s,s:i,s:s,s:s,s:I,s:b,s:s}", "name", n->name, "aet", n->aet, "host", n->host, "port", (int)n->port,
	                 "level", n->has_level ? conf_level_name(n->level) : "", "charset", n->charset,
	                 "rate_bytes_per_s", (json_int_t)n->rate_bytes_per_s, "j2k", n->accepts_j2k, "codec", n->codec);
}

static enum exit_code list(const struct app *app, const struct conf *conf)
{
	static const struct column columns[] = {
		{ "NAME", "name", COLUMN_TEXT }, { "AE TITLE", "aet", COLUMN_TEXT }, { "HOST", "host", COLUMN_TEXT }, { "PORT", "port", COLUMN_NUMBER },
		{ "LEVEL", "level", COLUMN_TEXT },
	};
	json_t *rows = json_array();
	for (size_t i = 0; i < conf->node_count; i++)
		json_array_append_new(rows, node_row(&conf->nodes[i]));
	if (conf->accept_any_calling && !app->json)
		puts("Every caller is let in (accept = any), whether it is listed or not.");
	return output_rows(app, rows, columns, NELEM(columns), "No nodes yet. `pacs node pending` shows who was refused; `pacs node add` lets one in.");
}

static bool add_unknown(void *arg, const struct index_unknown *u)
{
	return !json_array_append_new(arg, json_pack("{s:o,s:o,s:s,s:I,s:I,s:i}", "aet", output_text(u->calling), "called", output_text(u->called), "address", u->address,
	                                             "first", (json_int_t)u->first_ms, "last", (json_int_t)u->last_ms, "times", (int)u->count));
}

static enum exit_code pending(const struct app *app, const struct conf *conf)
{
	static const struct column columns[] = {
		{ "AE TITLE", "aet", COLUMN_TEXT }, { "FROM", "address", COLUMN_TEXT }, { "IT CALLED", "called", COLUMN_TEXT }, { "TIMES", "times", COLUMN_NUMBER },
		{ "FIRST", "first", COLUMN_TIME }, { "LAST", "last", COLUMN_TIME },
	};
	struct index_reader *r = NULL;
	struct why why;
	json_t *rows = json_array();
	enum err e = index_reader_open(conf->dir, &r, &why);
	if (!e)
		e = index_unknown_list(r, add_unknown, rows, &why);
	index_reader_close(&r);
	if (e && e != ERR_NOT_FOUND) {           /* no index yet: nobody has called */
		json_decref(rows);
		return say_failure(e, &why);
	}
	bool any = json_array_size(rows) > 0;
	enum exit_code code = output_rows(app, rows, columns, NELEM(columns), "No unknown caller was refused.");
	if (any && !app->json)
		puts("Let one in with: pacs node accept AET   (or, to send to it too: pacs node add NAME --aet AET --host H --port P)");
	return code;
}

/* After a change: the programs read it, and the caller is no longer pending. */
static enum exit_code take_effect(const struct app *app, const struct conf *conf, const char *aet, const char *done)
{
	enum exit_code code = ask_reload(conf, app, done);
	struct why why;
	enum err e = aet && code == EXIT_DONE ? ask(conf, "storescp", json_pack("{s:s,s:s}", "op", "node.forget", "calling", aet), NULL, &why) : ERR_OK;
	if (e && e != ERR_CLOSED)
		say_error("it is still shown as pending: %s", why.text);
	return code;
}

static enum exit_code save(const struct app *app, struct conf_edit *edit, enum err e, struct why *why, const char *aet, const char *done)
{
	if (!e)
		e = conf_edit_save(edit, why);
	enum exit_code code = e ? say_failure(e, why) : take_effect(app, edit->conf, aet, done);
	conf_edit_close(edit);
	if (!e && app->json)
		output_json(json_pack("{s:b,s:b}", "written", 1, "in_effect", code == EXIT_DONE));
	return code;
}

static enum exit_code add(const struct app *app, const char *name, const struct node_options *o)
{
	if (!o->aet || !o->host != !o->port) {
		say_error("%s; the command is: pacs node add NAME --aet A [--host H --port P] [--level L] [--codec C]",
		          o->aet ? "--host and --port go together" : "which AE title has it? --aet is missing");
		return EXIT_USAGE;
	}
	const struct conf_pair pairs[] = { { "aet", o->aet }, { "host", o->host }, { "port", o->port }, { "level", o->level }, { "codec", o->codec } };
	for (size_t i = 0; i < NELEM(pairs); i++) {
		struct why why;
		if (pairs[i].value && option_set(option_find(&conf_node_schema, pairs[i].name), pairs[i].value, NULL, &why)) {
			say_error("--%s", why.text);
			return EXIT_USAGE;
		}
	}
	struct conf_edit edit;
	struct why why;
	char done[200];
	snprintf(done, sizeof(done), "node %.33s (%.16s) is added", name, o->aet);
	enum err e = conf_edit_open(&edit, app->dir, &why);
	if (e)
		return say_failure(e, &why);
	return save(app, &edit, conf_edit_add_section(&edit, "node", name, pairs, NELEM(pairs), &why), &why, o->aet, done);
}

static enum exit_code remove_node(const struct app *app, const char *name)
{
	struct conf_edit edit;
	struct why why;
	char done[120];
	snprintf(done, sizeof(done), "node %.33s is removed", name);
	enum err e = conf_edit_open(&edit, app->dir, &why);
	if (e)
		return say_failure(e, &why);
	return save(app, &edit, conf_edit_remove_section(&edit, "node", name, &why), &why, NULL, done);
}

/* A section's name from an AE title: what it may not hold becomes a dash. */
static void name_from_aet(char out[33], const char *aet)
{
	snprintf(out, 33, "%s", aet);
	for (char *s = out; *s; s++) {
		char one[2] = { *s, '\0' };
		if (!conf_name_is_legal(one))
			*s = '-';
	}
}

static enum exit_code accept_all(const struct app *app, const char *word)
{
	struct conf_edit edit;
	struct why why;
	enum err e = conf_edit_open(&edit, app->dir, &why);
	if (e)
		return say_failure(e, &why);
	return save(app, &edit, conf_edit_set(&edit, "accept", word, &why), &why, NULL,
	            strcmp(word, "any") ? "only known callers are let in" : "every caller is let in");
}

static enum exit_code accept_caller(const struct app *app, const char *aet)
{
	char name[33], done[120];
	struct conf_edit edit;
	struct why why;
	if (!strcmp(aet, "any") || !strcmp(aet, "known"))
		return accept_all(app, aet);
	if (!conf_aet_is_legal(aet)) {
		say_error("\"%s\" is no AE title: 1 to %d ASCII characters, no backslash, no blank at the ends", aet, BOUND_AET);
		return EXIT_USAGE;
	}
	const struct conf_pair pairs[] = { { "aet", aet } };
	name_from_aet(name, aet);
	snprintf(done, sizeof(done), "%.16s is let in (node %s)", aet, name);
	enum err e = conf_edit_open(&edit, app->dir, &why);
	if (e)
		return say_failure(e, &why);
	const struct conf_node *has = conf_node_by_aet(edit.conf, aet);
	if (has) {
		printf("%s is let in already (node %s)\n", aet, has->name);
		conf_edit_close(&edit);
		return EXIT_DONE;
	}
	return save(app, &edit, conf_edit_add_section(&edit, "node", name, pairs, NELEM(pairs), &why), &why, aet, done);
}

static enum exit_code echo(const struct app *app, const struct conf *conf, const char *name)
{
	const struct conf_node *n = conf_node_by_name(conf, name);
	struct why why = { "" };
	unsigned ms = 0;
	if (!n || !n->host[0]) {
		say_error(n ? "node %s has no host: it calls us, we cannot call it" : "there is no node \"%s\"; pacs node list shows all", name);
		return EXIT_FAILED;
	}
	enum err e = echo_node(conf->aet, n, ECHO_TIMEOUT_MS, &ms, &why);
	if (app->json)
		output_json(json_pack("{s:s,s:b,s:i,s:s}", "name", name, "ok", !e, "ms", (int)ms, "why", why.text));
	else if (!e)
		printf("%s (%s at %s:%u) answers, %u ms\n", n->name, n->aet, n->host, n->port, ms);
	else
		say_error("%s", why.text);
	return e ? EXIT_FAILED : EXIT_DONE;
}

/* What only reads. */
static enum exit_code look(const struct app *app, const char *verb)
{
	enum exit_code code;
	struct conf *conf;
	if (!app_conf(app, &conf, &code))
		return code;
	code = !strcmp(verb, "list") ? list(app, conf) : !strcmp(verb, "pending") ? pending(app, conf) : echo(app, conf, app->words[1]);
	conf_unref(&conf);
	return code;
}

enum exit_code cmd_node(struct app *app, int argc, char **argv)
{
	struct node_options o = { 0 };
	const struct arg_option options[] = { { "--aet", &o.aet, NULL }, { "--host", &o.host, NULL }, { "--port", &o.port, NULL }, { "--level", &o.level, NULL },
	                                      { "--codec", &o.codec, NULL } };
	if (!args_read(app, argc, argv, options, NELEM(options)) || !args_want_words(app, "node", 1, 2))
		return EXIT_USAGE;
	const char *verb = app->words[0];
	bool alone = !strcmp(verb, "list") || !strcmp(verb, "pending");
	if (alone || !strcmp(verb, "echo"))
		return args_want_words(app, "node", alone ? 1 : 2, alone ? 1 : 2) ? look(app, verb) : EXIT_USAGE;
	if (!args_want_words(app, "node", 2, 2))
		return EXIT_USAGE;
	if (!strcmp(verb, "add"))
		return add(app, app->words[1], &o);
	if (!strcmp(verb, "remove"))
		return remove_node(app, app->words[1]);
	if (!strcmp(verb, "accept"))
		return accept_caller(app, app->words[1]);
	say_error("node knows list, pending, add, remove, accept and echo, not \"%s\"; see `pacs help node`", verb);
	return EXIT_USAGE;
}
