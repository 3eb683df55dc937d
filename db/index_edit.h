/* index_edit - the inside of corrections, shared by index_edit.c, index_patient.c and index_add.c only. The contract is in index.h. */
#ifndef DB_INDEX_EDIT_H
#define DB_INDEX_EDIT_H

#include "db/edit.h"
#include "db/index_patient.h"

/* The five attributes that make a patient; they live in his row, and everything else in `edited`. */
bool     edit_is_patient(uint32_t tag);
/* What the rules say of the record, in their order: out's place, patient and values. *out is filled from the record before. */
enum err index_edit_walk(struct index_writer *w, struct index_resolved *out, struct why *why) MUST_USE;
/* Columns of the record that values of `now` replace; lent by now. */
void     index_edit_columns(const struct index_resolved *now, struct index_record *r);
/* What is told of the instance besides its header. */
enum err index_edit_put(struct index_writer *w, uint64_t instance, const struct index_resolved *now, struct why *why) MUST_USE;
/* Is there any rule? */
enum err index_edit_any(struct index_writer *w, bool *out, struct why *why) MUST_USE;

#endif
