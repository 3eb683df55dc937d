/* state - a softcopy presentation state (PS3.3 A.33, PS3.4 annex N) as it applies to one frame of one image.
 *
 * Read: the LUTs, the displayed area, rotation and flip, shutters, overlays, graphics and the texts, which are listed and not drawn.
 * Not read: compound graphics, colours of layers, ICC profiles, blending, TRUE SIZE (the area is fitted).
 * Memory   everything is lent from the state's data set.
 */
#ifndef PACS_RENDER_STATE_H
#define PACS_RENDER_STATE_H

#include "pacs/dicom/dataset.h"
#include "pacs/render/view.h"
#include "pacs/xcode/codec.h"

struct state {
	const struct dataset *ds;
	const struct dataset *voi;       /* the item of its Softcopy VOI LUT Sequence; NULL none */
	const struct dataset *area;      /* of its Displayed Area Selection Sequence; NULL none */
	unsigned turns;
	bool is_flipped;
	const char *sop;                 /* the image, frame from 0 */
	unsigned frame;
};

/* ERR_NOT_FOUND: it does not name this image. ERR_UNSUPPORTED: it is no state of this kind. */
enum err state_read(const struct dataset *ds, const char *sop, unsigned frame, struct state *out, struct why *why) MUST_USE;
/* The displayed area into v, which holds the whole picture; the aspect of its pixels where it says one. */
void     state_area(const struct state *s, struct view *v, double *aspect);
/* Graphics onto what v has shown. */
void     state_draw(const struct state *s, const struct view *v, struct picture *p);
/* fn for each text that applies; its element is lent. */
void     state_texts(const struct state *s, void (*fn)(void *arg, const struct element *text), void *arg);

#endif
