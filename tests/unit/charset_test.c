#include "pacs/dicom/charset.h"

#include <stdlib.h>

#include "pacs/base/durable.h"
#include "pacs/dicom/dataset.h"
#include "pacs/dicom/text_fold.h"
#include "pacs/dicom/part10.h"
#include "tests/lib/t.h"

#define ESC "\x1B"
#define GB ESC "$)A"

/* Trail bytes that look like \ ^ | ~ ` [ are in here: 昞 955C, 哵 865E, 攟 947C, 漒 9D5C ... */
static const struct { const char *says, *declared, *sender; vr_t vr; struct bytes raw; const char *want; enum charset_how how; } cases[] = {
	{ "ASCII, padded", "", NULL, VR_PN, BYTES("Zhang^San \0"), "Zhang^San", CHARSET_ASCII },
	{ "ASCII whatever is declared", "GB18030", NULL, VR_LO, BYTES(" a\\b "), "a\\b", CHARSET_ASCII },
	{ "leading blanks of a paragraph", "", NULL, VR_LT, BYTES("  a "), "  a", CHARSET_ASCII },
	{ "Latin-1", "ISO_IR 100", NULL, VR_PN, BYTES("Buc^J\xE9r\xF4me"), "Buc^Jérôme", CHARSET_DECLARED },
	{ "Latin-1 with blanks around the term", " ISO_IR 100 ", NULL, VR_PN, BYTES("J\xE9"), "Jé", CHARSET_DECLARED },
	{ "Cyrillic", "ISO_IR 144", NULL, VR_PN, BYTES("\xBB\xEE\xDA" "ce\xDC\xD1yp\xD3"), "Люкceмбypг", CHARSET_DECLARED },
	{ "Greek", "ISO_IR 126", NULL, VR_PN, BYTES("\xC4\xE9\xEF\xED\xF5\xF3\xE9\xEF\xF2"), "Διονυσιος", CHARSET_DECLARED },
	{ "Hebrew", "ISO_IR 138", NULL, VR_PN, BYTES("\xF9\xF8\xE5\xEF^\xE3\xE1\xE5\xF8\xE4"), "שרון^דבורה", CHARSET_DECLARED },
	{ "Arabic", "ISO_IR 127", NULL, VR_PN, BYTES("\xE2\xC8\xC7\xE6\xEA^\xE4\xE6\xD2\xC7\xD1"), "قباني^لنزار", CHARSET_DECLARED },
	{ "Thai", "ISO_IR 166", NULL, VR_PN, BYTES("\xB9\xD2"), "นา", CHARSET_DECLARED },
	{ "UTF-8", "ISO_IR 192", NULL, VR_PN, BYTES("Wang^XiaoDong=\xE7\x8E\x8B^\xE5\xB0\x8F\xE6\x9D\xB1="), "Wang^XiaoDong=王^小東=", CHARSET_DECLARED },
	{ "UTF-8 with a mark in front", "ISO_IR 192", NULL, VR_LO, BYTES("\xEF\xBB\xBF\xE7\x8E\x8B"), "王", CHARSET_DECLARED },
	{ "GB18030", "GB18030", NULL, VR_PN, BYTES("Wang^XiaoDong=\xCD\xF5^\xD0\xA1\xB6\xAB="), "Wang^XiaoDong=王^小东=", CHARSET_DECLARED },
	{ "GB18030 in four bytes", "GB18030", NULL, VR_PN, BYTES("\xCD\xF5^\x82\x31\x84\x37"), "王^㦹", CHARSET_DECLARED },
	{ "GB18030 beyond the first plane", "GB18030", NULL, VR_PN, BYTES("\x95\x32\x82\x36^A"), "𠀀^A", CHARSET_DECLARED },
	{ "GBK trail bytes like delimiters", "GBK", NULL, VR_PN, BYTES("\x95\x5C^\x86\x5E=\x94\x7C\x9D\x5C"), "昞^哵=攟漒", CHARSET_DECLARED },
	{ "GBK trail byte before a real backslash", "GBK", NULL, VR_LO, BYTES("\x95\x5C\\\x95\x5C"), "昞\\昞", CHARSET_DECLARED },
	{ "IR 58 of PS3.5 annex K", "\\ISO 2022 IR 58", NULL, VR_PN, BYTES("Zhang^XiaoDong=" GB "\xD5\xC5^" GB "\xD0\xA1\xB6\xAB= "), "Zhang^XiaoDong=张^小东=", CHARSET_DECLARED },
	{ "IR 58 without the repeated escape", "\\ISO 2022 IR 58", NULL, VR_PN, BYTES("Zhang=" GB "\xD5\xC5^\xD0\xA1\xB6\xAB"), "Zhang=张^小东", CHARSET_DECLARED },
	{ "IR 58 without any escape", "\\ISO 2022 IR 58", NULL, VR_PN, BYTES("\xD5\xC5^\xD0\xA1\xB6\xAB"), "张^小东", CHARSET_DECLARED },
	{ "IR 58 with a character of GBK", "\\ISO 2022 IR 58", NULL, VR_PN, BYTES(GB "\x95\x5C^A"), "昞^A", CHARSET_DECLARED },
	{ "IR 58 over lines", "\\ISO 2022 IR 58", NULL, VR_LT, BYTES(GB "\xB5\xDA\xD2\xBB\r\n" GB "\xB5\xDA\xB6\xFE"), "第一\r\n第二", CHARSET_DECLARED },
	{ "IR 149 of PS3.5 annex I", "\\ISO 2022 IR 149", NULL, VR_PN, BYTES("Hong^Gildong=" ESC "$)C\xFB\xF3^" ESC "$)C\xD1\xCE\xD4\xD7=" ESC "$)C\xC8\xAB^" ESC "$)C\xB1\xE6\xB5\xBF"), "Hong^Gildong=洪^吉洞=홍^길동", CHARSET_DECLARED },
	{ "IR 87 of PS3.5 annex H", "\\ISO 2022 IR 87", NULL, VR_PN, BYTES("Yamada^Tarou=" ESC "$B;3ED" ESC "(B^" ESC "$BB@O:" ESC "(B=" ESC "$B$d$^$@" ESC "(B^" ESC "$B$?$m$&" ESC "(B"), "Yamada^Tarou=山田^太郎=やまだ^たろう", CHARSET_DECLARED },
	{ "IR 13 and 87", "ISO 2022 IR 13\\ISO 2022 IR 87", NULL, VR_PN, BYTES("\xD4\xCF\xC0\xDE^\xC0\xDB\xB3=" ESC "$B;3ED" ESC "(J^" ESC "$BB@O:" ESC "(J"), "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎", CHARSET_DECLARED },
	{ "IR 159", "\\ISO 2022 IR 159", NULL, VR_LO, BYTES(ESC "$(D0!" ESC "(B"), "丂", CHARSET_DECLARED },
	{ "Latin-1 by escape", "ISO 2022 IR 6\\ISO 2022 IR 100", NULL, VR_PN, BYTES("Buc^J" ESC "-A\xE9r\xF4me"), "Buc^Jérôme", CHARSET_DECLARED },
	{ "two sets by escapes", "\\ISO 2022 IR 144\\ISO 2022 IR 126", NULL, VR_LO, BYTES(ESC "-L\xBB" ESC "-F\xC4\\" ESC "-L\xBB"), "ЛΔ\\Л", CHARSET_DECLARED },
	{ "back to the first set at a backslash", "ISO 2022 IR 100\\ISO 2022 IR 144", NULL, VR_LO, BYTES("\xE9" ESC "-L\xBB\\\xE9"), "éЛ\\é", CHARSET_DECLARED },
	{ "escapes without a declaration", "", NULL, VR_PN, BYTES("Yamada=" ESC "$B;3ED" ESC "(B"), "Yamada=山田", CHARSET_DECLARED },
	{ "nothing declared, GBK", "", NULL, VR_PN, BYTES("\xD5\xC5^\x95\x5C"), "张^昞", CHARSET_DETECTED },
	{ "nothing declared, UTF-8", "", NULL, VR_PN, BYTES("\xE5\xBC\xA0^\xE4\xB8\x89"), "张^三", CHARSET_DETECTED },
	{ "nothing declared, the sender's set", "", "ISO_IR 144", VR_PN, BYTES("\xBB\xEE\xDA"), "Люк", CHARSET_SENDER },
	{ "UTF-8 declared, GBK sent", "ISO_IR 192", NULL, VR_PN, BYTES("\xD5\xC5^\xC8\xFD"), "张^三", CHARSET_DETECTED },
	{ "a vendor's word for GBK", "ISO-2022-GBK", NULL, VR_PN, BYTES("\xD5\xC5^\x95\x5C"), "张^昞", CHARSET_DECLARED },
	{ "an unknown word", "KLINGON", NULL, VR_PN, BYTES("\xD5\xC5"), "张", CHARSET_DETECTED },
	{ "Latin-1 declared, GBK controls sent", "ISO_IR 100", NULL, VR_PN, BYTES("\x86\x5E\xD5\xC5"), "哵张", CHARSET_DETECTED },
	{ "Latin-1 declared by a sender of Chinese", "ISO_IR 100", "GB18030", VR_PN, BYTES("\xD5\xC5^\xC8\xFD"), "张^三", CHARSET_SENDER },
	{ "Latin-1 declared and meant by a sender of Chinese", "ISO_IR 100", "GB18030", VR_PN, BYTES("J\xE9r\xF4me"), "Jérôme", CHARSET_DECLARED },
	{ "no text in any set", "", NULL, VR_LO, BYTES("a\xFF\xFF"), "aÿÿ", CHARSET_LATIN1 },
	{ "half a character at the end", "GB18030", NULL, VR_LO, BYTES("\xD5\xC5\xC8"), "ÕÅÈ", CHARSET_LATIN1 },
	{ "NUL inside", "ISO_IR 192", NULL, VR_LO, BYTES("\xE5\xBC\xA0\0b"), "张b", CHARSET_DECLARED },
};

TEST(reading, "text of every declared, wrong and missing set becomes UTF-8")
{
	struct buf out;
	buf_init(&out, 4096);
	for (size_t i = 0; i < NELEM(cases); i++) {
		bool was = t_bad;
		t_bad = false;
		buf_reset(&out);
		CHECK_INT(charset_to_utf8(cases[i].declared, cases[i].sender, cases[i].vr, cases[i].raw, &out), cases[i].how);
		CHECK_STR(buf_cstr(&out), cases[i].want);
		if (t_bad)
			printf("# case: %s\n", cases[i].says);
		t_bad |= was;
	}
	buf_fini(&out);
}

static const struct { const char *declared; vr_t vr; const char *text; struct bytes want; enum err e; } writing[] = {
	{ "", VR_PN, "Zhang^San", BYTES("Zhang^San"), ERR_OK },
	{ "", VR_PN, "张", BYTES(""), ERR_UNSUPPORTED },
	{ "ISO_IR 100", VR_PN, "Jérôme", BYTES("J\xE9r\xF4me"), ERR_OK },
	{ "ISO_IR 100", VR_PN, "张", BYTES(""), ERR_UNSUPPORTED },
	{ "ISO_IR 192", VR_PN, "张^三", BYTES("\xE5\xBC\xA0^\xE4\xB8\x89"), ERR_OK },
	{ "GB18030", VR_PN, "张^𠀀", BYTES("\xD5\xC5^\x95\x32\x82\x36"), ERR_OK },
	{ "GBK", VR_PN, "昞^三", BYTES("\x95\x5C^\xC8\xFD"), ERR_OK },
	{ "GBK", VR_PN, "𠀀", BYTES(""), ERR_UNSUPPORTED },
	{ "\\ISO 2022 IR 58", VR_PN, "Zhang^XiaoDong=张^小东=", BYTES("Zhang^XiaoDong=" GB "\xD5\xC5^" GB "\xD0\xA1\xB6\xAB="), ERR_OK },
	{ "\\ISO 2022 IR 58", VR_LO, "张A小\\东^三", BYTES(GB "\xD5\xC5" "A\xD0\xA1\\" GB "\xB6\xAB^\xC8\xFD"), ERR_OK },
	{ "\\ISO 2022 IR 58", VR_PN, "买·艾", BYTES(GB "\xC2\xF2\xA1\xA4\xB0\xAC"), ERR_OK },
	{ "\\ISO 2022 IR 58", VR_PN, "昞", BYTES(""), ERR_UNSUPPORTED },
	{ "\\ISO 2022 IR 149", VR_PN, "洪^吉洞", BYTES(ESC "$)C\xFB\xF3^" ESC "$)C\xD1\xCE\xD4\xD7"), ERR_OK },
	{ "\\ISO 2022 IR 87", VR_PN, "Yamada^Tarou=山田^太郎=やまだ^たろう", BYTES("Yamada^Tarou=" ESC "$B;3ED" ESC "(B^" ESC "$BB@O:" ESC "(B=" ESC "$B$d$^$@" ESC "(B^" ESC "$B$?$m$&" ESC "(B"), ERR_OK },
	{ "ISO 2022 IR 13\\ISO 2022 IR 87", VR_PN, "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎", BYTES("\xD4\xCF\xC0\xDE^\xC0\xDB\xB3=" ESC "$B;3ED" ESC "(J^" ESC "$BB@O:" ESC "(J"), ERR_OK },
	{ "ISO 2022 IR 13\\ISO 2022 IR 87\\ISO 2022 IR 159", VR_LO, "ﾔ山丂a", BYTES("\xD4" ESC "$B;3" ESC "$(D0!" ESC "(Ja"), ERR_OK },
	{ "ISO 2022 IR 13\\ISO 2022 IR 87", VR_LO, "山ﾔ", BYTES(ESC "$B;3" ESC "(J\xD4"), ERR_OK },
	{ "ISO 2022 IR 100\\ISO 2022 IR 144", VR_LO, "éЛ\\éЛ", BYTES("\xE9" ESC "-L\xBB" ESC "-A\\\xE9" ESC "-L\xBB"), ERR_OK },
	{ "\\ISO 2022 IR 144\\ISO 2022 IR 126", VR_LO, "ЛΔ\\Л", BYTES(ESC "-L\xBB" ESC "-F\xC4\\" ESC "-L\xBB"), ERR_OK },
	{ "\\ISO 2022 IR 58\\ISO 2022 IR 149", VR_PN, "张홍^a길", BYTES(GB "\xD5\xC5" ESC "$)C\xC8\xAB^a" ESC "$)C\xB1\xE6"), ERR_OK },
	{ "ISO_IR 13", VR_PN, "ﾔﾏﾀﾞ", BYTES("\xD4\xCF\xC0\xDE"), ERR_OK },
	{ "ISO_IR 13", VR_PN, "やまだ", BYTES(""), ERR_UNSUPPORTED },
	{ "\\ISO 2022 IR 58", VR_LO, "张" ESC "(B", BYTES(""), ERR_UNSUPPORTED },
	{ "\\ISO 2022 IR 87", VR_PN, "𠀀", BYTES(""), ERR_UNSUPPORTED },
	{ "KLINGON", VR_PN, "张", BYTES(""), ERR_UNSUPPORTED },
};

TEST(written, "UTF-8 is written in the set that is asked for, or refused, and reads back")
{
	struct buf out, back;
	struct why why = { "" };
	buf_init(&out, 4096);
	buf_init(&back, 4096);
	for (size_t i = 0; i < NELEM(writing); i++) {
		bool was = t_bad;
		t_bad = false;
		buf_reset(&out);
		buf_reset(&back);
		CHECK_INT(charset_from_utf8(writing[i].declared, writing[i].vr, writing[i].text, &out, &why), writing[i].e);
		CHECK(bytes_equal(buf_view(&out), writing[i].want));
		charset_to_utf8(writing[i].declared, NULL, writing[i].vr, buf_view(&out), &back);
		if (writing[i].e == ERR_OK)
			CHECK_STR(buf_cstr(&back), writing[i].text);
		if (t_bad)
			printf("# case %zu: \"%s\"\n", i, writing[i].text);
		t_bad |= was;
	}
	buf_fini(&out);
	buf_fini(&back);
}

TEST(known, "terms are known in the spellings that are seen, and others are not")
{
	static const char *const yes[] = { "", "ISO_IR 6", "ISO_IR 100", "ISO_IR 192", "GB18030", "GBK", "\\ISO 2022 IR 58", "ISO 2022 IR 13\\ISO 2022 IR 87\\ISO 2022 IR 159",
		"ISO-IR 100", "iso_ir 192", "ISO_IR_192", "UTF-8", "ISO 2022 GBK", "GB2312", "ISO_IR 203" };
	static const char *const no[] = { "ISO_IR 999", "KLINGON", "ISO_IR 100\\XYZ", "GB99" };
	for (size_t i = 0; i < NELEM(yes); i++)
		if (!charset_is_known(yes[i]))
			T_FAIL("\"%s\" is not known", yes[i]);
	for (size_t i = 0; i < NELEM(no); i++)
		if (charset_is_known(no[i]))
			T_FAIL("\"%s\" is known", no[i]);
}

TEST(validity, "UTF-8 is valid in its shortest form only")
{
	CHECK(utf8_is_valid(BYTES("")) && utf8_is_valid(BYTES("a张𠀀é")));
	static const struct bytes bad[] = { BYTES("\x80"), BYTES("\xC0\x80"), BYTES("\xC1\xBF"), BYTES("\xE0\x80\x80"), BYTES("\xED\xA0\x80"),
		BYTES("\xF0\x80\x80\x80"), BYTES("\xF4\x90\x80\x80"), BYTES("\xF5\x80\x80\x80"), BYTES("\xE5\xBC"), BYTES("\xE5\xBC" "a"), BYTES("\xFF") };
	for (size_t i = 0; i < NELEM(bad); i++)
		CHECK(!utf8_is_valid(bad[i]));
	CHECK(text_is_ascii(BYTES("abc~")) && !text_is_ascii(BYTES("\x1B(B")) && !text_is_ascii(BYTES("\x80")));
}

TEST(folding, "folding leaves out case, width, blanks too many and carets at the end")
{
	static const struct { const char *in, *want; } c[] = {
		{ "ZHANG^San^^", "zhang^san" }, { "Ｚｈａｎｇ　San", "zhang san" }, { "  a   b  ", "a b" }, { "Zhang^San^^=张^三^ =", "zhang^san=张^三=" },
		{ "", "" }, { "^^", "" }, { "MÜLLER", "müller" }, { "a\r\n\tb", "a b" }, { "a\xFF", "a\xFF" }, { "=张^三", "=张^三" },
	};
	struct buf out;
	buf_init(&out, 256);
	for (size_t i = 0; i < NELEM(c); i++) {
		buf_reset(&out);
		text_fold(c[i].in, &out);
		CHECK_STR(buf_cstr(&out), c[i].want);
	}
	buf_fini(&out);
}

TEST(bounded, "a full buffer is an error of the buffer and of nothing else")
{
	struct buf out;
	struct why why;
	buf_init(&out, 5);
	charset_to_utf8("GB18030", NULL, VR_LO, BYTES("\xD5\xC5\xD5\xC5"), &out);
	CHECK_INT(buf_err(&out), ERR_LIMIT);
	buf_fini(&out);
	buf_init(&out, 6);
	CHECK_INT(charset_to_utf8("GB18030", NULL, VR_LO, BYTES("\xD5\xC5\xD5\xC5"), &out), CHARSET_DECLARED);
	CHECK_STR(buf_cstr(&out), "张张");
	buf_reset(&out);
	CHECK_INT(charset_from_utf8("GB18030", VR_LO, "张张张张", &out, &why), ERR_LIMIT);
	buf_fini(&out);
}

/* Names in the objects of Debian's python3-pydicom, as PS3.5's annexes spell them. */
static const struct { const char *file, *name; } files[] = {
	{ "chrArab", "قباني^لنزار" }, { "chrFren", "Buc^Jérôme" }, { "chrFrenMulti", "Buc^Jérôme" }, { "chrGerm", "Äneas^Rüdiger" }, { "chrGreek", "Διονυσιος" },
	{ "chrH31", "Yamada^Tarou=山田^太郎=やまだ^たろう" }, { "chrH32", "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう" }, { "chrHbrw", "שרון^דבורה" },
	{ "chrI2", "Hong^Gildong=洪^吉洞=홍^길동" }, { "chrJapMulti", "やまだ^たろう" }, { "chrJapMultiExplicitIR6", "やまだ^たろう" }, { "chrKoreanMulti", "김희중" },
	{ "chrRuss", "Люкceмбypг" }, { "chrX1", "Wang^XiaoDong=王^小東=" }, { "chrX2", "Wang^XiaoDong=王^小东=" },
};

static void check_file(const char *path, const char *want)
{
	char *raw;
	size_t len;
	struct part10 m;
	struct why why;
	struct arena a;
	struct dataset *ds;
	struct buf out;
	if (durable_slurp(path, 4 << 20, &raw, &len, &why))
		return;
	arena_init(&a, 1 << 20);
	buf_init(&out, 4096);
	CHECK_INT(part10_read(bytes_of(raw, len), &m, &why), ERR_OK);
	CHECK_OK(dataset_parse(&a, bytes_of(raw + m.dataset_at, len - m.dataset_at), ds_encoding_of(ts_find(m.transfer_syntax.s)), &ds, &why), why);
	const struct element *el = dataset_find(ds, TAG_PATIENT_NAME);
	CHECK(el != NULL);
	if (el) {
		CHECK_INT(charset_to_utf8(dataset_str(ds, TAG_SPECIFIC_CHARACTER_SET), NULL, VR_PN, el->value, &out), CHARSET_DECLARED);
		CHECK_STR(buf_cstr(&out), want);
	}
	buf_fini(&out);
	arena_fini(&a);
	free(raw);
}

TEST(real, "the names in real objects are read as the standard spells them")
{
	const char *data = getenv("PACS_TEST_DATA");
	char path[512];
	for (size_t i = 0; i < NELEM(files); i++) {
		snprintf(path, sizeof(path), "/usr/lib/python3/dist-packages/pydicom/data/charset_files/%s.dcm", files[i].file);
		check_file(path, files[i].name);
	}
	if (!data)
		data = "../shared/data";
	snprintf(path, sizeof(path), "%s/charset/chrGB2312_ir58.dcm", data);
	check_file(path, "Zhang^XiaoDong=张^小东=");
	snprintf(path, sizeof(path), "%s/charset/derived/gbk_from_chrX2.dcm", data);
	check_file(path, "Wang^XiaoDong=王^小东=");
}

int main(void)
{
	RUN(reading);
	RUN(written);
	RUN(known);
	RUN(validity);
	RUN(folding);
	RUN(bounded);
	RUN(real);
	return t_done();
}
