#include "pacs/dicom/coerce.h"

#include "pacs/dicom/charset.h"
#include "pacs/dicom/dataset_text.h"
#include "tests/lib/t.h"

#define TAG_ORIGINALS TAG(0x0400, 0x0561)

static struct arena arena;
static struct why why;
static const struct coerce_patient now = { .patient_id = "P2", .issuer = "HIS", .name = "张^三", .birth_date = "19700301", .sex = "M",
                                           .when = "20260301081500.000000+0800", .by = "TEST" };

/* A head as a modality writes one, then pixels. */
static struct buf object(enum ds_encoding enc, const char *charset, const char *name)
{
	struct dataset *ds = dataset_new(&arena);
	struct buf raw, text;
	buf_init(&raw, 1 << 20);
	buf_init(&text, 1 << 10);
	if (charset[0])
		CHECK_INT(dataset_put_str(ds, TAG_SPECIFIC_CHARACTER_SET, charset), ERR_OK);
	CHECK_INT(charset_from_utf8(charset, VR_PN, name, &text, &why), ERR_OK);
	CHECK_INT(dataset_put(ds, TAG_PATIENT_NAME, VR_PN, buf_view(&text)), ERR_OK);
	CHECK_INT(dataset_put_str(ds, TAG_PATIENT_ID, "P1"), ERR_OK);
	CHECK_INT(dataset_put_str(dataset_add_item(ds, TAG(0x0008, 0x1140)), TAG(0x0008, 0x1155), "1.2"), ERR_OK);
	CHECK_INT(dataset_put_str(ds, TAG(0x3006, 0x0002), "tail"), ERR_OK);
	CHECK_INT(dataset_write(ds, enc, &raw), ERR_OK);
	buf_fini(&text);
	return raw;
}

static struct dataset *coerced(struct bytes raw, enum ds_encoding enc, const struct coerce_patient *p, size_t *used)
{
	struct buf out;
	struct dataset *ds = NULL;
	buf_init(&out, 1 << 20);
	CHECK_OK(coerce_head(raw, true, enc, "", p, &out, used, &why), why);
	CHECK_OK(dataset_parse(&arena, buf_view(&out), enc, &ds, &why), why);
	buf_fini(&out);
	return ds;
}

static const struct dataset *old_values(const struct dataset *ds, unsigned n)
{
	return dataset_item(dataset_item(ds, TAG_ORIGINALS, n), TAG(0x0400, 0x0550), 0);
}

TEST(values, "the values of today take the place of the old ones, which stand in Original Attributes; in every encoding")
{
	for (int enc = DS_IMPLICIT_LE; enc <= DS_EXPLICIT_BE; enc++) {
		struct buf raw = object((enum ds_encoding)enc, "GB18030", "章^三");
		size_t used = 0;
		struct dataset *ds = coerced(buf_view(&raw), (enum ds_encoding)enc, &now, &used);
		CHECK_STR(dataset_str(ds, TAG_SPECIFIC_CHARACTER_SET), "GB18030");
		CHECK_STR(dataset_str(ds, TAG_PATIENT_ID), "P2");
		CHECK_STR(dataset_str(ds, TAG(0x0010, 0x0021)), "HIS");
		CHECK_STR(dataset_str(old_values(ds, 0), TAG_PATIENT_ID), "P1");
		CHECK(dataset_has(old_values(ds, 0), TAG(0x0010, 0x0021)));
		CHECK_STR(dataset_str(dataset_item(ds, TAG_ORIGINALS, 0), TAG(0x0400, 0x0565)), "COERCE");
		CHECK(!dataset_has(ds, TAG(0x3006, 0x0002)));            /* behind the head: follows as it is */
		CHECK(used < raw.len);
		CHECK_INT(dataset_to_utf8(ds, ""), ERR_OK);
		CHECK_STR(dataset_str(ds, TAG_PATIENT_NAME), "张^三");
		CHECK_STR(dataset_str(old_values(ds, 0), TAG_PATIENT_NAME), "章^三");
		buf_fini(&raw);
	}
}

TEST(same, "values that are right already change nothing")
{
	static const struct coerce_patient as_is = { .patient_id = "P1", .name = "章^三", .when = "", .by = "" };
	struct buf raw = object(DS_EXPLICIT_LE, "GB18030", "章^三"), out;
	size_t used;
	buf_init(&out, 1 << 20);
	CHECK_INT(coerce_head(buf_view(&raw), true, DS_EXPLICIT_LE, "", &as_is, &out, &used, &why), ERR_EXISTS);
	CHECK_INT(out.len, 0);
	buf_fini(&out);
	buf_fini(&raw);
}

TEST(widened, "a name that its set cannot write makes all text UTF-8, the old values too")
{
	struct buf raw = object(DS_EXPLICIT_LE, "ISO_IR 100", "Müller");
	size_t used = 0;
	struct dataset *ds = coerced(buf_view(&raw), DS_EXPLICIT_LE, &now, &used);
	CHECK_STR(dataset_str(ds, TAG_SPECIFIC_CHARACTER_SET), "ISO_IR 192");
	CHECK_STR(dataset_str(ds, TAG_PATIENT_NAME), "张^三");
	CHECK_STR(dataset_str(old_values(ds, 0), TAG_PATIENT_NAME), "Müller");
	CHECK_STR(dataset_str(ds, TAG(0x3006, 0x0002)), "tail");
	CHECK_INT(used, raw.len);
	buf_fini(&raw);
}

TEST(again, "a second correction adds a second item")
{
	static const struct coerce_patient later = { .patient_id = "P3", .when = "20270101", .by = "TEST" };
	struct buf raw = object(DS_EXPLICIT_LE, "GB18030", "章^三"), once;
	size_t used = 0;
	buf_init(&once, 1 << 20);
	CHECK_OK(coerce_head(buf_view(&raw), true, DS_EXPLICIT_LE, "", &now, &once, &used, &why), why);
	struct dataset *ds = coerced(buf_view(&once), DS_EXPLICIT_LE, &later, &used);
	CHECK_STR(dataset_str(ds, TAG_PATIENT_ID), "P3");
	CHECK_STR(dataset_str(old_values(ds, 0), TAG_PATIENT_ID), "P1");
	CHECK_STR(dataset_str(old_values(ds, 1), TAG_PATIENT_ID), "P2");
	buf_fini(&once);
	buf_fini(&raw);
}

TEST(cut, "a head that is not whole asks for more, at every length; one that ends in the middle is refused")
{
	struct buf raw = object(DS_EXPLICIT_LE, "GB18030", "章^三"), out;
	size_t used, head = 0;
	CHECK_OK(coerce_boundary(buf_view(&raw), true, DS_EXPLICIT_LE, 0x04000562, &head, &why), why);
	for (size_t n = 0; n < raw.len; n++) {
		buf_init(&out, 1 << 20);
		enum err e = coerce_head(bytes_of(raw.p, n), false, DS_EXPLICIT_LE, "", &now, &out, &used, &why);
		if (e != (n < head + 8 ? ERR_MORE : ERR_OK))
			T_FAIL("%zu of %zu bytes, head %zu: error %d", n, raw.len, head, e);
		buf_fini(&out);
	}
	buf_init(&out, 1 << 20);
	CHECK_INT(coerce_head(bytes_of(raw.p, 20), true, DS_EXPLICIT_LE, "", &now, &out, &used, &why), ERR_FORMAT);
	buf_fini(&out);
	buf_fini(&raw);
}

TEST(general, "a person's correction: any attribute of the head, emptied ones, UIDs; the old values on record and the reason told; in every encoding")
{
	static const struct coerce_value values[] = {
		{ TAG(0x0008, 0x1030), "腹部" }, { TAG_STUDY_UID, "1.2.3" }, { TAG(0x0010, 0x4000), "" }, { TAG(0x0008, 0x0080), "" }, { TAG(0x0020, 0x0011), "7" } };
	const struct coerce_patient fix = { .patient_id = "P1", .when = "20260301", .by = "TEST", .reason = "CORRECT", .values = values, .value_count = NELEM(values) };
	for (int enc = DS_IMPLICIT_LE; enc <= DS_EXPLICIT_BE; enc++)
		for (int set = 0; set < 2; set++) {
			struct dataset *ds;
			struct buf raw = object((enum ds_encoding)enc, set ? "ISO_IR 100" : "GB18030", "Li^Si"), again;
			size_t used = 0;
			CHECK_OK(dataset_parse(&arena, buf_view(&raw), (enum ds_encoding)enc, &ds, &why), why);
			CHECK_INT(dataset_put_str(ds, TAG(0x0008, 0x0080), "Clinic"), ERR_OK);
			CHECK_INT(dataset_put_str(ds, TAG(0x0008, 0x1030), "chest"), ERR_OK);
			CHECK_INT(dataset_put_str(ds, TAG_STUDY_UID, "1.2.99"), ERR_OK);
			buf_init(&again, 1 << 20);
			CHECK_INT(dataset_write(ds, (enum ds_encoding)enc, &again), ERR_OK);
			ds = coerced(buf_view(&again), (enum ds_encoding)enc, &fix, &used);
			CHECK_STR(dataset_str(ds, TAG_SPECIFIC_CHARACTER_SET), set ? "ISO_IR 192" : "GB18030");
			CHECK_INT(dataset_to_utf8(ds, ""), ERR_OK);
			CHECK_STR(dataset_str(ds, TAG(0x0008, 0x1030)), "腹部");
			CHECK_STR(dataset_str(ds, TAG_STUDY_UID), "1.2.3");
			CHECK_STR(dataset_str(ds, TAG(0x0020, 0x0011)), "7");
			CHECK_STR(dataset_str(ds, TAG_PATIENT_NAME), "Li^Si");
			CHECK(dataset_has(ds, TAG(0x0008, 0x0080)) && !*dataset_str(ds, TAG(0x0008, 0x0080)));
			CHECK(!dataset_has(ds, TAG(0x0010, 0x4000)));            /* empty and not there: nothing to say */
			const struct dataset *old = old_values(ds, 0);
			CHECK_STR(dataset_str(old, TAG(0x0008, 0x1030)), "chest");
			CHECK_STR(dataset_str(old, TAG_STUDY_UID), "1.2.99");
			CHECK_STR(dataset_str(old, TAG(0x0008, 0x0080)), "Clinic");
			CHECK(!dataset_has(old, TAG_PATIENT_ID));
			CHECK_STR(dataset_str(dataset_item(ds, TAG_ORIGINALS, 0), TAG(0x0400, 0x0565)), "CORRECT");
			buf_fini(&again);
			buf_fini(&raw);
		}
}

int main(void)
{
	arena_init(&arena, 8 << 20);
	RUN(values);
	RUN(same);
	RUN(widened);
	RUN(again);
	RUN(cut);
	RUN(general);
	arena_fini(&arena);
	return t_done();
}
