#include "pacs/dicom/part10.h"

#include "tests/lib/t.h"

#define UID_E "\x20\0\x0D\0UI\6\0" "1.2.3\0"
#define UID_I "\x20\0\x0D\0\6\0\0\0" "1.2.3\0"
#define UID_B "\0\x20\0\x0DUI\0\6" "1.2.3\0"
#define ZEROS16 "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
#define PREAMBLE ZEROS16 ZEROS16 ZEROS16 ZEROS16 ZEROS16 ZEROS16 ZEROS16 ZEROS16
#define TAIL PREAMBLE ZEROS16
#define LEN(n) "\2\0\0\0UL\4\0" n
#define CLASS "\2\0\2\0UI\x1A\0" "1.2.840.10008.5.1.4.1.1.2\0"
#define INSTANCE "\2\0\3\0UI\6\0" "1.2.9\0"
#define SYNTAX "\2\0\x10\0UI\x14\0" "1.2.840.10008.1.2.1\0"
#define SOURCE "\2\0\x16\0AE\6\0" " CR1  "

static struct why why;

TEST(round, "what is written is read back, with the offset of the data set")
{
	struct part10 m = { .source_aet = "MOD1" }, got;
	struct buf out;
	strcpy(m.sop_class.s, "1.2.840.10008.5.1.4.1.1.2");
	strcpy(m.sop_instance.s, "1.2.3.4");
	strcpy(m.transfer_syntax.s, TS_J2K_LOSSLESS);
	buf_init(&out, 65536);
	CHECK_INT(part10_write(&m, &out), ERR_OK);
	size_t head = out.len;
	CHECK(!(head & 1));
	CHECK(!memcmp(out.p + 128, "DICM\2\0\0\0UL\4\0", 12));
	CHECK_INT(le32(out.p + 140), head - 144);
	CHECK_OK(part10_read(buf_view(&out), &got, &why), why);
	CHECK_INT(got.dataset_at, head);
	buf_add(&out, UID_E, 14);
	CHECK_OK(part10_read(buf_view(&out), &got, &why), why);
	CHECK_STR(got.sop_class.s, m.sop_class.s);
	CHECK_STR(got.sop_instance.s, m.sop_instance.s);
	CHECK_STR(got.transfer_syntax.s, m.transfer_syntax.s);
	CHECK_STR(got.source_aet, "MOD1");
	CHECK_INT(got.dataset_at, head);
	for (size_t n = 0; n < head; n++)
		CHECK_INT(part10_read(bytes_of(out.p, n), &got, &why), ERR_MORE);
	buf_fini(&out);
	buf_init(&out, 100);
	CHECK_INT(part10_write(&m, &out), ERR_LIMIT);
	buf_fini(&out);
}

TEST(digest, "the place of the written digest is found, is empty until it is filled, and is not there when it was not asked for")
{
	struct part10 m = { .origin = { .received_ms = 1764080000123, .has_written = true } }, got;
	static const char hex[] = "0123456789abcdef0123456789abcdef";
	struct buf out;
	buf_init(&out, 65536);
	strcpy(m.transfer_syntax.s, TS_EXPLICIT_LE);
	CHECK_INT(part10_write(&m, &out), ERR_OK);
	size_t at = part10_written_digest_at(buf_view(&out));
	CHECK(at > 132 && at + 32 <= out.len);
	CHECK_OK(part10_read(buf_view(&out), &got, &why), why);
	CHECK(got.origin.has_written);
	CHECK_STR(got.origin.written_digest, "");
	memcpy(out.p + at, hex, 32);
	CHECK_OK(part10_read(buf_view(&out), &got, &why), why);
	CHECK_STR(got.origin.written_digest, hex);
	CHECK_STR(got.origin.pixel_digest, "");
	buf_reset(&out);
	m.origin.has_written = false;
	CHECK_INT(part10_write(&m, &out), ERR_OK);
	CHECK_INT(part10_written_digest_at(buf_view(&out)), 0);
	CHECK_OK(part10_read(buf_view(&out), &got, &why), why);
	CHECK(!got.origin.has_written);
	buf_fini(&out);
}

static const struct { const char *says; struct bytes in; enum err e; const char *class, *syntax; size_t at; } cases[] = {
	{ "all in order", BYTES(PREAMBLE "DICM" LEN("\x6A\0\0\0") CLASS INSTANCE SYNTAX SOURCE UID_E), ERR_OK, "1.2.840.10008.5.1.4.1.1.2", TS_EXPLICIT_LE, 132 + 12 + 34 + 14 + 28 + 14 },
	{ "group length too small", BYTES(PREAMBLE "DICM" LEN("\2\0\0\0") CLASS SYNTAX UID_E), ERR_OK, "1.2.840.10008.5.1.4.1.1.2", TS_EXPLICIT_LE, 132 + 12 + 34 + 28 },
	{ "group length too big", BYTES(PREAMBLE "DICM" LEN("\xFF\xFF\xFF\x7F") CLASS SYNTAX UID_E), ERR_OK, "1.2.840.10008.5.1.4.1.1.2", TS_EXPLICIT_LE, 132 + 12 + 34 + 28 },
	{ "no group length", BYTES(PREAMBLE "DICM" CLASS SYNTAX UID_E), ERR_OK, "1.2.840.10008.5.1.4.1.1.2", TS_EXPLICIT_LE, 132 + 34 + 28 },
	{ "no preamble", BYTES("DICM" CLASS SYNTAX UID_E TAIL), ERR_OK, "1.2.840.10008.5.1.4.1.1.2", TS_EXPLICIT_LE, 4 + 34 + 28 },
	{ "no preamble and no magic", BYTES(CLASS SYNTAX UID_E TAIL), ERR_OK, "1.2.840.10008.5.1.4.1.1.2", TS_EXPLICIT_LE, 34 + 28 },
	{ "no syntax, explicit", BYTES(PREAMBLE "DICM" CLASS UID_E), ERR_OK, "1.2.840.10008.5.1.4.1.1.2", TS_EXPLICIT_LE, 132 + 34 },
	{ "no syntax, implicit", BYTES(PREAMBLE "DICM" CLASS UID_I), ERR_OK, "1.2.840.10008.5.1.4.1.1.2", TS_IMPLICIT_LE, 132 + 34 },
	{ "no meta group, explicit", BYTES(UID_E TAIL), ERR_OK, "", TS_EXPLICIT_LE, 0 },
	{ "no meta group, implicit", BYTES(UID_I TAIL), ERR_OK, "", TS_IMPLICIT_LE, 0 },
	{ "no meta group, big endian", BYTES(UID_B TAIL), ERR_OK, "", TS_EXPLICIT_BE, 0 },
	{ "magic and no meta group", BYTES(PREAMBLE "DICM" UID_I), ERR_OK, "", TS_IMPLICIT_LE, 132 },
	{ "text", BYTES("Hello, this is not a DICOM file at all, but something that somebody put into the folder by mistake. " TAIL), ERR_FORMAT, "", "", 0 },
	{ "zeros", BYTES(TAIL TAIL), ERR_FORMAT, "", "", 0 },
	{ "a value of 2 GB", BYTES(PREAMBLE "DICM\2\0\1\0OB\0\0\0\0\0\x80"), ERR_FORMAT, "", "", 0 },
	{ "short", BYTES("DICM"), ERR_MORE, "", "", 0 },
};

TEST(tolerant, "files without preamble, meta group, length or syntax are read; others are not DICOM")
{
	for (size_t i = 0; i < NELEM(cases); i++) {
		struct part10 m;
		bool was = t_bad;
		t_bad = false;
		CHECK_INT(part10_read(cases[i].in, &m, &why), cases[i].e);
		if (cases[i].e == ERR_OK) {
			CHECK_STR(m.sop_class.s, cases[i].class);
			CHECK_STR(m.transfer_syntax.s, cases[i].syntax);
			CHECK_INT(m.dataset_at, cases[i].at);
		}
		if (i == 0)
			CHECK_STR(m.source_aet, "CR1");
		if (t_bad)
			printf("# case: %s\n", cases[i].says);
		t_bad |= was;
	}
}

TEST(guess, "the first element tells its encoding, or it is said that it does not")
{
	bool is_explicit, is_big;
	CHECK(part10_guess(BYTES(UID_E), &is_explicit, &is_big) && is_explicit && !is_big);
	CHECK(part10_guess(BYTES(UID_B), &is_explicit, &is_big) && is_explicit && is_big);
	CHECK(part10_guess(BYTES(UID_I), &is_explicit, &is_big) && !is_explicit && !is_big);
	CHECK(part10_guess(BYTES("\x08\0\0\0\4\0\0\0\1\0\0\0"), &is_explicit, &is_big) && !is_explicit);
	CHECK(!part10_guess(BYTES("\x08\0\5\0CS\2"), &is_explicit, &is_big));
	CHECK(!part10_guess(BYTES("Hello World"), &is_explicit, &is_big));
	CHECK(!part10_guess(BYTES("\x20\0\x0D\0\6\0\0\x40" "1.2.3\0"), &is_explicit, &is_big));
}

int main(void)
{
	RUN(round);
	RUN(digest);
	RUN(tolerant);
	RUN(guess);
	return t_done();
}
