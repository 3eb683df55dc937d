#include "db/items_sql.h"

#include <string.h>

const char items_schema[] =
	"CREATE TABLE pending_study("           /* studies whose quiet time runs; so the timer survives a restart */
	"  study_uid TEXT NOT NULL, grp TEXT NOT NULL, priority INTEGER NOT NULL, last_arrival_ms INTEGER NOT NULL,"
	"  PRIMARY KEY(study_uid, grp)) WITHOUT ROWID;"
	"CREATE INDEX pending_study_last ON pending_study(last_arrival_ms);"
	"CREATE TABLE item("
	"  id INTEGER PRIMARY KEY AUTOINCREMENT,"
	"  uid TEXT NOT NULL UNIQUE,"
	"  study_uid TEXT NOT NULL,"
	"  replaces TEXT NOT NULL DEFAULT '', replaced_by TEXT NOT NULL DEFAULT '',"
	"  state TEXT NOT NULL CHECK(state IN ('SCHEDULED', 'IN PROGRESS', 'COMPLETED', 'CANCELED')),"
	"  transaction_uid TEXT NOT NULL DEFAULT '' CHECK(state = 'SCHEDULED' OR transaction_uid <> ''),"
	"  grp TEXT NOT NULL, label TEXT NOT NULL, modality TEXT NOT NULL, priority TEXT NOT NULL,"
	"  performer TEXT NOT NULL DEFAULT '', note TEXT NOT NULL DEFAULT '',"
	"  instances INTEGER NOT NULL, revision INTEGER NOT NULL DEFAULT 0,"
	"  created_ms INTEGER NOT NULL, modified_ms INTEGER NOT NULL,"
	"  claimed_ms INTEGER NOT NULL DEFAULT 0, expected_ms INTEGER NOT NULL,"
	"  dataset BLOB NOT NULL);"             /* explicit VR little endian, UTF-8, without Transaction UID */
	"CREATE UNIQUE INDEX item_scheduled ON item(study_uid, grp) WHERE state = 'SCHEDULED';"
	"CREATE INDEX item_state ON item(state, id);"
	"CREATE INDEX item_study ON item(study_uid, grp, id);"
	"CREATE TABLE item_event(id INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, item_uid TEXT NOT NULL,"
	"  what TEXT NOT NULL, who TEXT NOT NULL, note TEXT NOT NULL);"
	"CREATE INDEX item_event_item ON item_event(item_uid, id);";

enum err items_run(sqlite3_stmt *st, struct why *why)
{
	return sql_run_once(st, why);
}

void items_read_row(sqlite3_stmt *st, struct item_row *out)
{
	char state[17];

	*out = (struct item_row){ .id = sql_int(st, 0) };
	sql_copy(st, 1, out->uid.s, sizeof(out->uid.s));
	sql_copy(st, 2, out->study_uid.s, sizeof(out->study_uid.s));
	sql_copy(st, 3, out->replaces.s, sizeof(out->replaces.s));
	sql_copy(st, 4, out->replaced_by.s, sizeof(out->replaced_by.s));
	sql_copy(st, 5, state, sizeof(state));
	if (!item_state_parse(state, &out->state))
		out->state = ITEM_NONE;          /* the table's CHECK forbids it */
	sql_copy(st, 6, out->group, sizeof(out->group));
	sql_copy(st, 7, out->label, sizeof(out->label));
	sql_copy(st, 8, out->modality, sizeof(out->modality));
	sql_copy(st, 9, out->priority, sizeof(out->priority));
	sql_copy(st, 10, out->performer, sizeof(out->performer));
	sql_copy(st, 11, out->note, sizeof(out->note));
	out->instances = (unsigned)sql_int(st, 12);
	out->revision = (unsigned)sql_int(st, 13);
	out->created_ms = sql_int(st, 14);
	out->modified_ms = sql_int(st, 15);
	out->claimed_ms = sql_int(st, 16);
	out->expected_ms = sql_int(st, 17);
}

enum err items_read_dataset(sqlite3_stmt *st, struct arena *a, struct dataset **out, struct why *why)
{
	return dataset_parse(a, sql_blob(st, ITEM_COLUMN_DATASET), DS_EXPLICIT_LE, out, why);
}

enum err items_save_dataset(sqlite3 *db, const char *uid, const struct dataset *ds, int64_t now_ms, struct why *why)
{
	struct buf blob;
	sqlite3_stmt *st;
	enum err e;

	buf_init(&blob, BOUND_ITEM_BYTES);
	e = dataset_write(ds, DS_EXPLICIT_LE, &blob);
	if (e)
		fail(why, e, "work item %s: data set of over %d bytes", uid, BOUND_ITEM_BYTES);
	if (!e)
		e = sql_prepare(db, "UPDATE item SET dataset = ?1, label = ?2, priority = ?3, modified_ms = ?4, revision = revision + 1 WHERE uid = ?5", &st, why);
	if (!e) {
		sql_bind_blob(st, 1, buf_view(&blob));
		sql_bind_text(st, 2, dataset_str(ds, TAG_STEP_LABEL));
		sql_bind_text(st, 3, dataset_str(ds, TAG_STEP_PRIORITY));
		sql_bind_int(st, 4, now_ms);
		sql_bind_text(st, 5, uid);
		e = items_run(st, why);
	}
	buf_fini(&blob);
	return e;
}

enum err items_event(sqlite3 *db, const char *uid, const char *what, const char *who, const char *note, int64_t now_ms, struct why *why)
{
	sqlite3_stmt *st;
	enum err e = sql_prepare(db, "INSERT INTO item_event(at_ms, item_uid, what, who, note) VALUES(?1, ?2, ?3, ?4, ?5)", &st, why);

	if (e)
		return e;
	sql_bind_int(st, 1, now_ms);
	sql_bind_text(st, 2, uid);
	sql_bind_text(st, 3, what);
	sql_bind_text(st, 4, who);
	sql_bind_text(st, 5, note);
	return items_run(st, why);
}
