/* work_thread - the one thread that uses work.db, and the transactions it runs for the loop.
 *
 * The loop hands in tasks. The thread takes all that wait, runs them in order inside one transaction, each behind a mark
 * of its own (a task that returns an error is undone alone), commits once with a sync, and then has done() called for each,
 * in order, on the loop thread. So a task's done() with ERR_OK means: it is on disk; and a thousand small changes cost a
 * few syncs. When the commit fails, every task of it gets that error, and nothing of it happened.
 *
 * Tasks must be short (a few ms): what is slow belongs on the loop's pool.
 */
#ifndef ROUTER_WORK_THREAD_H
#define ROUTER_WORK_THREAD_H

#include "db/work.h"
#include "pacs/net/loop.h"

struct work_thread;

/* ix: the thread's own reader of index.db; NULL while storescp has not made it yet. One that was rebuilt is opened anew. */
typedef enum err work_fn(void *arg, struct work *w, struct index_reader *ix, struct why *why);
typedef void work_done_fn(void *arg, enum err e, const struct why *why);

/* Opens (creates, migrates) DIR/work.db and gives back the leases of an earlier run. */
enum err work_thread_start(struct loop *l, const char *dir, struct work_thread **out, struct why *why) MUST_USE;
/* Loop thread. done may be NULL. ERR_NOMEM: nothing will be called. */
enum err work_run(struct work_thread *t, work_fn *work, work_done_fn *done, void *arg) MUST_USE;
/* Finishes what was handed in, then ends the thread. Blocks. Their done() still come on the loop. */
void     work_thread_stop(struct work_thread **t);

#endif
