/* xcode_run - transcoding jobs through the real worker program, for tests. */
#ifndef TESTS_LIB_XCODE_RUN_H
#define TESTS_LIB_XCODE_RUN_H

#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pacs/base/durable.h"
#include "pacs/xcode/xcode.h"
#include "tests/lib/t.h"

enum { XCODE_RUN_DEADLINE_MS = 60000 };

struct xcode_run;
struct xcode_job {
	struct bytes in;
	const char *to;
	struct xcode_result result;      /* when done */
	unsigned answers;                /* must become 1 */
	int out_fd;                      /* the output, a file in memory; xcode_job_fini() closes it */
	struct xcode_run *run;
};
struct xcode_run {
	struct loop *loop;
	struct xcode *xcode;
	struct loop_timer *deadline;     /* also keeps the loop running */
	unsigned left;
};

static inline void xcode_run_late(void *arg)
{
	(void)arg;
	printf("Bail out! a codec job did not end\n");
	exit(1);
}

static inline void xcode_run_done(void *arg, const struct xcode_result *r)
{
	struct xcode_job *j = arg;
	j->result = *r;
	j->answers++;
	if (--j->run->left == 0)
		loop_stop(j->run->loop);
}

static inline void xcode_run_on_stop(void *arg)
{
	struct xcode_run *r = arg;
	loop_timer_free(&r->deadline);
	xcode_free(&r->xcode);
}

static inline int xcode_run_file(struct bytes b)
{
	struct why why;
	int fd = memfd_create("object", MFD_CLOEXEC);
	if (fd < 0 || (b.len && durable_pwrite(fd, b.p, b.len, 0, &why)))
		abort();
	return fd;
}

/* All jobs are given at once and done in their order by each worker. stop_early: the set is freed while they run. */
static inline void xcode_run(const char *worker, struct xcode_limits limits, struct xcode_job *jobs, unsigned n, bool stop_early)
{
	struct xcode_run r = { .left = n };
	if (loop_new(&r.loop) || xcode_new(r.loop, worker, &limits, &r.xcode) || loop_timer_new(r.loop, xcode_run_late, NULL, &r.deadline))
		abort();
	loop_timer_start(r.deadline, XCODE_RUN_DEADLINE_MS, 0);
	loop_on_stop(r.loop, xcode_run_on_stop, &r);
	for (unsigned i = 0; i < n; i++) {
		int in = xcode_run_file(jobs[i].in);
		jobs[i].run = &r;
		jobs[i].out_fd = xcode_run_file((struct bytes){ 0 });
		if (xcode_submit(r.xcode, in, jobs[i].out_fd, ts_find(jobs[i].to), xcode_run_done, &jobs[i]))
			abort();
		close(in);
	}
	if (stop_early)
		loop_stop(r.loop);
	loop_run(r.loop);
	loop_free(&r.loop);
}

/* The output, to be freed with munmap by nobody: a test is short. */
static inline struct bytes xcode_job_output(const struct xcode_job *j)
{
	struct stat st;
	if (fstat(j->out_fd, &st) || st.st_size == 0)
		return (struct bytes){ 0 };
	void *p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, j->out_fd, 0);
	return p == MAP_FAILED ? (struct bytes){ 0 } : bytes_of(p, (size_t)st.st_size);
}

static inline const char *xcode_run_worker(const char *fallback)
{
	static char path[4096];          /* static: the caller keeps it for the whole run */
	const char *bin = getenv("PACS_BIN");
	snprintf(path, sizeof(path), "%s/xcode-worker", bin ? bin : fallback);
	return path;
}

#endif
