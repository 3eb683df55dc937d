#include <string.h>
#include <sys/statvfs.h>

#include "db/survey.h"
#include "pacs/ask.h"
#include "pacs/base/table.h"
#include "pacs/command.h"
#include "pacs/output.h"
#include "pacs/scrub.h"

/* {"running":true, ...what it says} or {"running":false,"why":...}. */
static json_t *program_status(const struct conf *conf, const char *program)
{
	struct why why;
	json_t *answer = NULL;
	enum err e = ask(conf, program, json_pack("{s:s}", "op", "status"), &answer, &why);
	if (e)
		return json_pack("{s:b,s:s}", "running", 0, "why", why.text);
	json_object_del(answer, "ok");
	json_object_set_new(answer, "running", json_true());
	return answer;
}

static json_t *index_status(const struct conf *conf)
{
	struct index_reader *r = NULL;
	struct index_counts c = { 0 };
	struct why why;
	enum err e = index_reader_open(conf->dir, &r, &why);
	if (!e)
		e = index_counts(r, &c, &why);
	uint64_t damaged = 0;
	if (!e)
		e = survey_damage_count(r, &damaged, &why);
	index_reader_close(&r);
	if (e)
		return json_pack("{s:s}", "why", why.text);
	return json_pack("{s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I}", "damaged", (json_int_t)damaged, "patients", (json_int_t)c.patients, "studies", (json_int_t)c.studies,
	                 "series", (json_int_t)c.series, "images", (json_int_t)c.instances, "bytes", (json_int_t)c.bytes,
	                 "conflicts", (json_int_t)c.conflicts, "quarantined", (json_int_t)c.quarantined, "last_seq", (json_int_t)c.last_seq);
}

static json_t *disk_status(const struct conf *conf)
{
	struct statvfs v;
	if (statvfs(conf->dir, &v))
		return json_object();
	uint64_t left = (uint64_t)v.f_bavail * v.f_frsize, reserve = (uint64_t)conf->reserve_mb << 20;
	return json_pack("{s:I,s:I,s:I,s:b}", "free", (json_int_t)left, "total", (json_int_t)((uint64_t)v.f_blocks * v.f_frsize),
	                 "reserve", (json_int_t)reserve, "is_low", left < reserve);
}

static json_int_t number(const json_t *o, const char *key)
{
	return json_integer_value(json_object_get(o, key));
}

static void line_of_program(struct table *t, const char *name, const json_t *s)
{
	table_cell(t, name);
	if (!json_is_true(json_object_get(s, "running"))) {
		table_cellf(t, "DOES NOT RUN: %.400s", json_string_value(json_object_get(s, "why")));
		return;
	}
	if (!strcmp(name, "storescp")) {
		table_cellf(t, "runs; %lld associations open, %lld images stored since it started", (long long)number(s, "associations"), (long long)number(s, "stored"));
		if (number(s, "failed")) {
			table_cell(t, "");
			table_cellf(t, "%lld images not stored; why: event=not_stored in its log", (long long)number(s, "failed"));
		}
	}
	else
		table_cell(t, "runs");
}

static void lines_of_index(struct table *t, const json_t *i)
{
	const char *why = json_string_value(json_object_get(i, "why"));
	table_cell(t, "index");
	if (why) {
		table_cellf(t, "cannot be read: %.400s", why);
		return;
	}
	table_cellf(t, "%lld images, %lld studies, %lld patients, %s", (long long)number(i, "images"), (long long)number(i, "studies"),
	            (long long)number(i, "patients"), size_text((uint64_t)number(i, "bytes")).s);
	if (number(i, "conflicts") || number(i, "quarantined")) {
		table_cell(t, "");
		table_cellf(t, "%lld conflicts (same UID, other content; both kept), %lld in quarantine", (long long)number(i, "conflicts"), (long long)number(i, "quarantined"));
	}
	if (number(i, "damaged")) {
		table_cell(t, "");
		table_cellf(t, "%lld DAMAGED: `pacs verify damaged` says which and who must send them again", (long long)number(i, "damaged"));
	}
}

static void line_of_scrub(struct table *t, const json_t *s, const json_t *index)
{
	long long done = (long long)number(s, "images"), all = (long long)number(index, "images"), last = (long long)number(s, "last_done");
	bool is_done = last && last >= number(s, "pass_started");
	if (!json_is_object(s))
		return;
	table_cell(t, "scrub");
	if (is_done)
		table_cellf(t, "all files read again, done %s, %lld findings", time_text(last).s, (long long)number(s, "last_found"));
	else
		table_cellf(t, "%lld of %lld images read again since %s, %lld findings", done, all, time_text(number(s, "pass_started")).s, (long long)number(s, "found"));
}

static void lines_of_queue(struct table *t, const json_t *counts)
{
	size_t i, shown = 0;
	const json_t *c;
	json_array_foreach(counts, i, c) {
		const char *state = json_string_value(json_object_get(c, "state")), *to = json_string_value(json_object_get(c, "to"));
		const char *kind = json_string_value(json_object_get(c, "kind"));
		if (!state || !strcmp(state, "confirmed") || !strcmp(state, "sent"))
			continue;
		table_cell(t, shown++ ? "" : "queue");
		table_cellf(t, "%lld %s: %s %s", (long long)number(c, "n"), state, kind ? kind : "", to ? to : "");
	}
	if (!shown) {
		table_cell(t, "queue");
		table_cell(t, "nothing waits");
	}
}

static enum err print(const struct conf *conf, const json_t *s)
{
	const json_t *disk = json_object_get(s, "disk");
	struct table t;
	table_init(&t, "NODE|");
	table_cell(&t, conf->aet);
	table_cellf(&t, "%s, %s:%u, %.300s", conf_level_name(conf->level), conf->listen, conf->port, conf->dir);
	line_of_program(&t, "storescp", json_object_get(s, "storescp"));
	line_of_program(&t, "router", json_object_get(s, "router"));
	if (conf->hl7_port)
		line_of_program(&t, "hl7d", json_object_get(s, "hl7d"));
	lines_of_index(&t, json_object_get(s, "index"));
	lines_of_queue(&t, json_object_get(s, "queue"));
	line_of_scrub(&t, json_object_get(s, "scrub"), json_object_get(s, "index"));
	table_cell(&t, "disk");
	table_cellf(&t, "%s free of %s, reserve %s%s", size_text((uint64_t)number(disk, "free")).s, size_text((uint64_t)number(disk, "total")).s,
	            size_text((uint64_t)number(disk, "reserve")).s, json_is_true(json_object_get(disk, "is_low")) ? ": TOO LITTLE, new images are refused" : "");
	enum err e = table_print(&t, stdout, 0);
	table_fini(&t);
	return e;
}

enum exit_code cmd_status(struct app *app, int argc, char **argv)
{
	enum exit_code code;
	struct conf *conf;
	if (!args_read(app, argc, argv, NULL, 0) || !args_want_words(app, "status", 0, 0))
		return EXIT_USAGE;
	if (!app_conf(app, &conf, &code))
		return code;
	json_t *router = program_status(conf, "router"), *counts = json_object_get(router, "counts");
	json_t *s = json_pack("{s:{s:s,s:s,s:s,s:i,s:s},s:o,s:o,s:o,s:o,s:o}", "node", "aet", conf->aet, "level", conf_level_name(conf->level),
	                      "listen", conf->listen, "port", (int)conf->port, "dir", conf->dir,
	                      "storescp", program_status(conf, "storescp"), "router", router,
	                      "index", index_status(conf), "queue", counts ? json_incref(counts) : json_array(), "disk", disk_status(conf));
	json_t *scrub = scrub_state_read(conf->dir);
	if (scrub)
		json_object_set_new(s, "scrub", scrub);
	if (conf->hl7_port)
		json_object_set_new(s, "hl7d", program_status(conf, "hl7d"));
	bool runs = (!conf->hl7_port || json_is_true(json_object_get(json_object_get(s, "hl7d"), "running"))) && json_is_true(json_object_get(json_object_get(s, "storescp"), "running")) && json_is_true(json_object_get(json_object_get(s, "router"), "running"));
	enum err e = ERR_OK;
	if (app->json)
		code = output_json(json_incref(s));
	else
		e = print(conf, s);
	json_decref(s);
	conf_unref(&conf);
	return e ? EXIT_FAILED : runs ? EXIT_DONE : EXIT_NOT_RUNNING;
}

enum exit_code cmd_reload(struct app *app, int argc, char **argv)
{
	enum exit_code code;
	struct conf *conf;
	if (!args_read(app, argc, argv, NULL, 0) || !args_want_words(app, "reload", 0, 0))
		return EXIT_USAGE;
	if (!app_conf(app, &conf, &code)) {
		say_error("nothing is reloaded; a node that runs goes on with the configuration it has");
		return code;
	}
	code = ask_reload(conf, app, "pacs.conf is right");
	conf_unref(&conf);
	return code;
}
