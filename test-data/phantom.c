/* phantom - make synthetic DICOM objects that look and compress like real ones.
 *
 *   phantom --out DIR [--set demo|test|bench|cine500|all] [--seed N]
 *
 *   demo     four studies as a clinic sends them: DX 3000 x 3000 x 14 bit, CR, ultrasound with cine, one small image;
 *            the names in four encodings
 *   test     small objects, one for each encoding, depth, sign, colour and oddity
 *   bench    DR of 13 MB, ultrasound of 0.9 MB, 36 kB
 *   cine500  one ultrasound loop of 553 MB (not part of `all`)
 *
 * Nobody is depicted: every name, number and picture is made up. UIDs are new each time unless --seed fixes them.
 */
#include <errno.h>
#include <getopt.h>
#include <iconv.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <zlib.h>

#include "pacs/dicom/dataset.h"
#include "pacs/dicom/part10.h"
#include "test-data/phantom_draw.h"
#include "test-data/phantom_sets.h"

static void must(enum err e, const char *what)
{
	if (!e)
		return;
	fprintf(stderr, "phantom: %s: %s\n", what, err_name(e));
	exit(1);
}

static void must_write(FILE *f, const void *p, size_t n)
{
	if (n && fwrite(p, 1, n, f) != n) {
		fprintf(stderr, "phantom: writing: %s\n", strerror(errno));
		exit(1);
	}
}

/* "2.25." and 122 bits of the generator in decimal; the same for the same seed, level and number. */
static struct uid seeded_uid(uint64_t seed, unsigned level, unsigned number)
{
	struct rng r = { seed ^ (uint64_t)level << 56 ^ (uint64_t)number << 32 };
	unsigned __int128 v = ((unsigned __int128)(rng_next(&r) >> 6) << 64) | rng_next(&r);
	char digits[40];
	size_t at = sizeof(digits);
	digits[--at] = 0;
	do
		digits[--at] = (char)('0' + (int)(v % 10));
	while (v /= 10);
	struct uid u;
	snprintf(u.s, sizeof(u.s), "2.25.%s", digits + at);
	return u;
}

static struct uid instance_uid(uint64_t seed, const struct kind *k)
{
	return seeded_uid(seed, 3, (unsigned)crc32(0, (const Bytef *)k->file, (uInt)strlen(k->file)));
}

static void add_converted(struct buf *out, const char *to, const char *utf8, size_t len)
{
	iconv_t cd = iconv_open(to, "UTF-8");
	char bytes[128], *o = bytes, in[128], *i = in;
	size_t room = sizeof(bytes), left = len;
	if (len > sizeof(in))
		must(ERR_LIMIT, "a name");
	memcpy(in, utf8, len);
	if (cd == (iconv_t)-1 || iconv(cd, &i, &left, &o, &room) == (size_t)-1)
		must(ERR_FORMAT, "iconv");
	iconv_close(cd);
	buf_add(out, bytes, sizeof(bytes) - room);
}

/* The name in its encoding; IR 58 announces itself again after each delimiter (PS3.5 section 6.1.2.5.3). */
static void put_name(struct dataset *ds, uint32_t tag, const char *utf8, enum text text)
{
	struct buf b;
	buf_init(&b, 256);
	if (text == TEXT_GB18030 || text == TEXT_GBK_UNDECLARED) {
		add_converted(&b, text == TEXT_GB18030 ? "GB18030" : "GBK", utf8, strlen(utf8));
	} else if (text == TEXT_IR58) {
		for (const char *p = utf8; *p;) {
			size_t n = strcspn(p, "^=");
			if (n && (uint8_t)*p >= 0x80) {
				buf_add_str(&b, "\x1b$)A");
				add_converted(&b, "GB2312", p, n);
			} else {
				buf_add(&b, p, n);
			}
			p += n;
			if (*p)
				buf_add_byte(&b, (uint8_t)*p++);
		}
	} else {
		buf_add_str(&b, utf8);
	}
	must(dataset_put(ds, tag, 0, buf_view(&b)), "a name");
	buf_fini(&b);
}

static void put(struct dataset *ds, uint32_t tag, const char *text)
{
	must(dataset_put_str(ds, tag, text), "an element");
}

static void put_us(struct dataset *ds, uint32_t tag, unsigned v)
{
	must(dataset_put_us(ds, tag, (uint16_t)v), "a number");
}

static void put_patient(struct dataset *ds, const struct kind *k)
{
	static const char *const names[] = { "测试^零", "测试^一", "测试^二", "测试^三", "Ceshi^Si=测试^四" };
	const char *name = k->study < NELEM(names) ? names[k->study] : k->study == 28 ? "测試^誠" : "体模^测试";
	char id[32];
	put_name(ds, TAG_PATIENT_NAME, k->text == TEXT_ASCII ? "PHANTOM^TEST" : name, k->text);
	snprintf(id, sizeof(id), "TEST%04u", k->study);
	put(ds, TAG_PATIENT_ID, id);
	put(ds, TAG(0x0010, 0x0030), "19700101");
	put(ds, TAG(0x0010, 0x0040), "O");
	put(ds, TAG_ACCESSION_NUMBER, id);
	put(ds, TAG(0x0020, 0x0010), id);
}

static void put_identity(struct dataset *ds, const struct kind *k, uint64_t seed)
{
	if (*declared[k->text])
		put(ds, TAG_SPECIFIC_CHARACTER_SET, declared[k->text]);
	put(ds, TAG(0x0008, 0x0008), "ORIGINAL\\PRIMARY");
	put(ds, TAG_SOP_CLASS_UID, k->sop_class);
	put(ds, TAG_SOP_INSTANCE_UID, instance_uid(seed, k).s);
	put(ds, TAG_STUDY_DATE, "20260302");
	put(ds, TAG(0x0008, 0x0023), "20260302");
	put(ds, TAG_STUDY_TIME, "081530");
	put(ds, TAG(0x0008, 0x0033), "081533");
	put(ds, TAG_MODALITY, k->modality);
	put(ds, TAG(0x0008, 0x0070), "SYNTHETIC");
	put(ds, TAG(0x0008, 0x0080), "TEST CLINIC");
	put(ds, TAG(0x0008, 0x0090), "");
	put(ds, TAG(0x0008, 0x1030), k->description);
	put(ds, TAG(0x0018, 0x0015), k->picture == PIC_HAND ? "HAND" : k->picture == PIC_CHEST ? "CHEST" : "HEART");
	put_patient(ds, k);
	put(ds, TAG_STUDY_UID, seeded_uid(seed, 1, k->study).s);
	put(ds, TAG_SERIES_UID, seeded_uid(seed, 2, k->study << 8 | (unsigned char)k->modality[0]).s);
	put(ds, TAG(0x0020, 0x0011), "1");
	char number[16];
	snprintf(number, sizeof(number), "%u", (unsigned)(crc32(0, (const Bytef *)k->file, (uInt)strlen(k->file)) % 1000));
	put(ds, TAG(0x0020, 0x0013), number);
	put(ds, TAG(0x0020, 0x0020), "");
}

static void put_projection(struct dataset *ds, const struct kind *k)
{
	struct dataset *region = dataset_add_item(ds, TAG(0x0008, 0x2218));
	if (!region)
		must(ERR_NOMEM, "a sequence");
	put(region, TAG(0x0008, 0x0100), k->picture == PIC_HAND ? "85562004" : "51185008");
	put(region, TAG(0x0008, 0x0102), "SCT");
	put(region, TAG(0x0008, 0x0104), k->picture == PIC_HAND ? "Hand" : "Chest");
	must(dataset_put_empty_sequence(ds, TAG(0x0040, 0x0555)), "a sequence");
	put(ds, TAG(0x0008, 0x0068), "FOR PRESENTATION");
	put(ds, TAG(0x0018, 0x1508), "");
	put(ds, TAG(0x0018, 0x7004), "");
	put(ds, TAG(0x0018, 0x1164), "0.143\\0.143");
	put(ds, TAG(0x0020, 0x0020), "L\\F");
	put(ds, TAG(0x0020, 0x0062), "U");
	put(ds, TAG(0x0028, 0x0301), "NO");
	put(ds, TAG(0x0028, 0x1040), "LOG");
	must(dataset_put(ds, TAG(0x0028, 0x1041), VR_SS, BYTES("\377\377")), "an element");
	put(ds, TAG(0x0028, 0x2110), "00");
	put(ds, TAG(0x2050, 0x0020), k->photometric[10] == '1' ? "INVERSE" : "IDENTITY");
}

static void put_image(struct dataset *ds, const struct kind *k)
{
	char text[32];
	put_us(ds, TAG(0x0028, 0x0002), k->samples);
	put(ds, TAG(0x0028, 0x0004), k->photometric);
	if (k->samples > 1)
		put_us(ds, TAG(0x0028, 0x0006), k->is_planar);
	if (k->frames > 1) {
		snprintf(text, sizeof(text), "%u", k->frames);
		put(ds, TAG(0x0028, 0x0008), text);
		must(dataset_put(ds, TAG(0x0028, 0x0009), VR_AT, BYTES("\x18\0\x63\x10")), "an element");
		put(ds, TAG(0x0018, 0x1063), "40");
	}
	put_us(ds, TAG(0x0028, 0x0010), k->rows);
	put_us(ds, TAG(0x0028, 0x0011), k->columns);
	put_us(ds, TAG(0x0028, 0x0100), k->allocated);
	put_us(ds, TAG(0x0028, 0x0101), k->stored);
	put_us(ds, TAG(0x0028, 0x0102), k->stored - 1);
	put_us(ds, TAG(0x0028, 0x0103), k->is_signed);
	if (k->samples > 1)
		return;
	unsigned span = 1u << k->stored;
	snprintf(text, sizeof(text), "%d", k->is_signed ? 0 : (int)(span / 2));
	put(ds, TAG(0x0028, 0x1050), text);
	snprintf(text, sizeof(text), "%u", span);
	put(ds, TAG(0x0028, 0x1051), text);
	put(ds, TAG(0x0028, 0x1052), "0");
	put(ds, TAG(0x0028, 0x1053), "1");
	put(ds, TAG(0x0028, 0x1054), k->is_signed ? "HU" : "US");
	put(ds, TAG(0x0018, 0x5101), k->picture == PIC_CHEST ? "PA" : "");
	if (!strcmp(k->modality, "CR"))
		put(ds, TAG(0x0020, 0x0060), "");
}

/* A pattern that uses every bit: a ramp across, stripes down, each sample of a pixel its own. */
static uint16_t ramp_at(const struct kind *k, unsigned x, unsigned y, unsigned sample)
{
	unsigned max = (1u << k->stored) - 1;
	unsigned v = (x * max / (k->columns > 1 ? k->columns - 1 : 1)) ^ (y * 2654435761u >> (32 - k->stored + k->stored / 2)) ^ sample * 85;
	v &= max;
	if (k->is_signed && v >> (k->stored - 1))
		v |= ~max;
	if (k->has_overlay_bits && (x ^ y) & 8)
		v |= 0x8000;
	return (uint16_t)v;
}

static void draw_ramp(const struct kind *k, uint8_t *out)
{
	for (unsigned y = 0; y < k->rows; y++)
		for (unsigned x = 0; x < k->columns; x++)
			for (unsigned s = 0; s < k->samples; s++) {
				uint16_t v = ramp_at(k, x, y, s);
				*out++ = (uint8_t)v;
				if (k->allocated == 16)
					*out++ = (uint8_t)(v >> 8);
			}
}

/* Colour by pixel to one sample (grey) or by plane, in place through a copy. */
static void arrange(const struct kind *k, uint8_t *rgb, uint8_t *out)
{
	size_t n = (size_t)k->rows * k->columns;
	for (size_t i = 0; i < n; i++) {
		if (k->samples == 1)
			out[i] = rgb[3 * i + 1];
		else
			for (unsigned s = 0; s < 3; s++)
				out[k->is_planar ? s * n + i : 3 * i + s] = rgb[3 * i + s];
	}
}

static void draw_frame(const struct kind *k, unsigned frame, uint64_t seed, uint8_t *out, uint8_t *scratch)
{
	if (k->picture == PIC_RAMP) {
		draw_ramp(k, out);
	} else if (k->picture == PIC_FAN) {
		draw_fan(scratch, k->columns, k->rows, (float)(frame % 25) / 25, seed + frame);
		arrange(k, scratch, out);
	} else {
		uint16_t *v = (uint16_t *)(void *)scratch;
		size_t n = (size_t)k->rows * k->columns;
		draw_exposure(v, k->columns, k->rows, k->stored, k->picture == PIC_HAND, !strcmp(k->photometric, "MONOCHROME1"), seed);
		for (size_t i = 0; i < n; i++)
			put_le16(out + 2 * i, v[i]);
	}
}

static void add_pixel_head(struct buf *out, const struct ts *ts, const struct kind *k, uint32_t len)
{
	uint8_t head[12] = { 0xe0, 0x7f, 0x10, 0x00, 'O', k->allocated == 16 || !ts->is_explicit ? 'W' : 'B' };
	if (ts->is_big_endian) {
		put_be16(head, 0x7fe0);
		put_be16(head + 2, 0x0010);
		put_be32(head + 8, len);
	} else {
		put_le32(ts->is_explicit ? head + 8 : head + 4, len);
	}
	buf_add(out, head, ts->is_explicit ? 12 : 8);
}

/* The data set up to and with the head of pixel data. */
static void build_head(const struct kind *k, const struct ts *ts, uint64_t seed, uint32_t len, struct buf *out)
{
	struct arena a;
	arena_init(&a, 1 << 20);
	struct dataset *ds = dataset_new(&a);
	if (!ds)
		must(ERR_NOMEM, "a data set");
	put_identity(ds, k, seed);
	if (!strcmp(k->modality, "DX"))
		put_projection(ds, k);
	put_image(ds, k);
	must(dataset_write(ds, ds_encoding_of(ts), out), "writing a header");
	add_pixel_head(out, ts, k, len);
	must(buf_err(out), "a header");
	arena_fini(&a);
}

static void write_deflated(FILE *f, struct bytes plain)
{
	z_stream z = { .next_in = (Bytef *)(uintptr_t)plain.p, .avail_in = (uInt)plain.len };
	if (deflateInit2(&z, 6, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		must(ERR_NOMEM, "deflate");
	uint8_t out[65536];
	int r;
	do {
		z.next_out = out;
		z.avail_out = sizeof(out);
		r = deflate(&z, Z_FINISH);
		must_write(f, out, sizeof(out) - z.avail_out);
	} while (r == Z_OK);
	if (z.total_out & 1)
		must_write(f, "", 1);
	deflateEnd(&z);
}

static void swap16(uint8_t *p, size_t n)
{
	for (size_t i = 0; i + 1 < n; i += 2) {
		uint8_t t = p[i];
		p[i] = p[i + 1];
		p[i + 1] = t;
	}
}

static void write_frames(FILE *f, const struct kind *k, const struct ts *ts, uint64_t seed, struct buf *whole)
{
	size_t pixels = (size_t)k->rows * k->columns, len = pixels * k->samples * k->allocated / 8;
	uint8_t *out = malloc(len), *scratch = malloc(pixels * 3);
	if (!out || !scratch)
		must(ERR_NOMEM, "a frame");
	for (unsigned i = 0; i < k->frames; i++) {
		draw_frame(k, i, seed, out, scratch);
		if (ts->is_big_endian && k->allocated == 16)
			swap16(out, len);
		if (ts->is_deflated)
			buf_add(whole, out, len);
		else
			must_write(f, out, len);
	}
	if (len * k->frames & 1)
		must_write(f, "", 1);
	free(out);
	free(scratch);
}

static void make(const char *dir, const struct kind *k, uint64_t seed)
{
	const struct ts *ts = ts_find(k->ts);
	struct part10 meta = { .source_aet = "PHANTOM" };
	struct buf head, body;
	char path[4096];
	size_t len = (size_t)k->rows * k->columns * k->samples * k->allocated / 8 * k->frames;

	snprintf(path, sizeof(path), "%s/%s", dir, k->file);
	FILE *f = fopen(path, "wb");
	if (!f || !ts) {
		fprintf(stderr, "phantom: %s: %s\n", path, strerror(errno));
		exit(1);
	}
	buf_init(&head, 1 << 16);
	buf_init(&body, 16 << 20);
	must(uid_take(&meta.sop_class, bytes_str(k->sop_class)), "a UID");
	must(uid_take(&meta.transfer_syntax, bytes_str(k->ts)), "a UID");
	meta.sop_instance = instance_uid(seed, k);
	must(part10_write(&meta, &head), "a meta header");
	must_write(f, head.p, head.len);
	build_head(k, ts, seed, (uint32_t)(len + (len & 1)), &body);
	if (!ts->is_deflated)
		must_write(f, body.p, body.len);
	write_frames(f, k, ts, seed, &body);
	must(buf_err(&body), "a deflated object");
	if (ts->is_deflated)
		write_deflated(f, buf_view(&body));
	buf_fini(&head);
	buf_fini(&body);
	if (fclose(f)) {
		fprintf(stderr, "phantom: %s: %s\n", path, strerror(errno));
		exit(1);
	}
}

static int usage(void)
{
	fputs("usage: phantom --out DIR [--set demo|test|bench|cine500|all] [--seed N]\n", stderr);
	return 2;
}

static int make_sets(const char *out, const char *set, uint64_t seed)
{
	bool any = false;
	for (size_t i = 0; i < NELEM(sets); i++) {
		if (strcmp(set, sets[i].name) && !(sets[i].in_all && !strcmp(set, "all")))
			continue;
		any = true;
		for (size_t j = 0; j < sets[i].count; j++)
			make(out, &sets[i].kinds[j], seed);
	}
	return any ? 0 : usage();
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "out", required_argument, NULL, 'o' }, { "set", required_argument, NULL, 's' }, { "seed", required_argument, NULL, 'n' }, { 0 },
	};
	const char *out = NULL, *set = "demo";
	uint64_t seed = 0;
	bool has_seed = false;

	for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
		if (c == 'o')
			out = optarg;
		else if (c == 's')
			set = optarg;
		else if (c == 'n')
			seed = strtoull(optarg, NULL, 0), has_seed = true;
		else
			return usage();
	}
	if (!out || optind != argc)
		return usage();
	if (!has_seed && getrandom(&seed, sizeof(seed), 0) != (ssize_t)sizeof(seed))
		must(ERR_IO, "random numbers");
	if (mkdir(out, 0755) && errno != EEXIST) {
		fprintf(stderr, "phantom: %s: %s\n", out, strerror(errno));
		return 1;
	}
	return make_sets(out, set, seed);
}
