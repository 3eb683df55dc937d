/* worker - one codec worker process as its parent holds it: started when first needed, killed when it fails.
 *
 * Blocking; belongs to one thread, which is also the one that the process dies with. worker_kill() is for the others.
 */
#ifndef PACS_XCODE_WORKER_H
#define PACS_XCODE_WORKER_H

#include <pthread.h>

#include "pacs/xcode/job.h"

struct worker {
	const char *path;                /* borrowed */
	struct xcode_limits limits;
	int sock;                        /* -1: no process */
	pthread_mutex_t lock;            /* over pid: it is signalled only while it is not yet reaped */
	int pid;
	unsigned jobs;                   /* given to this process */
	bool is_forbidden;               /* worker_kill() was called: nothing is started any more */
};

void worker_init(struct worker *w, const char *path, const struct xcode_limits *limits);
void worker_fini(struct worker *w);              /* after worker_stop() */
/* r->err as told in xcode.h; the process is gone after ERR_TIMEOUT, ERR_CLOSED, ERR_PROTO and ERR_MISMATCH. */
void worker_do(struct worker *w, const struct job *j, struct xcode_result *r);
void worker_stop(struct worker *w);              /* and reap; safe when there is none */
/* Any thread: the running job ends at once, and nothing is started again. */
void worker_kill(struct worker *w);

#endif
