/* edit - a correction that a person made of kept studies, as the journal has it (db/patients.h): a list of rules.
 *
 * A rule speaks of images by where they stand when its entry is applied: all of a study, of one series of it, or one image. It sets one
 * attribute (tag), or moves them (to_study, to_series "": the series keeps its UID). Rules of a deletion say only what goes.
 *
 *   EDIT_TAG     rules with tag and value. The five of a patient (db/index_patient.h) come together: the study is then of that patient.
 *   EDIT_MERGE   {study, to_study} for each study that ends; before it the patient's five when he was another
 *   EDIT_SPLIT   {study, series, to_study} or {study, sop, to_study, to_series}
 *   EDIT_DELETE  {study[, series | sop]}: images with a number up to max_oid that came before the entry was written
 *   EDIT_REVERT  target: that entry counts no more
 */
#ifndef DB_EDIT_H
#define DB_EDIT_H

#include "pacs/base/bounds.h"
#include "pacs/dicom/edit_value.h"
#include "pacs/dicom/uid.h"

enum edit_kind { EDIT_NONE, EDIT_TAG, EDIT_MERGE, EDIT_SPLIT, EDIT_DELETE, EDIT_REVERT, EDIT_KINDS };
const char *edit_kind_name(enum edit_kind k);
bool        edit_kind_parse(const char *name, enum edit_kind *out);

struct edit_rule {
	struct uid study, series, sop;           /* series, sop: "" all */
	struct uid to_study, to_series;          /* "": stays */
	uint32_t tag;                            /* 0: none */
	char value[EDIT_VALUE_MAX + 1];
};
struct edit {
	enum edit_kind kind;
	int64_t target;
	uint64_t max_oid;
	char who[65], reason[161];
	size_t count;
	struct edit_rule rules[];
};
/* Zeroed; NULL: no memory, or more than BOUND_EDIT_RULES. free() it. */
struct edit *edit_new(size_t count);

/* ---- the table `edit_rule`, which work.db and index.db both have ---- */
#define EDIT_RULE_TABLE \
	"CREATE TABLE edit_rule(" \
	"  seq INTEGER NOT NULL, n INTEGER NOT NULL, study TEXT NOT NULL, series TEXT NOT NULL, sop TEXT NOT NULL, tag INTEGER NOT NULL," \
	"  value TEXT NOT NULL, to_study TEXT NOT NULL, to_series TEXT NOT NULL, is_void INTEGER NOT NULL DEFAULT 0, PRIMARY KEY(seq, n)) WITHOUT ROWID;" \
	"CREATE INDEX edit_rule_study ON edit_rule(study, seq, n);"
/* And the columns of an entry, beside those of a patient's change. */
#define EDIT_COLUMNS_OF(table) \
	"ALTER TABLE " table " ADD COLUMN edit INTEGER NOT NULL DEFAULT 0; ALTER TABLE " table " ADD COLUMN target INTEGER NOT NULL DEFAULT 0;" \
	"ALTER TABLE " table " ADD COLUMN max_oid INTEGER NOT NULL DEFAULT 0; ALTER TABLE " table " ADD COLUMN who TEXT NOT NULL DEFAULT '';" \
	"ALTER TABLE " table " ADD COLUMN reason TEXT NOT NULL DEFAULT '';"

struct sqlite3;
/* Rules of an entry whose row is in `table` (patient_journal or patient_change): its columns and its rules. e NULL: nothing. */
enum err edit_put(struct sqlite3 *db, const char *table, int64_t seq, const struct edit *e, struct why *why) MUST_USE;
/* *out NULL: the entry is one of patients. Caller frees. */
enum err edit_get(struct sqlite3 *db, const char *table, int64_t seq, struct edit **out, struct why *why) MUST_USE;

#endif
