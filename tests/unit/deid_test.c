#include "pacs/media/deid.h"

#include "pacs/base/bounds.h"
#include "pacs/media/deid_check.h"
#include "tests/lib/t.h"

static struct arena arena;
static const struct deid_subject subject = { .name = "SUBJECT0001", .id = "SUBJECT0001", .days = -400 };

static struct dataset *fresh(void)
{
	arena_fini(&arena);
	arena_init(&arena, 8 << 20);
	return dataset_new(&arena);
}

static struct deid_options with(unsigned retain)
{
	struct deid_options o = { .retain = retain };
	deid_key_of(BYTES("a secret of some length"), o.key);
	return o;
}

/* One element through the whole of it. */
static const char *after(uint32_t tag, vr_t vr, const char *value, unsigned retain)
{
	struct dataset *ds = fresh();
	struct deid_options o = with(retain);
	CHECK_INT(dataset_put(ds, tag, vr, bytes_str(value)), ERR_OK);
	CHECK_INT(deid_apply(ds, &o, &subject), ERR_OK);
	return dataset_has(ds, tag) ? dataset_str(ds, tag) : "(gone)";
}

static const struct { const char *says; uint32_t tag; vr_t vr; const char *in; unsigned retain; const char *out; } cases[] = {
	{ "a name is the subject's", TAG(0x0010, 0x0010), VR_PN, "Zhang^San", 0, "SUBJECT0001" },
	{ "an ID is the subject's", TAG(0x0010, 0x0020), VR_LO, "4711", 0, "SUBJECT0001" },
	{ "the birth date is empty", TAG(0x0010, 0x0030), VR_DA, "19700101", 0, "" },
	{ "also where dates stay", TAG(0x0010, 0x0030), VR_DA, "19700101", DEID_DATES, "" },
	{ "also where dates are moved", TAG(0x0010, 0x0030), VR_DA, "19700101", DEID_MODIFIED_DATES, "" },
	{ "the study date is empty", TAG(0x0008, 0x0020), VR_DA, "20260301", 0, "" },
	{ "stays", TAG(0x0008, 0x0020), VR_DA, "20260301", DEID_DATES, "20260301" },
	{ "or is moved", TAG(0x0008, 0x0020), VR_DA, "20260301", DEID_MODIFIED_DATES, "20250125" },
	{ "over a leap day", TAG(0x0008, 0x0020), VR_DA, "20250404", DEID_MODIFIED_DATES, "20240229" },
	{ "a moment is moved by its day", TAG(0x0008, 0x002A), VR_DT, "20260301081530.5+0800", DEID_MODIFIED_DATES, "20250125081530.5+0800" },
	{ "what is no date is a dummy", TAG(0x0008, 0x002A), VR_DT, "2026", DEID_MODIFIED_DATES, "19000101000000" },
	{ "a name in a date goes", TAG(0x0008, 0x0021), VR_DA, "ZHANG SAN", DEID_MODIFIED_DATES, "19000101" },
	{ "and where it stays", TAG(0x0008, 0x0020), VR_DA, "ZHANGSAN", DEID_DATES, "" },
	{ "a series date is a dummy", TAG(0x0008, 0x0021), VR_DA, "20260301", 0, "19000101" },
	{ "a date that the table does not know too", TAG(0x0014, 0x4076), VR_DA, "20260301", 0, "19000101" },
	{ "a description is gone", TAG(0x0008, 0x1030), VR_LO, "CHEST OF ZHANG", 0, "(gone)" },
	{ "an accession number is empty", TAG(0x0008, 0x0050), VR_SH, "A1", 0, "" },
	{ "an institution is a dummy", TAG(0x0008, 0x0080), VR_LO, "COUNTY", 0, DEID_DUMMY },
	{ "or stays", TAG(0x0008, 0x0080), VR_LO, "COUNTY", DEID_INSTITUTION, "COUNTY" },
	{ "a station is a dummy", TAG(0x0008, 0x1010), VR_SH, "CR1", 0, DEID_DUMMY },
	{ "or stays with the device", TAG(0x0008, 0x1010), VR_SH, "CR1", DEID_DEVICE, "CR1" },
	{ "not with the institution", TAG(0x0008, 0x1010), VR_SH, "CR1", DEID_INSTITUTION, DEID_DUMMY },
	{ "a sex is empty", TAG(0x0010, 0x0040), VR_CS, "F", 0, "" },
	{ "or stays", TAG(0x0010, 0x0040), VR_CS, "F", DEID_PATIENT, "F" },
	{ "an age goes", TAG(0x0010, 0x1010), VR_AS, "045Y", 0, "(gone)" },
	{ "or stays", TAG(0x0010, 0x1010), VR_AS, "045Y", DEID_PATIENT, "045Y" },
	{ "a class stays", TAG(0x0008, 0x0016), VR_UI, "1.2.840.113619.4.27", 0, "1.2.840.113619.4.27" },
	{ "the standard's UIDs stay", TAG(0x0020, 0x0052), VR_UI, "1.2.840.10008.1.4.1.1", 0, "1.2.840.10008.1.4.1.1" },
	{ "UIDs stay", TAG(0x0020, 0x000D), VR_UI, "1.2.3", DEID_UIDS, "1.2.3" },
	{ "a private element goes", TAG(0x0009, 0x1001), VR_LO, "x", 0, "(gone)" },
	{ "its creator too", TAG(0x0009, 0x0010), VR_LO, "ACME", 0, "(gone)" },
	{ "one that nobody knows goes", TAG(0x0008, 0x9ABC), VR_LO, "x", 0, "(gone)" },
	{ "a curve goes", TAG(0x5002, 0x3000), VR_OW, "xx", 0, "(gone)" },
	{ "an overlay goes", TAG(0x6000, 0x3000), VR_OW, "xx", 0, "(gone)" },
	{ "or stays", TAG(0x6000, 0x0010), VR_US, "\x10\x10", DEID_OVERLAYS, "\x10\x10" },
	{ "but not its comments", TAG(0x6000, 0x4000), VR_LT, "Zhang", DEID_OVERLAYS, "(gone)" },
	{ "text that no rule names is a dummy", TAG(0x0018, 0x1061), VR_LO, "Zhang", 0, DEID_DUMMY },
	{ "a code stays", TAG(0x0018, 0x0015), VR_CS, "CHEST", 0, "CHEST" },
	{ "a number stays", TAG(0x0018, 0x0060), VR_DS, "80.5", 0, "80.5" },
	{ "a name in a number goes", TAG(0x0018, 0x0060), VR_DS, "Zhang San", 0, "" },
	{ "a name in a code goes", TAG(0x0018, 0x0015), VR_CS, "\xD5\xC5\xC8\xFD", 0, "" },
	{ "text where the dictionary has a number goes", TAG(0x0028, 0x0010), VR_LO, "Zhang San", 0, "(gone)" },
	{ "what lost its VR is treated as the dictionary says", TAG(0x0010, 0x0010), VR_UN, "Zhang^San", 0, "SUBJECT0001" },
	{ "a maker's name stays", TAG(0x0008, 0x0070), VR_LO, "ACME", 0, "ACME" },
};

TEST(table, "each kind of attribute, with and without its option")
{
	for (size_t i = 0; i < NELEM(cases); i++) {
		const char *got = after(cases[i].tag, cases[i].vr, cases[i].in, cases[i].retain);
		bool is_number = cases[i].vr == VR_US;
		if (is_number ? !strcmp(got, "(gone)") : strcmp(got, cases[i].out) != 0)
			T_FAIL("%s: (%04x,%04x) \"%s\" became \"%s\", wanted \"%s\"", cases[i].says, TAG_GROUP(cases[i].tag), TAG_ELEMENT(cases[i].tag), cases[i].in, got, cases[i].out);
	}
}

TEST(uids, "the same UID becomes the same with the same key, wherever it stands, and another with another key")
{
	struct deid_options o = with(0), other = with(0);
	struct uid a, b, c;
	deid_key_of(BYTES("another secret, as long"), other.key);
	deid_uid(&o, "1.2.3", &a);
	deid_uid(&o, "1.2.3", &b);
	deid_uid(&other, "1.2.3", &c);
	CHECK_STR(a.s, b.s);
	CHECK(strcmp(a.s, c.s));
	CHECK(uid_is_legal(a.s) && !strncmp(a.s, "2.25.", 5));
	deid_uid(&o, "1.2.4", &c);
	CHECK(strcmp(a.s, c.s));

	struct dataset *ds = fresh();
	CHECK_INT(dataset_put_str(ds, TAG_SOP_INSTANCE_UID, "1.2.3"), ERR_OK);
	struct dataset *item = dataset_add_item(ds, TAG(0x0008, 0x1140));
	CHECK_INT(dataset_put_str(item, TAG(0x0008, 0x1150), "1.2.840.10008.5.1.4.1.1.2"), ERR_OK);
	CHECK_INT(dataset_put_str(item, TAG(0x0008, 0x1155), "1.2.3"), ERR_OK);
	CHECK_INT(dataset_put_str(ds, TAG(0x0008, 0x0058), "1.2.3\\1.2.840.10008.1.1\\1.2.3"), ERR_OK);
	CHECK_INT(deid_apply(ds, &o, &subject), ERR_OK);
	CHECK_STR(dataset_str(ds, TAG_SOP_INSTANCE_UID), a.s);
	item = dataset_item(ds, TAG(0x0008, 0x1140), 0);
	CHECK_STR(dataset_str(item, TAG(0x0008, 0x1155)), a.s);
	CHECK_STR(dataset_str(item, TAG(0x0008, 0x1150)), "1.2.840.10008.5.1.4.1.1.2");
	CHECK_STR(dataset_str_n(ds, TAG(0x0008, 0x0058), 1), "1.2.840.10008.1.1");
	CHECK_STR(dataset_str_n(ds, TAG(0x0008, 0x0058), 2), a.s);
}

TEST(subjects, "days and pseudonym are the patient's, keyed, at least a year")
{
	struct deid_options o = with(0);
	char a[20], b[20];
	int x, y, least = 0, most = -100000;
	deid_subject_of(&o, "4711", a, &x);
	deid_subject_of(&o, "4711", b, &y);
	CHECK_STR(a, b);
	CHECK_INT(x, y);
	for (int i = 0; i < 500; i++) {
		char key[20];
		snprintf(key, sizeof(key), "%d", i);
		deid_subject_of(&o, key, b, &y);
		least = y < least ? y : least;
		most = y > most ? y : most;
	}
	CHECK(most <= -366 && least >= -4017 && most - least > 3000);
}

TEST(nested, "items are cleaned as the data set is, whatever sequence they stand in")
{
	struct deid_options o = with(0);
	struct dataset *ds = fresh(), *at = ds;
	for (int i = 0; i < 10; i++) {
		at = dataset_add_item(at, TAG(0x0040, 0xA168));          /* a code sequence: stays */
		CHECK_INT(dataset_put_str(at, TAG(0x0010, 0x0010), "Zhang^San"), ERR_OK);
		CHECK_INT(dataset_put(at, TAG(0x0011, 0x1010), VR_LO, BYTES("secret")), ERR_OK);
		CHECK_INT(dataset_put_str(at, TAG(0x0008, 0x0104), "Chest"), ERR_OK);
	}
	CHECK_INT(deid_apply(ds, &o, &subject), ERR_OK);
	at = ds;
	for (int i = 0; i < 10; i++) {
		at = dataset_item(at, TAG(0x0040, 0xA168), 0);
		CHECK_STR(dataset_str(at, TAG(0x0010, 0x0010)), "SUBJECT0001");
		CHECK(!dataset_has(at, TAG(0x0011, 0x1010)));
		CHECK_STR(dataset_str(at, TAG(0x0008, 0x0104)), "Chest");
	}
}

TEST(says, "the result says what was done, in attributes and codes")
{
	struct deid_options o = with(DEID_MODIFIED_DATES | DEID_DEVICE);
	struct dataset *ds = fresh();
	CHECK_INT(deid_apply(ds, &o, &subject), ERR_OK);
	CHECK_STR(dataset_str(ds, TAG(0x0012, 0x0062)), "YES");
	CHECK_STR(dataset_str(ds, TAG(0x0028, 0x0303)), "MODIFIED");
	CHECK(strstr(dataset_str(ds, TAG(0x0012, 0x0063)), "Basic Application Level"));
	const char *codes[] = { "113100", "113107", "113109" };
	for (unsigned i = 0; i < NELEM(codes); i++)
		CHECK_STR(dataset_str(dataset_item(ds, TAG(0x0012, 0x0064), i), TAG(0x0008, 0x0100)), codes[i]);
	CHECK(!dataset_item(ds, TAG(0x0012, 0x0064), 3));
	CHECK_STR(dataset_str(ds, TAG_PATIENT_NAME), "SUBJECT0001");
	CHECK_STR(dataset_str(ds, TAG_PATIENT_ID), "SUBJECT0001");
}

TEST(refusals, "what may show the patient is refused, until it is accepted")
{
	static const struct { const char *class, *modality, *burned; bool is_refused; } of[] = {
		{ "1.2.840.10008.5.1.4.1.1.1.1", "DX", "", false }, { "1.2.840.10008.5.1.4.1.1.1.1", "DX", "NO", false }, { "1.2.840.10008.5.1.4.1.1.1.1", "DX", "YES", true },
		{ "1.2.840.10008.5.1.4.1.1.6.1", "US", "NO", true }, { "1.2.840.10008.5.1.4.1.1.66", "OT", "", true }, { "1.2.840.10008.5.1.4.1.1.66", "MR", "", false },
		{ "1.2.840.10008.5.1.4.1.1.7", "CT", "", true }, { "1.2.840.10008.5.1.4.1.1.7.4", "CT", "", true }, { "1.2.840.10008.5.1.4.1.1.104.1", "CR", "", true },
		{ "1.2.840.10008.5.1.4.1.1.88.11", "", "", true }, { "1.2.840.10008.5.1.4.1.1.2", "CT", "", false }, { "1.2.840.10008.5.1.4.1.1.77.1.4", "CT", "", true },
	};
	for (size_t i = 0; i < NELEM(of); i++) {
		struct deid_options o = with(0);
		struct dataset *ds = fresh();
		CHECK_INT(dataset_put_str(ds, TAG_SOP_CLASS_UID, of[i].class), ERR_OK);
		CHECK_INT(dataset_put_str(ds, TAG_MODALITY, of[i].modality), ERR_OK);
		CHECK_INT(dataset_put_str(ds, TAG(0x0028, 0x0301), of[i].burned), ERR_OK);
		if (!deid_refusal(ds, &o) == of[i].is_refused)
			T_FAIL("%s %s %s: %s", of[i].class, of[i].modality, of[i].burned, deid_refusal(ds, &o));
		o.accept_burned_in = true;
		CHECK(!deid_refusal(ds, &o));
	}
	struct deid_options o = with(0);
	struct dataset *ds = fresh();
	CHECK_INT(dataset_put_us(ds, TAG(0x6002, 0x0100), 16), ERR_OK);
	CHECK(deid_refusal(ds, &o));
}

/* ---- the proof ---- */

static const struct { const char *says; uint32_t tag; vr_t vr; struct bytes value; bool is_found; } finds[] = {
	{ "the whole name", TAG(0x0008, 0x103E), VR_LO, BYTES("for ZHANG^XIAOMING, left"), true },
	{ "a component, in other case", TAG(0x0008, 0x103E), VR_LO, BYTES("xiaoming"), true },
	{ "a component that is too short", TAG(0x0008, 0x103E), VR_LO, BYTES("LI"), false },
	{ "a component in a code", TAG(0x0018, 0x0015), VR_CS, BYTES("XIAOMING"), false },
	{ "hanzi in GB 18030", TAG(0x0040, 0xA160), VR_UT, BYTES("a\xD5\xC5\xD0\xA1\xC3\xF7z"), true },
	{ "hanzi in UTF-8", TAG(0x0040, 0xA160), VR_UT, BYTES("a\xE5\xBC\xA0\xE5\xB0\x8F\xE6\x98\x8Ez"), true },
	{ "UTF-16, little endian", TAG(0x0042, 0x0011), VR_OB, BYTES("\0\0X\0I\0A\0O\0M\0I\0N\0G\0"), true },
	{ "UTF-16, big endian", TAG(0x0042, 0x0011), VR_OB, BYTES("\0X\0I\0A\0O\0M\0I\0N\0G"), true },
	{ "the ID in a UID", TAG(0x0020, 0x000D), VR_UI, BYTES("1.2.345678.1"), true },
	{ "the ID in a made UID", TAG(0x0020, 0x000D), VR_UI, BYTES("2.25.13456789"), false },
	{ "the ID in a number", TAG(0x0018, 0x0060), VR_DS, BYTES("0.345678 "), false },
	{ "the birth date in text", TAG(0x0008, 0x103E), VR_LO, BYTES("born 19700203"), true },
	{ "the birth date as a date", TAG(0x0008, 0x0020), VR_DA, BYTES("19700203"), false },
	{ "the other ID, as a whole value", TAG(0x0008, 0x103E), VR_LO, BYTES("x\\77"), true },
	{ "the other ID, as a part", TAG(0x0008, 0x103E), VR_LO, BYTES("1771"), false },
	{ "our dummy", TAG(0x0008, 0x0080), VR_LO, BYTES(DEID_DUMMY), false },
	{ "nothing", TAG(0x0008, 0x0080), VR_LO, BYTES("COUNTY"), false },
};

TEST(proof, "what is left of the patient is found, as the bytes it had and in other sets; what is none is not")
{
	static struct deid_needles n;
	struct dataset *ds = fresh();
	CHECK_INT(dataset_put_str(ds, TAG_SPECIFIC_CHARACTER_SET, "GB18030"), ERR_OK);
	CHECK_INT(dataset_put(ds, TAG_PATIENT_NAME, 0, BYTES("Zhang^XiaoMing^Li=\xD5\xC5\xD0\xA1\xC3\xF7")), ERR_OK);
	CHECK_INT(dataset_put_str(ds, TAG_PATIENT_ID, "345678"), ERR_OK);
	CHECK_INT(dataset_put_str(ds, TAG(0x0010, 0x0030), "19700203"), ERR_OK);
	struct dataset *item = dataset_add_item(ds, TAG(0x0010, 0x1002));
	CHECK_INT(dataset_put_str(item, TAG_PATIENT_ID, "77"), ERR_OK);
	deid_needles_add(&n, ds, "");
	CHECK(!n.is_over);
	for (size_t i = 0; i < NELEM(finds); i++) {
		uint32_t at = 0, whose = 0;
		ds = fresh();
		item = dataset_add_item(ds, TAG(0x0040, 0xA730));
		CHECK_INT(dataset_put(item, finds[i].tag, finds[i].vr, finds[i].value), ERR_OK);
		bool found = deid_find(&n, ds, &at, &whose);
		if (found != finds[i].is_found || (found && at != finds[i].tag))
			T_FAIL("%s: %s", finds[i].says, found ? "found" : "not found");
	}
	uint32_t whose;
	CHECK(deid_find_bytes(&n, BYTES("....\xFF\xFEzhang^xiaoming^li=...."), &whose));
	CHECK(!deid_find_bytes(&n, BYTES("....345678....Zhang....77"), &whose));
}

int main(void)
{
	arena_init(&arena, 8 << 20);
	RUN(table);
	RUN(uids);
	RUN(subjects);
	RUN(nested);
	RUN(says);
	RUN(refusals);
	RUN(proof);
	arena_fini(&arena);
	return t_done();
}
