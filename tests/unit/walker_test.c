#include "pacs/dicom/walker.h"

#include <dirent.h>
#include <stdlib.h>
#include <zlib.h>

#include "pacs/base/bounds.h"
#include "pacs/base/durable.h"
#include "pacs/dicom/part10.h"
#include "tests/lib/t.h"

#define UID_E "\x20\0\x0D\0UI\6\0" "1.2.3\0"
#define UID_I "\x20\0\x0D\0\6\0\0\0" "1.2.3\0"
#define UID_B "\0\x20\0\x0DUI\0\6" "1.2.3\0"
#define CODE_E "\x08\0\0\1SH\4\0ABCD"
#define CODE_I "\x08\0\0\1\4\0\0\0ABCD"
#define ITEM(len) "\xFE\xFF\0\xE0" len
#define OPEN "\xFF\xFF\xFF\xFF"
#define ITEM_END "\xFE\xFF\x0D\xE0\0\0\0\0"
#define SQ_END "\xFE\xFF\xDD\xE0\0\0\0\0"
#define SQ_E(len) "\x08\0\x40\x11SQ\0\0" len
#define ICON_E "\x88\0\0\2SQ\0\0"
#define PIXELS_OW(len) "\xE0\x7F\x10\0OW\0\0" len
#define PIXELS_OB(len) "\xE0\x7F\x10\0OB\0\0" len
#define ENCAPSULATED PIXELS_OB(OPEN) ITEM("\0\0\0\0") ITEM("\4\0\0\0") "\1\2\3\4" SQ_END

enum { NONE = 0 };
static const struct {
	const char *says;
	struct bytes in;
	const char *ts;
	struct bytes header;
	enum err fed, finished;
	uint32_t pixels;
} cases[] = {
	{ "native pixel data", BYTES(UID_E PIXELS_OW("\4\0\0\0") "abcd"), TS_EXPLICIT_LE, BYTES(UID_E), ERR_END, ERR_OK, 4 },
	{ "native pixel data, padded", BYTES(UID_E PIXELS_OW("\4\0\0\0") "abcd\xFC\xFF\xFC\xFF"), TS_EXPLICIT_LE, BYTES(UID_E), ERR_END, ERR_OK, 4 },
	{ "native pixel data one byte short", BYTES(UID_E PIXELS_OW("\4\0\0\0") "abc"), TS_EXPLICIT_LE, BYTES(UID_E), ERR_END, ERR_FORMAT, 4 },
	{ "native pixel data all missing", BYTES(UID_E PIXELS_OW("\4\0\0\0")), TS_EXPLICIT_LE, BYTES(UID_E), ERR_END, ERR_FORMAT, 4 },
	{ "float pixel data", BYTES(UID_E "\xE0\x7F\x08\0OF\0\0\4\0\0\0" "abcd"), TS_EXPLICIT_LE, BYTES(UID_E), ERR_END, ERR_OK, 4 },
	{ "implicit", BYTES(UID_I "\xE0\x7F\x10\0\2\0\0\0ab"), TS_IMPLICIT_LE, BYTES(UID_I), ERR_END, ERR_OK, 2 },
	{ "big endian", BYTES(UID_B "\x7F\xE0\0\x10OW\0\0\0\0\0\2ab"), TS_EXPLICIT_BE, BYTES(UID_B), ERR_END, ERR_OK, 2 },
	{ "encapsulated", BYTES(UID_E ENCAPSULATED), TS_JPEG_BASELINE, BYTES(UID_E), ERR_END, ERR_OK, UINT32_MAX },
	{ "offset tables stay in the header", BYTES(UID_E "\xE0\x7F\1\0OV\0\0\0\0\0\0" ENCAPSULATED), TS_JPEG_BASELINE, BYTES(UID_E "\xE0\x7F\1\0OV\0\0\0\0\0\0"), ERR_END, ERR_OK, UINT32_MAX },
	{ "no pixel data", BYTES(CODE_E UID_E), TS_EXPLICIT_LE, BYTES(CODE_E UID_E), ERR_OK, ERR_OK, NONE },
	{ "nothing at all", BYTES(""), TS_EXPLICIT_LE, BYTES(""), ERR_OK, ERR_OK, NONE },
	{ "cut in a value", BYTES(CODE_E "\x20\0\x0D\0UI\6\0" "1.2.3"), TS_EXPLICIT_LE, BYTES(CODE_E "\x20\0\x0D\0UI\6\0" "1.2.3"), ERR_OK, ERR_FORMAT, NONE },
	{ "cut in a header", BYTES(CODE_E "\x20\0\x0D\0UI\6"), TS_EXPLICIT_LE, BYTES(CODE_E), ERR_OK, ERR_FORMAT, NONE },
	{ "cut in a long header", BYTES(CODE_E "\x42\0\x11\0OB\0\0\1\0"), TS_EXPLICIT_LE, BYTES(CODE_E), ERR_OK, ERR_FORMAT, NONE },
	{ "zeros behind the end", BYTES(UID_E "\0\0\0\0\0\0\0\0\0\0\0\0\0"), TS_EXPLICIT_LE, BYTES(UID_E), ERR_END, ERR_OK, NONE },
	{ "three zeros behind the end", BYTES(UID_E "\0\0\0"), TS_EXPLICIT_LE, BYTES(UID_E), ERR_OK, ERR_OK, NONE },
	{ "trailing padding", BYTES(UID_E "\xFC\xFF\xFC\xFFOB\0\0\x10\0\0\0"), TS_EXPLICIT_LE, BYTES(UID_E), ERR_END, ERR_OK, NONE },
	{ "icon with native pixel data, defined lengths", BYTES(ICON_E "\x16\0\0\0" ITEM("\x0E\0\0\0") PIXELS_OW("\2\0\0\0") "ab" UID_E PIXELS_OW("\2\0\0\0") "cd"), TS_EXPLICIT_LE,
	  BYTES(ICON_E "\x16\0\0\0" ITEM("\x0E\0\0\0") PIXELS_OW("\2\0\0\0") "ab" UID_E), ERR_END, ERR_OK, 2 },
	{ "icon with native pixel data, open", BYTES(ICON_E OPEN ITEM(OPEN) CODE_E PIXELS_OW("\2\0\0\0") "ab" ITEM_END SQ_END UID_E PIXELS_OW("\2\0\0\0") "cd"), TS_EXPLICIT_LE,
	  BYTES(ICON_E OPEN ITEM(OPEN) CODE_E PIXELS_OW("\2\0\0\0") "ab" ITEM_END SQ_END UID_E), ERR_END, ERR_OK, 2 },
	{ "icon with encapsulated pixel data keeps no fragments", BYTES(ICON_E OPEN ITEM(OPEN) ENCAPSULATED ITEM_END SQ_END UID_E ENCAPSULATED), TS_JPEG_BASELINE,
	  BYTES(ICON_E OPEN ITEM(OPEN) PIXELS_OB(OPEN) ITEM("\0\0\0\0") ITEM("\0\0\0\0") SQ_END ITEM_END SQ_END UID_E), ERR_END, ERR_OK, UINT32_MAX },
	{ "open inside open", BYTES(SQ_E(OPEN) ITEM(OPEN) SQ_E(OPEN) ITEM(OPEN) CODE_E ITEM_END SQ_END ITEM_END SQ_END UID_E PIXELS_OW("\0\0\0\0")), TS_EXPLICIT_LE,
	  BYTES(SQ_E(OPEN) ITEM(OPEN) SQ_E(OPEN) ITEM(OPEN) CODE_E ITEM_END SQ_END ITEM_END SQ_END UID_E), ERR_END, ERR_OK, 0 },
	{ "item delimiter missing", BYTES(SQ_E(OPEN) ITEM(OPEN) CODE_E SQ_END UID_E PIXELS_OW("\0\0\0\0")), TS_EXPLICIT_LE,
	  BYTES(SQ_E(OPEN) ITEM(OPEN) CODE_E SQ_END UID_E), ERR_END, ERR_OK, 0 },
	{ "sequence delimiter missing", BYTES(SQ_E(OPEN) ITEM(OPEN) CODE_E ITEM_END PIXELS_OW("\2\0\0\0") "ab"), TS_EXPLICIT_LE,
	  BYTES(SQ_E(OPEN) ITEM(OPEN) CODE_E ITEM_END), ERR_END, ERR_OK, 2 },
	{ "item that says 0 and is not", BYTES(SQ_E(OPEN) ITEM("\0\0\0\0") CODE_E PIXELS_OW("\2\0\0\0") "ab" ITEM_END SQ_END UID_E), TS_EXPLICIT_LE,
	  BYTES(SQ_E(OPEN) ITEM("\0\0\0\0") CODE_E PIXELS_OW("\2\0\0\0") "ab" ITEM_END SQ_END UID_E), ERR_OK, ERR_OK, NONE },
	{ "UN of undefined length is implicit inside", BYTES("\x09\0\x10\x10UN\0\0" OPEN ITEM(OPEN) CODE_I ITEM_END SQ_END UID_E PIXELS_OW("\0\0\0\0")), TS_EXPLICIT_LE,
	  BYTES("\x09\0\x10\x10UN\0\0" OPEN ITEM(OPEN) CODE_I ITEM_END SQ_END UID_E), ERR_END, ERR_OK, 0 },
	{ "UN of undefined length, its delimiter missing", BYTES("\x08\0\x40\x11UN\0\0" OPEN ITEM(OPEN) CODE_I ITEM_END UID_E PIXELS_OW("\0\0\0\0")), TS_EXPLICIT_LE,
	  BYTES("\x08\0\x40\x11UN\0\0" OPEN ITEM(OPEN) CODE_I ITEM_END UID_E), ERR_END, ERR_OK, 0 },
	{ "open at the end", BYTES(SQ_E(OPEN) ITEM(OPEN) CODE_E), TS_EXPLICIT_LE, BYTES(SQ_E(OPEN) ITEM(OPEN) CODE_E), ERR_OK, ERR_OK, NONE },
	{ "stray delimiters are left out", BYTES(ITEM_END SQ_END UID_E), TS_EXPLICIT_LE, BYTES(UID_E), ERR_OK, ERR_OK, NONE },
	{ "fragment without length", BYTES(ICON_E OPEN ITEM(OPEN) PIXELS_OB(OPEN) ITEM(OPEN)), TS_EXPLICIT_LE, BYTES(ICON_E OPEN ITEM(OPEN) PIXELS_OB(OPEN)), ERR_FORMAT, ERR_FORMAT, NONE },
};

static struct why why;

/* Feeds `in` in pieces of `chunk` bytes; the last answer. */
static enum err feed_all(struct walker *w, struct bytes in, size_t chunk)
{
	enum err e = ERR_OK;
	for (size_t at = 0; at < in.len; at += chunk)
		e = walker_feed(w, bytes_of(in.p + at, in.len - at < chunk ? in.len - at : chunk), &why);
	return e;
}

static void one_case(size_t i, size_t chunk)
{
	struct walker *w;
	bool was = t_bad;
	t_bad = false;
	CHECK_INT(walker_new(&w, ts_find(cases[i].ts)), ERR_OK);
	CHECK_INT(feed_all(w, cases[i].in, chunk), cases[i].fed);
	CHECK_INT(walker_finish(w, &why), cases[i].finished);
	CHECK_INT(walker_header(w).len, cases[i].header.len);
	CHECK(bytes_equal(walker_header(w), cases[i].header));
	CHECK_INT(walker_pixel_length(w), cases[i].pixels);
	CHECK(!walker_was_mislabelled(w));
	walker_free(&w);
	CHECK(!w);
	if (t_bad)
		printf("# case \"%s\", %zu bytes a piece\n", cases[i].says, chunk);
	t_bad |= was;
}

TEST(table, "the header is everything before pixel data, wherever the stream is cut")
{
	for (size_t i = 0; i < NELEM(cases); i++)
		for (size_t chunk = 1; chunk <= 64; chunk++)
			one_case(i, chunk);
}

TEST(mislabelled, "a set in another encoding than negotiated is followed and reported")
{
	static const struct { const char *ts; struct bytes in; enum ds_encoding is; } m[] = {
		{ TS_IMPLICIT_LE, BYTES(UID_E PIXELS_OW("\2\0\0\0") "ab"), DS_EXPLICIT_LE },
		{ TS_EXPLICIT_LE, BYTES(UID_I "\xE0\x7F\x10\0\2\0\0\0ab"), DS_IMPLICIT_LE },
		{ TS_EXPLICIT_LE, BYTES(UID_B "\x7F\xE0\0\x10OW\0\0\0\0\0\2ab"), DS_EXPLICIT_BE },
		{ TS_EXPLICIT_BE, BYTES(UID_E PIXELS_OW("\2\0\0\0") "ab"), DS_EXPLICIT_LE },
		{ TS_EXPLICIT_BE, BYTES(UID_I "\xE0\x7F\x10\0\2\0\0\0ab"), DS_IMPLICIT_LE },
		{ TS_DEFLATED_LE, BYTES(UID_E PIXELS_OW("\2\0\0\0") "ab"), DS_EXPLICIT_LE },
	};
	for (size_t i = 0; i < NELEM(m); i++)
		for (size_t chunk = 1; chunk <= 32; chunk++) {
			struct walker *w;
			CHECK_INT(walker_new(&w, ts_find(m[i].ts)), ERR_OK);
			CHECK_INT(feed_all(w, m[i].in, chunk), ERR_END);
			CHECK(walker_was_mislabelled(w));
			CHECK_INT(walker_encoding(w), m[i].is);
			CHECK_INT(walker_pixel_length(w), 2);
			CHECK_INT(walker_finish(w, &why), ERR_OK);
			walker_free(&w);
		}
}

/* Deflates `in`, with or without a zlib header. */
static size_t deflated(struct bytes in, int window_bits, uint8_t *out, size_t room)
{
	z_stream z = { .next_in = (Bytef *)(uintptr_t)in.p, .avail_in = (uInt)in.len, .next_out = out, .avail_out = (uInt)room };
	CHECK_INT(deflateInit2(&z, 9, Z_DEFLATED, window_bits, 8, Z_DEFAULT_STRATEGY), Z_OK);
	CHECK_INT(deflate(&z, Z_FINISH), Z_STREAM_END);
	deflateEnd(&z);
	return room - z.avail_out;
}

TEST(inflates, "deflated sets are inflated on the way, raw or with a zlib header")
{
	static const int bits[] = { -15, 15 };
	uint8_t packed[512];
	for (size_t b = 0; b < NELEM(bits); b++) {
		size_t len = deflated(BYTES(UID_E PIXELS_OW("\4\0\0\0") "abcd"), bits[b], packed, sizeof(packed));
		packed[len] = 0;     /* padded to even */
		for (size_t chunk = 1; chunk <= len + 1; chunk++) {
			struct walker *w;
			CHECK_INT(walker_new(&w, ts_find(TS_DEFLATED_LE)), ERR_OK);
			CHECK_INT(feed_all(w, bytes_of(packed, len + 1), chunk), ERR_END);
			CHECK(bytes_equal(walker_header(w), BYTES(UID_E)));
			CHECK_INT(walker_pixel_length(w), 4);
			CHECK_INT(walker_finish(w, &why), ERR_OK);
			CHECK(!walker_was_mislabelled(w));
			walker_free(&w);
		}
	}
}

TEST(cut_deflated, "a deflated set that is cut or broken is an error")
{
	static const char plain[] = SQ_E(OPEN) ITEM(OPEN) CODE_E CODE_E ITEM_END SQ_END UID_E;
	uint8_t packed[512];
	size_t len = deflated(bytes_of(plain, sizeof(plain) - 1), -15, packed, sizeof(packed));
	for (size_t n = 1; n < len; n++) {
		struct walker *w;
		CHECK_INT(walker_new(&w, ts_find(TS_DEFLATED_LE)), ERR_OK);
		CHECK_INT(feed_all(w, bytes_of(packed, n), 7), ERR_OK);
		CHECK_INT(walker_finish(w, &why), ERR_FORMAT);
		walker_free(&w);
	}
	struct walker *w;
	CHECK_INT(walker_new(&w, ts_find(TS_DEFLATED_LE)), ERR_OK);
	CHECK_INT(feed_all(w, bytes_of(packed, len), 7), ERR_END);
	CHECK_INT(walker_finish(w, &why), ERR_OK);
	CHECK(bytes_equal(walker_header(w), bytes_of(plain, sizeof(plain) - 1)));
	walker_free(&w);
	CHECK_INT(walker_new(&w, ts_find(TS_DEFLATED_LE)), ERR_OK);
	CHECK_INT(feed_all(w, BYTES("\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF"), 3), ERR_FORMAT);
	walker_free(&w);
}

static void add_explicit(struct buf *b, uint16_t group, uint16_t element, const char *vr, size_t len)
{
	buf_add_le16(b, group);
	buf_add_le16(b, element);
	buf_add(b, vr, 2);
	buf_add_le16(b, 0);
	buf_add_le32(b, (uint32_t)len);
	uint8_t *at = buf_extend(b, len);
	if (at)
		memset(at, 'x', len);
}

TEST(long_values, "values over the bound pass by and leave an empty element")
{
	struct buf in, want;
	buf_init(&in, 32 << 20);
	buf_init(&want, 32 << 20);
	buf_add(&in, SQ_E(OPEN) ITEM(OPEN), 20);
	add_explicit(&in, 0x40, 0xA160, "UT", BOUND_ELEMENT + 2);
	buf_add(&in, ITEM_END SQ_END UID_E, 30);
	add_explicit(&in, 0x42, 0x11, "OB", 9 << 20);
	add_explicit(&in, 0x42, 0x12, "OB", BOUND_ELEMENT);
	buf_add(&in, PIXELS_OW("\2\0\0\0") "ab", 14);
	buf_add(&want, SQ_E(OPEN) ITEM(OPEN) "\x40\0\x60\xA1UT\0\0\0\0\0\0" ITEM_END SQ_END UID_E "\x42\0\x11\0OB\0\0\0\0\0\0", 74);
	add_explicit(&want, 0x42, 0x12, "OB", BOUND_ELEMENT);
	static const size_t chunks[] = { 7, 1000, 131072, 64 << 20 };
	for (size_t i = 0; i < NELEM(chunks); i++) {
		struct walker *w;
		CHECK_INT(walker_new(&w, ts_find(TS_EXPLICIT_LE)), ERR_OK);
		CHECK_INT(feed_all(w, buf_view(&in), chunks[i]), ERR_END);
		CHECK_INT(walker_finish(w, &why), ERR_OK);
		CHECK_INT(walker_header(w).len, want.len);
		CHECK(bytes_equal(walker_header(w), buf_view(&want)));
		walker_free(&w);
	}
	buf_fini(&in);
	buf_fini(&want);
}

TEST(big_sequence, "a sequence that does not fit is left out, the rest is kept")
{
	struct buf in;
	buf_init(&in, 32 << 20);
	buf_add(&in, CODE_E SQ_E(OPEN), 24);
	for (int i = 0; i < 7; i++) {
		buf_add(&in, ITEM(OPEN), 8);
		add_explicit(&in, 0x40, 0xA160, "UT", BOUND_ELEMENT - 100);
		for (int k = 0; k < 2000; k++)
			buf_add(&in, CODE_E, 12);
		buf_add(&in, ITEM_END, 8);
	}
	buf_add(&in, SQ_END UID_E PIXELS_OW("\0\0\0\0"), 34);
	struct walker *w;
	struct arena a;
	struct dataset *ds;
	arena_init(&a, 32 << 20);
	CHECK_INT(walker_new(&w, ts_find(TS_EXPLICIT_LE)), ERR_OK);
	CHECK_INT(feed_all(w, buf_view(&in), 4096), ERR_END);
	CHECK_INT(dataset_parse(&a, walker_header(w), walker_encoding(w), &ds, &why), ERR_OK);
	CHECK_STR(dataset_str(ds, TAG(8, 0x100)), "ABCD");
	CHECK_STR(dataset_str(ds, TAG_STUDY_UID), "1.2.3");
	walker_free(&w);
	arena_fini(&a);
	buf_fini(&in);
}

TEST(limits, "nesting, the whole header and what a bomb inflates to are bounded")
{
	struct buf in;
	struct walker *w;
	buf_init(&in, 128 << 20);
	for (int i = 0; i <= BOUND_DEPTH; i++)
		buf_add(&in, SQ_E(OPEN) ITEM(OPEN), 20);
	CHECK_INT(walker_new(&w, ts_find(TS_EXPLICIT_LE)), ERR_OK);
	CHECK_INT(walker_feed(w, buf_view(&in), &why), ERR_LIMIT);
	CHECK_INT(walker_feed(w, BYTES("x"), &why), ERR_LIMIT);
	CHECK_INT(walker_finish(w, &why), ERR_LIMIT);
	walker_free(&w);

	buf_reset(&in);
	for (int i = 0; i < BOUND_HEADER / 8 + 1; i++)
		buf_add(&in, "\x09\0\x10\x10US\0\0", 8);
	CHECK_INT(walker_new(&w, ts_find(TS_EXPLICIT_LE)), ERR_OK);
	CHECK_INT(feed_all(w, buf_view(&in), 65536), ERR_LIMIT);
	walker_free(&w);

	buf_reset(&in);
	add_explicit(&in, 0x42, 0x11, "OB", BOUND_INFLATED + 1);
	uint8_t *packed = malloc(1 << 20);
	size_t len = deflated(buf_view(&in), -15, packed, 1 << 20);
	CHECK_INT(walker_new(&w, ts_find(TS_DEFLATED_LE)), ERR_OK);
	CHECK_INT(feed_all(w, bytes_of(packed, len), 131072), ERR_LIMIT);
	walker_free(&w);
	free(packed);
	buf_fini(&in);
}

/* The same answers for every piece size: what the walker of one piece says is the measure. */
static void one_object(struct bytes data, const struct ts *ts)
{
	static const size_t chunks[] = { 1, 13, 1000, 16384 };
	struct walker *one, *w;
	size_t head = data.len < 200000 ? data.len : 200000;     /* byte by byte through a cine takes too long */
	data.len = head;
	CHECK_INT(walker_new(&one, ts), ERR_OK);
	enum err fed = walker_feed(one, data, &why), finished = walker_finish(one, &why);
	for (size_t i = 0; i < NELEM(chunks); i++) {
		CHECK_INT(walker_new(&w, ts), ERR_OK);
		enum err e = feed_all(w, data, chunks[i]);
		CHECK(e == fed || fed != ERR_OK);
		CHECK_INT(walker_finish(w, &why), finished);
		CHECK(bytes_equal(walker_header(w), walker_header(one)));
		CHECK_INT(walker_pixel_length(w), walker_pixel_length(one));
		walker_free(&w);
	}
	struct arena a;
	struct dataset *ds;
	arena_init(&a, 32 << 20);
	enum err e = dataset_parse(&a, walker_header(one), walker_encoding(one), &ds, &why);
	CHECK(e == ERR_OK || finished != ERR_OK || e == ERR_LIMIT);
	arena_fini(&a);
	walker_free(&one);
}

static int objects;

static void one_file(const char *path)
{
	char *raw;
	size_t len;
	struct part10 m;
	bool was = t_bad;
	t_bad = false;
	if (durable_slurp(path, 64 << 20, &raw, &len, &why))
		return;
	if (part10_read(bytes_of(raw, len), &m, &why) == ERR_OK) {
		const struct ts *ts = ts_find(m.transfer_syntax.s);
		one_object(bytes_of(raw + m.dataset_at, len - m.dataset_at), ts ? ts : ts_find(TS_EXPLICIT_LE));
		objects++;
	}
	free(raw);
	if (t_bad)
		printf("# %s\n", path);
	t_bad |= was;
}

static void folder(const char *dir, int depth)
{
	DIR *d = opendir(dir);
	for (struct dirent *e; d && (e = readdir(d)); ) {
		char path[1024];
		if (e->d_name[0] == '.' || snprintf(path, sizeof(path), "%s/%s", dir, e->d_name) >= (int)sizeof(path))
			continue;
		if (e->d_type == DT_DIR && depth)
			folder(path, depth - 1);
		else if (e->d_type == DT_REG && strcmp(e->d_name, "INDEX.tsv"))
			one_file(path);
	}
	if (d)
		closedir(d);
}

TEST(real, "real and broken objects are walked the same in pieces of any size")
{
	const char *data = getenv("PACS_TEST_DATA");
	char dir[512];
	static const char *const sets[] = { "bad", "syntaxes", "charset" };
	folder("/usr/lib/python3/dist-packages/pydicom/data/test_files", 0);
	for (size_t i = 0; i < NELEM(sets); i++) {
		snprintf(dir, sizeof(dir), "%s/%s", data ? data : "../shared/data", sets[i]);
		folder(dir, 3);
	}
	printf("# %d objects\n", objects);
}

int main(void)
{
	RUN(table);
	RUN(mislabelled);
	RUN(inflates);
	RUN(cut_deflated);
	RUN(long_values);
	RUN(big_sequence);
	RUN(limits);
	RUN(real);
	return t_done();
}
