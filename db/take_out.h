/* take_out - the one home for taking images out of the index: retention, and what a person deletes.
 *
 * Their rows go, their files become garbage (index_garbage_next() names them, after the commit they are unlinked); what is left of study,
 * series and patient is counted anew or goes too. Numbers that were in use are never given again, also when the highest go.
 *
 * Inside a transaction of the writer.
 */
#ifndef DB_TAKE_OUT_H
#define DB_TAKE_OUT_H

#include "db/index_writer.h"

struct take_out {
	int64_t study;                       /* row */
	const char *series_uid, *sop_uid;    /* "": all */
	int64_t max_oid, before_ms;          /* only images with a number up to here, that came until then */
	uint64_t instances, bytes;           /* out: what went */
};
enum err take_out(struct index_writer *w, struct take_out *t, struct why *why) MUST_USE;
/* What is counted of a study and its series, from its instances; series without any go, and then the study and its patient.
 * *is_gone: it went. May be NULL. */
enum err take_out_recount(struct index_writer *w, int64_t study, bool *is_gone, struct why *why) MUST_USE;
/* The patient goes when no study is his. */
enum err take_out_patient(struct index_writer *w, int64_t patient, struct why *why) MUST_USE;

#endif
