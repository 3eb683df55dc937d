#include "db/stats.h"

#include <stdio.h>
#include <unistd.h>

#include "db/index_reader.h"
#include "db/job_state.h"

#define MONTH_AS(format, column) "strftime('" format "', " column " / 1000, 'unixepoch', 'localtime')"
#define MONTH(column) MONTH_AS("%Y-%m", column)

/* All troubles carry a sender and a time. They are few. %s: jobs that wait for a person. */
#define HELD_JOBS " UNION ALL SELECT 3, " MONTH_AS("%%Y-%%m", "created_ms") ", source FROM work.job WHERE state = %d"
#define TROUBLES \
	"WITH t(kind, month, site) AS (" \
	" SELECT 0, " MONTH_AS("%%Y-%%m", "at_ms") ", calling FROM conflict UNION ALL SELECT 1, " MONTH_AS("%%Y-%%m", "at_ms") ", calling FROM quarantine" \
	" UNION ALL SELECT 2, " MONTH_AS("%%Y-%%m", "d.found_ms") ", k.text FROM damage d JOIN instance i ON i.id = d.instance JOIN term k ON k.id = i.calling%s)" \
	" SELECT sum(kind = 0), sum(kind = 1), sum(kind = 2), sum(kind = 3) FROM t WHERE (?1 = '' OR month = ?1) AND (?2 = '' OR site = ?2)"

/* The other database beside ours, to be read with it. */
static enum err attach_work(sqlite3 *db, const char *dir, bool *is_there, struct why *why)
{
	char path[4200];
	sqlite3_stmt *st = NULL;
	snprintf(path, sizeof(path), "%.4096s/work.db", dir ? dir : "");
	*is_there = dir && !access(path, R_OK);
	if (!*is_there)
		return ERR_OK;
	enum err e = sql_prepare(db, "ATTACH ? AS work", &st, why);
	if (!e) {
		sql_bind_text(st, 1, path);
		e = sql_run(st, why);
	}
	sql_close_one(&st);
	return e;
}

static enum err prepare_troubles(sqlite3 *db, const char *dir, sqlite3_stmt **out, struct why *why)
{
	char held[200], sql[1600];
	bool has_work = false;
	enum err e = attach_work(db, dir, &has_work, why);
	snprintf(held, sizeof(held), HELD_JOBS, JOB_HELD);
	snprintf(sql, sizeof(sql), TROUBLES, has_work ? held : "");
	return e ? e : sql_prepare(db, sql, out, why);
}

static enum err add_troubles(sqlite3_stmt *st, struct stats_row *row, const struct stats_filter *f, struct why *why)
{
	sql_bind_text(st, 1, row->month[0] ? row->month : f->month ? f->month : "");
	sql_bind_text(st, 2, row->site[0] ? row->site : f->site ? f->site : "");
	enum err e = sql_step(st, why);
	if (e)
		return e;
	row->conflicts = (uint64_t)sql_int(st, 0);
	row->quarantined = (uint64_t)sql_int(st, 1);
	row->damaged = (uint64_t)sql_int(st, 2);
	row->held = (uint64_t)sql_int(st, 3);
	sql_done(st);
	return ERR_OK;
}

static void take(sqlite3_stmt *st, struct stats_row *row)
{
	*row = (struct stats_row){ .studies = (uint64_t)sql_int(st, 3), .images = (uint64_t)sql_int(st, 4), .bytes = (uint64_t)sql_int(st, 5),
	                           .largest = (uint64_t)sql_int(st, 6), .text_troubles = (uint64_t)sql_int(st, 7), .late = (uint64_t)sql_int(st, 8) };
	sql_copy(st, 0, row->month, sizeof(row->month));
	sql_copy(st, 1, row->site, sizeof(row->site));
	sql_copy(st, 2, row->modality, sizeof(row->modality));
}

static enum err prepare(sqlite3 *db, unsigned by, sqlite3_stmt **out, struct why *why)
{
	char sql[1200];
	snprintf(sql, sizeof(sql), "SELECT %s AS m, %s AS s, %s AS d, count(*), sum(instances), sum(bytes), max(bytes),"
	         " sum(charset_how IN ('detected', 'latin1')), sum(last_received_ms - first_received_ms > 3600000) FROM study"
	         " WHERE (?1 = '' OR " MONTH_AS("%%Y-%%m", "first_received_ms") " = ?1) AND (?2 = '' OR calling = ?2) GROUP BY m, s, d ORDER BY m, s, d",
	         by & STATS_MONTH ? MONTH("first_received_ms") : "''", by & STATS_SITE ? "calling" : "''", by & STATS_MODALITY ? "replace(modalities, '\\', ',')" : "''");
	return sql_prepare(db, sql, out, why);
}

enum err stats_read(struct index_reader *r, const char *dir, unsigned by, const struct stats_filter *f, bool (*fn)(void *arg, const struct stats_row *row), void *arg, struct why *why)
{
	sqlite3_stmt *st = NULL, *trouble = NULL;
	struct stats_row row;
	enum err e = prepare(index_reader_db(r), by, &st, why);
	if (!e)
		e = prepare_troubles(index_reader_db(r), dir, &trouble, why);
	if (!e) {
		sql_bind_text(st, 1, f->month ? f->month : "");
		sql_bind_text(st, 2, f->site ? f->site : "");
	}
	while (!e && (e = sql_step(st, why)) == ERR_OK) {
		take(st, &row);
		if (!(by & STATS_MODALITY))
			e = add_troubles(trouble, &row, f, why);
		if (!e && !fn(arg, &row))
			break;
	}
	sql_close_one(&st);
	sql_close_one(&trouble);
	return e == ERR_END ? ERR_OK : e;
}
