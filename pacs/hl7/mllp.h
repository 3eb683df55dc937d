/* mllp - messages in a TCP stream: <VT> message <FS> <CR> (HL7 v2 minimal lower layer protocol). Does no I/O.
 *
 * Tolerated: bytes between messages, a missing <CR>, a message without <VT> that begins with MSH.
 *
 * Memory   one buffer that grows to BOUND_HL7_MESSAGE + 1 and no further.
 */
#ifndef PACS_HL7_MLLP_H
#define PACS_HL7_MLLP_H

#include "pacs/base/buf.h"

struct mllp { struct buf in; };

void     mllp_init(struct mllp *m);
void     mllp_fini(struct mllp *m);
/* ERR_LIMIT: a message of over BOUND_HL7_MESSAGE bytes; the stream cannot be resynchronised. */
enum err mllp_feed(struct mllp *m, struct bytes data) MUST_USE;
/* ERR_OK: *out is one message without its frame, lent until mllp_take(). ERR_MORE. */
enum err mllp_peek(struct mllp *m, struct bytes *out) MUST_USE;
void     mllp_take(struct mllp *m);
void     mllp_frame(struct bytes message, struct buf *out);

#endif
