#include "db/patients.h"

#include <stdlib.h>

#include "db/edit.h"
#include "db/orders_sql.h"

const char patients_schema[] =
	"CREATE TABLE patient_journal("
	"  seq INTEGER PRIMARY KEY, is_merge INTEGER NOT NULL, patient_id TEXT NOT NULL, issuer TEXT NOT NULL, name TEXT NOT NULL,"
	"  birth_date TEXT NOT NULL, sex TEXT NOT NULL, old_id TEXT NOT NULL, old_issuer TEXT NOT NULL, message TEXT NOT NULL, at_ms INTEGER NOT NULL);";

const char patients_edits[] = EDIT_COLUMNS_OF("patient_journal") EDIT_RULE_TABLE
	"CREATE INDEX patient_journal_edit ON patient_journal(seq) WHERE edit <> 0;";

enum err patients_last(sqlite3 *db, int64_t *seq, struct why *why)
{
	return sql_number(db, why, seq, "SELECT max(seq) FROM patient_journal", "");
}

enum err patients_add(sqlite3 *db, struct index_patient_change *c, struct why *why)
{
	const char *const texts[] = { c->patient_id, c->issuer, c->name, c->birth_date, c->sex, c->old_id, c->old_issuer, c->message };
	sqlite3_stmt *st;
	enum err e = sql_number(db, why, &c->seq, "SELECT max(coalesce((SELECT max(seq) FROM patient_journal), 0), coalesce((SELECT seq FROM cursor WHERE name = 'patient'), 0)) + 1", "");
	if (!e)
		e = orders_prepare(db, "INSERT INTO patient_journal(patient_id, issuer, name, birth_date, sex, old_id, old_issuer, message, seq, is_merge, at_ms)"
		                   " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)", texts, 8, &st, why);
	if (e)
		return e;
	sql_bind_int(st, 9, c->seq);
	sql_bind_int(st, 10, c->is_merge);
	sql_bind_int(st, 11, c->at_ms);
	e = items_run(st, why);
	return e ? e : edit_put(db, "patient_journal", c->seq, c->edit, why);
}

enum err patients_floor(sqlite3 *db, int64_t seq, struct why *why)
{
	return sql_do(db, why, "INSERT INTO cursor(name, seq) VALUES('patient', ?1) ON CONFLICT DO UPDATE SET seq = max(seq, ?1)", "i", seq);
}

enum { RULES = 2 * BOUND_EDIT_RULES };    /* handed over in one message */

#define SELECT "SELECT seq, is_merge, patient_id, issuer, name, birth_date, sex, old_id, old_issuer, message, at_ms, edit FROM patient_journal WHERE seq > ?1"

/* *is_edit: its rules are still to be read. */
static void take_row(sqlite3_stmt *st, struct index_patient_change *c, bool *is_edit)
{
	*c = (struct index_patient_change){ .seq = sql_int(st, 0), .is_merge = sql_int(st, 1) != 0, .at_ms = sql_int(st, 10) };
	sql_copy(st, 2, c->patient_id, sizeof(c->patient_id));
	sql_copy(st, 3, c->issuer, sizeof(c->issuer));
	sql_copy(st, 4, c->name, sizeof(c->name));
	sql_copy(st, 5, c->birth_date, sizeof(c->birth_date));
	sql_copy(st, 6, c->sex, sizeof(c->sex));
	sql_copy(st, 7, c->old_id, sizeof(c->old_id));
	sql_copy(st, 8, c->old_issuer, sizeof(c->old_issuer));
	sql_copy(st, 9, c->message, sizeof(c->message));
	*is_edit = sql_int(st, 11) != 0;
}

static enum err list(sqlite3 *db, const char *sql, int64_t after, struct index_patient_change *out, size_t max, size_t *n, struct why *why)
{
	sqlite3_stmt *st = NULL;
	size_t rules = 0;
	enum err e = sql_ask(db, why, &st, sql, "ii", after, (int64_t)max);
	*n = 0;
	while (!e && *n < max && rules < RULES && !(e = sql_step(st, why))) {
		struct index_patient_change *c = &out[*n];
		bool is_edit;
		take_row(st, c, &is_edit);
		(*n)++;
		if (is_edit)
			e = edit_get(db, "patient_journal", c->seq, &c->edit, why);
		rules += c->edit ? c->edit->count : 0;
	}
	sql_close_one(&st);
	return e == ERR_END ? ERR_OK : e;
}

enum err patients_after(sqlite3 *db, int64_t after, struct index_patient_change *out, size_t max, size_t *n, struct why *why)
{
	return list(db, SELECT " ORDER BY seq LIMIT ?2", after, out, max, n, why);
}

enum err patients_edits_after(sqlite3 *db, int64_t after, struct index_patient_change *out, size_t max, size_t *n, struct why *why)
{
	return list(db, SELECT " AND edit <> 0 ORDER BY seq LIMIT ?2", after, out, max, n, why);
}

enum err patients_reverted_by(sqlite3 *db, int64_t seq, int64_t *by, struct why *why)
{
	return sql_number(db, why, by, "SELECT seq FROM patient_journal WHERE edit <> 0 AND edit = ?1 AND target = ?2", "ii", (int64_t)EDIT_REVERT, seq);
}

void patients_free(struct index_patient_change *c, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(c[i].edit);
		c[i].edit = NULL;
	}
}
