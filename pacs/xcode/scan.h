/* scan - step over the top-level elements of a data set in memory without taking it apart.
 *
 * For copying: an element is told as the run of bytes it stands in, whatever is inside it. Pure.
 */
#ifndef PACS_XCODE_SCAN_H
#define PACS_XCODE_SCAN_H

#include "pacs/dicom/head.h"

struct span {
	struct head head;
	size_t at, end;          /* of the whole element; end is behind its delimiter, when it has one */
	struct bytes value;      /* without header and final delimiter; lent from the data set */
};

/* The element at *at, which moves behind it.
 * ERR_END     nothing (or fewer than 8 bytes: trailing padding) is left.
 * ERR_FORMAT  an element longer than what is left. Pixel data, the one that files are cut in, is told as far as it goes.
 * ERR_LIMIT   sequences deeper than BOUND_DEPTH. */
enum err scan_next(struct bytes data, enum ds_encoding enc, size_t *at, struct span *out, struct why *why) MUST_USE;

#endif
