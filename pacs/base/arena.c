#include "pacs/base/arena.h"

#include <stdalign.h>
#include <stdlib.h>

#include "pacs/base/fault.h"

enum { BLOCK = 16384 };

struct arena_block {
	struct arena_block *next;
	size_t used, cap;
	alignas(16) uint8_t data[];
};

void arena_init(struct arena *a, size_t max)
{
	*a = (struct arena){ .max = max };
}

void arena_release(struct arena *a, struct arena_mark m)
{
	while (a->head != m.head) {
		struct arena_block *b = a->head;
		a->head = b->next;
		free(b);
	}
	if (a->head)
		a->head->used = m.block_used;
	a->used = m.used;
}

void arena_fini(struct arena *a)
{
	arena_release(a, (struct arena_mark){ 0 });
}

struct arena_mark arena_mark(const struct arena *a)
{
	return (struct arena_mark){ a->head, a->head ? a->head->used : 0, a->used };
}

static struct arena_block *grow(struct arena *a, size_t len)
{
	size_t cap = len > BLOCK ? len : BLOCK;
	struct arena_block *b = fault_fails(FAULT_ALLOC) ? NULL : malloc(sizeof(*b) + cap);
	if (!b)
		return NULL;
	*b = (struct arena_block){ .next = a->head, .cap = cap };
	return a->head = b;
}

void *arena_alloc(struct arena *a, size_t len)
{
	if (len > a->max - a->used)
		return NULL;
	size_t room = (len + 15) & ~(size_t)15;
	struct arena_block *b = a->head;
	if (!b || b->cap - b->used < room)
		b = grow(a, room);
	if (!b)
		return NULL;
	void *p = b->data + b->used;
	b->used += room;
	a->used += len;
	return memset(p, 0, len);
}

char *arena_strn(struct arena *a, const void *p, size_t len)
{
	char *s = arena_alloc(a, len + 1);
	if (s && len)
		memcpy(s, p, len);
	return s;
}

struct bytes arena_bytes(struct arena *a, struct bytes b)
{
	void *p = b.len ? arena_alloc(a, b.len) : NULL;
	if (p)
		memcpy(p, b.p, b.len);
	return (struct bytes){ p, b.len };
}
