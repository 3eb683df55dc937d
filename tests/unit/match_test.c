#include "pacs/dicom/match.h"

#include <stdlib.h>
#include <time.h>

#include "tests/lib/t.h"

TEST(kinds, "a key's kind follows from its VR and text")
{
	static const struct { vr_t vr; const char *key; enum match_kind want; } c[] = {
		{ VR_LO, "", MATCH_UNIVERSAL }, { VR_LO, "*", MATCH_UNIVERSAL }, { VR_UI, "*", MATCH_UNIVERSAL }, { VR_DA, "*", MATCH_UNIVERSAL },
		{ VR_LO, "AB", MATCH_SINGLE }, { VR_LO, "A*", MATCH_WILDCARD }, { VR_PN, "A?", MATCH_WILDCARD }, { VR_IS, "1*", MATCH_SINGLE },
		{ VR_UI, "1.2", MATCH_SINGLE }, { VR_UI, "1.2\\1.3", MATCH_UID_LIST }, { VR_DA, "20260101", MATCH_SINGLE },
		{ VR_DA, "20260101-", MATCH_RANGE }, { VR_DA, "2026-01-01", MATCH_SINGLE }, { VR_DA, "2026-01-01-2026-02-01", MATCH_RANGE },
		{ VR_TM, "10-12", MATCH_RANGE }, { VR_DT, "20260101-0800", MATCH_SINGLE }, { VR_DT, "20260101-0800-", MATCH_RANGE },
		{ VR_LO, "10-12", MATCH_SINGLE },
	};
	for (size_t i = 0; i < NELEM(c); i++)
		if (match_kind(c[i].vr, c[i].key) != c[i].want)
			T_FAIL("\"%s\": got %d, wanted %d", c[i].key, match_kind(c[i].vr, c[i].key), c[i].want);
}

TEST(wildcards, "* is any run, ? one character of any size")
{
	static const struct { const char *pattern, *text; bool want; } c[] = {
		{ "ABC", "ABC", true }, { "ABC", "abc", false }, { "A*", "A", true }, { "A*", "BA", false }, { "*C", "ABC", true }, { "*B*", "ABC", true },
		{ "A?C", "ABC", true }, { "A?C", "AC", false }, { "?", "", false }, { "", "", true }, { "", "A", false }, { "*", "", true }, { "**", "x", true },
		{ "a*b*c", "aXbXbXc", true }, { "a*b*c", "aXbXbX", false }, { "*aab", "aaaaab", true }, { "a?*", "a", false }, { "a?*", "ab", true },
		{ "?", "张", true }, { "张?", "张三", true }, { "??", "张", false }, { "?三", "张三", true }, { "*三", "张三", true }, { "?", "\xFF", true },
		{ "A*A*A*A*A*A*A*A*B", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", false },
	};
	for (size_t i = 0; i < NELEM(c); i++)
		if (match_wildcard(c[i].pattern, c[i].text) != c[i].want)
			T_FAIL("\"%s\" on \"%s\": wanted %d", c[i].pattern, c[i].text, c[i].want);
}

TEST(names, "names match by group, without case and without trailing carets")
{
	static const struct { const char *key, *name; bool want; } c[] = {
		{ "Zhang^San", "ZHANG^SAN", true }, { "zhang*", "Zhang^San=张^三", true }, { "张^三", "Zhang^San=张^三", true }, { "张*", "Zhang^San=张^三", true },
		{ "张*", "Zhang^San==x", false }, { "Zhang^San", "Zhang^San^^^", true }, { "Zhang^San^^", "Zhang^San", true }, { "Zhang", "Zhang^San", false },
		{ "=张^三", "Zhang^San=张^三", true }, { "=李*", "Zhang^San=张^三", false }, { "Zhang*=张*", "Zhang^San=张^三=x", true }, { "San=", "Zhang^San", false },
		{ "", "anybody", true }, { "*", "", true }, { "x", "", false }, { "MÜLLER^H", "müller^h", true }, { "ИВАНОВ*", "Иванов^И", true },
		{ "ｚｈａｎｇ*", "Zhang^San", true }, { "Zhang^San ", "zhang^san", true }, { "?hang^*", "Zhang^San", true }, { "=*", "Zhang", true }, { "==Zh*", "Zhang=Zhang", false },
	};
	for (size_t i = 0; i < NELEM(c); i++)
		if (match_name(c[i].key, c[i].name) != c[i].want)
			T_FAIL("\"%s\" on \"%s\": wanted %d", c[i].key, c[i].name, c[i].want);
}

static const struct { vr_t vr; const char *key, *lo, *hi; enum err e; } ranges[] = {
	{ VR_DA, "20260301", "20260301", "20260301", ERR_OK },
	{ VR_DA, "20260301-20260305", "20260301", "20260305", ERR_OK },
	{ VR_DA, "-20260305", "", "20260305", ERR_OK },
	{ VR_DA, "20260301-", "20260301", "", ERR_OK },
	{ VR_DA, " 20260301 - 20260305 ", "20260301", "20260305", ERR_OK },
	{ VR_DA, "2026.03.01", "20260301", "20260301", ERR_OK },
	{ VR_DA, "2026-03-01", "20260301", "20260301", ERR_OK },
	{ VR_DA, "2026-03-01-2026-03-05", "20260301", "20260305", ERR_OK },
	{ VR_DA, "-2026-03-05", "", "20260305", ERR_OK },
	{ VR_DA, "2026-03-01-", "20260301", "", ERR_OK },
	{ VR_DA, "20240229", "20240229", "20240229", ERR_OK },
	{ VR_DA, "20260229", "", "", ERR_FORMAT },
	{ VR_DA, "20261301", "", "", ERR_FORMAT },
	{ VR_DA, "00000000", "", "", ERR_FORMAT },
	{ VR_DA, "2026*", "", "", ERR_FORMAT },
	{ VR_DA, "", "", "", ERR_FORMAT },
	{ VR_DA, "-", "", "", ERR_FORMAT },
	{ VR_DA, "202603011", "", "", ERR_FORMAT },
	{ VR_LO, "20260301", "", "", ERR_FORMAT },
	{ VR_TM, "10", "100000.000000", "105959.999999", ERR_OK },
	{ VR_TM, "10-12", "100000.000000", "125959.999999", ERR_OK },
	{ VR_TM, "1022-", "102200.000000", "", ERR_OK },
	{ VR_TM, "-102211.5", "", "102211.599999", ERR_OK },
	{ VR_TM, "10:22:11", "102211.000000", "102211.999999", ERR_OK },
	{ VR_TM, "10:22", "102200.000000", "102259.999999", ERR_OK },
	{ VR_TM, "102211.123456", "102211.123456", "102211.123456", ERR_OK },
	{ VR_TM, "24", "", "", ERR_FORMAT },
	{ VR_TM, "1", "", "", ERR_FORMAT },
	{ VR_TM, "1060", "", "", ERR_FORMAT },
	{ VR_TM, "noon", "", "", ERR_FORMAT },
	{ VR_DT, "202602", "20260201000000.000000", "20260228235959.999999", ERR_OK },
	{ VR_DT, "2026", "20260101000000.000000", "20261231235959.999999", ERR_OK },
	{ VR_DT, "20260301102211.5-20260302", "20260301102211.500000", "20260302235959.999999", ERR_OK },
	{ VR_DT, "20260301102211+0800", "20260301022211.000000", "20260301022211.999999", ERR_OK },
	{ VR_DT, "20260301230000-0230", "20260302013000.000000", "20260302013000.999999", ERR_OK },
	{ VR_DT, "20260301230000-0230-20260303", "20260302013000.000000", "20260303235959.999999", ERR_OK },
	{ VR_DT, "2026-2027", "20260101000000.000000", "20271231235959.999999", ERR_OK },
	{ VR_DT, "20260301+9999", "", "", ERR_FORMAT },
};

TEST(moments, "dates and times become comparable text, open, partial and in foreign forms too")
{
	char lo[32], hi[32];
	for (size_t i = 0; i < NELEM(ranges); i++) {
		bool was = t_bad;
		t_bad = false;
		CHECK_INT(match_range(ranges[i].vr, ranges[i].key, lo, hi), ranges[i].e);
		if (ranges[i].e == ERR_OK) {
			CHECK_STR(lo, ranges[i].lo);
			CHECK_STR(hi, ranges[i].hi);
		}
		if (t_bad)
			printf("# key \"%s\"\n", ranges[i].key);
		t_bad |= was;
	}
}

TEST(values, "a stored value has the same normal form, or none")
{
	char out[32];
	match_normalise(VR_DA, "2026.03.01", out);
	CHECK_STR(out, "20260301");
	match_normalise(VR_TM, "1022", out);
	CHECK_STR(out, "102200.000000");
	match_normalise(VR_TM, "102211.5", out);
	CHECK_STR(out, "102211.500000");
	match_normalise(VR_DA, "20260301-", out);
	CHECK_STR(out, "");
	match_normalise(VR_DA, "yesterday", out);
	CHECK_STR(out, "");
	match_normalise(VR_DT, "202603", out);
	CHECK_STR(out, "20260301000000.000000");
}

int main(void)
{
	setenv("TZ", "UTC", 1);
	tzset();
	RUN(kinds);
	RUN(wildcards);
	RUN(names);
	RUN(moments);
	RUN(values);
	return t_done();
}
