/* items_sql - what the files of the items room share of SQLite. Private to db/items*.c. */
#ifndef DB_ITEMS_SQL_H
#define DB_ITEMS_SQL_H

#include "db/items.h"
#include "db/sql.h"

enum { ITEMS_ARENA = 16 << 20 };         /* one item with its input references */

/* Runs a statement that gives no rows and finalizes it in every case. */
enum err items_run(sqlite3_stmt *st, struct why *why) MUST_USE;

/* The columns that items_read_row() expects, in its order; then `dataset`. */
#define ITEM_COLUMNS "id, uid, study_uid, replaces, replaced_by, state, grp, label, modality, priority, performer, note, " \
	"instances, revision, created_ms, modified_ms, claimed_ms, expected_ms, dataset"
enum { ITEM_COLUMN_DATASET = 18 };
void     items_read_row(sqlite3_stmt *st, struct item_row *out);
enum err items_read_dataset(sqlite3_stmt *st, struct arena *a, struct dataset **out, struct why *why) MUST_USE;
/* Writes the data set and the columns that follow from it. */
enum err items_save_dataset(sqlite3 *db, const char *uid, const struct dataset *ds, int64_t now_ms, struct why *why) MUST_USE;
enum err items_event(sqlite3 *db, const char *uid, const char *what, const char *who, const char *note, int64_t now_ms, struct why *why) MUST_USE;

#endif
