#include "viewer-cli/guard.h"

#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "viewer-cli/viewer.h"

enum { PATIENCE_S = 5, OPEN_FILES = 16 };

static void say(const char *sequences)
{
	size_t n = strlen(sequences);
	while (n) {
		ssize_t did = write(STDOUT_FILENO, sequences, n);
		if (did < 0 && errno == EINTR)
			continue;
		if (did <= 0)
			return;          /* the terminal is gone */
		sequences += did;
		n -= (size_t)did;
	}
}

void guard_take_screen(void)
{
	struct termios t;
	if (tcgetattr(STDIN_FILENO, &t) == 0) {
		cfmakeraw(&t);           /* Ctrl-C is a key: it leaves by the front door */
		tcsetattr(STDIN_FILENO, TCSAFLUSH, &t);
	}
	say("\033[?1049h\033[?25l\033[2J");
}

static void give_back(const struct termios *t)
{
	say("\033[0m\033[?25h\033[?1049l");
	tcsetattr(STDIN_FILENO, TCSAFLUSH, t);
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st, (void)kind, (void)at;
	remove(path);
	return 0;
}

/* ---- the child ---- */

static int in_child(int (*fn)(void *arg, const char *dir), void *arg, const char *dir, pid_t parent, const sigset_t *old)
{
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(VIEWER_FAILED);
	sigprocmask(SIG_SETMASK, old, NULL);
	_exit(fn(arg, dir));
}

/* ---- the parent ---- */

/* A signal to this program is one for the child; when it does not end by it within PATIENCE_S, it is ended. */
static int wait_for(pid_t child, const sigset_t *mask, int *asked)
{
	const struct timespec patience = { .tv_sec = PATIENCE_S };
	int status;
	for (;;) {
		int sig = *asked ? sigtimedwait(mask, NULL, &patience) : sigwaitinfo(mask, NULL);
		if (sig < 0 && errno == EAGAIN)
			kill(child, SIGKILL);
		if (sig > 0 && sig != SIGCHLD) {
			*asked = sig;
			kill(child, SIGTERM);
		}
		if (waitpid(child, &status, WNOHANG) == child)
			return status;
	}
}

static int judge(int status, int asked)
{
	if (WIFEXITED(status))
		return asked ? 128 + asked : WEXITSTATUS(status);
	viewer_fail("the screen program ended by signal %d (%s); what was claimed stays claimed", WTERMSIG(status), strsignal(WTERMSIG(status)));
	return 128 + WTERMSIG(status);
}

static int run_guarded(int (*fn)(void *arg, const char *dir), void *arg, const char *dir, const struct termios *t)
{
	static const int taken[] = { SIGCHLD, SIGTERM, SIGHUP, SIGINT, SIGQUIT };
	pid_t parent = getpid();
	sigset_t mask, old;
	int asked = 0;
	sigemptyset(&mask);
	for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++)
		sigaddset(&mask, taken[i]);
	sigprocmask(SIG_BLOCK, &mask, &old);
	fflush(NULL);
	pid_t child = fork();
	if (child == 0)
		return in_child(fn, arg, dir, parent, &old);
	if (child < 0) {
		sigprocmask(SIG_SETMASK, &old, NULL);
		return viewer_fail("no process for the screen: %s", strerror(errno));
	}
	int status = wait_for(child, &mask, &asked);
	give_back(t);
	sigprocmask(SIG_SETMASK, &old, NULL);
	return judge(status, asked);
}

int guard_run(int (*fn)(void *arg, const char *dir), void *arg)
{
	const char *tmp = getenv("TMPDIR");
	char dir[PATH_MAX];
	struct termios t;
	if (!isatty(STDOUT_FILENO) || tcgetattr(STDIN_FILENO, &t))
		return viewer_fail("`read` needs a terminal; `list`, `claim`, `pull` and `show` do not");
	if ((size_t)snprintf(dir, sizeof(dir), "%s/viewer-cli.XXXXXX", tmp && *tmp ? tmp : "/tmp") >= sizeof(dir) || !mkdtemp(dir))
		return viewer_fail("no folder for the images in %s: %s", tmp && *tmp ? tmp : "/tmp", strerror(errno));
	int rc = run_guarded(fn, arg, dir, &t);
	nftw(dir, remove_one, OPEN_FILES, FTW_DEPTH | FTW_PHYS);
	return rc;
}
