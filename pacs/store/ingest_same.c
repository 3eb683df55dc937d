#include "pacs/store/ingest_private.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "pacs/base/durable.h"

/* Equal content in another encoding: a resend over an association that negotiated another uncompressed syntax. */

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

/* ---- headers ---- */

/* The header without what depends on the encoding: no VRs, little endian, defined lengths. */
static bool canonical(struct ingest *g, struct bytes raw, enum ds_encoding enc, struct buf *out)
{
	struct dataset *ds = NULL;
	struct arena_mark mark = arena_mark(&g->scratch);
	bool ok = dataset_parse(&g->scratch, raw, enc, &ds, NULL) == ERR_OK && dataset_write(ds, DS_IMPLICIT_LE, out) == ERR_OK && !buf_err(out);
	arena_release(&g->scratch, mark);
	return ok;
}

static bool same_header(struct ingest *g, struct bytes a, enum ds_encoding a_enc, struct bytes b, enum ds_encoding b_enc)
{
	struct buf ca, cb;
	buf_init(&ca, 2 * BOUND_HEADER);
	buf_init(&cb, 2 * BOUND_HEADER);
	bool same = canonical(g, a, a_enc, &ca) && canonical(g, b, b_enc, &cb) && bytes_equal(buf_view(&ca), buf_view(&cb));
	buf_fini(&ca);
	buf_fini(&cb);
	return same;
}

/* ---- pixels ---- */

struct pixels {
	int fd;
	uint64_t at, len;
	bool is_swapped;                 /* 16-bit words, big end first */
};

/* The native pixel data element at `at` must be the file's last. */
static bool find_pixels(struct pixels *p, uint64_t at, uint64_t size, enum ds_encoding enc)
{
	uint8_t h[12];
	bool is_big = enc == DS_EXPLICIT_BE;
	size_t head = enc == DS_IMPLICIT_LE ? 8 : 12;
	if (at > size || size - at < head || durable_pread(p->fd, h, head, (off_t)at, NULL))
		return false;
	uint32_t tag = is_big ? be32(h) : (uint32_t)le16(h) << 16 | le16(h + 2);
	p->at = at + head;
	p->len = is_big ? be32(h + head - 4) : le32(h + head - 4);
	p->is_swapped = is_big && h[4] == 'O' && h[5] == 'W';
	return tag == TAG_PIXEL_DATA && p->len == size - p->at;
}

static void swap_words(uint8_t *p, size_t len)
{
	for (size_t i = 0; i + 1 < len; i += 2) {
		uint8_t t = p[i];
		p[i] = p[i + 1];
		p[i + 1] = t;
	}
}

static bool same_pixels(const struct pixels *a, const struct pixels *b)
{
	bool same = a->len == b->len;
	uint8_t *pa = malloc(PIECE), *pb = malloc(PIECE);
	same = same && pa && pb;
	for (uint64_t at = 0; same && at < a->len; at += PIECE) {
		size_t n = a->len - at < PIECE ? (size_t)(a->len - at) : PIECE;
		same = !durable_pread(a->fd, pa, n, (off_t)(a->at + at), NULL) && !durable_pread(b->fd, pb, n, (off_t)(b->at + at), NULL);
		if (same && a->is_swapped != b->is_swapped)
			swap_words(pa, n);
		same = same && !memcmp(pa, pb, n);
	}
	free(pa);
	free(pb);
	return same;
}

static bool is_native(const char *ts)
{
	const struct ts *t = ts_find(ts);
	return t && !t->is_encapsulated && !t->is_deflated;
}

/* Both files from the end of their headers on. A header that was kept shortened (BOUND_ELEMENT) does not
 * lead to the pixel data element, which counts as different. */
static bool same_bodies(struct ingest *g, const struct entry *it, size_t known_header, enum ds_encoding known_enc)
{
	const struct ingest_job *j = it->job;
	const struct index_instance *k = &it->known;
	uint64_t at = j->dataset_at + j->header.len, known_at = k->dataset_at + known_header, size;
	struct pixels a = { .fd = open(ingest_path(g, j->path).s, O_RDONLY | O_CLOEXEC) }, b = { .fd = -1 };
	bool same = a.fd >= 0 && object_open(g->conf->dir, k->oid, &b.fd, &size, NULL) == ERR_OK && size == k->size;
	if (same && !j->has_pixel_data)
		same = at == j->size && known_at == k->size;
	else if (same)
		same = find_pixels(&a, at, j->size, j->encoding) && find_pixels(&b, known_at, k->size, known_enc) && same_pixels(&a, &b);
	if (a.fd >= 0)
		close(a.fd);
	if (b.fd >= 0)
		close(b.fd);
	return same;
}

bool ingest_same_content(struct ingest *g, const struct entry *it)
{
	uint8_t *header = NULL;
	size_t len = 0;
	int enc = 0;
	if (!is_native(it->job->ts.s) || !is_native(it->known.ts.s))
		return false;
	if (!g->reader && index_reader_open(g->conf->dir, &g->reader, NULL))
		return false;
	if (index_header(g->reader, it->known.instance, &header, &len, &enc, NULL))
		return false;
	bool same = same_header(g, it->job->header, it->job->encoding, bytes_of(header, len), (enum ds_encoding)enc) &&
	            same_bodies(g, it, len, (enum ds_encoding)enc);
	free(header);
	return same;
}
