/* strokes - lines on a picture, with a dark seam so that they are seen on white too, or a filled shape.
 *
 * Points that are no numbers or far outside are passed over. Memory: the corners of a filled shape, up to BOUND_PICTURE_POINTS.
 */
#ifndef PACS_RENDER_STROKES_H
#define PACS_RENDER_STROKES_H

#include "pacs/render/picture.h"

struct strokes {
	struct picture *p;
	uint8_t value;
	bool has_pen, is_filled;
	double x, y;                     /* where the pen is */
	double *at;                      /* owned; x, y of a filled shape */
	unsigned n, cap;
};

struct strokes strokes_begin(struct picture *p, uint8_t value, bool is_filled);
void     strokes_to(struct strokes *s, double x, double y);      /* the first one only sets the pen down */
void     strokes_cross(struct strokes *s, double x, double y);
/* Around x, y with two half axes; each point goes through fn, which may move it and gives it to strokes_to(). */
void     strokes_ellipse(struct strokes *s, double x, double y, double ax, double ay, double bx, double by,
                         void (*fn)(void *arg, struct strokes *to, double x, double y), void *arg);
/* Between b (t 0) and c (t 1) of four points: Catmull and Rom's curve. */
double   strokes_curve(double a, double b, double c, double d, double t);
void     strokes_end(struct strokes *s);         /* fills; frees */

#endif
