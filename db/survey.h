/* survey - the index as a list of files, for those who compare it with what is on disk.
 *
 * Rows come by file number (oid), in pages, each page from one short snapshot; so a survey of ten million files
 * holds no transaction and no list. Threads: as the reader it is made from.
 */
#ifndef DB_SURVEY_H
#define DB_SURVEY_H

#include "db/index.h"

struct survey;

enum survey_kind { SURVEY_INSTANCE, SURVEY_CONFLICT, SURVEY_GARBAGE };
struct survey_row {
	enum survey_kind kind;
	struct index_instance what;          /* CONFLICT: oid, size, dataset_at, digest, UIDs and syntax; GARBAGE: oid */
	char calling[BOUND_AET + 1];         /* who sent it */
	int64_t received_ms;
};

/* r is lent until survey_close(). */
enum err survey_open(struct index_reader *r, struct survey **out, struct why *why) MUST_USE;
void     survey_close(struct survey **s);
/* Everything that names a file with first <= oid < end, by oid; at most max rows (more: call again from the last oid on). */
enum err survey_page(struct survey *s, uint64_t first, uint64_t end, struct survey_row *out, size_t max, size_t *n, struct why *why) MUST_USE;
/* The least oid of an instance or conflict that is >= first. ERR_END: none. */
enum err survey_next_oid(struct survey *s, uint64_t first, uint64_t *oid, struct why *why) MUST_USE;
/* Instances and their bytes, all of them: what a survey will have read. */
enum err survey_total(struct survey *s, uint64_t *files, uint64_t *bytes, struct why *why) MUST_USE;
/* Is there a row of quarantine for this path ("quarantine/...")? */
bool     survey_has_quarantine(struct survey *s, const char *path);
enum err survey_quarantine(struct survey *s, bool (*fn)(void *arg, const char *path, const char *reason), void *arg, struct why *why) MUST_USE;
/* Studies whose counters are not the sums of their instances. */
enum err survey_counters(struct survey *s, bool (*fn)(void *arg, uint64_t study, const char *study_uid), void *arg, struct why *why) MUST_USE;

struct survey_damage { struct index_instance what; char calling[BOUND_AET + 1]; char text[161]; int64_t found_ms; };
enum err survey_damaged(struct survey *s, bool (*fn)(void *arg, const struct survey_damage *d), void *arg, struct why *why) MUST_USE;
enum err survey_damage_count(struct index_reader *r, uint64_t *n, struct why *why) MUST_USE;

#endif
