#include "pacs/xcode/codec_impl.h"
#include "pacs/xcode/ojph_shim.h"

/* JPEG 2000 markers (ISO 15444-1 annex A). */
enum { SOC = 0xff4f, SIZ = 0xff51, TLM = 0xff55, SOT = 0xff90 };
enum { SOT_LEN_AT = 6, TLM_LEN = 10 };         /* marker, Lsot, Isot, then Psot */

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

/* The RPCL syntax wants tile-part lengths in the main header (PS3.5 section 10.18), which OpenJPH 0.9 does not write: the gap
 * in front of the only tile-part gets them.  FF55 Ltlm=8 Ztlm=0 Stlm=40 (32-bit lengths, tiles in order) Ptlm */
static enum err fill_tlm(uint8_t *gap, size_t len, struct why *why)
{
	if (len < TLM_LEN + SOT_LEN_AT + 4 || be16(gap + TLM_LEN) != SOT)
		return fail(why, ERR_MISMATCH, "HTJ2K: no tile-part behind the main header");
	put_be16(gap, TLM);
	put_be16(gap + 2, 8);
	gap[4] = 0;
	gap[5] = 0x40;
	memcpy(gap + 6, gap + TLM_LEN + SOT_LEN_AT, 4);
	return ERR_OK;
}

enum err ht_encode(const struct image_desc *d, const struct ts *ts, unsigned level, const uint8_t *native, struct buf *out, struct why *why)
{
	struct ojph_image im = describe(d);
	bool has_tlm = !strcmp(ts->uid, TS_HTJ2K_LOSSLESS_RPCL);
	size_t base = out->len, gap_at = 0;
	enum err e = check_high_bit(d, why);
	if (e)
		return e;
	im.unused = unused_bits(d);
	im.step = level;
	im.gap = has_tlm ? TLM_LEN : 0;
	e = ojph_encode(&im, native, put, out, &gap_at, why);
	if (!e && buf_err(out))
		e = fail(why, buf_err(out), "a stream of over %zu bytes", out->max);
	if (!e && has_tlm)
		e = fill_tlm(out->p + base + gap_at, out->len - base - gap_at, why);
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
	return ht_decode_small(d, d, 0, stream, out, why);
}

enum err ht_decode_small(const struct image_desc *d, const struct image_desc *small, unsigned halvings, struct bytes stream, uint8_t *out, struct why *why)
{
	struct ojph_image im = describe(d);
	im.halvings = halvings;
	im.small_columns = small->columns;
	im.small_rows = small->rows;
	if (d->allocated > 16)
		return fail(why, ERR_UNSUPPORTED, "HTJ2K in %u allocated bits", d->allocated);
	if (!is_as_announced(d, stream))
		return fail(why, ERR_FORMAT, "the HTJ2K stream is not of %u x %u x %u", d->columns, d->rows, d->samples);
	return ojph_decode(&im, stream.p, stream.len, out, why);
}
