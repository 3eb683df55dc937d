/* patients - the journal in work.db of patient updates and merges and of people's corrections (db/edit.h): what was asked, in one
 * order, and kept for ever.
 *
 * It is the truth behind the index's own copy (db/index.h): an index that is built anew from the files gets every change again, in
 * the same order. Writing functions run on the thread that writes work.db, in the transaction of its owner.
 */
#ifndef DB_PATIENTS_H
#define DB_PATIENTS_H

#include "db/index.h"

struct sqlite3;
extern const char patients_schema[], patients_edits[];       /* migration steps of work.db */

/* c->seq is given here: above every one before, and above the floor. */
enum err patients_add(struct sqlite3 *db, struct index_patient_change *c, struct why *why) MUST_USE;
/* The index has applied this one: numbers go on behind it, also when work.db is newer than the index. */
enum err patients_floor(struct sqlite3 *db, int64_t seq, struct why *why) MUST_USE;
enum err patients_last(struct sqlite3 *db, int64_t *seq, struct why *why) MUST_USE;      /* 0: none */
/* seq > after, ascending, at most max, and fewer when they have very many rules. patients_free() what came out, also after an error. */
enum err patients_after(struct sqlite3 *db, int64_t after, struct index_patient_change *out, size_t max, size_t *n, struct why *why) MUST_USE;

/* The same, corrections only. */
enum err patients_edits_after(struct sqlite3 *db, int64_t after, struct index_patient_change *out, size_t max, size_t *n, struct why *why) MUST_USE;
/* The entry that takes this one back; 0: it counts. */
enum err patients_reverted_by(struct sqlite3 *db, int64_t seq, int64_t *by, struct why *why) MUST_USE;
void     patients_free(struct index_patient_change *c, size_t n);

#endif
