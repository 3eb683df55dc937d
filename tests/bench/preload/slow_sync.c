/* slow_sync - a disk whose syncs cost what SLOW_SYNC_US says, for a program that is preloaded with this.
 *
 * fdatasync() and fsync() do what they do and then take that many microseconds more. Syncs at the same time do not wait for one
 * another, as a disk and its file system serve those that wait with one flush: 2,000 is an ordinary SSD, 8,000 a hard disk.
 */
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static int slowly(const char *name, int fd)
{
	int (*real)(int) = NULL;
	*(void **)&real = dlsym(RTLD_NEXT, name);
	int code = real(fd), kept = errno;
	const char *text = getenv("SLOW_SYNC_US");
	long us = text ? strtol(text, NULL, 10) : 0;
	const struct timespec more = { .tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000 };
	nanosleep(&more, NULL);
	errno = kept;
	return code;
}

int fdatasync(int fd)
{
	return slowly("fdatasync", fd);
}

int fsync(int fd)
{
	return slowly("fsync", fd);
}
