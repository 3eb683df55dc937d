#include "pacs/xcode/codec.h"

#include "pacs/xcode/codec_impl.h"
#include "pacs/xcode/dcmtk_shim.h"

enum family { FAMILY_NONE, FAMILY_NATIVE, FAMILY_DEFLATED, FAMILY_JPEG, FAMILY_JLS, FAMILY_J2K, FAMILY_HT, FAMILY_RLE };
enum { MONO = 1, PALETTE = 2, RGB = 4, YBR = 8, ANY = MONO | PALETTE | RGB | YBR };

/* Every syntax that has a decoder; those with `writes` an encoder too. kinds and bits: PS3.5 section 8.2, and what the
 * library can do. The rest (video, JPEG XL, retired JPEG) is kept and sent as it is. */
typedef enum err encode_fn(const struct image_desc *d, const struct ts *ts, unsigned level, const uint8_t *native, struct buf *out, struct why *why);
static const struct entry {
	const char *ts;
	enum family family;
	encode_fn *encode;
	unsigned kinds;
	unsigned min_stored, max_stored, max_allocated;
	bool takes_signed;
	const char *colour;              /* what RGB becomes in a reversible stream; NULL: it stays */
	const char *lossy_colour;        /* the same with a level; NULL: there is no lossy form */
} entries[] = {
	{ TS_IMPLICIT_LE, FAMILY_NATIVE, NULL, 0, 0, 0, 0, 0, NULL, NULL },
	{ TS_EXPLICIT_LE, FAMILY_NATIVE, NULL, 0, 0, 0, 0, 0, NULL, NULL },
	{ TS_EXPLICIT_BE, FAMILY_NATIVE, NULL, 0, 0, 0, 0, 0, NULL, NULL },
	{ TS_DEFLATED_LE, FAMILY_NATIVE, NULL, 0, 0, 0, 0, 0, NULL, NULL },
	{ "1.2.840.10008.1.2.4.53", FAMILY_JPEG, NULL, 0, 0, 0, 0, 0, NULL, NULL },       /* retired, progressive */
	{ "1.2.840.10008.1.2.4.55", FAMILY_JPEG, NULL, 0, 0, 0, 0, 0, NULL, NULL },
	{ TS_ENCAPSULATED, FAMILY_NATIVE, plain_encode, ANY, 1, 32, 32, true, NULL, NULL },
	{ TS_DEFLATED_FRAME, FAMILY_DEFLATED, deflated_encode, ANY, 1, 32, 32, true, NULL, NULL },
	{ TS_RLE, FAMILY_RLE, rle_encode, ANY, 1, 16, 16, true, NULL, NULL },
	{ TS_JPEG_BASELINE, FAMILY_JPEG, jpeg_encode, MONO | RGB | YBR, 8, 8, 8, false, NULL, "YBR_FULL_422" },
	{ TS_JPEG_EXTENDED, FAMILY_JPEG, jpeg_encode, MONO | RGB | YBR, 8, 12, 16, false, NULL, "YBR_FULL_422" },
	{ TS_JPEG_LOSSLESS, FAMILY_JPEG, jpeg_encode, ANY, 1, 16, 16, true, NULL, NULL },
	{ TS_JPEG_LOSSLESS_SV1, FAMILY_JPEG, jpeg_encode, ANY, 1, 16, 16, true, NULL, NULL },
	{ TS_JPEGLS_LOSSLESS, FAMILY_JLS, jls_encode, ANY, 2, 16, 16, true, NULL, NULL },
	{ TS_JPEGLS_NEAR, FAMILY_JLS, jls_encode, MONO | RGB | YBR, 2, 16, 16, true, NULL, "RGB" },
	{ TS_J2K_LOSSLESS, FAMILY_J2K, j2k_encode, ANY, 1, 16, 16, true, "YBR_RCT", NULL },
	{ TS_J2K, FAMILY_J2K, j2k_encode, MONO | RGB | YBR, 1, 16, 16, true, "YBR_RCT", "YBR_ICT" },
	{ TS_HTJ2K_LOSSLESS, FAMILY_HT, ht_encode, ANY, 1, 16, 16, true, "YBR_RCT", NULL },
	{ TS_HTJ2K_LOSSLESS_RPCL, FAMILY_HT, ht_encode, ANY, 1, 16, 16, true, "YBR_RCT", NULL },
	{ TS_HTJ2K, FAMILY_HT, ht_encode, MONO | RGB | YBR, 1, 16, 16, true, "YBR_RCT", "YBR_ICT" },
};

static const struct entry *find(const struct ts *ts)
{
	for (size_t i = 0; i < NELEM(entries); i++)
		if (!strcmp(entries[i].ts, ts->uid))
			return &entries[i];
	return NULL;
}

bool codec_can_decode(const struct ts *ts)
{
	return find(ts) != NULL;
}

bool codec_can_encode(const struct ts *ts)
{
	const struct entry *n = find(ts);
	return n && n->encode;
}

static bool is_422(const struct image_desc *d)
{
	return d->samples == 3 && !strcmp(d->photometric, "YBR_FULL_422");
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
	enum err e;
	if (sof.marker <= 0xc2 && sof.precision == 8) {
		if ((e = jpeg_decode(d, stream, out, photometric_out, why)) == ERR_OK)
			limit_to_stored(d, out);
		return e;
	}
	const char *ts = sof.marker == 0xc3 ? TS_JPEG_LOSSLESS_SV1 : TS_JPEG_EXTENDED;
	if (sof.marker > 0xc3 || sof.precision > d->allocated)
		return fail(why, ERR_UNSUPPORTED, "JPEG process SOF%u of %u bits in %u allocated", sof.marker - 0xc0u, sof.precision, d->allocated);
	e = dcmtk(d, ts, stream, out, photometric_out, why);
	if (!e && sof.marker <= 0xc2)
		limit_to_stored(d, out);
	return e;
}

/* ---- decoding ---- */

/* RCT and ICT are undone by the decoder: what comes out is RGB (PS3.5 section 8.2.4). */
static void undo_transform(const struct image_desc *d, char photometric_out[17])
{
	if (!strcmp(d->photometric, "YBR_RCT") || !strcmp(d->photometric, "YBR_ICT"))
		memcpy(photometric_out, "RGB", 4);
}

static enum err decode(const struct image_desc *d, const struct ts *ts, bool otherwise, struct bytes stream, uint8_t *out, char photometric_out[17], struct why *why)
{
	const struct entry *n = find(ts);
	/* All decoders here give every pixel its own chroma. */
	memcpy(photometric_out, is_422(d) ? "YBR_FULL" : d->photometric, is_422(d) ? sizeof("YBR_FULL") : sizeof(d->photometric));
	switch (n ? n->family : FAMILY_NONE) {
	case FAMILY_NATIVE: return plain_decode(d, stream, out, why);
	case FAMILY_DEFLATED: return deflated_decode(d, stream, out, why);
	case FAMILY_JPEG: return jpeg(d, stream, out, photometric_out, why);
	case FAMILY_JLS: return jls_decode(d, stream, out, why);
	case FAMILY_RLE: return dcmtk(d, TS_RLE, stream, out, photometric_out, why);
	case FAMILY_HT:
		undo_transform(d, photometric_out);
		/* OpenJPH is the faster of the two, OpenJPEG takes more kinds of streams. */
		if (!otherwise && ht_decode(d, stream, out, why) == ERR_OK)
			return ERR_OK;
		return j2k_decode(d, stream, out, why);
	case FAMILY_J2K:
		undo_transform(d, photometric_out);
		return j2k_decode(d, stream, out, why);
	case FAMILY_NONE: break;
	}
	return fail(why, ERR_UNSUPPORTED, "no decoder for %s", ts->name);
}

enum err codec_decode(const struct image_desc *d, const struct ts *ts, struct bytes stream, uint8_t *out, char photometric_out[17], struct why *why)
{
	return decode(d, ts, false, stream, out, photometric_out, why);
}

enum err codec_decode_otherwise(const struct image_desc *d, const struct ts *ts, struct bytes stream, uint8_t *out, char photometric_out[17], struct why *why)
{
	return decode(d, ts, true, stream, out, photometric_out, why);
}

static unsigned halved(unsigned side, unsigned halvings)
{
	return (side + (1u << halvings) - 1) >> halvings;
}

enum err codec_decode_small(const struct image_desc *d, const struct ts *ts, struct bytes stream, unsigned halvings, uint8_t *out,
                            struct image_desc *small, char photometric_out[17], struct why *why)
{
	const struct entry *n = find(ts);
	struct sof sof;
	*small = *d;
	small->rows = halved(d->rows, halvings);
	small->columns = halved(d->columns, halvings);
	memcpy(photometric_out, is_422(d) ? "YBR_FULL" : d->photometric, is_422(d) ? sizeof("YBR_FULL") : sizeof(d->photometric));
	switch (n ? n->family : FAMILY_NONE) {
	case FAMILY_JPEG:
		if (stream.len >= 4 && be16(stream.p) == 0xffd8 && find_sof(stream, &sof) && sof.marker <= 0xc2 && sof.precision == 8) {
			enum err e = jpeg_decode_small(d, small, halvings, stream, out, photometric_out, why);
			if (!e)
				limit_to_stored(small, out);
			return e;
		}
		break;
	case FAMILY_HT:
		undo_transform(d, photometric_out);
		return ht_decode_small(d, small, halvings, stream, out, why);
	case FAMILY_J2K:
		undo_transform(d, photometric_out);
		return j2k_decode_small(d, small, halvings, stream, out, why);
	case FAMILY_NATIVE:
	case FAMILY_DEFLATED:
	case FAMILY_JLS:
	case FAMILY_RLE:
	case FAMILY_NONE: break;
	}
	return fail(why, ERR_UNSUPPORTED, "no smaller picture in %s", ts->name);
}

/* ---- encoding ---- */

static unsigned kind_of(const struct image_desc *d)
{
	static const struct { const char *photometric; unsigned samples, kind; } known[] = {
		{ "MONOCHROME1", 1, MONO }, { "MONOCHROME2", 1, MONO }, { "PALETTE COLOR", 1, PALETTE },
		{ "RGB", 3, RGB }, { "YBR_FULL", 3, YBR }, { "YBR_FULL_422", 3, YBR },
	};
	for (size_t i = 0; i < NELEM(known); i++)
		if (known[i].samples == d->samples && !strcmp(known[i].photometric, d->photometric))
			return known[i].kind;
	return 0;
}

static bool is_lossy_jpeg(const struct entry *n)
{
	return n->encode == jpeg_encode && n->lossy_colour;
}

static enum err check_level(const struct ts *ts, const struct entry *n, unsigned level, struct why *why)
{
	if (level && !n->lossy_colour)
		return fail(why, ERR_UNSUPPORTED, "%s is reversible: it takes no level", ts->name);
	if (!level && is_lossy_jpeg(n))
		return fail(why, ERR_UNSUPPORTED, "%s is lossy: it needs a quality, e.g. jpeg:90", ts->name);
	return ERR_OK;
}

static enum err check_bits(const struct image_desc *d, const struct ts *ts, const struct entry *n, unsigned level, struct why *why)
{
	bool is_jpeg_lossy = is_lossy_jpeg(n);
	if (d->allocated > n->max_allocated || d->stored < n->min_stored || d->stored > n->max_stored)
		return fail(why, ERR_UNSUPPORTED, "%u bits stored in %u: %s takes %u to %u in at most %u", d->stored, d->allocated, ts->name, n->min_stored,
		            n->max_stored, n->max_allocated);
	/* Near-lossless coding of a signed sample, which JPEG-LS takes for an unsigned one, may turn -1 into the largest. */
	if (d->is_signed && (!n->takes_signed || (level && n->encode == jls_encode)))
		return fail(why, ERR_UNSUPPORTED, "signed samples do not go into %s", ts->name);
	if (is_jpeg_lossy && (d->allocated > 8) != (d->stored > 8))
		return fail(why, ERR_UNSUPPORTED, "%u bits stored in %u do not go into %s", d->stored, d->allocated, ts->name);
	if (is_jpeg_lossy && d->samples == 3 && d->allocated != 8)
		return fail(why, ERR_UNSUPPORTED, "colour of %u bits does not go into %s", d->stored, ts->name);
	return ERR_OK;
}

enum err codec_plan(const struct image_desc *d, const struct ts *ts, unsigned level, struct codec_plan *out, struct why *why)
{
	const struct entry *n = find(ts);
	unsigned kind = kind_of(d);
	if (!n || !n->encode)
		return fail(why, ERR_UNSUPPORTED, "no encoder for %s", ts->name);
	if (!(n->kinds & kind))
		return fail(why, ERR_UNSUPPORTED, "%s of %u samples does not go into %s", d->photometric, d->samples, ts->name);
	enum err e = check_level(ts, n, level, why);
	if (!e)
		e = check_bits(d, ts, n, level, why);
	if (e)
		return e;
	*out = (struct codec_plan){ .is_lossy = level != 0, .wants_rgb = kind == YBR && is_lossy_jpeg(n) };
	const char *photometric = kind == RGB || out->wants_rgb ? level ? n->lossy_colour : n->colour : NULL;
	if (!photometric)
		photometric = is_422(d) ? "YBR_FULL" : d->photometric;
	memcpy(out->photometric, photometric, strlen(photometric) + 1);
	return ERR_OK;
}

enum err codec_encode_level(const struct image_desc *d, const struct ts *ts, unsigned level, const uint8_t *native, struct buf *out, struct why *why)
{
	struct codec_plan plan;
	enum err e = codec_plan(d, ts, level, &plan, why);
	return e ? e : find(ts)->encode(d, ts, level, native, out, why);
}

enum err codec_encode(const struct image_desc *d, const struct ts *ts, const uint8_t *native, struct buf *out, struct why *why)
{
	return codec_encode_level(d, ts, 0, native, out, why);
}

/* ---- what the codecs share ---- */

/* Eight bytes of samples at a time: this is a pass over every image before the fast codecs, and shall not be felt. A sign
 * is extended when each bit from the stored sign upwards is like the next one. */
static uint64_t bits_seen(const struct image_desc *d, const uint8_t *native)
{
	size_t len = (size_t)image_frame_bytes(d), at = 0;
	uint64_t seen = 0, w = 0;
	for (; at + sizeof(w) <= len; at += sizeof(w)) {
		memcpy(&w, native + at, sizeof(w));
		seen |= d->is_signed ? w ^ w >> 1 : w;
	}
	w = 0;
	memcpy(&w, native + at, len - at);
	return seen | (d->is_signed ? w ^ w >> 1 : w);
}

uint32_t unused_bits(const struct image_desc *d)
{
	unsigned first = d->is_signed ? d->stored - 1 : d->stored, last = d->is_signed ? d->allocated - 2 : d->allocated - 1;
	return d->stored == d->allocated ? 0 : (uint32_t)(((1ull << (last + 1)) - 1) & ~((1ull << first) - 1));
}

enum err check_high_bit(const struct image_desc *d, struct why *why)
{
	if (d->high_bit != d->stored - 1)
		return fail(why, ERR_UNSUPPORTED, "%u bits stored up to bit %u of %u", d->stored, d->high_bit, d->allocated);
	return ERR_OK;
}

enum err check_unused_bits(const struct image_desc *d, const uint8_t *native, struct why *why)
{
	uint64_t one = unused_bits(d), mask = 0;
	enum err e = check_high_bit(d, why);
	if (e || one == 0)
		return e;
	for (unsigned at = 0; at < 64; at += d->allocated)
		mask |= one << at;
	return bits_seen(d, native) & mask ? fail(why, ERR_UNSUPPORTED, "bits above the %u stored are in use", d->stored) : ERR_OK;
}

void limit_to_stored(const struct image_desc *d, uint8_t *samples)
{
	if (d->is_signed || d->stored >= d->allocated || d->high_bit != d->stored - 1 || d->allocated > 16)
		return;
	uint32_t most = (1u << d->stored) - 1;
	size_t n = (size_t)d->rows * d->columns * d->samples;
	for (size_t i = 0; i < n; i++)
		if (d->allocated == 8 && samples[i] > most)
			samples[i] = (uint8_t)most;
		else if (d->allocated == 16 && le16(samples + 2 * i) > most)
			put_le16(samples + 2 * i, (uint16_t)most);
}

static uint8_t clamped(int v)
{
	return (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v);
}

void codec_to_rgb(uint8_t *samples, size_t pixels)
{
	/* Factors of 1.402, 0.344136, 0.714136 and 1.772 times 2^16. */
	for (uint8_t *p = samples, *end = samples + 3 * pixels; p < end; p += 3) {
		int y = p[0], cb = p[1] - 128, cr = p[2] - 128;
		p[0] = clamped(y + ((91881 * cr + 32768) >> 16));
		p[1] = clamped(y - ((22554 * cb + 46802 * cr + 32767) >> 16));
		p[2] = clamped(y + ((116130 * cb + 32768) >> 16));
	}
}

/* By the least limit under which 3000 x 3000 samples of 16 bits went through, rounded up. OpenJPEG holds every sample as 32 bits
 * and its code blocks and wavelets beside them; DCMTK and CharLS a copy of the frame and of the stream. */
uint64_t codec_memory(const struct image_desc *d, const struct ts *ts)
{
	const struct entry *n = find(ts);
	uint64_t samples = (uint64_t)d->rows * d->columns * d->samples, frame = image_frame_bytes(d);
	switch (n ? n->family : FAMILY_NONE) {
	case FAMILY_J2K: return 13 * samples + frame;
	case FAMILY_HT: return 8 * samples;
	case FAMILY_JPEG:
	case FAMILY_JLS:
	case FAMILY_RLE: return 2 * frame;
	case FAMILY_NATIVE:
	case FAMILY_DEFLATED:
	case FAMILY_NONE: break;
	}
	return 0;
}
