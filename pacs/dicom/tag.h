/* tag - attribute tags, value representations and the data dictionary (PS3.6).
 *
 * The dictionary is generated at build time from the one that DCMTK's package installs.
 */
#ifndef PACS_DICOM_TAG_H
#define PACS_DICOM_TAG_H

#include "pacs/base/err.h"

#define TAG(g, e) ((uint32_t)(g) << 16 | (uint32_t)(e))
#define TAG_GROUP(t) ((uint16_t)((t) >> 16))
#define TAG_ELEMENT(t) ((uint16_t)(t))
#define TAG_IS_PRIVATE(t) (((t) >> 16 & 1) != 0)

/* A VR is its two letters: VR('P','N'). 0 = not known. */
typedef uint16_t vr_t;
#define VR(a, b) ((vr_t)((a) << 8 | (b)))
enum {
	VR_AE = VR('A', 'E'), VR_AS = VR('A', 'S'), VR_AT = VR('A', 'T'), VR_CS = VR('C', 'S'), VR_DA = VR('D', 'A'),
	VR_DS = VR('D', 'S'), VR_DT = VR('D', 'T'), VR_FD = VR('F', 'D'), VR_FL = VR('F', 'L'), VR_IS = VR('I', 'S'),
	VR_LO = VR('L', 'O'), VR_LT = VR('L', 'T'), VR_OB = VR('O', 'B'), VR_OD = VR('O', 'D'), VR_OF = VR('O', 'F'),
	VR_OL = VR('O', 'L'), VR_OV = VR('O', 'V'), VR_OW = VR('O', 'W'), VR_PN = VR('P', 'N'), VR_SH = VR('S', 'H'),
	VR_SL = VR('S', 'L'), VR_SQ = VR('S', 'Q'), VR_SS = VR('S', 'S'), VR_ST = VR('S', 'T'), VR_SV = VR('S', 'V'),
	VR_TM = VR('T', 'M'), VR_UC = VR('U', 'C'), VR_UI = VR('U', 'I'), VR_UL = VR('U', 'L'), VR_UN = VR('U', 'N'),
	VR_UR = VR('U', 'R'), VR_US = VR('U', 'S'), VR_UT = VR('U', 'T'), VR_UV = VR('U', 'V'),
};
bool vr_is_known(vr_t vr);
bool vr_has_long_length(vr_t vr);    /* 2 reserved bytes and a 32-bit length (PS3.5 section 7.1.2) */
bool vr_is_text(vr_t vr);            /* subject to Specific Character Set: LO LT PN SH ST UC UT */
bool vr_is_string(vr_t vr);          /* any character VR */
bool vr_is_multi(vr_t vr);           /* backslash separates values */
unsigned vr_swap_unit(vr_t vr);      /* 1, 2, 4 or 8: what big endian swaps */
uint8_t vr_pad(vr_t vr);             /* ' ' or 0 */

struct dict_entry {
	uint32_t tag;
	vr_t vr;                     /* US for "US or SS", OW for "OB or OW" (PS3.6), UN never */
	uint8_t vm_min, vm_max;      /* how many values; vm_max 0: any number */
	const char *keyword;
};
/* NULL for private and unknown tags; 50xx and 60xx repeating groups are found by their base. */
const struct dict_entry *dict_find(uint32_t tag);
const struct dict_entry *dict_find_keyword(const char *keyword);

#define TAG_SPECIFIC_CHARACTER_SET TAG(0x0008, 0x0005)
#define TAG_SOP_CLASS_UID TAG(0x0008, 0x0016)
#define TAG_SOP_INSTANCE_UID TAG(0x0008, 0x0018)
#define TAG_STUDY_DATE TAG(0x0008, 0x0020)
#define TAG_STUDY_TIME TAG(0x0008, 0x0030)
#define TAG_ACCESSION_NUMBER TAG(0x0008, 0x0050)
#define TAG_QUERY_LEVEL TAG(0x0008, 0x0052)
#define TAG_RETRIEVE_AE TAG(0x0008, 0x0054)
#define TAG_AVAILABILITY TAG(0x0008, 0x0056)
#define TAG_FAILED_UIDS TAG(0x0008, 0x0058)
#define TAG_MODALITY TAG(0x0008, 0x0060)
#define TAG_MODALITIES_IN_STUDY TAG(0x0008, 0x0061)
#define TAG_PATIENT_NAME TAG(0x0010, 0x0010)
#define TAG_PATIENT_ID TAG(0x0010, 0x0020)
#define TAG_STUDY_UID TAG(0x0020, 0x000D)
#define TAG_SERIES_UID TAG(0x0020, 0x000E)
#define TAG_PIXEL_DATA TAG(0x7FE0, 0x0010)
#define TAG_ITEM TAG(0xFFFE, 0xE000)
#define TAG_ITEM_END TAG(0xFFFE, 0xE00D)
#define TAG_SEQUENCE_END TAG(0xFFFE, 0xE0DD)

#endif
