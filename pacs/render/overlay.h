/* overlay - the overlay planes of a data set (PS3.3 C.9.2): separate bitmaps, and those in unused bits of the pixels. Pure. */
#ifndef PACS_RENDER_OVERLAY_H
#define PACS_RENDER_OVERLAY_H

#include "pacs/dicom/dataset.h"
#include "pacs/xcode/codec.h"

enum { OVERLAY_PLANES = 16 };

struct overlay {
	unsigned rows, columns, frames, first_frame;     /* first_frame: the image's, from 0, that its first belongs to */
	int x, y;                        /* of its top left in the image, from 0; may be outside */
	bool is_embedded, is_roi;
	unsigned bit;                    /* of an embedded one */
	struct bytes bits;               /* lent; one bit a pixel, the least significant first */
	uint16_t group;
};

/* The plane of group 6000 + 2 n; false: there is none, or one that makes no sense. */
bool overlay_read(const struct dataset *ds, unsigned n, const struct image_desc *d, struct overlay *out);
/* fn for every pixel of the image that is set in this frame (from 0). samples: for embedded ones. */
void overlay_each(const struct overlay *o, const struct image_desc *d, unsigned frame, const uint8_t *samples,
                  void (*fn)(void *arg, unsigned x, unsigned y), void *arg);

#endif
