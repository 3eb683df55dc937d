#include "pacs/dicom/head.h"
#include "pacs/store/same_header.h"
#include "tests/lib/t.h"

static struct arena arena;

static struct dataset *parsed(struct bytes raw, enum ds_encoding enc)
{
	struct dataset *ds;
	struct why why = { "" };
	CHECK_OK(dataset_parse(&arena, raw, enc, &ds, &why), why);
	return ds;
}

#define UIDS "\x08\0\x18\0\4\0\0\0" "1.2\0"
#define NAME(v) "\x10\0\x10\0\4\0\0\0" v
#define EXPLICIT_NAME(v) "\x10\0\x10\0PN\4\0" v
#define ROWS(v) "\x28\0\x10\0\2\0\0\0" v
/* (0029,1010): an element that only the sender knows */
#define PRIVATE(n, v) "\x29\0\x10\x10" n "\0\0\0" v
#define PRIVATE_LO(n, v) "\x29\0\x10\x10LO" n "\0" v
#define PRIVATE_US(v) "\x29\0\x10\x10US\2\0" v
#define ITEM(n) "\xfe\xff\0\xe0" n "\0\0\0"
#define OPEN_ITEM "\xfe\xff\0\xe0\xff\xff\xff\xff"
#define ITEM_END "\xfe\xff\x0d\xe0\0\0\0\0"
#define SEQUENCE_END "\xfe\xff\xdd\xe0\0\0\0\0"

static const struct { const char *says; enum ds_encoding a_enc; struct bytes a; enum ds_encoding b_enc; struct bytes b; bool same; } cases[] = {
	{ "itself", DS_IMPLICIT_LE, BYTES(NAME("AB^C")), DS_IMPLICIT_LE, BYTES(NAME("AB^C")), true },
	{ "explicit VR", DS_IMPLICIT_LE, BYTES(UIDS NAME("AB^C")), DS_EXPLICIT_LE, BYTES("\x08\0\x18\0UI\4\0" "1.2\0" EXPLICIT_NAME("AB^C")), true },
	{ "another text", DS_IMPLICIT_LE, BYTES(NAME("AB^C")), DS_EXPLICIT_LE, BYTES(EXPLICIT_NAME("AB^D")), false },
	{ "an element more", DS_IMPLICIT_LE, BYTES(NAME("AB^C")), DS_IMPLICIT_LE, BYTES(NAME("AB^C") ROWS("\1\0")), false },
	{ "padded with NUL", DS_IMPLICIT_LE, BYTES(NAME("ABC ")), DS_IMPLICIT_LE, BYTES(NAME("ABC\0")), true },
	{ "odd and not padded", DS_IMPLICIT_LE, BYTES("\x10\0\x10\0\3\0\0\0" "ABC"), DS_IMPLICIT_LE, BYTES(NAME("ABC ")), true },
	{ "a number is not padding", DS_IMPLICIT_LE, BYTES(ROWS("\2\0")), DS_IMPLICIT_LE, BYTES(ROWS("\2 ")), false },
	{ "big endian number", DS_IMPLICIT_LE, BYTES(ROWS("\2\1")), DS_EXPLICIT_BE, BYTES("\0\x28\0\x10US\0\2\1\2"), true },
	{ "group length", DS_IMPLICIT_LE, BYTES("\x10\0\0\0\4\0\0\0\x0c\0\0\0" NAME("AB^C")), DS_IMPLICIT_LE, BYTES(NAME("AB^C")), true },
	{ "private text", DS_IMPLICIT_LE, BYTES(PRIVATE("\4", "ABC ")), DS_EXPLICIT_LE, BYTES(PRIVATE_LO("\4", "ABC\0")), true },
	{ "private number", DS_IMPLICIT_LE, BYTES(PRIVATE("\2", "\2\0")), DS_EXPLICIT_LE, BYTES(PRIVATE_US("\2\0")), true },
	{ "private number and blank", DS_IMPLICIT_LE, BYTES(PRIVATE("\2", "\2\0")), DS_EXPLICIT_LE, BYTES(PRIVATE_US("\2 ")), false },
	{ "private sequence as bytes", DS_IMPLICIT_LE, BYTES(PRIVATE("\x14", ITEM("\x0c") NAME("AB^C"))),
	  DS_EXPLICIT_LE, BYTES("\x29\0\x10\x10SQ\0\0\x14\0\0\0" ITEM("\x0c") EXPLICIT_NAME("AB^C")), true },
	{ "private sequence, item open", DS_IMPLICIT_LE, BYTES(PRIVATE("\x14", ITEM("\x0c") NAME("AB^C"))),
	  DS_EXPLICIT_LE, BYTES("\x29\0\x10\x10SQ\0\0\xff\xff\xff\xff" OPEN_ITEM EXPLICIT_NAME("AB^C") ITEM_END SEQUENCE_END), true },
	{ "private sequence of another text", DS_IMPLICIT_LE, BYTES(PRIVATE("\x14", ITEM("\x0c") NAME("AB^C"))),
	  DS_EXPLICIT_LE, BYTES("\x29\0\x10\x10SQ\0\0\x14\0\0\0" ITEM("\x0c") EXPLICIT_NAME("AB^D")), false },
	{ "private bytes that are no sequence", DS_IMPLICIT_LE, BYTES(PRIVATE("\4", "ABCD")), DS_EXPLICIT_LE, BYTES("\x29\0\x10\x10SQ\0\0\x8\0\0\0" ITEM("\0")), false },
	{ "empty sequence", DS_IMPLICIT_LE, BYTES(PRIVATE("\0", "")), DS_EXPLICIT_LE, BYTES("\x29\0\x10\x10SQ\0\0\0\0\0\0"), true },
	{ "an item more", DS_IMPLICIT_LE, BYTES("\x08\0\x40\x11\x8\0\0\0" ITEM("\0")), DS_IMPLICIT_LE, BYTES("\x08\0\x40\x11\x10\0\0\0" ITEM("\0") ITEM("\0")), false },
};

TEST(table, "headers are the same when only their encoding differs")
{
	for (size_t i = 0; i < NELEM(cases); i++) {
		bool before = t_bad;
		t_bad = false;
		arena_init(&arena, 1 << 20);
		struct dataset *a = parsed(cases[i].a, cases[i].a_enc), *b = parsed(cases[i].b, cases[i].b_enc);
		CHECK_INT(same_header(a, b, false), cases[i].same);
		CHECK_INT(same_header(b, a, false), cases[i].same);
		CHECK_INT(same_header(a, b, true), cases[i].same);
		arena_fini(&arena);
		if (t_bad)
			printf("# %s\n", cases[i].says);
		t_bad |= before;
	}
}

static struct dataset *colour(const char *photometric, int planar)
{
	struct dataset *ds = dataset_new(&arena);
	CHECK_INT(dataset_put_us(ds, TAG(0x0028, 0x0002), 3), ERR_OK);
	CHECK_INT(dataset_put_str(ds, TAG(0x0028, 0x0004), photometric), ERR_OK);
	if (planar >= 0)
		CHECK_INT(dataset_put_us(ds, TAG(0x0028, 0x0006), (uint16_t)planar), ERR_OK);
	return ds;
}

TEST(coded, "before compressed samples RGB is told as YBR_RCT and the planar configuration is not compared")
{
	arena_init(&arena, 1 << 20);
	CHECK(same_header(colour("RGB", 1), colour("YBR_RCT", 0), true));
	CHECK(same_header(colour("RGB", -1), colour("YBR_RCT", 0), true));
	CHECK(same_header(colour("RGB", 0), colour("RGB", -1), true));
	CHECK(!same_header(colour("YBR_FULL", 0), colour("YBR_RCT", 0), true));
	CHECK(!same_header(colour("YBR_RCT", 0), colour("RGB", 0), true));
	CHECK(!same_header(colour("RGB", 1), colour("RGB", 0), false));
	CHECK(!same_header(colour("RGB", 0), colour("YBR_RCT", 0), false));
	arena_fini(&arena);
}

int main(void)
{
	RUN(table);
	RUN(coded);
	return t_done();
}
