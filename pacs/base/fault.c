#include "pacs/base/fault.h"

#ifdef PACS_FAULTS
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const op_names[] = { "alloc", "write", "fsync", "rename", "open", "codec" };
_Static_assert(sizeof(op_names) / sizeof(op_names[0]) == FAULT_OP_COUNT, "one name per op");

/* Process-wide on purpose: faults strike the process, not an object. */
static struct { long calls, nth; bool onward; } plans[FAULT_OP_COUNT];
static char crash_name[64];
static long crash_left;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void read_environment(void)
{
	const char *f = getenv("PACS_FAULT"), *c = getenv("PACS_CRASH"), *colon;
	if (f && (colon = strchr(f, ':')))
		for (int op = 0; op < FAULT_OP_COUNT; op++)
			if (strlen(op_names[op]) == (size_t)(colon - f) && !strncmp(f, op_names[op], (size_t)(colon - f))) {
				plans[op].nth = strtol(colon + 1, NULL, 10);
				plans[op].onward = strchr(colon, '+') != NULL;
			}
	if (c && (colon = strchr(c, ':')) && (size_t)(colon - c) < sizeof(crash_name)) {
		memcpy(crash_name, c, (size_t)(colon - c));
		crash_left = strtol(colon + 1, NULL, 10);
	}
}

bool fault_fails(enum fault_op op)
{
	pthread_once(&once, read_environment);
	pthread_mutex_lock(&lock);
	long n = ++plans[op].calls;
	bool fails = plans[op].nth > 0 && (n == plans[op].nth || (plans[op].onward && n > plans[op].nth));
	pthread_mutex_unlock(&lock);
	if (fails)
		errno = op == FAULT_ALLOC ? ENOMEM : EIO;
	return fails;
}

void crash_point(const char *name)
{
	pthread_once(&once, read_environment);
	pthread_mutex_lock(&lock);
	bool now = crash_left > 0 && !strcmp(name, crash_name) && --crash_left == 0;
	pthread_mutex_unlock(&lock);
	if (now)
		kill(getpid(), SIGKILL);
}

void fault_plan(enum fault_op op, long nth, bool onward)
{
	pthread_once(&once, read_environment);
	pthread_mutex_lock(&lock);
	plans[op].calls = 0;
	plans[op].nth = nth;
	plans[op].onward = onward;
	pthread_mutex_unlock(&lock);
}

long fault_calls(enum fault_op op)
{
	pthread_mutex_lock(&lock);
	long n = plans[op].calls;
	pthread_mutex_unlock(&lock);
	return n;
}
#else
/* A translation unit may not be empty (C11 6.9). */
typedef int fault_is_off;
#endif
