/* need - may the local copy of a study go? The one place that answers it (invariant 7).
 *
 * A local copy may be removed only when policy says so AND nothing here still needs it. Policy (age, disk, confirmed where)
 * is the caller's; this room tells what still needs the copy:
 *
 *   NEED_PLANNED      the router has not yet looked at an arrival of it, or does not know this index.db yet.
 *                     (Its cursor may stay some thousand arrivals behind while images come that nothing is done with.)
 *   NEED_SENT         a job is open: forward, compress, notify; held and blocked ones too
 *   NEED_CONFIRMED    it was sent to a node that shall confirm it by storage commitment, and has not
 *   NEED_READ         a reading item is SCHEDULED or IN PROGRESS, or its quiet time runs
 *   NEED_ANSWERED     a peer asks us to commit it and has not had its answer
 *
 * "confirmed" and "sent" count finished jobs whose rows are still kept (`keep_jobs` in pacs.conf). They are evidence, not history:
 * no row says nothing. A caller that wants evidence for an older study asks for it anew: commit_ask_for() in
 * db/commit_user.h makes the router ask the node now, and NEED_CONFIRMED stands until it has confirmed.
 *
 * Sound for a moment only: new arrivals and claims change it. Who deletes asks on the router's work thread, where nothing of
 * work.db can change meanwhile, or asks again after having made the copy unreachable.
 *
 * Threads  whoever owns the two connections; reads only.
 */
#ifndef DB_NEED_H
#define DB_NEED_H

#include "db/index.h"

struct sqlite3;

enum need_what { NEED_PLANNED = 1, NEED_SENT = 2, NEED_CONFIRMED = 4, NEED_READ = 8, NEED_ANSWERED = 16, NEED_ALL = 31 };

struct need {
	unsigned what;                       /* enum need_what, or-ed; 0: nothing needs the local copy */
	unsigned sent, confirmed;            /* forward jobs that are SENT and not to be confirmed; that are CONFIRMED */
};

/* `work` is work_db() of the writer or work_reader_db(). Any error means: it is needed. An unknown study needs nothing. */
enum err need_of_study(struct sqlite3 *work, struct index_reader *ix, const char *study_uid, struct need *out, struct why *why) MUST_USE;
/* The same for one instance; reading items are those of its study. */
enum err need_of_instance(struct sqlite3 *work, struct index_reader *ix, const struct index_instance *what, struct need *out, struct why *why) MUST_USE;

/* "not sent, not read"; "" for 0. */
struct need_text { char s[128]; };
struct need_text need_text(unsigned what);

#endif
