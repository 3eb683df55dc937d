/* retain - studies that retention looks at, holds on them, and taking one out of the index.
 *
 * Invariant 7  A local copy goes only when policy says so and nothing still needs it. Policy is the caller's
 *              (pacs/cmd_retention.c); retain_need() says what needs a study; the owner of the index asks it once more
 *              in the moment in which it removes the rows.
 */
#ifndef DB_RETAIN_H
#define DB_RETAIN_H

#include "db/index.h"

struct retain_study {
	uint64_t study;                      /* row */
	struct uid study_uid;
	char calling[BOUND_AET + 1], modalities[129];
	uint64_t instances, bytes;
	int64_t last_received_ms;
	char hold[161];                      /* the reason; "": none */
};
/* All of them, those first whose last image came first. fn returns false to stop. */
enum err retain_list(struct index_reader *r, bool (*fn)(void *arg, const struct retain_study *s), void *arg, struct why *why) MUST_USE;

struct retain_need { char text[128]; };      /* "" nothing; else "not sent, not read" */
/* What still needs the study here (db/need.h), in words. Every error means: needed. */
enum err retain_need(const char *dir, struct index_reader *r, const char *study_uid, struct retain_need *out, struct why *why) MUST_USE;

/* ---- the owner's, inside a transaction ---- */
/* Rows of the study go, its files become garbage, and a row of `retired` tells of it. ERR_NOT_FOUND; ERR_CONFLICT: held, the newest,
 * or something of it came after since_ms. Files: index_garbage_next(). */
struct retain_order { const char *study_uid, *class_name, *reason, *who; int64_t last_received_ms; };
enum err retain_remove(struct index_writer *w, const struct retain_order *o, uint64_t *instances, uint64_t *bytes, struct why *why) MUST_USE;
/* The row of the trail alone, of images that were taken out (db/take_out.h). */
struct take_out;
enum err retain_trail(struct index_writer *w, const struct retain_order *o, const char *calling, const struct take_out *t, struct why *why) MUST_USE;
/* reason NULL: lifted. ERR_NOT_FOUND: no such study, or not held. */
enum err retain_hold(struct index_writer *w, const char *study_uid, const char *reason, const char *who, struct why *why) MUST_USE;
/* What people decided and no file tells, from one index.db to another: holds and the trail; and the highest file
 * number that was ever in use. ERR_NOT_FOUND: there is no old one;
 * any other: it cannot be read. Both folders' owners are stopped. */
enum err retain_carry_over(const char *from_dir, const char *to_dir, struct why *why) MUST_USE;

#endif
