#include <stdlib.h>
#include <turbojpeg.h>

#include "pacs/xcode/codec_impl.h"
#include "pacs/xcode/dcmtk_shim.h"

/* Extra bytes between markers are harmless; every other warning means samples that nobody encoded. */
static bool is_harmless(tjhandle h)
{
	return tjGetErrorCode(h) == TJERR_WARNING && strstr(tjGetErrorStr2(h), "extraneous bytes");
}

/* JFIF and Adobe markers, and components that are called R, G, B, say what the colours are; libjpeg takes all else for YCbCr. */
static bool tells_colours(struct bytes b)
{
	for (size_t at = 2; at + 19 <= b.len && b.p[at] == 0xff && b.p[at + 1] != 0xda; at += 2 + (size_t)be16(b.p + at + 2)) {
		const uint8_t *p = b.p + at;
		if ((p[1] == 0xe0 && !memcmp(p + 4, "JFIF", 5)) || (p[1] == 0xee && !memcmp(p + 4, "Adobe", 5)))
			return true;
		if (p[1] >= 0xc0 && p[1] <= 0xc2 && p[10] == 'R' && p[13] == 'G' && p[16] == 'B')
			return true;
	}
	return false;
}

/* The three components as they are, each pixel's together. */
static enum err take_components(const struct image_desc *small, tjhandle h, struct bytes stream, uint8_t *out, struct why *why)
{
	size_t n = (size_t)small->rows * small->columns;
	uint8_t *planes = malloc(3 * n);
	if (!planes)
		return fail(why, ERR_NOMEM, "no memory for a frame of %zu bytes", 3 * n);
	unsigned char *of[3] = { planes, planes + n, planes + 2 * n };
	int strides[3] = { (int)small->columns, (int)small->columns, (int)small->columns };
	enum err e = ERR_OK;
	if (tjDecompressToYUVPlanes(h, stream.p, stream.len, of, (int)small->columns, strides, (int)small->rows, TJFLAG_ACCURATEDCT) && !is_harmless(h))
		e = fail(why, ERR_FORMAT, "JPEG: %s", tjGetErrorStr2(h));
	for (size_t i = 0; !e && i < 3 * n; i++)
		out[i] = of[i % 3][i / 3];
	free(planes);
	return e;
}

static enum err decode_opened(const struct image_desc *d, const struct image_desc *small, tjhandle h, struct bytes stream, uint8_t *out, char photometric_out[17], struct why *why)
{
	int width, height, subsampling, space;
	if (tjDecompressHeader3(h, stream.p, stream.len, &width, &height, &subsampling, &space))
		return fail(why, ERR_FORMAT, "JPEG header: %s", tjGetErrorStr2(h));
	unsigned samples = space == TJCS_GRAY ? 1 : space == TJCS_RGB || space == TJCS_YCbCr ? 3 : 4;
	if (width != (int)d->columns || height != (int)d->rows || samples != d->samples)
		return fail(why, ERR_FORMAT, "JPEG of %d x %d x %u, header says %u x %u x %u", width, height, samples, d->columns, d->rows, d->samples);
	/* Nothing in the stream says YCbCr and the header says RGB: then it is, unless chroma is halved, which RGB never is. */
	if (space == TJCS_YCbCr && subsampling == TJSAMP_444 && !strcmp(d->photometric, "RGB") && !tells_colours(stream))
		return take_components(small, h, stream, out, why);
	int format = samples == 1 ? TJPF_GRAY : TJPF_RGB;
	if (tjDecompress2(h, stream.p, stream.len, out, (int)small->columns, 0, (int)small->rows, format, TJFLAG_ACCURATEDCT) && !is_harmless(h))
		return fail(why, ERR_FORMAT, "JPEG: %s", tjGetErrorStr2(h));
	/* The stream knows its colour space better than the header (APP14, JFIF, component names). */
	if (samples == 3)
		memcpy(photometric_out, "RGB", 4);
	return ERR_OK;
}

static enum err decode_to(const struct image_desc *d, const struct image_desc *small, struct bytes stream, uint8_t *out, char photometric_out[17], struct why *why)
{
	if (d->allocated != 8)
		return fail(why, ERR_FORMAT, "JPEG of 8 bits, allocated are %u", d->allocated);
	tjhandle h = tjInitDecompress();
	if (!h)
		return fail(why, ERR_NOMEM, "no memory for a JPEG decoder");
	enum err e = decode_opened(d, small, h, stream, out, photometric_out, why);
	tjDestroy(h);
	return e;
}

enum err jpeg_decode(const struct image_desc *d, struct bytes stream, uint8_t *out, char photometric_out[17], struct why *why)
{
	return decode_to(d, d, stream, out, photometric_out, why);
}

/* libjpeg-turbo scales by eighths: a half, a quarter and an eighth are what it is best at. */
enum err jpeg_decode_small(const struct image_desc *d, const struct image_desc *small, unsigned halvings, struct bytes stream, uint8_t *out, char photometric_out[17], struct why *why)
{
	return halvings > 3 ? fail(why, ERR_UNSUPPORTED, "JPEG halved %u times, it goes three", halvings) : decode_to(d, small, stream, out, photometric_out, why);
}

/* ---- encoding ---- */

static enum err encode_opened(const struct image_desc *d, tjhandle h, unsigned quality, const uint8_t *native, struct buf *out, struct why *why)
{
	int subsampling = d->samples == 1 ? TJSAMP_GRAY : TJSAMP_422, format = d->samples == 1 ? TJPF_GRAY : TJPF_RGB;
	unsigned long room = tjBufSize((int)d->columns, (int)d->rows, subsampling), len = room;
	size_t base = out->len;
	uint8_t *to = buf_extend(out, room);
	if (!to)
		return fail(why, buf_err(out), "no memory for a JPEG stream");
	int r = tjCompress2(h, native, (int)d->columns, 0, (int)d->rows, format, &to, &len, subsampling, (int)quality, TJFLAG_NOREALLOC | TJFLAG_ACCURATEDCT);
	out->len = base + (r ? 0 : len);
	return r ? fail(why, ERR_MISMATCH, "JPEG encoding: %s", tjGetErrorStr2(h)) : ERR_OK;
}

/* The extended process has its own frame marker: SOF1, where baseline says SOF0. The stream is one of both. */
static void mark_extended(struct bytes b, uint8_t *p)
{
	for (size_t at = 2; at + 4 <= b.len && b.p[at] == 0xff; at += 2 + (size_t)be16(b.p + at + 2))
		if (b.p[at + 1] == 0xc0) {
			p[at + 1] = 0xc1;
			return;
		}
}

static enum err encode_8(const struct image_desc *d, const struct ts *ts, unsigned quality, const uint8_t *native, struct buf *out, struct why *why)
{
	size_t base = out->len;
	tjhandle h = tjInitCompress();
	if (!h)
		return fail(why, ERR_NOMEM, "no memory for a JPEG encoder");
	enum err e = encode_opened(d, h, quality, native, out, why);
	tjDestroy(h);
	if (!e && !strcmp(ts->uid, TS_JPEG_EXTENDED))
		mark_extended(bytes_of(out->p + base, out->len - base), out->p + base);
	return e;
}

static void put(void *arg, const uint8_t *p, size_t len)
{
	buf_add(arg, p, len);
}

/* Lossless streams are of 8, 12 or 16 bits. What stands above the stored bits takes part: a sign, an overlay. */
static unsigned lossless_precision(const struct image_desc *d, const uint8_t *native)
{
	uint16_t seen = 0;
	if (d->allocated == 8)
		return 8;
	for (size_t i = 0, n = (size_t)d->rows * d->columns * d->samples; i < n; i++)
		seen |= le16(native + 2 * i);
	return seen < 1 << 12 && d->samples == 1 ? 12 : 16;
}

enum err jpeg_encode(const struct image_desc *d, const struct ts *ts, unsigned level, const uint8_t *native, struct buf *out, struct why *why)
{
	bool is_lossless = level == 0;
	struct dcmtk_jpeg how = { .rows = (uint16_t)d->rows, .columns = (uint16_t)d->columns, .samples = (uint16_t)d->samples, .precision = 12,
	                          .quality = level, .predictor = 1 };
	enum err e = is_lossless ? ERR_OK : check_unused_bits(d, native, why);
	if (e)
		return e;
	if (!is_lossless && d->allocated == 8)
		return encode_8(d, ts, level, native, out, why);
	if (is_lossless)
		how.precision = lossless_precision(d, native);
	/* Process 14 may use any predictor, and 6 is the best for smooth pictures; SV1 is the first by name. 16 bits stay with 1:
	 * with the others a difference does not fit, and decoders disagree on what it then is. */
	if (is_lossless && how.precision < 16 && !strcmp(ts->uid, TS_JPEG_LOSSLESS))
		how.predictor = 6;
	e = dcmtk_jpeg_encode(&how, native, put, out, why);
	return !e && buf_err(out) ? fail(why, buf_err(out), "a stream of over %zu bytes", out->max) : e;
}
