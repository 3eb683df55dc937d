/* screen - a picture on a terminal through libchafa. */
#ifndef VIEWER_CLI_SCREEN_H
#define VIEWER_CLI_SCREEN_H

#include <stdio.h>

#include "pacs/render/picture.h"

/* The pixels that this terminal can show at once; a guess by its cells where it does not tell. */
void screen_size(unsigned *width, unsigned *height);
/* Sixel, kitty or symbols as the terminal can; plain characters without colour when `out` is none. */
enum err screen_print(const struct picture *p, FILE *out, struct why *why) MUST_USE;

#endif
