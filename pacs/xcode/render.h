/* render - stored samples to a picture of 8 bits for the eye: the display chain of PS3.3 C.11.2 and C.7.6.3.
 *
 * Bits stored -> padding -> modality LUT or slope -> VOI window or LUT -> inversion of MONOCHROME1; palettes and YBR
 * to RGB. Padding and what lies outside is black. Pure; memory: the picture and a table of 64 kB.
 */
#ifndef PACS_XCODE_RENDER_H
#define PACS_XCODE_RENDER_H

#include "pacs/xcode/codec.h"

struct render_options {
	bool has_window;                 /* else the header's first window, its VOI LUT, or the frame's own range */
	double centre, width;
	unsigned max_width, max_height;  /* made smaller to fit, never larger; 0: as it is */
};

struct picture {
	unsigned width, height, channels;        /* 1 grey, 3 RGB by pixel */
	uint8_t *p;                              /* owned */
};

/* samples and photometric as codec_decode() gave them; the header needs groups 0028 and 2050 only.
 * ERR_USAGE: a window that is none. ERR_UNSUPPORTED: a colour space that is not known. */
enum err render_frame(const struct dataset *header, const struct image_desc *d, const char *photometric, const uint8_t *samples,
                      const struct render_options *o, struct picture *out, struct why *why) MUST_USE;
void     picture_fini(struct picture *p);

#endif
