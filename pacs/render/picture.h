/* picture - 8 bits for the eye: grey or RGB, and as a PNG or JPEG file in memory. */
#ifndef PACS_RENDER_PICTURE_H
#define PACS_RENDER_PICTURE_H

#include "pacs/base/buf.h"

struct picture {
	unsigned width, height, channels;        /* 1 grey, 3 RGB by pixel */
	uint8_t *p;                              /* owned; NULL: nothing */
};

/* Black. ERR_LIMIT: over BOUND_PICTURE_SIDE; ERR_NOMEM. */
enum err picture_init(struct picture *p, unsigned width, unsigned height, unsigned channels, struct why *why) MUST_USE;
void     picture_fini(struct picture *p);
/* Grey becomes RGB; RGB stays. */
enum err picture_to_rgb(struct picture *p, struct why *why) MUST_USE;

/* Behind what `out` holds. */
enum err picture_png(const struct picture *p, struct buf *out, struct why *why) MUST_USE;
enum err picture_jpeg(const struct picture *p, unsigned quality, struct buf *out, struct why *why) MUST_USE;

#endif
