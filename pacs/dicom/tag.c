#include "pacs/dicom/tag.h"

#include <stdlib.h>
#include <string.h>

#include "pacs/dicom/dict_table.h"

enum {
	LONG = 1,        /* 32-bit length in explicit VR */
	TEXT = 2,        /* Specific Character Set applies */
	STRING = 4,      /* made of characters */
	MULTI = 8,       /* backslash separates values */
	PAD_BLANK = 16,
};

/* PS3.5 section 6.2 and table 7.1-1. */
static const struct vr_row { vr_t vr; uint8_t flags, swap; } vrs[] = {
	{ VR_AE, STRING | MULTI | PAD_BLANK, 1 }, { VR_AS, STRING | MULTI | PAD_BLANK, 1 }, { VR_AT, 0, 2 },
	{ VR_CS, STRING | MULTI | PAD_BLANK, 1 }, { VR_DA, STRING | MULTI | PAD_BLANK, 1 }, { VR_DS, STRING | MULTI | PAD_BLANK, 1 },
	{ VR_DT, STRING | MULTI | PAD_BLANK, 1 }, { VR_FD, 0, 8 }, { VR_FL, 0, 4 }, { VR_IS, STRING | MULTI | PAD_BLANK, 1 },
	{ VR_LO, TEXT | STRING | MULTI | PAD_BLANK, 1 }, { VR_LT, TEXT | STRING | PAD_BLANK, 1 },
	{ VR_OB, LONG, 1 }, { VR_OD, LONG, 8 }, { VR_OF, LONG, 4 }, { VR_OL, LONG, 4 }, { VR_OV, LONG, 8 }, { VR_OW, LONG, 2 },
	{ VR_PN, TEXT | STRING | MULTI | PAD_BLANK, 1 }, { VR_SH, TEXT | STRING | MULTI | PAD_BLANK, 1 },
	{ VR_SL, 0, 4 }, { VR_SQ, LONG, 1 }, { VR_SS, 0, 2 }, { VR_ST, TEXT | STRING | PAD_BLANK, 1 }, { VR_SV, LONG, 8 },
	{ VR_TM, STRING | MULTI | PAD_BLANK, 1 }, { VR_UC, LONG | TEXT | STRING | MULTI | PAD_BLANK, 1 },
	{ VR_UI, STRING | MULTI, 1 }, { VR_UL, 0, 4 }, { VR_UN, LONG, 1 }, { VR_UR, LONG | STRING | PAD_BLANK, 1 },
	{ VR_US, 0, 2 }, { VR_UT, LONG | TEXT | STRING | PAD_BLANK, 1 }, { VR_UV, LONG, 8 },
};

static const struct vr_row *row(vr_t vr)
{
	static const struct vr_row unknown = { 0, LONG, 1 };
	for (size_t i = 0; i < NELEM(vrs); i++)
		if (vrs[i].vr == vr)
			return &vrs[i];
	return &unknown;
}

static bool has(vr_t vr, unsigned flag)
{
	return (row(vr)->flags & flag) != 0;
}

bool vr_is_known(vr_t vr) { return row(vr)->vr != 0; }
/* An unknown VR is read like UN (PS3.5 section 6.2.2: new VRs get the long form). */
bool vr_has_long_length(vr_t vr) { return has(vr, LONG); }
bool vr_is_text(vr_t vr) { return has(vr, TEXT); }
bool vr_is_string(vr_t vr) { return has(vr, STRING); }
bool vr_is_multi(vr_t vr) { return has(vr, MULTI); }
unsigned vr_swap_unit(vr_t vr) { return row(vr)->swap; }
uint8_t vr_pad(vr_t vr) { return has(vr, PAD_BLANK) ? ' ' : 0; }

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
	unsigned high = tag >> 24;
	if (TAG_IS_PRIVATE(tag))
		return NULL;
	if (high == 0x50 || high == 0x60 || high == 0x7F) {
		const struct dict_entry *e = find_exact(tag);
		return e ? e : find_exact(tag & 0xFF00FFFF);
	}
	return find_exact(tag);
}

static int compare_keyword(const void *key, const void *place)
{
	return strcmp(key, dict_table[*(const uint16_t *)place].keyword);
}

const struct dict_entry *dict_find_keyword(const char *keyword)
{
	const uint16_t *p = bsearch(keyword, dict_by_keyword, dict_by_keyword_count, sizeof(*dict_by_keyword), compare_keyword);
	return p ? &dict_table[*p] : NULL;
}
