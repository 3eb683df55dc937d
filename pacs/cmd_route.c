#include <string.h>

#include "conf/conf_edit.h"
#include "conf/schema.h"
#include "pacs/ask.h"
#include "pacs/command.h"
#include "pacs/dicom/recipe.h"
#include "pacs/output.h"

static const char *const action_names[] = { "forward", "worklist", "compress", "notify" };
_Static_assert(NELEM(action_names) == ACTION_NOTIFY + 1, "one name for each action");

static json_t *route_row(const struct conf_route *r)
{
	return json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:i,s:s,s:s}", "name", r->name, "calling", r->calling, "modality", r->modality,
	                 "body_part", r->body_part, "level", r->level, "action", action_names[r->action], "to", r->to, "group", r->group,
	                 "codec", r->codec, "priority", (int)r->priority, "sop_class", r->sop_class,
	                 "target", r->action == ACTION_FORWARD || r->action == ACTION_NOTIFY ? r->to : r->action == ACTION_WORKLIST ? r->group
	                         : r->codec[0] ? r->codec : RECIPE_DEFAULT);
}

static enum exit_code list(const struct app *app)
{
	static const struct column columns[] = {
		{ "NAME", "name", COLUMN_TEXT }, { "CALLING", "calling", COLUMN_TEXT }, { "MODALITY", "modality", COLUMN_TEXT }, { "BODY PART", "body_part", COLUMN_TEXT },
		{ "LEVEL", "level", COLUMN_TEXT }, { "ACTION", "action", COLUMN_TEXT }, { "TO", "target", COLUMN_TEXT }, { "PRIORITY", "priority", COLUMN_NUMBER },
	};
	enum exit_code code;
	struct conf *conf;
	if (!app_conf(app, &conf, &code))
		return code;
	json_t *rows = json_array();
	for (size_t i = 0; i < conf->route_count; i++)
		json_array_append_new(rows, route_row(&conf->routes[i]));
	conf_unref(&conf);
	return output_rows(app, rows, columns, NELEM(columns), "No routes: images are kept and nothing else happens to them. `pacs help route` shows how to add one.");
}

static enum exit_code save(const struct app *app, struct conf_edit *edit, enum err e, struct why *why, const char *done)
{
	if (!e)
		e = conf_edit_save(edit, why);
	enum exit_code code = e ? say_failure(e, why) : ask_reload(edit->conf, app, done);
	conf_edit_close(edit);
	if (!e && app->json)
		output_json(json_pack("{s:b,s:b}", "written", 1, "in_effect", code == EXIT_DONE));
	return code;
}

static enum exit_code add(const struct app *app, const char *name, const struct conf_pair *pairs, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct why why;
		if (pairs[i].value && option_set(option_find(&conf_route_schema, pairs[i].name), pairs[i].value, NULL, &why)) {
			say_error("--%s", why.text);
			return EXIT_USAGE;
		}
	}
	struct conf_edit edit;
	struct why why;
	char done[120];
	snprintf(done, sizeof(done), "route %.33s is added", name);
	enum err e = conf_edit_open(&edit, app->dir, &why);
	if (e)
		return say_failure(e, &why);
	return save(app, &edit, conf_edit_add_section(&edit, "route", name, pairs, count, &why), &why, done);
}

static enum exit_code remove_route(const struct app *app, const char *name)
{
	struct conf_edit edit;
	struct why why;
	char done[120];
	snprintf(done, sizeof(done), "route %.33s is removed", name);
	enum err e = conf_edit_open(&edit, app->dir, &why);
	if (e)
		return say_failure(e, &why);
	return save(app, &edit, conf_edit_remove_section(&edit, "route", name, &why), &why, done);
}

enum exit_code cmd_route(struct app *app, int argc, char **argv)
{
	struct conf_pair p[] = { { "calling", NULL }, { "modality", NULL }, { "body_part", NULL }, { "level", NULL }, { "action", NULL },
	                         { "to", NULL }, { "group", NULL }, { "codec", NULL }, { "priority", NULL }, { "sop_class", NULL } };
	const struct arg_option options[] = {
		{ "--calling", &p[0].value, NULL }, { "--modality", &p[1].value, NULL }, { "--body-part", &p[2].value, NULL }, { "--level", &p[3].value, NULL },
		{ "--action", &p[4].value, NULL }, { "--to", &p[5].value, NULL }, { "--group", &p[6].value, NULL }, { "--codec", &p[7].value, NULL },
		{ "--priority", &p[8].value, NULL }, { "--sop-class", &p[9].value, NULL },
	};
	if (!args_read(app, argc, argv, options, NELEM(options)) || !args_want_words(app, "route", 1, 2))
		return EXIT_USAGE;
	const char *verb = app->words[0];
	if (!strcmp(verb, "list"))
		return args_want_words(app, "route", 1, 1) ? list(app) : EXIT_USAGE;
	if (strcmp(verb, "add") && strcmp(verb, "remove")) {
		say_error("route knows list, add and remove, not \"%s\"; see `pacs help route`", verb);
		return EXIT_USAGE;
	}
	if (!args_want_words(app, "route", 2, 2))
		return EXIT_USAGE;
	if (!strcmp(verb, "remove"))
		return remove_route(app, app->words[1]);
	if (!p[4].value) {
		say_error("what shall happen? --action forward, worklist, compress or notify is missing; see `pacs help route`");
		return EXIT_USAGE;
	}
	return add(app, app->words[1], p, NELEM(p));
}
