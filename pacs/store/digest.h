/* digest - XXH3-128 over a stream of bytes, told as 32 hex digits. Pure. */
#ifndef PACS_STORE_DIGEST_H
#define PACS_STORE_DIGEST_H

#include "pacs/base/bytes.h"
#include "pacs/base/err.h"

struct digest;

struct digest *digest_new(void);         /* NULL: no memory */
void digest_free(struct digest **d);
void digest_add(struct digest *d, struct bytes b);
void digest_hex(const struct digest *d, char out[33]);     /* of all that was added; more may follow */

#endif
