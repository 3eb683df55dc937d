#include "pacs/xcode/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pacs/base/clock.h"
#include "pacs/base/sanitized.h"
#include "pacs/store/digest.h"

enum { CHILD_SOCKET = 3, JOBS_PER_WORKER = 64 };      /* then a fresh one: holes in the heap do not add up */

void worker_init(struct worker *w, const char *path, const struct xcode_limits *limits)
{
	*w = (struct worker){ .path = path, .limits = *limits, .sock = -1, .lock = PTHREAD_MUTEX_INITIALIZER };
}

void worker_fini(struct worker *w)
{
	pthread_mutex_destroy(&w->lock);
}

/* ---- the process ---- */

/* The child gets the socket as descriptor 3 and no other; it closes what was inherited by accident. */
static int spawn(struct worker *w, int sock)
{
	char memory[24], cpu[24];
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	sigset_t none, all;
	pid_t pid;
	snprintf(memory, sizeof(memory), "%llu", (unsigned long long)w->limits.memory_bytes);
	/* A backstop only: two threads for all its jobs. */
	snprintf(cpu, sizeof(cpu), "%llu", 2ull * JOBS_PER_WORKER * w->limits.timeout_s);
	char name[] = "xcode-worker", m[] = "--memory", c[] = "--cpu";
	char idle[] = "--background";
	char *argv[] = { name, m, memory, c, cpu, w->limits.is_background ? idle : NULL, NULL }, *none_set[] = { NULL };
	/* The worker is told nothing of its surroundings, but a sanitizer must know where its reports go. */
	char **env = IS_SANITIZED ? environ : none_set;

	sigemptyset(&none);
	sigfillset(&all);
	posix_spawn_file_actions_init(&files);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setsigdefault(&attr, &all);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	int r = posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDWR, 0);
	if (!r)
		r = posix_spawn_file_actions_adddup2(&files, 0, 1);
	if (!r)
		r = posix_spawn_file_actions_adddup2(&files, sock, CHILD_SOCKET);
	if (!r)
		r = posix_spawn(&pid, w->path, &files, &attr, argv, env);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&files);
	errno = r;
	return r ? -1 : pid;
}

static enum err start(struct worker *w, struct why *why)
{
	int pair[2];
	if (w->sock >= 0)
		return ERR_OK;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		return fail_errno(why, ERR_IO, "a socket for the codec worker");
	pthread_mutex_lock(&w->lock);
	int pid = w->is_forbidden ? 0 : spawn(w, pair[1]);
	int cause = errno;
	w->pid = pid > 0 ? pid : 0;
	pthread_mutex_unlock(&w->lock);
	close(pair[1]);
	if (pid > 0) {
		w->sock = pair[0];
		w->jobs = 0;
		return ERR_OK;
	}
	close(pair[0]);
	errno = cause;
	return pid == 0 ? fail(why, ERR_CANCELLED, "stopping") : fail_errno(why, ERR_IO, "starting %s", w->path);
}

/* The pid is forgotten before it is reaped, so that nobody signals a stranger who got its number. */
static int reap(struct worker *w, bool by_force)
{
	int status = 0;
	pthread_mutex_lock(&w->lock);
	int pid = w->pid;
	if (pid && by_force)
		kill(pid, SIGKILL);
	pthread_mutex_unlock(&w->lock);
	if (w->sock >= 0)
		close(w->sock);
	w->sock = -1;
	if (!pid)
		return 0;
	siginfo_t seen;
	while (waitid(P_PID, (id_t)pid, &seen, WEXITED | WNOWAIT) < 0 && errno == EINTR)
		;
	pthread_mutex_lock(&w->lock);
	w->pid = 0;
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	pthread_mutex_unlock(&w->lock);
	return status;
}

/* Without a job it ends when its socket does. */
void worker_stop(struct worker *w)
{
	reap(w, false);
}

void worker_kill(struct worker *w)
{
	pthread_mutex_lock(&w->lock);
	w->is_forbidden = true;
	if (w->pid)
		kill(w->pid, SIGKILL);
	pthread_mutex_unlock(&w->lock);
}

/* ---- a job ---- */

/* POLLIN in time; the clock counts, not the polls. */
static bool answers_within(int sock, unsigned timeout_s)
{
	uint64_t end = clock_mono_ns() + timeout_s * 1000000000ull;
	for (;;) {
		uint64_t now = clock_mono_ns();
		struct pollfd p = { sock, POLLIN, 0 };
		if (now >= end)
			return false;
		if (poll(&p, 1, (int)((end - now) / 1000000 + 1)) > 0)
			return true;
	}
}

static enum err check_digest(int fd, const struct xcode_result *r, struct why *why)
{
	char hex[33];
	struct digest *d = digest_new();
	void *p = mmap(NULL, (size_t)r->size, PROT_READ, MAP_SHARED | MAP_POPULATE, fd, 0);
	enum err e = d && p != MAP_FAILED ? ERR_OK : fail(why, ERR_NOMEM, "no memory to check %llu bytes", (unsigned long long)r->size);
	if (!e) {
		digest_add(d, bytes_of((uint8_t *)p + r->dataset_at, (size_t)(r->size - r->dataset_at)));
		digest_hex(d, hex);
	}
	if (!e && strcmp(hex, r->digest))
		e = fail(why, ERR_MISMATCH, "the codec worker says digest %s, the file has %s", r->digest, hex);
	if (p != MAP_FAILED)
		munmap(p, (size_t)r->size);
	digest_free(&d);
	return e;
}

/* A worker that was taken over by what it decoded can say anything: size and digest are ours to see. */
static enum err check_answer(int fd, const struct xcode_result *r, struct why *why)
{
	struct stat st;
	if (fstat(fd, &st))
		return fail_errno(why, ERR_IO, "looking at the output");
	if ((uint64_t)st.st_size != r->size || r->size == 0 || r->dataset_at > r->size)
		return fail(why, ERR_MISMATCH, "the codec worker says %llu bytes, the file has %lld", (unsigned long long)r->size, (long long)st.st_size);
	return check_digest(fd, r, why);
}

/* An idle worker may have been killed by somebody: then a fresh one takes the job. */
static enum err give_job(struct worker *w, const struct job *j, struct why *why)
{
	enum err e = start(w, why);
	if (!e && job_send(w->sock, j, why) == ERR_OK)
		return ERR_OK;
	if (e)
		return e;
	reap(w, true);
	e = start(w, why);
	return e ? e : job_send(w->sock, j, why);
}

static void say_how_it_died(struct xcode_result *r, int status)
{
	if (r->err == ERR_CLOSED && WIFSIGNALED(status))
		fail(&r->why, ERR_CLOSED, "the codec worker died by signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
	else if (r->err == ERR_CLOSED)
		fail(&r->why, ERR_CLOSED, "the codec worker ended with code %d in the midst of a job", WEXITSTATUS(status));
}

void worker_do(struct worker *w, const struct job *j, struct xcode_result *r)
{
	memset(r, 0, sizeof(*r));
	r->err = give_job(w, j, &r->why);
	if (r->err)
		return;
	struct why why = { "" };
	enum err e = ERR_OK;
	if (!answers_within(w->sock, w->limits.timeout_s))
		e = fail(&why, ERR_TIMEOUT, "the codec worker did not answer within %u s", w->limits.timeout_s);
	else
		e = answer_receive(w->sock, r, &why);
	if (!e && !r->err) {
		uint64_t start = clock_mono_ns();
		e = check_answer(j->out_fd >= 0 ? j->out_fd : j->in_fd, r, &why);
		r->verify_us += (unsigned)((clock_mono_ns() - start) / 1000);
	}
	if (!e && ++w->jobs == JOBS_PER_WORKER)
		worker_stop(w);
	if (!e)
		return;
	*r = (struct xcode_result){ .err = e, .why = why };
	say_how_it_died(r, reap(w, true));
}
