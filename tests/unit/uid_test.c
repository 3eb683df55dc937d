#include "pacs/dicom/uid.h"

#include "tests/lib/t.h"

TEST(syntaxes, "transfer syntaxes carry their encoding and whether they lose")
{
	const struct ts *ts = ts_find(TS_IMPLICIT_LE);
	CHECK(ts && !ts->is_explicit && !ts->is_big_endian && !ts->is_deflated && !ts->is_encapsulated);
	ts = ts_find(TS_EXPLICIT_BE);
	CHECK(ts && ts->is_explicit && ts->is_big_endian);
	ts = ts_find(TS_DEFLATED_LE);
	CHECK(ts && ts->is_explicit && ts->is_deflated && !ts->is_encapsulated);
	ts = ts_find(TS_JPEG_BASELINE);
	CHECK(ts && ts->is_encapsulated && ts->lossy == TS_LOSSY);
	ts = ts_find(TS_J2K);
	CHECK(ts && ts->lossy == TS_EITHER);
	static const char *const reversible[] = { TS_RLE, TS_J2K_LOSSLESS, TS_JPEG_LOSSLESS_SV1, TS_JPEGLS_LOSSLESS, TS_HTJ2K_LOSSLESS, TS_HTJ2K_LOSSLESS_RPCL };
	for (size_t i = 0; i < NELEM(reversible); i++)
		CHECK((ts = ts_find(reversible[i])) && ts->lossy == TS_REVERSIBLE && ts->is_encapsulated && ts->is_explicit);
}

TEST(refused, "syntaxes without pixel data in the file are not known")
{
	static const char *const none[] = { "1.2.840.10008.1.2.4.94", "1.2.840.10008.1.2.4.95", "1.2.840.10008.1.2.4.204",
		"1.2.840.10008.1.2.4.205", "1.2.840.10008.1.2.6.1", "1.2.840.10008.1.2.7.1", "1.2.840.10008.1.1", "" };
	for (size_t i = 0; i < NELEM(none); i++)
		CHECK(!ts_find(none[i]));
}

TEST(tables, "every UID in the tables is legal, unique and found")
{
	size_t n, m;
	const struct sop_class *c = sop_storage_table(&n);
	CHECK(n > 190);
	for (size_t i = 0; i < n; i++) {
		CHECK(uid_is_legal(c[i].uid));
		CHECK(i == 0 || strcmp(c[i - 1].uid, c[i].uid) < 0);
		CHECK(sop_storage_find(c[i].uid) == &c[i]);
	}
	const struct ts *t = ts_table(&m);
	for (size_t i = 0; i < m; i++) {
		CHECK(uid_is_legal(t[i].uid));
		CHECK(ts_find(t[i].uid) == &t[i]);
	}
	CHECK(uid_is_legal(IMPLEMENTATION_CLASS_UID));
}

TEST(classes, "the classes of a clinic are there, retired ultrasound too")
{
	static const char *const want[] = { "1.2.840.10008.5.1.4.1.1.1", "1.2.840.10008.5.1.4.1.1.1.1", "1.2.840.10008.5.1.4.1.1.3",
		"1.2.840.10008.5.1.4.1.1.3.1", "1.2.840.10008.5.1.4.1.1.6", "1.2.840.10008.5.1.4.1.1.6.1", "1.2.840.10008.5.1.4.1.1.7",
		"1.2.840.10008.5.1.4.1.1.9.1.4", "1.2.840.10008.5.1.4.1.1.88.59", "1.2.840.10008.5.1.4.1.1.104.1", "1.2.840.10008.5.1.4.38.1" };
	for (size_t i = 0; i < NELEM(want); i++)
		CHECK(sop_storage_find(want[i]) != NULL);
	CHECK(!sop_storage_find(UID_VERIFICATION));
	CHECK(!sop_storage_find("1.2.840.10008.1.3.10"));     /* DICOMDIR never travels */
	CHECK(!sop_storage_find("1.2.840.10008.5.1.4.1.1"));
	CHECK_STR(uid_name("1.2.840.10008.5.1.4.1.1.2"), "CT Image");
	CHECK_STR(uid_name(TS_RLE), "RLE Lossless");
	CHECK_STR(uid_name(UID_VERIFICATION), "Verification");
	CHECK_STR(uid_name("1.2.3"), "1.2.3");
}

TEST(take, "a UID from the wire loses its padding and is bounded")
{
	struct uid u;
	CHECK_INT(uid_take(&u, BYTES("1.2.3\0")), ERR_OK);
	CHECK_STR(u.s, "1.2.3");
	CHECK_INT(uid_take(&u, BYTES("1.2.3 \0 ")), ERR_OK);
	CHECK_STR(u.s, "1.2.3");
	CHECK_INT(uid_take(&u, BYTES("1.2.3 \0 x\0")), ERR_OK);
	CHECK_STR(u.s, "1.2.3");
	CHECK_INT(uid_take(&u, BYTES("")), ERR_OK);
	CHECK_STR(u.s, "");
	CHECK_INT(uid_take(&u, BYTES("1234567890123456789012345678901234567890123456789012345678901234\0")), ERR_OK);
	CHECK_INT(strlen(u.s), 64);
	CHECK_INT(uid_take(&u, BYTES("12345678901234567890123456789012345678901234567890123456789012345")), ERR_LIMIT);
	CHECK_STR(u.s, "");
}

TEST(legal, "legality is digits and dots without leading zeros")
{
	CHECK(uid_is_legal("1") && uid_is_legal("1.2.0.3") && uid_is_legal("2.25.0"));
	static const char *const bad[] = { "", ".", "1.", ".1", "1..2", "1.02", "00", "1.2a", "1.2 ", "1.2\n",
		"12345678901234567890123456789012345678901234567890123456789012345" };
	for (size_t i = 0; i < NELEM(bad); i++)
		CHECK(!uid_is_legal(bad[i]));
}

TEST(fresh, "new UIDs are legal, of the 2.25 root and differ")
{
	struct uid a, b;
	for (int i = 0; i < 1000; i++) {
		CHECK_INT(uid_new(&a), ERR_OK);
		CHECK_INT(uid_new(&b), ERR_OK);
		CHECK(uid_is_legal(a.s) && !strncmp(a.s, "2.25.", 5) && strlen(a.s) > 30 && strcmp(a.s, b.s));
	}
}

int main(void)
{
	RUN(syntaxes);
	RUN(refused);
	RUN(tables);
	RUN(classes);
	RUN(take);
	RUN(legal);
	RUN(fresh);
	return t_done();
}
