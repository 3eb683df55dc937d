/* query_plan - which table a query goes through first.
 *
 * SQLite knows the indices but not how many rows a value has, and a wrong beginning costs seconds among a million studies.
 * So the order of the joins is ours: the keys that an index can answer are candidates, each counted up to PLAN_ENOUGH
 * rows when there are several, and the one with the fewest rows begins. A wildcard that begins with `*` goes through
 * the table scan (see schema.c) unless another key has fewer rows than that costs. All of a query's conditions stand in
 * the statement, but for those that the plan's own say exactly: the plan decides about time, never about the answer.
 */
#ifndef DB_QUERY_PLAN_H
#define DB_QUERY_PLAN_H

#include "db/query_impl.h"
#include "db/schema.h"

enum { PLAN_ENOUGH = 2000 };

struct plan {
	enum plan_drive {
		DRIVE_ROWS,              /* all rows of the table */
		DRIVE_INDEX,             /* the table by an index on the key's column */
		DRIVE_NAME,              /* name_group, then patient */
		DRIVE_SOUND,             /* name_group or scan, and name_sound, then patient */
		DRIVE_MODALITY,          /* study_modality, then study */
		DRIVE_SCAN,              /* scan, then patient or study */
	} drive;
	enum query_level at;             /* the table's level */
	const struct key *key;           /* NULL for DRIVE_ROWS */
	const struct key *date;          /* DRIVE_MODALITY: the study date's key, or NULL */
	enum scan_field field;           /* DRIVE_SCAN: where ... */
	const char *part;                /* ... and what must stand in a line; NULL: fuzzy. DRIVE_SOUND: NULL when name_group answers */
	const char *pattern;             /* DRIVE_NAME, DRIVE_SOUND, DRIVE_SCAN: the key, of a name folded */
	bool is_wide;                    /* dates are shifted by a zone: a day more at each end */
};

/* `db` is asked for the counts. ERR_MISMATCH: a key is senseless. */
enum err plan_make(struct plan *p, const struct keys *k, struct arena *a, sqlite3 *db, struct why *why) MUST_USE;
/* " FROM ..." with all tables from the top down to `level`. */
void     plan_from(struct sql_text *t, const struct plan *p, enum query_level level);
/* The plan's own conditions say as much as this key does. */
bool     plan_covers(const struct plan *p, const struct key *k);
/* " AND ..." for what the plan itself needs. */
enum err plan_conditions(struct sql_text *t, const struct plan *p, struct why *why) MUST_USE;

#endif
