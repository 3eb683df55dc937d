/* recorder - a library to preload: writes down every call that changes files below POWER_ROOT, in the order of its effect.
 *
 *   POWER_ROOT=/tmp/x POWER_LOG=/tmp/log LD_PRELOAD=librecorder.so storescp -C /tmp/x/node
 *
 * Works without any right or kernel module. Stands between the program and libc, so SQLite's and libuv's calls are seen too;
 * what libc calls inside itself (stdio) is not, and memory that is mapped is not: the driver compares the model's end with
 * the real files and would find it. A file that another process filled through a passed descriptor (the codec worker, whose
 * cage allows no recording) is written down whole when it is synced.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "tests/power/power_log.h"

enum { FDS = 65536 };

/* One for the process, as a preloaded library has no other place. */
static struct {
	char root[PATH_MAX];
	size_t root_len;
	int log;                         /* -1: nothing is recorded */
	bool lie_file, lie_dir;
	pthread_mutex_t *lock;           /* in memory that all recorded processes share */
	uint64_t *next_sync;
	struct file { uint64_t inode; bool is_known, is_ours, is_dir, is_written, is_new; } fd[FDS];
	struct line { uint64_t sent; uint16_t port; } line[FDS];
} g = { .log = -1 };

#define REAL(name) ((__typeof__(&name))real(#name))
static void *real(const char *name) { return dlsym(RTLD_NEXT, name); }

struct shared { pthread_mutex_t lock; uint64_t next_sync; uint32_t is_ready; };

static void die(const char *what)
{
	dprintf(2, "recorder: %s: %s\n", what, strerror(errno));
	_exit(99);
}

/* The lock stands in a file beside the log; whoever comes first makes it. */
static void share(const char *log)
{
	char path[PATH_MAX];
	snprintf(path, sizeof(path), "%s.lock", log);
	int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || flock(fd, LOCK_EX) || syscall(SYS_ftruncate, fd, (off_t)sizeof(struct shared)))
		die(path);
	struct shared *s = mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (s == MAP_FAILED)
		die(path);
	if (!s->is_ready) {
		pthread_mutexattr_t a;
		pthread_mutexattr_init(&a);
		pthread_mutexattr_setpshared(&a, PTHREAD_PROCESS_SHARED);
		pthread_mutexattr_setrobust(&a, PTHREAD_MUTEX_ROBUST);
		pthread_mutex_init(&s->lock, &a);
		s->is_ready = 1;
	}
	flock(fd, LOCK_UN);
	syscall(SYS_close, fd);
	g.lock = &s->lock;
	g.next_sync = &s->next_sync;
}

__attribute__((constructor)) static void start(void)
{
	const char *root = getenv(POWER_ROOT), *log = getenv(POWER_LOG), *lie = getenv(POWER_LIE);
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	self[n > 0 ? n : 0] = '\0';
	if (!root || !log || strstr(self, "xcode-worker"))
		return;
	snprintf(g.root, sizeof(g.root), "%s", root);
	g.root_len = strlen(g.root);
	g.lie_file = lie && !strcmp(lie, "file");
	g.lie_dir = lie && !strcmp(lie, "dir");
	share(log);
	g.log = (int)syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (g.log < 0)
		die(log);
}

static void lock(void)
{
	if (pthread_mutex_lock(g.lock) == EOWNERDEAD)
		pthread_mutex_consistent(g.lock);
}

static void unlock(void)
{
	pthread_mutex_unlock(g.lock);
}

/* ---- the log ---- */

static void put(enum power_kind kind, uint64_t inode, uint64_t a, uint64_t b, const struct iovec *data, int n)
{
	static const char zeros[8];
	struct power_event ev = { .kind = kind, .inode = inode, .a = a, .b = b };
	struct iovec v[16] = { { &ev, sizeof(ev) } };
	int count = 1, saved = errno;
	size_t len = 0;
	for (int i = 0; i < n && count < 15; i++) {
		v[count++] = data[i];
		len += data[i].iov_len;
	}
	ev.len = (uint32_t)len;
	if (len % 8)
		v[count++] = (struct iovec){ (void *)(uintptr_t)zeros, 8 - len % 8 };
	size_t want = sizeof(ev) + (len + 7) / 8 * 8;
	if (syscall(SYS_writev, g.log, v, count) != (ssize_t)want)
		die("log");
	errno = saved;
}

static void put_path(enum power_kind kind, uint64_t inode, uint64_t a, const char *path)
{
	struct iovec v = { (void *)(uintptr_t)path, strlen(path) + 1 };
	put(kind, inode, a, 0, &v, 1);
}

/* ---- which files ---- */

/* The path below the root, or NULL: none of ours. room: PATH_MAX bytes that it may stand in. */
static const char *ours(int at, const char *path, char *room)
{
	if (g.log < 0)
		return NULL;
	if (path[0] != '/') {
		char name[64];
		snprintf(name, sizeof(name), at == AT_FDCWD ? "/proc/self/cwd" : "/proc/self/fd/%d", at);
		ssize_t len = readlink(name, room, PATH_MAX / 2);
		if (len < 0)
			return NULL;
		size_t n = (size_t)len;
		snprintf(room + n, PATH_MAX - n, "/%s", path);
		path = room;
	}
	if (strncmp(path, g.root, g.root_len) || (path[g.root_len] && path[g.root_len] != '/'))
		return NULL;
	path += g.root_len;
	return *path ? path + 1 : path;
}

/* What stands behind a descriptor; known from its opening, else asked of the kernel. */
static struct file *file_of(int fd)
{
	char name[64], target[PATH_MAX], room[PATH_MAX];
	struct stat st;
	if (g.log < 0 || fd < 0 || fd >= FDS)
		return NULL;
	struct file *f = &g.fd[fd];
	int saved = errno;
	if (!f->is_known) {
		snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
		ssize_t n = readlink(name, target, sizeof(target) - 1);
		target[n > 0 ? n : 0] = '\0';
		*f = (struct file){ .is_known = true };
		if (!fstat(fd, &st) && (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode)) && ours(AT_FDCWD, target, room)) {
			f->is_ours = true;
			f->inode = st.st_ino;
			f->is_dir = S_ISDIR(st.st_mode);
		}
	}
	errno = saved;
	return f->is_ours ? f : NULL;
}

static int opened(int fd, int at, const char *path, int flags, bool was_there)
{
	char room[PATH_MAX];
	struct stat st;
	int saved = errno;
	if (fd >= 0 && fd < FDS) {
		g.fd[fd] = (struct file){ .is_known = false };
		const char *rel = ours(at, path, room);
		if (rel && !fstat(fd, &st) && (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode))) {
			g.fd[fd] = (struct file){ .is_known = true, .is_ours = true, .inode = st.st_ino, .is_dir = S_ISDIR(st.st_mode), .is_new = !was_there };
			if (flags & (O_CREAT | O_TRUNC))
				put_path(POWER_OPEN, st.st_ino, (uint64_t)(unsigned)flags, rel);
		}
	}
	errno = saved;
	return fd;
}

static int open_any(int at, const char *path, int flags, mode_t mode)
{
	char room[PATH_MAX];
	bool record = ours(at, path, room) && (flags & (O_CREAT | O_TRUNC));
	if (record)
		lock();
	bool was_there = record && !syscall(SYS_faccessat, at, path, F_OK);
	int fd = opened((int)syscall(SYS_openat, at, path, flags, mode), at, path, flags, was_there);
	if (record)
		unlock();
	return fd;
}

#define OPEN_MODE(flags) \
	mode_t mode = 0; \
	if ((flags) & (O_CREAT | __O_TMPFILE)) { \
		va_list ap; \
		va_start(ap, flags); \
		mode = va_arg(ap, mode_t); \
		va_end(ap); \
	}

int open(const char *path, int flags, ...) { OPEN_MODE(flags) return open_any(AT_FDCWD, path, flags, mode); }
int open64(const char *path, int flags, ...) { OPEN_MODE(flags) return open_any(AT_FDCWD, path, flags, mode); }
int openat(int at, const char *path, int flags, ...) { OPEN_MODE(flags) return open_any(at, path, flags, mode); }
int openat64(int at, const char *path, int flags, ...) { OPEN_MODE(flags) return open_any(at, path, flags, mode); }
int creat(const char *path, mode_t mode) { return open_any(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode); }
/* What the fortified headers make of an open() without mode. */
int __open_2(const char *path, int flags);
int __open64_2(const char *path, int flags);
int __openat_2(int at, const char *path, int flags);
int __openat64_2(int at, const char *path, int flags);
int __open_2(const char *path, int flags) { return open_any(AT_FDCWD, path, flags, 0); }
int __open64_2(const char *path, int flags) { return open_any(AT_FDCWD, path, flags, 0); }
int __openat_2(int at, const char *path, int flags) { return open_any(at, path, flags, 0); }
int __openat64_2(int at, const char *path, int flags) { return open_any(at, path, flags, 0); }

int close(int fd)
{
	if (fd >= 0 && fd < FDS) {
		g.fd[fd] = (struct file){ .is_known = false };
		g.line[fd] = (struct line){ 0 };
	}
	return (int)syscall(SYS_close, fd);
}

/* ---- contents ---- */

static ssize_t wrote(struct file *f, ssize_t n, uint64_t at, const void *p)
{
	if (n > 0) {
		struct iovec v = { (void *)(uintptr_t)p, (size_t)n };
		f->is_written = true;
		put(POWER_WRITE, f->inode, at, 0, &v, 1);
	}
	return n;
}

static ssize_t pwrite_any(int fd, const void *p, size_t len, off_t at)
{
	struct file *f = file_of(fd);
	if (!f)
		return syscall(SYS_pwrite64, fd, p, len, at);
	lock();
	ssize_t n = wrote(f, syscall(SYS_pwrite64, fd, p, len, at), (uint64_t)at, p);
	unlock();
	return n;
}

ssize_t pwrite(int fd, const void *p, size_t len, off_t at) { return pwrite_any(fd, p, len, at); }
ssize_t pwrite64(int fd, const void *p, size_t len, off64_t at) { return pwrite_any(fd, p, len, at); }

/* ---- lines: who was told what, and when ---- */

static uint16_t peer_port(int fd)
{
	struct sockaddr_in a;
	socklen_t n = sizeof(a);
	if (g.log < 0 || fd < 0 || fd >= FDS || getpeername(fd, (struct sockaddr *)&a, &n) || a.sin_family != AF_INET)
		return 0;
	uint16_t port = ntohs(a.sin_port);
	if (g.line[fd].port != port)
		g.line[fd] = (struct line){ .port = port };
	return port;
}

/* Written down before the kernel gets the bytes: nobody can have them earlier. */
static bool tells(int fd, size_t len)
{
	int saved = errno;
	uint16_t port = peer_port(fd);
	if (port) {
		lock();
		put(POWER_SEND, port, g.line[fd].sent, len, NULL, 0);
		unlock();
	}
	errno = saved;
	return port != 0;
}

static ssize_t told(int fd, bool is_line, ssize_t n)
{
	if (is_line && n > 0)
		g.line[fd].sent += (uint64_t)n;
	return n;
}

static size_t iov_total(const struct iovec *v, int n)
{
	size_t len = 0;
	for (int i = 0; i < n; i++)
		len += v[i].iov_len;
	return len;
}

ssize_t write(int fd, const void *p, size_t len)
{
	struct file *f = file_of(fd);
	if (!f) {
		bool is_line = tells(fd, len);
		return told(fd, is_line, syscall(SYS_write, fd, p, len));
	}
	lock();
	off_t at = lseek(fd, 0, SEEK_CUR);
	ssize_t n = wrote(f, syscall(SYS_write, fd, p, len), (uint64_t)at, p);
	unlock();
	return n;
}

ssize_t writev(int fd, const struct iovec *v, int count)
{
	if (file_of(fd))         /* one piece after the other; a caller must expect short writes anyway */
		return count ? write(fd, v[0].iov_base, v[0].iov_len) : 0;
	bool is_line = tells(fd, iov_total(v, count));
	return told(fd, is_line, syscall(SYS_writev, fd, v, count));
}

static ssize_t pwritev_any(int fd, const struct iovec *v, int count, off_t at)
{
	if (file_of(fd))
		return count ? pwrite_any(fd, v[0].iov_base, v[0].iov_len, at) : 0;
	return REAL(pwritev)(fd, v, count, at);
}

ssize_t pwritev(int fd, const struct iovec *v, int count, off_t at) { return pwritev_any(fd, v, count, at); }
ssize_t pwritev64(int fd, const struct iovec *v, int count, off64_t at) { return pwritev_any(fd, v, count, at); }

ssize_t send(int fd, const void *p, size_t len, int flags)
{
	bool is_line = tells(fd, len);
	return told(fd, is_line, syscall(SYS_sendto, fd, p, len, flags, NULL, 0));
}

ssize_t sendmsg(int fd, const struct msghdr *m, int flags)
{
	bool is_line = tells(fd, iov_total(m->msg_iov, (int)m->msg_iovlen));
	return told(fd, is_line, syscall(SYS_sendmsg, fd, m, flags));
}

/* ---- sizes ---- */

static int truncate_any(int fd, off_t size)
{
	struct file *f = file_of(fd);
	if (!f)
		return (int)syscall(SYS_ftruncate, fd, size);
	lock();
	int r = (int)syscall(SYS_ftruncate, fd, size);
	if (!r)
		put(POWER_TRUNCATE, f->inode, (uint64_t)size, 0, NULL, 0);
	unlock();
	return r;
}

int ftruncate(int fd, off_t size) { return truncate_any(fd, size); }
int ftruncate64(int fd, off64_t size) { return truncate_any(fd, size); }

static int allocate_any(int fd, int mode, off_t at, off_t len)
{
	struct file *f = file_of(fd);
	struct stat st;
	if (!f)
		return (int)syscall(SYS_fallocate, fd, mode, at, len);
	if (mode)
		die("fallocate with a mode is not modelled");
	lock();
	int r = (int)syscall(SYS_fallocate, fd, mode, at, len);
	if (!r && !fstat(fd, &st))
		put(POWER_TRUNCATE, f->inode, (uint64_t)st.st_size, 0, NULL, 0);
	unlock();
	return r;
}

int fallocate(int fd, int mode, off_t at, off_t len) { return allocate_any(fd, mode, at, len); }
int fallocate64(int fd, int mode, off64_t at, off64_t len) { return allocate_any(fd, mode, at, len); }
int posix_fallocate(int fd, off_t at, off_t len) { return allocate_any(fd, 0, at, len) ? errno : 0; }
int posix_fallocate64(int fd, off64_t at, off64_t len) { return allocate_any(fd, 0, at, len) ? errno : 0; }

/* ---- names ---- */

static int one_name(enum power_kind kind, int at, const char *path, long code, long arg)
{
	char room[PATH_MAX];
	const char *rel = ours(at, path, room);
	if (!rel)
		return (int)syscall(code, at, path, arg);
	lock();
	struct stat st = { .st_ino = 0 };
	int r = (int)syscall(code, at, path, arg);
	if (!r && kind == POWER_MKDIR && fstatat(at, path, &st, 0))
		die(path);
	if (!r)
		put_path(kind, st.st_ino, 0, rel);
	unlock();
	return r;
}

int unlink(const char *path) { return one_name(POWER_UNLINK, AT_FDCWD, path, SYS_unlinkat, 0); }
int rmdir(const char *path) { return one_name(POWER_RMDIR, AT_FDCWD, path, SYS_unlinkat, AT_REMOVEDIR); }
int unlinkat(int at, const char *path, int flags) { return one_name(flags & AT_REMOVEDIR ? POWER_RMDIR : POWER_UNLINK, at, path, SYS_unlinkat, flags); }
int mkdir(const char *path, mode_t mode) { return one_name(POWER_MKDIR, AT_FDCWD, path, SYS_mkdirat, mode); }
int mkdirat(int at, const char *path, mode_t mode) { return one_name(POWER_MKDIR, at, path, SYS_mkdirat, mode); }
int remove(const char *path)
{
	int r = unlink(path);
	return r && errno == EISDIR ? rmdir(path) : r;
}

static int two_names(enum power_kind kind, int at, const char *from, int at2, const char *to, long code, int flags)
{
	char room[PATH_MAX], room2[PATH_MAX];
	const char *a = ours(at, from, room), *b = ours(at2, to, room2);
	if (!a && !b)
		return (int)syscall(code, at, from, at2, to, flags);
	if (!a || !b)
		die("a name that leaves the recorded root");
	lock();
	int r = (int)syscall(code, at, from, at2, to, flags), saved = errno;
	struct iovec v[2] = { { (void *)(uintptr_t)a, strlen(a) + 1 }, { (void *)(uintptr_t)b, strlen(b) + 1 } };
	if (!r)
		put(kind, 0, 0, 0, v, 2);
	unlock();
	errno = saved;
	return r;
}

int rename(const char *from, const char *to) { return two_names(POWER_RENAME, AT_FDCWD, from, AT_FDCWD, to, SYS_renameat2, 0); }
int renameat(int at, const char *from, int at2, const char *to) { return two_names(POWER_RENAME, at, from, at2, to, SYS_renameat2, 0); }
int renameat2(int at, const char *from, int at2, const char *to, unsigned flags) { return two_names(POWER_RENAME, at, from, at2, to, SYS_renameat2, (int)flags); }
int link(const char *from, const char *to) { return two_names(POWER_LINK, AT_FDCWD, from, AT_FDCWD, to, SYS_linkat, 0); }
int linkat(int at, const char *from, int at2, const char *to, int flags) { return two_names(POWER_LINK, at, from, at2, to, SYS_linkat, flags); }

/* ---- syncs ---- */

/* Filled by somebody who is not recorded: what stands in it now goes into the log. */
static void put_whole(struct file *f, int fd)
{
	struct stat st;
	if (f->is_dir || f->is_written || !f->is_new || fstat(fd, &st) || !st.st_size)
		return;
	void *p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		die("a file of the codec worker");
	lock();
	wrote(f, st.st_size, 0, p);
	unlock();
	munmap(p, (size_t)st.st_size);
}

static int sync_any(int fd, long code)
{
	struct file *f = file_of(fd);
	if (!f || (f->is_dir ? g.lie_dir : g.lie_file))
		return (int)syscall(code, fd);
	uint64_t inode = f->inode;
	put_whole(f, fd);
	lock();
	uint64_t number = ++*g.next_sync;
	put(POWER_SYNC_BEGIN, inode, number, 0, NULL, 0);
	unlock();
	int r = (int)syscall(code, fd), saved = errno;
	if (r)
		return r;
	lock();
	put(POWER_SYNC_END, inode, number, 0, NULL, 0);
	unlock();
	errno = saved;
	return r;
}

int fsync(int fd) { return sync_any(fd, SYS_fsync); }
int fdatasync(int fd) { return sync_any(fd, SYS_fdatasync); }
