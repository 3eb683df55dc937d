/* What performers do to an item, and the new item after a cancelled one. */
#include "db/items_sql.h"

#include <string.h>

#include "pacs/base/clock.h"

struct lock { char s[BOUND_UID + 1]; };

/* The present state and the Transaction UID that holds, "" if none; ITEM_NONE when there is no such item. */
static enum err read_lock(sqlite3 *db, const char *uid, enum item_state *state, struct lock *lock, struct why *why)
{
	sqlite3_stmt *st;
	char name[17];
	enum err e = sql_prepare(db, "SELECT state, transaction_uid FROM item WHERE uid = ?1", &st, why);

	*state = ITEM_NONE;
	lock->s[0] = 0;
	if (e)
		return e;
	sql_bind_text(st, 1, uid);
	e = sql_step(st, why);
	if (!e) {
		sql_copy(st, 0, name, sizeof(name));
		sql_copy(st, 1, lock->s, sizeof(lock->s));
		if (!item_state_parse(name, state))
			e = fail(why, ERR_FORMAT, "work item %s in state \"%s\"", uid, name);
	}
	sql_close_one(&st);
	return e == ERR_END ? ERR_OK : e;
}

/* The claim itself. It needs no look before: of two claimers the WHERE lets one through. */
static enum err claim(sqlite3 *db, const char *uid, const char *transaction, const char *who, int64_t now_ms, bool *won, struct why *why)
{
	sqlite3_stmt *st;
	enum err e = sql_prepare(db, "UPDATE item SET state = 'IN PROGRESS', transaction_uid = ?1, performer = ?2, claimed_ms = ?3, modified_ms = ?3"
	                               " WHERE uid = ?4 AND state = 'SCHEDULED'", &st, why);

	if (e)
		return e;
	sql_bind_text(st, 1, transaction);
	sql_bind_text(st, 2, who);
	sql_bind_int(st, 3, now_ms);
	sql_bind_text(st, 4, uid);
	e = items_run(st, why);
	*won = !e && sqlite3_changes(db) == 1;
	return e;
}

static enum err finish(sqlite3 *db, const char *uid, enum item_state to, const char *transaction, int64_t now_ms, struct why *why)
{
	sqlite3_stmt *st;
	enum err e = sql_prepare(db, "UPDATE item SET state = ?1, modified_ms = ?2 WHERE uid = ?3 AND state = 'IN PROGRESS' AND transaction_uid = ?4", &st, why);

	if (e)
		return e;
	sql_bind_text(st, 1, item_state_name(to));
	sql_bind_int(st, 2, now_ms);
	sql_bind_text(st, 3, uid);
	sql_bind_text(st, 4, transaction);
	e = items_run(st, why);
	if (!e && sqlite3_changes(db) != 1)
		e = fail(why, ERR_CONFLICT, "work item %s changed under its lock", uid);
	return e;
}

/* ERR_CONFLICT: the requirements of the final state are not met, in words. */
static enum err check_final(sqlite3 *db, const char *uid, enum item_state to, struct why *why)
{
	struct arena a;
	struct item_row row;
	struct dataset *ds;
	enum err e;

	arena_init(&a, ITEMS_ARENA);
	e = items_load(db, uid, &a, &row, &ds, why);
	if (!e)
		e = item_attrs_check_final(ds, to, why);
	arena_fini(&a);
	return e;
}

static enum err refuse(uint16_t *status, uint16_t with, struct why *why)
{
	*status = with;
	fail(why, ERR_CONFLICT, "%s", ups_status_text(with));
	return ERR_OK;
}

enum err items_change_state(sqlite3 *db, const char *uid, enum item_state to, const char *transaction, const char *who, int64_t now_ms,
                            uint16_t *status, struct why *why)
{
	enum item_state now;
	struct lock lock;
	bool won = false;
	enum err e = ERR_OK;

	if (to == ITEM_IN_PROGRESS && transaction[0]) {
		e = claim(db, uid, transaction, who, now_ms, &won, why);
		if (e)
			return e;
	}
	if (!won) {
		e = read_lock(db, uid, &now, &lock, why);
		if (e)
			return e;
		struct item_step step = item_state_step(now, item_request_of(now, to, transaction, lock.s));
		if (step.status != UPS_OK)
			return refuse(status, step.status, why);
		e = check_final(db, uid, to, why);
		if (e == ERR_CONFLICT) {
			*status = UPS_NOT_FINAL_YET;
			return ERR_OK;
		}
		if (!e)
			e = finish(db, uid, to, transaction, now_ms, why);
	}
	*status = UPS_OK;
	return e ? e : items_event(db, uid, item_state_name(to), who, "", now_ms, why);
}

/* Lays the changes over the data set and saves it. ERR_DENIED and ERR_FORMAT: an attribute was refused. */
static enum err apply(sqlite3 *db, const char *uid, const struct dataset *changes, int64_t now_ms, struct why *why)
{
	struct arena a;
	struct item_row row;
	struct dataset *ds;
	enum err e;

	arena_init(&a, 2 * ITEMS_ARENA);
	e = items_load(db, uid, &a, &row, &ds, why);
	if (!e)
		e = item_attrs_set(ds, changes, why);
	if (!e)
		e = items_save_dataset(db, uid, ds, now_ms, why);
	arena_fini(&a);
	return e;
}

enum err items_set(sqlite3 *db, const char *uid, const char *transaction, const struct dataset *changes, const char *who, int64_t now_ms,
                   uint16_t *status, struct why *why)
{
	enum item_state now;
	struct lock lock;
	enum err e = read_lock(db, uid, &now, &lock, why);

	if (e)
		return e;
	struct item_step step = item_state_step(now, item_request_set(now, transaction, lock.s));
	if (step.status != UPS_OK)
		return refuse(status, step.status, why);
	e = apply(db, uid, changes, now_ms, why);
	if (e == ERR_DENIED || e == ERR_FORMAT) {
		*status = 0x0106;                /* PS3.7 annex C: invalid attribute value */
		return ERR_OK;
	}
	if (e == ERR_LIMIT) {
		*status = 0x0213;                /* resource limitation */
		return ERR_OK;
	}
	*status = UPS_OK;
	return e ? e : items_event(db, uid, "set", who, "", now_ms, why);
}

/* ---- when a study is corrected ---- */

enum err items_correct(sqlite3 *db, const char *uid, const char *study_uid, const struct dataset *ds, unsigned instances, const char *who, int64_t now_ms, struct why *why)
{
	enum err e = sql_do(db, why, "UPDATE item SET instances = ?2, study_uid = ?3, note = iif(state = 'IN PROGRESS', 'its study was corrected', note)"
	                    " WHERE uid = ?1 AND state IN ('SCHEDULED', 'IN PROGRESS')", "tit", uid, (int64_t)instances, study_uid);
	if (!e && sqlite3_changes(db) == 0)
		return fail(why, ERR_CONFLICT, "work item %s has ended", uid);
	if (!e)
		e = items_save_dataset(db, uid, ds, now_ms, why);
	return e ? e : items_event(db, uid, "corrected", who, "its study was corrected", now_ms, why);
}


/* As a performer would have said it (PS3.4 table CC.2.5-3): when, why, and a code of CID 9300. */
static enum err say_cancelled(struct dataset *ds, const char *reason, int64_t now_ms)
{
	struct dataset *progress = dataset_item(ds, TAG_STEP_PROGRESS, 0);
	if (!progress)
		progress = dataset_add_item(ds, TAG_STEP_PROGRESS);
	enum err e = progress ? dataset_put_str(progress, TAG_CANCELLATION_TIME, clock_dt(now_ms).s) : ERR_NOMEM;
	if (!e)
		e = dataset_put_str(progress, TAG_CANCELLATION_REASON, reason);
	return e ? e : item_attrs_add_code(progress, TAG_DISCONTINUATION_REASON, "110513", "DCM", "Discontinued for unspecified reason");
}

enum err items_cancel(sqlite3 *db, const char *uid, const char *reason, const char *who, int64_t now_ms, struct why *why)
{
	struct arena a;
	struct item_row row;
	struct dataset *ds;
	struct uid transaction;
	arena_init(&a, 2 * ITEMS_ARENA);
	enum err e = items_load(db, uid, &a, &row, &ds, why);
	if (!e)
		e = say_cancelled(ds, reason, now_ms);
	if (!e)
		e = items_save_dataset(db, uid, ds, now_ms, why);
	if (!e)
		e = uid_new(&transaction);
	if (!e)
		e = sql_do(db, why, "UPDATE item SET state = 'CANCELED', modified_ms = ?2, transaction_uid = iif(transaction_uid = '', ?3, transaction_uid)"
		           " WHERE uid = ?1 AND state IN ('SCHEDULED', 'IN PROGRESS')", "tit", uid, now_ms, transaction.s);
	if (!e && sqlite3_changes(db) == 0)
		e = fail(why, ERR_CONFLICT, "work item %s has ended already", uid);
	arena_fini(&a);
	return e ? e : items_event(db, uid, "CANCELED", who, reason, now_ms, why);
}

/* ---- after a cancellation ---- */

static enum err set_replaced_by(sqlite3 *db, const char *uid, const char *by, struct why *why)
{
	sqlite3_stmt *st;
	enum err e = sql_prepare(db, "UPDATE item SET replaced_by = ?1 WHERE uid = ?2", &st, why);

	if (e)
		return e;
	sql_bind_text(st, 1, by);
	sql_bind_text(st, 2, uid);
	return items_run(st, why);
}

static enum err insert_new(sqlite3 *db, const struct item_row *old, const struct dataset *old_ds, struct arena *a, const char *who, int64_t now_ms,
                           struct uid *out, struct why *why)
{
	struct dataset *ds = dataset_new(a);
	struct item_row row = *old;
	enum err e = uid_new(out);

	if (!e)
		e = ds ? item_attrs_reissue(old_ds, old->uid.s, out->s, ds) : ERR_NOMEM;
	if (e)
		return fail(why, e, "work item after %s: %s", old->uid.s, err_name(e));
	row.uid = *out;
	row.replaces = old->uid;
	strcpy(row.note, "re-issued");
	return items_insert(db, &row, ds, who, now_ms, why);
}

/* Late images have already brought a new item: it stands for the cancelled one too. */
static enum err hang_on(sqlite3 *db, const struct item_row *newer, const char *old_uid, struct arena *a, const char *who, int64_t now_ms, struct why *why)
{
	struct item_row row;
	struct dataset *ds;
	enum err e = items_load(db, newer->uid.s, a, &row, &ds, why);

	if (!e)
		e = item_attrs_add_replaced(ds, old_uid);
	if (!e)
		e = items_save_dataset(db, newer->uid.s, ds, now_ms, why);
	return e ? e : items_event(db, newer->uid.s, "replaces", who, old_uid, now_ms, why);
}

enum err items_reissue(sqlite3 *db, const char *uid, const char *who, int64_t now_ms, struct uid *out, struct why *why)
{
	struct arena a;
	struct item_row old, newer;
	struct dataset *ds;
	enum err e;

	arena_init(&a, 4 * ITEMS_ARENA);
	e = items_load(db, uid, &a, &old, &ds, why);
	if (!e)
		e = items_newest(db, old.study_uid.s, old.group, &newer, why);
	if (!e && newer.state == ITEM_SCHEDULED) {
		*out = newer.uid;
		e = hang_on(db, &newer, uid, &a, who, now_ms, why);
	} else if (!e) {
		e = insert_new(db, &old, ds, &a, who, now_ms, out, why);
	}
	if (!e)
		e = set_replaced_by(db, uid, out->s, why);
	arena_fini(&a);
	return e;
}
