#include "db/index_reader.h"

#include <stdio.h>
#include <stdlib.h>

#include "db/name_search.h"
#include "db/query_impl.h"
#include "db/header_pack.h"
#include "db/schema.h"
#include "db/sql_match.h"
#include "pacs/base/bounds.h"
#include "pacs/base/fault.h"

enum { FILTER_MAX = 1 << 20 };   /* texts of a filter and their folded forms */
enum { GET, GET_BY_UID, ARRIVALS, HEADER, REFERENCE, STUDY, STUDY_INSTANCES, UNKNOWN, COUNTS, KINDS, PATIENT_OF, EDITED, STATEMENTS };

#define STUDY_COLUMNS \
	"st.study_uid, p.patient_id, p.issuer, p.name, p.birth_date, p.sex, st.study_date, st.study_time, st.accession, st.study_id," \
	" st.description, st.referring, st.modalities, st.body_part, st.institution, st.calling, st.series, st.instances, st.bytes," \
	" st.first_received_ms, st.last_received_ms"
#define STUDY_TABLES " FROM study st JOIN patient p ON p.id = st.patient "

static const char *const texts[STATEMENTS] = {
	[GET] = "SELECT " INDEX_INSTANCE_COLUMNS " FROM instance i" INDEX_INSTANCE_JOINS "WHERE i.id = ?",
	[GET_BY_UID] = "SELECT " INDEX_INSTANCE_COLUMNS " FROM instance i" INDEX_INSTANCE_JOINS "WHERE i.sop_uid = ?",
	/* CROSS JOIN: the planner may not start anywhere but at the arrivals. */
	[ARRIVALS] = "SELECT " INDEX_INSTANCE_COLUMNS ", a.seq, k.text, se.modality, se.body_part, i.received_ms"
	             " FROM arrival a CROSS JOIN instance i ON i.id = a.instance" INDEX_INSTANCE_JOINS
	             "JOIN term k ON k.id = i.calling WHERE a.seq > ? ORDER BY a.seq LIMIT ?",
	[HEADER] = "SELECT z, encoding, ref FROM header WHERE instance = ?",
	[REFERENCE] = "SELECT part FROM header_ref WHERE id = ?",
	[STUDY] = "SELECT " STUDY_COLUMNS STUDY_TABLES "WHERE st.study_uid = ?",
	[STUDY_INSTANCES] = "SELECT " INDEX_INSTANCE_COLUMNS " FROM instance i" INDEX_INSTANCE_JOINS
	                    "WHERE st.study_uid = ? ORDER BY se.id, CAST(i.number AS INTEGER), i.id",
	[PATIENT_OF] = "SELECT p.patient_id, p.issuer, p.name, p.birth_date, p.sex, coalesce((SELECT at_ms FROM patient_change WHERE seq = st.change), 0),"
	               " coalesce((SELECT edit FROM patient_change WHERE seq = st.change), 0)"
	               " FROM instance i JOIN series se ON se.id = i.series JOIN study st ON st.id = se.study JOIN patient p ON p.id = st.patient WHERE i.id = ?",
	/* An image that was moved says of its study what the study says (2097165 is 0020000D). */
	[EDITED] = "WITH e AS (SELECT tag, value FROM edited WHERE instance = ?1),"
	           " v(tag) AS (VALUES(524320), (524336), (524368), (2097168), (528432), (524432)),"
	           " s(tag, value) AS MATERIALIZED (SELECT v.tag, CASE v.tag WHEN 524320 THEN st.study_date WHEN 524336 THEN replace(st.study_time, '.000000', '') WHEN 524368 THEN st.accession"
	           "   WHEN 2097168 THEN st.study_id WHEN 528432 THEN st.description ELSE st.referring END"
	           "   FROM v, instance i JOIN series se ON se.id = i.series"
	           "   JOIN study st ON st.id = se.study WHERE i.id = ?1 AND EXISTS (SELECT 1 FROM e WHERE tag = 2097165))"
	           " SELECT tag, value FROM e WHERE tag NOT IN (SELECT tag FROM s WHERE value <> '') UNION ALL SELECT tag, value FROM s WHERE value <> '' ORDER BY tag",
	[UNKNOWN] = "SELECT calling, called, address, first_ms, last_ms, count FROM unknown_ae ORDER BY last_ms DESC",
	[KINDS] = "SELECT c.text, t.text, k.n FROM (SELECT sop_class, ts, count(*) n FROM"
	          " (SELECT sop_class, ts FROM instance ORDER BY id DESC LIMIT 20000) GROUP BY sop_class, ts) k"
	          " JOIN term c ON c.id = k.sop_class JOIN term t ON t.id = k.ts ORDER BY k.n DESC LIMIT ?",
	[COUNTS] = ("SELECT (SELECT count(*) FROM patient), count(*), coalesce(sum(series), 0), coalesce(sum(instances), 0), coalesce(sum(bytes), 0),"
	           " (SELECT count(*) FROM conflict), (SELECT count(*) FROM quarantine), (SELECT coalesce(max(seq), 0) FROM arrival) FROM study"),
};

struct index_reader {
	sqlite3 *db;
	sqlite3_stmt *st[STATEMENTS];
	struct header_unpacker unpack;
};

enum err index_reader_open(const char *dir, struct index_reader **out, struct why *why)
{
	char path[4200];
	struct index_reader *r = fault_fails(FAULT_ALLOC) ? NULL : calloc(1, sizeof(*r));
	if (!r)
		return fail(why, ERR_NOMEM, "no memory for an index reader");
	snprintf(path, sizeof(path), "%s/" INDEX_FILE, dir);
	enum err e = sql_open_reader(path, &index_schema, &r->db, why);
	if (!e)
		e = sql_match_add(r->db, why);
	if (!e)
		e = name_search_add_first(r->db, why);
	if (!e)
		e = sql_prepare_all(r->db, texts, STATEMENTS, r->st, why);
	if (!e)
		e = header_unpacker_init(&r->unpack, why);
	if (e)
		index_reader_close(&r);
	*out = r;
	return e;
}

void index_reader_close(struct index_reader **r)
{
	if (!*r)
		return;
	sql_finalize_all((*r)->st, STATEMENTS);
	sql_close(&(*r)->db);
	header_unpacker_fini(&(*r)->unpack);
	free(*r);
	*r = NULL;
}

enum err index_patient_of(struct index_reader *r, uint64_t instance, struct index_patient *out, struct why *why)
{
	sqlite3_stmt *st = r->st[PATIENT_OF];
	sql_bind_int(st, 1, (int64_t)instance);
	enum err e = sql_step(st, why);
	if (e)
		return e == ERR_END ? fail(why, ERR_NOT_FOUND, "instance %llu is not in the index", (unsigned long long)instance) : e;
	sql_copy(st, 0, out->patient_id, sizeof(out->patient_id));
	sql_copy(st, 1, out->issuer, sizeof(out->issuer));
	sql_copy(st, 2, out->name, sizeof(out->name));
	sql_copy(st, 3, out->birth_date, sizeof(out->birth_date));
	sql_copy(st, 4, out->sex, sizeof(out->sex));
	out->changed_ms = sql_int(st, 5);
	out->is_correction = sql_int(st, 6) != 0;
	sql_done(st);
	return ERR_OK;
}

enum err index_edited(struct index_reader *r, uint64_t instance, bool (*fn)(void *arg, uint32_t tag, const char *value), void *arg, struct why *why)
{
	sqlite3_stmt *st = r->st[EDITED];
	enum err e;
	sql_bind_int(st, 1, (int64_t)instance);
	while ((e = sql_step(st, why)) == ERR_OK)
		if (!fn(arg, (uint32_t)sql_int(st, 0), sql_text(st, 1))) {
			sql_done(st);
			return ERR_OK;
		}
	return e == ERR_END ? ERR_OK : e;
}

enum err index_snapshot_begin(struct index_reader *r, struct why *why)
{
	return sql_exec(r->db, "BEGIN", why);
}

void index_snapshot_end(struct index_reader *r)
{
	sqlite3_exec(r->db, "COMMIT", NULL, NULL, NULL);          /* it only read: nothing can be lost */
}

sqlite3 *index_reader_db(struct index_reader *r)
{
	return r->db;
}

void index_instance_take(sqlite3_stmt *st, int first, struct index_instance *out)
{
	out->instance = (uint64_t)sql_int(st, first);
	out->oid = (uint64_t)sql_int(st, first + 1);
	out->size = (uint64_t)sql_int(st, first + 2);
	out->dataset_at = (uint64_t)sql_int(st, first + 3);
	sql_digest(st, first + 4, out->digest);
	sql_digest(st, first + 5, out->received_digest);
	sql_digest(st, first + 6, out->pixel_digest);
	sql_copy(st, first + 7, out->sop_uid.s, sizeof(out->sop_uid.s));
	sql_copy(st, first + 8, out->sop_class.s, sizeof(out->sop_class.s));
	sql_copy(st, first + 9, out->ts.s, sizeof(out->ts.s));
	sql_copy(st, first + 10, out->study_uid.s, sizeof(out->study_uid.s));
	sql_copy(st, first + 11, out->series_uid.s, sizeof(out->series_uid.s));
	out->change = sql_int(st, first + 12);
}

/* The one row of a bound statement. */
static enum err get_one(sqlite3_stmt *st, struct index_instance *out, struct why *why)
{
	enum err e = sql_step(st, why);
	if (e)
		return e == ERR_END ? ERR_NOT_FOUND : e;
	index_instance_take(st, 0, out);
	sql_done(st);
	return ERR_OK;
}

enum err index_get(struct index_reader *r, uint64_t instance, struct index_instance *out, struct why *why)
{
	sql_bind_int(r->st[GET], 1, (int64_t)instance);
	enum err e = get_one(r->st[GET], out, why);
	return e == ERR_NOT_FOUND ? fail(why, e, "instance %llu is not in the index", (unsigned long long)instance) : e;
}

enum err index_get_by_uid(struct index_reader *r, const char *sop_uid, struct index_instance *out, struct why *why)
{
	sql_bind_text(r->st[GET_BY_UID], 1, sop_uid);
	enum err e = get_one(r->st[GET_BY_UID], out, why);
	return e == ERR_NOT_FOUND ? fail(why, e, "instance %s is not in the index", sop_uid) : e;
}

enum err index_latest_kinds(struct index_reader *r, struct index_kind *out, size_t max, size_t *n, struct why *why)
{
	sqlite3_stmt *st = r->st[KINDS];
	enum err e = ERR_OK;
	*n = 0;
	sql_bind_int(st, 1, (int64_t)max);
	while (*n < max && (e = sql_step(st, why)) == ERR_OK) {
		sql_copy(st, 0, out[*n].sop_class.s, sizeof(out->sop_class.s));
		sql_copy(st, 1, out[*n].ts.s, sizeof(out->ts.s));
		out[(*n)++].instances = (uint64_t)sql_int(st, 2);
	}
	if (e == ERR_OK)
		sql_done(st);
	return e == ERR_END ? ERR_OK : e;
}

enum err index_arrivals(struct index_reader *r, int64_t after, struct index_arrival *out, size_t max, size_t *n, struct why *why)
{
	sqlite3_stmt *st = r->st[ARRIVALS];
	enum { C = INDEX_INSTANCE_COLUMN_COUNT };
	enum err e = ERR_OK;
	*n = 0;
	if (!max)
		return ERR_OK;
	sql_bind_int(st, 1, after);
	sql_bind_int(st, 2, (int64_t)max);
	while (*n < max && (e = sql_step(st, why)) == ERR_OK) {
		struct index_arrival *a = &out[(*n)++];
		index_instance_take(st, 0, &a->what);
		a->seq = sql_int(st, C);
		sql_copy(st, C + 1, a->calling, sizeof(a->calling));
		sql_copy(st, C + 2, a->modality, sizeof(a->modality));
		sql_copy(st, C + 3, a->body_part, sizeof(a->body_part));
		a->received_ms = sql_int(st, C + 4);
	}
	if (e == ERR_OK)
		sql_done(st);
	return e == ERR_END ? ERR_OK : e;
}

/* The reference that a header was packed against is at hand. */
static enum err load_reference(struct index_reader *r, int64_t ref, struct why *why)
{
	sqlite3_stmt *st = r->st[REFERENCE];
	if (!ref || header_unpacker_has(&r->unpack, ref))
		return ERR_OK;
	sql_bind_int(st, 1, ref);
	enum err e = sql_step(st, why);
	if (e)
		return e == ERR_END ? fail(why, ERR_FORMAT, "reference header %lld is not in the index", (long long)ref) : e;
	e = header_unpacker_add(&r->unpack, ref, sql_blob(st, 0), why);
	sql_done(st);
	return e;
}

enum err index_header(struct index_reader *r, uint64_t instance, uint8_t **header, size_t *len, int *encoding, struct why *why)
{
	sqlite3_stmt *st = r->st[HEADER];
	*header = NULL;
	sql_bind_int(st, 1, (int64_t)instance);
	enum err e = sql_step(st, why);
	if (e)
		return e == ERR_END ? fail(why, ERR_NOT_FOUND, "instance %llu has no header in the index", (unsigned long long)instance) : e;
	e = load_reference(r, sql_int(st, 2), why);
	if (!e)
		e = header_unpack(&r->unpack, sql_int(st, 2), sql_blob(st, 0), header, len, why);
	*encoding = (int)sql_int(st, 1);
	sql_done(st);
	return e;
}

/* ---- studies ---- */

static void take_study(sqlite3_stmt *st, struct index_study *s)
{
	int c = 0;
	const struct { char *p; size_t cap; } fields[] = {
		{ s->study_uid.s, sizeof(s->study_uid.s) }, { s->patient_id, sizeof(s->patient_id) }, { s->issuer, sizeof(s->issuer) },
		{ s->patient_name, sizeof(s->patient_name) }, { s->birth_date, sizeof(s->birth_date) }, { s->sex, sizeof(s->sex) },
		{ s->study_date, sizeof(s->study_date) }, { s->study_time, sizeof(s->study_time) }, { s->accession, sizeof(s->accession) },
		{ s->study_id, sizeof(s->study_id) }, { s->description, sizeof(s->description) }, { s->referring, sizeof(s->referring) },
		{ s->modalities, sizeof(s->modalities) }, { s->body_part, sizeof(s->body_part) }, { s->institution, sizeof(s->institution) },
		{ s->calling, sizeof(s->calling) },
	};
	for (size_t i = 0; i < NELEM(fields); i++)
		sql_copy(st, c++, fields[i].p, fields[i].cap);
	s->series = (unsigned)sql_int(st, c++);
	s->instances = (unsigned)sql_int(st, c++);
	s->bytes = (uint64_t)sql_int(st, c++);
	s->first_received_ms = sql_int(st, c++);
	s->last_received_ms = sql_int(st, c);
}

enum err index_study_get(struct index_reader *r, const char *study_uid, struct index_study *out, struct why *why)
{
	sqlite3_stmt *st = r->st[STUDY];
	sql_bind_text(st, 1, study_uid);
	enum err e = sql_step(st, why);
	if (e)
		return e == ERR_END ? fail(why, ERR_NOT_FOUND, "study %s is not in the index", study_uid) : e;
	take_study(st, out);
	sql_done(st);
	return ERR_OK;
}

/* Only the conditions that are asked for stand in the statement, so that each finds its index. */
static void write_list(struct sql_text *t, const struct index_study_filter *f, unsigned limit)
{
	const struct { const char *condition, *value; } equal[] = {
		{ " AND p.patient_id = ", f->patient_id }, { " AND st.accession = ", f->accession },
		{ " AND st.study_date >= ", f->from_date }, { " AND st.study_date <= ", f->to_date },
	};
	buf_add_str(&t->sql, "SELECT " STUDY_COLUMNS STUDY_TABLES "WHERE 1");
	for (size_t i = 0; i < NELEM(equal); i++) {
		if (!equal[i].value || !equal[i].value[0])
			continue;
		buf_add_str(&t->sql, equal[i].condition);
		sql_add_bind(t, equal[i].value);
	}
	if (f->patient_name && match_kind(VR_PN, f->patient_name) != MATCH_UNIVERSAL) {
		buf_add_str(&t->sql, " AND (");
		sql_name(t, "p.name_fold", f->patient_name);
		buf_add_str(&t->sql, ")");
	}
	buf_printf(&t->sql, " ORDER BY st.study_date DESC, st.study_time DESC, st.id DESC LIMIT %lld", limit ? (long long)limit : -1);
}

enum err index_study_list(struct index_reader *r, const struct index_study_filter *f, unsigned limit,
                          bool (*fn)(void *arg, const struct index_study *s), void *arg, struct why *why)
{
	struct arena a;
	struct sql_text t;
	sqlite3_stmt *st = NULL;
	struct index_study s;
	arena_init(&a, FILTER_MAX);
	sql_text_init(&t, &a);
	t.pinyin = f->pinyin;
	write_list(&t, f, limit);
	enum err e = sql_text_prepare(&t, r->db, &st, why);
	while (!e && (e = sql_step(st, why)) == ERR_OK) {
		take_study(st, &s);
		if (!fn(arg, &s))
			break;
	}
	sql_close_one(&st);
	sql_text_fini(&t);
	arena_fini(&a);
	return e == ERR_END ? ERR_OK : e;
}

enum err index_study_instances(struct index_reader *r, const char *study_uid, bool (*fn)(void *arg, const struct index_instance *i), void *arg, struct why *why)
{
	sqlite3_stmt *st = r->st[STUDY_INSTANCES];
	struct index_instance i;
	enum err e;
	sql_bind_text(st, 1, study_uid);
	while ((e = sql_step(st, why)) == ERR_OK) {
		index_instance_take(st, 0, &i);
		if (!fn(arg, &i)) {
			sql_done(st);
			return ERR_OK;
		}
	}
	return e == ERR_END ? ERR_OK : e;
}

/* ---- lists and counts ---- */

enum err index_unknown_list(struct index_reader *r, bool (*fn)(void *arg, const struct index_unknown *u), void *arg, struct why *why)
{
	sqlite3_stmt *st = r->st[UNKNOWN];
	struct index_unknown u;
	enum err e;
	while ((e = sql_step(st, why)) == ERR_OK) {
		sql_copy(st, 0, u.calling, sizeof(u.calling));
		sql_copy(st, 1, u.called, sizeof(u.called));
		sql_copy(st, 2, u.address, sizeof(u.address));
		u.first_ms = sql_int(st, 3);
		u.last_ms = sql_int(st, 4);
		u.count = (unsigned)sql_int(st, 5);
		if (!fn(arg, &u)) {
			sql_done(st);
			return ERR_OK;
		}
	}
	return e == ERR_END ? ERR_OK : e;
}

enum err index_counts(struct index_reader *r, struct index_counts *out, struct why *why)
{
	sqlite3_stmt *st = r->st[COUNTS];
	enum err e = sql_step(st, why);
	if (e)
		return e;
	*out = (struct index_counts){
		.patients = (uint64_t)sql_int(st, 0), .studies = (uint64_t)sql_int(st, 1), .series = (uint64_t)sql_int(st, 2),
		.instances = (uint64_t)sql_int(st, 3), .bytes = (uint64_t)sql_int(st, 4), .conflicts = (uint64_t)sql_int(st, 5),
		.quarantined = (uint64_t)sql_int(st, 6), .last_seq = sql_int(st, 7),
	};
	sql_done(st);
	return ERR_OK;
}
