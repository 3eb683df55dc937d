#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pacs/base/clock.h"
#include "pacs/demo.h"

enum { STOP_S = 40 };            /* a little more than `pacs serve` gives its own children */

bool demo_signals_open(struct demo *d)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGCHLD);
	if (sigprocmask(SIG_BLOCK, &set, NULL))
		return false;
	d->signal_fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	return d->signal_fd >= 0;
}

static void take_signals(struct demo *d)
{
	struct signalfd_siginfo info;
	while (read(d->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
		if (info.ssi_signo != SIGCHLD)
			d->is_interrupted = true;
}

bool demo_pause(struct demo *d, unsigned ms)
{
	struct pollfd p = { .fd = d->signal_fd, .events = POLLIN };
	uint64_t end = clock_mono_ns() + (uint64_t)ms * 1000000;
	for (uint64_t now; !d->is_interrupted && (now = clock_mono_ns()) < end; )
		if (poll(&p, 1, (int)((end - now) / 1000000 + 1)) > 0)
			take_signals(d);
	take_signals(d);
	return !d->is_interrupted;
}

/* In the child: a group of its own, so that Ctrl-C reaches the demo alone and it ends things in order. */
static _Noreturn void become(const char *const *argv, int out_fd, pid_t parent)
{
	union { const char *const *in; char *const *out; } words = { argv };     /* execvp() does not write */
	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(127);
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	int null = open("/dev/null", O_RDONLY);
	if (null >= 0)
		dup2(null, STDIN_FILENO);
	dup2(out_fd, STDOUT_FILENO);
	dup2(out_fd, STDERR_FILENO);
	execvp(argv[0], words.out);
	dprintf(STDERR_FILENO, "%s cannot be started: %s\n", argv[0], strerror(errno));
	_exit(127);
}

static pid_t start(const char *const *argv, int out_fd)
{
	pid_t parent = getpid(), pid = fork();
	if (!pid)
		become(argv, out_fd, parent);
	return pid > 0 ? pid : 0;
}

pid_t demo_spawn(const char *const *argv, const char *log)
{
	int fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	if (fd < 0)
		return 0;
	pid_t pid = start(argv, fd);
	close(fd);
	return pid;
}

void demo_stop(pid_t *pid)
{
	uint64_t deadline = clock_mono_ns() + STOP_S * 1000000000ull;
	if (*pid <= 0)
		return;
	kill(*pid, SIGTERM);
	while (waitpid(*pid, NULL, WNOHANG) == 0) {
		if (clock_mono_ns() > deadline)
			kill(*pid, SIGKILL);
		poll(NULL, 0, 10);
	}
	*pid = 0;
}

/* What a pipe has now, into out; false when its other end is closed. */
static bool drain(int fd, struct buf *out)
{
	char chunk[4096];
	ssize_t n;
	while ((n = read(fd, chunk, sizeof(chunk))) > 0)
		if (out)
			buf_add(out, chunk, (size_t)n);
	return n < 0 && (errno == EAGAIN || errno == EINTR);
}

int demo_run(struct demo *d, const char *const *argv, struct buf *out)
{
	int fds[2], status = 0;
	if (pipe2(fds, O_CLOEXEC | O_NONBLOCK))
		return -1;
	pid_t pid = start(argv, fds[1]);
	close(fds[1]);
	bool is_open = pid > 0;
	while (is_open && !d->is_interrupted) {
		struct pollfd p[] = { { .fd = fds[0], .events = POLLIN }, { .fd = d->signal_fd, .events = POLLIN } };
		poll(p, NELEM(p), 1000);
		take_signals(d);
		is_open = drain(fds[0], out);
	}
	close(fds[0]);
	if (!pid)
		return -1;
	if (d->is_interrupted)
		kill(pid, SIGTERM);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) && !d->is_interrupted ? WEXITSTATUS(status) : -1;
}

bool demo_program_exists(const char *name)
{
	const char *path = getenv("PATH");
	for (const char *s = path ? path : "/usr/bin"; *s; ) {
		char whole[PATH_MAX];
		size_t n = strcspn(s, ":");
		snprintf(whole, sizeof(whole), "%.*s/%s", (int)n, s, name);
		if (!access(whole, X_OK))
			return true;
		s += n + (s[n] == ':');
	}
	return false;
}
