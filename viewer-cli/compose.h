/* compose - the model as lines of text for a screen, and where pictures stand between them. Pure. */
#ifndef VIEWER_CLI_COMPOSE_H
#define VIEWER_CLI_COMPOSE_H

#include "pacs/base/buf.h"
#include "viewer-cli/model.h"

enum line_style { LINE_PLAIN, LINE_BAR, LINE_SELECTED, LINE_NEW, LINE_MINE, LINE_URGENT, LINE_DIM, LINE_ASK, LINE_PICTURE };
/* A rectangle of cells. */
struct cells_rect { unsigned column, line, columns, lines; };

/* Where the picture of a pane stands; false: it is not shown (list, dialog over it, no image, screen too small). */
bool            compose_picture(const struct model *m, unsigned pane, struct cells_rect *out);
/* Line n (from 0) as UTF-8, exactly m->columns wide. A LINE_PICTURE is left alone by who draws text. */
enum line_style compose_line(const struct model *m, const struct viewer_options *o, unsigned n, struct buf *out);

#endif
