#include <string.h>

#include "db/index.h"
#include "db/orders.h"
#include "pacs/base/table.h"
#include "pacs/command.h"
#include "pacs/orders/order_json.h"
#include "pacs/output.h"
#include "pacs/study_edit.h"

static json_t *study_row(const struct index_study *s)
{
	char modalities[sizeof(s->modalities)];
	snprintf(modalities, sizeof(modalities), "%s", s->modalities);
	for (char *c = modalities; (c = strchr(c, '\\')); )
		*c = ',';
	return json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:o,s:i,s:i,s:I,s:I,s:I}", "study", s->study_uid.s, "patient_id", s->patient_id,
	                 "patient_name", s->patient_name, "birth_date", s->birth_date, "sex", s->sex, "date", s->study_date, "accession", s->accession,
	                 "description", s->description, "modalities", modalities, "institution", s->institution, "calling", output_text(s->calling),
	                 "series", (int)s->series, "images", (int)s->instances, "bytes", (json_int_t)s->bytes,
	                 "first_received", (json_int_t)s->first_received_ms, "last_received", (json_int_t)s->last_received_ms);
}

static bool add_study(void *arg, const struct index_study *s)
{
	return !json_array_append_new(arg, study_row(s));
}

static bool add_instance(void *arg, const struct index_instance *i)
{
	const struct ts *ts = ts_find(i->ts.s);
	const struct sop_class *class = sop_storage_find(i->sop_class.s);
	return !json_array_append_new(arg, json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:I,s:s}", "sop_instance", i->sop_uid.s, "series", i->series_uid.s,
	                                             "sop_class", i->sop_class.s, "kind", class ? class->name : i->sop_class.s,
	                                             "ts", i->ts.s, "syntax", ts ? ts->name : i->ts.s, "bytes", (json_int_t)i->size, "digest", i->digest));
}

struct list_options { struct index_study_filter filter; const char *limit; };

static enum exit_code list(const struct app *app, struct index_reader *r, const struct list_options *o)
{
	static const struct column columns[] = {
		{ "RECEIVED", "last_received", COLUMN_TIME }, { "PATIENT", "patient_name", COLUMN_TEXT }, { "ID", "patient_id", COLUMN_TEXT },
		{ "DATE", "date", COLUMN_TEXT }, { "MOD", "modalities", COLUMN_TEXT }, { "DESCRIPTION", "description", COLUMN_TEXT }, { "FROM", "calling", COLUMN_TEXT },
		{ "IMAGES", "images", COLUMN_NUMBER }, { "SIZE", "bytes", COLUMN_SIZE }, { "STUDY UID", "study", COLUMN_TEXT },
	};
	unsigned long limit = 50;
	if (!args_number("--limit", o->limit, 1, 100000, &limit))
		return EXIT_USAGE;
	struct why why;
	json_t *rows = json_array();
	enum err e = index_study_list(r, &o->filter, (unsigned)limit, add_study, rows, &why);
	if (e) {
		json_decref(rows);
		return say_failure(e, &why);
	}
	return output_rows(app, rows, columns, NELEM(columns), "No studies.");
}

static void print_heading(const struct index_study *s)
{
	struct buf b;
	buf_init(&b, 8192);
	const struct { const char *name, *value; } lines[] = {
		{ "study", s->study_uid.s }, { "patient", s->patient_name }, { "ID", s->patient_id }, { "born", s->birth_date }, { "date", s->study_date },
		{ "accession", s->accession }, { "description", s->description }, { "institution", s->institution }, { "from", s->calling },
	};
	for (size_t i = 0; i < NELEM(lines); i++) {
		buf_printf(&b, "%-12s", lines[i].name);
		text_fit(&b, lines[i].value, text_width(lines[i].value), false);
		buf_add_byte(&b, '\n');
	}
	buf_printf(&b, "%-12s%u in %u series, %s, %s\n\n", "images", s->instances, s->series, size_text(s->bytes).s, time_text(s->last_received_ms).s);
	fputs(buf_cstr(&b), stdout);
	buf_fini(&b);
}

/* The order that it was matched to, and how; why there is none. NULL: work.db is not there, or has not looked yet. */
static json_t *order_of(const char *dir, const char *uid)
{
	struct orders_reader *r = NULL;
	struct order_study s;
	struct order_row row;
	json_t *o = NULL;
	if (orders_reader_open(dir, &r, NULL))
		return NULL;
	if (!orders_study_get(r, uid, &s, NULL)) {
		o = json_pack("{s:s,s:i}", "how", s.how, "candidates", (int)s.candidates);
		if (!orders_of_study(orders_reader_db(r), uid, &row, NULL)) {
			json_object_set_new(o, "order", order_to_json(&row.o));
			json_object_set_new(o, "state", json_string(order_state_name(row.state)));
		}
	}
	orders_reader_close(&r);
	return o;
}

static void print_order(const json_t *o)
{
	const json_t *order = json_object_get(o, "order");
	const char *how = json_string_value(json_object_get(o, "how"));
	if (!o)
		return;
	if (!order) {
		printf("%-12snone (%s)\n\n", "order", how);
		return;
	}
	const struct { const char *name, *value; } lines[] = {
		{ "order", json_string_value(json_object_get(order, "accession")) }, { "  state", json_string_value(json_object_get(o, "state")) }, { "  matched by", how },
		{ "  reason", json_string_value(json_object_get(order, "reason")) }, { "  requested", json_string_value(json_object_get(order, "requesting")) },
		{ "  priority", json_string_value(json_object_get(order, "priority")) } };
	for (size_t i = 0; i < NELEM(lines); i++)
		if (lines[i].value)
			printf("%-14s%s\n", lines[i].name, lines[i].value);
	putchar('\n');
}

static void print_edits(const json_t *edits)
{
	size_t i;
	const json_t *e;
	json_array_foreach(edits, i, e)
		printf("%-12s%lld, %s by %s%s: %s\n", i ? "" : "edits", (long long)json_integer_value(json_object_get(e, "edit")), json_string_value(json_object_get(e, "kind")),
		       json_string_value(json_object_get(e, "who")), json_object_get(e, "reverted_by") ? ", taken back" : "", json_string_value(json_object_get(e, "what")));
	if (json_array_size(edits))
		putchar('\n');
}

static enum exit_code show(const struct app *app, const char *dir, struct index_reader *r, const char *uid)
{
	static const struct column columns[] = {
		{ "KIND", "kind", COLUMN_TEXT }, { "SYNTAX", "syntax", COLUMN_TEXT }, { "SIZE", "bytes", COLUMN_SIZE }, { "SOP INSTANCE UID", "sop_instance", COLUMN_TEXT },
	};
	struct index_study s;
	struct why why;
	json_t *rows = json_array();
	enum err e = index_study_get(r, uid, &s, &why);
	if (e == ERR_NOT_FOUND)
		fail(&why, e, "there is no study %s here; `pacs study list` shows what there is", uid);
	if (!e)
		e = index_study_instances(r, uid, add_instance, rows, &why);
	if (e) {
		json_decref(rows);
		return say_failure(e, &why);
	}
	json_t *order = order_of(dir, uid), *edits = study_edits_rows(dir, uid, &why);
	if (app->json) {
		json_t *o = study_row(&s);
		if (order)
			json_object_set_new(o, "order", order);
		json_object_set_new(o, "edits", edits ? edits : json_array());
		json_object_set_new(o, "instances", rows);
		return output_json(o);
	}
	print_heading(&s);
	print_order(order);
	json_decref(order);
	print_edits(edits);
	json_decref(edits);
	return output_rows(app, rows, columns, NELEM(columns), "No images.");
}

enum exit_code cmd_study(struct app *app, int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "import"))
		return cmd_import(app, argc - 1, argv + 1);
	if (argc > 1 && !strcmp(argv[1], "export"))
		return cmd_export(app, argc - 1, argv + 1);
	if (study_edit_is(argc, argv))
		return study_edit(app, argc, argv);
	struct list_options o = { 0 };
	const struct arg_option options[] = {
		{ "--patient", &o.filter.patient_id, NULL }, { "--patient-name", &o.filter.patient_name, NULL }, { "--accession", &o.filter.accession, NULL },
		{ "--from", &o.filter.from_date, NULL }, { "--to", &o.filter.to_date, NULL }, { "--limit", &o.limit, NULL },
	};
	if (!args_read(app, argc, argv, options, NELEM(options)) || !args_want_words(app, "study", 1, 2))
		return EXIT_USAGE;
	bool is_list = !strcmp(app->words[0], "list");
	if (!is_list && strcmp(app->words[0], "show")) {
		say_error("study knows list, show, import, export, tag, merge, split, delete, edits and revert, not \"%s\"; see `pacs help study`", app->words[0]);
		return EXIT_USAGE;
	}
	if (!args_want_words(app, "study", is_list ? 1 : 2, is_list ? 1 : 2))
		return EXIT_USAGE;
	enum exit_code code;
	struct conf *conf;
	if (!app_conf(app, &conf, &code))
		return code;
	o.filter.pinyin = conf->pinyin;
	struct index_reader *r = NULL;
	struct why why;
	enum err e = index_reader_open(conf->dir, &r, &why);
	code = e ? say_failure(e, &why) : is_list ? list(app, r, &o) : show(app, conf->dir, r, app->words[1]);
	index_reader_close(&r);
	conf_unref(&conf);
	return code;
}
