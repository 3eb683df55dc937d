/* The display chain on pixels small enough to reckon by hand. */
#include <math.h>
#include <stdlib.h>

#include "pacs/render/render.h"
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
	struct render_options o = { .grey = { .has_window = true, .centre = 10, .width = 1 } };
	begin(2, 8, 8, false);
	window("128", "256", NULL);
	CHECK_STR(render(BYTES("\11\12"), &o), "0 255");
	o.grey.width = 0;
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
	CHECK_STR(render(BYTES("\5\5"), &as_it_is), "0 0");
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
	CHECK_STR(render(BYTES("\0\0\0\0\0\0\0\0\0"), &as_it_is), "unsupported: colour as HSV; known are RGB, YBR_FULL, YBR_FULL_422, YBR_ICT, YBR_RCT and PALETTE COLOR");
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

TEST(choice, "of several windows and tables one is chosen by its number or name; another one is an error that names them")
{
	struct render_options o = { .grey.number = 2 };
	begin(2, 8, 8, false);
	put(TAG(0x0028, 0x1050), "128\\10\\100");
	put(TAG(0x0028, 0x1051), "256\\1\\0");
	put(TAG(0x0028, 0x1055), "ALL\\BONE");
	put_lut(TAG(0x0028, 0x3010), BYTES("\2\0\11\0\10\0"), BYTES("\7\11"));
	CHECK_INT(dataset_put_str(dataset_item(header, TAG(0x0028, 0x3010), 0), TAG(0x0028, 0x3003), "TABLE"), ERR_OK);
	CHECK_STR(render(BYTES("\11\12"), &o), "0 255");
	o.grey = (struct grey_choice){ .name = "ALL" };
	CHECK_STR(render(BYTES("\11\12"), &o), "9 10");
	o.grey = (struct grey_choice){ .number = 3 };          /* the third window is none: it has no width */
	CHECK_STR(render(BYTES("\11\12"), &o), "7 9");
	o.grey = (struct grey_choice){ .name = "TABLE" };
	CHECK_STR(render(BYTES("\11\12"), &o), "7 9");
	o.grey = (struct grey_choice){ .number = 4 };
	CHECK_STR(render(BYTES("\11\12"), &o), "not_found: window 4 of 3");
	o.grey = (struct grey_choice){ .name = "LUNG" };
	CHECK_STR(render(BYTES("\11\12"), &o), "not_found: no window is named \"LUNG\"; there are 3: \"ALL\" \"BONE\" \"TABLE\"");
}

TEST(shape, "INVERSE inverts, with MONOCHROME1 it is one inversion; the caller's is one more")
{
	struct render_options o = { .grey.is_inverted = true };
	begin(2, 8, 8, false);
	window("128", "256", NULL);
	put(TAG(0x2050, 0x0020), "INVERSE");
	CHECK_STR(render(BYTES("\0\12"), &as_it_is), "255 245");
	strcpy(desc.photometric, "MONOCHROME1");
	CHECK_STR(render(BYTES("\0\12"), &as_it_is), "255 245");
	CHECK_STR(render(BYTES("\0\12"), &o), "0 10");
}

TEST(padding_range, "a range of padding is black, whichever limit is said first")
{
	begin(4, 16, 16, true);
	put_bytes(header, TAG(0x0028, 0x0120), VR_US, BYTES("\376\377"));      /* -2, as US */
	put_bytes(header, TAG(0x0028, 0x0121), VR_SS, BYTES("\374\377"));      /* -4 */
	window("0", "100", "LINEAR_EXACT");
	CHECK_STR(render(BYTES("\374\377\375\377\376\377\377\377"), &as_it_is), "0 0 0 125");
}

TEST(high_bit, "samples stand where High Bit says")
{
	begin(2, 16, 8, false);
	desc.high_bit = 11;
	window("128", "256", NULL);
	CHECK_STR(render(BYTES("\17\360\360\17"), &as_it_is), "0 255");
}

static void put_overlay(unsigned group, struct bytes bits, uint16_t rows, uint16_t columns, const char *frames)
{
	uint32_t base = group << 16;
	CHECK_INT(dataset_put_us(header, base | 0x10, rows), ERR_OK);
	CHECK_INT(dataset_put_us(header, base | 0x11, columns), ERR_OK);
	CHECK_INT(dataset_put_us(header, base | 0x100, 1), ERR_OK);
	CHECK_INT(dataset_put_us(header, base | 0x102, 0), ERR_OK);
	if (frames)
		CHECK_INT(dataset_put(header, base | 0x15, VR_IS, bytes_str(frames)), ERR_OK);
	put_bytes(header, base | 0x3000, VR_OW, bits);
}

TEST(overlays, "overlays are white: a bitmap with its origin, one for each frame, and one in unused bits; and they can be left out")
{
	struct render_options o = { .frame = 1 }, none = { .no_overlays = true };
	begin(4, 8, 8, false);
	window("128", "256", NULL);
	put_overlay(0x6000, BYTES("\5\0"), 1, 3, NULL);
	put_bytes(header, TAG(0x6000, 0x0050), VR_SS, BYTES("\1\0\2\0"));      /* row 1, column 2 */
	CHECK_STR(render(BYTES("\1\1\1\1"), &as_it_is), "1 255 1 255");
	CHECK_STR(render(BYTES("\1\1\1\1"), &none), "1 1 1 1");
	put_bytes(header, TAG(0x6000, 0x0050), VR_SS, BYTES("\1\0\0\0"));      /* one column left of the image */
	CHECK_STR(render(BYTES("\1\1\1\1"), &as_it_is), "1 255 1 1");
	begin(4, 8, 8, false);
	window("128", "256", NULL);
	put_overlay(0x6002, BYTES("\201\0"), 1, 4, "2");
	CHECK_STR(render(BYTES("\1\1\1\1"), &as_it_is), "255 1 1 1");
	CHECK_STR(render(BYTES("\1\1\1\1"), &o), "1 1 1 255");
	begin(2, 16, 12, false);
	window("2048", "4096", NULL);
	CHECK_INT(dataset_put_us(header, TAG(0x6000, 0x10), 1), ERR_OK);
	CHECK_INT(dataset_put_us(header, TAG(0x6000, 0x11), 2), ERR_OK);
	CHECK_INT(dataset_put_us(header, TAG(0x6000, 0x100), 16), ERR_OK);
	CHECK_INT(dataset_put_us(header, TAG(0x6000, 0x102), 13), ERR_OK);
	CHECK_STR(render(BYTES("\0\40\0\20"), &as_it_is), "255 0");
	CHECK_INT(dataset_put_us(header, TAG(0x6000, 0x102), 3), ERR_OK);      /* a bit of the samples is no overlay */
	CHECK_STR(render(BYTES("\10\0\0\0"), &as_it_is), "0 0");
}

TEST(short_overlay, "an overlay with fewer bits than it says is passed over")
{
	begin(4, 8, 8, false);
	window("128", "256", NULL);
	put_overlay(0x6000, BYTES("\377\377"), 100, 100, NULL);
	CHECK_STR(render(BYTES("\1\1\1\1"), &as_it_is), "1 1 1 1");
}

TEST(supplement, "with a supplemental palette the values from its first on are colours, those below grey")
{
	begin(2, 8, 8, false);
	window("128", "256", NULL);
	put(TAG(0x0008, 0x9205), "MIXED");
	for (uint32_t c = 0; c < 3; c++) {
		put_bytes(header, TAG(0x0028, 0x1101) + c, VR_US, BYTES("\1\0\310\0\10\0"));
		put_bytes(header, TAG(0x0028, 0x1201) + c, VR_OW, c == 0 ? BYTES("\11\0") : BYTES("\12\0"));
	}
	CHECK_STR(render(BYTES("\1\310"), &as_it_is), "1 1 1 9 10 10");
}

static void begin_square(unsigned side)
{
	begin(side, 8, 8, false);
	desc.rows = side;
	window("128", "256", NULL);
}

#define ONES "\1\1\1\1\1\1\1\1\1"

TEST(shutters, "a shutter hides its edges and what is outside; several hide what any hides; the value is its own")
{
	struct render_options no = { .no_shutter = true };
	begin_square(3);
	put(TAG(0x0018, 0x1600), "RECTANGULAR\\CIRCULAR");
	put(TAG(0x0018, 0x1602), "0");
	put(TAG(0x0018, 0x1604), "3");
	put(TAG(0x0018, 0x1606), "0");
	put(TAG(0x0018, 0x1608), "4");
	put(TAG(0x0018, 0x1610), "2\\2");
	put(TAG(0x0018, 0x1612), "1");
	CHECK_STR(render(BYTES(ONES), &as_it_is), "0 1 0 1 1 0 0 1 0");
	CHECK_STR(render(BYTES(ONES), &no), "1 1 1 1 1 1 1 1 1");
	put(TAG(0x0018, 0x1600), "POLYGONAL");
	put(TAG(0x0018, 0x1620), "0\\0\\0\\5\\5\\0");
	CHECK_INT(dataset_put_us(header, TAG(0x0018, 0x1622), 0xffff), ERR_OK);
	CHECK_STR(render(BYTES(ONES), &as_it_is), "1 1 1 1 1 255 1 255 255");
}

TEST(aspect, "pixels twice as high as wide are drawn so, and left as they are when that is asked")
{
	struct render_options stored = { .as_stored = true };
	begin(2, 8, 8, false);
	window("128", "256", NULL);
	put(TAG(0x0028, 0x0034), "2\\1");
	CHECK_STR(render(BYTES("\1\11"), &as_it_is), "1 9 1 9");
	CHECK_STR(render(BYTES("\1\11"), &stored), "1 9");
	put(TAG(0x0028, 0x0034), "1\\0");
	CHECK_STR(render(BYTES("\1\11"), &as_it_is), "1 9");
}

TEST(larger, "a larger picture has lines between the pixels")
{
	struct render_options o = { .max_width = 4, .max_height = 1, .may_enlarge = true };
	begin(2, 8, 8, false);
	window("128", "256", NULL);
	put(TAG(0x0028, 0x0034), "1\\2");
	CHECK_STR(render(BYTES("\0\144"), &o), "0 25 75 100");
}

/* 1 2 3 / 4 5 6 seen in every way. */
TEST(turned, "flipped, then turned clockwise; and points go where their pixels go")
{
	static const char *const want[2][4] = {
		{ "123456", "415263", "654321", "362514" },
		{ "321654", "635241", "456123", "142536" },
	};
	for (unsigned k = 0; k < 8; k++) {
		struct view v = { .width = 3, .height = 2, .turns = k & 3, .is_flipped = k > 3 };
		struct picture p;
		struct why why;
		char got[7] = "";
		double x, y;
		view_fit(&v, 1, 0, 0, false);
		CHECK_OK(picture_init(&p, 3, 2, 1, &why), why);
		memcpy(p.p, "123456", 6);
		CHECK_OK(view_take(&v, &p, &why), why);
		memcpy(got, p.p, 6);
		CHECK_STR(got, want[k > 3][k & 3]);
		view_point(&v, 2.5, 0.5, &x, &y);        /* pixel 3 */
		CHECK_INT(p.p[(unsigned)y * p.width + (unsigned)x], '3');
		picture_fini(&p);
	}
}

TEST(part, "part of a picture, reaching outside: what is not there is black")
{
	struct view v = { .x = -1, .y = 0, .width = 4, .height = 1 };
	struct picture p;
	struct why why;
	view_fit(&v, 1, 2, 0, false);
	CHECK_OK(picture_init(&p, 2, 1, 1, &why), why);
	memset(p.p, 100, 2);
	CHECK_OK(view_take(&v, &p, &why), why);
	CHECK_INT(p.width * 1000 + p.p[0] * 1u, 2050);
	CHECK_INT(p.p[1], 50);
	picture_fini(&p);
}

TEST(flat_scaled, "a flat picture stays flat at any size")
{
	for (unsigned side = 1; side < 40; side++) {
		struct view v = { .width = 17, .height = 17 };
		struct picture p;
		struct why why;
		view_fit(&v, 1, side, side, true);
		CHECK_OK(picture_init(&p, 17, 17, 1, &why), why);
		memset(p.p, 201, 17 * 17);
		CHECK_OK(view_take(&v, &p, &why), why);
		for (unsigned i = 0; i < p.width * p.height; i++)
			if (p.p[i] != 201)
				T_FAIL("side %u: %u at %u", side, p.p[i], i);
		picture_fini(&p);
	}
}

/* ---- presentation states ---- */

static struct dataset *state_ds;
static void begin_state(void)
{
	state_ds = dataset_new(&arena);
	struct dataset *series = dataset_add_item(state_ds, TAG(0x0008, 0x1115));
	struct dataset *image = dataset_add_item(series, TAG(0x0008, 0x1140));
	CHECK_INT(dataset_put_str(image, TAG(0x0008, 0x1155), "1.2.3"), ERR_OK);
	dataset_add_item(state_ds, TAG(0x0070, 0x005A));
}

static const char *render_state(struct bytes samples)
{
	static char text[400];
	struct state s;
	struct why why = { "" };
	struct render_options o = { .state = &s };
	if (state_read(state_ds, "1.2.3", 0, &s, &why)) {
		snprintf(text, sizeof(text), "%s", why.text);
		return text;
	}
	return render(samples, &o);
}

static void area(struct bytes tlhc, struct bytes brhc)
{
	struct dataset *item = dataset_item(state_ds, TAG(0x0070, 0x005A), 0);
	put_bytes(item, TAG(0x0070, 0x0052), VR_SL, tlhc);
	put_bytes(item, TAG(0x0070, 0x0053), VR_SL, brhc);
}

TEST(state_chain, "a state's LUTs stand in the image's place, and what it does not say is as it comes")
{
	begin(2, 8, 8, false);
	window("10", "1", NULL);
	put(TAG(0x0028, 0x1053), "100");
	strcpy(desc.photometric, "MONOCHROME1");
	begin_state();
	CHECK_STR(render_state(BYTES("\0\12")), "0 10");
	CHECK_INT(dataset_put_str(state_ds, TAG(0x2050, 0x0020), "INVERSE"), ERR_OK);
	CHECK_STR(render_state(BYTES("\0\12")), "255 245");
	struct dataset *voi = dataset_add_item(state_ds, TAG(0x0028, 0x3110));
	CHECK_INT(dataset_put_str(voi, TAG(0x0028, 0x1050), "6"), ERR_OK);
	CHECK_INT(dataset_put_str(voi, TAG(0x0028, 0x1051), "1"), ERR_OK);
	CHECK_STR(render_state(BYTES("\0\12")), "255 0");
	struct dataset *lut = dataset_add_item(state_ds, TAG(0x2050, 0x0010));
	put_bytes(lut, TAG(0x0028, 0x3002), VR_US, BYTES("\2\0\0\0\10\0"));
	put_bytes(lut, TAG(0x0028, 0x3006), VR_OW, BYTES("\144\310"));
	dataset_remove(state_ds, TAG(0x2050, 0x0020));
	CHECK_STR(render_state(BYTES("\0\12")), "100 200");
}

TEST(state_place, "a state turns, flips and shows its area; a state for another image is refused")
{
	begin(3, 8, 8, false);
	begin_state();
	CHECK_INT(dataset_put_us(state_ds, TAG(0x0070, 0x0042), 180), ERR_OK);
	CHECK_STR(render_state(BYTES("\1\2\3")), "3 2 1");
	CHECK_INT(dataset_put_str(state_ds, TAG(0x0070, 0x0041), "Y"), ERR_OK);
	CHECK_STR(render_state(BYTES("\1\2\3")), "1 2 3");
	area(BYTES("\2\0\0\0\1\0\0\0"), BYTES("\4\0\0\0\1\0\0\0"));
	CHECK_STR(render_state(BYTES("\1\2\3")), "2 3 0");
	dataset_remove(state_ds, TAG(0x0070, 0x0041));
	area(BYTES("\3\0\0\0\1\0\0\0"), BYTES("\2\0\0\0\1\0\0\0"));
	CHECK_STR(render_state(BYTES("\1\2\3")), "3 2");
	CHECK_INT(dataset_put_str(dataset_item(dataset_item(state_ds, TAG(0x0008, 0x1115), 0), TAG(0x0008, 0x1140), 0), TAG(0x0008, 0x1155), "1.2.4"), ERR_OK);
	CHECK_STR(render_state(BYTES("\1\2\3")), "the presentation state is for other images than 1.2.3, frame 1");
}

static void graphic(const char *type, const char *units, const float *at, unsigned points, const char *filled)
{
	struct dataset *note = dataset_add_item(state_ds, TAG(0x0070, 0x0001));
	struct dataset *o = dataset_add_item(note, TAG(0x0070, 0x0009));
	CHECK_INT(dataset_put_str(o, TAG(0x0070, 0x0023), type), ERR_OK);
	CHECK_INT(dataset_put_str(o, TAG(0x0070, 0x0005), units), ERR_OK);
	CHECK_INT(dataset_put_str(o, TAG(0x0070, 0x0024), filled), ERR_OK);
	put_bytes(o, TAG(0x0070, 0x0022), VR_FL, bytes_of(at, 2 * points * sizeof(*at)));
}

TEST(state_graphics, "lines in pixels and in parts of what is shown, filled shapes, and no harm from points that are no numbers")
{
	static const float row[] = { 0.5f, 1.5f, 2.5f, 1.5f }, top[] = { 0, 0, 0.9f, 0 }, box[] = { 1, 1, 3, 1, 3, 3, 1, 3, 1, 1 };
	static const float wild[] = { (float)NAN, 1e30f, -1e30f, 1e30f };
	begin_square(3);
	begin_state();
	graphic("POLYLINE", "PIXEL", row, 2, "N");
	CHECK_STR(render_state(BYTES(ONES)), "1 1 1 255 255 255 1 0 0");
	begin_state();
	graphic("POLYLINE", "DISPLAY", top, 2, "N");
	CHECK_STR(render_state(BYTES(ONES)), "255 255 255 1 0 0 1 1 1");
	begin_state();
	graphic("POLYLINE", "PIXEL", box, 5, "Y");
	CHECK_STR(render_state(BYTES(ONES)), "1 1 1 1 255 255 1 255 255");
	begin_state();
	graphic("INTERPOLATED", "PIXEL", wild, 2, "Y");
	graphic("ELLIPSE", "PIXEL", wild, 2, "Y");
	CHECK_STR(render_state(BYTES(ONES)), "1 1 1 1 1 1 1 1 1");
}

/* ---- files ---- */

TEST(files, "a PNG has its size and a JPEG its marker")
{
	struct picture p;
	struct why why;
	struct buf b;
	CHECK_OK(picture_init(&p, 300, 7, 3, &why), why);
	buf_init(&b, 1 << 20);
	CHECK_OK(picture_png(&p, &b, &why), why);
	CHECK_INT(be32(b.p + 16), 300);
	CHECK_INT(be32(b.p + 20), 7);
	buf_reset(&b);
	CHECK_OK(picture_jpeg(&p, 90, &b, &why), why);
	CHECK_INT(be16(b.p), 0xffd8);
	buf_fini(&b);
	buf_init(&b, 10);
	CHECK_INT(picture_png(&p, &b, &why), ERR_LIMIT);
	buf_fini(&b);
	picture_fini(&p);
	CHECK_INT(picture_init(&p, 40000, 1, 1, &why), ERR_LIMIT);
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
	RUN(choice);
	RUN(shape);
	RUN(padding_range);
	RUN(high_bit);
	RUN(overlays);
	RUN(short_overlay);
	RUN(supplement);
	RUN(shutters);
	RUN(aspect);
	RUN(larger);
	RUN(turned);
	RUN(part);
	RUN(flat_scaled);
	RUN(state_chain);
	RUN(state_place);
	RUN(state_graphics);
	RUN(files);
	arena_fini(&arena);
	return t_done();
}
