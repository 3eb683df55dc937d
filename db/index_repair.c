#include "db/index_repair.h"

#include "db/index_reader.h"
#include "db/index_writer.h"
#include "pacs/base/clock.h"

/* Rare work: its statements are prepared when they are needed. */

static enum err run(sqlite3 *db, const char *sql, const int64_t *ints, int count, struct why *why)
{
	sqlite3_stmt *st = NULL;
	enum err e = sql_prepare(db, sql, &st, why);
	for (int i = 0; !e && i < count; i++)
		sql_bind_int(st, i + 1, ints[i]);
	if (!e)
		e = sql_run(st, why);
	sql_close_one(&st);
	return e;
}

enum err index_repair_get(struct index_writer *w, uint64_t instance, struct index_instance *out, char calling[BOUND_AET + 1], struct why *why)
{
	sqlite3_stmt *st = NULL;
	enum err e = sql_prepare(w->db, "SELECT " INDEX_INSTANCE_COLUMNS ", k.text FROM instance i" INDEX_INSTANCE_JOINS
	                                "JOIN term k ON k.id = i.calling WHERE i.id = ?", &st, why);
	if (!e) {
		sql_bind_int(st, 1, (int64_t)instance);
		e = sql_step(st, why);
	}
	if (!e) {
		index_instance_take(st, 0, out);
		sql_copy(st, INDEX_INSTANCE_COLUMN_COUNT, calling, BOUND_AET + 1);
	}
	sql_close_one(&st);
	return e == ERR_END ? fail(why, ERR_NOT_FOUND, "instance %llu is not in the index", (unsigned long long)instance) : e;
}

enum err index_repair_twin(struct index_writer *w, uint64_t instance, const char *digest, struct index_instance *out, struct why *why)
{
	sqlite3_stmt *st = NULL;
	enum err e = sql_prepare(w->db, "SELECT oid, size, dataset_at, ts FROM conflict WHERE instance = ? AND digest = ? AND oid IS NOT NULL", &st, why);
	if (!e) {
		sql_bind_int(st, 1, (int64_t)instance);
		sql_bind_digest(st, 2, digest);
		e = sql_step(st, why);
	}
	if (!e) {
		out->oid = (uint64_t)sql_int(st, 0);
		out->size = (uint64_t)sql_int(st, 1);
		out->dataset_at = (uint64_t)sql_int(st, 2);
		sql_copy(st, 3, out->ts.s, sizeof(out->ts.s));
	}
	sql_close_one(&st);
	return e == ERR_END ? ERR_NOT_FOUND : e;
}

enum err index_repair_forget_conflict(struct index_writer *w, uint64_t oid, struct why *why)
{
	return run(w->db, "DELETE FROM conflict WHERE oid = ?", (int64_t[]){ (int64_t)oid }, 1, why);
}

enum err index_repair_add_damage(struct index_writer *w, uint64_t instance, uint64_t oid, const char *what, struct why *why)
{
	sqlite3_stmt *st = NULL;
	/* A row whose commit failed may not be there: whoever gets its number next is not damaged. */
	enum err e = sql_prepare(w->db, "INSERT OR IGNORE INTO damage(instance, oid, what, found_ms) SELECT ?1, ?2, ?3, ?4"
	                                " WHERE EXISTS (SELECT 1 FROM instance WHERE id = ?1 AND oid = ?2)", &st, why);
	if (!e) {
		sql_bind_int(st, 1, (int64_t)instance);
		sql_bind_int(st, 2, (int64_t)oid);
		sql_bind_text(st, 3, what);
		sql_bind_int(st, 4, clock_wall_ms());
		e = sql_run(st, why);
	}
	sql_close_one(&st);
	return e;
}

enum err index_repair_drop_damage(struct index_writer *w, uint64_t instance, struct why *why)
{
	return run(w->db, "DELETE FROM damage WHERE instance = ?", (int64_t[]){ (int64_t)instance }, 1, why);
}

enum err index_repair_drop_strays(struct index_writer *w, unsigned *n, struct why *why)
{
	enum err e = run(w->db, "DELETE FROM damage WHERE instance NOT IN (SELECT id FROM instance)", NULL, 0, why);
	*n = e ? 0 : (unsigned)sqlite3_changes(w->db);
	return e;
}

enum err index_repair_received(struct index_writer *w, uint64_t instance, const char *received_digest, struct why *why)
{
	sqlite3_stmt *st = NULL;
	enum err e = sql_prepare(w->db, "UPDATE instance SET received_digest = ? WHERE id = ?", &st, why);
	if (!e) {
		sql_bind_digest(st, 1, received_digest);
		sql_bind_int(st, 2, (int64_t)instance);
		e = sql_run(st, why);
	}
	sql_close_one(&st);
	return e;
}

enum err index_repair_header(struct index_writer *w, uint64_t instance, struct bytes header, int encoding, struct why *why)
{
	struct index_record r = { .header = header, .header_encoding = encoding };
	sqlite3_stmt *st = NULL;
	enum err e = sql_prepare(w->db, "SELECT c.text, k.text FROM instance i JOIN term c ON c.id = i.calling JOIN term k ON k.id = i.sop_class"
	                                " WHERE i.id = ?", &st, why);
	if (!e) {
		sql_bind_int(st, 1, (int64_t)instance);
		e = sql_step(st, why);
	}
	if (!e) {
		r.calling = sql_text(st, 0);     /* the device, whose headers it is packed beside; lent until the statement goes */
		r.sop_class = sql_text(st, 1);
		e = index_put_header(w, instance, &r, why);
	}
	sql_close_one(&st);
	return e == ERR_END ? ERR_NOT_FOUND : e;
}

enum err index_repair_counters(struct index_writer *w, uint64_t study, struct why *why)
{
	const int64_t id[] = { (int64_t)study };
	/* What waits in the cache for the commit is a difference: it must be in the rows before they are set. */
	enum err e = index_flush(w, why);
	if (!e)
		e = run(w->db, "UPDATE series SET instances = (SELECT count(*) FROM instance i WHERE i.series = series.id),"
		               " bytes = (SELECT coalesce(sum(size), 0) FROM instance i WHERE i.series = series.id) WHERE study = ?", id, 1, why);
	if (!e)
		e = run(w->db, "UPDATE study SET series = (SELECT count(*) FROM series se WHERE se.study = study.id),"
		               " instances = (SELECT coalesce(sum(se.instances), 0) FROM series se WHERE se.study = study.id),"
		               " bytes = (SELECT coalesce(sum(se.bytes), 0) FROM series se WHERE se.study = study.id) WHERE id = ?", id, 1, why);
	return e;
}
