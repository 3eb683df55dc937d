#include "pacs/dicom/tag.h"

#include <string.h>

#include "pacs/dicom/dict_table.h"

enum { LONG = 1, TEXT = 2, STRING = 4, MULTI = 8, ZERO_PAD = 16 };

/* PS3.5 section 6.2 and 7.1.2. */
static const struct { vr_t vr; uint8_t swap, flags; } vrs[] = {
	{ VR_AE, 1, STRING | MULTI }, { VR_AS, 1, STRING | MULTI }, { VR_AT, 2, ZERO_PAD }, { VR_CS, 1, STRING | MULTI },
	{ VR_DA, 1, STRING | MULTI }, { VR_DS, 1, STRING | MULTI }, { VR_DT, 1, STRING | MULTI }, { VR_FD, 8, ZERO_PAD },
	{ VR_FL, 4, ZERO_PAD }, { VR_IS, 1, STRING | MULTI }, { VR_LO, 1, TEXT | STRING | MULTI }, { VR_LT, 1, TEXT | STRING },
	{ VR_OB, 1, LONG | ZERO_PAD }, { VR_OD, 8, LONG | ZERO_PAD }, { VR_OF, 4, LONG | ZERO_PAD }, { VR_OL, 4, LONG | ZERO_PAD },
	{ VR_OV, 8, LONG | ZERO_PAD }, { VR_OW, 2, LONG | ZERO_PAD }, { VR_PN, 1, TEXT | STRING | MULTI }, { VR_SH, 1, TEXT | STRING | MULTI },
	{ VR_SL, 4, ZERO_PAD }, { VR_SQ, 1, LONG | ZERO_PAD }, { VR_SS, 2, ZERO_PAD }, { VR_ST, 1, TEXT | STRING },
	{ VR_SV, 8, LONG | ZERO_PAD }, { VR_TM, 1, STRING | MULTI }, { VR_UC, 1, LONG | TEXT | STRING | MULTI }, { VR_UI, 1, STRING | MULTI | ZERO_PAD },
	{ VR_UL, 4, ZERO_PAD }, { VR_UN, 1, LONG | ZERO_PAD }, { VR_UR, 1, LONG | STRING }, { VR_US, 2, ZERO_PAD },
	{ VR_UT, 1, LONG | TEXT | STRING }, { VR_UV, 8, LONG | ZERO_PAD },
};

static int find_vr(vr_t vr)
{
	for (unsigned i = 0; i < NELEM(vrs); i++)
		if (vrs[i].vr == vr)
			return (int)i;
	return -1;
}

static bool has_flag(vr_t vr, unsigned flag)
{
	int i = find_vr(vr);
	return i >= 0 && (vrs[i].flags & flag);
}

bool vr_is_known(vr_t vr) { return find_vr(vr) >= 0; }
bool vr_has_long_length(vr_t vr) { return has_flag(vr, LONG); }
bool vr_is_text(vr_t vr) { return has_flag(vr, TEXT); }
bool vr_is_string(vr_t vr) { return has_flag(vr, STRING); }
bool vr_is_multi(vr_t vr) { return has_flag(vr, MULTI); }

unsigned vr_swap_unit(vr_t vr)
{
	int i = find_vr(vr);
	return i >= 0 ? vrs[i].swap : 1;
}

uint8_t vr_pad(vr_t vr)
{
	return find_vr(vr) < 0 || has_flag(vr, ZERO_PAD) ? 0 : ' ';
}

static const struct dict_entry *find_exact(uint32_t tag)
{
	size_t lo = 0, hi = dict_table_count;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (dict_table[mid].tag < tag)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < dict_table_count && dict_table[lo].tag == tag ? &dict_table[lo] : NULL;
}

const struct dict_entry *dict_find(uint32_t tag)
{
	if (TAG_IS_PRIVATE(tag))
		return NULL;
	const struct dict_entry *e = find_exact(tag);
	uint32_t base = tag & 0xFF000000u;
	if (!e && (base == 0x50000000u || base == 0x60000000u))
		e = find_exact(base | (tag & 0xFFFFu));
	return e;
}

const struct dict_entry *dict_find_keyword(const char *keyword)
{
	for (size_t i = 0; i < dict_table_count; i++)
		if (!strcmp(dict_table[i].keyword, keyword))
			return &dict_table[i];
	return NULL;
}
