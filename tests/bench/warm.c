/* warm - the page cache full, as on a machine that has served for a day.
 *
 *   warm FILE          reads FILE, which it makes without a block on the disk, until no memory is left that nothing has used
 *
 * A guest gets memory from its host at the first touch of each page and gives it back soon after it was freed; here such a page
 * costs 7 us, a few times what a receiver does for it. An archive's memory is full of files: a new page is one that an old file
 * had. So a measurement begins with that, for each receiver alike. FILE stays for the next time; it is the caller's to remove.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <unistd.h>

enum { STEP = 128 << 10, LEFT = 256 << 20 };

static unsigned long long of(const struct sysinfo *si, unsigned long n)
{
	return (unsigned long long)n * si->mem_unit;
}

int main(int argc, char **argv)
{
	struct sysinfo si;
	int fd = argc == 2 ? open(argv[1], O_RDWR | O_CREAT | O_CLOEXEC, 0600) : -1;
	if (fd < 0 || sysinfo(&si) || ftruncate(fd, (off_t)of(&si, si.totalram))) {
		fprintf(stderr, "warm: %s: %s\n", argc == 2 ? argv[1] : "usage: warm FILE", strerror(errno));
		return 1;
	}
	for (unsigned long long at = 0; at < of(&si, si.totalram) && !sysinfo(&si) && of(&si, si.freeram) > LEFT; at += STEP)
		if (readahead(fd, (off_t)at, STEP)) {
			fprintf(stderr, "warm: %s: %s\n", argv[1], strerror(errno));
			return 1;
		}
	close(fd);
	return 0;
}
