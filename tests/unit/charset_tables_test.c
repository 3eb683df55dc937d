/* Every code of every repertoire: read, written again, and the same bytes; and every character of Unicode through the
 * two sets that have them all. */
#include "pacs/dicom/charset.h"

#include "pacs/dicom/utf8.h"
#include "tests/lib/t.h"

/* Is this read in its set? `shown` gets the text when it is then not written as the same bytes. */
static bool comes_back(const char *declared, struct bytes raw, char shown[16])
{
	struct buf text, again;
	struct why why;
	buf_init(&text, 64);
	buf_init(&again, 64);
	enum charset_how how = charset_to_utf8(declared, NULL, VR_UT, raw, &text);
	bool is_there = how == CHARSET_DECLARED;
	if (is_there && (charset_from_utf8(declared, VR_UT, buf_cstr(&text), &again, &why) || !bytes_equal(buf_view(&again), raw)))
		snprintf(shown, 16, "%s", text.len < 16 ? buf_cstr(&text) : "?");
	buf_fini(&text);
	buf_fini(&again);
	return is_there;
}

struct table { const char *declared, *before, *behind; uint8_t first[2], second[2]; unsigned least, most, read_only; };

/* `second` 0: one byte. least..most: how many codes the repertoire has, as the standards count them and glibc knows them.
 * GB 2312 is read with what GBK has in its rows, GBK as GB18030; neither is written so. */
static const struct table tables[] = {
	{ "ISO_IR 100", "", "", { 0xA0, 0xFF }, { 0, 0 }, 96, 96, 0 },
	{ "ISO_IR 101", "", "", { 0xA0, 0xFF }, { 0, 0 }, 96, 96, 0 },
	{ "ISO_IR 109", "", "", { 0xA0, 0xFF }, { 0, 0 }, 89, 89, 0 },
	{ "ISO_IR 110", "", "", { 0xA0, 0xFF }, { 0, 0 }, 96, 96, 0 },
	{ "ISO_IR 144", "", "", { 0xA0, 0xFF }, { 0, 0 }, 96, 96, 0 },
	{ "ISO_IR 127", "", "", { 0xA0, 0xFF }, { 0, 0 }, 51, 51, 0 },
	{ "ISO_IR 126", "", "", { 0xA0, 0xFF }, { 0, 0 }, 90, 93, 0 },
	{ "ISO_IR 138", "", "", { 0xA0, 0xFF }, { 0, 0 }, 58, 60, 0 },
	{ "ISO_IR 148", "", "", { 0xA0, 0xFF }, { 0, 0 }, 96, 96, 0 },
	{ "ISO_IR 203", "", "", { 0xA0, 0xFF }, { 0, 0 }, 96, 96, 0 },
	{ "ISO_IR 166", "", "", { 0xA1, 0xFF }, { 0, 0 }, 87, 87, 0 },
	{ "ISO_IR 13", "", "", { 0xA1, 0xDF }, { 0, 0 }, 63, 63, 0 },
	{ "\\ISO 2022 IR 100", "\x1B-A", "", { 0xA0, 0xFF }, { 0, 0 }, 96, 96, 0 },
	{ "\\ISO 2022 IR 203", "\x1B-b", "", { 0xA0, 0xFF }, { 0, 0 }, 96, 96, 0 },
	{ "\\ISO 2022 IR 13", "\x1B)I", "", { 0xA1, 0xDF }, { 0, 0 }, 63, 63, 0 },
	{ "\\ISO 2022 IR 58", "\x1B$)A", "", { 0xA1, 0xF7 }, { 0xA1, 0xFE }, 7445, 7478, 33 },
	{ "\\ISO 2022 IR 149", "\x1B$)C", "", { 0xA1, 0xFE }, { 0xA1, 0xFE }, 8225, 8228, 0 },
	{ "\\ISO 2022 IR 87", "\x1B$B", "\x1B(B", { 0x21, 0x7E }, { 0x21, 0x7E }, 6879, 6879, 0 },
	{ "\\ISO 2022 IR 159", "\x1B$(D", "\x1B(B", { 0x21, 0x7E }, { 0x21, 0x7E }, 6067, 6067, 0 },
	{ "GBK", "", "", { 0x81, 0xFE }, { 0x40, 0xFE }, 21886, 23940, 2149 },
	{ "GB18030", "", "", { 0x81, 0xFE }, { 0x40, 0xFE }, 23940, 23940, 0 },
};

static void walk(const struct table *t)
{
	unsigned there = 0, lost = 0;
	for (unsigned a = t->first[0]; a <= t->first[1]; a++)
		for (unsigned b = t->second[0]; b <= t->second[1]; b++) {
			char shown[16] = "";
			uint8_t raw[16];
			size_t n = strlen(t->before);
			memcpy(raw, t->before, n);
			raw[n++] = (uint8_t)a;
			if (b)
				raw[n++] = (uint8_t)b;
			memcpy(raw + n, t->behind, strlen(t->behind));
			n += strlen(t->behind);
			there += comes_back(t->declared, bytes_of(raw, n), shown);
			if (!shown[0])
				continue;
			lost++;
			if (lost > t->read_only)
				T_FAIL("%s: %02X %02X is read as %s and does not come back", t->declared, a, b, shown);
		}
	printf("# %s: %u codes, %u of them read only\n", t->declared, there, lost);
	if (there < t->least || there > t->most)
		T_FAIL("%s: %u codes are read, wanted %u to %u", t->declared, there, t->least, t->most);
}

TEST(codes, "every code of every set is read, and written as the same bytes")
{
	for (size_t i = 0; i < NELEM(tables); i++)
		walk(&tables[i]);
}

/* All of Unicode, a thousand characters a text; surrogates and non-characters are none. Between U+E78D and
 * U+E864 are 24 private ones, in whose place GB18030 has characters of their own since 2005. */
static void all_through(const char *declared)
{
	struct buf text, raw, again;
	struct why why;
	unsigned n = 0, all = 0;
	buf_init(&text, 65536);
	buf_init(&raw, 65536);
	buf_init(&again, 65536);
	for (uint32_t c = 0x80; c <= 0x10FFFF; c++) {
		bool is_left_out = (c >= 0xD800 && c <= 0xDFFF) || c == 0xFEFF || (c >= 0xE78D && c <= 0xE864) || (c & 0xFFFE) == 0xFFFE;
		if (!is_left_out) {
			utf8_add(&text, c);
			n++;
		}
		if ((n < 1000 && c < 0x10FFFF) || !n)
			continue;
		buf_reset(&raw);
		buf_reset(&again);
		CHECK_INT(charset_from_utf8(declared, VR_UT, buf_cstr(&text), &raw, &why), ERR_OK);
		CHECK_INT(charset_to_utf8(declared, NULL, VR_UT, buf_view(&raw), &again), CHARSET_DECLARED);
		if (!bytes_equal(buf_view(&again), buf_view(&text)))
			T_FAIL("%s: the characters before U+%04X do not come back", declared, c);
		all += n;
		n = 0;
		buf_reset(&text);
	}
	printf("# %s: %u characters\n", declared, all);
	CHECK(all > 1111000);
	buf_fini(&text);
	buf_fini(&raw);
	buf_fini(&again);
}

TEST(unicode, "every character of Unicode goes through GB18030 and UTF-8 and comes back")
{
	all_through("GB18030");
	all_through("ISO_IR 192");
}

int main(void)
{
	RUN(codes);
	RUN(unicode);
	return t_done();
}
