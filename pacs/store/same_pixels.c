#include "pacs/store/same_pixels.h"

#include <stdlib.h>

#include "pacs/base/durable.h"
#include "pacs/base/fault.h"
#include "pacs/store/digest.h"

enum { PIECE = 192 << 10 };              /* whole pixels of 3 samples, whole words */

static enum err other(struct why *why, const char *what)
{
	return fail(why, ERR_MISMATCH, "%s", what);
}

enum err native_pixels_find(int fd, uint64_t at, uint64_t size, enum ds_encoding enc, struct native_pixels *out, struct why *why)
{
	uint8_t h[12];
	bool is_big = enc == DS_EXPLICIT_BE;
	size_t head = enc == DS_IMPLICIT_LE ? 8 : 12;
	if (at > size || size - at < head)
		return other(why, "no pixel data behind the header");
	enum err e = durable_pread(fd, h, head, (off_t)at, why);
	if (e)
		return e;
	uint32_t tag = is_big ? be32(h) : (uint32_t)le16(h) << 16 | le16(h + 2);
	uint32_t len = is_big ? be32(h + head - 4) : le32(h + head - 4);
	*out = (struct native_pixels){ .fd = fd, .at = at + head, .len = len, .is_big_endian = is_big, .is_words = h[4] == 'O' && h[5] == 'W' };
	if (tag != TAG_PIXEL_DATA || len != size - out->at)
		return other(why, "pixel data is not the last element, or the header was kept shortened");
	return ERR_OK;
}

/* ---- little endian ---- */

static void turn(uint8_t *p, size_t len, unsigned unit)
{
	for (size_t i = 0; unit > 1 && i + unit <= len; i += unit)
		for (unsigned k = 0; k < unit / 2; k++) {
			uint8_t t = p[i + k];
			p[i + k] = p[i + unit - 1 - k];
			p[i + unit - 1 - k] = t;
		}
}

/* Bytes of the value; `at` is a multiple of the unit. */
static enum err read_turned(const struct native_pixels *p, uint64_t at, size_t n, unsigned unit, uint8_t *out, struct why *why)
{
	enum err e = durable_pread(p->fd, out, n, (off_t)(p->at + at), why);
	if (!e)
		turn(out, n, unit);
	return e;
}

static unsigned unit_of(const struct native_pixels *p)
{
	return p->is_big_endian && p->is_words ? 2 : 1;
}

enum err native_pixels_compare(const struct native_pixels *a, const struct native_pixels *b, struct why *why)
{
	if (a->len != b->len)
		return other(why, "pixel data of another length");
	uint8_t *pa = fault_fails(FAULT_ALLOC) ? NULL : malloc(2 * PIECE), *pb = pa ? pa + PIECE : NULL;
	enum err e = pa ? ERR_OK : fail(why, ERR_NOMEM, "no memory to compare pixels");
	for (uint64_t at = 0; !e && at < a->len; at += PIECE) {
		size_t n = a->len - at < PIECE ? (size_t)(a->len - at) : PIECE;
		e = read_turned(a, at, n, unit_of(a), pa, why);
		if (!e)
			e = read_turned(b, at, n, unit_of(b), pb, why);
		if (!e && memcmp(pa, pb, n))
			e = other(why, "other samples");
	}
	free(pa);
	return e;
}

/* ---- the digest ---- */

struct shape {
	uint64_t pixels, frames;         /* of one frame; of the image */
	unsigned samples, cell;          /* per pixel; bytes of one */
	bool is_by_plane;
};

static int64_t number(const struct dataset *header, uint16_t element, int64_t fallback)
{
	int64_t v;
	return dataset_int(header, TAG(0x0028, element), &v) ? v : fallback;
}

/* As image_desc_read() of the worker understands the header. */
static bool shape_read(const struct dataset *header, struct shape *out)
{
	int64_t rows = number(header, 0x0010, 0), columns = number(header, 0x0011, 0), allocated = number(header, 0x0100, 0);
	int64_t samples = number(header, 0x0002, 1), frames = number(header, 0x0008, 1);
	if (frames == 0)
		frames = 1;
	if (rows < 1 || rows > BOUND_IMAGE_SIDE || columns < 1 || columns > BOUND_IMAGE_SIDE || frames < 1 || frames > BOUND_FRAMES)
		return false;
	if ((samples != 1 && samples != 3) || (allocated != 8 && allocated != 16 && allocated != 32))
		return false;
	*out = (struct shape){ .pixels = (uint64_t)rows * (uint64_t)columns, .frames = (uint64_t)frames, .samples = (unsigned)samples,
	                       .cell = (unsigned)allocated / 8, .is_by_plane = samples == 3 && number(header, 0x0006, 0) == 1 };
	return true;
}

static enum err digest_by_pixel(const struct native_pixels *p, uint64_t len, unsigned unit, uint8_t *piece, struct digest *d, struct why *why)
{
	enum err e = ERR_OK;
	for (uint64_t at = 0; !e && at < p->len; at += PIECE) {
		size_t n = p->len - at < PIECE ? (size_t)(p->len - at) : PIECE;
		e = read_turned(p, at, n, unit, piece, why);
		if (!e)
			digest_add(d, bytes_of(piece, at + n > len ? (size_t)(len - at) : n));
	}
	return e;
}

/* RRR GGG BBB of one frame as RGB RGB RGB: a piece of each plane at a time. */
static enum err digest_planes(const struct native_pixels *p, uint64_t frame_at, const struct shape *s, uint8_t *piece, struct digest *d, struct why *why)
{
	uint8_t *mixed = piece + PIECE;
	size_t most = PIECE / 3 / s->cell;
	for (uint64_t first = 0; first < s->pixels; first += most) {
		size_t n = s->pixels - first < most ? (size_t)(s->pixels - first) : most;
		for (unsigned plane = 0; plane < 3; plane++) {
			enum err e = read_turned(p, frame_at + (plane * s->pixels + first) * s->cell, n * s->cell, 1, piece, why);
			if (e)
				return e;
			for (size_t i = 0; i < n; i++)
				memcpy(mixed + (3 * i + plane) * s->cell, piece + i * s->cell, s->cell);
		}
		digest_add(d, bytes_of(mixed, 3 * n * s->cell));
	}
	return ERR_OK;
}

enum err native_pixels_digest(const struct native_pixels *p, const struct dataset *header, char out[33], struct why *why)
{
	struct shape s;
	if (!shape_read(header, &s))
		return other(why, "the header describes no image");
	uint64_t frame = s.pixels * s.samples * s.cell, len = frame * s.frames;
	unsigned unit = !p->is_big_endian ? 1 : s.cell > unit_of(p) ? s.cell : unit_of(p);
	if (p->len != len + (len & 1) || (unit > 1 && s.is_by_plane))
		return other(why, "pixel data is not as the header describes it");
	uint8_t *piece = fault_fails(FAULT_ALLOC) ? NULL : malloc(2 * PIECE);
	struct digest *d = piece ? digest_new() : NULL;
	enum err e = d ? ERR_OK : fail(why, ERR_NOMEM, "no memory to digest pixels");
	if (!e && !s.is_by_plane)
		e = digest_by_pixel(p, len, unit, piece, d, why);
	for (uint64_t n = 0; !e && s.is_by_plane && n < s.frames; n++)
		e = digest_planes(p, n * frame, &s, piece, d, why);
	if (!e)
		digest_hex(d, out);
	digest_free(&d);
	free(piece);
	return e;
}

/* ---- fragments ---- */

enum err coded_pixels_end_file(int fd, uint64_t at, uint64_t size, struct why *why)
{
	static const uint8_t start[12] = { 0xe0, 0x7f, 0x10, 0, 'O', 'B', 0, 0, 0xff, 0xff, 0xff, 0xff };
	uint8_t h[12];
	if (at > size || size - at < sizeof(h))
		return other(why, "no pixel data behind the kept header");
	enum err e = durable_pread(fd, h, sizeof(h), (off_t)at, why);
	if (!e && memcmp(h, start, sizeof(start)))
		e = other(why, "no fragments behind the kept header");
	for (at += sizeof(h); !e; at += 8 + (uint64_t)le32(h + 4)) {
		if (at > size || size - at < 8)
			return other(why, "the fragments do not end");
		e = durable_pread(fd, h, 8, (off_t)at, why);
		uint32_t tag = (uint32_t)le16(h) << 16 | le16(h + 2);
		if (!e && tag == TAG_SEQUENCE_END)
			return at + 8 == size ? ERR_OK : other(why, "elements stand behind the kept pixel data");
		if (!e && tag != TAG_ITEM)
			e = other(why, "no fragment where one belongs");
	}
	return e;
}
