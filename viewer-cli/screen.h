/* screen - a picture on a terminal through libchafa. */
#ifndef VIEWER_CLI_SCREEN_H
#define VIEWER_CLI_SCREEN_H

#include <stdio.h>

#include "pacs/render/picture.h"

/* The pixels that this terminal can show at once; a guess by its cells where it does not tell. */
void screen_size(unsigned *width, unsigned *height);
/* Columns and lines of the terminal, and the size of one cell in pixels. */
struct screen_cells { unsigned columns, lines, width, height; };
struct screen_cells screen_cells(void);
/* A picture as what draws it with its top left at the cursor's column and line (both from 0), at most columns x lines cells.
 * *is_graphic: real pixels, that stay until they are overwritten or the screen is cleared. By one thread at a time. */
enum err screen_draw(const struct picture *p, unsigned column, unsigned line, unsigned columns, unsigned lines, struct buf *out, bool *is_graphic, struct why *why) MUST_USE;
/* Sixel, kitty or symbols as the terminal can; plain characters without colour when `out` is none. */
enum err screen_print(const struct picture *p, FILE *out, struct why *why) MUST_USE;

#endif
