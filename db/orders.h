/* orders - imaging orders (scheduled procedure steps) in work.db, and which arriving study belongs to which.
 *
 * Writing functions run on the one thread that writes work.db, inside the transaction of its owner (db/work.h): an error
 * means that what was done since the last mark must be taken back. Reading is by orders_reader, one connection each.
 *
 * 1. An order is known by (accession number, step ID); a message that names neither finds it by its placer or filler number.
 *    The same message twice changes nothing.
 * 2. An order never changes its patient by an order message: that is a patient merge (orders_merge_patient).
 * 3. Each change leaves a row in order_event, in the same transaction.
 */
#ifndef DB_ORDERS_H
#define DB_ORDERS_H

#include "db/index.h"
#include "pacs/orders/order.h"

struct sqlite3;
extern const char orders_schema[];       /* a migration step of work.db */

struct order_row {
	int64_t id;
	struct order o;
	enum order_state state;
	char source[65];                 /* who brought it: "hl7 10.1.2.3", "csv", "hand" */
	char note[129];                  /* why it was cancelled or discontinued */
	struct uid matched;              /* a study that has come for it; "" none */
	char how[17];                    /* by what it was matched */
	int64_t created_ms, changed_ms;
};

enum orders_outcome { ORDERS_CREATED, ORDERS_CHANGED, ORDERS_SAME };
/* Inserts, or lays the fields that are not empty over the order that is known by the same numbers. What is missing is made: Study
 * Instance UID (the one of other steps of the same accession), step ID, procedure ID, accession, date. A cancelled order that
 * comes again is scheduled again. *id is the order's row.
 * ERR_FORMAT: too little is known (order_check). ERR_CONFLICT: it belongs to another patient, or several steps fit. */
enum err orders_put(struct sqlite3 *db, const struct order *o, const char *source, int64_t now_ms, int64_t *id, enum orders_outcome *out, struct why *why) MUST_USE;
/* Every step that `o` names by accession, placer or filler, and by step ID where that is given, gets this state. What is already
 * COMPLETED or DISCONTINUED stays. *n counts. ERR_NOT_FOUND: nothing is known by these numbers. */
enum err orders_set_state(struct sqlite3 *db, const struct order *o, enum order_state to, const char *note, const char *source, int64_t now_ms, unsigned *n, struct why *why) MUST_USE;
/* One order, by its row. A final state is never left, but CANCELED by STARTED (the examination is done after all). */
enum err orders_move(struct sqlite3 *db, int64_t id, enum order_state to, const char *note, const char *who, int64_t now_ms, struct why *why) MUST_USE;
/* ERR_NOT_FOUND. */
enum err orders_get(struct sqlite3 *db, int64_t id, struct order_row *out, struct why *why) MUST_USE;
/* The orders of a patient that are not yet done get what is not empty of name, birth date, sex, admission and location. */
enum err orders_update_patient(struct sqlite3 *db, const struct order *patient, const char *source, int64_t now_ms, unsigned *n, struct why *why) MUST_USE;
/* Every order of (old_id, old_issuer) becomes one of `patient`. */
enum err orders_merge_patient(struct sqlite3 *db, const char *old_id, const char *old_issuer, const struct order *patient, const char *source, int64_t now_ms, unsigned *n, struct why *why) MUST_USE;

/* ---- matching ----
 * In this order, the first that finds something decides: the Study Instance UID that we gave the order; the accession number
 * (with a patient that is not another); patient ID with issuer, date, and modality where both say one. */
enum order_how { HOW_NONE, HOW_STUDY_UID, HOW_ACCESSION, HOW_PATIENT_DATE, HOW_AMBIGUOUS, HOW_OTHER_PATIENT, HOW_COUNT };
const char *order_how_name(enum order_how h);    /* kept on disk */

/* A study that has arrived; remembered whether something fits or not, so that a later order can find it. *id 0: none. */
enum err orders_match_study(struct sqlite3 *db, const struct index_study *st, int64_t now_ms, enum order_how *how, int64_t *id, struct why *why) MUST_USE;
bool     orders_is_matched(struct sqlite3 *db, const char *study_uid);
/* Was it looked at as it is now: with this accession, patient, date and these modalities? */
bool     orders_knows_study(struct sqlite3 *db, const struct index_study *st);
/* Studies that came before their order: those that have none yet and fit this one; fn gets each that is its own now. *n counts. */
enum err orders_match_order(struct sqlite3 *db, int64_t id, int64_t now_ms, enum err (*fn)(void *arg, const char *study_uid, struct why *why), void *arg,
                            unsigned *n, struct why *why) MUST_USE;
/* The order of a study; ERR_NOT_FOUND. */
enum err orders_of_study(struct sqlite3 *db, const char *study_uid, struct order_row *out, struct why *why) MUST_USE;
/* The study is complete: its order, unless a modality step is still under way, is COMPLETED. */
enum err orders_study_complete(struct sqlite3 *db, const char *study_uid, int64_t now_ms, struct why *why) MUST_USE;

/* ---- messages that could not be used ---- */
struct order_message {
	int64_t id, at_ms;
	char from[65], type[33], control[65], reason[321];
	struct bytes raw;                /* as it came; lent during the call */
};
/* The oldest go when there are over BOUND_HL7_QUARANTINE. */
enum err orders_quarantine(struct sqlite3 *db, const struct order_message *m, struct why *why) MUST_USE;

/* ---- reading ---- */
struct orders_reader;
enum err orders_reader_open(const char *dir, struct orders_reader **out, struct why *why) MUST_USE;      /* ERR_NOT_FOUND: no work.db yet */
void     orders_reader_close(struct orders_reader **r);
struct sqlite3 *orders_reader_db(struct orders_reader *r);      /* for orders_get(), orders_of_study(); lent */

struct orders_filter {
	unsigned states;                 /* bits 1 << ORDER_x; 0: all */
	const char *from, *to;           /* dates, "" or NULL: open */
	const char *accession, *patient_id;      /* "" or NULL: any */
};
/* id > after, ascending, at most max; fn returns false to stop. */
enum err orders_page(struct orders_reader *r, const struct orders_filter *f, int64_t after, unsigned max,
                     bool (*fn)(void *arg, const struct order_row *row), void *arg, struct why *why) MUST_USE;
/* Newest first. */
enum err orders_list(struct orders_reader *r, const struct orders_filter *f, unsigned limit,
                     bool (*fn)(void *arg, const struct order_row *row), void *arg, struct why *why) MUST_USE;
/* Studies that came and have no order, newest first. */
struct order_study { struct uid study_uid; char how[17], accession[65], patient_id[257], date[9], modality[129]; unsigned candidates; int64_t at_ms; };
enum err orders_unmatched(struct orders_reader *r, unsigned limit, bool (*fn)(void *arg, const struct order_study *s), void *arg, struct why *why) MUST_USE;
/* What is known of one study; ERR_NOT_FOUND: it was never looked at. */
enum err orders_study_get(struct orders_reader *r, const char *study_uid, struct order_study *out, struct why *why) MUST_USE;
enum err orders_messages(struct orders_reader *r, unsigned limit, bool (*fn)(void *arg, const struct order_message *m), void *arg, struct why *why) MUST_USE;

#endif
