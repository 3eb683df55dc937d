/* index_patient - the inside of patient changes, shared by index_patient.c, index_edit.c and index_add.c only. The contract is in index.h. */
#ifndef DB_INDEX_PATIENT_H
#define DB_INDEX_PATIENT_H

#include "db/index_writer.h"

/* One attribute of a correction, as it counts now. */
struct edited_value {
	uint32_t tag;
	char value[1025], moment[32];            /* moment: a date or time as a column has it */
};

/* Whom an arriving image is of now and where it stands, after every change that was made until today. */
struct index_resolved {
	char patient_id[1025], issuer[1025], name[1025], birth_date[9], sex[17];
	int64_t seq;                     /* the latest change that had a part in it; 0: none */
	int64_t merged_at;               /* changes of patients up to here are in it already */
	struct uid study_uid, series_uid, sop_uid;
	bool is_moved;                   /* study or series are not those that it came with */
	struct edited_value *values;     /* owned: index_resolved_fini() */
	size_t count, cap;
};
/* Only when the writer has changes (has_changes). */
enum err index_patient_resolve(struct index_writer *w, const struct index_record *r, struct index_resolved *out, struct why *why) MUST_USE;
void     index_resolved_fini(struct index_resolved *r);

/* ---- index_patient.c for index_edit.c ---- */
/* The copy of an entry, before it is applied. Forgets what the cache remembers. ERR_EXISTS: it was applied. */
enum err index_change_keep(struct index_writer *w, const struct index_patient_change *c, struct why *why) MUST_USE;
/* A history row of a study whose patient is about to become another. */
enum err index_patient_remember(struct index_writer *w, const struct index_patient_change *c, int64_t patient, int64_t study, struct why *why) MUST_USE;

/* ---- index_add.c for index_edit.c ---- */
/* The record as its image counts now; *copy's texts are lent by r and now. Fini now in every case. */
enum err index_resolve(struct index_writer *w, const struct index_record *r, struct index_record *copy, struct index_resolved *now, struct why *why) MUST_USE;
/* Study and series for a record of today, made when they are not there. */
enum err index_place(struct index_writer *w, const struct index_record *r, int64_t seq, int64_t *study, int64_t *series, struct why *why) MUST_USE;
/* His row, made when it is not there. */
enum err index_patient_place(struct index_writer *w, const struct index_record *r, int64_t *patient, struct why *why) MUST_USE;

#endif
