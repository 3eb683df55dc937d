/* buf - a growing byte buffer with a ceiling.
 *
 * Memory   one block, owned; grows by doubling, never past max.
 * Errors   sticky: after a failed append (no memory, over max) every later append does nothing
 *          and buf_err() says ERR_NOMEM or ERR_LIMIT, so a builder checks once at its end.
 */
#ifndef PACS_BASE_BUF_H
#define PACS_BASE_BUF_H

#include "pacs/base/bytes.h"
#include "pacs/base/err.h"

struct buf {
	uint8_t *p;              /* owned; NULL while empty and never grown */
	size_t len, cap, max;
	enum err err;
};

void     buf_init(struct buf *b, size_t max);
void     buf_fini(struct buf *b);
/* Empties it and forgets the error; keeps the memory. */
void     buf_reset(struct buf *b);
enum err buf_err(const struct buf *b);
struct bytes buf_view(const struct buf *b);      /* lent until the next change */

/* Memory for n more bytes ahead, where their number is known or guessed. */
void     buf_reserve(struct buf *b, size_t n);
/* n bytes at the end to be filled by the caller, or NULL (then the error is set). */
uint8_t *buf_extend(struct buf *b, size_t n);
void     buf_add(struct buf *b, const void *p, size_t n);
void     buf_add_str(struct buf *b, const char *s);
void     buf_add_byte(struct buf *b, uint8_t v);
void     buf_add_be16(struct buf *b, uint16_t v);
void     buf_add_be32(struct buf *b, uint32_t v);
void     buf_add_le16(struct buf *b, uint16_t v);
void     buf_add_le32(struct buf *b, uint32_t v);
void     buf_printf(struct buf *b, const char *fmt, ...) PRINTF(2, 3);
/* Drops n bytes from the front (n <= len). */
void     buf_consume(struct buf *b, size_t n);
/* The content as a C string (a NUL is kept behind it, not counted); "" after an error. */
const char *buf_cstr(struct buf *b);

#endif
