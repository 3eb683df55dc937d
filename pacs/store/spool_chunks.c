#include "pacs/store/spool_private.h"

#include <stdlib.h>

#include "pacs/base/fault.h"

enum { FIRST_CHUNK = 64 << 10 };         /* most objects of a small kind fit; bigger ones lose little */
/* Full-size chunks that wait for their next use: memory that was never touched costs more than writing it to disk where
 * the machine is a guest. With nothing on its way few are kept. */
enum { KEPT_CHUNKS = BOUND_SPOOL_TOTAL / BOUND_SPOOL_CHUNK, KEPT_IDLE = 16 };

static void chunk_free(struct spool_chunk *c)
{
	free(c->data);
	free(c);
}

static struct spool_chunk *chunk_new(size_t cap)
{
	struct spool_chunk *c = fault_fails(FAULT_ALLOC) ? NULL : malloc(sizeof(*c));
	if (!c)
		return NULL;
	c->cap = cap;
	c->data = aligned_alloc(SPOOL_ALIGN, cap);
	if (!c->data) {
		free(c);
		return NULL;
	}
	return c;
}

static struct spool_chunk *chunk_get(struct spool *s, bool is_first)
{
	struct spool_chunk *c = s->spare;
	size_t cap = is_first ? FIRST_CHUNK : BOUND_SPOOL_CHUNK;
	if (!is_first && c) {
		s->spare = c->next;
		s->spares--;
	} else {
		c = chunk_new(cap);
		if (!c)
			return NULL;
	}
	c->next = NULL;
	c->len = 0;
	return c;
}

void spool_chunks_put(struct spool *s, struct spool_chunk *c)
{
	while (c) {
		struct spool_chunk *next = c->next;
		if (c->cap == BOUND_SPOOL_CHUNK && s->spares < KEPT_CHUNKS) {
			c->next = s->spare;
			s->spare = c;
			s->spares++;
		} else {
			chunk_free(c);
		}
		c = next;
	}
}

enum err spool_append(struct spool_file *f, struct bytes b)
{
	struct spool *s = f->spool;
	while (b.len) {
		struct spool_chunk *c = f->last;
		if (!c || c->len == c->cap) {
			c = chunk_get(s, !f->has_chunk);
			if (!c)
				return ERR_NOMEM;
			f->has_chunk = true;
			if (f->last)
				f->last->next = c;
			else
				f->first = c;
			f->last = c;
		}
		size_t n = c->cap - c->len < b.len ? c->cap - c->len : b.len;
		memcpy(c->data + c->len, b.p, n);
		c->len += n;
		b = bytes_of(b.p + n, b.len - n);
		f->queued += n;
		s->total += n;
		s->since_check += n;
	}
	return ERR_OK;
}

void spool_chunks_trim(struct spool *s, bool is_over)
{
	unsigned keep = is_over ? 0 : KEPT_IDLE;
	for (struct spool_chunk *c; s->spares > keep && (c = s->spare); s->spares--) {
		s->spare = c->next;
		chunk_free(c);
	}
}
