/* tasks - one thread that does what waits (network, decoding), so that keys never do.
 *
 * Tasks run one after the other in the order they were given; what comes out of one is given to `done` on the thread that polls.
 * A task may report on its way: tasks_report() from within it.
 */
#ifndef VIEWER_CLI_TASKS_H
#define VIEWER_CLI_TASKS_H

#include <stdatomic.h>

#include "pacs/base/err.h"

struct tasks;
struct task {
	void (*run)(struct task *t);             /* on the thread */
	void (*done)(struct task *t);            /* on the poller's; frees it. Tasks that never ran get it too, at the end. */
	struct tasks *on;                        /* set by tasks_give() */
	struct task *next;
};

/* wake_fd: an eventfd of the poller, shared by several. */
enum err tasks_new(int wake_fd, struct tasks **out, struct why *why) MUST_USE;
void     tasks_give(struct tasks *t, struct task *task);
/* Calls done for what has ended, and the reports. */
void     tasks_poll(struct tasks *t);
/* fn(arg) on the poller's thread, before the task's done; arg is its to free. Dropped without memory: a report is news, no result. */
void     tasks_report(struct tasks *t, void (*fn)(void *arg), void *arg);
/* Waits at most this long for the running task. False: it still runs, and nothing of it may be freed: leave the process. */
bool     tasks_stop(struct tasks **t, unsigned wait_ms);

#endif
