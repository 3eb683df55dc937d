/* hex - bytes as text in JSON: two small digits each. */
#ifndef PACS_BASE_HEX_H
#define PACS_BASE_HEX_H

#include "pacs/base/buf.h"

/* Appends. ERR_FORMAT: an odd digit or none; buf errors are sticky. */
enum err hex_read(const char *hex, struct buf *out) MUST_USE;
void     hex_write(struct bytes raw, struct buf *out);

#endif
