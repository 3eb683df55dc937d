#include "pacs/base/buf.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "pacs/base/fault.h"

void buf_init(struct buf *b, size_t max)
{
	*b = (struct buf){ .max = max };
}

void buf_fini(struct buf *b)
{
	free(b->p);
	*b = (struct buf){ .max = b->max };
}

void buf_reset(struct buf *b)
{
	b->len = 0;
	b->err = ERR_OK;
}

enum err buf_err(const struct buf *b)
{
	return b->err;
}

struct bytes buf_view(const struct buf *b)
{
	return (struct bytes){ b->p, b->len };
}

static bool has_room(struct buf *b, size_t n)
{
	if (!b->err && n > b->max - b->len)
		b->err = ERR_LIMIT;
	return !b->err;
}

static bool grow(struct buf *b, size_t cap)
{
	uint8_t *p = fault_fails(FAULT_ALLOC) ? NULL : realloc(b->p, cap);
	if (!p) {
		b->err = ERR_NOMEM;
		return false;
	}
	b->p = p;
	b->cap = cap;
	return true;
}

/* Room for n more bytes and a NUL behind them. */
static bool make_room(struct buf *b, size_t n)
{
	if (!has_room(b, n))
		return false;
	size_t need = b->len + n + 1, cap = b->cap ? b->cap : 64;
	while (cap < need)
		cap *= 2;
	return need <= b->cap || grow(b, cap);
}

void buf_reserve(struct buf *b, size_t n)
{
	if (has_room(b, n) && b->len + n + 1 > b->cap)
		grow(b, b->len + n + 1);
}

uint8_t *buf_extend(struct buf *b, size_t n)
{
	if (!make_room(b, n))
		return NULL;
	uint8_t *at = b->p + b->len;
	b->len += n;
	return at;
}

void buf_add(struct buf *b, const void *p, size_t n)
{
	uint8_t *at = buf_extend(b, n);
	if (at && n)
		memcpy(at, p, n);
}

void buf_add_str(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s));
}

void buf_add_byte(struct buf *b, uint8_t v)
{
	buf_add(b, &v, 1);
}

void buf_add_be16(struct buf *b, uint16_t v)
{
	uint8_t *at = buf_extend(b, 2);
	if (at)
		put_be16(at, v);
}

void buf_add_be32(struct buf *b, uint32_t v)
{
	uint8_t *at = buf_extend(b, 4);
	if (at)
		put_be32(at, v);
}

void buf_add_le16(struct buf *b, uint16_t v)
{
	uint8_t *at = buf_extend(b, 2);
	if (at)
		put_le16(at, v);
}

void buf_add_le32(struct buf *b, uint32_t v)
{
	uint8_t *at = buf_extend(b, 4);
	if (at)
		put_le32(at, v);
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap, again;
	va_start(ap, fmt);
	va_copy(again, ap);
	int n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n >= 0 && make_room(b, (size_t)n)) {
		vsnprintf((char *)b->p + b->len, (size_t)n + 1, fmt, again);
		b->len += (size_t)n;
	}
	va_end(again);
}

void buf_consume(struct buf *b, size_t n)
{
	assert(n <= b->len);
	b->len -= n;
	if (b->len)
		memmove(b->p, b->p + n, b->len);
}

const char *buf_cstr(struct buf *b)
{
	if (b->err || !make_room(b, 0))
		return "";
	b->p[b->len] = '\0';
	return (const char *)b->p;
}
