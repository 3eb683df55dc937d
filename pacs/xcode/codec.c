#include "pacs/xcode/codec.h"

#include "pacs/xcode/codec_impl.h"
#include "pacs/xcode/dcmtk_shim.h"

enum family { FAMILY_NONE, FAMILY_NATIVE, FAMILY_JPEG, FAMILY_JLS, FAMILY_J2K, FAMILY_RLE };

static const struct { const char *ts; enum family family; } families[] = {
	{ TS_IMPLICIT_LE, FAMILY_NATIVE }, { TS_EXPLICIT_LE, FAMILY_NATIVE }, { TS_EXPLICIT_BE, FAMILY_NATIVE }, { TS_DEFLATED_LE, FAMILY_NATIVE },
	{ TS_JPEG_BASELINE, FAMILY_JPEG }, { TS_JPEG_EXTENDED, FAMILY_JPEG }, { TS_JPEG_LOSSLESS, FAMILY_JPEG }, { TS_JPEG_LOSSLESS_SV1, FAMILY_JPEG },
	{ "1.2.840.10008.1.2.4.53", FAMILY_JPEG }, { "1.2.840.10008.1.2.4.55", FAMILY_JPEG },       /* retired, progressive */
	{ TS_JPEGLS_LOSSLESS, FAMILY_JLS }, { TS_JPEGLS_NEAR, FAMILY_JLS },
	{ TS_J2K_LOSSLESS, FAMILY_J2K }, { TS_J2K, FAMILY_J2K },
	{ TS_HTJ2K_LOSSLESS, FAMILY_J2K }, { TS_HTJ2K_LOSSLESS_RPCL, FAMILY_J2K }, { TS_HTJ2K, FAMILY_J2K },
	{ TS_RLE, FAMILY_RLE },
};

static enum family family_of(const struct ts *ts)
{
	for (size_t i = 0; i < NELEM(families); i++)
		if (!strcmp(families[i].ts, ts->uid))
			return families[i].family;
	return FAMILY_NONE;
}

bool codec_can_decode(const struct ts *ts)
{
	return family_of(ts) != FAMILY_NONE;
}

bool codec_can_encode(const struct ts *ts)
{
	return !strcmp(ts->uid, TS_J2K_LOSSLESS);
}

static bool is_422(const struct image_desc *d)
{
	return d->samples == 3 && !strcmp(d->photometric, "YBR_FULL_422");
}

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

static enum err native_decode(const struct image_desc *d, struct bytes in, uint8_t *out, struct why *why)
{
	size_t full = (size_t)image_frame_bytes(d);
	if (is_422(d) && d->allocated == 8 && in.len == full / 3 * 2 && d->columns % 2 == 0) {
		widen_422(in, out);
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

/* ---- JPEG: which library depends on the frame header, not on what the transfer syntax promises ---- */

struct sof { uint8_t marker, precision; };

static bool find_sof(struct bytes b, struct sof *out)
{
	size_t at = 2;
	while (at + 5 <= b.len && b.p[at] == 0xff) {
		uint8_t m = b.p[at + 1];
		if (m == 0xff || m == 0x01 || (m >= 0xd0 && m <= 0xd8)) {
			at += m == 0xff ? 1 : 2;
			continue;
		}
		if (m >= 0xc0 && m <= 0xcf && m != 0xc4 && m != 0xc8 && m != 0xcc) {
			*out = (struct sof){ m, b.p[at + 4] };
			return true;
		}
		at += 2 + (size_t)be16(b.p + at + 2);
	}
	return false;
}

static enum err dcmtk(const struct image_desc *d, const char *ts, struct bytes stream, uint8_t *out, char photometric_out[17], struct why *why)
{
	struct dcmtk_image im = {
		.ts = ts, .photometric = d->photometric, .rows = (uint16_t)d->rows, .columns = (uint16_t)d->columns, .samples = (uint16_t)d->samples,
		.allocated = (uint16_t)d->allocated, .stored = (uint16_t)d->stored, .high_bit = (uint16_t)d->high_bit, .is_signed = d->is_signed,
	};
	return dcmtk_decode(&im, stream.p, stream.len, out, (size_t)image_frame_bytes(d), photometric_out, why);
}

static enum err jpeg(const struct image_desc *d, struct bytes stream, uint8_t *out, char photometric_out[17], struct why *why)
{
	struct sof sof;
	if (stream.len < 4 || be16(stream.p) != 0xffd8 || !find_sof(stream, &sof))
		return fail(why, ERR_FORMAT, "no JPEG frame header in %zu bytes", stream.len);
	if (sof.marker <= 0xc2 && sof.precision == 8)
		return jpeg_decode(d, stream, out, photometric_out, why);
	const char *ts = sof.marker == 0xc3 ? TS_JPEG_LOSSLESS_SV1 : TS_JPEG_EXTENDED;
	if (sof.marker > 0xc3 || sof.precision > d->allocated)
		return fail(why, ERR_UNSUPPORTED, "JPEG process SOF%u of %u bits in %u allocated", sof.marker - 0xc0u, sof.precision, d->allocated);
	return dcmtk(d, ts, stream, out, photometric_out, why);
}

enum err codec_decode(const struct image_desc *d, const struct ts *ts, struct bytes stream, uint8_t *out, char photometric_out[17], struct why *why)
{
	/* All decoders here give every pixel its own chroma. */
	memcpy(photometric_out, is_422(d) ? "YBR_FULL" : d->photometric, is_422(d) ? sizeof("YBR_FULL") : sizeof(d->photometric));
	switch (family_of(ts)) {
	case FAMILY_NATIVE: return native_decode(d, stream, out, why);
	case FAMILY_JPEG: return jpeg(d, stream, out, photometric_out, why);
	case FAMILY_JLS: return jls_decode(d, stream, out, why);
	case FAMILY_J2K: return j2k_decode(d, stream, out, photometric_out, why);
	case FAMILY_RLE: return dcmtk(d, TS_RLE, stream, out, photometric_out, why);
	case FAMILY_NONE: break;
	}
	return fail(why, ERR_UNSUPPORTED, "no decoder for %s", ts->name);
}

enum err codec_encode(const struct image_desc *d, const struct ts *ts, const uint8_t *native, struct buf *out, struct why *why)
{
	if (!codec_can_encode(ts))
		return fail(why, ERR_UNSUPPORTED, "no encoder for %s", ts->name);
	return j2k_encode(d, native, out, why);
}
