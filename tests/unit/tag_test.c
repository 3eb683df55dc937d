#include "pacs/dicom/tag.h"

#include "tests/lib/t.h"

static const struct { uint32_t tag; vr_t vr; const char *keyword; } known[] = {
	{ TAG(0x0000, 0x0000), VR_UL, "CommandGroupLength" },
	{ TAG(0x0008, 0x0005), VR_CS, "SpecificCharacterSet" },
	{ TAG(0x0010, 0x0010), VR_PN, "PatientName" },
	{ TAG(0x0028, 0x0106), VR_US, "SmallestImagePixelValue" },     /* US or SS */
	{ TAG(0x0028, 0x3006), VR_OW, "LUTData" },                     /* US or OW */
	{ TAG(0x0004, 0x1200), VR_UL, "OffsetOfTheFirstDirectoryRecordOfTheRootDirectoryEntity" },
	{ TAG(0x5400, 0x1010), VR_OW, "WaveformData" },                /* OB or OW */
	{ TAG(0x6000, 0x3000), VR_OW, "OverlayData" },
	{ TAG(0x7FE0, 0x0010), VR_OW, "PixelData" },
	{ TAG(0x7FE0, 0x0008), VR_OF, "FloatPixelData" },
	{ TAG(0x4008, 0x010B), VR_ST, "InterpretationText" },          /* retired */
	{ TAG(0x0074, 0x1000), VR_CS, "ProcedureStepState" },
};

TEST(dictionary, "attributes are found by tag and by keyword")
{
	for (size_t i = 0; i < NELEM(known); i++) {
		const struct dict_entry *e = dict_find(known[i].tag), *k = dict_find_keyword(known[i].keyword);
		CHECK(e && k);
		CHECK_STR(e ? e->keyword : "", known[i].keyword);
		CHECK_INT(e ? e->vr : 0, known[i].vr);
		CHECK_INT(k ? k->tag : 0, known[i].tag);
	}
}

TEST(repeating, "repeating groups are found by their base")
{
	const struct dict_entry *e = dict_find(TAG(0x6002, 0x3000));
	CHECK_STR(e ? e->keyword : NULL, "OverlayData");
	e = dict_find(TAG(0x50FE, 0x3000));
	CHECK_STR(e ? e->keyword : NULL, "CurveData");
	CHECK(!dict_find(TAG(0x6100, 0x3000)));
}

TEST(absent, "private, unknown and item tags are not in the dictionary")
{
	CHECK(!dict_find(TAG(0x0009, 0x0010)));
	CHECK(!dict_find(TAG(0x6001, 0x3000)));
	CHECK(!dict_find(TAG(0x0010, 0xFFFF)));
	CHECK(!dict_find(TAG_ITEM));
	CHECK(!dict_find(0xFFFFFFFF));
	CHECK(!dict_find_keyword("PatientNam"));
	CHECK(!dict_find_keyword(""));
}

TEST(vrs, "each VR has the length form, padding and swap unit of PS3.5")
{
	CHECK(vr_has_long_length(VR_SQ) && vr_has_long_length(VR_UC) && vr_has_long_length(VR_UN) && vr_has_long_length(VR_OV));
	CHECK(!vr_has_long_length(VR_ST) && !vr_has_long_length(VR_AT) && !vr_has_long_length(VR_PN));
	CHECK(vr_is_known(VR_UV) && !vr_is_known(VR('Z', 'Z')) && !vr_is_known(0));
	CHECK_INT(vr_pad(VR_UI), 0);
	CHECK_INT(vr_pad(VR_OB), 0);
	CHECK_INT(vr_pad(VR_CS), ' ');
	CHECK_INT(vr_pad(VR_UN), 0);
	CHECK_INT(vr_swap_unit(VR_AT), 2);
	CHECK_INT(vr_swap_unit(VR_OF), 4);
	CHECK_INT(vr_swap_unit(VR_FD), 8);
	CHECK_INT(vr_swap_unit(VR_OB), 1);
	CHECK_INT(vr_swap_unit(VR_UN), 1);
	CHECK(vr_is_text(VR_LT) && vr_is_text(VR_UC) && !vr_is_text(VR_CS) && !vr_is_text(VR_UR));
	CHECK(vr_is_multi(VR_CS) && vr_is_multi(VR_UI) && !vr_is_multi(VR_LT) && !vr_is_multi(VR_ST) && !vr_is_multi(VR_UT) && !vr_is_multi(VR_UR));
	CHECK(vr_is_string(VR_UR) && vr_is_string(VR_DA) && !vr_is_string(VR_US) && !vr_is_string(VR_SQ));
}

int main(void)
{
	RUN(dictionary);
	RUN(repeating);
	RUN(absent);
	RUN(vrs);
	return t_done();
}
