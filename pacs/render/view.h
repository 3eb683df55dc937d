/* view - which part of a picture is seen, how large, and turned how.
 *
 * Smaller by the exact mean of what falls on each pixel, larger by lines between them. What lies outside of the picture is black.
 */
#ifndef PACS_RENDER_VIEW_H
#define PACS_RENDER_VIEW_H

#include "pacs/render/picture.h"

struct view {
	double x, y, width, height;      /* of the picture, in its pixels; may reach outside */
	unsigned out_width, out_height;  /* after turning */
	unsigned turns;                  /* quarters clockwise, 0..3, after the flip */
	bool is_flipped;                 /* left and right change places */
};

/* x, y, width, height, turns and flip are set; the rest so that it fits into max_width x max_height (0: no limit). aspect: a
 * pixel's height over its width. Without may_enlarge never more pixels than there are, but for the aspect: none is lost to it. */
void     view_fit(struct view *v, double aspect, unsigned max_width, unsigned max_height, bool may_enlarge);
/* *p becomes what the view shows. */
enum err view_take(const struct view *v, struct picture *p, struct why *why) MUST_USE;
/* Where a point of the picture stands in what is shown; pixel centres are at .5. */
void     view_point(const struct view *v, double x, double y, double *out_x, double *out_y);

#endif
