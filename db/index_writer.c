#include "db/index_writer.h"

#include <stdio.h>
#include <stdlib.h>

#include "db/index_edit.h"
#include "db/index_reader.h"
#include "db/schema.h"
#include "pacs/base/clock.h"
#include "pacs/base/fault.h"

enum { LOG_BYTES = 8 << 20 };    /* a longer log makes readers and recovery slow; a shorter one copies hot pages too often */

/* W_MAX_OID: the last in each of the tables, by their indices. W_*_FILL: what the first image did not
 * know, a later one may. */
static const char *const texts[W_STATEMENTS] = {
	[W_BEGIN] = "BEGIN IMMEDIATE",
	[W_COMMIT] = "COMMIT",
	[W_LOOKUP] = "SELECT " INDEX_INSTANCE_COLUMNS " FROM instance i" INDEX_INSTANCE_JOINS "WHERE i.sop_uid = ?",
	[W_HAS_SOP] = "SELECT 1 FROM instance WHERE sop_uid = ?",
	[W_HAS_OID] = "SELECT 1 FROM instance WHERE oid = ?1 UNION ALL SELECT 1 FROM conflict WHERE oid = ?1",
	[W_NEXT_OID] = "SELECT oid FROM instance WHERE oid >= ? ORDER BY oid LIMIT 1",
	[W_MAX_OID] = "SELECT max(coalesce((SELECT max(oid) FROM instance), 0), coalesce((SELECT max(oid) FROM conflict), 0),"
	              " coalesce((SELECT max(oid) FROM garbage), 0), coalesce((SELECT value FROM number_floor WHERE name = 'oid'), 0))",
	[W_TERM_GET] = "SELECT id FROM term WHERE text = ?",
	[W_TERM_ADD] = "INSERT INTO term(text) VALUES(?)",
	[W_PATIENT_GET] = "SELECT id, name_fold, birth_date FROM patient WHERE patient_id = ? AND issuer = ? AND surrogate = ?",
	[W_PATIENT_ADD] = "INSERT INTO patient(patient_id, issuer, surrogate, name, name_fold, birth_date, sex) VALUES(?, ?, ?, ?, ?, ?, ?)",
	[W_PATIENT_FILL] = "UPDATE patient SET name_fold = iif(name = '', ?3, name_fold), name = iif(name = '', ?2, name),"
	                   " birth_date = iif(birth_date = '', ?4, birth_date), sex = iif(sex = '', ?5, sex) WHERE id = ?1",
	[W_STUDY_GET] = "SELECT st.id, st.modalities, p.patient_id, p.issuer FROM study st JOIN patient p ON p.id = st.patient WHERE st.study_uid = ?",
	[W_STUDY_ADD] = "INSERT INTO study(patient, study_uid, study_date, study_time, accession, study_id, description, referring, modalities,"
	                " body_part, institution, calling, charset_how, series, instances, bytes, first_received_ms, last_received_ms, change)"
	                " VALUES(?, ?, ?, ?, ?, ?, ?, ?, '', ?, ?, ?, ?, 0, 0, 0, ?13, ?13, ?14)",
	[W_STUDY_FILL] = "UPDATE study SET study_time = iif(study_date = '' AND study_time = '', ?3, study_time),"
	                 " study_date = iif(study_date = '', ?2, study_date), accession = iif(accession = '', ?4, accession),"
	                 " study_id = iif(study_id = '', ?5, study_id), description = iif(description = '', ?6, description),"
	                 " referring = iif(referring = '', ?7, referring), body_part = iif(body_part = '', ?8, body_part),"
	                 " institution = iif(institution = '', ?9, institution) WHERE id = ?1",
	[W_STUDY_CHANGED] = "UPDATE study SET change = max(change, ?2) WHERE id = ?1",
	[W_STUDY_COUNT] = "UPDATE study SET series = series + ?2, instances = instances + ?3, bytes = bytes + ?4, modalities = ?5,"
	                  " last_received_ms = max(last_received_ms, ?6), first_received_ms = min(first_received_ms, iif(?3 > 0, ?7, first_received_ms)) WHERE id = ?1",
	[W_SERIES_GET] = "SELECT id FROM series WHERE series_uid = ? AND study = ?",
	[W_SERIES_ADD] = "INSERT INTO series(study, series_uid, modality, number, description, body_part, protocol, station, institution,"
	                 " series_date, series_time, instances, bytes) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0)",
	[W_SERIES_COUNT] = "UPDATE series SET instances = instances + ?2, bytes = bytes + ?3 WHERE id = ?1",
	[W_SERIES_ELSEWHERE] = "SELECT 1 FROM series WHERE series_uid = ? AND study <> ?",
	/* A row number is never given again: jobs know images by it. */
	[W_INSTANCE_ADD] = "INSERT INTO instance(id, series, sop_uid, sop_class, number, content_date, content_time, rows, columns, frames, bits, ts,"
	                   " oid, size, dataset_at, digest, received_digest, pixel_digest, calling, address, received_ms)"
	                   " VALUES(1 + max(coalesce((SELECT max(id) FROM instance), 0), coalesce((SELECT value FROM number_floor WHERE name = 'instance'), 0)),"
	                   " ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?15, ?16, ?17, ?18, ?19)",
	[W_HEADER_ADD] = "INSERT OR REPLACE INTO header(instance, encoding, z, ref) VALUES(?, ?, ?, ?)",
	[W_REFERENCE_GET] = "SELECT id, part FROM header_ref WHERE calling = ? AND sop_class = ? ORDER BY id DESC LIMIT 1",
	[W_REFERENCE_ADD] = "INSERT INTO header_ref(calling, sop_class, part) VALUES(?, ?, ?)",
	[W_ARRIVAL_ADD] = "INSERT INTO arrival(instance, kind) VALUES(?, ?)",
	[W_REPLACE] = "UPDATE instance SET oid = ?3, size = ?4, dataset_at = ?5, ts = ?6, digest = ?7, pixel_digest = ?8 WHERE id = ?1 AND oid = ?2",
	[W_RESIZE_SERIES] = "UPDATE series SET bytes = bytes + ?2 - (SELECT size FROM instance WHERE id = ?1)"
	                    " WHERE id = (SELECT series FROM instance WHERE id = ?1)",
	[W_RESIZE_STUDY] = "UPDATE study SET bytes = bytes + ?2 - (SELECT size FROM instance WHERE id = ?1)"
	                   " WHERE id = (SELECT se.study FROM instance i JOIN series se ON se.id = i.series WHERE i.id = ?1)",
	[W_CONTENT] = "UPDATE instance SET sop_class = ?3, number = ?4, content_date = ?5, content_time = ?6, rows = ?7, columns = ?8, frames = ?9,"
	              " bits = ?10, ts = ?11, oid = ?12, size = ?13, dataset_at = ?14, digest = ?15, received_digest = ?15, pixel_digest = ?16,"
	              " calling = ?17, address = ?18, received_ms = ?19 WHERE id = ?1 AND oid = ?2",
	[W_CONFLICT_ADD] = "INSERT INTO conflict(instance, oid, reason, sop_uid, study_uid, series_uid, ts, size, dataset_at, digest, calling, address, at_ms)"
	                   " VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
	[W_CONFLICT_FIND] = "SELECT oid FROM conflict WHERE instance = ? AND digest = ? AND oid IS NOT NULL",
	[W_QUARANTINE_ADD] = "INSERT INTO quarantine(path, reason, calling, address, at_ms) VALUES(?, ?, ?, ?, ?)",
	[W_QUARANTINE_HAS] = "SELECT 1 FROM quarantine WHERE path = ?",
	[W_UNKNOWN_ADD] = "INSERT INTO unknown_ae(calling, called, address, first_ms, last_ms, count) VALUES(?1, ?2, ?3, ?4, ?4, 1)"
	                  " ON CONFLICT(calling) DO UPDATE SET called = ?2, address = ?3, last_ms = ?4, count = count + 1",
	[W_UNKNOWN_BOUND] = "DELETE FROM unknown_ae WHERE calling IN (SELECT calling FROM unknown_ae ORDER BY last_ms DESC LIMIT -1 OFFSET ?)",
	[W_UNKNOWN_FORGET] = "DELETE FROM unknown_ae WHERE calling = ?",
	[W_GARBAGE_ADD] = "INSERT OR IGNORE INTO garbage(oid) VALUES(?)",
	[W_GARBAGE_NEXT] = "SELECT oid FROM garbage ORDER BY oid LIMIT 1",
	[W_TEXT_ADD] = "INSERT INTO text_seen(calling, day, said, how, declared, found, objects, studies, study_uid) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)"
	               " ON CONFLICT DO UPDATE SET objects = objects + ?7, studies = studies + ?8, study_uid = ?9",
	[W_DURABLE_SET] = "UPDATE durable SET seq = ?",
	[W_YOUNG_NEXT] = "SELECT a.seq, " INDEX_INSTANCE_COLUMNS " FROM arrival a JOIN instance i ON i.id = a.instance" INDEX_INSTANCE_JOINS
	                 "WHERE a.seq > max(?, (SELECT seq FROM durable)) ORDER BY a.seq LIMIT 1",
	[W_EDIT_RULES] = "SELECT seq, n, tag, value, to_study, to_series FROM edit_rule WHERE study = ?1 AND (seq, n) > (?2, ?3) AND is_void = 0"
	                 " AND (tag <> 0 OR to_study <> '') AND (series = '' OR series = ?4) AND (sop = '' OR sop = ?5) ORDER BY seq, n",
	[W_GARBAGE_DONE] = "DELETE FROM garbage WHERE oid = ?",
};

enum err index_writer_open(const char *dir, struct index_writer **out, struct why *why)
{
	char path[4200];
	struct index_writer *w = fault_fails(FAULT_ALLOC) ? NULL : calloc(1, sizeof(*w));
	*out = NULL;
	if (!w)
		return fail(why, ERR_NOMEM, "no memory for the index writer");
	snprintf(path, sizeof(path), "%s/" INDEX_FILE, dir);
	enum err e = sql_open_writer(path, &index_schema, &w->db, why);
	if (!e)
		e = sql_prepare_all(w->db, texts, W_STATEMENTS, w->st, why);
	if (!e)
		e = header_packer_init(&w->pack, why);
	int64_t changes = 0;
	if (!e)
		e = index_patient_seq(w, &changes, why);
	w->has_changes = changes > 0;
	if (!e)
		e = index_edit_any(w, &w->has_edits, why);
	if (e)
		index_writer_close(&w);
	*out = w;
	return e;
}

void index_writer_close(struct index_writer **w)
{
	if (!*w)
		return;
	sql_finalize_all((*w)->st, W_STATEMENTS);
	sql_close(&(*w)->db);
	header_packer_fini(&(*w)->pack);
	free(*w);
	*w = NULL;
}

enum err index_begin(struct index_writer *w, struct why *why)
{
	return sql_run(w->st[W_BEGIN], why);
}

enum err index_commit(struct index_writer *w, struct why *why)
{
	enum err e = index_flush(w, why);
	return e ? e : sql_run(w->st[W_COMMIT], why);
}

void index_rollback(struct index_writer *w)
{
	for (size_t i = 0; i < W_STATEMENTS; i++)
		sql_done(w->st[i]);
	/* After some failures SQLite has rolled back by itself; a second time would be an error. */
	if (!sqlite3_get_autocommit(w->db))
		sqlite3_exec(w->db, "ROLLBACK", NULL, NULL, NULL);
	memset(&w->cache, 0, sizeof(w->cache));
	header_packer_forget(&w->pack);
}

void index_checkpoint(struct index_writer *w)
{
	sql_checkpoint(w->db, LOG_BYTES);
}

enum err index_bulk_begin(struct index_writer *w, struct why *why)
{
	return sql_exec(w->db, "PRAGMA synchronous=OFF; PRAGMA cache_size=-524288", why);
}

/* The checkpoint syncs the whole file, but only when it has something to copy: hence the version, written as it is. */
enum err index_bulk_end(struct index_writer *w, struct why *why)
{
	char version[64];

	snprintf(version, sizeof(version), "PRAGMA user_version=%d", index_schema.step_count);
	enum err e = sql_exec(w->db, "UPDATE durable SET seq = (SELECT coalesce(max(seq), 0) FROM arrival);"
	                             " PRAGMA synchronous=FULL; PRAGMA cache_size=" SQL_WRITER_CACHE, why);
	if (!e)
		e = sql_exec(w->db, version, why);
	return e ? e : sql_exec(w->db, "PRAGMA wal_checkpoint(TRUNCATE)", why);
}

/* Is there a row? Unknown counts as yes. */
static bool has_row(sqlite3_stmt *st)
{
	enum err e = sql_step(st, NULL);
	if (e == ERR_OK)
		sql_done(st);
	return e != ERR_END;
}

enum err index_lookup(struct index_writer *w, const char *sop_uid, struct index_instance *out, struct why *why)
{
	sqlite3_stmt *st = w->st[W_LOOKUP];
	sql_bind_text(st, 1, sop_uid);
	enum err e = sql_step(st, why);
	if (e)
		return e == ERR_END ? ERR_NOT_FOUND : e;
	index_instance_take(st, 0, out);
	sql_done(st);
	return ERR_OK;
}

enum err index_resize(struct index_writer *w, uint64_t instance, uint64_t size, struct why *why)
{
	static const enum writer_statement parents[] = { W_RESIZE_SERIES, W_RESIZE_STUDY };
	enum err e = ERR_OK;
	for (size_t i = 0; !e && i < NELEM(parents); i++) {
		sql_bind_int(w->st[parents[i]], 1, (int64_t)instance);
		sql_bind_int(w->st[parents[i]], 2, (int64_t)size);
		e = sql_run(w->st[parents[i]], why);
	}
	return e;
}

enum err index_replace(struct index_writer *w, uint64_t instance, uint64_t old_oid, uint64_t new_oid, uint64_t size, uint64_t dataset_at,
                       const char *ts, const char *digest, const char *pixel_digest, struct why *why)
{
	int64_t ts_id = 0;
	enum err e = index_term(w, ts, &ts_id, why);
	if (!e)
		e = index_resize(w, instance, size, why);
	if (e)
		return e;
	sqlite3_stmt *st = w->st[W_REPLACE];
	sql_bind_int(st, 1, (int64_t)instance);
	sql_bind_int(st, 2, (int64_t)old_oid);
	sql_bind_int(st, 3, (int64_t)new_oid);
	sql_bind_int(st, 4, (int64_t)size);
	sql_bind_int(st, 5, (int64_t)dataset_at);
	sql_bind_int(st, 6, ts_id);
	sql_bind_digest(st, 7, digest);
	sql_bind_digest(st, 8, pixel_digest);
	e = sql_run(st, why);
	if (!e && sqlite3_changes(w->db) == 0)
		return fail(why, ERR_CONFLICT, "instance %llu has no longer file %llu", (unsigned long long)instance, (unsigned long long)old_oid);
	return e ? e : index_add_garbage(w, old_oid, why);
}

enum err index_add_arrival(struct index_writer *w, uint64_t instance, enum index_arrival_kind kind, int64_t *seq, struct why *why)
{
	sqlite3_stmt *st = w->st[W_ARRIVAL_ADD];
	sql_bind_int(st, 1, (int64_t)instance);
	sql_bind_int(st, 2, kind);
	enum err e = sql_run(st, why);
	*seq = sqlite3_last_insert_rowid(w->db);
	return e;
}

enum err index_set_durable(struct index_writer *w, int64_t seq, struct why *why)
{
	sql_bind_int(w->st[W_DURABLE_SET], 1, seq);
	return sql_run(w->st[W_DURABLE_SET], why);
}

enum err index_next_young(struct index_writer *w, int64_t after, int64_t *seq, struct index_instance *out, struct why *why)
{
	sqlite3_stmt *st = w->st[W_YOUNG_NEXT];
	sql_bind_int(st, 1, after);
	enum err e = sql_step(st, why);
	if (e)
		return e;
	*seq = sql_int(st, 0);
	index_instance_take(st, 1, out);
	sql_done(st);
	return ERR_OK;
}

enum err index_add_conflict(struct index_writer *w, uint64_t instance, uint64_t oid, const struct index_record *r, const char *reason, struct why *why)
{
	sqlite3_stmt *st = w->st[W_CONFLICT_ADD];
	struct index_host host = index_host(r->address);
	sql_bind_int(st, 1, (int64_t)instance);
	if (oid)
		sql_bind_int(st, 2, (int64_t)oid);
	sql_bind_text(st, 3, reason);
	sql_bind_text(st, 4, r->sop_uid);
	sql_bind_text(st, 5, r->study_uid);
	sql_bind_text(st, 6, r->series_uid);
	sql_bind_text(st, 7, r->ts);
	sql_bind_int(st, 8, (int64_t)r->size);
	sql_bind_int(st, 9, (int64_t)r->dataset_at);
	sql_bind_digest(st, 10, r->digest);
	sql_bind_text(st, 11, r->calling);
	sql_bind_text(st, 12, host.s);
	sql_bind_int(st, 13, r->received_ms);
	return sql_run(st, why);
}

enum err index_find_conflict(struct index_writer *w, uint64_t instance, const char *digest, uint64_t *oid, struct why *why)
{
	sqlite3_stmt *st = w->st[W_CONFLICT_FIND];
	sql_bind_int(st, 1, (int64_t)instance);
	sql_bind_digest(st, 2, digest);
	enum err e = sql_step(st, why);
	if (e)
		return e == ERR_END ? ERR_NOT_FOUND : e;
	*oid = (uint64_t)sql_int(st, 0);
	sql_done(st);
	return ERR_OK;
}

enum err index_add_quarantine(struct index_writer *w, const char *path, const char *reason, const char *calling, const char *address, struct why *why)
{
	sqlite3_stmt *st = w->st[W_QUARANTINE_ADD];
	struct index_host host = index_host(address);
	sql_bind_text(st, 1, path);
	sql_bind_text(st, 2, reason);
	sql_bind_text(st, 3, calling);
	sql_bind_text(st, 4, host.s);
	sql_bind_int(st, 5, clock_wall_ms());
	return sql_run(st, why);
}

bool index_has_quarantine(struct index_writer *w, const char *path)
{
	sql_bind_text(w->st[W_QUARANTINE_HAS], 1, path);
	return has_row(w->st[W_QUARANTINE_HAS]);
}

enum err index_note_unknown(struct index_writer *w, const char *calling, const char *called, const char *address, struct why *why)
{
	sqlite3_stmt *st = w->st[W_UNKNOWN_ADD];
	struct index_host host = index_host(address);
	sql_bind_text(st, 1, calling);
	sql_bind_text(st, 2, called);
	sql_bind_text(st, 3, host.s);
	sql_bind_int(st, 4, clock_wall_ms());
	enum err e = sql_run(st, why);
	if (e)
		return e;
	sql_bind_int(w->st[W_UNKNOWN_BOUND], 1, BOUND_PENDING_AE);
	return sql_run(w->st[W_UNKNOWN_BOUND], why);
}

enum err index_forget_unknown(struct index_writer *w, const char *calling, struct why *why)
{
	sql_bind_text(w->st[W_UNKNOWN_FORGET], 1, calling);
	return sql_run(w->st[W_UNKNOWN_FORGET], why);
}

/* ---- files ---- */

enum err index_max_oid(struct index_writer *w, uint64_t *out, struct why *why)
{
	sqlite3_stmt *st = w->st[W_MAX_OID];
	enum err e = sql_step(st, why);
	if (e)
		return e;
	*out = (uint64_t)sql_int(st, 0);
	sql_done(st);
	return ERR_OK;
}

bool index_has_oid(struct index_writer *w, uint64_t oid)
{
	sql_bind_int(w->st[W_HAS_OID], 1, (int64_t)oid);
	return has_row(w->st[W_HAS_OID]);
}

enum err index_add_garbage(struct index_writer *w, uint64_t oid, struct why *why)
{
	sql_bind_int(w->st[W_GARBAGE_ADD], 1, (int64_t)oid);
	return sql_run(w->st[W_GARBAGE_ADD], why);
}

enum err index_next_oid(struct index_writer *w, uint64_t from, uint64_t *out, struct why *why)
{
	sqlite3_stmt *st = w->st[W_NEXT_OID];
	sql_bind_int(st, 1, (int64_t)from);
	enum err e = sql_step(st, why);
	if (e)
		return e;
	*out = (uint64_t)sql_int(st, 0);
	sql_done(st);
	return ERR_OK;
}

enum err index_garbage_next(struct index_writer *w, uint64_t *oid, struct why *why)
{
	sqlite3_stmt *st = w->st[W_GARBAGE_NEXT];
	enum err e = sql_step(st, why);
	if (e)
		return e;
	*oid = (uint64_t)sql_int(st, 0);
	sql_done(st);
	return ERR_OK;
}

enum err index_garbage_done(struct index_writer *w, uint64_t oid, struct why *why)
{
	sql_bind_int(w->st[W_GARBAGE_DONE], 1, (int64_t)oid);
	return sql_run(w->st[W_GARBAGE_DONE], why);
}
