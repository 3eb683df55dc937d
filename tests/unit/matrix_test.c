/* Every kind of image from every transfer syntax into every one: what PS3.5 section 8.2 allows succeeds and gives back the
 * very samples, or in a lossy syntax samples within a bound; what it does not allow is refused. Nothing changes in the
 * header but what has to. (CONFORMANCE.md, section 5, shows the table.) */
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "pacs/xcode/transcode.h"
#include "tests/lib/t.h"

enum form { NATIVE, RLE, JPEG8, JPEG12, LOSSLESS_JPEG, JPEGLS, WAVELET };

static const struct syntax {
	const char *uid, *says;
	unsigned level;                  /* not 0: lossy */
	enum form form;
	bool may_palette;
	const char *rgb;                 /* what (0028,0004) says when RGB goes in */
	unsigned largest_error;          /* of 255, for the smooth test pictures; 0: none at all */
} syntaxes[] = {
	{ TS_IMPLICIT_LE, "implicit", 0, NATIVE, true, "RGB", 0 },
	{ TS_EXPLICIT_LE, "explicit", 0, NATIVE, true, "RGB", 0 },
	{ TS_EXPLICIT_BE, "big endian", 0, NATIVE, true, "RGB", 0 },
	{ TS_DEFLATED_LE, "deflated", 0, NATIVE, true, "RGB", 0 },
	{ TS_ENCAPSULATED, "encapsulated uncompressed", 0, NATIVE, true, "RGB", 0 },
	{ TS_DEFLATED_FRAME, "deflated frames", 0, NATIVE, true, "RGB", 0 },
	{ TS_RLE, "RLE", 0, RLE, true, "RGB", 0 },
	{ TS_JPEG_BASELINE, "JPEG baseline", 95, JPEG8, false, "YBR_FULL_422", 40 },
	{ TS_JPEG_EXTENDED, "JPEG extended", 95, JPEG12, false, "YBR_FULL_422", 40 },
	{ TS_JPEG_LOSSLESS, "JPEG lossless", 0, LOSSLESS_JPEG, true, "RGB", 0 },
	{ TS_JPEG_LOSSLESS_SV1, "JPEG lossless SV1", 0, LOSSLESS_JPEG, true, "RGB", 0 },
	{ TS_JPEGLS_LOSSLESS, "JPEG-LS", 0, JPEGLS, true, "RGB", 0 },
	{ TS_JPEGLS_NEAR, "JPEG-LS near, at 0", 0, JPEGLS, false, "RGB", 0 },
	{ TS_JPEGLS_NEAR, "JPEG-LS near", 2, JPEGLS, false, "RGB", 2 },
	{ TS_J2K_LOSSLESS, "JPEG 2000", 0, WAVELET, true, "YBR_RCT", 0 },
	{ TS_J2K, "JPEG 2000 either, reversible", 0, WAVELET, false, "YBR_RCT", 0 },
	{ TS_J2K, "JPEG 2000 lossy", 2, WAVELET, false, "YBR_ICT", 40 },
	{ TS_HTJ2K_LOSSLESS, "HTJ2K", 0, WAVELET, true, "YBR_RCT", 0 },
	{ TS_HTJ2K_LOSSLESS_RPCL, "HTJ2K RPCL", 0, WAVELET, true, "YBR_RCT", 0 },
	{ TS_HTJ2K, "HTJ2K either, reversible", 0, WAVELET, false, "YBR_RCT", 0 },
	{ TS_HTJ2K, "HTJ2K lossy", 2, WAVELET, false, "YBR_ICT", 12 },
};

static const struct kind {
	const char *says, *photometric;
	unsigned columns, rows, frames, samples, allocated, stored, high_bit;
	bool is_signed, is_planar;
	uint16_t stray;                  /* bits above the stored ones */
} kinds[] = {
	{ "8 bits, odd size", "MONOCHROME2", 61, 53, 1, 1, 8, 8, 7, 0, 0, 0 },
	{ "6 bits in 8", "MONOCHROME2", 60, 50, 1, 1, 8, 6, 5, 0, 0, 0 },
	{ "8 bits signed", "MONOCHROME2", 60, 51, 1, 1, 8, 8, 7, 1, 0, 0 },
	{ "8 bits in 16", "MONOCHROME1", 60, 50, 1, 1, 16, 8, 7, 0, 0, 0 },
	{ "10 bits", "MONOCHROME1", 48, 40, 1, 1, 16, 10, 9, 0, 0, 0 },
	{ "12 bits, 3 frames, odd size", "MONOCHROME2", 47, 49, 3, 1, 16, 12, 11, 0, 0, 0 },
	{ "12 bits signed", "MONOCHROME2", 48, 40, 1, 1, 16, 12, 11, 1, 0, 0 },
	{ "16 bits", "MONOCHROME2", 70, 66, 1, 1, 16, 16, 15, 0, 0, 0 },
	{ "16 bits signed", "MONOCHROME2", 48, 40, 1, 1, 16, 16, 15, 1, 0, 0 },
	{ "10 bits up to bit 11", "MONOCHROME2", 48, 40, 1, 1, 16, 10, 11, 0, 0, 0 },
	{ "12 bits and an overlay above", "MONOCHROME2", 48, 40, 1, 1, 16, 12, 11, 0, 0, 0x8000 },
	{ "palette of 8 bits", "PALETTE COLOR", 45, 47, 2, 1, 8, 8, 7, 0, 0, 0 },
	{ "palette of 16 bits", "PALETTE COLOR", 48, 40, 1, 1, 16, 16, 15, 0, 0, 0 },
	{ "RGB, odd size, 3 frames", "RGB", 53, 47, 3, 3, 8, 8, 7, 0, 0, 0 },
	{ "RGB by plane", "RGB", 48, 40, 2, 3, 8, 8, 7, 0, 1, 0 },
	{ "RGB of 16 bits", "RGB", 48, 40, 1, 3, 16, 16, 15, 0, 0, 0 },
	{ "YBR_FULL", "YBR_FULL", 48, 40, 1, 3, 8, 8, 7, 0, 0, 0 },
	{ "YBR_FULL_422", "YBR_FULL_422", 48, 40, 2, 3, 8, 8, 7, 0, 0, 0 },
	{ "one pixel", "MONOCHROME2", 1, 1, 1, 1, 16, 12, 11, 0, 0, 0 },
};

static bool is_grey(const struct kind *k) { return !strncmp(k->photometric, "MONO", 4); }
static bool is_palette(const struct kind *k) { return !strncmp(k->photometric, "PALETTE", 7); }

/* The standard's tables in other words than the program has them. */
static bool is_allowed(const struct kind *k, const struct syntax *to)
{
	bool is_plain_bits = k->high_bit == k->stored - 1 && !k->stray;
	if (is_palette(k) && !to->may_palette)
		return false;
	switch (to->form) {
	case NATIVE:
	case RLE:
	case LOSSLESS_JPEG: return true;
	case JPEG8: return k->stored == 8 && k->allocated == 8 && !k->is_signed;
	case JPEG12:
		if (k->is_signed || !is_plain_bits)
			return false;
		return k->allocated == 8 ? k->stored == 8 : is_grey(k) && k->stored > 8 && k->stored <= 12;
	case JPEGLS: return is_plain_bits && !(to->level && k->is_signed);
	case WAVELET: return is_plain_bits;
	}
	return false;
}

/* ---- objects ---- */

static void number(struct dataset *ds, uint16_t element, unsigned v)
{
	CHECK_INT(dataset_put_us(ds, TAG(0x0028, element), (uint16_t)v), ERR_OK);
}

static void text(struct dataset *ds, uint32_t tag, const char *s)
{
	CHECK_INT(dataset_put_str(ds, tag, s), ERR_OK);
}

static void add_header(const struct kind *k, struct buf *out)
{
	struct arena a;
	char frames[16];
	arena_init(&a, 1 << 20);
	struct dataset *ds = dataset_new(&a);
	text(ds, TAG(0x0008, 0x0008), "ORIGINAL\\PRIMARY\\X");
	text(ds, TAG_SOP_CLASS_UID, "1.2.840.10008.5.1.4.1.1.7");
	text(ds, TAG_SOP_INSTANCE_UID, "1.2.3.4");
	text(ds, TAG_PATIENT_NAME, "TEST^MATRIX");
	CHECK(dataset_add_item(ds, TAG(0x0008, 0x1140)) != NULL);
	number(ds, 0x0002, k->samples);
	text(ds, TAG(0x0028, 0x0004), k->photometric);
	if (k->samples > 1)
		number(ds, 0x0006, k->is_planar);
	snprintf(frames, sizeof(frames), "%u", k->frames);
	text(ds, TAG(0x0028, 0x0008), frames);
	number(ds, 0x0010, k->rows);
	number(ds, 0x0011, k->columns);
	number(ds, 0x0100, k->allocated);
	number(ds, 0x0101, k->stored);
	number(ds, 0x0102, k->high_bit);
	number(ds, 0x0103, k->is_signed);
	number(ds, 0x0106, 3);
	CHECK_INT(dataset_write(ds, DS_EXPLICIT_LE, out), ERR_OK);
	arena_fini(&a);
}

/* A smooth surface over the whole range, the extremes in its corners. */
static uint32_t sample(const struct kind *k, size_t pixel, unsigned s, size_t pixels)
{
	uint32_t top = (1u << k->stored) - 1, x = (uint32_t)(pixel % k->columns), y = (uint32_t)(pixel / k->columns % k->rows);
	uint64_t v = (uint64_t)top * (x + y + 3 * s) / (k->columns + k->rows + 4);
	uint32_t bits = pixel == 0 ? 0 : pixel == pixels - 1 ? top : (uint32_t)v;
	if (k->is_signed)
		bits -= 1u << (k->stored - 1);
	return bits << (k->high_bit + 1 - k->stored) | (pixel % 5 == 0 ? k->stray : 0);
}

static void add_sample(const struct kind *k, struct buf *out, uint32_t v)
{
	if (k->allocated == 8)
		buf_add_byte(out, (uint8_t)v);
	else
		buf_add_le16(out, (uint16_t)v);
}

static void add_pixels(const struct kind *k, struct buf *out)
{
	size_t pixels = (size_t)k->columns * k->rows, base;
	uint8_t head[12] = { 0xe0, 0x7f, 0x10, 0, 'O', k->allocated == 8 ? 'B' : 'W' };
	buf_add(out, head, sizeof(head));
	base = out->len;
	for (unsigned f = 0; f < k->frames; f++) {
		if (!strcmp(k->photometric, "YBR_FULL_422"))
			for (size_t i = 0; i < pixels; i += 2) {
				buf_add_byte(out, (uint8_t)(sample(k, i, 0, pixels) + f));
				buf_add_byte(out, (uint8_t)sample(k, i + 1, 0, pixels));
				buf_add_byte(out, (uint8_t)(100 + f));
				buf_add_byte(out, (uint8_t)(140 + i % 7));
			}
		else if (k->is_planar)
			for (unsigned s = 0; s < 3; s++)
				for (size_t i = 0; i < pixels; i++)
					add_sample(k, out, sample(k, i, s, pixels));
		else
			for (size_t i = 0; i < pixels; i++)
				for (unsigned s = 0; s < k->samples; s++)
					add_sample(k, out, sample(k, i, s, pixels));
	}
	if ((out->len - base) & 1)
		buf_add_byte(out, 0);
	put_le32(out->p + base - 4, (uint32_t)(out->len - base));
}

static void make_object(const struct kind *k, struct buf *out)
{
	struct part10 meta = { .source_aet = "TEST" };
	CHECK_INT(uid_take(&meta.sop_class, bytes_str("1.2.840.10008.5.1.4.1.1.7")), ERR_OK);
	CHECK_INT(uid_take(&meta.sop_instance, bytes_str("1.2.3.4")), ERR_OK);
	CHECK_INT(uid_take(&meta.transfer_syntax, bytes_str(TS_EXPLICIT_LE)), ERR_OK);
	CHECK_INT(part10_write(&meta, out), ERR_OK);
	add_header(k, out);
	add_pixels(k, out);
	CHECK_INT(buf_err(out), ERR_OK);
}

/* Into out, which is emptied first. */
static enum err convert_as(struct bytes in, const struct transcode_how *how, struct buf *out, struct xcode_result *r)
{
	int fd = memfd_create("out", MFD_CLOEXEC);
	enum err e = transcode_as(in, fd, how, r);
	buf_reset(out);
	if (!e) {
		uint8_t *p = buf_extend(out, (size_t)r->size);
		if (!p || pread(fd, p, (size_t)r->size, 0) != (ssize_t)r->size)
			abort();
	}
	close(fd);
	return e;
}

static enum err convert(struct bytes in, const struct syntax *to, struct buf *out, struct xcode_result *r)
{
	const struct transcode_how how = { .to = ts_find(to->uid), .level = to->level };
	return convert_as(in, &how, out, r);
}

/* ---- what a header may say afterwards ---- */

static bool may_change(uint32_t tag, bool is_lossy)
{
	static const uint32_t lossy[] = { TAG(0x0008, 0x0008), TAG_SOP_INSTANCE_UID, TAG(0x0008, 0x1115), TAG(0x0008, 0x2111), TAG(0x0008, 0x2112), TAG(0x0008, 0x9215),
		TAG(0x0028, 0x0106), TAG(0x0028, 0x2110), TAG(0x0028, 0x2112), TAG(0x0028, 0x2114) };
	for (size_t i = 0; is_lossy && i < NELEM(lossy); i++)
		if (lossy[i] == tag)
			return true;
	return tag == TAG(0x0028, 0x0004) || tag == TAG(0x0028, 0x0006);
}

static struct dataset *header_of(const struct image_file *f, struct arena *a)
{
	struct dataset *ds = NULL;
	struct why why = { "" };
	CHECK_OK(dataset_parse(a, bytes_of(f->data.p, f->header_len), f->enc, &ds, &why), why);
	return ds;
}

/* Elements of a that b lacks or has otherwise, but those that may change. Sequences here are empty or ours. */
static unsigned differences(const struct dataset *a, const struct dataset *b, bool is_lossy)
{
	unsigned n = 0;
	for (const struct element *el = a->first; el; el = el->next) {
		const struct element *other = dataset_find(b, el->tag);
		if (!may_change(el->tag, is_lossy) && (!other || !bytes_equal(el->value, other->value)))
			n++;
	}
	return n;
}

static unsigned values_in(const char *s)
{
	unsigned n = *s != 0;
	for (; *s; s++)
		n += *s == '\\';
	return n;
}

static void check_lossy_header(const struct dataset *h, const struct xcode_result *r, unsigned steps)
{
	CHECK(strcmp(dataset_str(h, TAG_SOP_INSTANCE_UID), "1.2.3.4"));
	CHECK_STR(dataset_str(h, TAG_SOP_INSTANCE_UID), r->sop_instance.s);
	CHECK(uid_is_legal(r->sop_instance.s));
	CHECK_STR(dataset_str(h, TAG(0x0008, 0x0008)), "DERIVED\\PRIMARY\\X");
	CHECK_STR(dataset_str(h, TAG(0x0028, 0x2110)), "01");
	CHECK_INT(values_in(dataset_str(h, TAG(0x0028, 0x2112))), steps);
	CHECK_INT(values_in(dataset_str(h, TAG(0x0028, 0x2114))), steps);
	double ratio;
	CHECK(dataset_double_n(h, TAG(0x0028, 0x2112), steps - 1, &ratio) && ratio > 0);
	CHECK(!dataset_has(h, TAG(0x0028, 0x0106)));
	const struct dataset *source = dataset_item(h, TAG(0x0008, 0x2112), 0);
	CHECK(source && dataset_str(source, TAG(0x0008, 0x1155))[0]);
	const struct dataset *code = dataset_item(h, TAG(0x0008, 0x9215), 0);
	CHECK(code && !strcmp(dataset_str(code, TAG(0x0008, 0x0100)), "113040"));
}

static const char *expected_photometric(const struct kind *k, const struct syntax *from, const struct syntax *to)
{
	bool is_compressed = ts_find(to->uid)->is_encapsulated, was_compressed = ts_find(from->uid)->is_encapsulated;
	bool is_jpeg = from->form == JPEG8 || from->form == JPEG12, to_jpeg = to->form == JPEG8 || to->form == JPEG12;
	if (k->samples == 3 && (!strcmp(k->photometric, "RGB") || is_jpeg || to_jpeg))
		return to->rgb;
	if (!strcmp(k->photometric, "YBR_FULL_422"))
		return is_compressed || was_compressed ? "YBR_FULL" : k->photometric;
	return k->photometric;
}

static void check_headers(const struct kind *k, const struct syntax *from, struct bytes before, const struct syntax *to, struct bytes after, const struct xcode_result *r)
{
	struct image_file a, b;
	struct arena arena;
	struct why why = { "" };
	arena_init(&arena, 1 << 22);
	CHECK_OK(image_file_init(&a, before, &why), why);
	CHECK_OK(image_file_init(&b, after, &why), why);
	struct dataset *ha = header_of(&a, &arena), *hb = header_of(&b, &arena);
	CHECK_INT(differences(ha, hb, to->level != 0) + differences(hb, ha, to->level != 0), 0);
	CHECK_STR(dataset_str(hb, TAG(0x0028, 0x0004)), expected_photometric(k, from, to));
	CHECK_STR(b.meta.transfer_syntax.s, to->uid);
	CHECK_STR(b.meta.sop_instance.s, r->sop_instance.s);
	int64_t planar = -1;
	if (k->samples == 3 && b.is_encapsulated)
		CHECK(dataset_int(hb, TAG(0x0028, 0x0006), &planar) && planar == 0);
	if (to->level)
		check_lossy_header(hb, r, 1 + (from->level != 0));
	else
		CHECK_STR(r->sop_instance.s, a.meta.sop_instance.s);
	image_file_fini(&a);
	image_file_fini(&b);
	arena_fini(&arena);
}

/* ---- the matrix ---- */

static unsigned cells, refused;

static void one_cell(const struct kind *k, const struct syntax *from, struct bytes in, const struct syntax *to, struct buf *out)
{
	struct xcode_result r, a, b;
	bool is_same = !strcmp(from->uid, to->uid);
	enum err e = convert(in, to, out, &r), want = is_allowed(k, to) && !(is_same && !to->level) ? ERR_OK : ERR_UNSUPPORTED;
	t_bad |= e != want;
	if (e != want)
		T_FAIL("%s, %s to %s: got %s (%s), wanted %s", k->says, from->says, to->says, err_name(e), r.why.text, err_name(want));
	cells += e == ERR_OK;
	refused += e == ERR_UNSUPPORTED;
	if (e)
		return;
	bool was_bad = t_bad;
	t_bad = false;
	check_headers(k, from, in, to, buf_view(out), &r);
	CHECK_OK(transcode_digest(in, 0, &a), a.why);
	CHECK_OK(transcode_digest(buf_view(out), 0, &b), b.why);
	CHECK_STR(r.pixel_digest, b.pixel_digest);
	if (!to->level && strcmp(a.pixel_digest, b.pixel_digest))
		T_FAIL("other samples");
	unsigned bound = k->stored > 8 && to->largest_error > 2 ? to->largest_error << (k->stored - 8) : to->largest_error;
	if (r.largest_error > bound)
		T_FAIL("off by %u, bound %u", r.largest_error, bound);
	if (t_bad)
		T_FAIL("in: %s, %s to %s", k->says, from->says, to->says);
	t_bad |= was_bad;
}

TEST(matrix, "every kind of image goes from every syntax into every one that the standard allows for it, and into no other")
{
	struct buf native, source, out;
	struct xcode_result r;
	buf_init(&native, 64 << 20);
	buf_init(&source, 64 << 20);
	buf_init(&out, 64 << 20);
	for (size_t i = 0; i < NELEM(kinds); i++) {
		buf_reset(&native);
		make_object(&kinds[i], &native);
		for (size_t from = 0; from < NELEM(syntaxes); from++) {
			const struct syntax *s = &syntaxes[from];
			if (!is_allowed(&kinds[i], s))
				continue;
			if (!strcmp(s->uid, TS_EXPLICIT_LE)) {
				buf_reset(&source);
				buf_add(&source, native.p, native.len);
			} else {
				CHECK_OK(convert(buf_view(&native), s, &source, &r), r.why);
			}
			for (size_t to = 0; to < NELEM(syntaxes); to++)
				one_cell(&kinds[i], s, buf_view(&source), &syntaxes[to], &out);
		}
	}
	printf("# %u conversions done and compared, %u refused\n", cells, refused);
	CHECK(cells > 4000);
	buf_fini(&native);
	buf_fini(&source);
	buf_fini(&out);
}

TEST(repeat, "lossy compression twice makes the same instance twice; another level makes another one")
{
	struct buf native, out;
	struct xcode_result a, b, c;
	struct syntax other = syntaxes[7];
	other.level = 50;
	buf_init(&native, 1 << 20);
	buf_init(&out, 1 << 20);
	make_object(&kinds[0], &native);
	CHECK_OK(convert(buf_view(&native), &syntaxes[7], &out, &a), a.why);
	CHECK_OK(convert(buf_view(&native), &syntaxes[7], &out, &b), b.why);
	CHECK_OK(convert(buf_view(&native), &other, &out, &c), c.why);
	CHECK_STR(a.sop_instance.s, b.sop_instance.s);
	CHECK(strcmp(a.sop_instance.s, c.sop_instance.s));
	buf_fini(&native);
	buf_fini(&out);
}

TEST(extended, "where 32-bit offsets end, an extended offset table is written, and it leads to every frame")
{
	static const char *const to[] = { TS_J2K_LOSSLESS, TS_RLE, TS_ENCAPSULATED };
	struct buf native, coded, back;
	struct xcode_result r, a, b;
	buf_init(&native, 1 << 20);
	buf_init(&coded, 1 << 20);
	buf_init(&back, 1 << 20);
	make_object(&kinds[13], &native);
	for (size_t i = 0; i < NELEM(to); i++) {
		const struct transcode_how how = { .to = ts_find(to[i]), .basic_reach = 100 };
		struct image_file f;
		struct why why = { "" };
		CHECK_OK(convert_as(buf_view(&native), &how, &coded, &r), r.why);
		CHECK_OK(image_file_init(&f, buf_view(&coded), &why), why);
		CHECK_INT(f.ext_offsets.len, 8 * kinds[13].frames);
		CHECK(f.ext_offsets.p && le64(f.ext_offsets.p) == 0 && le64(f.ext_offsets.p + 8) > 8);
		CHECK(le32(f.pixels.value.p + 4) == 0);          /* item 0 is empty */
		/* Lengths are those of the streams without their pad. */
		const uint8_t *lengths = f.ext_offsets.p + f.ext_offsets.len + 12;
		uint64_t stream = le64(f.ext_offsets.p + 8) - 8;
		CHECK(le64(lengths) == stream || le64(lengths) + 1 == stream);
		image_file_fini(&f);
		CHECK_OK(convert(buf_view(&coded), &syntaxes[1], &back, &r), r.why);
		CHECK_OK(transcode_digest(buf_view(&native), 0, &a), a.why);
		CHECK_OK(transcode_digest(buf_view(&back), 0, &b), b.why);
		CHECK_STR(a.pixel_digest, b.pixel_digest);
	}
	buf_fini(&native);
	buf_fini(&coded);
	buf_fini(&back);
}

TEST(memory, "an image that would need more memory than there is to be is refused before it is tried, with figures")
{
	static const struct kind large = { "large", "MONOCHROME2", 15000, 15000, 1, 1, 16, 12, 11, 0, 0, 0 };
	struct part10 meta = { .source_aet = "TEST" };
	struct buf header;
	struct xcode_result r;
	struct transcode_how how = { .to = ts_find(TS_J2K_LOSSLESS), .memory = 1 << 30 };
	size_t pixels = 2 * (size_t)large.columns * large.rows;
	uint8_t head[12] = { 0xe0, 0x7f, 0x10, 0, 'O', 'W' };
	buf_init(&header, 1 << 20);
	CHECK_INT(uid_take(&meta.transfer_syntax, bytes_str(TS_EXPLICIT_LE)), ERR_OK);
	CHECK_INT(part10_write(&meta, &header), ERR_OK);
	add_header(&large, &header);
	put_le32(head + 8, (uint32_t)pixels);
	buf_add(&header, head, sizeof(head));
	int in = memfd_create("in", MFD_CLOEXEC), out = memfd_create("out", MFD_CLOEXEC);
	if (write(in, header.p, header.len) != (ssize_t)header.len || ftruncate(in, (off_t)(header.len + pixels)))
		abort();
	void *p = mmap(NULL, header.len + pixels, PROT_READ, MAP_PRIVATE, in, 0);
	CHECK_INT(transcode_as(bytes_of(p, header.len + pixels), out, &how, &r), ERR_LIMIT);
	CHECK(strstr(r.why.text, "15000 x 15000") && strstr(r.why.text, "worker_memory is 1024 MB"));
	munmap(p, header.len + pixels);
	close(in);
	close(out);
	buf_fini(&header);
}

int main(void)
{
	RUN(matrix);
	RUN(repeat);
	RUN(extended);
	RUN(memory);
	return t_done();
}
