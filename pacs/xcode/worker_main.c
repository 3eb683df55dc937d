/* xcode-worker - transcode objects for the archive, in a sandbox. Not for people: pacs/xcode/xcode.c starts it.
 *
 *   xcode-worker [--memory BYTES] [--cpu SECONDS] [--background]     jobs arrive on descriptor 3
 *   xcode-worker --selftest open|socket|exec|fork     enter the sandbox and try to leave it: dies by SIGSYS
 */
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <malloc.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pacs/xcode/dcmtk_shim.h"
#include "pacs/xcode/job.h"
#include "pacs/xcode/sandbox.h"
#include "pacs/xcode/transcode.h"

enum { JOB_SOCKET = 3 };

#ifdef PACS_FAULTS
/* An input that begins with "PACS-FAULT name" makes the worker fail in that way. */
static bool misbehave(struct bytes in, int out_fd, struct xcode_result *r)
{
	char text[64];
	size_t n = in.len < sizeof(text) - 1 ? in.len : sizeof(text) - 1;
	memcpy(text, in.p, n);
	text[n] = 0;
	if (strncmp(text, "PACS-FAULT ", 11))
		return false;
	const char *what = text + 11;
	if (!strncmp(what, "crash", 5))
		abort();
	while (!strncmp(what, "hang", 4))
		sched_yield();
	if (!strncmp(what, "open", 4))
		r->err = open("/etc/passwd", O_RDONLY) < 0 ? ERR_DENIED : ERR_OK;
	if (!strncmp(what, "hunger", 6)) {
		size_t had = 0;
		for (char *p; (p = malloc(16 << 20)); had += 16 << 20)
			memset(p, 1, 16 << 20);
		r->err = fail(&r->why, ERR_NOMEM, "no memory after %zu MB", had >> 20);
	}
	bool is_forged = !strncmp(what, "forge", 5);
	if (is_forged && pwrite(out_fd, in.p, in.len, 0) != (ssize_t)in.len)
		r->err = ERR_IO;
	if (is_forged || !strncmp(what, "lie", 3)) {
		r->size = in.len;
		memset(r->digest, 'a', 32);
		memset(r->pixel_digest, 'b', 32);
	}
	return true;
}
#else
static bool misbehave(struct bytes in, int out_fd, struct xcode_result *r)
{
	(void)in, (void)out_fd, (void)r;
	return false;
}
#endif

static enum err map_input(int fd, struct bytes *out, struct why *why)
{
	off_t len = lseek(fd, 0, SEEK_END);
	if (len <= 0)
		return fail(why, ERR_FORMAT, "an input of %lld bytes", (long long)len);
	void *p = mmap(NULL, (size_t)len, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
	if (p == MAP_FAILED)
		return fail_errno(why, ERR_IO, "mapping an input of %lld bytes", (long long)len);
	*out = bytes_of(p, (size_t)len);
	return ERR_OK;
}

static void do_job(const struct job *j, uint64_t memory, struct xcode_result *r)
{
	const struct ts *to = ts_find(j->to.s);
	const struct transcode_how how = { .to = to, .level = j->level, .memory = memory };
	struct bytes in = { NULL, 0 };
	memset(r, 0, sizeof(*r));
	if (!to && j->to.s[0])
		r->err = fail(&r->why, ERR_UNSUPPORTED, "transfer syntax %s is not known", j->to.s);
	else
		r->err = map_input(j->in_fd, &in, &r->why);
	if (r->err)
		return;
	if (!misbehave(in, j->out_fd, r))
		r->err = to ? transcode_as(in, j->out_fd, &how, r) : transcode_digest(in, memory, r);
	out_file_unmap(&in);
}

static int serve(int sock, uint64_t memory)
{
	struct why why;
	for (;;) {
		struct job j;
		struct xcode_result r;
		enum err e = job_receive(sock, &j, &why);
		if (e)
			return e == ERR_END ? 0 : 1;
		do_job(&j, memory, &r);
		close(j.in_fd);
		if (j.out_fd >= 0)
			close(j.out_fd);
		if (answer_send(sock, &r))
			return 1;
	}
}

/* Each of these must not return. */
static int try_to_leave(const char *how)
{
	if (!strcmp(how, "open"))
		(void)!open("/etc/passwd", O_RDONLY | O_CLOEXEC);
	else if (!strcmp(how, "socket"))
		(void)!socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	else if (!strcmp(how, "exec"))
		execl("/bin/true", "true", (char *)NULL);
	else if (!strcmp(how, "fork"))
		(void)!fork();
	else
		return 2;
	return 0;
}

static int refuse(const struct why *why)
{
	fprintf(stderr, "xcode-worker: %s\n", why->text);
	return 1;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "memory", required_argument, NULL, 'm' }, { "cpu", required_argument, NULL, 'c' }, { "selftest", required_argument, NULL, 's' },
		{ "background", no_argument, NULL, 'b' }, { 0 },
	};
	struct sandbox_limits limits = { 0 };
	const char *selftest = NULL;
	struct why why = { "closing descriptors" };

	for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
		if (c == 'm')
			limits.memory_bytes = strtoull(optarg, NULL, 10);
		else if (c == 'c')
			limits.cpu_s = (unsigned)strtoul(optarg, NULL, 10);
		else if (c == 's')
			selftest = optarg;
		else if (c == 'b')
			limits.is_background = true;
		else
			return 2;
	}
	/* Nothing else that the parent had open is ours. */
	if (close_range(JOB_SOCKET + 1, ~0u, 0) || sandbox_limit(&limits, &why))
		return refuse(&why);
	/* Left to itself, malloc counts processors when a thread first needs an arena, by opening files. */
	mallopt(M_ARENA_MAX, 2);
	/* Frames and streams of one job are as large as those of the next: memory from the heap is warm then, and from mmap() it
	 * would be fetched page by page each time, a tenth of the time of the fast codecs. RLIMIT_DATA counts both, and a worker
	 * is replaced after some jobs. */
	mallopt(M_MMAP_MAX, 0);
	mallopt(M_TRIM_THRESHOLD, INT_MAX);
	dcmtk_warm_up();
	if (sandbox_enter(&why))
		return refuse(&why);
	return selftest ? try_to_leave(selftest) : serve(JOB_SOCKET, limits.memory_bytes);
}
