/* edit_look - what is asked of the index before a correction is written down. Readers. */
#ifndef DB_EDIT_LOOK_H
#define DB_EDIT_LOOK_H

#include "db/index.h"

struct edit_patient { struct index_patient p; unsigned rows, studies; bool has_id; };      /* rows: patients found; studies: of the first */
/* The patient of a study. ERR_NOT_FOUND: no such study. */
enum err edit_look_study_patient(struct index_reader *r, const char *study_uid, struct edit_patient *out, struct why *why) MUST_USE;
/* Patients with this ID and issuer; issuer NULL: any. None: rows is 0. */
enum err edit_look_patient(struct index_reader *r, const char *patient_id, const char *issuer, struct edit_patient *out, struct why *why) MUST_USE;

/* All studies of this study's patient, itself among them; fn returns false to stop. */
enum err edit_look_studies_like(struct index_reader *r, const char *study_uid, bool (*fn)(void *arg, const char *study_uid), void *arg, struct why *why) MUST_USE;

struct edit_scope { uint64_t images; struct uid series; bool is_held; };       /* series: of the first image */
/* Images of a study, of one series of it, or one ("" all). */
enum err edit_look_scope(struct index_reader *r, const char *study_uid, const char *series_uid, const char *sop_uid, struct edit_scope *out, struct why *why) MUST_USE;

/* The last entry of the journal that the index has applied; the highest number of a file. */
enum err edit_look_applied(struct index_reader *r, int64_t *seq, struct why *why) MUST_USE;
enum err edit_look_max_oid(struct index_reader *r, uint64_t *oid, struct why *why) MUST_USE;

#endif
