/* Where frames are in encapsulated pixel data: each rule of dicom-notes on its own, and broken tables. */
#include "pacs/xcode/codec.h"
#include "tests/lib/t.h"

#define ITEM "\xFE\xFF\x00\xE0"
#define END "\xFE\xFF\xDD\xE0\0\0\0\0"
#define NO_TABLE ITEM "\0\0\0\0"
/* Fragments of four bytes: 12 apart. J is the start of a stream. */
#define J1 ITEM "\4\0\0\0\xFF\xD8\xFF\1"
#define J2 ITEM "\4\0\0\0\xFF\xD8\xFF\2"
#define J3 ITEM "\4\0\0\0\xFF\xD8\xFF\3"
#define MORE ITEM "\4\0\0\0more"
#define VOID ITEM "\0\0\0\0"

/* Frames are written as their fragments' last bytes: "1|2e|3". */
static const struct { const char *says; unsigned frames; struct bytes value, ext; const char *want; } cases[] = {
	{ "as many fragments as frames", 3, BYTES(NO_TABLE J1 J2 J3 END), { 0 }, "1|2|3" },
	{ "one frame of many fragments", 1, BYTES(NO_TABLE J1 MORE MORE END), { 0 }, "1ee" },
	{ "by the offset table", 2, BYTES(ITEM "\10\0\0\0\0\0\0\0\30\0\0\0" J1 MORE J2 MORE END), { 0 }, "1e|2e" },
	{ "offsets from the start of the file", 2, BYTES(ITEM "\10\0\0\0\0\1\0\0\30\1\0\0" J1 MORE J2 END), { 0 }, "1e|2" },
	{ "offsets that forget the item heads", 2, BYTES(ITEM "\10\0\0\0\0\0\0\0\10\0\0\0" J1 MORE J2 END), { 0 }, "1e|2" },
	{ "a table that goes nowhere, then by stream starts", 2, BYTES(ITEM "\10\0\0\0\0\0\0\0\7\0\0\0" J1 MORE J2 END), { 0 }, "1e|2" },
	{ "a table that goes back", 2, BYTES(ITEM "\10\0\0\0\0\0\0\0\0\0\0\0" J1 MORE J2 END), { 0 }, "1e|2" },
	{ "by stream starts", 2, BYTES(NO_TABLE J1 MORE J2 MORE END), { 0 }, "1e|2e" },
	{ "by the extended table", 2, BYTES(NO_TABLE J1 MORE J2 END), BYTES("\0\0\0\0\0\0\0\0\30\0\0\0\0\0\0\0"), "1e|2" },
	{ "an extended table too short is passed over", 2, BYTES(NO_TABLE J1 MORE J2 END), BYTES("\0\0\0\0\0\0\0\0"), "1e|2" },
	{ "empty fragments do not count", 2, BYTES(NO_TABLE J1 VOID J2 END), { 0 }, "1|2" },
	{ "no delimiter at the end", 2, BYTES(NO_TABLE J1 J2), { 0 }, "1|2" },
	{ "the last fragment cut", 1, BYTES(NO_TABLE ITEM "\377\0\0\0abcd"), { 0 }, "d" },
	{ "a delimiter inside a fragment is data", 1, BYTES(NO_TABLE ITEM "\10\0\0\0" END END), { 0 }, "\340" },
	{ "fragments that tell nothing", 2, BYTES(NO_TABLE J1 MORE MORE END), { 0 }, NULL },
	{ "fewer fragments than frames", 3, BYTES(NO_TABLE J1 J2 END), { 0 }, NULL },
	{ "no item at all", 1, BYTES("plain pixels"), { 0 }, NULL },
	{ "a table and nothing else", 1, BYTES(NO_TABLE END), { 0 }, NULL },
	{ "an item of undefined length", 1, BYTES(ITEM "\377\377\377\377" J1), { 0 }, NULL },
};

static struct image_desc desc(unsigned frames)
{
	struct image_desc d = { .rows = 2, .columns = 3, .samples = 1, .frames = frames, .allocated = 8, .stored = 8, .high_bit = 7 };
	strcpy(d.photometric, "MONOCHROME2");
	return d;
}

/* The last byte of each fragment, found again by the fragments' length of four. */
static void describe(const struct frame_index *fx, unsigned frames, char out[64])
{
	struct buf tmp;
	struct why why;
	struct bytes b;
	size_t at = 0;
	buf_init(&tmp, 1 << 16);
	for (unsigned n = 0; n < frames; n++) {
		CHECK_OK(frame_get(fx, n, &tmp, &b, &why), why);
		if (n)
			out[at++] = '|';
		for (size_t i = 3; i < b.len; i += 4) {
			char c = (char)b.p[i];
			out[at++] = c > 0 && c < 10 ? (char)('0' + c) : c;
		}
	}
	out[at] = 0;
	CHECK_INT(frame_get(fx, frames, &tmp, &b, &why), ERR_NOT_FOUND);
	buf_fini(&tmp);
}

TEST(rules, "each frame's fragments are found, by table, count or stream starts")
{
	for (size_t i = 0; i < NELEM(cases); i++) {
		struct image_desc d = desc(cases[i].frames);
		struct frame_index *fx;
		struct why why = { "" };
		char seen[64] = "";
		enum err e = frame_index_new(&d, ts_find(TS_JPEG_BASELINE), cases[i].value, cases[i].ext, &fx, &why);
		if (!e)
			describe(fx, d.frames, seen);
		if (e ? cases[i].want != NULL : !cases[i].want || strcmp(seen, cases[i].want))
			T_FAIL("%s: got %s \"%s\" %s, wanted \"%s\"", cases[i].says, err_name(e), seen, why.text, cases[i].want ? cases[i].want : "an error");
		frame_index_free(&fx);
	}
}

TEST(native, "native frames lie one after the other, and too few bytes are refused with numbers")
{
	struct image_desc d = desc(2);
	struct frame_index *fx;
	struct why why = { "" };
	struct buf tmp;
	struct bytes b;
	buf_init(&tmp, 16);
	CHECK_OK(frame_index_new(&d, ts_find(TS_EXPLICIT_LE), BYTES("abcdefABCDEF"), (struct bytes){ 0 }, &fx, &why), why);
	CHECK_OK(frame_get(fx, 1, &tmp, &b, &why), why);
	CHECK(b.len == 6 && !memcmp(b.p, "ABCDEF", 6));
	frame_index_free(&fx);
	CHECK_INT(frame_index_new(&d, ts_find(TS_EXPLICIT_LE), BYTES("abcdefABCDE"), (struct bytes){ 0 }, &fx, &why), ERR_FORMAT);
	CHECK_STR(why.text, "pixel data of 11 bytes, 2 frames of 6 wanted");
	CHECK(fx == NULL);
	buf_fini(&tmp);
}

TEST(cut, "pixel data cut at any byte is an answer, not a crash")
{
	struct bytes whole = BYTES(ITEM "\10\0\0\0\0\0\0\0\30\0\0\0" J1 MORE J2 MORE END);
	for (size_t len = 0; len < whole.len; len++) {
		struct image_desc d = desc(2);
		struct frame_index *fx;
		struct why why;
		uint8_t copy[128];
		memcpy(copy, whole.p, len);
		if (frame_index_new(&d, ts_find(TS_JPEG_BASELINE), bytes_of(copy, len), (struct bytes){ 0 }, &fx, &why) == ERR_OK)
			CHECK(len > 36);
		frame_index_free(&fx);
	}
}

int main(void)
{
	RUN(rules);
	RUN(native);
	RUN(cut);
	return t_done();
}
