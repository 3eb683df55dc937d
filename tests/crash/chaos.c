/* chaos - kill the programs of a clinic and a county under load, start them again, and count.
 *
 *   chaos --bin DIR --file IMAGE.dcm --dir DIR [--kills N] [--seed S] [--loaders L]
 *         N random kills of any of the four processes (storescp and router of both nodes)
 *   chaos ... --point PROGRAM:NAME:HITS     PROGRAM (clinic-storescp, clinic-router, county-storescp,
 *         county-router) runs with PACS_CRASH=NAME:HITS (a fault build) until it has killed itself there once
 *
 * Loaders send small images with UIDs of their own to the clinic and write down each that was answered 0000.
 * At the end everything runs undisturbed until the queues are empty, and then, for each acknowledged image:
 * it is indexed at the clinic, its file is whole by its digest, it is at the county, and its study is on the
 * county's worklist; and no file in either store is without a row.
 *
 * Prints what was done and what is wrong; exit 0 only if nothing is.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "pacs/base/clock.h"
#include "tests/lib/verify.h"
#include "tests/lib/scu.h"

enum { PROGRAMS = 4, MAX_LOADERS = 8, MAX_ACKED = 2000000, PER_STUDY = 25 };
enum { CLINIC_STORESCP, CLINIC_ROUTER, COUNTY_STORESCP, COUNTY_ROUTER };
static const char *const program_names[PROGRAMS] = { "clinic-storescp", "clinic-router", "county-storescp", "county-router" };

struct chaos {
	const char *bin, *file, *dir, *point;
	unsigned kills, loaders, seed;
	unsigned clinic_port;
	struct scu_image image;
	pid_t pid[PROGRAMS];
	atomic_bool stop;
	atomic_ulong next;               /* image numbers */
	pthread_mutex_t lock;
	struct verify_acked *acked;      /* under lock while loaders run */
	size_t acked_count;
	atomic_ulong refused;
};

static void die(const char *what, const char *why)
{
	fprintf(stderr, "chaos: %s: %s\n", what, why);
	exit(2);
}

/* ---- processes ---- */

static void start(struct chaos *c, unsigned p, const char *crash)
{
	char program[4096], dir[4096], log[4096];
	bool is_router = p == CLINIC_ROUTER || p == COUNTY_ROUTER;
	const char *node = p < COUNTY_STORESCP ? "clinic" : "county";
	snprintf(program, sizeof(program), "%s/%s", c->bin, is_router ? "router" : "storescp");
	snprintf(dir, sizeof(dir), "%s/%s", c->dir, node);
	snprintf(log, sizeof(log), "%s/%s.log", c->dir, program_names[p]);
	pid_t pid = fork();
	if (pid < 0)
		die("fork", strerror(errno));
	if (pid == 0) {
		int fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0644);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(fd, STDERR_FILENO);
		dup2(fd, STDOUT_FILENO);
		if (crash)
			setenv("PACS_CRASH", crash, 1);
		execl(program, program, "-C", dir, (char *)NULL);
		_exit(127);
	}
	c->pid[p] = pid;
}

static void reap(struct chaos *c, unsigned p, int sig)
{
	int status;
	kill(c->pid[p], sig);
	waitpid(c->pid[p], &status, 0);
	c->pid[p] = 0;
}

static void pause_ms(unsigned ms)
{
	struct timespec t = { ms / 1000, (long)(ms % 1000) * 1000000 };
	nanosleep(&t, NULL);
}

/* ---- load ---- */

static void acknowledge(struct chaos *c, const struct uid *sop)
{
	pthread_mutex_lock(&c->lock);
	if (c->acked_count < MAX_ACKED)
		c->acked[c->acked_count++].sop = *sop;
	pthread_mutex_unlock(&c->lock);
}

static void *loader(void *arg)
{
	struct chaos *c = arg;
	struct wire_target t = { "127.0.0.1", "CLINIC", "LOAD", c->clinic_port };
	struct scu s;
	struct uid sop;
	uint16_t status;
	while (!atomic_load(&c->stop)) {
		if (scu_open(&s, &t, &c->image, NULL)) {
			pause_ms(5);             /* it is being started again */
			continue;
		}
		while (!atomic_load(&c->stop) && !scu_store(&s, atomic_fetch_add(&c->next, 1), PER_STUDY, &status, &sop)) {
			if (status == 0)
				acknowledge(c, &sop);
			else
				atomic_fetch_add(&c->refused, 1);
		}
		scu_close(&s, false);
	}
	return NULL;
}

/* ---- the two plans ---- */

static void random_kills(struct chaos *c)
{
	unsigned counts[PROGRAMS] = { 0 };
	for (unsigned k = 0; k < c->kills; k++) {
		pause_ms(20 + (unsigned)rand_r(&c->seed) % 180);
		/* The clinic's receiver is what acknowledges: it dies in half of all cases. */
		unsigned p = rand_r(&c->seed) % 2 ? CLINIC_STORESCP : (unsigned)rand_r(&c->seed) % PROGRAMS;
		reap(c, p, SIGKILL);
		start(c, p, NULL);
		counts[p]++;
	}
	for (unsigned p = 0; p < PROGRAMS; p++)
		printf("# killed %s %u times\n", program_names[p], counts[p]);
}

/* Waits until the program has killed itself at its crash point; then starts it again without. */
static bool one_point(struct chaos *c)
{
	char spec[256];
	unsigned p = 0;
	snprintf(spec, sizeof(spec), "%s", c->point);
	char *colon = strchr(spec, ':');
	if (!colon)
		die("point", "PROGRAM:NAME:HITS");
	*colon = '\0';
	while (p < PROGRAMS && strcmp(spec, program_names[p]))
		p++;
	if (p == PROGRAMS)
		die(spec, "no such program");
	reap(c, p, SIGTERM);
	start(c, p, colon + 1);
	for (uint64_t end = clock_mono_ns() + 20000000000u; clock_mono_ns() < end; pause_ms(5)) {
		int status;
		if (waitpid(c->pid[p], &status, WNOHANG) != c->pid[p])
			continue;
		start(c, p, NULL);
		if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) {
			printf("# %s died at %s\n", spec, colon + 1);
			pause_ms(200);           /* load goes on over the repaired node */
			return true;
		}
		printf("# %s ended with status %x instead of dying at %s\n", spec, (unsigned)status, colon + 1);
		return false;
	}
	printf("# %s never came to %s\n", spec, colon + 1);
	return false;
}

static bool run(struct chaos *c)
{
	pthread_t t[MAX_LOADERS];
	bool ok = true;
	for (unsigned p = 0; p < PROGRAMS; p++)
		start(c, p, NULL);
	for (unsigned i = 0; i < c->loaders; i++)
		if (pthread_create(&t[i], NULL, loader, c))
			die("thread", strerror(errno));
	if (c->point)
		ok = one_point(c);
	else
		random_kills(c);
	atomic_store(&c->stop, true);
	for (unsigned i = 0; i < c->loaders; i++)
		pthread_join(t[i], NULL);
	printf("# %zu images acknowledged, %lu sent, %lu refused\n", c->acked_count, atomic_load(&c->next), atomic_load(&c->refused));
	return ok;
}

static bool verify(struct chaos *c)
{
	char clinic[4096], county[4096];
	struct why why = { "" };
	snprintf(clinic, sizeof(clinic), "%s/clinic", c->dir);
	snprintf(county, sizeof(county), "%s/county", c->dir);
	bool ok = c->acked_count > 0;
	if (!ok)
		printf("# nothing was acknowledged: the test proves nothing\n");
	ok &= verify_drained(clinic, county, c->acked, c->acked_count, 240, &why);
	if (!ok)
		printf("# %s\n", why.text);
	ok &= verify_listed(county, c->acked, c->acked_count, 60);
	for (unsigned p = 0; p < PROGRAMS; p++)
		reap(c, p, SIGTERM);
	ok &= verify_kept(clinic, c->acked, c->acked_count);
	ok &= verify_kept(county, c->acked, c->acked_count);
	ok &= verify_no_orphans(clinic);
	ok &= verify_no_orphans(county);
	return ok;
}

static void parse_options(int argc, char **argv, struct chaos *c)
{
	static const struct option longs[] = {
		{ "bin", 1, NULL, 'b' }, { "file", 1, NULL, 'f' }, { "dir", 1, NULL, 'd' }, { "kills", 1, NULL, 'k' },
		{ "seed", 1, NULL, 's' }, { "loaders", 1, NULL, 'l' }, { "point", 1, NULL, 'p' }, { "port", 1, NULL, 'o' }, { 0 },
	};
	c->kills = 200;
	c->loaders = 4;
	c->seed = (unsigned)clock_wall_ms();
	for (int o; (o = getopt_long(argc, argv, "", longs, NULL)) != -1; ) {
		unsigned n = optarg ? (unsigned)strtoul(optarg, NULL, 10) : 0;
		switch (o) {
		case 'b': c->bin = optarg; break;
		case 'f': c->file = optarg; break;
		case 'd': c->dir = optarg; break;
		case 'p': c->point = optarg; break;
		case 'k': c->kills = n; break;
		case 's': c->seed = n; break;
		case 'l': c->loaders = n < MAX_LOADERS ? n : MAX_LOADERS; break;
		case 'o': c->clinic_port = n; break;
		default: die("usage", "see tests/crash/chaos.c");
		}
	}
	if (!c->bin || !c->file || !c->dir || !c->clinic_port)
		die("usage", "--bin, --file, --dir and --port are needed; see tests/crash/chaos.c");
}

int main(int argc, char **argv)
{
	static struct chaos c;           /* large; one for the program */
	struct why why = { "" };
	parse_options(argc, argv, &c);
	setvbuf(stdout, NULL, _IOLBF, 0);
	signal(SIGPIPE, SIG_IGN);
	pthread_mutex_init(&c.lock, NULL);
	c.acked = calloc(MAX_ACKED, sizeof(*c.acked));
	if (!c.acked || scu_image_load(&c.image, c.file, false, &why))
		die(c.file, why.text);
	printf("# seed %u\n", c.seed);
	bool ok = run(&c);
	ok &= verify(&c);
	scu_image_free(&c.image);
	free(c.acked);
	printf("# %s\n", ok ? "nothing acknowledged was lost, doubled or hidden" : "FAILED");
	return ok ? 0 : 1;
}
