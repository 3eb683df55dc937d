#include <stdlib.h>
#include <string.h>

#include "pacs/ask.h"
#include "pacs/base/durable.h"
#include "pacs/command.h"
#include "pacs/order_file.h"
#include "pacs/orders/order_json.h"
#include "pacs/output.h"

enum { FIELDS_MAX = 64, NAME = 32, BATCH = 500 };

/* An option for each field of an order: --patient-id for patient_id. */
struct field_options {
	char names[FIELDS_MAX][NAME];
	const char *values[FIELDS_MAX];
	struct arg_option options[FIELDS_MAX + 8];
	size_t count;
};

static void field_options_init(struct field_options *f)
{
	memset(f, 0, sizeof(*f));
	for (; f->count < order_field_count && f->count < FIELDS_MAX; f->count++) {
		snprintf(f->names[f->count], NAME, "--%s", order_fields[f->count].name);
		for (char *c = f->names[f->count]; (c = strchr(c, '_')); )
			*c = '-';
		f->options[f->count] = (struct arg_option){ f->names[f->count], &f->values[f->count], NULL };
	}
}

static bool fields_read(const struct field_options *f, struct order *o)
{
	struct why why;
	memset(o, 0, sizeof(*o));
	for (size_t i = 0; i < order_field_count; i++)
		if (f->values[i] && order_set(o, &order_fields[i], f->values[i], &why)) {
			say_error("%s", why.text);
			return false;
		}
	return true;
}

/* ---- asking the router ---- */

static enum err apply(const struct conf *conf, json_t *changes, const char *source, json_t **answer, struct why *why)
{
	return ask(conf, "router", json_pack("{s:s,s:s,s:o}", "op", "order.apply", "source", source, "changes", changes), answer, why);
}

struct totals { int created, changed, same, moved, patients; };

static void add_up(struct totals *t, const json_t *answer)
{
	t->created += (int)json_integer_value(json_object_get(answer, "created"));
	t->changed += (int)json_integer_value(json_object_get(answer, "changed"));
	t->same += (int)json_integer_value(json_object_get(answer, "same"));
	t->moved += (int)json_integer_value(json_object_get(answer, "moved"));
	t->patients += (int)json_integer_value(json_object_get(answer, "patients"));
}

static enum exit_code tell(const struct app *app, const struct totals *t)
{
	if (app->json)
		return output_json(json_pack("{s:i,s:i,s:i,s:i,s:i}", "created", t->created, "changed", t->changed, "same", t->same, "moved", t->moved, "patients", t->patients));
	printf("%d new, %d changed, %d as they were", t->created, t->changed, t->same);
	if (t->moved)
		printf(", %d cancelled or moved on", t->moved);
	if (t->patients)
		printf(", %d patients updated or merged", t->patients);
	putchar('\n');
	return EXIT_DONE;
}

/* In batches: a request has a longest line. What was applied before a batch fails stays, and the message says so. */
static enum exit_code send_changes(const struct app *app, const struct conf *conf, json_t *changes, const char *source)
{
	struct totals t = { 0 };
	size_t n = json_array_size(changes);
	for (size_t at = 0; at < n; at += BATCH) {
		json_t *batch = json_array(), *answer = NULL;
		struct why why;
		for (size_t i = at; i < n && i < at + BATCH; i++)
			json_array_append(batch, json_array_get(changes, i));
		enum err e = apply(conf, batch, source, &answer, &why);
		if (e) {
			if (at)
				say_error("of %zu orders the first %zu are in", n, at);
			return say_failure(e, &why);
		}
		add_up(&t, answer);
		json_decref(answer);
	}
	return tell(app, &t);
}

/* ---- add, cancel ---- */

static json_t *one_change(const char *what, const struct order *o)
{
	return json_pack("[{s:s,s:o}]", "do", what, "order", order_to_json(o));
}

static enum exit_code add(const struct app *app, const struct conf *conf, const struct order *o)
{
	struct why why;
	if (order_check(o, &why)) {
		say_error("%s; see `pacs help order`", why.text);
		return EXIT_USAGE;
	}
	json_t *changes = one_change("put", o);
	enum exit_code code = send_changes(app, conf, changes, "hand");
	json_decref(changes);
	return code;
}

static enum exit_code cancel(const struct app *app, const struct conf *conf, struct order *o, const char *accession, const char *note)
{
	struct why why;
	if (accession && order_set(o, order_field_find("accession"), accession, &why)) {
		say_error("%s", why.text);
		return EXIT_USAGE;
	}
	json_t *changes = one_change("state", o);
	json_t *one = json_array_get(changes, 0);
	json_object_set_new(one, "state", json_string("CANCELED"));
	json_object_set_new(one, "note", json_string(note ? note : "by hand"));
	enum exit_code code = send_changes(app, conf, changes, "hand");
	json_decref(changes);
	return code;
}

/* ---- import ---- */

static enum exit_code import(const struct app *app, const struct conf *conf)
{
	for (unsigned i = 1; i < app->word_count; i++) {
		struct why why;
		const char *kind;
		json_t *changes = json_array();
		enum err e = order_file_read(app->words[i], conf->hl7_charset, changes, &kind, &why);
		if (e)
			say_error("%s: %s; nothing of this file was taken", app->words[i], why.text);
		enum exit_code code = e ? EXIT_FAILED : send_changes(app, conf, changes, kind);
		json_decref(changes);
		if (code)
			return code;
	}
	return EXIT_DONE;
}

/* ---- lists ---- */

struct list_options { const char *state, *from, *to, *limit; bool all; };

static json_t *states_of(const char *text)
{
	json_t *states = json_array();
	for (const char *at = text; at && *at; ) {
		size_t n = strcspn(at, ",");
		json_array_append_new(states, json_stringn(at, n));
		at += n + (at[n] == ',');
	}
	return states;
}

static enum exit_code show_list(const struct app *app, const struct conf *conf, json_t *body, const char *key, const struct column *columns, size_t count, const char *when_empty)
{
	struct why why;
	json_t *answer = NULL;
	enum err e = ask(conf, "router", body, &answer, &why);
	enum exit_code code = e ? say_failure(e, &why) : output_rows(app, json_incref(json_object_get(answer, key)), columns, count, when_empty);
	json_decref(answer);
	return code;
}

static enum exit_code list(const struct app *app, const struct conf *conf, const struct list_options *o, const struct order *by, int limit)
{
	static const struct column columns[] = {
		{ "STATE", "state", COLUMN_TEXT }, { "DATE", "date", COLUMN_TEXT }, { "TIME", "time", COLUMN_TEXT }, { "MOD", "modality", COLUMN_TEXT },
		{ "STATION", "station_aet", COLUMN_TEXT }, { "PATIENT", "patient_name", COLUMN_TEXT }, { "ID", "patient_id", COLUMN_TEXT },
		{ "ACCESSION", "accession", COLUMN_TEXT }, { "DESCRIPTION", "description", COLUMN_TEXT }, { "PRIORITY", "priority", COLUMN_TEXT },
		{ "MATCHED BY", "how", COLUMN_TEXT }, { "FROM", "source", COLUMN_TEXT }, { "NOTE", "note", COLUMN_TEXT },
	};
	const char *states = o->state ? o->state : o->all || by->accession[0] || by->patient_id[0] ? "" : "SCHEDULED,STARTED";
	json_t *body = json_pack("{s:s,s:o,s:s,s:s,s:s,s:s,s:i}", "op", "order.list", "states", states_of(states), "from", o->from ? o->from : "", "to", o->to ? o->to : "",
	                         "accession", by->accession, "patient", by->patient_id, "limit", limit);
	return show_list(app, conf, body, "orders", columns, NELEM(columns), "No orders.");
}

static enum exit_code unmatched(const struct app *app, const struct conf *conf, int limit)
{
	static const struct column columns[] = {
		{ "SINCE", "at", COLUMN_TIME }, { "WHY", "how", COLUMN_TEXT }, { "CANDIDATES", "candidates", COLUMN_NUMBER }, { "ACCESSION", "accession", COLUMN_TEXT },
		{ "PATIENT ID", "patient_id", COLUMN_TEXT }, { "DATE", "date", COLUMN_TEXT }, { "MOD", "modality", COLUMN_TEXT }, { "STUDY UID", "study", COLUMN_TEXT },
	};
	return show_list(app, conf, json_pack("{s:s,s:i}", "op", "order.unmatched", "limit", limit), "studies", columns, NELEM(columns), "Every study has its order.");
}

static enum exit_code messages(const struct app *app, const struct conf *conf, int limit)
{
	static const struct column columns[] = {
		{ "AT", "at", COLUMN_TIME }, { "FROM", "from", COLUMN_TEXT }, { "TYPE", "type", COLUMN_TEXT }, { "CONTROL ID", "control", COLUMN_TEXT }, { "WHY", "reason", COLUMN_TEXT },
	};
	return show_list(app, conf, json_pack("{s:s,s:i}", "op", "order.messages", "limit", limit), "messages", columns, NELEM(columns), "No message is in quarantine.");
}

/* ---- the command ---- */

static enum exit_code run(const struct app *app, const struct conf *conf, struct order *o, const struct list_options *lo, const char *note)
{
	const char *verb = app->words[0];
	unsigned long limit = 100;
	bool may_have_word = !strcmp(verb, "cancel"), needs_word = !strcmp(verb, "import");
	if (!args_number("--limit", lo->limit, 1, 10000, &limit) || !args_want_words(app, "order", needs_word ? 2 : 1, needs_word ? ARGS_MAX : may_have_word ? 2 : 1))
		return EXIT_USAGE;
	if (!strcmp(verb, "add"))
		return add(app, conf, o);
	if (needs_word)
		return import(app, conf);
	if (!strcmp(verb, "list"))
		return list(app, conf, lo, o, (int)limit);
	if (may_have_word)
		return cancel(app, conf, o, app->word_count > 1 ? app->words[1] : NULL, note);
	if (!strcmp(verb, "unmatched"))
		return unmatched(app, conf, (int)limit);
	if (!strcmp(verb, "messages"))
		return messages(app, conf, (int)limit);
	say_error("order knows add, import, list, cancel, unmatched and messages, not \"%s\"; see `pacs help order`", verb);
	return EXIT_USAGE;
}

enum exit_code cmd_order(struct app *app, int argc, char **argv)
{
	struct field_options *f = malloc(sizeof(*f));
	struct order *o = malloc(sizeof(*o));
	struct list_options lo = { 0 };
	const char *note = NULL;
	enum exit_code code = EXIT_FAILED;
	struct conf *conf = NULL;
	if (f && o) {
		field_options_init(f);
		const struct arg_option more[] = { { "--state", &lo.state, NULL }, { "--from", &lo.from, NULL }, { "--to", &lo.to, NULL },
		                                   { "--limit", &lo.limit, NULL }, { "--all", NULL, &lo.all }, { "--note", &note, NULL } };
		memcpy(&f->options[f->count], more, sizeof(more));
		if (!args_read(app, argc, argv, f->options, f->count + NELEM(more)) || !args_want_words(app, "order", 1, ARGS_MAX) || !fields_read(f, o))
			code = EXIT_USAGE;
		else if (app_conf(app, &conf, &code))
			code = run(app, conf, o, &lo, note);
	}
	conf_unref(&conf);
	free(o);
	free(f);
	return code;
}
