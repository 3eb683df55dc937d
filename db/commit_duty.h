/* commit_duty - storage commitment that others ask of us: the provider's (SCP's) side of it in work.db.
 *
 *   N-ACTION --duty_add()--> UNCHECKED --duty_checked()--> CHECKED --duty_reported()--> REPORTED
 *
 * Invariant  The N-ACTION is answered 0000 only when the duty is on disk. It leaves CHECKED only when the user has answered its
 *            event report; until then it is tried again, backing off, over restarts, without end.
 * Bound      BOUND_COMMIT_DUTIES unanswered ones for each caller; then more are refused, so that a caller that never takes its
 *            results cannot fill the disk.
 *
 * Threads  the one that writes work.db, inside its transaction; the list: any reader.
 */
#ifndef DB_COMMIT_DUTY_H
#define DB_COMMIT_DUTY_H

#include "db/commit_state.h"
#include "db/work.h"
#include "pacs/dicom/commitment.h"

struct commit_duty {
	int64_t id;
	char calling[BOUND_AET + 1];
	char digest[33];                 /* of the references, in their order */
	char origin[64];                 /* the association it came on, for the answer on the same; storescp's own words */
	bool is_duplicate;               /* its Transaction UID is another one's: everything fails with 0131 */
	unsigned tries;
	struct commit_refs refs;         /* owned: commit_refs_free() */
};

enum duty_added { DUTY_NEW, DUTY_KNOWN, DUTY_FULL };
/* Of `d` count: calling, digest, origin, refs. KNOWN: the same is under way; when it was reported already it is checked and
 * reported anew. FULL: over the bound, nothing is kept. */
enum err duty_add(struct work *w, const struct commit_duty *d, int64_t now_ms, enum duty_added *out, struct why *why) MUST_USE;
/* The oldest unchecked one, with its references. ERR_END: none. */
enum err duty_next_unchecked(struct work *w, struct commit_duty *out, struct why *why) MUST_USE;
/* d->refs has the reasons. Its report is due at until_ms. ERR_NOT_FOUND. */
enum err duty_checked(struct work *w, const struct commit_duty *d, int64_t until_ms, int64_t now_ms, struct why *why) MUST_USE;
/* The oldest report to this caller that is due. ERR_END: none, *next_ms when there will be (0: none). */
enum err duty_next_report(struct work *w, const char *calling, int64_t now_ms, struct commit_duty *out, int64_t *next_ms, struct why *why) MUST_USE;
enum err duty_reported(struct work *w, int64_t id, int64_t now_ms, struct why *why) MUST_USE;
/* Not delivered: the next try is at now_ms + wait_ms, of all reports to its caller with `whole_caller` (it cannot be reached). */
enum err duty_failed(struct work *w, int64_t id, bool whole_caller, int64_t now_ms, uint64_t wait_ms, const char *words, struct why *why) MUST_USE;
/* It is being reported on this association: due elsewhere only at until_ms. */
enum err duty_reporting(struct work *w, int64_t id, const char *origin, int64_t until_ms, struct why *why) MUST_USE;
/* Its association is gone: the report is due now, on another. words say why it was not given there. */
enum err duty_elsewhere(struct work *w, int64_t id, const char *words, struct why *why) MUST_USE;
/* A person says now. NULL: all callers. */
enum err duty_hurry(struct work *w, const char *calling, struct why *why) MUST_USE;

struct commit_duty_row {
	struct uid transaction;
	char calling[BOUND_AET + 1];
	enum commit_duty_state state;
	unsigned objects, failed, tries;
	int64_t created_ms, until_ms;
	char why[161];
};
/* Those that are owed first, then the others newest first. fn returns false to stop. */
enum err duty_list(struct work_reader *r, unsigned limit, bool (*fn)(void *arg, const struct commit_duty_row *row), void *arg, struct why *why) MUST_USE;

#endif
