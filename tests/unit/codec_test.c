/* Frames through the codecs and back: every depth, sign, colour and odd size. */
#include <stdlib.h>

#include "pacs/xcode/codec.h"
#include "tests/lib/t.h"

static uint32_t noise(uint32_t *s)
{
	*s ^= *s << 13;
	*s ^= *s >> 17;
	*s ^= *s << 5;
	return *s;
}

static struct image_desc desc(unsigned columns, unsigned rows, unsigned samples, unsigned allocated, unsigned stored, bool is_signed)
{
	struct image_desc d = { .rows = rows, .columns = columns, .samples = samples, .frames = 1, .allocated = allocated, .stored = stored,
		.high_bit = stored - 1, .is_signed = is_signed };
	strcpy(d.photometric, samples == 3 ? "RGB" : "MONOCHROME2");
	return d;
}

/* Values over the whole range of the stored bits, the extremes among them. */
static uint8_t *make_frame(const struct image_desc *d)
{
	size_t n = (size_t)d->rows * d->columns * d->samples;
	uint8_t *p = malloc((size_t)image_frame_bytes(d));
	uint32_t seed = d->stored * 77 + d->rows + 1, mask = d->stored == 32 ? UINT32_MAX : (1u << d->stored) - 1;
	for (size_t i = 0; i < n; i++) {
		uint32_t v = i == 0 ? 0 : i == 1 ? mask : i == 2 ? mask >> 1 : noise(&seed) & mask;
		if (d->is_signed && v >> (d->stored - 1))
			v |= ~mask;
		if (d->allocated == 8)
			p[i] = (uint8_t)v;
		else
			put_le16(p + 2 * i, (uint16_t)v);
	}
	return p;
}

static void check_round_trip(const struct image_desc *d)
{
	const struct ts *ts = ts_find(TS_J2K_LOSSLESS);
	size_t len = (size_t)image_frame_bytes(d);
	uint8_t *frame = make_frame(d), *back = calloc(1, len);
	struct image_desc coded = *d;
	struct buf stream;
	struct why why = { "" };
	char photometric[17];
	if (d->samples == 3)
		strcpy(coded.photometric, "YBR_RCT");
	buf_init(&stream, 64 << 20);
	CHECK_OK(codec_encode(d, ts, frame, &stream, &why), why);
	CHECK_OK(codec_decode(&coded, ts, buf_view(&stream), back, photometric, &why), why);
	if (memcmp(frame, back, len))
		T_FAIL("%u x %u x %u, %u of %u bits, signed %d: samples differ", d->columns, d->rows, d->samples, d->stored, d->allocated, d->is_signed);
	CHECK_STR(photometric, d->photometric);
	buf_fini(&stream);
	free(frame);
	free(back);
}

TEST(matrix, "JPEG 2000 gives back every sample: 2 to 16 bits, signed or not, grey or colour, odd sizes")
{
	static const struct { unsigned w, h; } sizes[] = { { 5, 7 }, { 1, 9 }, { 64, 33 }, { 200, 3 } };
	for (size_t i = 0; i < NELEM(sizes); i++)
		for (unsigned stored = 2; stored <= 16; stored++)
			for (unsigned kind = 0; kind < 4; kind++) {
				unsigned allocated = stored <= 8 && kind < 2 ? 8 : 16;
				struct image_desc d = desc(sizes[i].w, sizes[i].h, kind == 3 ? 3 : 1, allocated, stored, kind & 1);
				check_round_trip(&d);
			}
}

TEST(single, "one pixel is an image")
{
	struct image_desc d = desc(1, 1, 1, 16, 12, false);
	uint8_t frame[2] = { 0x34, 0x02 }, back[2];
	struct buf stream;
	struct why why = { "" };
	char photometric[17];
	buf_init(&stream, 1 << 20);
	CHECK_OK(codec_encode(&d, ts_find(TS_J2K_LOSSLESS), frame, &stream, &why), why);
	CHECK_OK(codec_decode(&d, ts_find(TS_J2K_LOSSLESS), buf_view(&stream), back, photometric, &why), why);
	CHECK(!memcmp(frame, back, 2));
	buf_fini(&stream);
}

static const struct { const char *says; uint16_t sample; bool is_signed; enum err want; } high_bits[] = {
	{ "an overlay bit above 12 stored", 0x8123, false, ERR_UNSUPPORTED },
	{ "a sign that is not extended", 0x0800, true, ERR_UNSUPPORTED },
	{ "a sign that is", 0xF800, true, ERR_OK },
	{ "the largest of 12 bits", 0x0FFF, false, ERR_OK },
};

static void check_high_bits(size_t i, const char *syntax, bool has_place)
{
	struct image_desc d = desc(4, 4, 1, 16, 12, high_bits[i].is_signed);
	uint8_t frame[32] = { 0 }, back[32];
	enum err want = has_place ? ERR_OK : high_bits[i].want;
	struct buf stream;
	struct why why = { "" };
	char photometric[17];
	put_le16(frame + 10, high_bits[i].sample);
	buf_init(&stream, 1 << 20);
	enum err e = codec_encode(&d, ts_find(syntax), frame, &stream, &why);
	if (e != want)
		T_FAIL("%s, %s: got %s, wanted %s", high_bits[i].says, syntax, err_name(e), err_name(want));
	if (e == ERR_OK) {
		CHECK_OK(codec_decode(&d, ts_find(syntax), buf_view(&stream), back, photometric, &why), why);
		if (memcmp(frame, back, sizeof(frame)))
			T_FAIL("%s, %s: samples differ, %04x for %04x", high_bits[i].says, syntax, le16(back + 10), high_bits[i].sample);
	}
	buf_fini(&stream);
}

TEST(overlay, "bits above Bits Stored that carry something are not thrown away: refused, or carried whole")
{
	static const struct { const char *syntax; bool has_place; } syntaxes[] = {
		{ TS_J2K_LOSSLESS, false }, { TS_HTJ2K, false }, { TS_JPEGLS_LOSSLESS, false },
		{ TS_JPEG_LOSSLESS_SV1, true }, { TS_RLE, true },
	};
	for (size_t s = 0; s < NELEM(syntaxes); s++)
		for (size_t i = 0; i < NELEM(high_bits); i++)
			check_high_bits(i, syntaxes[s].syntax, syntaxes[s].has_place);
}

enum { OVER_SIDE = 64, OVER_PIXELS = OVER_SIDE * OVER_SIDE };

static void check_overshoot(const char *syntax, unsigned level)
{
	struct image_desc wide = desc(OVER_SIDE, OVER_SIDE, 1, 16, 12, false), narrow = desc(OVER_SIDE, OVER_SIDE, 1, 16, 10, false);
	static uint8_t frame[2 * OVER_PIXELS], back[2 * OVER_PIXELS];
	unsigned over = 0, dark = 0;
	struct buf stream;
	struct why why = { "" };
	char photometric[17];
	for (unsigned i = 0; i < OVER_PIXELS; i++)
		put_le16(frame + 2 * i, (uint16_t)((i / 5 + i / (5 * OVER_SIDE)) % 2 ? 0x3FF : i % 60));
	buf_init(&stream, 1 << 20);
	CHECK_OK(codec_encode_level(&wide, ts_find(syntax), level, frame, &stream, &why), why);
	CHECK_OK(codec_decode(&wide, ts_find(syntax), buf_view(&stream), back, photometric, &why), why);
	for (unsigned i = 0; i < OVER_PIXELS; i++)
		over += le16(back + 2 * i) > 0x3FF;
	CHECK_OK(codec_decode(&narrow, ts_find(syntax), buf_view(&stream), back, photometric, &why), why);
	for (unsigned i = 0; i < OVER_PIXELS; i++)
		dark += le16(back + 2 * i) > 0x3FF || (le16(frame + 2 * i) == 0x3FF && le16(back + 2 * i) < 0x180);
	if (!over || dark)
		T_FAIL("%s: %u samples beyond, %u of them wrong", syntax, over, dark);
	buf_fini(&stream);
}

TEST(overshoot, "what a lossy stream of 12 bits gives beyond the 10 that are stored is the largest value, not one without its highest bit")
{
	check_overshoot(TS_JPEG_EXTENDED, 90);
	check_overshoot(TS_J2K, 8);
	check_overshoot(TS_JPEGLS_NEAR, 20);
}

/* Every cut and every single bad byte of a stream: an error or other samples, never a crash (sanitizers look on). */
TEST(hostile, "cut and spoilt streams of every codec are survived")
{
	static const char *const syntaxes[] = { TS_J2K_LOSSLESS, TS_HTJ2K, TS_JPEG_BASELINE, TS_JPEG_LOSSLESS_SV1, TS_JPEGLS_LOSSLESS, TS_RLE };
	struct image_desc d = desc(16, 12, 1, 16, 12, false);
	uint8_t *frame = make_frame(&d), out[384];
	struct buf stream;
	struct why why = { "" };
	char photometric[17];
	buf_init(&stream, 1 << 20);
	CHECK_OK(codec_encode(&d, ts_find(TS_J2K_LOSSLESS), frame, &stream, &why), why);
	for (size_t len = 0; len < stream.len; len += 3)
		CHECK(codec_decode(&d, ts_find(TS_J2K_LOSSLESS), bytes_of(stream.p, len), out, photometric, &why) != ERR_OK);
	for (size_t s = 0; s < NELEM(syntaxes); s++)
		for (size_t i = 0; i < stream.len; i += 7) {
			stream.p[i] ^= 0x5a;
			enum err e = codec_decode(&d, ts_find(syntaxes[s]), buf_view(&stream), out, photometric, &why);
			CHECK(e == ERR_OK || s > 0 || why.text[0]);
			stream.p[i] ^= 0x5a;
		}
	buf_fini(&stream);
	free(frame);
}

TEST(size, "a stream of another size than the header says is refused before it is decoded")
{
	struct image_desc d = desc(16, 12, 1, 16, 12, false), other = desc(12, 16, 1, 16, 12, false);
	uint8_t *frame = make_frame(&d), out[384];
	struct buf stream;
	struct why why = { "" };
	char photometric[17];
	buf_init(&stream, 1 << 20);
	CHECK_OK(codec_encode(&d, ts_find(TS_J2K_LOSSLESS), frame, &stream, &why), why);
	CHECK_INT(codec_decode(&other, ts_find(TS_J2K_LOSSLESS), buf_view(&stream), out, photometric, &why), ERR_FORMAT);
	CHECK_STR(why.text, "JPEG 2000 component of 16 x 12, header says 12 x 16");
	buf_fini(&stream);
	free(frame);
}

TEST(planes, "native colour by plane comes out by pixel, and 4:2:2 with chroma for each pixel")
{
	struct image_desc d = desc(2, 1, 3, 8, 8, false);
	uint8_t out[6];
	char photometric[17];
	struct why why = { "" };
	d.planar = 1;
	CHECK_OK(codec_decode(&d, ts_find(TS_EXPLICIT_LE), BYTES("\1\2\3\4\5\6"), out, photometric, &why), why);
	CHECK(!memcmp(out, "\1\3\5\2\4\6", 6));
	d.planar = 0;
	strcpy(d.photometric, "YBR_FULL_422");
	CHECK_OK(codec_decode(&d, ts_find(TS_EXPLICIT_LE), BYTES("\1\2\3\4"), out, photometric, &why), why);
	CHECK(!memcmp(out, "\1\3\4\2\3\4", 6));
	CHECK_STR(photometric, "YBR_FULL");
}

/* PackBits by hand (PS3.5 annex G): one segment, two literal bytes and a run of three. */
TEST(rle, "RLE is unpacked")
{
	uint8_t stream[64 + 6] = { 1, 0, 0, 0, 64 };
	const uint8_t packed[6] = { 1, 10, 20, 0xFE, 30, 0 };
	struct image_desc d = desc(5, 1, 1, 8, 8, false);
	uint8_t out[5];
	char photometric[17];
	struct why why = { "" };
	memcpy(stream + 64, packed, sizeof(packed));
	CHECK_OK(codec_decode(&d, ts_find(TS_RLE), bytes_of(stream, sizeof(stream)), out, photometric, &why), why);
	CHECK(!memcmp(out, "\12\24\36\36\36", 5));
}

int main(void)
{
	RUN(matrix);
	RUN(single);
	RUN(overlay);
	RUN(overshoot);
	RUN(hostile);
	RUN(size);
	RUN(planes);
	RUN(rle);
	return t_done();
}
