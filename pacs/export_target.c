#include "pacs/export_target.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pacs/base/durable.h"
#include "pacs/base/fault.h"

#define PART ".part-"
enum { PIECE = 1 << 20, OPEN_FOLDERS = 16 };

/* ---- folders that go ---- */

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st;
	(void)kind;
	(void)at;
	return remove(path);
}

static void remove_tree(const char *path)
{
	(void)!nftw(path, remove_one, OPEN_FOLDERS, FTW_DEPTH | FTW_PHYS);
}

/* The folder that holds the target, and its own name. */
static const char *split(const char *path, char parent[PATH_MAX])
{
	const char *slash = strrchr(path, '/');
	if (!slash)
		snprintf(parent, PATH_MAX, ".");
	else
		snprintf(parent, PATH_MAX, "%.*s", slash == path ? 1 : (int)(slash - path), path);
	return slash ? slash + 1 : path;
}

/* Of exports that were killed: nobody holds their locks. */
static void remove_stale(const struct export_target *t)
{
	char parent[PATH_MAX], path[2 * PATH_MAX];
	const char *name = split(t->final, parent);
	size_t len = strlen(name);
	DIR *d = opendir(parent);
	if (!d)
		return;
	for (const struct dirent *e; (e = readdir(d)); ) {
		if (strncmp(e->d_name, name, len) || strncmp(e->d_name + len, PART, sizeof(PART) - 1))
			continue;
		snprintf(path, sizeof(path), "%s/%s", parent, e->d_name);
		int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd >= 0 && !flock(fd, LOCK_EX | LOCK_NB))
			remove_tree(path);
		if (fd >= 0)
			close(fd);
	}
	closedir(d);
}

/* ---- begin ---- */

void export_target_draft(const struct export_target *t, const char *name, char out[PATH_MAX])
{
	snprintf(out, PATH_MAX, "%s/%.30s", t->temp, name);
}

static enum err begin_zip(struct export_target *t, struct why *why)
{
	char path[PATH_MAX];
	export_target_draft(t, "archive", path);
	t->zip_fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	return t->zip_fd < 0 ? fail_errno(why, ERR_IO, "making %s", path) : zip_out_open(t->zip_fd, &t->zip, why);
}

enum err export_target_open(struct export_target *t, const char *to, bool is_zip, struct why *why)
{
	char path[PATH_MAX];
	struct stat st;
	*t = (struct export_target){ .lock_fd = -1, .zip_fd = -1 };
	int n = snprintf(t->final, sizeof(t->final), "%s", to);
	for (; n > 1 && t->final[n - 1] == '/'; n--)
		t->final[n - 1] = '\0';
	if (n <= 0 || (size_t)n >= sizeof(t->final) - 32)
		return fail(why, ERR_USAGE, "the name of the target has %d letters", n);
	if (!lstat(t->final, &st))
		return fail(why, ERR_EXISTS, "%s is there already and is never changed: name another target, or move it away", t->final);
	remove_stale(t);
	snprintf(t->temp, sizeof(t->temp), "%s" PART "XXXXXX", t->final);
	if (!mkdtemp(t->temp)) {
		enum err e = fail_errno(why, ERR_IO, "making a folder beside %s", t->final);
		t->temp[0] = '\0';
		return e;
	}
	t->lock_fd = open(t->temp, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (t->lock_fd < 0 || flock(t->lock_fd, LOCK_EX | LOCK_NB))
		return fail_errno(why, ERR_IO, "locking %s", t->temp);
	export_target_draft(t, "files", path);
	if (is_zip)
		return begin_zip(t, why);
	return mkdir(path, 0777) ? fail_errno(why, ERR_IO, "making %s", path) : ERR_OK;
}

/* ---- files ---- */

static enum err into_folder(struct export_target *t, const char *draft, const char *name, struct why *why)
{
	char path[PATH_MAX + 128];
	int n = snprintf(path, sizeof(path), "%s/files/%s", t->temp, name);
	/* the folders on the way, but the target's own */
	for (char *slash = path + n - strlen(name); (slash = strchr(slash, '/')); *slash++ = '/') {
		*slash = '\0';
		if (mkdir(path, 0777) && errno != EEXIST)
			return fail_errno(why, ERR_IO, "making %s", path);
	}
	return durable_rename(draft, path, why);
}

static enum err into_zip(struct export_target *t, const char *draft, const char *name, bool deflated, struct why *why)
{
	struct stat st;
	uint8_t *piece = malloc(PIECE);
	int fd = open(draft, O_RDONLY | O_CLOEXEC);
	enum err e = !piece ? fail(why, ERR_NOMEM, "no memory to copy a file") : fd < 0 || fstat(fd, &st) ? fail_errno(why, ERR_IO, "opening %s", draft) : ERR_OK;
	if (!e)
		e = zip_out_begin(t->zip, name, (uint64_t)st.st_size, deflated, why);
	for (off_t at = 0; !e && at < st.st_size; at += PIECE) {
		size_t n = st.st_size - at < PIECE ? (size_t)(st.st_size - at) : PIECE;
		e = durable_pread(fd, piece, n, at, why);
		if (!e)
			e = zip_out_write(t->zip, bytes_of(piece, n), why);
	}
	if (fd >= 0)
		close(fd);
	free(piece);
	if (!e && unlink(draft))
		e = fail_errno(why, ERR_IO, "removing %s", draft);
	return e;
}

enum err export_target_take(struct export_target *t, const char *draft, const char *name, bool deflated, struct why *why)
{
	return t->zip ? into_zip(t, draft, name, deflated, why) : into_folder(t, draft, name, why);
}

/* ---- end ---- */

enum err export_target_finish(struct export_target *t, struct why *why)
{
	char path[PATH_MAX], parent[PATH_MAX];
	enum err e = t->zip ? zip_out_finish(t->zip, why) : ERR_OK;
	/* Thousands of files and their folders: one call for all of them. */
	if (!e && (fault_fails(FAULT_FSYNC) || syncfs(t->lock_fd)))
		e = fail_errno(why, ERR_IO, "syncing %s", t->temp);
	export_target_draft(t, t->zip ? "archive" : "files", path);
	if (!e)
		e = durable_rename(path, t->final, why);
	if (e == ERR_EXISTS)
		fail(why, e, "%s has come meanwhile and is never changed: name another target", t->final);
	split(t->final, parent);
	if (e || !(e = durable_sync_dir(parent, why)))
		return e;
	/* Its name may not be on disk: who is told of a failure finds nothing. */
	(void)!durable_rename(t->final, path, NULL);
	return e;
}

void export_target_fini(struct export_target *t)
{
	zip_out_free(&t->zip);
	if (t->zip_fd >= 0)
		close(t->zip_fd);
	if (t->temp[0])
		remove_tree(t->temp);
	if (t->lock_fd >= 0)
		close(t->lock_fd);
	*t = (struct export_target){ .lock_fd = -1, .zip_fd = -1 };
}
