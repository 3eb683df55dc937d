/* keys - what a terminal sends, as keys: letters (ASCII and UTF-8) and escape sequences of arrows and the like. Pure. */
#ifndef VIEWER_CLI_KEYS_H
#define VIEWER_CLI_KEYS_H

#include "pacs/base/bytes.h"

/* Letters are their code points. */
enum {
	KEY_ENTER = 13, KEY_ESCAPE = 27, KEY_TAB = 9, KEY_CTRL_C = 3, KEY_CTRL_L = 12, KEY_BACKSPACE = 127,
	KEY_UP = 0x110000, KEY_DOWN, KEY_LEFT, KEY_RIGHT, KEY_PAGE_UP, KEY_PAGE_DOWN, KEY_HOME, KEY_END, KEY_UNKNOWN,
};

/* The key at the front of b; its length is returned, 0: more bytes may belong to it. is_all: nothing more comes now, so a lone
 * escape is the key Escape. */
size_t keys_next(struct bytes b, bool is_all, unsigned *key);

#endif
