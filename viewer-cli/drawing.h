/* drawing - a pane's picture as what the terminal is to be sent. For one thread; keeps the frame it drew last of each pane. */
#ifndef VIEWER_CLI_DRAWING_H
#define VIEWER_CLI_DRAWING_H

#include "viewer-cli/compose.h"
#include "viewer-cli/image.h"

struct drawing_job {
	unsigned pane, frame;
	char path[512];
	char state[512];                         /* the presentation state's file; "" none */
	struct look look;
	struct cells_rect rect;
	unsigned cell_width, cell_height;        /* pixels */
	/* out */
	struct buf text;                         /* the caller's */
	bool is_graphic;
	struct drawn drawn;
	char says[300];                          /* the texts of the state, or that it is not for this frame */
};
struct drawing;                                  /* what is kept */
struct drawing *drawing_new(void);               /* NULL: no memory */
void     drawing_free(struct drawing **d);
enum err drawing_run(struct drawing *d, struct drawing_job *job, struct why *why) MUST_USE;

#endif
