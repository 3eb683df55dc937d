#include "pacs/dicom/edit_value.h"

#include "tests/lib/t.h"

static struct why why;

TEST(names, "an attribute is named by keyword or number; only some may be corrected, and each refusal says why")
{
	static const struct { const char *text; uint32_t tag; enum err e; const char *says; } cases[] = {
		{ "StudyDescription", TAG(0x0008, 0x1030), ERR_OK, NULL },
		{ "(0008,1030)", TAG(0x0008, 0x1030), ERR_OK, NULL },
		{ "0018,0015", TAG(0x0018, 0x0015), ERR_OK, NULL },
		{ "PatientName", TAG_PATIENT_NAME, ERR_OK, NULL },
		{ "Weather", 0, ERR_NOT_FOUND, "keyword" },
		{ "(0008,103)", 0, ERR_NOT_FOUND, "keyword" },
		{ "StudyInstanceUID", 0, ERR_DENIED, "UID" },
		{ "SOPClassUID", 0, ERR_DENIED, "UID" },
		{ "TransferSyntaxUID", 0, ERR_DENIED, "no part" },
		{ "PhotometricInterpretation", 0, ERR_DENIED, "samples" },
		{ "WindowCenter", 0, ERR_DENIED, "samples" },
		{ "SpecificCharacterSet", 0, ERR_DENIED, "written" },
		{ "ProcedureCodeSequence", 0, ERR_DENIED, "sequence" },
		{ "OriginalAttributesSequence", 0, ERR_DENIED, "behind" },
		{ "PixelData", 0, ERR_DENIED, "behind" },
		{ "(0009,1001)", 0, ERR_DENIED, "private" },
		{ "(0008,0000)", 0, ERR_DENIED, NULL },
		{ "(0008,fffe)", 0, ERR_DENIED, "dictionary" },
	};
	for (size_t i = 0; i < NELEM(cases); i++) {
		uint32_t tag = 0;
		enum err e = edit_tag_parse(cases[i].text, &tag, &why);
		if (!e)
			e = edit_tag_allowed(tag, &why);
		CHECK_INT(e, cases[i].e);
		if (!e)
			CHECK_INT(tag, cases[i].tag);
		if (e && cases[i].says && !strstr(why.text, cases[i].says))
			CHECK_STR(why.text, cases[i].says);
	}
}

TEST(values, "values are checked against VR and multiplicity, and come back as they are kept")
{
	static const struct { const char *key, *text, *out; } cases[] = {
		{ "StudyDescription", " CT head ", "CT head" },
		{ "StudyDescription", "", "" },
		{ "StudyDescription", "   ", "" },
		{ "StudyDescription", "a\\b", NULL },
		{ "StudyDescription", "0123456789012345678901234567890123456789012345678901234567890123", "0123456789012345678901234567890123456789012345678901234567890123" },
		{ "StudyDescription", "01234567890123456789012345678901234567890123456789012345678901234", NULL },
		{ "StudyDescription", "头颅平扫", "头颅平扫" },
		{ "StudyDescription", "a\nb", NULL },
		{ "StudyDescription", "\xff", NULL },
		{ "StudyDate", "20260229", NULL },
		{ "StudyDate", "20240229", "20240229" },
		{ "StudyDate", "2026-03-01", NULL },
		{ "StudyDate", "20261301", NULL },
		{ "StudyTime", "0815", "0815" },
		{ "StudyTime", "081500.123456", "081500.123456" },
		{ "StudyTime", "2515", NULL },
		{ "StudyTime", "081", NULL },
		{ "StudyTime", "0815.1", NULL },
		{ "AcquisitionDateTime", "20260301081500.5+0800", "20260301081500.5+0800" },
		{ "AcquisitionDateTime", "202603010", NULL },
		{ "AccessionNumber", "0123456789012345", "0123456789012345" },
		{ "AccessionNumber", "01234567890123456", NULL },
		{ "PatientAge", "045Y", "045Y" },
		{ "PatientAge", "45", NULL },
		{ "BodyPartExamined", "CHEST", "CHEST" },
		{ "BodyPartExamined", "chest", NULL },
		{ "SeriesNumber", "+007", "7" },
		{ "SeriesNumber", "7a", NULL },
		{ "SeriesNumber", "3000000000", NULL },
		{ "PatientWeight", "61.5", "61.5" },
		{ "PatientWeight", "heavy", NULL },
		{ "PatientName", "Zhang^San=张^三=", "Zhang^San=张^三=" },
		{ "PatientName", "a=b=c=d", NULL },
		{ "PatientName", "a^b^c^d^e^f", NULL },
		{ "ImageType", "DERIVED\\SECONDARY", "DERIVED\\SECONDARY" },
		{ "ImageType", "DERIVED", NULL },
		{ "PatientComments", "line one\r\nline two", "line one\r\nline two" },
		{ "StationAETitle", "CR1", "CR1" },
	};
	for (size_t i = 0; i < NELEM(cases); i++) {
		uint32_t tag = 0;
		char out[EDIT_VALUE_MAX + 1] = "?";
		if (!strcmp(cases[i].key, "StationAETitle"))
			tag = TAG(0x0008, 0x0055);
		else
			CHECK_OK(edit_tag_parse(cases[i].key, &tag, &why), why);
		enum err e = edit_value_check(tag, cases[i].text, out, &why);
		if (!!e != !cases[i].out)
			CHECK_STR(cases[i].text, cases[i].out ? "taken" : "refused");
		else if (!e)
			CHECK_STR(out, cases[i].out);
	}
}

int main(void)
{
	RUN(names);
	RUN(values);
	return t_done();
}
