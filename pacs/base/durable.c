#include "pacs/base/durable.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "pacs/base/fault.h"

enum err durable_pwrite(int fd, const void *p, size_t len, off_t at, struct why *why)
{
	const char *c = p;
	while (len) {
		ssize_t n = fault_fails(FAULT_WRITE) ? -1 : pwrite(fd, c, len, at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return fail_errno(why, ERR_IO, "writing %zu bytes at %lld", len, (long long)at);
		c += n;
		at += n;
		len -= (size_t)n;
	}
	return ERR_OK;
}

/* Steps over n written bytes. */
static void advance(struct iovec **of, int *left, size_t n)
{
	for (; *left && n >= (*of)->iov_len; ++*of, --*left)
		n -= (*of)->iov_len;
	if (n) {
		(*of)->iov_base = (char *)(*of)->iov_base + n;
		(*of)->iov_len -= n;
	}
}

enum err durable_pwritev(int fd, struct iovec *of, int n, off_t at, struct why *why)
{
	while (n) {
		ssize_t w = fault_fails(FAULT_WRITE) ? -1 : pwritev(fd, of, n, at);
		if (w < 0 && errno == EINTR)
			continue;
		if (w <= 0)
			return fail_errno(why, w < 0 && errno == EINVAL ? ERR_UNSUPPORTED : ERR_IO, "writing %d pieces at %lld", n, (long long)at);
		at += w;
		advance(&of, &n, (size_t)w);
	}
	return ERR_OK;
}

enum err durable_pread(int fd, void *p, size_t len, off_t at, struct why *why)
{
	char *c = p;
	while (len) {
		ssize_t n = pread(fd, c, len, at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fail_errno(why, ERR_IO, "reading %zu bytes at %lld", len, (long long)at);
		if (n == 0)
			return fail(why, ERR_END, "the file ends at %lld, %zu bytes more were expected", (long long)at, len);
		c += n;
		at += n;
		len -= (size_t)n;
	}
	return ERR_OK;
}

enum err durable_sync(int fd, const char *name, struct why *why)
{
	if (fault_fails(FAULT_FSYNC) || fdatasync(fd))
		return fail_errno(why, ERR_IO, "fdatasync of %s", name);
	return ERR_OK;
}

enum err durable_sync_dir(const char *dir, struct why *why)
{
	int fd = fault_fails(FAULT_OPEN) ? -1 : open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return fail_errno(why, ERR_IO, "opening directory %s", dir);
	enum err e = ERR_OK;
	if (fault_fails(FAULT_FSYNC) || fsync(fd))
		e = fail_errno(why, ERR_IO, "fsync of directory %s", dir);
	close(fd);
	return e;
}

enum err durable_rename(const char *from, const char *to, struct why *why)
{
	if (fault_fails(FAULT_RENAME) || renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE)) {
		if (errno == EEXIST)
			return fail(why, ERR_EXISTS, "%s is there already", to);
		return fail_errno(why, ERR_IO, "renaming %s to %s", from, to);
	}
	return ERR_OK;
}

static enum err make_one(char *dir, struct why *why)
{
	if (mkdir(dir, 0755)) {
		if (errno == EEXIST)
			return ERR_OK;
		return fail_errno(why, ERR_IO, "making directory %s", dir);
	}
	char *slash = strrchr(dir, '/');
	if (!slash)
		return durable_sync_dir(".", why);
	if (slash == dir)
		return durable_sync_dir("/", why);
	*slash = '\0';
	enum err e = durable_sync_dir(dir, why);
	*slash = '/';
	return e;
}

enum err durable_mkdirs(const char *dir, struct why *why)
{
	char path[PATH_MAX];
	size_t len = strlen(dir);
	if (len >= sizeof(path))
		return fail(why, ERR_LIMIT, "a path of %zu bytes, limit %d", len, PATH_MAX);
	memcpy(path, dir, len + 1);
	for (char *s = path + 1; *s; s++) {
		if (*s != '/')
			continue;
		*s = '\0';
		enum err e = make_one(path, why);
		if (e)
			return e;
		*s = '/';
	}
	return make_one(path, why);
}

enum err durable_replace(const char *path, const void *p, size_t len, unsigned mode, struct why *why)
{
	char tmp[PATH_MAX], dir[PATH_MAX];
	int n = snprintf(tmp, sizeof(tmp), "%s.%ld.new", path, (long)getpid());
	if (n < 0 || (size_t)n >= sizeof(tmp))
		return fail(why, ERR_LIMIT, "path too long: %s", path);
	const char *slash = strrchr(path, '/');
	snprintf(dir, sizeof(dir), "%.*s", slash ? (int)(slash - path) : 1, slash ? path : ".");

	int fd = fault_fails(FAULT_OPEN) ? -1 : open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
	if (fd < 0)
		return fail_errno(why, ERR_IO, "creating %s", tmp);
	enum err e = durable_pwrite(fd, p, len, 0, why);
	if (!e)
		e = durable_sync(fd, tmp, why);
	close(fd);
	if (!e && rename(tmp, path))
		e = fail_errno(why, ERR_IO, "renaming %s to %s", tmp, path);
	if (e) {
		unlink(tmp);
		return e;
	}
	return durable_sync_dir(slash == path ? "/" : dir, why);
}

enum err durable_slurp(const char *path, size_t max, char **out, size_t *len, struct why *why)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? fail(why, ERR_NOT_FOUND, "%s does not exist", path)
		                       : fail_errno(why, ERR_IO, "opening %s", path);
	struct stat st;
	enum err e = ERR_OK;
	char *p = NULL;
	if (fstat(fd, &st))
		e = fail_errno(why, ERR_IO, "looking at %s", path);
	else if ((uint64_t)st.st_size > max)
		e = fail(why, ERR_LIMIT, "%s has %lld bytes, limit %zu", path, (long long)st.st_size, max);
	else if (!(p = malloc((size_t)st.st_size + 1)))
		e = fail(why, ERR_NOMEM, "no memory for %s", path);
	else
		e = durable_pread(fd, p, (size_t)st.st_size, 0, why);
	close(fd);
	if (e) {
		free(p);
		return e;
	}
	p[st.st_size] = '\0';
	*out = p;
	*len = (size_t)st.st_size;
	return ERR_OK;
}
