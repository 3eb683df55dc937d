#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "pacs/base/table.h"
#include "viewer-cli/work.h"

/* "20260301081530.123456+0800" as "03-01 08:15". */
struct short_time { char s[16]; };
static struct short_time short_time(const char *dt)
{
	struct short_time t = { "" };

	if (strlen(dt) >= 12)
		snprintf(t.s, sizeof(t.s), "%.2s-%.2s %.2s:%.2s", dt + 4, dt + 6, dt + 8, dt + 10);
	return t;
}

static const char *dash(const char *s)
{
	return s[0] ? s : "-";
}

static int print_table(const struct work_entry *e, size_t n)
{
	struct table t;

	table_init(&t, "PRIORITY|STATE|LIST|PATIENT|ID|SEX|BORN|MODALITY|>IMAGES|DUE|NOTE|ITEM");
	for (size_t i = 0; i < n; i++) {
		table_cell(&t, e[i].priority);
		table_cell(&t, e[i].state);
		table_cell(&t, e[i].label);
		table_cell(&t, dash(e[i].patient));
		table_cell(&t, dash(e[i].patient_id));
		table_cell(&t, dash(e[i].sex));
		table_cell(&t, dash(e[i].birth_date));
		table_cell(&t, dash(e[i].modality));
		table_cellf(&t, "%u", e[i].images);
		table_cell(&t, short_time(e[i].expected).s);
		table_cell(&t, dash(e[i].comments));
		table_cell(&t, e[i].uid.s);
	}
	enum err err = n ? table_print(&t, stdout, 0) : ERR_OK;
	table_fini(&t);
	if (n == 0)
		puts("The list is empty.");
	return err ? viewer_fail("no memory for the table") : VIEWER_OK;
}

static json_t *entry_json(const struct work_entry *e)
{
	const struct { const char *key, *value; } fields[] = {
		{ "item", e->uid.s }, { "state", e->state }, { "priority", e->priority }, { "label", e->label }, { "list", e->group },
		{ "readiness", e->readiness }, { "patient", e->patient }, { "patient_id", e->patient_id }, { "birth_date", e->birth_date }, { "sex", e->sex },
		{ "study", e->study.s }, { "study_date", e->study_date }, { "modality", e->modality }, { "description", e->description },
		{ "accession", e->accession }, { "scheduled", e->start }, { "expected", e->expected }, { "comments", e->comments },
	};
	json_t *o = json_object();

	for (size_t i = 0; i < NELEM(fields); i++)
		if (json_object_set_new(o, fields[i].key, json_string(fields[i].value)))
			json_object_set_new(o, fields[i].key, json_null());     /* not UTF-8 */
	json_object_set_new(o, "images", json_integer(e->images));
	return o;
}

static int print_json(const struct work_entry *e, size_t n)
{
	json_t *items = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(items, entry_json(&e[i]));
	json_t *all = json_pack("{s:o}", "items", items);
	bool bad = !all || json_dumpf(all, stdout, JSON_INDENT(1)) != 0;
	json_decref(all);
	putchar('\n');
	return bad ? viewer_fail("the list could not be written") : VIEWER_OK;
}

int viewer_list(const struct viewer_options *o)
{
	struct work_filter f = { .state = o->all ? NULL : o->state ? o->state : "SCHEDULED", .group = o->group, .patient = o->patient };
	struct work_client *w = NULL;
	struct work_entry *entries = NULL;
	struct why why = { "" };
	size_t n = 0;
	int rc;

	if (o->count)
		return viewer_help("list"), VIEWER_USAGE;
	enum err e = work_client_open(o, &w, &why);
	if (!e)
		e = work_client_list(w, &f, &entries, &n, &why);
	work_client_close(&w);
	rc = e ? viewer_fail("%s", why.text) : o->json ? print_json(entries, n) : print_table(entries, n);
	free(entries);
	return rc;
}
