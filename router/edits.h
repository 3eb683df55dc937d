/* edits - corrections that a person asks for with `pacs study`: checked, written into the journal, and followed in work.db.
 *
 *   `pacs study ...` --study.edit--> one task of the work thread: checks against the index, one entry of the journal (db/patients.h)
 *        --> answer (the entry is on disk) --> router/patients hands it to storescp --> index.db --> edits_follow(): jobs, items, orders
 *
 * Requests on the router's socket:
 *
 *   {"op":"study.edit","kind":K,"who":W,"reason":R, ...}    -> {"seq":N,"study":UID}       study: the one that a split makes, else ""
 *        tag     "study" [,"series" | "instance"], "values":[["KEYWORD or gggg,eeee","VALUE"], ...], "patient":BOOL      the name, birth
 *                date or sex of the patient in all his studies
 *        merge   "study", "from":[UID, ...], "patient":BOOL      the patients may differ: those of from become that of study
 *        split   "study", "series":[UID, ...] | "instances":[UID, ...], "into":UID       into "": a new study
 *        delete  "study" [,"series":[UID, ...] | "instances":[UID, ...]], "force":BOOL
 *        revert  "target":N
 *   ERR_BUSY: an earlier entry has not been applied yet, and what is asked for may depend on it.
 */
#ifndef ROUTER_EDITS_H
#define ROUTER_EDITS_H

#include "db/edit.h"
#include "router/router.h"

/* true: it is its request and will be answered. */
bool     edits_handle_ctl(struct router *r, struct ctl_request *rq, const char *op, const json_t *body);

/* ---- edits_check.c: a request to an entry ---- */
struct edit_request {
	const json_t *body;
	struct sqlite3 *work;
	struct index_reader *ix;
	struct edit *made;               /* out, owned by the caller */
	struct uid study;                /* out: a new one */
};
/* Work thread. Each refusal says what was seen and what to do. */
enum err edits_check(struct edit_request *q, struct why *why) MUST_USE;

/* An empty entry of so many rules, with who and why. */
enum err edits_begin(struct edit_request *q, enum edit_kind kind, size_t rules, struct why *why) MUST_USE;

/* ---- edits_revert.c ---- */
enum err edits_check_revert(struct edit_request *q, struct why *why) MUST_USE;

/* ---- edits_patient.c ---- */
enum { EDIT_PATIENT_TAGS = 5 };
/* The five rules that make a study somebody's: what is given (NULL: not), the rest from who has the ID, else from the study. Given in
 * the order ID, issuer, name, birth date, sex. everywhere: when he stays the same, in all his studies; each has five rules then.
 * At most `room` rules (EDIT_PATIENT_TAGS at least); *n says how many. */
enum err edits_patient_rules(struct index_reader *ix, const char *study_uid, const char *const given[EDIT_PATIENT_TAGS], bool everywhere,
                             struct edit_rule *rules, size_t room, size_t *n, struct why *why) MUST_USE;
/* Of whom INTO is, for a study that becomes part of it. */
enum err edits_patient_of(struct index_reader *ix, const char *from, const char *into, struct edit_rule *rules, bool *is_same, struct why *why) MUST_USE;
int      edits_patient_place(uint32_t tag);      /* in `given`; -1: none of a patient's */

/* ---- edits_follow.c ---- */
/* Loop thread: the index has applied entries up to here. */
void     edits_follow(struct router *r, int64_t applied);

#endif
