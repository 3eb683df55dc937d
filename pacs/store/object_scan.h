/* object_scan - one stored object read from its first byte to its last: meta group, header, digest.
 *
 * For those who have only the file: repair after a crash, verification, rebuilding the index. Blocking.
 */
#ifndef PACS_STORE_OBJECT_SCAN_H
#define PACS_STORE_OBJECT_SCAN_H

#include "pacs/dicom/part10.h"
#include "pacs/dicom/walker.h"

struct object_scan {
	struct part10 meta;
	uint64_t size;
	const struct ts *ts;
	char digest[33];                 /* data set, whole; "" when only the header was read */
	struct walker *walker;           /* header, encoding: see walker.h */
};

struct object_scan_options {
	bool header_only;                /* stop when the header is known: no digest, and the rest is not looked at */
	/* After each piece that was read; false: stop (ERR_CANCELLED). NULL: none. For rates. */
	bool (*on_piece)(void *arg, size_t bytes);
	void *arg;
};

/* What was filled before an error stays. ERR_FORMAT, ERR_LIMIT: not a readable object, or, read whole, not as its head says it was
 * written (the digest is there all the same
 * when its meta group could be read); ERR_IO, ERR_NOMEM, ERR_CANCELLED. End with object_scan_fini(), also after an error. */
enum err object_scan(int fd, const struct object_scan_options *o, struct object_scan *out, struct why *why) MUST_USE;
void     object_scan_fini(struct object_scan *s);

#endif
