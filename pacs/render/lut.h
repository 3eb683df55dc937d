/* lut - lookup tables of a header: modality, VOI, presentation and palette. */
#ifndef PACS_RENDER_LUT_H
#define PACS_RENDER_LUT_H

#include "pacs/dicom/dataset.h"

struct lut {
	unsigned entries, bits;          /* entries 0: there is none */
	int32_t first;                   /* the value that entry 0 stands for */
	bool is_bytes;                   /* 8-bit entries, two in a word */
	struct bytes data;               /* lent from the data set */
};

/* A descriptor of three numbers and its data (PS3.3 C.11.1.1, C.7.6.3.1.5); what does not fit together is no LUT. */
struct lut lut_read(const struct dataset *ds, uint32_t descriptor, uint32_t data, bool is_signed);
/* The palette of colour 0, 1 or 2: plain, or segmented and then expanded in the data set's arena. */
struct lut lut_read_palette(const struct dataset *ds, unsigned colour, bool is_signed);
/* Below the first value the first entry, above the last the last. */
unsigned   lut_at(const struct lut *l, int64_t v);
/* The same as part of the greatest value that its bits can tell: 0..1. */
double     lut_part(const struct lut *l, int64_t v);

/* ---- colour: the three palettes together ---- */
struct palette { struct lut of[3]; };
/* False: there is none, or one that makes no sense. */
bool palette_read(const struct dataset *ds, bool is_signed, struct palette *out);
void palette_at(const struct palette *p, int64_t v, uint8_t rgb[3]);

#endif
