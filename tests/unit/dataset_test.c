#include "pacs/dicom/dataset.h"

#include "pacs/base/bounds.h"
#include "pacs/dicom/head.h"
#include "tests/lib/t.h"

static struct arena arena;
static struct why why;

static struct dataset *parse(struct bytes raw, enum ds_encoding enc, enum err want)
{
	struct dataset *ds = NULL;
	why.text[0] = '\0';
	enum err e = dataset_parse(&arena, raw, enc, &ds, &why);
	if (e != want)
		T_FAIL("parse: got %s (%s), wanted %s", err_name(e), why.text, err_name(want));
	return ds;
}

static void check_written(const struct dataset *ds, enum ds_encoding enc, struct bytes want)
{
	struct buf out;
	buf_init(&out, 1 << 20);
	CHECK_INT(dataset_write(ds, enc, &out), ERR_OK);
	CHECK_INT(out.len, want.len);
	CHECK(bytes_equal(buf_view(&out), want));
	buf_fini(&out);
}

static long items(const struct dataset *ds, uint32_t tag)
{
	const struct element *el = dataset_find(ds, tag);
	long n = 0;
	for (const struct item *i = el ? el->items : NULL; i; i = i->next)
		n++;
	return el && el->vr == VR_SQ ? n : -1;
}

#define STUDY_UID_E "\x20\0\x0D\0UI\6\0" "1.2.3\0"
#define STUDY_UID_I "\x20\0\x0D\0\6\0\0\0" "1.2.3\0"
#define STUDY_UID_B "\0\x20\0\x0DUI\0\6" "1.2.3\0"
#define ROWS_E "\x28\0\x10\0US\2\0\1\2"
#define ROWS_B "\0\x28\0\x10US\0\2\2\1"
#define CODE_E "\x08\0\0\1SH\4\0ABCD"
#define CODE_I "\x08\0\0\1\4\0\0\0ABCD"
#define ITEM(len) "\xFE\xFF\0\xE0" len
#define ITEM_OPEN ITEM("\xFF\xFF\xFF\xFF")
#define ITEM_END "\xFE\xFF\x0D\xE0\0\0\0\0"
#define SQ_END "\xFE\xFF\xDD\xE0\0\0\0\0"
#define SQ_E(len) "\x08\0\x40\x11SQ\0\0" len          /* (0008,1140) */
#define SQ_I(len) "\x08\0\x40\x11" len
#define OPEN "\xFF\xFF\xFF\xFF"

TEST(encodings, "the same set is read and written in all three encodings")
{
	struct dataset *ds = parse(BYTES(STUDY_UID_E ROWS_E), DS_EXPLICIT_LE, ERR_OK);
	int64_t rows = 0;
	CHECK(dataset_int(ds, TAG(0x28, 0x10), &rows));
	CHECK_INT(rows, 0x201);
	CHECK_STR(dataset_str(ds, TAG_STUDY_UID), "1.2.3");
	check_written(ds, DS_EXPLICIT_LE, BYTES(STUDY_UID_E ROWS_E));
	check_written(ds, DS_EXPLICIT_BE, BYTES(STUDY_UID_B ROWS_B));
	check_written(ds, DS_IMPLICIT_LE, BYTES(STUDY_UID_I "\x28\0\x10\0\2\0\0\0\1\2"));
	ds = parse(BYTES(STUDY_UID_B ROWS_B), DS_EXPLICIT_BE, ERR_OK);
	check_written(ds, DS_EXPLICIT_LE, BYTES(STUDY_UID_E ROWS_E));
	ds = parse(BYTES(STUDY_UID_I), DS_IMPLICIT_LE, ERR_OK);
	check_written(ds, DS_EXPLICIT_LE, BYTES(STUDY_UID_E));
}

TEST(mislabelled, "a set in another encoding than announced is read as what it is")
{
	static const struct { struct bytes raw; enum ds_encoding announced; } cases[] = {
		{ BYTES(STUDY_UID_E), DS_IMPLICIT_LE }, { BYTES(STUDY_UID_E), DS_EXPLICIT_BE },
		{ BYTES(STUDY_UID_I), DS_EXPLICIT_LE }, { BYTES(STUDY_UID_I), DS_EXPLICIT_BE },
		{ BYTES(STUDY_UID_B), DS_EXPLICIT_LE },
	};
	for (size_t i = 0; i < NELEM(cases); i++)
		CHECK_STR(dataset_str(parse(cases[i].raw, cases[i].announced, ERR_OK), TAG_STUDY_UID), "1.2.3");
}

static const struct { const char *says; struct bytes raw; enum ds_encoding enc; long items; bool tail; } sequences[] = {
	{ "defined lengths", BYTES(SQ_E("\x14\0\0\0") ITEM("\x0C\0\0\0") CODE_E STUDY_UID_E), DS_EXPLICIT_LE, 1, true },
	{ "undefined lengths", BYTES(SQ_E(OPEN) ITEM_OPEN CODE_E ITEM_END ITEM_OPEN CODE_E ITEM_END SQ_END STUDY_UID_E), DS_EXPLICIT_LE, 2, true },
	{ "open sequence, bounded item", BYTES(SQ_E(OPEN) ITEM("\x0C\0\0\0") CODE_E SQ_END STUDY_UID_E), DS_EXPLICIT_LE, 1, true },
	{ "bounded sequence, open item", BYTES(SQ_E("\x1C\0\0\0") ITEM_OPEN CODE_E ITEM_END STUDY_UID_E), DS_EXPLICIT_LE, 1, true },
	{ "bounded sequence that has a delimiter too", BYTES(SQ_E("\x24\0\0\0") ITEM_OPEN CODE_E ITEM_END SQ_END STUDY_UID_E), DS_EXPLICIT_LE, 1, true },
	{ "item delimiter missing before the sequence's", BYTES(SQ_E(OPEN) ITEM_OPEN CODE_E SQ_END STUDY_UID_E), DS_EXPLICIT_LE, 1, true },
	{ "item delimiter missing before an item", BYTES(SQ_E(OPEN) ITEM_OPEN CODE_E ITEM_OPEN CODE_E ITEM_END SQ_END STUDY_UID_E), DS_EXPLICIT_LE, 2, true },
	{ "sequence delimiter missing", BYTES(SQ_E(OPEN) ITEM_OPEN CODE_E ITEM_END STUDY_UID_E), DS_EXPLICIT_LE, 1, true },
	{ "all delimiters missing at the end", BYTES(SQ_E(OPEN) ITEM_OPEN CODE_E), DS_EXPLICIT_LE, 1, false },
	{ "item delimiter missing in a bounded sequence", BYTES(SQ_E("\x14\0\0\0") ITEM_OPEN CODE_E STUDY_UID_E), DS_EXPLICIT_LE, 1, true },
	{ "item that says 0 and is not", BYTES(SQ_E(OPEN) ITEM("\0\0\0\0") CODE_E ITEM_END SQ_END STUDY_UID_E), DS_EXPLICIT_LE, 1, true },
	{ "empty items", BYTES(SQ_E(OPEN) ITEM("\0\0\0\0") ITEM_OPEN ITEM_END SQ_END STUDY_UID_E), DS_EXPLICIT_LE, 2, true },
	{ "no items", BYTES(SQ_E("\0\0\0\0") STUDY_UID_E), DS_EXPLICIT_LE, 0, true },
	{ "no items, open", BYTES(SQ_E(OPEN) SQ_END STUDY_UID_E), DS_EXPLICIT_LE, 0, true },
	{ "stray delimiters", BYTES(SQ_E(OPEN) ITEM_END ITEM_OPEN CODE_E ITEM_END ITEM_END SQ_END SQ_END ITEM_END STUDY_UID_E), DS_EXPLICIT_LE, 1, true },
	{ "implicit, open", BYTES(SQ_I(OPEN) ITEM_OPEN CODE_I ITEM_END SQ_END STUDY_UID_I), DS_IMPLICIT_LE, 1, true },
	{ "implicit, bounded", BYTES(SQ_I("\x14\0\0\0") ITEM("\x0C\0\0\0") CODE_I STUDY_UID_I), DS_IMPLICIT_LE, 1, true },
	{ "UN of undefined length is implicit inside", BYTES("\x08\0\x40\x11UN\0\0" OPEN ITEM_OPEN CODE_I ITEM_END SQ_END STUDY_UID_E), DS_EXPLICIT_LE, 1, true },
	{ "UN of undefined length, explicit inside after all", BYTES("\x08\0\x40\x11UN\0\0" OPEN ITEM_OPEN CODE_E ITEM_END SQ_END STUDY_UID_E), DS_EXPLICIT_LE, 1, true },
	{ "UN of defined length that the dictionary knows as a sequence", BYTES("\x08\0\x40\x11UN\0\0\x14\0\0\0" ITEM("\x0C\0\0\0") CODE_I STUDY_UID_E), DS_EXPLICIT_LE, 1, true },
	{ "implicit items in an explicit sequence", BYTES(SQ_E(OPEN) ITEM_OPEN CODE_I ITEM_END SQ_END STUDY_UID_E), DS_EXPLICIT_LE, 1, true },
	{ "nonsense behind the elements of a bounded item", BYTES(SQ_E(OPEN) ITEM("\x10\0\0\0") CODE_E "abcd" SQ_END STUDY_UID_E), DS_EXPLICIT_LE, 1, true },
	{ "a sequence that holds no items is kept as bytes", BYTES(SQ_E("\4\0\0\0") "wxyz" STUDY_UID_E), DS_EXPLICIT_LE, -1, true },
	{ "so are bytes that only begin like an item", BYTES(SQ_E("\x08\0\0\0") "\xFE\xFF\xFF\xF8\0\0.3" STUDY_UID_E), DS_EXPLICIT_LE, -1, true },
	{ "and a delimiter that has a length", BYTES(SQ_E("\x08\0\0\0") "\xFE\xFF\xDD\xE0\0\0.3" STUDY_UID_E), DS_EXPLICIT_LE, -1, true },
};

TEST(sequences_read, "sequences of every length form and with every delimiter missing are read")
{
	for (size_t i = 0; i < NELEM(sequences); i++) {
		bool was = t_bad;
		t_bad = false;
		struct dataset *ds = parse(sequences[i].raw, sequences[i].enc, ERR_OK);
		CHECK_INT(items(ds, TAG(0x8, 0x1140)), sequences[i].items);
		CHECK_INT(dataset_has(ds, TAG_STUDY_UID), sequences[i].tail);
		struct dataset *item = dataset_item(ds, TAG(0x8, 0x1140), 0);
		if (item && strncmp(sequences[i].says, "empty", 5))
			CHECK_STR(dataset_str(item, TAG(0x8, 0x100)), "ABCD");
		if (t_bad)
			printf("# case: %s\n", sequences[i].says);
		t_bad |= was;
	}
}

TEST(un_inside, "private elements in UN of undefined length are read as implicit")
{
	struct dataset *ds = parse(BYTES("\x09\0\x10\x10UN\0\0" OPEN ITEM_OPEN "\x09\0\x20\x10\x42\x41\0\0"), DS_EXPLICIT_LE, ERR_FORMAT);
	CHECK(strstr(why.text, "longer"));
	ds = parse(BYTES("\x09\0\x10\x10UN\0\0" OPEN ITEM_OPEN "\x09\0\x20\x10\4\0\0\0abcd" ITEM_END SQ_END STUDY_UID_E), DS_EXPLICIT_LE, ERR_OK);
	CHECK_STR(dataset_str(dataset_item(ds, TAG(9, 0x1010), 0), TAG(9, 0x1020)), "abcd");
	CHECK_STR(dataset_str(ds, TAG_STUDY_UID), "1.2.3");
}

TEST(stops, "reading stops without error at pixel data and at padding")
{
	static const struct bytes ends[] = {
		BYTES(STUDY_UID_E "\xE0\x7F\x10\0OW\0\0\xFF\xFF\xFF\xFF garbage"), BYTES(STUDY_UID_E "\xE0\x7F\x08\0OF\0\0\1\0\0\0"),
		BYTES(STUDY_UID_E "\xFC\xFF\xFC\xFFOB\0\0\xFF\xFF\0\0"), BYTES(STUDY_UID_E "\0\0\0\0\0\0\0\0\0\0\0\0\0"), BYTES(STUDY_UID_E "\0\0"),
	};
	for (size_t i = 0; i < NELEM(ends); i++) {
		struct dataset *ds = parse(ends[i], DS_EXPLICIT_LE, ERR_OK);
		CHECK(ds->first && ds->first == ds->last && ds->first->tag == TAG_STUDY_UID);
	}
}

TEST(icon, "pixel data of an icon is passed over, or kept when small and native")
{
	struct dataset *ds = parse(BYTES("\x88\0\0\2SQ\0\0" OPEN ITEM_OPEN ROWS_E "\xE0\x7F\x10\0OB\0\0" OPEN ITEM("\0\0\0\0") ITEM("\4\0\0\0") "\xFE\xFF\x0D\xE0"
		SQ_END ITEM_END SQ_END ROWS_E), DS_EXPLICIT_LE, ERR_OK);
	struct dataset *icon = dataset_item(ds, TAG(0x88, 0x200), 0);
	CHECK(icon && dataset_has(icon, TAG_PIXEL_DATA) && dataset_find(icon, TAG_PIXEL_DATA)->value.len == 0);
	CHECK(!dataset_has(ds, TAG_PIXEL_DATA));
	CHECK(dataset_has(ds, TAG(0x28, 0x10)));
}

TEST(oddities, "odd lengths, unknown and blank VRs, group lengths and wrong order are read")
{
	struct dataset *ds = parse(BYTES("\x10\0\x10\0PN\3\0A^B" STUDY_UID_E), DS_EXPLICIT_LE, ERR_OK);
	CHECK_STR(dataset_str(ds, TAG_PATIENT_NAME), "A^B");
	check_written(ds, DS_EXPLICIT_LE, BYTES("\x10\0\x10\0PN\4\0A^B " STUDY_UID_E));
	ds = parse(BYTES("\x09\0\x10\x10ZZ\0\0\4\0\0\0abcd" STUDY_UID_E), DS_EXPLICIT_LE, ERR_OK);
	CHECK_STR(dataset_str(ds, TAG(9, 0x1010)), "abcd");
	CHECK_STR(dataset_str(ds, TAG_STUDY_UID), "1.2.3");
	ds = parse(BYTES("\x09\0\x10\x10  \4\0abcd" STUDY_UID_E), DS_EXPLICIT_LE, ERR_OK);
	CHECK_STR(dataset_str(ds, TAG(9, 0x1010)), "abcd");
	CHECK_STR(dataset_str(ds, TAG_STUDY_UID), "1.2.3");
	ds = parse(BYTES(ROWS_E "\x10\0\x20\0\4\0\0\0abcd" STUDY_UID_E), DS_EXPLICIT_LE, ERR_OK);
	CHECK_STR(dataset_str(ds, TAG_PATIENT_ID), "abcd");
	ds = parse(BYTES("\x08\0\0\0UL\4\0\1\0\0\0" STUDY_UID_E), DS_EXPLICIT_LE, ERR_OK);
	CHECK(!dataset_has(ds, TAG(8, 0)));
	ds = parse(BYTES(ROWS_E STUDY_UID_E "\x10\0\x20\0LO\2\0ab" STUDY_UID_E "\x20\0\x0D\0UI\4\0" "9.8\0"), DS_EXPLICIT_LE, ERR_OK);
	CHECK_STR(dataset_str(ds, TAG_STUDY_UID), "9.8");
	CHECK(ds->first->tag == TAG_PATIENT_ID && ds->last->tag == TAG(0x28, 0x10));
	CHECK(ds->first->next->next == ds->last);
}

TEST(truncated, "cut anywhere, what was read before the cut is there")
{
	static const uint8_t whole[] = STUDY_UID_E SQ_E("\x14\0\0\0") ITEM("\x0C\0\0\0") CODE_E ROWS_E;
	size_t len = sizeof(whole) - 1;
	for (size_t n = 0; n <= len; n++) {
		bool is_end = n == 0 || n == 14 || n == 14 + 32 || n == len;
		struct dataset *ds = parse(bytes_of(whole, n), DS_EXPLICIT_LE, is_end ? ERR_OK : ERR_FORMAT);
		CHECK_INT(dataset_has(ds, TAG_STUDY_UID), n >= 14);
		CHECK(is_end || strstr(why.text, "offset"));
	}
}

static struct bytes nest(struct buf *b, unsigned levels)
{
	for (unsigned i = 0; i < levels; i++)
		buf_add(b, SQ_E(OPEN) ITEM_OPEN, 20);
	return buf_view(b);
}

TEST(limits, "depth, number of elements and the arena are bounded")
{
	struct buf b;
	buf_init(&b, 4 << 20);
	parse(nest(&b, BOUND_DEPTH), DS_EXPLICIT_LE, ERR_OK);
	buf_reset(&b);
	parse(nest(&b, BOUND_DEPTH + 1), DS_EXPLICIT_LE, ERR_LIMIT);
	buf_reset(&b);
	parse(nest(&b, 50000), DS_EXPLICIT_LE, ERR_LIMIT);
	buf_reset(&b);
	for (int i = 0; i <= BOUND_DATASET_NODES; i++)
		buf_add(&b, "\x09\0\x10\x10US\0\0", 8);
	parse(buf_view(&b), DS_EXPLICIT_LE, ERR_LIMIT);
	buf_fini(&b);

	struct arena small;
	struct dataset *ds;
	arena_init(&small, 200);
	CHECK_INT(dataset_parse(&small, BYTES(STUDY_UID_E ROWS_E ROWS_E ROWS_E), DS_EXPLICIT_LE, &ds, &why), ERR_NOMEM);
	CHECK(ds && ds->first);
	arena_fini(&small);
	arena_init(&small, 8);
	CHECK_INT(dataset_parse(&small, BYTES(STUDY_UID_E), DS_EXPLICIT_LE, &ds, &why), ERR_NOMEM);
	arena_fini(&small);
}

TEST(text, "text is stripped, split and empty when absent")
{
	struct dataset *ds = dataset_new(&arena);
	CHECK_INT(dataset_put(ds, TAG_MODALITIES_IN_STUDY, 0, BYTES(" CT\\ MR \\\\US ")), ERR_OK);
	CHECK_INT(dataset_put(ds, TAG(0x20, 0x4000), 0, BYTES("  kept  ")), ERR_OK);
	CHECK_STR(dataset_str(ds, TAG_MODALITIES_IN_STUDY), "CT\\ MR \\\\US");
	CHECK_STR(dataset_str_n(ds, TAG_MODALITIES_IN_STUDY, 0), "CT");
	CHECK_STR(dataset_str_n(ds, TAG_MODALITIES_IN_STUDY, 1), "MR");
	CHECK_STR(dataset_str_n(ds, TAG_MODALITIES_IN_STUDY, 2), "");
	CHECK_STR(dataset_str_n(ds, TAG_MODALITIES_IN_STUDY, 3), "US");
	CHECK_STR(dataset_str_n(ds, TAG_MODALITIES_IN_STUDY, 4), "");
	CHECK_STR(dataset_str_n(ds, TAG_MODALITIES_IN_STUDY, 4000000000u), "");
	CHECK_STR(dataset_str(ds, TAG(0x20, 0x4000)), "  kept");
	CHECK_STR(dataset_str(ds, TAG_PATIENT_NAME), "");
}

static const struct { vr_t vr; struct bytes raw; unsigned n; bool ok, is_whole; double want; } numbers[] = {
	{ VR_US, BYTES("\xFF\xFF"), 0, true, true, 65535 }, { VR_SS, BYTES("\xFF\xFF"), 0, true, true, -1 },
	{ VR_UL, BYTES("\0\0\0\x80"), 0, true, true, 2147483648.0 }, { VR_SL, BYTES("\0\0\0\x80"), 0, true, true, -2147483648.0 },
	{ VR_AT, BYTES("\x08\0\x05\0"), 0, true, true, 0x80005 }, { VR_US, BYTES("\1"), 0, false, true, 0 },
	{ VR_US, BYTES("\1\0\2\0"), 1, true, false, 2 }, { VR_US, BYTES("\1\0\2\0"), 2, false, false, 0 },
	{ VR_IS, BYTES(" +12 "), 0, true, true, 12 }, { VR_IS, BYTES("12.0"), 0, true, true, 12 }, { VR_DS, BYTES("1.5\\-2e3"), 1, true, false, -2000 },
	{ VR_DS, BYTES("1,5"), 0, true, false, 1.5 }, { VR_IS, BYTES(""), 0, false, true, 0 }, { VR_IS, BYTES("12x"), 0, false, true, 0 },
	{ VR_IS, BYTES("0x10"), 0, false, true, 0 }, { VR_IS, BYTES("nan"), 0, false, true, 0 }, { VR_DS, BYTES("1e999"), 0, false, false, 0 },
	{ VR_FL, BYTES("\0\0\xC0\x3F"), 0, true, false, 1.5 }, { VR_FD, BYTES("\0\0\0\0\0\0\xF8\x3F"), 0, true, false, 1.5 },
	{ VR_FL, BYTES("\0\0\x80\x7F"), 0, false, false, 0 }, { VR_OB, BYTES("\1\0\0\0"), 0, false, true, 0 },
};

TEST(numbers_read, "numbers are read by VR or by text, and nonsense is not")
{
	for (size_t i = 0; i < NELEM(numbers); i++) {
		struct dataset *ds = dataset_new(&arena);
		double v = -99;
		int64_t w = -99;
		CHECK_INT(dataset_put(ds, TAG(9, 0x1010), numbers[i].vr, numbers[i].raw), ERR_OK);
		dataset_find(ds, TAG(9, 0x1010))->value.len = numbers[i].raw.len;
		bool ok = dataset_double_n(ds, TAG(9, 0x1010), numbers[i].n, &v);
		if (ok != numbers[i].ok || (ok && (v < numbers[i].want || v > numbers[i].want)))
			T_FAIL("number %zu: got %d %g", i, ok, v);
		if (!numbers[i].is_whole)
			continue;
		ok = dataset_int(ds, TAG(9, 0x1010), &w);
		if (ok != numbers[i].ok || (ok && w != (int64_t)numbers[i].want))
			T_FAIL("whole number %zu: got %d %lld", i, ok, (long long)w);
	}
	struct dataset *ds = dataset_new(&arena);
	int64_t w;
	CHECK(!dataset_int(ds, TAG(0x28, 0x10), &w));
	CHECK_INT(dataset_put(ds, TAG(0x28, 0x10), VR_UN, BYTES("\5\0")), ERR_OK);
	CHECK(dataset_int(ds, TAG(0x28, 0x10), &w) && w == 5);
	CHECK_INT(dataset_put_str(ds, TAG(0x20, 0x13), "1.5"), ERR_OK);
	CHECK(!dataset_int(ds, TAG(0x20, 0x13), &w));
}

TEST(building, "a set that is put together comes out ordered, padded and nested")
{
	struct dataset *ds = dataset_new(&arena), *item;
	CHECK_INT(dataset_put_us(ds, TAG(0x28, 0x10), 0x201), ERR_OK);
	CHECK_INT(dataset_put_str(ds, TAG_STUDY_UID, "1.2"), ERR_OK);
	CHECK_INT(dataset_put_str(ds, TAG_STUDY_UID, "1.2.3"), ERR_OK);
	CHECK((item = dataset_add_item(ds, TAG(0x8, 0x1140))) != NULL);
	CHECK_INT(dataset_put_str(item, TAG(0x8, 0x100), "ABCD"), ERR_OK);
	CHECK_INT(dataset_put_str(ds, TAG(0x28, 0x11), "text for a number"), ERR_USAGE);
	CHECK_INT(dataset_put(ds, TAG(0x8, 0x1140), 0, BYTES("")), ERR_USAGE);
	check_written(ds, DS_EXPLICIT_LE, BYTES(SQ_E("\x14\0\0\0") ITEM("\x0C\0\0\0") CODE_E STUDY_UID_E ROWS_E));

	struct dataset *copy = dataset_new(&arena);
	for (const struct element *el = ds->first; el; el = el->next)
		CHECK_INT(dataset_copy(copy, el), ERR_OK);
	dataset_remove(ds, TAG(0x8, 0x1140));
	dataset_remove(ds, TAG(0x28, 0x10));
	dataset_remove(ds, TAG(0x28, 0x10));
	check_written(ds, DS_EXPLICIT_LE, BYTES(STUDY_UID_E));
	CHECK_INT(dataset_put_us(ds, TAG(0x28, 0x10), 0x201), ERR_OK);
	check_written(ds, DS_EXPLICIT_LE, BYTES(STUDY_UID_E ROWS_E));
	check_written(copy, DS_EXPLICIT_LE, BYTES(SQ_E("\x14\0\0\0") ITEM("\x0C\0\0\0") CODE_E STUDY_UID_E ROWS_E));
	CHECK_INT(dataset_put_empty_sequence(copy, TAG(0x8, 0x1140)), ERR_OK);
	check_written(copy, DS_EXPLICIT_LE, BYTES(SQ_E("\0\0\0\0") STUDY_UID_E ROWS_E));
}

TEST(too_long, "a value too long for a short VR is written as UN and not cut")
{
	static char text[70000];
	memset(text, 'x', sizeof(text) - 1);
	struct dataset *ds = dataset_new(&arena), *again;
	struct buf out;
	buf_init(&out, 1 << 20);
	CHECK_INT(dataset_put_str(ds, TAG(0x20, 0x4000), text), ERR_OK);
	CHECK_INT(dataset_write(ds, DS_EXPLICIT_LE, &out), ERR_OK);
	CHECK(!memcmp(out.p + 4, "UN\0\0", 4));
	again = parse(buf_view(&out), DS_EXPLICIT_LE, ERR_OK);
	CHECK_STR(dataset_str(again, TAG(0x20, 0x4000)), text);
	buf_fini(&out);
	buf_init(&out, 100);
	CHECK_INT(dataset_write(ds, DS_EXPLICIT_LE, &out), ERR_LIMIT);
	buf_fini(&out);
}

int main(void)
{
	arena_init(&arena, 64 << 20);
	RUN(encodings);
	RUN(mislabelled);
	RUN(sequences_read);
	RUN(un_inside);
	RUN(stops);
	RUN(icon);
	RUN(oddities);
	RUN(truncated);
	RUN(limits);
	RUN(text);
	RUN(numbers_read);
	RUN(building);
	RUN(too_long);
	arena_fini(&arena);
	return t_done();
}
