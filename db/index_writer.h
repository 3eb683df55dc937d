/* index_writer - the inside of the writer, shared by the files of db/ that write index.db. */
#ifndef DB_INDEX_WRITER_H
#define DB_INDEX_WRITER_H

#include "db/header_pack.h"
#include "db/index.h"
#include "db/index_cache.h"
#include "db/sql.h"

enum writer_statement {
	W_BEGIN, W_COMMIT,
	W_LOOKUP, W_HAS_SOP, W_HAS_OID, W_NEXT_OID, W_MAX_OID,
	W_TERM_GET, W_TERM_ADD,
	W_PATIENT_GET, W_PATIENT_ADD, W_PATIENT_FILL,
	W_STUDY_GET, W_STUDY_ADD, W_STUDY_FILL, W_STUDY_CHANGED, W_STUDY_COUNT,
	W_SERIES_GET, W_SERIES_ADD, W_SERIES_COUNT, W_SERIES_ELSEWHERE,
	W_INSTANCE_ADD, W_HEADER_ADD, W_REFERENCE_GET, W_REFERENCE_ADD, W_ARRIVAL_ADD,
	W_REPLACE, W_RESIZE_SERIES, W_RESIZE_STUDY, W_CONTENT,
	W_CONFLICT_ADD, W_CONFLICT_FIND, W_QUARANTINE_ADD, W_QUARANTINE_HAS,
	W_UNKNOWN_ADD, W_UNKNOWN_BOUND, W_UNKNOWN_FORGET,
	W_GARBAGE_ADD, W_GARBAGE_NEXT, W_GARBAGE_DONE,
	W_TEXT_ADD, W_DURABLE_SET, W_YOUNG_NEXT,
	W_EDIT_RULES,
	W_STATEMENTS
};

struct index_writer {
	sqlite3 *db;
	sqlite3_stmt *st[W_STATEMENTS];
	struct header_packer pack;
	struct index_cache cache;
	bool has_changes;                /* the journal has entries: an arriving image must be looked up */
	bool has_edits;                  /* ... and some are corrections */
};

/* index_add.c: counters that collected in the cache go to the tables. */
enum err index_flush(struct index_writer *w, struct why *why) MUST_USE;
/* A new series may know of its study what the first did not. */
enum err index_fill_study(struct index_writer *w, const struct index_record *r, int64_t study, struct why *why) MUST_USE;
/* The number of a repeated text. */
enum err index_term(struct index_writer *w, const char *text, int64_t *id, struct why *why) MUST_USE;
/* index_header.c: the record's header, in the place of the instance's last one. */
enum err index_put_header(struct index_writer *w, uint64_t instance, const struct index_record *r, struct why *why) MUST_USE;

/* text_seen.c: counts the text of an instance that was added; what has collected goes to the table. */
enum err text_seen_note(struct index_writer *w, const struct index_record *r, bool is_new_study, struct why *why) MUST_USE;
enum err text_seen_flush(struct index_writer *w, struct why *why) MUST_USE;

/* The bytes of an instance's parents follow its new size; before the instance's own row changes. */
enum err index_resize(struct index_writer *w, uint64_t instance, uint64_t size, struct why *why) MUST_USE;

/* "10.1.2.3:40112" -> "10.1.2.3": the port of a caller is new each time and tells nothing. */
struct index_host { char s[64]; };
struct index_host index_host(const char *address);

#endif
