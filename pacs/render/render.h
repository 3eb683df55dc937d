/* render - stored samples to a picture of 8 bits for the eye: the display chain of PS3.3 C.11.2 and C.7.6.3, PS3.4 annex N.
 *
 * In this order: greyscale chain (grey.h) or colour (palettes, YBR to RGB) -> overlays -> shutters -> the part that is seen, its
 * size, aspect and turning (view.h) -> graphics of a presentation state. Padding, shuttered and outside: black.
 * Pure; memory: pictures of the frame and a table of 64 kB.
 */
#ifndef PACS_RENDER_RENDER_H
#define PACS_RENDER_RENDER_H

#include "pacs/render/grey.h"
#include "pacs/render/picture.h"
#include "pacs/render/state.h"

struct render_options {
	unsigned frame;                  /* from 0: which overlays, which part of a state */
	struct grey_choice grey;         /* its state is filled from the one below */
	bool no_overlays, no_shutter;
	bool as_stored;                  /* a pixel for a pixel whatever its aspect */
	unsigned max_width, max_height;  /* made smaller to fit; 0: no limit */
	bool may_enlarge;                /* made larger to fit too */
	const struct state *state;       /* NULL none */
};

/* samples and photometric as codec_decode() gave them; header by frame_header_read(), or its groups 0028 and 2050 at least.
 * ERR_USAGE, ERR_NOT_FOUND: a window that is none. ERR_UNSUPPORTED: a colour space that is not known. */
enum err render_frame(const struct dataset *header, const struct image_desc *d, const char *photometric, const uint8_t *samples,
                      const struct render_options *o, struct picture *out, struct why *why) MUST_USE;
/* The same in two steps, for who looks at one frame in many ways: all of the frame, up to the shutters; and what is seen of it. */
enum err render_light(const struct dataset *header, const struct image_desc *d, const char *photometric, const uint8_t *samples,
                      const struct render_options *o, struct picture *out, struct why *why) MUST_USE;
/* A pixel's height over its width: Pixel Aspect Ratio, or what spacing there is (PS3.3 C.7.6.3.1.7); 1 when nothing says it. */
double   render_aspect(const struct dataset *header);

#endif
