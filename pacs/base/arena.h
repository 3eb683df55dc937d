/* arena - many small allocations, one free.
 *
 * For the parsed form of one message: given its ceiling at birth, freed whole, or rolled back to a
 * mark. Pixel data never enters an arena. What comes out of it dies with it: there is no free().
 */
#ifndef PACS_BASE_ARENA_H
#define PACS_BASE_ARENA_H

#include "pacs/base/bytes.h"
#include "pacs/base/err.h"

struct arena_block;
struct arena {
	struct arena_block *head;  /* owned chain, newest first */
	size_t used, max;          /* bytes handed out; ceiling */
};
struct arena_mark {
	struct arena_block *head;
	size_t block_used, used;
};

void  arena_init(struct arena *a, size_t max);
void  arena_fini(struct arena *a);
/* Zeroed, aligned to 16; NULL when over the ceiling or out of memory. */
void *arena_alloc(struct arena *a, size_t len);
char *arena_strn(struct arena *a, const void *p, size_t len);   /* a NUL-ended copy */
struct bytes arena_bytes(struct arena *a, struct bytes b);      /* a copy; p NULL on failure with len > 0 */
struct arena_mark arena_mark(const struct arena *a);
void  arena_release(struct arena *a, struct arena_mark m);      /* everything since the mark is gone */

#endif
