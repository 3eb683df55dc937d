/* What corrections say of one image. */
#include "db/index_edit.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include "pacs/base/fault.h"
#include "pacs/dicom/match.h"

/* ---- columns ---- */

#define COLUMN(tag, field, vr) { tag, offsetof(struct index_record, field), vr }
static const struct { uint32_t tag; size_t offset; vr_t moment; } columns[] = {
	COLUMN(TAG_STUDY_DATE, study_date, VR_DA), COLUMN(TAG_STUDY_TIME, study_time, VR_TM), COLUMN(TAG_ACCESSION_NUMBER, accession, 0),
	COLUMN(TAG(0x0020, 0x0010), study_id, 0), COLUMN(TAG(0x0008, 0x1030), study_description, 0), COLUMN(TAG(0x0008, 0x0090), referring, 0),
	COLUMN(TAG_MODALITY, modality, 0), COLUMN(TAG(0x0020, 0x0011), series_number, 0), COLUMN(TAG(0x0008, 0x103E), series_description, 0),
	COLUMN(TAG(0x0018, 0x0015), body_part, 0), COLUMN(TAG(0x0018, 0x1030), protocol, 0), COLUMN(TAG(0x0008, 0x1010), station, 0),
	COLUMN(TAG(0x0008, 0x0080), institution, 0), COLUMN(TAG(0x0008, 0x0021), series_date, VR_DA), COLUMN(TAG(0x0008, 0x0031), series_time, VR_TM),
	COLUMN(TAG(0x0020, 0x0013), instance_number, 0), COLUMN(TAG(0x0008, 0x0023), content_date, VR_DA), COLUMN(TAG(0x0008, 0x0033), content_time, VR_TM),
};

void index_edit_columns(const struct index_resolved *now, struct index_record *r)
{
	for (size_t i = 0; i < now->count; i++)
		for (size_t k = 0; k < NELEM(columns); k++)
			if (columns[k].tag == now->values[i].tag) {
				const struct edited_value *v = &now->values[i];
				const char *text = columns[k].moment ? v->moment : v->value;
				memcpy((char *)r + columns[k].offset, &text, sizeof(text));
			}
}

static void note_moment(struct edited_value *v)
{
	for (size_t k = 0; k < NELEM(columns); k++)
		if (columns[k].tag == v->tag && columns[k].moment)
			match_normalise(columns[k].moment, v->value, v->moment);
}

/* ---- rules ---- */

bool edit_is_patient(uint32_t tag)
{
	return tag == TAG_PATIENT_ID || tag == TAG(0x0010, 0x0021) || tag == TAG_PATIENT_NAME || tag == TAG(0x0010, 0x0030) || tag == TAG(0x0010, 0x0040);
}

static void set_patient(struct index_resolved *r, uint32_t tag, const char *value)
{
	const struct { uint32_t tag; char *p; size_t cap; } fields[] = {
		{ TAG_PATIENT_ID, r->patient_id, sizeof(r->patient_id) }, { TAG(0x0010, 0x0021), r->issuer, sizeof(r->issuer) },
		{ TAG_PATIENT_NAME, r->name, sizeof(r->name) }, { TAG(0x0010, 0x0030), r->birth_date, sizeof(r->birth_date) },
		{ TAG(0x0010, 0x0040), r->sex, sizeof(r->sex) },
	};
	for (size_t i = 0; i < NELEM(fields); i++)
		if (fields[i].tag == tag)
			snprintf(fields[i].p, fields[i].cap, "%s", value);
}

static enum err set_value(struct index_resolved *r, uint32_t tag, const char *value, struct why *why)
{
	size_t i = 0;
	while (i < r->count && r->values[i].tag != tag)
		i++;
	if (i == r->cap) {
		size_t cap = r->cap ? 2 * r->cap : 8;
		struct edited_value *grown = fault_fails(FAULT_ALLOC) ? NULL : realloc(r->values, cap * sizeof(*grown));
		if (!grown)
			return fail(why, ERR_NOMEM, "no memory for the corrections of an image");
		r->values = grown;
		r->cap = cap;
	}
	if (i == r->count)
		r->count++;
	r->values[i] = (struct edited_value){ .tag = tag };
	snprintf(r->values[i].value, sizeof(r->values[i].value), "%s", value);
	note_moment(&r->values[i]);
	return ERR_OK;
}

/* One row; *moved: what follows speaks of another study. */
static enum err obey(sqlite3_stmt *st, struct index_resolved *r, bool *moved, struct why *why)
{
	uint32_t tag = (uint32_t)sql_int(st, 2);
	r->seq = sql_int(st, 0);
	if (tag && edit_is_patient(tag)) {
		set_patient(r, tag, sql_text(st, 3));
		r->merged_at = r->seq;
	} else if (tag) {
		return set_value(r, tag, sql_text(st, 3), why);
	} else {
		sql_copy(st, 4, r->study_uid.s, sizeof(r->study_uid.s));
		if (sql_text(st, 5)[0])
			sql_copy(st, 5, r->series_uid.s, sizeof(r->series_uid.s));
		r->is_moved = *moved = true;
	}
	return ERR_OK;
}

/* Those of one study behind (seq, n), up to one that moves the image to another. */
static enum err walk_study(struct index_writer *w, struct index_resolved *r, int64_t *seq, int64_t *n, bool *moved, struct why *why)
{
	sqlite3_stmt *st = w->st[W_EDIT_RULES];
	enum err e = ERR_OK;
	struct uid study = r->study_uid, series = r->series_uid;
	*moved = false;
	sql_bind_text(st, 1, study.s);
	sql_bind_int(st, 2, *seq);
	sql_bind_int(st, 3, *n);
	sql_bind_text(st, 4, series.s);
	sql_bind_text(st, 5, r->sop_uid.s);
	while (!*moved && !(e = sql_step(st, why))) {
		*seq = sql_int(st, 0);
		*n = sql_int(st, 1);
		e = obey(st, r, moved, why);
		if (e)
			break;
	}
	if (e != ERR_END)
		sql_done(st);
	return e == ERR_END ? ERR_OK : e;
}

enum err index_edit_walk(struct index_writer *w, struct index_resolved *out, struct why *why)
{
	int64_t seq = 0, n = -1;
	bool moved = true;
	enum err e = ERR_OK;
	/* (seq, n) rises with each rule, so that there is an end. */
	while (!e && moved)
		e = walk_study(w, out, &seq, &n, &moved, why);
	if (!e && out->is_moved)
		e = set_value(out, TAG_STUDY_UID, out->study_uid.s, why);
	if (!e && out->is_moved)
		e = set_value(out, TAG_SERIES_UID, out->series_uid.s, why);
	return e;
}

enum err index_edit_any(struct index_writer *w, bool *out, struct why *why)
{
	int64_t n = 0;
	enum err e = sql_number(w->db, why, &n, "SELECT EXISTS (SELECT 1 FROM edit_rule)", "");
	*out = n != 0;
	return e;
}

enum err index_edit_put(struct index_writer *w, uint64_t instance, const struct index_resolved *now, struct why *why)
{
	enum err e = sql_do(w->db, why, "DELETE FROM edited WHERE instance = ?1", "i", (int64_t)instance);
	for (size_t i = 0; !e && i < now->count; i++)
		e = sql_do(w->db, why, "INSERT INTO edited(instance, tag, value) VALUES(?1, ?2, ?3)", "iit", (int64_t)instance, (int64_t)now->values[i].tag, now->values[i].value);
	return e;
}
