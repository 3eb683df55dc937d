#include "pacs/supervise.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pacs/base/clock.h"
#include "pacs/base/log.h"
#include "pacs/ctl/ctl.h"
#include "pacs/folder.h"

enum { STORESCP, ROUTER, HL7D, SCRUB, CHILDREN };        /* hl7d only where its port is set */
enum { DELAY_FIRST_S = 1, DELAY_MAX_S = 60, LIFE_S = 60 };   /* restart throttle */
enum { PING_EVERY_MS = 50, PING_TIMEOUT_MS = 1000 };         /* until ready */
enum { LOOK_MS = 1000 };                                     /* at the disk, while a child that died on a full one waits */
enum { STOP_S = 30 };                                        /* then SIGKILL: what was acknowledged is safe */
#define S_NS 1000000000ull
#define ROOM (16ull << 20)                                   /* below it a child may die for want of space: its databases need some */

static const char *const names[CHILDREN] = { "storescp", "router", "hl7d", "scrub" };

struct child {
	pid_t pid;               /* 0: does not run */
	uint64_t started_ns;
	uint64_t start_at_ns;    /* when it does not run: next attempt */
	unsigned delay_s;
	bool was_ready;
	bool lacked_room;        /* the disk was full when it died: it is started as soon as there is room */
};

struct node {
	const struct conf *conf;
	int fds[CHILDREN];       /* the port of each, opened before it starts; -1: has none */
	int signal_fd;
	char bin[PATH_MAX];      /* the folder of this executable */
	struct child children[CHILDREN];
	bool is_ready, is_stopping;
	enum exit_code code;
	void (*on_ready)(void *arg);
	void *arg;
};

/* ---- starting ---- */

/* In the child, between fork and exec: only what is allowed there. */
static void become(const struct node *n, int which, pid_t parent)
{
	char path[PATH_MAX + 32], fd_text[16];
	snprintf(path, sizeof(path), "%s/%s", n->bin, which == SCRUB ? "pacs" : names[which]);
	snprintf(fd_text, sizeof(fd_text), "%d", n->fds[which]);
	const char *with_fd[] = { path, "-C", n->conf->dir, "--fd", fd_text, NULL };
	const char *without[] = { path, "-C", n->conf->dir, NULL };
	const char *command[] = { path, "-C", n->conf->dir, "scrub", NULL };
	union { const char **in; char *const *out; } argv = { which == SCRUB ? command : n->fds[which] >= 0 ? with_fd : without };    /* execv() does not write */

	setpgid(0, 0);                           /* Ctrl-C on a terminal reaches the supervisor alone, which stops them in order */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (getppid() != parent)                 /* the supervisor died before prctl() */
		_exit(EXIT_FAILED);
	if (n->fds[which] >= 0)
		fcntl(n->fds[which], F_SETFD, 0);
	execv(path, argv.out);
	dprintf(STDERR_FILENO, "pacs: %s cannot be started: %s\n", path, strerror(errno));
	_exit(errno == ENOENT || errno == EACCES ? EXIT_CONFIG : EXIT_FAILED);
}

static void start_child(struct node *n, int which)
{
	struct child *c = &n->children[which];
	pid_t parent = getpid(), pid = fork();
	if (!pid)
		become(n, which, parent);
	if (pid < 0) {
		log_event(LOG_ERROR, "start_failed", "child", names[which], "why", strerror(errno), NULL);
		c->start_at_ns = clock_mono_ns() + DELAY_MAX_S * S_NS;
		return;
	}
	c->pid = pid;
	c->started_ns = clock_mono_ns();
	c->was_ready = which == SCRUB;           /* it answers nobody */
	log_event(LOG_INFO, "child_started", "child", names[which], "pid", log_num(pid).s, NULL);
}

static bool is_wanted(const struct node *n, int which)
{
	return which != HL7D || n->fds[HL7D] >= 0;
}

/* A router that starts before storescp has made the index would only wait for it; what hl7d takes goes to the router. */
static bool is_due(const struct node *n, int which)
{
	return which == STORESCP || (n->children[STORESCP].was_ready && (which == ROUTER || n->children[ROUTER].was_ready));
}

static bool may_start(const struct node *n, int which)
{
	return !n->is_stopping && !n->children[which].pid && clock_mono_ns() >= n->children[which].start_at_ns &&
	       is_wanted(n, which) && is_due(n, which);
}

static bool answers(const struct node *n, int which)
{
	char socket[32];
	snprintf(socket, sizeof(socket), "%s.sock", names[which]);
	return !ctl_call(run_path(n->conf->dir, socket).s, json_pack("{s:s}", "op", "ping"), PING_TIMEOUT_MS, NULL, NULL);
}

static void look_for_ready(struct node *n)
{
	for (int i = 0; i < CHILDREN; i++) {
		struct child *c = &n->children[i];
		if (!c->pid || c->was_ready || !answers(n, i))
			continue;
		c->was_ready = true;
		log_event(LOG_INFO, "child_ready", "child", names[i], "ms", log_num((long long)((clock_mono_ns() - c->started_ns) / 1000000)).s, NULL);
	}
	for (int i = 0; i < CHILDREN; i++)
		if (i != SCRUB && is_wanted(n, i) && !n->children[i].was_ready)
			return;
	if (n->is_ready)
		return;
	n->is_ready = true;
	n->on_ready(n->arg);
}

/* ---- ending ---- */

static bool has_room(const struct node *n)
{
	struct statvfs v;
	return statvfs(n->conf->dir, &v) || (v.f_bavail * (unsigned long long)v.f_frsize >= ROOM && (v.f_favail || !v.f_files));
}

static bool waits_for_room(const struct node *n)
{
	for (int i = 0; i < CHILDREN; i++)
		if (!n->children[i].pid && n->children[i].lacked_room)
			return true;
	return false;
}

/* What it died of is over: the throttle would only cost time. */
static void look_for_room(struct node *n)
{
	if (!waits_for_room(n) || !has_room(n))
		return;
	for (int i = 0; i < CHILDREN; i++) {
		struct child *c = &n->children[i];
		if (c->pid || !c->lacked_room)
			continue;
		c->lacked_room = false;
		c->delay_s = 0;
		c->start_at_ns = clock_mono_ns();
		log_event(LOG_INFO, "child_may_start", "child", names[i], "why", "there is room on the disk again", NULL);
	}
}

static void begin_stop(struct node *n, enum exit_code code)
{
	if (!n->is_stopping)
		n->code = code;
	n->is_stopping = true;
}

static void child_ended(struct node *n, int which, int status)
{
	struct child *c = &n->children[which];
	uint64_t now = clock_mono_ns();
	c->pid = 0;
	if (n->is_stopping)
		return;
	if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_CONFIG) {
		say_error("%s cannot work with %s (its message stands above); the node stops", names[which], n->conf->dir);
		begin_stop(n, EXIT_CONFIG);
		return;
	}
	if (now - c->started_ns >= LIFE_S * S_NS || !c->delay_s)
		c->delay_s = DELAY_FIRST_S;
	else if ((c->delay_s *= 2) > DELAY_MAX_S)
		c->delay_s = DELAY_MAX_S;
	c->start_at_ns = now + c->delay_s * S_NS;
	c->lacked_room = !has_room(n);
	log_event(LOG_ERROR, "child_died", "child", names[which], WIFSIGNALED(status) ? "signal" : "exit",
	          log_num(WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status)).s, "restart_in_s", log_num(c->delay_s).s, NULL);
}

static void reap(struct node *n)
{
	int status;
	for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0; )
		for (int i = 0; i < CHILDREN; i++)
			if (n->children[i].pid == pid)
				child_ended(n, i, status);
}

static void on_signal(struct node *n)
{
	struct signalfd_siginfo info;
	while (read(n->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (info.ssi_signo == SIGTERM || info.ssi_signo == SIGINT)
			begin_stop(n, EXIT_DONE);
		if (info.ssi_signo == SIGHUP)
			for (int i = 0; i < CHILDREN; i++)
				if (n->children[i].pid)
					kill(n->children[i].pid, SIGHUP);
	}
	reap(n);
}

/* ---- the loop ---- */

static int wait_ms(const struct node *n)
{
	uint64_t now = clock_mono_ns(), least = UINT64_MAX;
	for (int i = 0; i < CHILDREN; i++) {
		const struct child *c = &n->children[i];
		if (c->pid && !c->was_ready)
			return PING_EVERY_MS;
		if (!c->pid && is_wanted(n, i) && is_due(n, i)) {
			uint64_t left = c->start_at_ns > now ? c->start_at_ns - now : 0;
			if (left < least)
				least = left;
		}
	}
	if (waits_for_room(n) && least > LOOK_MS * 1000000ull)
		least = LOOK_MS * 1000000ull;
	return least == UINT64_MAX ? -1 : (int)(least / 1000000 + 1);
}

static void await(struct node *n, int timeout_ms)
{
	struct pollfd p = { .fd = n->signal_fd, .events = POLLIN };
	if (poll(&p, 1, timeout_ms) > 0)
		on_signal(n);
}

/* Asks one child to end and waits; the loop of signals goes on, so that a second Ctrl-C changes nothing. */
static void stop_child(struct node *n, int which)
{
	struct child *c = &n->children[which];
	uint64_t deadline = clock_mono_ns() + STOP_S * S_NS;
	if (c->pid)
		kill(c->pid, SIGTERM);
	while (c->pid) {
		uint64_t now = clock_mono_ns();
		if (now >= deadline) {
			log_event(LOG_ERROR, "child_killed", "child", names[which], "why", "did not stop", NULL);
			kill(c->pid, SIGKILL);
			deadline = now + STOP_S * S_NS;
		}
		await(n, (int)((deadline - now) / 1000000 + 1));
	}
}

static bool open_signals(struct node *n, sigset_t *before)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGCHLD);
	if (sigprocmask(SIG_BLOCK, &set, before))
		return false;
	n->signal_fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	return n->signal_fd >= 0;
}

static bool find_programs(struct node *n)
{
	ssize_t len = readlink("/proc/self/exe", n->bin, sizeof(n->bin) - 1);
	if (len < 0)
		return false;
	n->bin[len] = '\0';
	char *slash = strrchr(n->bin, '/');
	if (slash)
		*slash = '\0';
	return slash;
}

enum exit_code supervise(const struct conf *conf, int listen_fd, int hl7_fd, void (*on_ready)(void *arg), void *arg)
{
	struct node n = { .conf = conf, .fds = { [STORESCP] = listen_fd, [ROUTER] = -1, [HL7D] = hl7_fd, [SCRUB] = -1 }, .on_ready = on_ready, .arg = arg };
	sigset_t before;
	if (!find_programs(&n) || !open_signals(&n, &before)) {
		say_error("the supervisor cannot start: %s", strerror(errno));
		return EXIT_FAILED;
	}
	while (!n.is_stopping) {
		look_for_room(&n);
		for (int i = 0; i < CHILDREN; i++)
			if (may_start(&n, i))
				start_child(&n, i);
		await(&n, wait_ms(&n));
		if (!n.is_stopping)
			look_for_ready(&n);
	}
	stop_child(&n, HL7D);
	stop_child(&n, SCRUB);
	stop_child(&n, STORESCP);        /* it lets nobody in any more, and finishes what it has */
	stop_child(&n, ROUTER);
	close(n.signal_fd);
	sigprocmask(SIG_SETMASK, &before, NULL);
	return n.code;
}
