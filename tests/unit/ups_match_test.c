#include "db/item_attrs.h"
#include "pacs/dicom/charset.h"
#include "pacs/dicom/dataset_text.h"
#include "storescp/ups_match.h"
#include "tests/lib/t.h"

static struct arena arena;

static struct dataset *one(uint32_t tag, const char *value)
{
	struct dataset *ds = dataset_new(&arena);

	CHECK_INT(dataset_put_str(ds, tag, value), ERR_OK);
	return ds;
}

static struct dataset *item(void)
{
	struct dataset *ds = dataset_new(&arena), *rq;
	enum err e = dataset_put_str(ds, TAG_SOP_CLASS_UID, UID_UPS_PUSH);

	if (!e)
		e = dataset_put_str(ds, TAG_SOP_INSTANCE_UID, "2.25.7");
	if (!e)
		e = dataset_put_str(ds, TAG_MODALITIES_IN_STUDY, "DX\\SR");
	if (!e)
		e = dataset_put_str(ds, TAG_PATIENT_NAME, "ZHANG^SAN=张^三");
	if (!e)
		e = dataset_put_str(ds, TAG_STUDY_UID, "1.2.3");
	if (!e)
		e = dataset_put_str(ds, TAG_STEP_START, "20260301081530.123456+0800");
	if (!e)
		e = dataset_put_str(ds, TAG_STEP_STATE, "SCHEDULED");
	if (!e)
		e = dataset_put_str(ds, TAG_WORKLIST_LABEL, "DR");
	rq = dataset_add_item(ds, TAG_REFERENCED_REQUEST);
	if (!e)
		e = dataset_put_str(rq, TAG_ACCESSION_NUMBER, "A1");
	if (!e)
		e = dataset_put_str(rq, TAG(0x0040, 0x1001), "RP1");
	CHECK_INT(e, ERR_OK);
	return ds;
}

static const struct { const char *says; uint32_t tag; const char *key; bool want; } cases[] = {
	{ "an empty key", TAG_STEP_STATE, "", true },
	{ "the state", TAG_STEP_STATE, "SCHEDULED", true },
	{ "another state", TAG_STEP_STATE, "COMPLETED", false },
	{ "one of several states", TAG_STEP_STATE, "COMPLETED\\SCHEDULED", true },
	{ "a label by wildcard", TAG_WORKLIST_LABEL, "D?", true },
	{ "a star", TAG_WORKLIST_LABEL, "*", true },
	{ "a name without regard to case", TAG_PATIENT_NAME, "zhang*", true },
	{ "a name in Chinese letters", TAG_PATIENT_NAME, "张*", true },
	{ "another name", TAG_PATIENT_NAME, "li*", false },
	{ "the second modality", TAG_MODALITIES_IN_STUDY, "SR", true },
	{ "a modality that is not there", TAG_MODALITIES_IN_STUDY, "CT", false },
	{ "one of a list of studies", TAG_STUDY_UID, "1.9\\1.2.3", true },
	{ "a range that holds the start", TAG_STEP_START, "20260301-20260302", true },
	{ "an open range", TAG_STEP_START, "20260301-", true },
	{ "a range before it", TAG_STEP_START, "-20260228", false },
	{ "the day", TAG_STEP_START, "20260301", true },
	{ "an attribute that the item does not have", TAG_STEP_EXPECTED, "20260301", false },
	{ "the Transaction UID, which is no key", TAG_TRANSACTION_UID, "1.1", true },
	{ "the query level, which UPS does not have", TAG_QUERY_LEVEL, "STUDY", true },
};

TEST(keys, "one key against one item")
{
	for (size_t i = 0; i < NELEM(cases); i++)
		if (ups_match(item(), one(cases[i].tag, cases[i].key)) != cases[i].want)
			T_FAIL("%s (\"%s\"): wanted %s", cases[i].says, cases[i].key, cases[i].want ? "a match" : "none");
}

TEST(sequences, "a sequence key matches when one item has all its keys")
{
	static const struct { const char *accession, *procedure; bool want; } rows[] = {
		{ "A1", "", true }, { "A1", "RP1", true }, { "A1", "RP2", false }, { "", "", true }, { "A2", "", false },
	};
	for (size_t i = 0; i < NELEM(rows); i++) {
		struct dataset *keys = dataset_new(&arena), *sub = dataset_add_item(keys, TAG_REFERENCED_REQUEST);
		CHECK_INT(dataset_put_str(sub, TAG_ACCESSION_NUMBER, rows[i].accession), ERR_OK);
		CHECK_INT(dataset_put_str(sub, TAG(0x0040, 0x1001), rows[i].procedure), ERR_OK);
		CHECK_INT(ups_match(item(), keys), rows[i].want);
	}
	struct dataset *absent = dataset_new(&arena), *sub = dataset_add_item(absent, TAG_WORKITEM_CODE);
	CHECK_INT(dataset_put_str(sub, TAG_CODE_VALUE, ""), ERR_OK);
	CHECK(ups_match(item(), absent));
	CHECK_INT(dataset_put_str(sub, TAG_CODE_VALUE, "110005"), ERR_OK);
	CHECK(!ups_match(item(), absent));
}

TEST(answers, "an answer has what was asked for, empty when the item has none, and says its character set")
{
	struct dataset *keys = one(TAG_STEP_STATE, "SCHEDULED"), *out = dataset_new(&arena), *sub;

	CHECK_INT(dataset_put_str(keys, TAG_STEP_EXPECTED, ""), ERR_OK);
	CHECK_INT(dataset_put_str(keys, TAG_TRANSACTION_UID, ""), ERR_OK);
	sub = dataset_add_item(keys, TAG_REFERENCED_REQUEST);
	CHECK_INT(dataset_put_str(sub, TAG_ACCESSION_NUMBER, ""), ERR_OK);
	CHECK_INT(ups_answer(item(), keys, out), ERR_OK);
	CHECK_STR(dataset_str(out, TAG_SOP_INSTANCE_UID), "2.25.7");
	CHECK_STR(dataset_str(out, TAG_STEP_STATE), "SCHEDULED");
	CHECK(dataset_has(out, TAG_STEP_EXPECTED));
	CHECK(!dataset_has(out, TAG_TRANSACTION_UID));
	CHECK(!dataset_has(out, TAG_PATIENT_NAME));
	CHECK(!dataset_has(out, TAG_SPECIFIC_CHARACTER_SET));
	struct dataset *rq = dataset_item(out, TAG_REFERENCED_REQUEST, 0);
	CHECK(rq != NULL);
	if (rq) {
		CHECK_STR(dataset_str(rq, TAG_ACCESSION_NUMBER), "A1");
		CHECK(!dataset_has(rq, TAG(0x0040, 0x1001)));
	}
	CHECK_INT(dataset_put_str(keys, TAG_PATIENT_NAME, ""), ERR_OK);
	out = dataset_new(&arena);
	CHECK_INT(ups_answer(item(), keys, out), ERR_OK);
	CHECK_STR(dataset_str(out, TAG_SPECIFIC_CHARACTER_SET), "ISO_IR 192");
}

TEST(pick, "N-GET gives what is listed, or all")
{
	static const uint32_t tags[] = { TAG_STEP_STATE, TAG_STEP_EXPECTED };
	struct dataset *some = dataset_new(&arena), *all = dataset_new(&arena), *it = item();

	CHECK_INT(dataset_put_str(it, TAG_TRANSACTION_UID, "1.1"), ERR_OK);
	CHECK_INT(ups_pick(it, tags, NELEM(tags), some), ERR_OK);
	CHECK(dataset_has(some, TAG_STEP_STATE) && !dataset_has(some, TAG_STUDY_UID));
	CHECK_INT(ups_pick(it, NULL, 0, all), ERR_OK);
	CHECK(dataset_has(all, TAG_STUDY_UID) && dataset_has(all, TAG_REFERENCED_REQUEST));
	CHECK(!dataset_has(all, TAG_TRANSACTION_UID));
}

TEST(bad_keys, "a date that is none is refused with its tag")
{
	struct why why = { "" };

	CHECK_INT(ups_check_keys(one(TAG_STEP_START, "tomorrow"), &why), ERR_MISMATCH);
	CHECK(strstr(why.text, "0040,4005") != NULL);
	CHECK_INT(ups_check_keys(one(TAG_STEP_START, "20260301-20260302"), &why), ERR_OK);
	CHECK_INT(ups_check_keys(one(TAG_STEP_START, ""), &why), ERR_OK);
}

TEST(charset, "text of a request becomes UTF-8, in items too")
{
	/* 张三 in GB18030 */
	struct dataset *ds = one(TAG_SPECIFIC_CHARACTER_SET, "GB18030"), *in = dataset_add_item(ds, TAG_REFERENCED_REQUEST);

	CHECK_INT(dataset_put(ds, TAG_PATIENT_NAME, VR_PN, BYTES("\xD5\xC5^\xC8\xFD")), ERR_OK);
	CHECK_INT(dataset_put(in, TAG(0x0032, 0x1060), VR_LO, BYTES("\xD0\xD8")), ERR_OK);
	CHECK_INT(dataset_to_utf8(ds, NULL), ERR_OK);
	CHECK_STR(dataset_str(ds, TAG_PATIENT_NAME), "张^三");
	CHECK_STR(dataset_str(in, TAG(0x0032, 0x1060)), "胸");
	CHECK(!dataset_has(ds, TAG_SPECIFIC_CHARACTER_SET));
}

int main(void)
{
	arena_init(&arena, 8 << 20);
	RUN(keys);
	RUN(sequences);
	RUN(answers);
	RUN(pick);
	RUN(bad_keys);
	RUN(charset);
	arena_fini(&arena);
	return t_done();
}
