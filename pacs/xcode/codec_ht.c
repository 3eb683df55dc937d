#include "pacs/xcode/codec_impl.h"
#include "pacs/xcode/ojph_shim.h"

/* JPEG 2000 markers (ISO 15444-1 annex A). */
enum { SOC = 0xff4f, SIZ = 0xff51, TLM = 0xff55, SOT = 0xff90 };
enum { SOT_LEN_AT = 6 };         /* marker, Lsot, Isot, then Psot */

static struct ojph_image describe(const struct image_desc *d)
{
	return (struct ojph_image){
		.columns = d->columns, .rows = d->rows, .samples = d->samples, .allocated = d->allocated, .precision = d->stored, .is_signed = d->is_signed,
		.has_colour_transform = d->samples == 3 && !strcmp(d->photometric, "RGB"),
	};
}

static void put(void *arg, const void *p, size_t len)
{
	buf_add(arg, p, len);
}

/* Behind the main header: where the first tile-part starts. 0: the stream is not as ours are. */
static size_t first_tile_part(struct bytes b)
{
	size_t at = 2;
	while (at + 4 <= b.len && be16(b.p + at) != SOT)
		at += 2 + (size_t)be16(b.p + at + 2);
	return at + SOT_LEN_AT + 4 <= b.len ? at : 0;
}

/* The RPCL syntax wants tile-part lengths in the main header (PS3.5 section 10.18), which OpenJPH 0.9 does not write.
 * There is one tile-part:  FF55 Ltlm=8 Ztlm=0 Stlm=40 (32-bit lengths, tiles in order) Ptlm. */
static enum err add_tlm(struct buf *out, size_t base, struct why *why)
{
	struct bytes stream = bytes_of(out->p + base, out->len - base);
	size_t at = first_tile_part(stream);
	if (!at)
		return fail(why, ERR_MISMATCH, "HTJ2K: the encoder's stream has no tile-part");
	uint8_t tlm[10];
	put_be16(tlm, TLM);
	put_be16(tlm + 2, 8);
	tlm[4] = 0;
	tlm[5] = 0x40;
	memcpy(tlm + 6, stream.p + at + SOT_LEN_AT, 4);
	if (!buf_extend(out, sizeof(tlm)))
		return fail(why, buf_err(out), "no memory for a stream of %zu bytes", stream.len);
	uint8_t *p = out->p + base + at;
	memmove(p + sizeof(tlm), p, stream.len - at);
	memcpy(p, tlm, sizeof(tlm));
	return ERR_OK;
}

enum err ht_encode(const struct image_desc *d, const struct ts *ts, unsigned level, const uint8_t *native, struct buf *out, struct why *why)
{
	struct ojph_image im = describe(d);
	size_t base = out->len;
	enum err e = check_unused_bits(d, native, why);
	if (e)
		return e;
	im.step = level;
	e = ojph_encode(&im, native, put, out, why);
	if (!e && buf_err(out))
		e = fail(why, buf_err(out), "a stream of over %zu bytes", out->max);
	if (!e && !strcmp(ts->uid, TS_HTJ2K_LOSSLESS_RPCL))
		e = add_tlm(out, base, why);
	return e;
}

/* The size of the image and its tiles, checked before the decoder sets aside memory for them. */
static bool is_as_announced(const struct image_desc *d, struct bytes s)
{
	if (s.len < 4 + 38 || be16(s.p) != SOC || be16(s.p + 2) != SIZ)
		return false;
	const uint8_t *p = s.p + 8;      /* Xsiz Ysiz XOsiz YOsiz XTsiz YTsiz XTOsiz YTOsiz Csiz */
	uint32_t x = be32(p), y = be32(p + 4), x0 = be32(p + 8), y0 = be32(p + 12), tile_x = be32(p + 16), tile_y = be32(p + 20);
	return x > x0 && y > y0 && x - x0 == d->columns && y - y0 == d->rows && tile_x && tile_y && d->columns / tile_x <= 64 && d->rows / tile_y <= 64 &&
	       be16(p + 32) == d->samples;
}

enum err ht_decode(const struct image_desc *d, struct bytes stream, uint8_t *out, struct why *why)
{
	struct ojph_image im = describe(d);
	if (d->allocated > 16)
		return fail(why, ERR_UNSUPPORTED, "HTJ2K in %u allocated bits", d->allocated);
	if (!is_as_announced(d, stream))
		return fail(why, ERR_FORMAT, "the HTJ2K stream is not of %u x %u x %u", d->columns, d->rows, d->samples);
	return ojph_decode(&im, stream.p, stream.len, out, why);
}
