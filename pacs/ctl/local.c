#include "pacs/ctl/local.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum err local_address_init(struct local_address *a, const char *path, struct why *why)
{
	*a = (struct local_address){ .sun.sun_family = AF_UNIX, .dir_fd = -1 };
	size_t len = strlen(path);
	if (len < sizeof(a->sun.sun_path)) {
		memcpy(a->sun.sun_path, path, len + 1);
		return ERR_OK;
	}
	const char *slash = strrchr(path, '/');
	char dir[PATH_MAX];
	if (!slash || (size_t)(slash - path) >= sizeof(dir))
		return fail(why, ERR_LIMIT, "the path of a local socket has %zu bytes: %s", len, path);
	memcpy(dir, path, (size_t)(slash - path));
	dir[slash - path] = '\0';
	a->dir_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (a->dir_fd < 0)
		return fail_errno(why, errno == ENOENT ? ERR_CLOSED : ERR_IO, "opening directory %s", dir);
	int n = snprintf(a->sun.sun_path, sizeof(a->sun.sun_path), "/proc/self/fd/%d/%s", a->dir_fd, slash + 1);
	if (n < 0 || (size_t)n >= sizeof(a->sun.sun_path)) {
		local_address_fini(a);
		return fail(why, ERR_LIMIT, "the name of a local socket is too long: %s", slash + 1);
	}
	return ERR_OK;
}

void local_address_fini(struct local_address *a)
{
	if (a->dir_fd >= 0)
		close(a->dir_fd);
	a->dir_fd = -1;
}

enum err local_bind(const char *path, int type, int *fd_out, struct why *why)
{
	struct local_address a;
	enum err e = local_address_init(&a, path, why);
	if (e)
		return e;
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	/* Linux gives the socket file the mode its descriptor has at bind(), so nobody else gets in even for a moment. */
	if (fd < 0 || fchmod(fd, 0600))
		e = fail_errno(why, ERR_IO, "making the local socket %s", path);
	else if (unlink(a.sun.sun_path) && errno != ENOENT)
		e = fail_errno(why, ERR_IO, "removing the old local socket %s", path);
	else if (bind(fd, (const struct sockaddr *)&a.sun, sizeof(a.sun)))
		e = fail_errno(why, ERR_IO, "binding the local socket %s", path);
	local_address_fini(&a);
	if (e) {
		if (fd >= 0)
			close(fd);
		return e;
	}
	*fd_out = fd;
	return ERR_OK;
}

static enum err connect_error(const char *path, struct why *why)
{
	if (errno == ENOENT || errno == ECONNREFUSED || errno == ENOTDIR)
		return fail(why, ERR_CLOSED, "nothing answers at %s: the program is not running", path);
	if (errno == EAGAIN)
		return fail(why, ERR_BUSY, "%s has too many callers waiting; try again", path);
	if (errno == EACCES || errno == EPERM)
		return fail(why, ERR_DENIED, "not allowed to talk to %s: run this as the user that runs the node", path);
	return fail_errno(why, ERR_IO, "connecting to %s", path);
}

enum err local_connect(const char *path, int *fd_out, struct why *why)
{
	struct local_address a;
	enum err e = local_address_init(&a, path, why);
	if (e)
		return e;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		e = fail_errno(why, ERR_IO, "making a local socket");
	else if (connect(fd, (const struct sockaddr *)&a.sun, sizeof(a.sun)))
		e = connect_error(path, why);
	local_address_fini(&a);
	if (e) {
		if (fd >= 0)
			close(fd);
		return e;
	}
	*fd_out = fd;
	return ERR_OK;
}
