#include <zlib.h>

#include "pacs/xcode/codec_impl.h"
#include "pacs/xcode/dcmtk_shim.h"

/* ---- native ---- */

/* Y0 Y1 Cb Cr for two pixels (PS3.3 C.7.6.3.1.2) to three bytes a pixel. */
static void widen_422(struct bytes in, uint8_t *out)
{
	for (size_t i = 0; i + 3 < in.len; i += 4, out += 6) {
		const uint8_t *p = in.p + i;
		uint8_t two[6] = { p[0], p[2], p[3], p[1], p[2], p[3] };
		memcpy(out, two, sizeof(two));
	}
}

static void interleave(const struct image_desc *d, const uint8_t *in, uint8_t *out)
{
	size_t pixels = (size_t)d->rows * d->columns, unit = d->allocated / 8;
	for (unsigned s = 0; s < d->samples; s++)
		for (size_t i = 0; i < pixels; i++)
			memcpy(out + (i * d->samples + s) * unit, in + (s * pixels + i) * unit, unit);
}

enum err plain_decode(const struct image_desc *d, struct bytes in, uint8_t *out, struct why *why)
{
	size_t full = (size_t)image_frame_bytes(d);
	bool is_422 = d->samples == 3 && !strcmp(d->photometric, "YBR_FULL_422");
	if (is_422 && d->allocated == 8 && in.len >= full / 3 * 2 && in.len < full && d->columns % 2 == 0) {
		widen_422(bytes_of(in.p, full / 3 * 2), out);
		return ERR_OK;
	}
	if (in.len < full)
		return fail(why, ERR_FORMAT, "a frame of %zu bytes, wanted %zu", in.len, full);
	if (d->planar)
		interleave(d, in.p, out);
	else
		memcpy(out, in.p, full);
	return ERR_OK;
}

static enum err check_buf(const struct buf *out, struct why *why)
{
	return buf_err(out) ? fail(why, buf_err(out), "a stream of over %zu bytes, or no memory for it", out->max) : ERR_OK;
}

enum err plain_encode(const struct image_desc *d, const struct ts *ts, unsigned level, const uint8_t *native, struct buf *out, struct why *why)
{
	(void)ts, (void)level;
	buf_add(out, native, (size_t)image_frame_bytes(d));
	return check_buf(out, why);
}

/* ---- each frame deflated (PS3.5 section A.4.13): raw, RFC 1951 ---- */

enum err deflated_decode(const struct image_desc *d, struct bytes in, uint8_t *out, struct why *why)
{
	size_t full = (size_t)image_frame_bytes(d);
	z_stream z = { .next_in = (Bytef *)(uintptr_t)in.p, .avail_in = (uInt)in.len, .next_out = out, .avail_out = (uInt)full };
	if (in.len > UINT32_MAX || full > UINT32_MAX || inflateInit2(&z, -15) != Z_OK)
		return fail(why, ERR_NOMEM, "no memory to inflate a frame of %zu bytes", full);
	int r = inflate(&z, Z_FINISH);
	size_t left = z.avail_out;
	inflateEnd(&z);
	if (r != Z_STREAM_END || left)
		return fail(why, ERR_FORMAT, "deflated frame: zlib says %d, %zu of %zu bytes", r, full - left, full);
	return ERR_OK;
}

enum err deflated_encode(const struct image_desc *d, const struct ts *ts, unsigned level, const uint8_t *native, struct buf *out, struct why *why)
{
	size_t full = (size_t)image_frame_bytes(d);
	z_stream z = { .next_in = (Bytef *)(uintptr_t)native, .avail_in = (uInt)full };
	(void)ts, (void)level;
	if (full > UINT32_MAX || deflateInit2(&z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		return fail(why, ERR_NOMEM, "no memory to deflate a frame of %zu bytes", full);
	size_t bound = deflateBound(&z, (uLong)full), base = out->len;
	uint8_t *p = buf_extend(out, bound);
	z.next_out = p;
	z.avail_out = (uInt)bound;
	int r = p ? deflate(&z, Z_FINISH) : Z_MEM_ERROR;
	if (p)
		out->len = base + bound - z.avail_out;
	deflateEnd(&z);
	if (!p)
		return check_buf(out, why);
	return r == Z_STREAM_END ? ERR_OK : fail(why, ERR_MISMATCH, "deflating a frame: zlib says %d", r);
}

/* ---- RLE (PS3.5 annex G): a header of 16 numbers, then one segment for each byte of a sample, the high one first ---- */

enum { RLE_HEAD = 64 };

static void put(void *arg, const uint8_t *p, size_t len)
{
	buf_add(arg, p, len);
}

enum err rle_encode(const struct image_desc *d, const struct ts *ts, unsigned level, const uint8_t *native, struct buf *out, struct why *why)
{
	unsigned width = d->allocated / 8, segments = d->samples * width;
	uint8_t head[RLE_HEAD] = { 0 };
	size_t base = out->len;
	(void)ts, (void)level;
	put_le32(head, segments);
	buf_add(out, head, sizeof(head));
	for (unsigned s = 0; s < segments; s++) {
		unsigned sample = s / width, byte = width - 1 - s % width;
		const struct dcmtk_plane plane = { native + sample * width + byte, segments, d->columns, d->rows };
		put_le32(head + 4 + 4 * s, (uint32_t)(out->len - base));
		enum err e = dcmtk_rle_segment(&plane, put, out, why);
		if (e)
			return e;
		if ((out->len - base) & 1)
			buf_add_byte(out, 0);
	}
	if (!buf_err(out))
		memcpy(out->p + base, head, sizeof(head));
	return check_buf(out, why);
}
