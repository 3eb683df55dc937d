/* qr - a blocking query/retrieve client for tests and benchmarks: one association, requests and whole messages.
 *
 * The association has a context for one query class, in implicit LE as most clients have it, and for C-GET one for each
 * storage class that is named, with the syntaxes and in the order given.
 */
#ifndef TESTS_LIB_QR_H
#define TESTS_LIB_QR_H

#include "pacs/dicom/dataset.h"
#include "tests/lib/wire.h"

enum { QR_STORAGE_MAX = 120 };
struct qr_storage { const char *sop_class; const char *ts[8]; };        /* ts ends with NULL */

struct qr {
	int fd;
	const char *sop_class;
	struct arena arena;                      /* of the negotiation */
	struct assoc_answer ac;
	struct buf pdu, out;
	size_t at;                               /* in pdu: what has been read of it */
	uint16_t message_id;                     /* of the last request */
};

/* extended: item 56 for the class, empty for none. */
enum err qr_open(struct qr *q, const struct wire_target *t, const char *sop_class, struct bytes extended,
                 const struct qr_storage *storage, unsigned storage_count, struct why *why) MUST_USE;
void     qr_close(struct qr *q);
/* What the acceptor answered to the extended item; empty: nothing. */
struct bytes qr_extended(const struct qr *q);
/* The syntax accepted for the context of storage[i]; NULL: refused. */
const struct ts *qr_storage_ts(const struct qr *q, unsigned i);

/* C-FIND, C-MOVE or C-GET. */
enum err qr_request(struct qr *q, uint16_t field, const struct dataset *identifier, const char *destination) MUST_USE;
enum err qr_cancel(struct qr *q) MUST_USE;
/* The next whole message; its data set is added to *data unless NULL, *len counts its bytes in either case. */
enum err qr_read(struct qr *q, struct dimse *cmd, uint8_t *context, struct buf *data, uint64_t *len) MUST_USE;
/* Answers a C-STORE request. */
enum err qr_stored(struct qr *q, uint8_t context, const struct dimse *rq, uint16_t status) MUST_USE;

#endif
