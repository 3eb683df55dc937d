#include "viewer-cli/pull_file.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "pacs/base/durable.h"
#include "pacs/dicom/part10.h"

struct pull_file {
	int fd;
	off_t at;
	char path[PATH_MAX], part[PATH_MAX];
	enum err err;
	struct why why;
};

/* The file that a signal must take along; one comes at a time. Static because a signal handler gets no argument. */
static const char *volatile unfinished;

static void on_signal(int number)
{
	if (unfinished)
		unlink(unfinished);
	signal(number, SIG_DFL);
	raise(number);
}

static void guard(const struct pull_file *f)
{
	static const int ends[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction now, own = { .sa_handler = on_signal };

	unfinished = f->part;
	for (size_t i = 0; i < NELEM(ends); i++)
		if (!sigaction(ends[i], NULL, &now) && now.sa_handler == SIG_DFL)
			sigaction(ends[i], &own, NULL);
}

static enum err write_head(struct pull_file *f, const struct dimse *store, const struct ts *ts, const char *source_aet, struct why *why)
{
	struct part10 m = { .sop_class = store->sop_class, .sop_instance = store->sop_instance };
	struct buf head;

	buf_init(&head, 4096);
	snprintf(m.source_aet, sizeof(m.source_aet), "%s", source_aet);
	enum err e = uid_take(&m.transfer_syntax, bytes_str(ts->uid));
	if (!e)
		e = part10_write(&m, &head);
	if (e)
		fail(why, e, "file meta information: %s", err_name(e));
	else
		e = durable_pwrite(f->fd, head.p, head.len, 0, why);
	f->at = (off_t)head.len;
	buf_fini(&head);
	return e;
}

enum err pull_file_begin(const char *dir, const struct dimse *store, const struct ts *ts, const char *source_aet, struct pull_file **out, struct why *why)
{
	struct pull_file *f;

	if (!uid_is_legal(store->sop_instance.s))      /* it becomes a file name */
		return fail(why, ERR_FORMAT, "not a UID");
	f = calloc(1, sizeof(*f));
	if (!f)
		return fail(why, ERR_NOMEM, "no memory");
	f->fd = -1;
	int n = snprintf(f->path, sizeof(f->path), "%s/%s.dcm", dir, store->sop_instance.s);
	int m = snprintf(f->part, sizeof(f->part), "%s/%s.dcm.part", dir, store->sop_instance.s);
	enum err e = n < PATH_MAX && m < PATH_MAX ? ERR_OK : fail(why, ERR_LIMIT, "%s: path too long", dir);
	if (!e)
		guard(f);
	if (!e && (f->fd = open(f->part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)) < 0)
		e = fail_errno(why, ERR_IO, "%s", f->part);
	if (!e)
		e = write_head(f, store, ts, source_aet, why);
	*out = f;
	if (e)
		pull_file_discard(out);
	return e;
}

void pull_file_write(struct pull_file *f, struct bytes piece)
{
	if (!f->err)
		f->err = durable_pwrite(f->fd, piece.p, piece.len, f->at, &f->why);
	f->at += (off_t)piece.len;
}

enum err pull_file_end(struct pull_file **fp, struct why *why)
{
	struct pull_file *f = *fp;
	enum err e = f->err;

	if (e)
		fail(why, e, "%s", f->why.text);
	if (!e)
		e = durable_sync(f->fd, f->part, why);
	if (!e && rename(f->part, f->path))
		e = fail_errno(why, ERR_IO, "%s", f->path);
	if (e) {
		pull_file_discard(fp);
		return e;
	}
	unfinished = NULL;
	close(f->fd);
	free(f);
	*fp = NULL;
	return ERR_OK;
}

void pull_file_discard(struct pull_file **f)
{
	if (!*f)
		return;
	if ((*f)->fd >= 0) {
		close((*f)->fd);
		unlink((*f)->part);
	}
	unfinished = NULL;
	free(*f);
	*f = NULL;
}
