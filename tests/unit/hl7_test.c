#include "pacs/hl7/hl7_ack.h"
#include "pacs/hl7/mllp.h"
#include "pacs/base/bounds.h"
#include "pacs/dicom/charset.h"
#include "tests/lib/t.h"

static struct arena arena;
static struct why why;

static struct hl7 parse(const char *text)
{
	struct hl7 m;
	CHECK_OK(hl7_parse(&arena, bytes_str(text), &m, &why), why);
	return m;
}

TEST(fields, "fields, repetitions, components and subcomponents are counted as the standard does")
{
	struct hl7 m = parse("MSH|^~\\&|A|B\rPID|1||X^^^H&1.2&ISO^PI~Y^2||N\rPID|2\r\n\nZZ1\r");
	const struct hl7_segment *msh = hl7_find(&m, "MSH", 0), *pid = hl7_find(&m, "PID", 0);
	CHECK_INT(m.count, 4);
	CHECK_STR(hl7_get(&m, msh, 1, 0, 1, 1), "|");
	CHECK_STR(hl7_get(&m, msh, 2, 0, 1, 1), "^~\\&");
	CHECK_STR(hl7_get(&m, msh, 3, 0, 1, 1), "A");
	CHECK_STR(hl7_get(&m, pid, 3, 0, 1, 1), "X");
	CHECK_STR(hl7_get(&m, pid, 3, 0, 4, 2), "1.2");
	CHECK_STR(hl7_get(&m, pid, 3, 1, 2, 1), "2");
	CHECK_STR(hl7_get(&m, pid, 3, 2, 1, 1), "");
	CHECK_STR(hl7_get(&m, pid, 99, 0, 1, 1), "");
	CHECK_INT(hl7_repetitions(&m, pid, 3), 2);
	CHECK_INT(hl7_repetitions(&m, pid, 4), 0);
	CHECK_STR(hl7_get(&m, hl7_find(&m, "PID", 1), 1, 0, 1, 1), "2");
	CHECK(!hl7_find(&m, "PID", 2));
	CHECK(hl7_find(&m, "ZZ1", 0) != NULL);
	CHECK_STR(hl7_get(&m, NULL, 1, 0, 1, 1), "");
}

TEST(escapes, "escapes are resolved, two quotes are nothing, a lone escape stands for itself")
{
	struct hl7 m = parse("MSH|^~\\&\rOBX|a\\F\\b\\S\\c\\R\\d\\E\\e\\T\\f|\\X41424A\\|\"\"|x\\H\\y\\N\\z|one\\.br\\two|lone\\|a^b&c");
	const struct hl7_segment *s = hl7_find(&m, "OBX", 0);
	CHECK_STR(hl7_get(&m, s, 1, 0, 1, 1), "a|b^c~d\\e&f");
	CHECK_STR(hl7_get(&m, s, 2, 0, 1, 1), "ABJ");
	CHECK_STR(hl7_get(&m, s, 3, 0, 1, 1), "");
	CHECK_STR(hl7_get(&m, s, 4, 0, 1, 1), "xyz");
	CHECK_STR(hl7_get(&m, s, 5, 0, 1, 1), "one two");
	CHECK_STR(hl7_get(&m, s, 6, 0, 1, 1), "lone\\");
	CHECK_STR(hl7_get(&m, s, 7, 0, 0, 0), "a b c");
}

TEST(separators, "other separators are taken from MSH; bad ones are refused")
{
	static const char *const bad[] = { "", "MSH", "PID|", "MSHA^~\\&|", "MSH|^^\\&|", "MSH|^~\\|&|x|^", "MSH|^~\\&\rpid|1", "MSH|^~\\&\rPIDX1", "MSH|^~\\&\rP" };
	struct hl7 m = parse("MSH$!+?%$A!B$\rPID$1$$X!Y%Z+W");
	CHECK_STR(hl7_get(&m, hl7_find(&m, "PID", 0), 3, 0, 2, 2), "Z");
	CHECK_STR(hl7_get(&m, hl7_find(&m, "PID", 0), 3, 1, 1, 1), "W");
	for (size_t i = 0; i < NELEM(bad); i++)
		if (i != 5 && hl7_parse(&arena, bytes_str(bad[i]), &m, &why) != ERR_FORMAT)
			T_FAIL("taken: %s", bad[i]);
}

TEST(limits, "a message of too many segments is refused")
{
	struct buf b;
	struct hl7 m;
	buf_init(&b, 1 << 20);
	buf_add_str(&b, "MSH|^~\\&");
	for (int i = 0; i < BOUND_HL7_SEGMENTS; i++)
		buf_add_str(&b, "\rNTE|");
	CHECK_INT(hl7_parse(&arena, buf_view(&b), &m, &why), ERR_LIMIT);
	buf_fini(&b);
}

/* ---- character sets ---- */

static void decodes(const char *from, size_t len, const char *fallback, const char *term, const char *holds)
{
	struct buf utf8;
	char got[32];
	buf_init(&utf8, 1 << 16);
	CHECK_INT(hl7_decode(bytes_of(from, len), fallback, &utf8, got), ERR_OK);
	CHECK_STR(got, term);
	if (!strstr(buf_cstr(&utf8), holds))
		T_FAIL("wanted %s in %s", holds, buf_cstr(&utf8));
	buf_fini(&utf8);
}
#define DECODES(lit, ...) decodes(lit, sizeof(lit) - 1, __VA_ARGS__)

TEST(charsets, "MSH-18 decides, in any spelling; without it UTF-8, the default, GB18030")
{
	DECODES("MSH|^~\\&||||||||||||||||GB 18030-2000\rPID|1||||\xd5\xc5^\xc8\xfd", "", "GB18030", "张^三");
	DECODES("MSH|^~\\&||||||||||||||||gb18030\rPID|1||||\xd5\xc5", "", "GB18030", "张");
	DECODES("MSH|^~\\&||||||||||||||||UNICODE UTF-8\rPID|\xe5\xbc\xa0", "", "ISO_IR 192", "张");
	DECODES("MSH|^~\\&|\rPID|\xe5\xbc\xa0", "GB18030", "ISO_IR 192", "张");
	DECODES("MSH|^~\\&|\rPID|\xd5\xc5", "", "GB18030", "张");
	DECODES("MSH|^~\\&|\rPID|\xd5\xc5|M\xfcller", "ISO_IR 100", "ISO_IR 100", "Müller");
	/* 82 7C is one character, and its second byte looks like the field separator */
	DECODES("MSH|^~\\&|\x82\x7c|||||||||||||||GBK\rPID|\x82\x7c", "", "GBK", "倈");
	DECODES("MSH|^~\\&||||||||||||||||KLINGON\rPID|\xd5\xc5", "", "GB18030", "张");
}

/* ---- framing ---- */

TEST(framing, "messages are cut out of a stream, wherever it is broken, and noise between them is passed over")
{
	static const char stream[] = "\n\x0bMSH|1\x1c\r\x0bMSH|2\x1c" "xx\r\nMSH|3\x1c\r";
	for (size_t step = 1; step < sizeof(stream); step++) {
		struct mllp m;
		struct bytes got;
		unsigned n = 0;
		mllp_init(&m);
		for (size_t at = 0; at < sizeof(stream) - 1; at += step) {
			size_t len = sizeof(stream) - 1 - at < step ? sizeof(stream) - 1 - at : step;
			CHECK_INT(mllp_feed(&m, bytes_of(stream + at, len)), ERR_OK);
			while (!mllp_peek(&m, &got)) {
				n++;
				if (got.len != 5 || memcmp(got.p, "MSH|", 4) || got.p[4] != '0' + n)
					T_FAIL("step %zu, message %u: %.*s", step, n, (int)got.len, (const char *)got.p);
				mllp_take(&m);
			}
		}
		CHECK_INT(n, 3);
		mllp_fini(&m);
	}
}

TEST(endless, "a message without an end is refused at the bound")
{
	static char block[65536];
	struct mllp m;
	enum err e = ERR_OK;
	size_t fed = 0;
	mllp_init(&m);
	memset(block, 'M', sizeof(block));
	for (; !e && fed < 4u * BOUND_HL7_MESSAGE; fed += sizeof(block))
		e = mllp_feed(&m, bytes_of(block, sizeof(block)));
	CHECK_INT(e, ERR_LIMIT);
	CHECK(fed <= BOUND_HL7_MESSAGE + 2 * sizeof(block));
	mllp_fini(&m);
}

/* ---- events ---- */

struct got { unsigned n; struct hl7_change last; };

static bool on_change(void *arg, const struct hl7_change *c)
{
	struct got *g = arg;
	g->n++;
	g->last = *c;
	return true;
}

#define HEAD(type) "MSH|^~\\&|HIS|H|PACS|C|20260301||" type "|M1|P|2.5\r"
#define PERSON "PID|1||P1^^^HIS^MR~ID9^^^GA^NNCHN||Zhang^San^^Jr^Dr||19700301|M\r"

static const struct { const char *says, *text; enum err e; unsigned code, field; const char *segment; } refusals[] = {
	{ "no PID", HEAD("ORM^O01") "ORC|NW|1\rOBR|1|1|||||||||||||||||||||||DX", ERR_FORMAT, HL7_SEQUENCE, 0, "MSH" },
	{ "no ORC", HEAD("ORM^O01") PERSON, ERR_FORMAT, HL7_SEQUENCE, 0, "MSH" },
	{ "no patient ID", HEAD("ORM^O01") "PID|1||||N\rORC|NW|1\rOBR|1|1", ERR_FORMAT, HL7_MISSING, 3, "PID" },
	{ "no modality", HEAD("ORM^O01") PERSON "ORC|NW|1\rOBR|1|1", ERR_FORMAT, HL7_MISSING, 24, "OBR" },
	{ "no number", HEAD("ORM^O01") PERSON "ORC|NW\rOBR|1|||||||||||||||||||||||DX", ERR_FORMAT, HL7_MISSING, 2, "ORC" },
	{ "unknown control", HEAD("ORM^O01") PERSON "ORC|PA|1\rOBR|1|1|||||||||||||||||||||||DX", ERR_UNSUPPORTED, HL7_VALUE, 1, "ORC" },
	{ "a birth date that is none", HEAD("ADT^A08") "PID|1||P1||N||1970-13-77", ERR_FORMAT, HL7_TYPE, 7, "PID" },
	{ "a sex that is none", HEAD("ADT^A08") "PID|1||P1||N|||X", ERR_FORMAT, HL7_TYPE, 8, "PID" },
	{ "a merge with nobody", HEAD("ADT^A40") PERSON, ERR_FORMAT, HL7_SEQUENCE, 0, "MSH" },
	{ "a merge with an empty MRG", HEAD("ADT^A40") PERSON "MRG|", ERR_FORMAT, HL7_MISSING, 1, "MRG" },
	{ "a merge with oneself", HEAD("ADT^A40") PERSON "MRG|P1^^^HIS", ERR_FORMAT, HL7_VALUE, 1, "MRG" },
	{ "another event", HEAD("ADT^A99") PERSON, ERR_UNSUPPORTED, HL7_NO_EVENT, 9, "MSH" },
	{ "another type", HEAD("MDM^T02") PERSON, ERR_UNSUPPORTED, HL7_NO_MESSAGE, 9, "MSH" },
	{ "another version", "MSH|^~\\&|||||||ADT^A08|1|P|3\r" PERSON, ERR_UNSUPPORTED, HL7_NO_VERSION, 12, "MSH" },
	{ "the second order's number is too long", HEAD("ORM^O01") PERSON "ORC|NW|1\rOBR|1|1||||||||||||||||||||||DX\rORC|NW|2\rOBR|2|2||||||||||||||||A23456789012345678||||||DX",
	  ERR_LIMIT, HL7_TYPE, 18, "OBR" },
};

TEST(faults, "each fault is told with its segment, field and code")
{
	for (size_t i = 0; i < NELEM(refusals); i++) {
		struct got g = { 0 };
		struct hl7_fault f;
		struct hl7 m = parse(refusals[i].text);
		enum err e = hl7_event_read(&m, on_change, &g, &f, &why);
		if (e != refusals[i].e || f.code != refusals[i].code || f.field != refusals[i].field || strcmp(f.segment, refusals[i].segment))
			T_FAIL("%s: error %d code %u %s-%u: %s", refusals[i].says, e, f.code, f.segment, f.field, why.text);
		if (i == NELEM(refusals) - 1)
			CHECK_INT(f.number, 2);
	}
}

TEST(patient, "of several identifiers the hospital's is taken; prefix and suffix change places")
{
	struct got g = { 0 };
	struct hl7_fault f;
	struct hl7 m = parse(HEAD("ADT^A08") "PID|1||ID9^^^GA^NNCHN~P1^^^HIS^MR||Zhang^San^X^Jr^Dr||197003010815|F\rPV1|1|I|W^2");
	CHECK_OK(hl7_event_read(&m, on_change, &g, &f, &why), why);
	CHECK_INT(g.last.what, CHANGE_PATIENT);
	CHECK_STR(g.last.order.patient_id, "P1");
	CHECK_STR(g.last.order.issuer, "HIS");
	CHECK_STR(g.last.order.patient_name, "Zhang^San^X^Dr^Jr");
	CHECK_STR(g.last.order.birth_date, "19700301");
	CHECK_STR(g.last.order.patient_location, "W 2");
}

TEST(merges, "one A40 may merge several; the old IDs come with their issuers")
{
	struct got g = { 0 };
	struct hl7_fault f;
	struct hl7 m = parse(HEAD("ADT^A40") PERSON "MRG|Q1^^^HIS\r" PERSON "MRG|Q2^^^HIS2");
	CHECK_OK(hl7_event_read(&m, on_change, &g, &f, &why), why);
	CHECK_INT(g.n, 2);
	CHECK_INT(g.last.what, CHANGE_MERGE);
	CHECK_STR(g.last.old_id, "Q2");
	CHECK_STR(g.last.old_issuer, "HIS2");
	CHECK_STR(g.last.order.patient_id, "P1");
}

TEST(status, "SC moves an order by ORC-5, CA cancels it")
{
	static const struct { const char *orc; enum hl7_what what; enum order_state state; } cases[] = {
		{ "ORC|SC|1|||CM", CHANGE_STATE, ORDER_COMPLETED }, { "ORC|SC|1|||IP", CHANGE_STATE, ORDER_STARTED }, { "ORC|CA|1", CHANGE_STATE, ORDER_CANCELED },
		{ "ORC|DC|1", CHANGE_STATE, ORDER_DISCONTINUED }, { "ORC|SC|1|||A", CHANGE_PUT, 0 }, { "ORC|XO|1", CHANGE_PUT, 0 } };
	for (size_t i = 0; i < NELEM(cases); i++) {
		struct got g = { 0 };
		struct hl7_fault f;
		char text[512];
		snprintf(text, sizeof(text), "%s%s%s\rOBR|1|1||||||||||||||||||||||DX", HEAD("ORM^O01"), PERSON, cases[i].orc);
		struct hl7 m = parse(text);
		CHECK_OK(hl7_event_read(&m, on_change, &g, &f, &why), why);
		CHECK_INT(g.last.what, cases[i].what);
		CHECK_INT(g.last.state, cases[i].state);
	}
}

TEST(acks, "an answer names who asked, escapes what it repeats, and keeps its set")
{
	struct hl7 m = parse("MSH|^~\\&|H\\T\\S^1|Fac|P|C|2026||ORM^O01|M\\F\\1|T|2.3\rPID|1");
	struct hl7_answer a = { .code = "AE", .text = "bad | thing", .fault = { .code = HL7_MISSING, .segment = "PID", .number = 1, .field = 3 },
	                        .id = "7", .now = "20260301080000", .charset = "" };
	struct buf out;
	buf_init(&out, 1 << 16);
	CHECK_INT(hl7_ack(&m, &a, &out), ERR_OK);
	CHECK_STR(buf_cstr(&out), "MSH|^~\\&|P|C|H\\T\\S^1|Fac|20260301080000||ACK^O01|7|T|2.3||||||ASCII\rMSA|AE|M\\F\\1|bad \\F\\ thing\r"
	          "ERR|PID^1^3^101&Required field missing&HL70357\r");
	buf_reset(&out);
	a.text = "姓名";
	a.charset = "GB18030";
	CHECK_INT(hl7_ack(NULL, &a, &out), ERR_OK);
	CHECK(strstr(buf_cstr(&out), "MSA|AE||\xd0\xd5\xc3\xfb\r") != NULL);
	CHECK(strstr(buf_cstr(&out), "|2.5||||||GB 18030-2000\r") != NULL);
	buf_fini(&out);
}

int main(void)
{
	arena_init(&arena, 8 << 20);
	RUN(fields);
	RUN(escapes);
	RUN(separators);
	RUN(limits);
	RUN(charsets);
	RUN(framing);
	RUN(endless);
	RUN(faults);
	RUN(patient);
	RUN(merges);
	RUN(status);
	RUN(acks);
	arena_fini(&arena);
	return t_done();
}
