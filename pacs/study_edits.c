/* The corrections that were made, from the journal. */
#include "pacs/study_edit.h"

#include <stdlib.h>
#include <string.h>

#include "db/edit_follow.h"
#include "db/edit_look.h"
#include "db/patients.h"
#include "pacs/base/buf.h"
#include "pacs/output.h"
#include "pacs/store/edit_json.h"

enum { PAGE = 32, STUDIES = 2 * BOUND_EDIT_RULES, WHAT_MAX = 4096 };

static const char *or(const char *a, const char *b)
{
	return a[0] ? a : b;
}

static void describe_rule(struct buf *b, const struct edit *e, const struct edit_rule *r)
{
	const struct dict_entry *d = r->tag ? dict_find(r->tag) : NULL;
	if (d)
		buf_printf(b, "%s=%s", d->keyword, r->value);
	else if (e->kind == EDIT_MERGE)
		buf_printf(b, "into %s", r->to_study.s);
	else if (e->kind == EDIT_SPLIT)
		buf_printf(b, "%s into %s", or(r->series.s, r->sop.s), r->to_study.s);
	else
		buf_printf(b, "%s", or(or(r->series.s, r->sop.s), "all of it"));
}

static json_t *what_of(const struct edit *e)
{
	struct buf b;
	buf_init(&b, 4 * WHAT_MAX);
	if (e->kind == EDIT_REVERT)
		buf_printf(&b, "takes back edit %lld", (long long)e->target);
	for (size_t i = 0; i < e->count && b.len < WHAT_MAX; i++) {
		if (i)
			buf_add_str(&b, "; ");
		describe_rule(&b, e, &e->rules[i]);
	}
	json_t *text = output_text(buf_cstr(&b));
	buf_fini(&b);
	return text;
}

static bool names(const struct edit *e, const char *study)
{
	struct uid *uids = study && e ? calloc(STUDIES, sizeof(*uids)) : NULL;
	bool found = !study;
	size_t n = uids ? edit_studies(e, uids, STUDIES) : 0;
	for (size_t i = 0; i < n; i++)
		found |= !strcmp(uids[i].s, study);
	free(uids);
	return found;
}

struct listing {
	struct sqlite3 *db;
	const char *study;
	int64_t applied;
	json_t *rows;
	struct why *why;
};

static void mark_reverted(json_t *rows, int64_t target, int64_t by)
{
	size_t i;
	json_t *row;
	json_array_foreach(rows, i, row)
		if (json_integer_value(json_object_get(row, "edit")) == target) {
			json_object_set_new(row, "reverted_by", json_integer(by));
			json_object_set_new(row, "state", json_string("taken back"));
		}
}

static enum err add_row(struct listing *l, const struct index_patient_change *c)
{
	const struct edit *e = c->edit;
	struct edit *target = NULL;
	enum err err = e && e->kind == EDIT_REVERT ? edit_get(l->db, "patient_journal", e->target, &target, l->why) : ERR_OK;
	if (err || !e || !names(target ? target : e, l->study)) {
		free(target);
		return err;
	}
	const char *study = e->count ? e->rules[e->kind == EDIT_MERGE ? e->count - 1 : 0].study.s : target && target->count ? target->rules[0].study.s : "";
	json_t *row = edit_to_json(e);
	json_object_set_new(row, "edit", json_integer(c->seq));
	json_object_set_new(row, "at", json_integer(c->at_ms));
	json_object_set_new(row, "study", json_string(study));
	json_object_set_new(row, "what", what_of(e));
	json_object_set_new(row, "state", json_string(c->seq <= l->applied ? "applied" : "waits"));
	json_object_del(row, "max_oid");
	json_array_append_new(l->rows, row);
	if (e->kind == EDIT_REVERT)
		mark_reverted(l->rows, e->target, c->seq);
	free(target);
	return ERR_OK;
}

static enum err read_all(struct listing *l)
{
	struct index_patient_change *c = calloc(PAGE, sizeof(*c));
	size_t n = 0;
	int64_t after = 0;
	enum err e = c ? ERR_OK : fail(l->why, ERR_NOMEM, "no memory");
	do {
		n = 0;
		if (!e)
			e = patients_edits_after(l->db, after, c, PAGE, &n, l->why);
		for (size_t i = 0; !e && i < n; i++) {
			after = c[i].seq;
			e = add_row(l, &c[i]);
		}
		patients_free(c, c ? n : 0);
	} while (!e && n);
	free(c);
	return e;
}

json_t *study_edits_rows(const char *dir, const char *study_uid, struct why *why)
{
	struct listing l = { .study = study_uid, .rows = json_array(), .why = why };
	struct work_reader *work = NULL;
	struct index_reader *ix = NULL;
	enum err e = work_reader_open(dir, &work, why);
	if (e == ERR_NOT_FOUND)
		return l.rows;
	if (!e)
		e = index_reader_open(dir, &ix, why);
	if (!e)
		e = edit_look_applied(ix, &l.applied, why);
	if (!e) {
		l.db = work_reader_db(work);
		e = read_all(&l);
	}
	index_reader_close(&ix);
	work_reader_close(&work);
	if (!e)
		return l.rows;
	json_decref(l.rows);
	return NULL;
}

enum exit_code study_edits_list(const struct app *app, const char *dir, const char *study_uid)
{
	static const struct column columns[] = {
		{ "EDIT", "edit", COLUMN_NUMBER }, { "WHEN", "at", COLUMN_TIME }, { "WHO", "who", COLUMN_TEXT }, { "KIND", "kind", COLUMN_TEXT },
		{ "STATE", "state", COLUMN_TEXT }, { "STUDY UID", "study", COLUMN_TEXT }, { "WHAT", "what", COLUMN_TEXT }, { "REASON", "reason", COLUMN_TEXT },
	};
	struct why why = { "" };
	json_t *rows = study_edits_rows(dir, study_uid, &why);
	return rows ? output_rows(app, rows, columns, NELEM(columns), "No edits.") : say_failure(ERR_IO, &why);
}
