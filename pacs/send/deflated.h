/* deflated - a data set of Deflated Explicit VR Little Endian (PS3.5 A.5) as plain bytes, and back. Blocking, no I/O.
 *
 * For the few objects of that syntax that go out corrected: their head cannot be rewritten where it stands. Whole in memory, so bounded
 * by BOUND_INFLATED; what is larger is refused (ERR_LIMIT). Such objects are reports and presentation states.
 */
#ifndef PACS_SEND_DEFLATED_H
#define PACS_SEND_DEFLATED_H

#include "pacs/base/buf.h"

/* Appends to *out, whose limit counts. ERR_FORMAT: no deflate stream, or one that does not end; ERR_LIMIT, ERR_NOMEM. */
enum err deflated_unpack(struct bytes in, struct buf *out, struct why *why) MUST_USE;
/* Appends head and rest, packed; a zero byte behind when its length would be odd (A.5). */
enum err deflated_pack(struct bytes head, struct bytes rest, struct buf *out, struct why *why) MUST_USE;

#endif
