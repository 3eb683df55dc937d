#include "db/index_edit.h"

#include <stdio.h>
#include <stdlib.h>

#include "pacs/dicom/charset.h"
#include "pacs/dicom/text_fold.h"

enum { NAME_MAX_BYTES = 4096 };  /* a person name of three groups of 64 characters is under 800 bytes */

struct index_host index_host(const char *address)
{
	struct index_host h;
	snprintf(h.s, sizeof(h.s), "%s", address);
	char *colon = strrchr(h.s, ':');
	if (colon)
		*colon = '\0';
	return h;
}

enum err index_term(struct index_writer *w, const char *text, int64_t *id, struct why *why)
{
	struct cached_term *slot = cache_term(&w->cache, text);
	if (slot->id && !strcmp(slot->text, text)) {
		*id = slot->id;
		return ERR_OK;
	}
	sql_bind_text(w->st[W_TERM_GET], 1, text);
	enum err e = sql_step(w->st[W_TERM_GET], why);
	if (e == ERR_OK) {
		*id = sql_int(w->st[W_TERM_GET], 0);
		sql_done(w->st[W_TERM_GET]);
	} else if (e == ERR_END) {
		sql_bind_text(w->st[W_TERM_ADD], 1, text);
		e = sql_run(w->st[W_TERM_ADD], why);
		*id = sqlite3_last_insert_rowid(w->db);
	}
	if (!e && strlen(text) < sizeof(slot->text)) {
		slot->id = *id;
		snprintf(slot->text, sizeof(slot->text), "%s", text);
	}
	return e;
}

/* ---- patient ---- */

/* Inserts, or gets and fills in what was unknown. *differs: the ID is taken by somebody else, as far as
 * name and birth date can tell. A name alone is no sign: one person is written in pinyin and in Han. */
static enum err patient_of(struct index_writer *w, const struct index_record *r, int64_t *id, bool *differs, struct why *why)
{
	struct buf fold;
	buf_init(&fold, NAME_MAX_BYTES);
	text_fold(r->patient_name, &fold);
	const char *name_fold = buf_cstr(&fold), *surrogate = r->patient_id[0] ? "" : r->study_uid;
	sqlite3_stmt *get = w->st[W_PATIENT_GET], *put;
	sql_bind_text(get, 1, r->patient_id);
	sql_bind_text(get, 2, r->issuer);
	sql_bind_text(get, 3, surrogate);
	enum err e = sql_step(get, why);
	if (e == ERR_OK) {
		*id = sql_int(get, 0);
		*differs = sql_text(get, 1)[0] && name_fold[0] && strcmp(sql_text(get, 1), name_fold) &&
		           sql_text(get, 2)[0] && r->birth_date[0] && strcmp(sql_text(get, 2), r->birth_date);
		sql_done(get);
		put = w->st[W_PATIENT_FILL];
		sql_bind_int(put, 1, *id);
		sql_bind_text(put, 2, r->patient_name);
		sql_bind_text(put, 3, name_fold);
		sql_bind_text(put, 4, r->birth_date);
		sql_bind_text(put, 5, r->sex);
		e = *differs ? ERR_OK : sql_run(put, why);
	} else if (e == ERR_END) {
		put = w->st[W_PATIENT_ADD];
		const char *const values[] = { r->patient_id, r->issuer, surrogate, r->patient_name, name_fold, r->birth_date, r->sex };
		for (size_t i = 0; i < NELEM(values); i++)
			sql_bind_text(put, (int)i + 1, values[i]);
		e = sql_run(put, why);
		*id = sqlite3_last_insert_rowid(w->db);
	}
	buf_fini(&fold);
	return e;
}

/* ---- study ---- */

static enum err flush_study(struct index_writer *w, struct cached_study *s, struct why *why)
{
	sqlite3_stmt *st = w->st[W_STUDY_COUNT];
	sql_bind_int(st, 1, s->id);
	sql_bind_int(st, 2, s->series);
	sql_bind_int(st, 3, s->instances);
	sql_bind_int(st, 4, s->bytes);
	sql_bind_text(st, 5, s->modalities);
	sql_bind_int(st, 6, s->last_received_ms);
	sql_bind_int(st, 7, s->first_received_ms);
	enum err e = sql_run(st, why);
	s->is_dirty = false;
	s->series = s->instances = s->bytes = 0;
	return e;
}

static enum err insert_study(struct index_writer *w, const struct index_record *r, int64_t patient, int64_t change, int64_t *id, struct why *why)
{
	sqlite3_stmt *st = w->st[W_STUDY_ADD];
	const char *const values[] = { r->study_uid, r->study_date, r->study_time, r->accession, r->study_id, r->study_description,
	                               r->referring, r->body_part, r->institution, r->calling, r->charset_how };
	sql_bind_int(st, 1, patient);
	for (size_t i = 0; i < NELEM(values); i++)
		sql_bind_text(st, (int)i + 2, values[i]);
	sql_bind_int(st, 13, r->received_ms);
	sql_bind_int(st, 14, change);
	enum err e = sql_run(st, why);
	*id = sqlite3_last_insert_rowid(w->db);
	return e;
}

static void remember_study(struct cached_study *s, const char *uid, int64_t id, const char *patient_id, const char *issuer, const char *modalities)
{
	*s = (struct cached_study){ .id = id };
	snprintf(s->uid, sizeof(s->uid), "%s", uid);
	snprintf(s->patient_id, sizeof(s->patient_id), "%s", patient_id);
	snprintf(s->issuer, sizeof(s->issuer), "%s", issuer);
	snprintf(s->modalities, sizeof(s->modalities), "%s", modalities);
}

/* Text in the cache is cut; two that agree in what is left count as equal. */
static bool same_text(const char *cached, const char *text)
{
	return !strncmp(cached, text, CACHE_TEXT - 1);
}

/* The study's entry, loaded or made. *reason is set when something does not fit. */
static enum err study_of(struct index_writer *w, const struct index_record *r, int64_t change, struct cached_study **out, bool *is_new, const char **reason, struct why *why)
{
	struct cached_study *s = *out = cache_study(&w->cache, r->study_uid);
	enum err e = ERR_OK;
	if (!s->id || strcmp(s->uid, r->study_uid)) {
		if (s->id && s->is_dirty && (e = flush_study(w, s, why)))
			return e;
		s->id = 0;
		sqlite3_stmt *get = w->st[W_STUDY_GET];
		sql_bind_text(get, 1, r->study_uid);
		e = sql_step(get, why);
		if (e == ERR_OK) {
			remember_study(s, r->study_uid, sql_int(get, 0), sql_text(get, 2), sql_text(get, 3), sql_text(get, 1));
			sql_done(get);
		} else if (e == ERR_END) {
			int64_t patient = 0, id = 0;
			bool differs = false;
			e = patient_of(w, r, &patient, &differs, why);
			if (!e)
				e = insert_study(w, r, patient, change, &id, why);
			if (e)
				return e;
			remember_study(s, r->study_uid, id, r->patient_id, r->issuer, "");
			*is_new = true;
			if (differs)
				*reason = "patient has another name and birth date";
		} else {
			return e;
		}
	}
	if (!same_text(s->patient_id, r->patient_id) || !same_text(s->issuer, r->issuer))
		*reason = "study belongs to another patient";
	return ERR_OK;
}

/* Keeps the list sorted and without doubles; one that does not fit any more is left out. */
static void add_modality(char list[129], const char *modality)
{
	char out[129] = "";
	size_t n = 0, len = strlen(modality);
	bool placed = len == 0 || len > 16;
	for (char *rest = list; *rest || !placed;) {
		size_t one = strcspn(rest, "\\");
		int order = placed || !*rest ? 0 : strncmp(modality, rest, one > len ? one : len);
		bool is_mine = !placed && (!*rest || order <= 0);
		const char *take = is_mine ? modality : rest;
		size_t take_len = is_mine ? len : one;
		if (!is_mine || (*rest && len == one && !order))        /* an equal one takes the place of the old */
			rest += rest[one] ? one + 1 : one;
		placed = placed || is_mine;
		if (n + (n > 0) + take_len >= sizeof(out))
			return;
		n += (size_t)snprintf(out + n, sizeof(out) - n, "%s%.*s", n ? "\\" : "", (int)take_len, take);
	}
	memcpy(list, out, sizeof(out));
}

/* ---- series ---- */

static enum err flush_series(struct index_writer *w, struct cached_series *s, struct why *why)
{
	sqlite3_stmt *st = w->st[W_SERIES_COUNT];
	sql_bind_int(st, 1, s->id);
	sql_bind_int(st, 2, s->instances);
	sql_bind_int(st, 3, s->bytes);
	enum err e = sql_run(st, why);
	s->is_dirty = false;
	s->instances = s->bytes = 0;
	return e;
}

enum err index_fill_study(struct index_writer *w, const struct index_record *r, int64_t study, struct why *why)
{
	sqlite3_stmt *st = w->st[W_STUDY_FILL];
	const char *const values[] = { r->study_date, r->study_time, r->accession, r->study_id, r->study_description,
	                               r->referring, r->body_part, r->institution };
	sql_bind_int(st, 1, study);
	for (size_t i = 0; i < NELEM(values); i++)
		sql_bind_text(st, (int)i + 2, values[i]);
	return sql_run(st, why);
}

static enum err insert_series(struct index_writer *w, const struct index_record *r, struct cached_study *study, int64_t *id, const char **reason, struct why *why)
{
	sqlite3_stmt *st = w->st[W_SERIES_ELSEWHERE];
	sql_bind_text(st, 1, r->series_uid);
	sql_bind_int(st, 2, study->id);
	enum err e = sql_step(st, why);
	if (e == ERR_OK) {
		sql_done(st);
		*reason = "series stands in another study";
	} else if (e != ERR_END) {
		return e;
	}
	st = w->st[W_SERIES_ADD];
	const char *const values[] = { r->series_uid, r->modality, r->series_number, r->series_description, r->body_part, r->protocol,
	                               r->station, r->institution, r->series_date, r->series_time };
	sql_bind_int(st, 1, study->id);
	for (size_t i = 0; i < NELEM(values); i++)
		sql_bind_text(st, (int)i + 2, values[i]);
	e = sql_run(st, why);
	*id = sqlite3_last_insert_rowid(w->db);
	if (!e)
		e = index_fill_study(w, r, study->id, why);
	study->series++;
	study->is_dirty = true;
	add_modality(study->modalities, r->modality);
	return e;
}

static enum err series_of(struct index_writer *w, const struct index_record *r, struct cached_study *study, struct cached_series **out,
                          const char **reason, struct why *why)
{
	struct cached_series *s = *out = cache_series(&w->cache, r->series_uid, study->id);
	enum err e = ERR_OK;
	if (s->id && s->study == study->id && !strcmp(s->uid, r->series_uid))
		return ERR_OK;
	if (s->id && s->is_dirty && (e = flush_series(w, s, why)))
		return e;
	s->id = 0;
	sqlite3_stmt *get = w->st[W_SERIES_GET];
	int64_t id = 0;
	sql_bind_text(get, 1, r->series_uid);
	sql_bind_int(get, 2, study->id);
	e = sql_step(get, why);
	if (e == ERR_OK) {
		id = sql_int(get, 0);
		sql_done(get);
	} else if (e == ERR_END) {
		e = insert_series(w, r, study, &id, reason, why);
	}
	if (e)
		return e;
	*s = (struct cached_series){ .id = id, .study = study->id };
	snprintf(s->uid, sizeof(s->uid), "%s", r->series_uid);
	return ERR_OK;
}

enum err index_flush(struct index_writer *w, struct why *why)
{
	enum err e = ERR_OK;
	for (size_t i = 0; !e && i < CACHE_STUDIES; i++)
		if (w->cache.studies[i].is_dirty)
			e = flush_study(w, &w->cache.studies[i], why);
	for (size_t i = 0; !e && i < CACHE_SERIES; i++)
		if (w->cache.series[i].is_dirty)
			e = flush_series(w, &w->cache.series[i], why);
	return e ? e : text_seen_flush(w, why);
}

/* ---- instance ---- */

/* The columns that W_INSTANCE_ADD and W_CONTENT share, from parameter 3 on. */
static enum err bind_instance(struct index_writer *w, sqlite3_stmt *st, const struct index_record *r, struct why *why)
{
	int64_t sop_class = 0, ts = 0, calling = 0, address = 0;
	struct index_host host = index_host(r->address);
	enum err e = index_term(w, r->sop_class, &sop_class, why);
	if (!e)
		e = index_term(w, r->ts, &ts, why);
	if (!e)
		e = index_term(w, r->calling, &calling, why);
	if (!e)
		e = index_term(w, host.s, &address, why);
	sql_bind_int(st, 3, sop_class);
	sql_bind_text(st, 4, r->instance_number);
	sql_bind_text(st, 5, r->content_date);
	sql_bind_text(st, 6, r->content_time);
	sql_bind_int(st, 7, r->rows);
	sql_bind_int(st, 8, r->columns);
	sql_bind_int(st, 9, r->frames);
	sql_bind_int(st, 10, r->bits);
	sql_bind_int(st, 11, ts);
	sql_bind_int(st, 12, (int64_t)r->oid);
	sql_bind_int(st, 13, (int64_t)r->size);
	sql_bind_int(st, 14, (int64_t)r->dataset_at);
	sql_bind_digest(st, 15, r->digest);
	sql_bind_digest(st, 16, r->pixel_digest);
	sql_bind_int(st, 17, calling);
	sql_bind_int(st, 18, address);
	sql_bind_int(st, 19, r->received_ms);
	return e;
}

static enum err has_sop(struct index_writer *w, const char *sop_uid, struct why *why)
{
	sqlite3_stmt *st = w->st[W_HAS_SOP];
	sql_bind_text(st, 1, sop_uid);
	enum err e = sql_step(st, why);
	if (e == ERR_END)
		return ERR_OK;
	if (e == ERR_OK)
		sql_done(st);
	return e ? e : ERR_EXISTS;
}

enum err index_resolve(struct index_writer *w, const struct index_record *r, struct index_record *copy, struct index_resolved *now, struct why *why)
{
	*copy = *r;
	now->seq = 0;
	now->is_moved = false;
	now->values = NULL;
	now->count = 0;
	if (!w->has_changes)
		return ERR_OK;
	enum err e = index_patient_resolve(w, r, now, why);
	if (!e && now->seq) {
		copy->patient_id = now->patient_id;
		copy->issuer = now->issuer;
		copy->patient_name = now->name;
		copy->birth_date = now->birth_date;
		copy->sex = now->sex;
		copy->study_uid = now->study_uid.s;
		copy->series_uid = now->series_uid.s;
		index_edit_columns(now, copy);
	}
	return e;
}

enum err index_place(struct index_writer *w, const struct index_record *r, int64_t seq, int64_t *study, int64_t *series, struct why *why)
{
	struct cached_study *st = NULL;
	struct cached_series *se = NULL;
	const char *reason = NULL;
	bool is_new = false;
	enum err e = study_of(w, r, seq, &st, &is_new, &reason, why);
	if (!e)
		e = series_of(w, r, st, &se, &reason, why);
	if (!e) {
		*study = st->id;
		*series = se->id;
	}
	return e;
}

enum err index_patient_place(struct index_writer *w, const struct index_record *r, int64_t *patient, struct why *why)
{
	bool differs;
	return patient_of(w, r, patient, &differs, why);
}

/* A later image that a change speaks of joins a study whose first ones no change spoke of. */
static enum err mark_study(struct index_writer *w, int64_t study, int64_t seq, struct why *why)
{
	sql_bind_int(w->st[W_STUDY_CHANGED], 1, study);
	sql_bind_int(w->st[W_STUDY_CHANGED], 2, seq);
	return sql_run(w->st[W_STUDY_CHANGED], why);
}

static enum err add_resolved(struct index_writer *w, const struct index_record *r, const struct index_resolved *now, uint64_t *instance, int64_t *seq, struct why *why)
{
	struct cached_study *study = NULL;
	struct cached_series *series = NULL;
	const char *study_reason = NULL, *series_reason = NULL;
	bool is_new_study = false;
	enum err e = study_of(w, r, now->seq, &study, &is_new_study, &study_reason, why);
	if (!e)
		e = series_of(w, r, study, &series, &series_reason, why);
	if (!e && now->seq && !is_new_study)
		e = mark_study(w, study->id, now->seq, why);
	if (!e)
		e = bind_instance(w, w->st[W_INSTANCE_ADD], r, why);
	if (e)
		return e;
	sql_bind_int(w->st[W_INSTANCE_ADD], 1, series->id);
	sql_bind_text(w->st[W_INSTANCE_ADD], 2, r->sop_uid);
	e = sql_run(w->st[W_INSTANCE_ADD], why);
	*instance = (uint64_t)sqlite3_last_insert_rowid(w->db);
	if (!e)
		e = index_put_header(w, *instance, r, why);
	if (!e && now->count)
		e = index_edit_put(w, *instance, now, why);
	/* What a person moved here is no conflict. */
	if (!e && study_reason && !now->is_moved)
		e = index_add_conflict(w, *instance, 0, r, study_reason, why);
	if (!e && series_reason && !now->is_moved)
		e = index_add_conflict(w, *instance, 0, r, series_reason, why);
	if (!e)
		e = index_add_arrival(w, *instance, ARRIVAL_NEW, seq, why);
	if (!e)
		e = text_seen_note(w, r, is_new_study, why);
	study->is_dirty = series->is_dirty = true;
	study->instances++;
	series->instances++;
	study->bytes += (int64_t)r->size;
	series->bytes += (int64_t)r->size;
	bool is_first = study->instances == 1;
	if (is_first || r->received_ms < study->first_received_ms)
		study->first_received_ms = r->received_ms;
	if (is_first || r->received_ms > study->last_received_ms)
		study->last_received_ms = r->received_ms;
	/* The key of an earlier row can only be the file's: the SOP Instance UID was looked for above. */
	return e == ERR_EXISTS ? fail(why, ERR_CONFLICT, "file %llu has a row already", (unsigned long long)r->oid) : e;
}

enum err index_add(struct index_writer *w, const struct index_record *received, uint64_t *instance, int64_t *seq, struct why *why)
{
	struct index_resolved now;
	struct index_record r;
	if (!received->study_uid[0] || !received->series_uid[0] || !received->sop_uid[0])
		return fail(why, ERR_MISMATCH, "an instance without Study, Series or SOP Instance UID");
	enum err e = has_sop(w, received->sop_uid, why);
	if (e)
		return e;
	e = index_resolve(w, received, &r, &now, why);
	if (!e)
		e = add_resolved(w, &r, &now, instance, seq, why);
	index_resolved_fini(&now);
	return e;
}

enum err index_where(struct index_writer *w, const struct index_record *r, struct uid *study, struct uid *series, struct why *why)
{
	struct index_resolved now;
	struct index_record copy;
	enum err e = index_resolve(w, r, &copy, &now, why);
	if (!e) {
		snprintf(study->s, sizeof(study->s), "%s", copy.study_uid);
		snprintf(series->s, sizeof(series->s), "%s", copy.series_uid);
	}
	index_resolved_fini(&now);
	return e;
}

static enum err new_content(struct index_writer *w, uint64_t instance, uint64_t old_oid, const struct index_record *r, const struct index_resolved *now, struct why *why)
{
	enum err e = index_resize(w, instance, r->size, why);
	sqlite3_stmt *st = w->st[W_CONTENT];
	if (!e)
		e = bind_instance(w, st, r, why);
	if (e)
		return e;
	sql_bind_int(st, 1, (int64_t)instance);
	sql_bind_int(st, 2, (int64_t)old_oid);
	e = sql_run(st, why);
	if (!e && sqlite3_changes(w->db) == 0)
		return fail(why, ERR_CONFLICT, "instance %llu has no longer file %llu", (unsigned long long)instance, (unsigned long long)old_oid);
	if (!e && w->has_edits)
		e = index_edit_put(w, instance, now, why);
	return e ? e : index_put_header(w, instance, r, why);
}

enum err index_new_content(struct index_writer *w, uint64_t instance, uint64_t old_oid, const struct index_record *received, struct why *why)
{
	struct index_resolved now;
	struct index_record r;
	enum err e = index_resolve(w, received, &r, &now, why);
	if (!e)
		e = new_content(w, instance, old_oid, &r, &now, why);
	index_resolved_fini(&now);
	return e;
}
