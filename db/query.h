/* query - C-FIND identifiers to answers, retrieve identifiers to instances (PS3.4 annex C).
 *
 * Uses an index_reader; one query at a time for each reader; nothing is collected: each next() steps
 * the database and builds one answer in the caller's arena.
 */
#ifndef DB_QUERY_H
#define DB_QUERY_H

#include "db/index.h"
#include "pacs/dicom/dataset.h"

enum query_root { QUERY_PATIENT_ROOT, QUERY_STUDY_ROOT };

/* What was negotiated for the SOP class (PS3.4 C.5.1.1). */
struct query_extended {
	bool relational;                         /* keys of any level */
	bool combined;                           /* a date and a time range are one interval */
	bool fuzzy;                              /* names that are alike match: see match_fuzzy.h */
	bool zone;                               /* dates and times are in the zone of (0008,0201), in answers too */
	bool empty;                              /* a key of two quotation marks matches what has no value */
};

struct query_options {
	enum query_root root;
	struct query_extended extended;
	const char *retrieve_aet;                /* (0008,0054) in answers */
	const char *sender_charset;              /* default for reading key text; NULL or "" none */
	const char *answer_charset;              /* what the asking node wants, whatever its keys are in; NULL or "" not known */
	bool pinyin;                             /* Patient's Name is found by pinyin and initials too */
	/* Asked every few thousand steps of the database, from the calling thread: true ends the query with
	 * ERR_CANCELLED, also in the middle of a long search without answers. May be NULL. */
	bool (*should_stop)(void *arg);
	void *stop_arg;
};

struct query;
/* The identifier and *o are borrowed until query_close(). ERR_MISMATCH -> A900 with the reason in why. */
enum err query_open(struct index_reader *r, const struct dataset *identifier, const struct query_options *o, struct query **out, struct why *why) MUST_USE;
/* One answer, in the character set told by (0008,0005) inside it (ASCII when enough,
 * else answer_charset, else as the keys declare, else sender_charset, else UTF-8; UTF-8 too where that set lacks a character).
 * ERR_END: no more. *some_keys_unsupported: answer FF01 instead of FF00. */
enum err query_next(struct query *q, struct arena *a, struct dataset **answer, bool *some_keys_unsupported, struct why *why) MUST_USE;
void     query_close(struct query **q);

/* The instances a C-MOVE / C-GET identifier names; calls fn for each until it returns false.
 * The unique key of the level must be there with values (ERR_MISMATCH), those above it may be absent. */
enum err query_select(struct index_reader *r, const struct dataset *identifier, enum query_root root,
                      bool (*fn)(void *arg, const struct index_instance *i), void *arg, struct why *why) MUST_USE;

#endif
