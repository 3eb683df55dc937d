#include "pacs/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf/conf_sample.h"
#include "pacs/base/durable.h"

static const char *const folders[] = { "store", "spool", "quarantine", "run" };

struct run_path run_path(const char *dir, const char *name)
{
	struct run_path p;
	snprintf(p.s, sizeof(p.s), "%.4095s/run/%.50s", dir, name);
	return p;
}

unsigned folder_check(const char *dir, void (*tell)(void *arg, const char *problem), void *arg)
{
	unsigned problems = 0;
	for (size_t i = 0; i < NELEM(folders); i++) {
		char path[4096 + 32];
		struct stat st;
		struct why why = { "" };
		snprintf(path, sizeof(path), "%.4095s/%s", dir, folders[i]);
		if (stat(path, &st))
			fail(&why, ERR_NOT_FOUND, "%s: %s; a data folder needs it (mkdir %s)", path, strerror(errno), path);
		else if (!S_ISDIR(st.st_mode))
			fail(&why, ERR_FORMAT, "%s is not a folder, and a data folder needs one of this name", path);
		else if (access(path, R_OK | W_OK | X_OK))
			fail(&why, ERR_DENIED, "%s belongs to user %u and cannot be written as user %u: run this as its owner, or give it away (chown)", path, (unsigned)st.st_uid, (unsigned)geteuid());
		if (!why.text[0])
			continue;
		problems++;
		tell(arg, why.text);
	}
	return problems;
}

static bool is_empty(const char *dir)
{
	DIR *d = opendir(dir);
	if (!d)
		return errno == ENOENT;
	bool empty = true;
	for (const struct dirent *e; empty && (e = readdir(d)); )
		empty = !strcmp(e->d_name, ".") || !strcmp(e->d_name, "..") || !strcmp(e->d_name, "lost+found");   /* a fresh disk */
	closedir(d);
	return empty;
}

enum err folder_make(const char *dir, const char *aet, enum conf_level level, unsigned port, struct why *why)
{
	char path[PATH_MAX];
	int n = snprintf(path, sizeof(path), "%s/pacs.conf", dir);
	if (n < 0 || (size_t)n + 16 >= sizeof(path))
		return fail(why, ERR_LIMIT, "the path is too long: %s", dir);
	if (!access(path, F_OK))
		return fail(why, ERR_EXISTS, "%s is there already; nothing was changed", path);
	if (!is_empty(dir))
		return fail(why, ERR_CONFLICT, "%s is not empty and not a data folder of this program; name a new or an empty folder", dir);
	enum err e = durable_mkdirs(dir, why);
	for (size_t i = 0; i < NELEM(folders) && !e; i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, folders[i]);
		e = durable_mkdirs(path, why);
	}
	struct buf text;
	buf_init(&text, 1 << 20);
	conf_sample(&text, aet, level, port);
	if (!e && (e = buf_err(&text)))
		fail(why, e, "no memory for the text of pacs.conf");
	snprintf(path, sizeof(path), "%s/pacs.conf", dir);
	/* Last: a folder with a pacs.conf is a whole one. */
	if (!e)
		e = durable_replace(path, text.p, text.len, 0644, why);
	buf_fini(&text);
	return e;
}

enum err folder_lock(const char *dir, int *fd, struct why *why)
{
	struct run_path path = run_path(dir, "serve.lock");
	*fd = open(path.s, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (*fd < 0)
		return fail_errno(why, ERR_IO, "opening %s", path.s);
	if (flock(*fd, LOCK_EX | LOCK_NB)) {
		enum err e = errno == EWOULDBLOCK ? fail(why, ERR_BUSY, "this node runs already: another `pacs serve` holds %s", path.s)
		                                  : fail_errno(why, ERR_IO, "locking %s", path.s);
		close(*fd);
		*fd = -1;
		return e;
	}
	return ERR_OK;
}
