#include "pacs/send/source.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "pacs/base/durable.h"
#include "pacs/send/send.h"
#include "pacs/store/object.h"

void source_init(struct source *s, uint64_t dataset_at, uint64_t size)
{
	s->fd = s->spool_fd = -1;
	s->at = dataset_at;
	s->end = size;
	s->chunk = NULL;
	s->chunk_cap = s->chunk_len = 0;
	s->err = ERR_OK;
	s->why.text[0] = 0;
	s->sop_instance.s[0] = 0;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void source_close(struct source *s)
{
	close_fd(&s->fd);
	close_fd(&s->spool_fd);
	free(s->chunk);
	s->chunk = NULL;
	s->chunk_cap = s->chunk_len = 0;
}

static void tell(struct source *s, enum err e)
{
	s->done(s->arg, e, &s->why);
}

/* ---- reading ---- */
static enum err read_chunk(struct source *s)
{
	size_t want = s->end - s->at < SEND_CHUNK ? (size_t)(s->end - s->at) : SEND_CHUNK;

	if (want > s->chunk_cap) {
		uint8_t *p = realloc(s->chunk, want);
		if (!p)
			return fail(&s->why, ERR_NOMEM, "no memory for a chunk of %zu bytes", want);
		s->chunk = p;
		s->chunk_cap = want;
	}
	enum err e = durable_pread(s->fd, s->chunk, want, (off_t)s->at, &s->why);
	if (e)
		return e == ERR_END ? fail(&s->why, ERR_IO, "object %llx is shorter than its %llu bytes",
		                           (unsigned long long)s->oid, (unsigned long long)s->end) : e;
	s->at += want;
	s->chunk_len = want;
	return ERR_OK;
}

static void read_work(void *arg)
{
	struct source *s = arg;

	s->err = read_chunk(s);
}

static void read_done(void *arg)
{
	struct source *s = arg;

	tell(s, s->err);
}

void source_read(struct source *s)
{
	if (loop_work(s->loop, read_work, read_done, s))
		tell(s, fail(&s->why, ERR_NOMEM, "no memory to read"));
}

struct bytes source_view(const struct source *s)
{
	return bytes_of(s->chunk, s->chunk_len);
}

void source_taken(struct source *s)
{
	s->chunk_len = 0;
}

bool source_is_last(const struct source *s)
{
	return s->at >= s->end;
}

/* ---- transcoding ---- */
static void on_transcoded(void *arg, const struct xcode_result *r)
{
	struct source *s = arg;

	if (r->err) {
		s->why = r->why;
		tell(s, r->err);
		return;
	}
	close_fd(&s->fd);
	s->fd = s->spool_fd;
	s->spool_fd = -1;
	s->at = r->dataset_at;
	s->end = r->size;
	s->sop_instance = r->sop_instance;
	if (s->at > s->end)
		tell(s, fail(&s->why, ERR_MISMATCH, "transcoded file of %llu bytes, its data set at %llu",
		             (unsigned long long)s->end, (unsigned long long)s->at));
	else
		source_read(s);
}

/* Unlinked at once, so that neither a crash nor a forgotten path can leave it behind. */
static enum err open_spool(struct source *s)
{
	char path[PATH_MAX];
	int n = snprintf(path, sizeof(path), "%s/spool/send-XXXXXX", s->dir);

	if (n < 0 || (size_t)n >= sizeof(path))
		return fail(&s->why, ERR_LIMIT, "data folder name of %d letters", n);
	s->spool_fd = mkostemp(path, O_CLOEXEC);
	if (s->spool_fd < 0)
		return fail_errno(&s->why, ERR_IO, "cannot make %s", path);
	unlink(path);
	return ERR_OK;
}

/* ---- opening ---- */
static void open_work(void *arg)
{
	struct source *s = arg;
	uint64_t size;

	s->err = object_open(s->dir, s->oid, &s->fd, &size, &s->why);
	if (!s->err && (size != s->end || s->at > size))
		s->err = fail(&s->why, ERR_IO, "object %llx has %llu bytes, the index says %llu", (unsigned long long)s->oid,
		              (unsigned long long)size, (unsigned long long)s->end);
	if (!s->err)
		s->err = s->to ? open_spool(s) : read_chunk(s);
}

static void open_done(void *arg)
{
	struct source *s = arg;

	if (s->err || !s->to) {
		tell(s, s->err);
		return;
	}
	enum err e = xcode_submit_level(s->xcode, s->fd, s->spool_fd, s->to, s->level, on_transcoded, s);
	if (e)
		tell(s, fail(&s->why, e, "the transcoder takes no job: %s", err_name(e)));
}

void source_start(struct source *s)
{
	if (loop_work(s->loop, open_work, open_done, s))
		tell(s, fail(&s->why, ERR_NOMEM, "no memory to open an object"));
}
