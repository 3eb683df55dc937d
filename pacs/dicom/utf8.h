/* utf8 - characters of UTF-8 text. Pure. */
#ifndef PACS_DICOM_UTF8_H
#define PACS_DICOM_UTF8_H

#include "pacs/base/buf.h"

/* The character at the front of `t`, which is shortened by it. A byte that begins no character
 * comes back as 0xDC00 + itself, so bad text can still be compared. t->len must not be 0. */
uint32_t utf8_take(struct bytes *t);
/* The character at the front, or 0 when it is no valid UTF-8 (RFC 3629); *len its bytes. */
uint32_t utf8_peek(struct bytes t, size_t *len);
void     utf8_add(struct buf *out, uint32_t c);

/* Lower case of Latin, Greek and Cyrillic; full-width forms as ASCII; the ideographic blank as a blank. */
uint32_t utf8_fold(uint32_t c);

#endif
