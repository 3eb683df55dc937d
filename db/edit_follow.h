/* edit_follow - what work.db knows of studies follows when the index has applied a correction.
 *
 * Jobs keep the study of their image, so that db/need.h finds what is still needed; a study that is no more leaves its quiet times to
 * those that have its images. Of images that a person deleted no job stays, open or done: that is the person's decision of invariant 6,
 * and a job that is done would else stand for the same image when it is sent again.
 *
 * Threads  the one that writes work.db, inside its transaction.
 */
#ifndef DB_EDIT_FOLLOW_H
#define DB_EDIT_FOLLOW_H

#include "db/edit.h"
#include "db/work.h"

/* Up to here it has followed; 0 nothing. */
enum err edit_follow_cursor(struct sqlite3 *db, int64_t *seq, struct why *why) MUST_USE;
enum err edit_follow_set_cursor(struct sqlite3 *db, int64_t seq, struct why *why) MUST_USE;

/* The studies that an entry names, each once; at most max. */
size_t   edit_studies(const struct edit *e, struct uid *out, size_t max);

/* The jobs of what was this study's. is_delete: those of images that are no more go; *dropped counts the open ones among them. */
enum err edit_follow_jobs(struct sqlite3 *db, struct index_reader *ix, const char *study_uid, bool is_delete, unsigned *dropped, struct why *why) MUST_USE;
/* `heir` has images of a study whose quiet time runs, or whose items nobody has claimed: its own quiet time begins. */
enum err edit_follow_heir(struct sqlite3 *db, const char *study_uid, const char *heir, int64_t now_ms, struct why *why) MUST_USE;
/* The study is no more: no quiet time, no order, nobody is to be told of it. */
enum err edit_follow_gone(struct sqlite3 *db, const char *study_uid, struct why *why) MUST_USE;

#endif
