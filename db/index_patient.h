/* index_patient - the inside of patient changes, shared by index_patient.c and index_add.c only. The contract is in index.h. */
#ifndef DB_INDEX_PATIENT_H
#define DB_INDEX_PATIENT_H

#include "db/index_writer.h"

/* Whom an arriving image is of now, after every change that was made until today. */
struct index_resolved {
	char patient_id[1025], issuer[1025], name[1025], birth_date[9], sex[17];
	int64_t seq;                     /* the latest change that had a part in it; 0: none */
	int64_t merged_at;
};
/* Only when the writer has changes (has_changes). */
enum err index_patient_resolve(struct index_writer *w, const struct index_record *r, struct index_resolved *out, struct why *why) MUST_USE;

#endif
