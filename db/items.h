/* items - work items (UPS) in work.db: made, claimed, set, finished, re-issued.
 *
 * Writing functions run on the one thread that writes work.db, inside the transaction its owner (db/work.h)
 * has begun: a status other than UPS_OK changes nothing; an error means that the transaction must be rolled back.
 * Reading is by items_reader, one connection each, never two threads at once.
 *
 * 1. A claim is one UPDATE ... WHERE state='SCHEDULED': of any number of claimers exactly one wins.
 * 2. The Transaction UID stays in its column: not in the data set, not in events, not in any answer.
 * 3. Of one study and reader group at most one item is SCHEDULED (a unique index says so).
 * 4. Each change of an item leaves a row in item_event, in the same transaction.
 */
#ifndef DB_ITEMS_H
#define DB_ITEMS_H

#include "db/item_attrs.h"
#include "db/item_state.h"

struct sqlite3;

/* The tables, for the migrations of work.db. */
extern const char items_schema[];

struct item_row {
	int64_t id;
	struct uid uid, study_uid;
	struct uid replaces, replaced_by;        /* "" none */
	enum item_state state;
	char group[65], label[65], modality[129];
	char priority[17];                       /* HIGH MEDIUM LOW */
	char performer[BOUND_AET + 1];           /* who claimed it */
	char note[65];                           /* "late images", "escalated", "re-issued" */
	unsigned instances, revision;
	int64_t created_ms, modified_ms, claimed_ms, expected_ms;
};

/* ---- studies whose quiet time runs ---- */
struct item_pending {
	struct uid study_uid;
	char group[65];
	unsigned priority;                       /* 0 routine .. 9 stat: the highest that was asked for */
	int64_t last_arrival_ms;
};
/* An image of this study came for this reader group: the quiet time begins again. */
enum err items_pending_note(struct sqlite3 *db, const struct item_pending *p, struct why *why) MUST_USE;
/* The one that has been quiet longest; ERR_NOT_FOUND: none waits. */
enum err items_pending_first(struct sqlite3 *db, struct item_pending *out, struct why *why) MUST_USE;
/* The study is complete: its quiet time, if it runs, is over now. */
enum err items_pending_hurry(struct sqlite3 *db, const char *study_uid, struct why *why) MUST_USE;
/* It has its item. ERR_CONFLICT: another image came meanwhile (nothing is removed). */
enum err items_pending_done(struct sqlite3 *db, const struct item_pending *p, struct why *why) MUST_USE;

/* ---- making items ---- */
/* Inserts a SCHEDULED item. uid, study_uid, group, modality, instances, expected_ms, note and replaces come from `row`;
 * label and priority from the data set. ERR_EXISTS: one is SCHEDULED for this study and group. */
enum err items_insert(struct sqlite3 *db, const struct item_row *row, const struct dataset *ds, const char *who, int64_t now_ms, struct why *why) MUST_USE;
/* The newest item of a study and group; ERR_NOT_FOUND. */
enum err items_newest(struct sqlite3 *db, const char *study_uid, const char *group, struct item_row *out, struct why *why) MUST_USE;
/* New input for an item that nobody has claimed; ERR_CONFLICT: it is no longer SCHEDULED. */
enum err items_update_input(struct sqlite3 *db, const char *uid, const struct dataset *ds, unsigned instances, const char *who, int64_t now_ms, struct why *why) MUST_USE;
/* More is known of the request of an item that nobody has claimed; ERR_CONFLICT: it is no longer SCHEDULED. */
enum err items_update_request(struct sqlite3 *db, const char *uid, const struct dataset *ds, const char *who, int64_t now_ms, struct why *why) MUST_USE;
/* The items of a study that nobody has claimed, one for each group, at most max. */
enum err items_scheduled_of(struct sqlite3 *db, const char *study_uid, struct uid *out, size_t max, size_t *n, struct why *why) MUST_USE;
/* Row and data set (as kept) of one item. ERR_NOT_FOUND. */
enum err items_load(struct sqlite3 *db, const char *uid, struct arena *a, struct item_row *row, struct dataset **ds, struct why *why) MUST_USE;

/* ---- what performers do; *status is the DIMSE status to answer ---- */
/* `transaction` "" when none was given. why: the words when *status is a refusal. */
enum err items_change_state(struct sqlite3 *db, const char *uid, enum item_state to, const char *transaction, const char *who, int64_t now_ms,
                            uint16_t *status, struct why *why) MUST_USE;
enum err items_set(struct sqlite3 *db, const char *uid, const char *transaction, const struct dataset *changes, const char *who, int64_t now_ms,
                   uint16_t *status, struct why *why) MUST_USE;

/* ---- what the manager does with a cancelled item ---- */
/* A new SCHEDULED item replaces it; when late images have already brought one for the same study and group, that one does. *out: its UID. */
enum err items_reissue(struct sqlite3 *db, const char *uid, const char *who, int64_t now_ms, struct uid *out, struct why *why) MUST_USE;
/* The manager ends an item whose study is no more: SCHEDULED or IN PROGRESS, it is CANCELED, `reason` in its progress information.
 * ERR_CONFLICT: it has ended already. */
enum err items_cancel(struct sqlite3 *db, const char *uid, const char *reason, const char *who, int64_t now_ms, struct why *why) MUST_USE;
/* The items of a study that have not ended, at most max. */
enum err items_open_of(struct sqlite3 *db, const char *study_uid, struct uid *out, size_t max, size_t *n, struct why *why) MUST_USE;
/* What the study of an item says has changed, or it is of another study now. Who has claimed it is told by its note.
 * ERR_CONFLICT: it has ended. */
enum err items_correct(struct sqlite3 *db, const char *uid, const char *study_uid, const struct dataset *ds, unsigned instances, const char *who, int64_t now_ms, struct why *why) MUST_USE;
enum err items_note(struct sqlite3 *db, const char *uid, const char *note, const char *who, int64_t now_ms, struct why *why) MUST_USE;

/* ---- reading ---- */
struct items_reader;
/* ERR_NOT_FOUND: there is no work.db yet. */
enum err items_reader_open(const char *dir, struct items_reader **out, struct why *why) MUST_USE;
void     items_reader_close(struct items_reader **r);

struct items_filter {
	enum item_state state;                   /* ITEM_NONE: any */
	const char *uid, *study_uid;             /* NULL or "": any */
};
/* Items with id > after, ascending, at most max. The data set is whole, with state and modification time, in the arena,
 * which is released after each call of fn. fn returns false to stop. *last is the id of the last one seen. */
enum err items_page(struct items_reader *r, const struct items_filter *f, int64_t after, unsigned max, struct arena *a,
                    bool (*fn)(void *arg, const struct item_row *row, const struct dataset *ds), void *arg, int64_t *last, struct why *why) MUST_USE;
/* Rows only, newest first. */
enum err items_list(struct items_reader *r, enum item_state state, unsigned limit,
                    bool (*fn)(void *arg, const struct item_row *row, const char *patient_name), void *arg, struct why *why) MUST_USE;

#endif
