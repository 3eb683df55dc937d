#include "db/edit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "db/sql.h"
#include "pacs/base/fault.h"

static const char *const names[EDIT_KINDS] = {
	[EDIT_NONE] = "patient", [EDIT_TAG] = "tag", [EDIT_MERGE] = "merge", [EDIT_SPLIT] = "split", [EDIT_DELETE] = "delete", [EDIT_REVERT] = "revert",
};

const char *edit_kind_name(enum edit_kind k)
{
	return k < EDIT_KINDS ? names[k] : "?";
}

bool edit_kind_parse(const char *name, enum edit_kind *out)
{
	for (unsigned k = EDIT_TAG; k < EDIT_KINDS; k++)
		if (!strcmp(names[k], name)) {
			*out = (enum edit_kind)k;
			return true;
		}
	return false;
}

struct edit *edit_new(size_t count)
{
	struct edit *e = count <= BOUND_EDIT_RULES && !fault_fails(FAULT_ALLOC) ? calloc(1, sizeof(*e) + count * sizeof(e->rules[0])) : NULL;
	if (e)
		e->count = count;
	return e;
}

/* ---- rows ---- */

enum err edit_put(struct sqlite3 *db, const char *table, int64_t seq, const struct edit *ed, struct why *why)
{
	char sql[160];
	if (!ed)
		return ERR_OK;
	snprintf(sql, sizeof(sql), "UPDATE %s SET edit = ?1, target = ?2, max_oid = ?3, who = ?4, reason = ?5 WHERE seq = ?6", table);
	enum err e = sql_do(db, why, sql, "iiitti", (int64_t)ed->kind, ed->target, (int64_t)ed->max_oid, ed->who, ed->reason, seq);
	for (size_t i = 0; !e && i < ed->count; i++) {
		const struct edit_rule *r = &ed->rules[i];
		e = sql_do(db, why, "INSERT INTO edit_rule(seq, n, study, series, sop, tag, value, to_study, to_series) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
		           "iitttittt", seq, (int64_t)i, r->study.s, r->series.s, r->sop.s, (int64_t)r->tag, r->value, r->to_study.s, r->to_series.s);
	}
	return e;
}

static enum err get_rules(struct sqlite3 *db, int64_t seq, struct edit *ed, struct why *why)
{
	sqlite3_stmt *st = NULL;
	size_t n = 0;
	enum err e = sql_ask(db, why, &st, "SELECT study, series, sop, tag, value, to_study, to_series FROM edit_rule WHERE seq = ?1 ORDER BY n", "i", seq);
	while (!e && n < ed->count && !(e = sql_step(st, why))) {
		struct edit_rule *r = &ed->rules[n++];
		sql_copy(st, 0, r->study.s, sizeof(r->study.s));
		sql_copy(st, 1, r->series.s, sizeof(r->series.s));
		sql_copy(st, 2, r->sop.s, sizeof(r->sop.s));
		r->tag = (uint32_t)sql_int(st, 3);
		sql_copy(st, 4, r->value, sizeof(r->value));
		sql_copy(st, 5, r->to_study.s, sizeof(r->to_study.s));
		sql_copy(st, 6, r->to_series.s, sizeof(r->to_series.s));
	}
	sql_close_one(&st);
	return e == ERR_END ? ERR_OK : e;
}

enum err edit_get(struct sqlite3 *db, const char *table, int64_t seq, struct edit **out, struct why *why)
{
	char sql[200];
	sqlite3_stmt *st = NULL;
	*out = NULL;
	snprintf(sql, sizeof(sql), "SELECT edit, target, max_oid, who, reason, (SELECT count(*) FROM edit_rule r WHERE r.seq = t.seq) FROM %s t WHERE t.seq = ?1", table);
	enum err e = sql_ask(db, why, &st, sql, "i", seq);
	if (!e)
		e = sql_step(st, why);
	if (!e && sql_int(st, 0)) {
		struct edit *ed = *out = edit_new((size_t)sql_int(st, 5));
		if (!ed) {
			sql_close_one(&st);
			return fail(why, ERR_NOMEM, "no memory for edit %lld", (long long)seq);
		}
		ed->kind = (enum edit_kind)sql_int(st, 0);
		ed->target = sql_int(st, 1);
		ed->max_oid = (uint64_t)sql_int(st, 2);
		sql_copy(st, 3, ed->who, sizeof(ed->who));
		sql_copy(st, 4, ed->reason, sizeof(ed->reason));
	}
	sql_close_one(&st);
	if (!e && *out)
		e = get_rules(db, seq, *out, why);
	if (e) {
		free(*out);
		*out = NULL;
	}
	return e == ERR_END ? fail(why, ERR_NOT_FOUND, "there is no edit %lld", (long long)seq) : e;
}
