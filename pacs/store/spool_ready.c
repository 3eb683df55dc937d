#include "pacs/store/spool_private.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "pacs/base/fault.h"

/* Making a file can take longer than writing a small image into it: a file system looks for a free inode, passes over those
 * that were freed in the last minutes, and all who make files in one directory wait for each other. So they are made ahead,
 * some at a time, and an image finds its file open. Where none is ready, or none can be made, its own first job makes it and
 * says what is wrong. */

enum { LOW = SPOOL_READY / 2 };

struct filling {
	struct spool *spool;             /* held by its count of files */
	uint64_t serial;                 /* of the first */
	unsigned wanted, made;
	int fd[SPOOL_READY];
	char dir[PATH_MAX];
};

void spool_name(char out[64], uint64_t serial)
{
	snprintf(out, 64, "spool/in-%08llx", (unsigned long long)serial);
}

static void fill(void *arg)
{
	struct filling *f = arg;
	for (f->made = 0; f->made < f->wanted; f->made++) {
		char name[64], path[PATH_MAX + 64];
		spool_name(name, f->serial + f->made);
		snprintf(path, sizeof(path), "%s/%s", f->dir, name);
		f->fd[f->made] = fault_fails(FAULT_OPEN) ? -1 : open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
		if (f->fd[f->made] < 0)
			return;
		crash_point("spool-open");
	}
}

static void filled(void *arg)
{
	struct filling *f = arg;
	struct spool *s = f->spool;
	for (unsigned i = 0; i < f->made; i++)
		s->ready[s->ready_count++] = (struct spool_ready){ f->fd[i], f->serial + i };
	s->is_filling = false;
	free(f);
	spool_release(s);
}

static void start_filling(struct spool *s)
{
	struct filling *f = fault_fails(FAULT_ALLOC) ? NULL : malloc(sizeof(*f));
	if (!f)
		return;
	f->spool = s;
	f->wanted = SPOOL_READY - s->ready_count;
	f->serial = s->serial + 1;
	snprintf(f->dir, sizeof(f->dir), "%s", s->dir);
	if (loop_work(s->loop, fill, filled, f)) {
		free(f);
		return;
	}
	s->serial += f->wanted;
	s->is_filling = true;
	s->files++;
}

bool spool_ready_take(struct spool *s, struct spool_ready *out)
{
	bool is_there = s->ready_count > 0;
	if (is_there)
		*out = s->ready[--s->ready_count];
	if (s->ready_count < LOW && !s->is_filling)
		start_filling(s);
	return is_there;
}

void spool_ready_drop(struct spool *s)
{
	while (s->ready_count) {
		struct spool_ready *r = &s->ready[--s->ready_count];
		char name[64], path[PATH_MAX + 64];
		spool_name(name, r->serial);
		snprintf(path, sizeof(path), "%s/%s", s->dir, name);
		close(r->fd);
		(void)unlink(path);
	}
}
