#include "pacs/store/ingest_private.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "pacs/base/durable.h"
#include "pacs/base/fault.h"
#include "pacs/dicom/walker.h"
#include "pacs/store/same_header.h"
#include "pacs/store/same_pixels.h"

/* Equal content in another encoding: a resend over an association that negotiated another uncompressed syntax, or of an
 * image that was compressed meanwhile. The kept file is read, not its row: the row's header is the one received first,
 * in an encoding that the file may no longer have. */

enum { PIECE = 64 << 10 };

enum err ingest_check_kept(struct ingest *g, const struct index_instance *known, struct why *why)
{
	int fd;
	uint64_t size = 0;
	char digest[33];
	enum err e = object_open(g->conf->dir, known->oid, &fd, &size, why);
	if (e)
		return e;
	if (size != known->size)
		e = fail(why, ERR_MISMATCH, "object %llu has %llu bytes, its row says %llu", (unsigned long long)known->oid,
		         (unsigned long long)size, (unsigned long long)known->size);
	if (!e)
		e = object_digest(fd, known->dataset_at, digest, why);
	if (!e && strcmp(digest, known->digest))
		e = fail(why, ERR_MISMATCH, "object %llu has digest %s, its row says %s", (unsigned long long)known->oid, digest, known->digest);
	close(fd);
	return e;
}

/* The two that are compared. */
struct pair {
	const struct ingest_job *job;
	const struct index_instance *known;
	const struct ts *known_ts;
	int fd, known_fd;
	uint64_t known_size;
	struct walker *walker;           /* over the kept file */
	struct arena *arena;
	struct dataset *header, *known_header;
	struct ingest_decoder decoder;
	bool by_samples;                 /* both are decoded */
	struct why *why;
};

static enum err other(struct pair *p, const char *what)
{
	return fail(p->why, ERR_MISMATCH, "%s", what);
}

/* ---- headers ---- */

static enum err walk_kept(struct pair *p)
{
	uint8_t *piece = fault_fails(FAULT_ALLOC) ? NULL : malloc(PIECE);
	enum err e = piece ? ERR_OK : fail(p->why, ERR_NOMEM, "no memory to read a kept file");
	for (uint64_t at = p->known->dataset_at; !e && at < p->known_size; at += PIECE) {
		size_t n = p->known_size - at < PIECE ? (size_t)(p->known_size - at) : PIECE;
		e = durable_pread(p->known_fd, piece, n, (off_t)at, p->why);
		if (!e)
			e = walker_feed(p->walker, bytes_of(piece, n), p->why);
	}
	free(piece);
	return e == ERR_END ? ERR_OK : e;
}

static enum err compare_headers(struct pair *p)
{
	if (walker_new(&p->walker, p->known_ts))
		return fail(p->why, ERR_NOMEM, "no memory to read a kept file");
	enum err e = walk_kept(p);
	if (!e)
		e = dataset_parse(p->arena, p->job->header, p->job->encoding, &p->header, p->why);
	if (!e)
		e = dataset_parse(p->arena, walker_header(p->walker), walker_encoding(p->walker), &p->known_header, p->why);
	if (!e && !(p->by_samples ? same_header_of_samples(p->header, p->known_header) : same_header(p->header, p->known_header, p->known_ts->is_encapsulated)))
		e = other(p, "the headers differ");
	return e;
}

/* ---- pixels ---- */

/* Pixel data is the last element, whatever its form. */
static enum err ends_with_pixels(struct pair *p, int fd, uint64_t at, uint64_t size, const struct ts *ts, enum ds_encoding enc)
{
	struct native_pixels unused;
	return ts->is_encapsulated ? coded_pixels_end_file(fd, at, size, p->why) : native_pixels_find(fd, at, size, enc, &unused, p->why);
}

static enum err decode(struct pair *p, int fd, char digest[33])
{
	enum err e = p->decoder.digest(p->decoder.arg, fd, digest, p->why);
	return e ? ERR_MISMATCH : ERR_OK;        /* what cannot be decoded is kept as it came */
}

static enum err compare_samples(struct pair *p, uint64_t at, uint64_t known_at)
{
	char digest[33], known[33];
	memcpy(known, p->known->pixel_digest, sizeof(known));
	enum err e = ends_with_pixels(p, p->fd, at, p->job->size, ts_find(p->job->ts.s), p->job->encoding);
	if (!e)
		e = ends_with_pixels(p, p->known_fd, known_at, p->known_size, p->known_ts, walker_encoding(p->walker));
	if (!e)
		e = decode(p, p->fd, digest);
	if (!e && !known[0])
		e = decode(p, p->known_fd, known);
	return !e && strcmp(digest, known) ? other(p, "the samples differ") : e;
}

/* Both files from the end of their headers on. A header that was kept shortened (BOUND_ELEMENT) does not lead to the
 * pixel data element, which counts as different. */
static enum err compare_bodies(struct pair *p)
{
	const struct ingest_job *j = p->job;
	const struct index_instance *k = p->known;
	struct native_pixels a, b;
	char digest[33];
	uint64_t at = j->dataset_at + j->header.len, known_at = k->dataset_at + walker_header(p->walker).len;
	if (j->has_pixel_data != walker_has_pixel_data(p->walker))
		return other(p, "only one of them has pixel data");
	if (!j->has_pixel_data)
		return at == j->size && known_at == p->known_size ? ERR_OK : other(p, "something stands behind the header");
	if (p->by_samples)
		return compare_samples(p, at, known_at);
	enum err e = native_pixels_find(p->fd, at, j->size, j->encoding, &a, p->why);
	if (!e && !p->known_ts->is_encapsulated) {
		e = native_pixels_find(p->known_fd, known_at, p->known_size, walker_encoding(p->walker), &b, p->why);
		return e ? e : native_pixels_compare(&a, &b, p->why);
	}
	if (!e)
		e = coded_pixels_end_file(p->known_fd, known_at, p->known_size, p->why);
	if (!e)
		e = native_pixels_digest(&a, p->header, digest, p->why);
	if (!e && strcmp(digest, k->pixel_digest))
		e = other(p, "the samples differ");
	return e;
}

/* ---- the two together ---- */

static bool is_packed(const struct pair *p)
{
	static const char packed[] = "YBR_FULL_422";
	for (size_t i = 0; i + sizeof(packed) - 1 <= p->job->header.len; i++)
		if (p->job->header.p[i] == 'Y' && !memcmp(p->job->header.p + i, packed, sizeof(packed) - 1))
			return true;
	return false;
}

/* Sets by_samples where bytes tell nothing. Lossy codecs are left out: what comes out of them depends on the decoder. */
static bool is_comparable(struct pair *p)
{
	const struct ts *ts = ts_find(p->job->ts.s);
	if (!ts || ts->is_deflated || !p->known_ts || p->known_ts->is_deflated)
		return false;
	bool is_told = !p->known_ts->is_encapsulated || (p->known->pixel_digest[0] && !is_packed(p));
	p->by_samples = ts->is_encapsulated || !is_told;
	return !p->by_samples || (p->decoder.digest && ts->lossy == TS_REVERSIBLE && p->known_ts->lossy == TS_REVERSIBLE);
}

static enum err open_both(struct ingest *g, struct pair *p)
{
	p->fd = fault_fails(FAULT_OPEN) ? -1 : open(ingest_path(g, p->job->path).s, O_RDONLY | O_CLOEXEC);
	if (p->fd < 0)
		return fail_errno(p->why, ERR_IO, "opening %s", p->job->path);
	enum err e = object_open(g->conf->dir, p->known->oid, &p->known_fd, &p->known_size, p->why);
	if (e)
		return e;
	return p->known_size == p->known->size ? ERR_OK : other(p, "the kept file has another size than its row says");
}

enum err ingest_same_content(struct ingest *g, struct arena *scratch, const struct ingest_job *j, const struct index_instance *known, struct why *why)
{
	struct arena_mark mark = arena_mark(scratch);
	struct pair p = { .job = j, .known = known, .known_ts = ts_find(known->ts.s), .fd = -1, .known_fd = -1, .arena = scratch, .why = why };
	pthread_mutex_lock(&g->mutex);
	p.decoder = g->decoder;
	pthread_mutex_unlock(&g->mutex);
	if (!is_comparable(&p))
		return other(&p, "not comparable without decoding");
	enum err e = open_both(g, &p);
	if (!e)
		e = compare_headers(&p);
	if (!e)
		e = compare_bodies(&p);
	/* A file that cannot be read to its end has no content to be equal to; being out of memory says nothing. */
	if (e && e != ERR_NOMEM && p.fd >= 0)
		e = ERR_MISMATCH;
	if (p.fd >= 0)
		close(p.fd);
	if (p.known_fd >= 0)
		close(p.known_fd);
	walker_free(&p.walker);
	arena_release(scratch, mark);
	return e;
}
