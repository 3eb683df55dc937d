/* work_keep - what keeps work.db small and right over the years: forgetting finished jobs, and knowing which index.db its numbers are of.
 *
 * Forgetting   only finished jobs older than `keep_jobs` days go, and only when no confirmation of them is wanted
 *              (invariant 6 speaks of jobs that are to be done). With them old requests, duties that were answered, events and notices.
 * Another index  job.instance is a row number of index.db. When that was rebuilt from the files the numbers are others and seq
 *              begins anew; index.db has an identity, so this is seen. Every job is then found again by its SOP Instance UID,
 *              and the router plans from the start. An arrival whose jobs were planned and forgotten is passed over: it came
 *              before the last one that was planned, less `keep_jobs`.
 *
 * Threads  the one that writes work.db, inside its transaction.
 */
#ifndef DB_WORK_KEEP_H
#define DB_WORK_KEEP_H

#include "db/work.h"

/* Forgets at most `max` rows of each kind that changed before before_ms and that no job needs; *n counts them. 0: nothing is left to forget. */
enum err work_forget(struct work *w, int64_t before_ms, unsigned max, unsigned *n, struct why *why) MUST_USE;

/* Looks whether this is the index.db that is known. *is_new: it is another one; jobs have been found again and the cursor is 0.
 * The first index of all is only noted. */
enum err work_know_index(struct work *w, struct index_reader *ix, bool *is_new, struct why *why) MUST_USE;
/* The same look without changing anything, for readers. */
enum err work_is_known_index(struct sqlite3 *db, struct index_reader *ix, bool *out, struct why *why) MUST_USE;

/* Arrivals up to this seq that came before this time were planned under an earlier index, and their jobs may be forgotten. Zeros: none. */
struct work_planned { int64_t upto_seq, before_ms; };
enum err work_planned_before(struct work *w, struct work_planned *out, struct why *why) MUST_USE;
/* The arrival at the cursor: when it came, and whose it is (the witness: an older copy of the same index.db has another there). */
enum err work_note_planned(struct work *w, int64_t received_ms, const char *sop_uid, struct why *why) MUST_USE;

#endif
