/* work_sql - what the files of the work room share of SQLite. Private to db/work*.c. */
#ifndef DB_WORK_SQL_H
#define DB_WORK_SQL_H

#include "db/sql.h"
#include "db/work.h"

enum work_statement {
	WORK_CURSOR, WORK_SET_CURSOR, WORK_ENQUEUE, WORK_DUE, WORK_NEXT, WORK_LEASE, WORK_NEXT_DUE,
	WORK_GET, WORK_MOVE, WORK_MOVE_ALL, WORK_UNBLOCK, WORK_UNBLOCK_ALL, WORK_DROP_RETURNING, WORK_NAMES, WORK_NEXT_IN_ORDER,
	WORK_STATEMENT_COUNT
};

struct work {
	sqlite3 *db;
	sqlite3_stmt *st[WORK_STATEMENT_COUNT];
	int lock_fd;                 /* DIR/run/router.lock: one writer */
};

/* The columns that work_read_job() expects, in its order. */
#define JOB_COLUMNS "id, kind, state, hold, blocked, instance, size, sop_instance, study, to_name, source, priority, tries, " \
	"created_ms, changed_ms, until_ms, why, " \
	"coalesce((SELECT CASE WHEN request = 0 THEN 1 WHEN request > 0 THEN 2 ELSE 3 END FROM commit_item WHERE commit_item.job = job.id), 0)"
void work_read_job(sqlite3_stmt *st, struct work_job *out);

#endif
