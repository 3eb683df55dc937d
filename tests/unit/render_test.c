/* The display chain on pixels small enough to reckon by hand. */
#include <stdlib.h>

#include "pacs/xcode/render.h"
#include "tests/lib/t.h"

static struct arena arena;
static struct dataset *header;
static struct image_desc desc;
static const struct render_options as_it_is;

static void begin(unsigned columns, unsigned allocated, unsigned stored, bool is_signed)
{
	arena_fini(&arena);
	arena_init(&arena, 1 << 20);
	header = dataset_new(&arena);
	desc = (struct image_desc){ .rows = 1, .columns = columns, .samples = 1, .frames = 1, .allocated = allocated, .stored = stored, .high_bit = stored - 1, .is_signed = is_signed };
	strcpy(desc.photometric, "MONOCHROME2");
}

static void put(uint32_t tag, const char *text)
{
	CHECK_INT(dataset_put_str(header, tag, text), ERR_OK);
}

static void put_bytes(struct dataset *ds, uint32_t tag, vr_t vr, struct bytes b)
{
	CHECK_INT(dataset_put(ds, tag, vr, b), ERR_OK);
}

/* The picture's bytes as "0 128 255". */
static const char *render(struct bytes samples, const struct render_options *o)
{
	static char text[400];           /* lent until the next call */
	struct picture p;
	struct why why = { "" };
	enum err e = render_frame(header, &desc, desc.photometric, samples.p, o, &p, &why);
	size_t at = 0;
	text[0] = 0;
	if (e) {
		snprintf(text, sizeof(text), "%s: %s", err_name(e), why.text);
		return text;
	}
	for (size_t i = 0; i < (size_t)p.width * p.height * p.channels; i++)
		at += (size_t)snprintf(text + at, sizeof(text) - at, i ? " %u" : "%u", p.p[i]);
	picture_fini(&p);
	return text;
}

static void window(const char *centre, const char *width, const char *function)
{
	put(TAG(0x0028, 0x1050), centre);
	put(TAG(0x0028, 0x1051), width);
	if (function)
		put(TAG(0x0028, 0x1056), function);
}

/* PS3.3 C.11.2.1.2: with centre 128 and width 256, 0 is black and 255 white, nothing in between is lost. */
TEST(linear, "the linear window maps 0..255 to itself, and is a step at width 1")
{
	begin(4, 8, 8, false);
	window("128", "256", NULL);
	CHECK_STR(render(BYTES("\0\1\200\377"), &as_it_is), "0 1 128 255");
	window("128", "1", NULL);
	CHECK_STR(render(BYTES("\0\177\200\377"), &as_it_is), "0 0 255 255");
}

TEST(functions, "exact and sigmoid windows")
{
	begin(3, 8, 8, false);
	window("100", "100", "LINEAR_EXACT");
	CHECK_STR(render(BYTES("\62\144\226"), &as_it_is), "0 128 255");
	window("100", "100", "SIGMOID");
	CHECK_STR(render(BYTES("\0\144\310"), &as_it_is), "5 128 250");
}

TEST(given, "a window that the caller gives goes before the header's, and one without width is refused")
{
	struct render_options o = { .has_window = true, .centre = 10, .width = 1 };
	begin(2, 8, 8, false);
	window("128", "256", NULL);
	CHECK_STR(render(BYTES("\11\12"), &o), "0 255");
	o.width = 0;
	CHECK_STR(render(BYTES("\11\12"), &o), "usage: a window of width 0");
}

TEST(rescale, "slope and intercept come before the window, signed samples and unused bits in mind")
{
	begin(3, 16, 12, true);
	put(TAG(0x0028, 0x1053), "2");
	put(TAG(0x0028, 0x1052), "-1000");
	window("-1000", "4", "LINEAR_EXACT");
	/* -1, 0, +1 in 12 bits, the four bits above them as dirty as they come. */
	CHECK_STR(render(BYTES("\377\17\0\240\1\0"), &as_it_is), "0 128 255");
}

TEST(own_range, "without a window the frame's own range is used, padding left out and drawn black")
{
	begin(4, 16, 16, false);
	put_bytes(header, TAG(0x0028, 0x0120), VR_US, BYTES("\377\377"));
	CHECK_STR(render(BYTES("\377\377\144\0\226\0\310\0"), &as_it_is), "0 0 128 255");
}

TEST(inverted, "MONOCHROME1 is inverted after the window; its padding stays black")
{
	begin(3, 8, 8, false);
	strcpy(desc.photometric, "MONOCHROME1");
	put_bytes(header, TAG(0x0028, 0x0120), VR_US, BYTES("\7\0"));
	window("128", "256", NULL);
	CHECK_STR(render(BYTES("\0\377\7"), &as_it_is), "255 0 0");
}

TEST(flat, "a frame of one value is no division by nothing")
{
	begin(2, 8, 8, false);
	CHECK_STR(render(BYTES("\5\5"), &as_it_is), "128 128");
}

static void put_lut(uint32_t sequence, struct bytes descriptor, struct bytes data)
{
	struct dataset *item = dataset_add_item(header, sequence);
	put_bytes(item, TAG(0x0028, 0x3002), VR_US, descriptor);
	put_bytes(item, TAG(0x0028, 0x3006), VR_OW, data);
}

TEST(luts, "modality and VOI tables: first entry below, last above")
{
	begin(4, 8, 8, false);
	put_lut(TAG(0x0028, 0x3010), BYTES("\3\0\12\0\10\0"), BYTES("\0\0\144\0\377\0"));
	CHECK_STR(render(BYTES("\0\12\13\377"), &as_it_is), "0 0 100 255");
	begin(2, 8, 8, false);
	put_lut(TAG(0x0028, 0x3000), BYTES("\2\0\0\0\20\0"), BYTES("\0\0\350\3"));
	window("500", "1000", "LINEAR_EXACT");
	CHECK_STR(render(BYTES("\0\1"), &as_it_is), "0 255");
}

TEST(broken_lut, "a table shorter than it says is passed over")
{
	begin(2, 8, 8, false);
	put_lut(TAG(0x0028, 0x3010), BYTES("\0\1\0\0\20\0"), BYTES("\0\0\1\0"));
	CHECK_STR(render(BYTES("\0\1"), &as_it_is), "0 255");
}

TEST(palette, "palettes of 16 bits give their high byte, of bytes the byte")
{
	begin(2, 8, 8, false);
	strcpy(desc.photometric, "PALETTE COLOR");
	for (uint32_t c = 0; c < 3; c++)
		put_bytes(header, TAG(0x0028, 0x1101) + c, VR_US, c ? BYTES("\2\0\0\0\20\0") : BYTES("\2\0\0\0\10\0"));
	put_bytes(header, TAG(0x0028, 0x1201), VR_OW, BYTES("\1\2"));
	put_bytes(header, TAG(0x0028, 0x1202), VR_OW, BYTES("\0\3\0\4"));
	put_bytes(header, TAG(0x0028, 0x1203), VR_OW, BYTES("\0\5\0\6"));
	CHECK_STR(render(BYTES("\0\1"), &as_it_is), "1 3 5 2 4 6");
}

/* Two values, a line of two steps, and the first segment once more. */
#define SEGMENTED "\0\0\2\0\0\1\0\2" "\1\0\2\0\0\6" "\2\0\1\0\0\0\0\0"

TEST(segmented, "a segmented palette is expanded; one that overruns, nests or comes short is refused")
{
	static const struct { struct bytes data; const char *want; } cases[] = {
		{ BYTES(SEGMENTED), "1 1 1 2 2 2 4 4 4 6 6 6 1 1 1 2 2 2" },
		{ BYTES("\0\0\7\0" "aabbccddeeffgg"), "unsupported: PALETTE COLOR without a palette that makes sense" },
		{ BYTES("\0\0\2\0\0\1\0\2"), "unsupported: PALETTE COLOR without a palette that makes sense" },
		{ BYTES("\1\0\6\0\0\6"), "unsupported: PALETTE COLOR without a palette that makes sense" },
		{ BYTES("\2\0\1\0\0\0\0\0"), "unsupported: PALETTE COLOR without a palette that makes sense" },
		{ BYTES("\0\0\377\377\1\1"), "unsupported: PALETTE COLOR without a palette that makes sense" },
	};
	for (size_t i = 0; i < NELEM(cases); i++) {
		begin(6, 8, 8, false);
		strcpy(desc.photometric, "PALETTE COLOR");
		for (uint32_t c = 0; c < 3; c++) {
			put_bytes(header, TAG(0x0028, 0x1101) + c, VR_US, BYTES("\6\0\0\0\20\0"));
			put_bytes(header, TAG(0x0028, 0x1221) + c, VR_OW, cases[i].data);
		}
		CHECK_STR(render(BYTES("\0\1\2\3\4\5"), &as_it_is), cases[i].want);
	}
}

TEST(colour, "YBR_FULL becomes RGB: white, black and red")
{
	begin(3, 8, 8, false);
	desc.samples = 3;
	strcpy(desc.photometric, "YBR_FULL");
	CHECK_STR(render(BYTES("\377\200\200" "\0\200\200" "\114\125\377"), &as_it_is), "255 255 255 0 0 0 254 0 0");
	strcpy(desc.photometric, "HSV");
	CHECK_STR(render(BYTES("\0\0\0\0\0\0\0\0\0"), &as_it_is), "unsupported: colour as HSV");
}

TEST(smaller, "a smaller picture is the mean of what falls on each pixel, and never larger than the frame")
{
	struct render_options o = { .max_width = 2, .max_height = 9 };
	begin(4, 8, 8, false);
	window("128", "256", NULL);
	CHECK_STR(render(BYTES("\0\12\144\156"), &o), "5 105");
	o.max_width = 100;
	CHECK_STR(render(BYTES("\0\12\144\156"), &o), "0 10 100 110");
}

int main(void)
{
	RUN(linear);
	RUN(functions);
	RUN(given);
	RUN(rescale);
	RUN(own_range);
	RUN(inverted);
	RUN(flat);
	RUN(luts);
	RUN(broken_lut);
	RUN(palette);
	RUN(segmented);
	RUN(colour);
	RUN(smaller);
	arena_fini(&arena);
	return t_done();
}
