#include "pacs/store/spool_private.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "pacs/base/durable.h"
#include "pacs/base/fault.h"

enum { EARLY_WRITEBACK = 256 << 10 };    /* from this size on the disk is told to begin before the final sync */

static enum err job_open(struct spool_file *f, const char *path, struct why *why)
{
	f->fd = fault_fails(FAULT_OPEN) ? -1 : open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (f->fd < 0)
		return fail_errno(why, ERR_IO, "creating %s", f->path);
	f->is_created = true;
	crash_point("spool-open");
	return ERR_OK;
}

static enum err job_write(struct spool_file *f, struct spool_chunk *c, struct why *why)
{
	enum err e = durable_pwrite(f->fd, c->data, c->len, (off_t)f->written, why);
	if (e)
		return e;
	crash_point("spool-write");
	size_t skip = f->written < f->head_len ? f->head_len - (size_t)f->written : 0;
	if (skip < c->len)
		digest_add(f->digest, bytes_of(c->data + skip, c->len - skip));
	/* Only a hint, so that the sync at the end finds little left to do; what it says is of no interest. */
	if (f->written + c->len > EARLY_WRITEBACK)
		(void)sync_file_range(f->fd, (off_t)f->written, (off_t)c->len, SYNC_FILE_RANGE_WRITE);
	f->written += c->len;
	return ERR_OK;
}

static void job_unlink(struct spool_file *f, const char *path)
{
	if (f->fd >= 0)
		close(f->fd);
	f->fd = -1;
	/* A file that cannot be removed now is removed at the next start. */
	if (f->is_created)
		(void)unlink(path);
	f->is_created = false;
}

void spool_work_write(void *arg)
{
	struct spool_file *f = arg;
	char path[PATH_MAX];
	enum err e = ERR_OK;
	snprintf(path, sizeof(path), "%s/%s", f->spool->dir, f->path);
	if (f->fd < 0)
		e = job_open(f, path, &f->why);
	for (struct spool_chunk *c = f->batch; !e && c; c = c->next)
		e = job_write(f, c, &f->why);
	if (!e && f->is_last) {
		e = durable_sync(f->fd, f->path, &f->why);
		crash_point("spool-sync");
		close(f->fd);
		f->fd = -1;
	}
	if (e)
		job_unlink(f, path);
	f->err = e;
	f->is_given = !e && f->is_last;
	if (f->is_given) {
		struct spool_done d = spool_done_of(f, ERR_OK, NULL);
		f->synced(f->done_arg, &d);
	}
}

void spool_work_unlink(void *arg)
{
	struct spool_file *f = arg;
	char path[PATH_MAX];
	snprintf(path, sizeof(path), "%s/%s", f->spool->dir, f->path);
	job_unlink(f, path);
}
