#include "pacs/send/source.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/sendfile.h>
#include <unistd.h>

#include "db/index.h"
#include "pacs/base/clock.h"
#include "pacs/base/durable.h"
#include "pacs/dicom/coerce.h"
#include "pacs/send/deflated.h"
#include "pacs/send/send.h"
#include "pacs/store/object.h"

void source_init(struct source *s, uint64_t dataset_at, uint64_t size)
{
	s->fd = s->spool_fd = -1;
	s->at = dataset_at;
	s->end = size;
	s->chunk = NULL;
	s->chunk_cap = s->chunk_len = s->chunk_at = s->file_len = 0;
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
	s->chunk_cap = s->chunk_len = s->chunk_at = s->file_len = 0;
}

static void tell(struct source *s, enum err e)
{
	s->done(s->arg, e, &s->why);
}

/* ---- reading ---- */
enum { IN_FILE_LEAST = 64 << 10 };       /* of a chunk; a smaller one is copied sooner than it is handed over */

/* Into the page cache, without a copy for us. false: this file system cannot, or has less. */
static bool warm(int fd, uint64_t at, size_t len)
{
	off_t from = (off_t)at;
	ssize_t n = 0;
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

	while (null >= 0 && len && (n = sendfile(null, fd, &from, len)) > 0)
		len -= (size_t)n;
	close_fd(&null);
	return !len;
}

static size_t next_len(const struct source *s, size_t most)
{
	return s->end - s->at < most ? (size_t)(s->end - s->at) : most;
}

static enum err read_chunk(struct source *s)
{
	size_t want = next_len(s, SEND_FILE_CHUNK);

	if (s->by_file && want >= IN_FILE_LEAST && warm(s->fd, s->at, want)) {
		s->file_at = s->at;
		s->file_len = want;
		s->at += want;
		s->chunk_len = s->chunk_at = 0;
		return ERR_OK;
	}
	want = next_len(s, SEND_CHUNK);
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
	s->chunk_at = 0;
	return ERR_OK;
}

/* ---- correcting the head ---- */
enum { HEAD_FIRST = 256 << 10, HEAD_MAX = 64 << 20, CORRECTION_MAX = 4 << 20 };

/* What the index says now of the image and its patient; texts in the arena. */
struct correction {
	struct coerce_patient now;
	struct coerce_value *values;     /* in the arena */
	size_t count, cap;
	struct arena texts;
	bool no_memory;
};

static bool add_value(void *arg, uint32_t tag, const char *value)
{
	struct correction *c = arg;
	if (c->count == c->cap) {
		size_t cap = c->cap ? 2 * c->cap : 16;
		struct coerce_value *grown = arena_alloc(&c->texts, cap * sizeof(*grown));
		c->no_memory |= !grown;
		if (!grown)
			return false;
		if (c->count)
			memcpy(grown, c->values, c->count * sizeof(*grown));
		c->values = grown;
		c->cap = cap;
	}
	const char *text = arena_strn(&c->texts, value, strlen(value));
	c->no_memory |= !text;
	c->values[c->count++] = (struct coerce_value){ tag, text };
	return text != NULL;
}

static enum err read_correction(struct source *s, struct correction *c)
{
	struct index_reader *ix = NULL;
	struct index_patient p;
	struct coerce_patient *out = &c->now;
	enum err e = index_reader_open(s->dir, &ix, &s->why);
	/* Of one moment: an edit between the two would send half of it. */
	if (!e)
		e = index_snapshot_begin(ix, &s->why);
	if (!e)
		e = index_patient_of(ix, s->changed, &p, &s->why);
	if (!e)
		e = index_edited(ix, s->changed, add_value, c, &s->why);
	index_reader_close(&ix);
	if (!e && c->no_memory)
		e = fail(&s->why, ERR_NOMEM, "no memory for the corrections of an image");
	if (e)
		return e;
	memcpy(out->patient_id, p.patient_id, sizeof(out->patient_id));
	memcpy(out->issuer, p.issuer, sizeof(out->issuer));
	memcpy(out->name, p.name, sizeof(out->name));
	memcpy(out->birth_date, p.birth_date, sizeof(out->birth_date));
	memcpy(out->sex, p.sex, sizeof(out->sex));
	snprintf(out->when, sizeof(out->when), "%s", clock_dt(p.changed_ms).s);
	snprintf(out->by, sizeof(out->by), "%s", IMPLEMENTATION_VERSION);
	out->reason = p.is_correction ? "CORRECT" : "COERCE";
	out->values = c->values;
	out->value_count = c->count;
	return ERR_OK;
}

static void give_chunk(struct source *s, struct buf *b)
{
	free(s->chunk);
	s->chunk = b->p;
	s->chunk_cap = b->cap;
	s->chunk_len = b->len;
	s->chunk_at = 0;
}

/* A head that is packed together with everything behind it: all of it is unpacked, and packed again. */
static enum err correct_deflated(struct source *s, const struct coerce_patient *now)
{
	size_t left = (size_t)(s->end - s->at), used = 0;
	struct buf plain, head, out;
	uint8_t *raw = left <= BOUND_INFLATED ? malloc(left ? left : 1) : NULL;
	if (!raw)
		return fail(&s->why, left <= BOUND_INFLATED ? ERR_NOMEM : ERR_LIMIT, "a deflated data set of %zu bytes, limit %d", left, BOUND_INFLATED);
	buf_init(&plain, BOUND_INFLATED);
	buf_init(&head, HEAD_MAX);
	buf_init(&out, 2 * (size_t)BOUND_INFLATED);
	enum err e = durable_pread(s->fd, raw, left, (off_t)s->at, &s->why);
	if (!e)
		e = deflated_unpack(bytes_of(raw, left), &plain, &s->why);
	if (!e)
		e = coerce_head(buf_view(&plain), true, DS_EXPLICIT_LE, "", now, &head, &used, &s->why);
	if (!e)
		e = deflated_pack(buf_view(&head), bytes_of(plain.p + used, plain.len - used), &out, &s->why);
	if (!e) {
		give_chunk(s, &out);
		s->at = s->end;
	} else {
		buf_fini(&out);
	}
	buf_fini(&head);
	buf_fini(&plain);
	free(raw);
	return e;
}

/* Reads the head, more of it each time, until it can be rewritten; the first chunk is the new head. */
static enum err correct_plain(struct source *s, const struct ts *ts, const struct coerce_patient *now)
{
	size_t left = (size_t)(s->end - s->at), have = left < HEAD_FIRST ? left : HEAD_FIRST, used = 0;
	struct buf out;
	uint8_t *raw = NULL;
	enum err e = ERR_OK;
	buf_init(&out, HEAD_MAX);
	while (!e) {
		uint8_t *grown = realloc(raw, have ? have : 1);
		if (!grown) {
			e = fail(&s->why, ERR_NOMEM, "no memory for a head of %zu bytes", have);
			break;
		}
		raw = grown;
		e = durable_pread(s->fd, raw, have, (off_t)s->at, &s->why);
		if (!e)
			e = coerce_head(bytes_of(raw, have), have == left, ds_encoding_of(ts), "", now, &out, &used, &s->why);
		if (e != ERR_MORE || have >= HEAD_MAX)
			break;
		have = left - have < have ? left : 2 * have;
		e = ERR_OK;
	}
	if (!e) {
		give_chunk(s, &out);
		s->at += used;
	} else {
		buf_fini(&out);
	}
	free(raw);
	return e;
}

static enum err correct_head(struct source *s)
{
	const struct ts *ts = s->to ? s->to : s->ts;
	struct correction c = { .count = 0 };
	arena_init(&c.texts, CORRECTION_MAX);
	enum err e = ts ? read_correction(s, &c) : fail(&s->why, ERR_FORMAT, "object %llx is stored in an unknown syntax", (unsigned long long)s->oid);
	if (!e)
		e = ts->is_deflated ? correct_deflated(s, &c.now) : correct_plain(s, ts, &c.now);
	arena_fini(&c.texts);
	if (e == ERR_MORE)
		e = fail(&s->why, ERR_LIMIT, "the attributes of object %llx cannot be corrected: its head is over %d bytes", (unsigned long long)s->oid, HEAD_MAX);
	else if (e && e != ERR_EXISTS && !s->why.text[0])
		fail(&s->why, e, "the attributes of object %llx cannot be corrected: %s", (unsigned long long)s->oid, err_name(e));
	return e;
}

/* The first chunk: of the corrected head where there is something to correct. */
static enum err read_first(struct source *s)
{
	enum err e = s->changed ? correct_head(s) : ERR_EXISTS;
	return e == ERR_EXISTS ? read_chunk(s) : e;
}

static void read_work(void *arg)
{
	struct source *s = arg;

	/* A corrected head may be longer than a chunk: it is handed out in pieces. */
	s->err = s->is_first ? read_first(s) : s->chunk_at < s->chunk_len ? ERR_OK : read_chunk(s);
	s->is_first = false;
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
	size_t left = s->chunk_len - s->chunk_at;
	return bytes_of(s->chunk + s->chunk_at, left < SEND_CHUNK ? left : SEND_CHUNK);
}

size_t source_len(const struct source *s)
{
	return s->file_len ? s->file_len : source_view(s).len;
}

bool source_in_file(const struct source *s, int *fd, uint64_t *at)
{
	*fd = s->fd;
	*at = s->file_at;
	return s->file_len > 0;
}

void source_as_bytes(struct source *s)
{
	s->by_file = false;
	s->at = s->file_at;
	s->file_len = 0;
}

void source_taken(struct source *s)
{
	s->chunk_at += source_view(s).len;
	s->file_len = 0;
}

bool source_is_last(const struct source *s)
{
	return s->at >= s->end && s->chunk_len - s->chunk_at <= SEND_CHUNK;
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
	s->is_first = true;
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
		s->err = s->to ? open_spool(s) : read_first(s);
}

static void open_done(void *arg)
{
	struct source *s = arg;

	if (s->err || !s->to) {
		tell(s, s->err);
		return;
	}
	if (s->is_given_up) {
		tell(s, fail(&s->why, ERR_CANCELLED, "nobody waits for it any more"));
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
