#include "pacs/dicom/dataset_text.h"

#include "pacs/dicom/charset.h"
#include "tests/lib/t.h"

static struct arena arena;

static struct dataset *sample(const char *name)
{
	struct dataset *ds = dataset_new(&arena), *item;
	CHECK_INT(dataset_put_str(ds, TAG_PATIENT_NAME, name), ERR_OK);
	CHECK_INT(dataset_put_str(ds, TAG_MODALITY, "DX"), ERR_OK);
	item = dataset_add_item(ds, TAG(0x0040, 0x0100));
	CHECK_INT(dataset_put_str(item, TAG(0x0040, 0x0007), "胸部正侧位"), ERR_OK);
	return ds;
}

TEST(gb, "text goes out in GB18030, in items too, and comes back the same")
{
	struct dataset *ds = sample("欧阳^镕");
	CHECK_INT(dataset_from_utf8(ds, "GB18030"), ERR_OK);
	CHECK_STR(dataset_str(ds, TAG_SPECIFIC_CHARACTER_SET), "GB18030");
	CHECK_INT(dataset_find(ds, TAG_PATIENT_NAME)->value.len, 8);
	CHECK_STR(dataset_str(dataset_item(ds, TAG(0x0040, 0x0100), 0), TAG(0x0040, 0x0007)), "\xd0\xd8\xb2\xbf\xd5\xfd\xb2\xe0\xce\xbb");
	CHECK_INT(dataset_to_utf8(ds, ""), ERR_OK);
	CHECK_STR(dataset_str(ds, TAG_PATIENT_NAME), "欧阳^镕");
	CHECK_STR(dataset_str(dataset_item(ds, TAG(0x0040, 0x0100), 0), TAG(0x0040, 0x0007)), "胸部正侧位");
	CHECK(!dataset_has(ds, TAG_SPECIFIC_CHARACTER_SET));
}

TEST(lacks, "a set that lacks one character, an unknown one and none give way to ISO_IR 192")
{
	static const char *const sets[] = { "ISO_IR 100", "KLINGON", "", "ISO_IR 192" };
	for (size_t i = 0; i < NELEM(sets); i++) {
		struct dataset *ds = sample("Müller^张");
		CHECK_INT(dataset_from_utf8(ds, sets[i]), ERR_OK);
		CHECK_STR(dataset_str(ds, TAG_SPECIFIC_CHARACTER_SET), "ISO_IR 192");
		CHECK_STR(dataset_str(ds, TAG_PATIENT_NAME), "Müller^张");
	}
}

TEST(ascii, "plain ASCII says no set")
{
	struct dataset *ds = dataset_new(&arena);
	CHECK_INT(dataset_put_str(ds, TAG_PATIENT_NAME, "Wang^Wu"), ERR_OK);
	CHECK_INT(dataset_from_utf8(ds, "GB18030"), ERR_OK);
	CHECK(!dataset_has(ds, TAG_SPECIFIC_CHARACTER_SET));
}

int main(void)
{
	arena_init(&arena, 1 << 20);
	RUN(gb);
	RUN(lacks);
	RUN(ascii);
	arena_fini(&arena);
	return t_done();
}
