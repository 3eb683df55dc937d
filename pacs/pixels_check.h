/* pixels_check - is what is kept still an image that decodes to the samples it had? By a codec worker, one object at a time.
 *
 * Blocking. The worker is a process of the caller's (pacs/xcode/worker.h), sandboxed as always.
 */
#ifndef PACS_PIXELS_CHECK_H
#define PACS_PIXELS_CHECK_H

#include "db/index.h"
#include "pacs/xcode/worker.h"

enum pixels_found {
	PIXELS_EQUAL,            /* the samples have the digest that was recorded when they were compressed */
	PIXELS_DECODE,           /* they decode, and the bytes are those of the row; no digest of samples was ever recorded */
	PIXELS_NONE,             /* no image, or none that a codec here knows; the bytes are not looked at */
	PIXELS_BAD,              /* other bytes, other samples, or they decode no more: why says which */
};

enum pixels_found pixels_check(struct worker *w, const char *dir, const struct index_instance *i, struct why *why);

#endif
