/* part10 - file meta information (PS3.10 section 7): writing ours, reading anybody's.
 *
 * A stored object is: 128 zero bytes, "DICM", group 0002 in explicit VR LE, and then the data set
 * exactly as it came over the wire.
 */
#ifndef PACS_DICOM_PART10_H
#define PACS_DICOM_PART10_H

#include "pacs/base/buf.h"
#include "pacs/dicom/uid.h"

struct part10 {
	struct uid sop_class, sop_instance, transfer_syntax;
	char source_aet[BOUND_AET + 1];
	size_t dataset_at;           /* offset of the first byte of the data set */
};

/* Appends preamble and meta group for m (dataset_at is ignored). */
enum err part10_write(const struct part10 *m, struct buf *out) MUST_USE;

/* From the first bytes of a file (64 KiB are enough). ERR_MORE: give more, if the file has more.
 * Tolerates: no preamble, no group 0002 (syntax guessed from the first element; SOP UIDs then empty),
 * wrong or missing group length. ERR_FORMAT: not DICOM. */
enum err part10_read(struct bytes head, struct part10 *out, struct why *why) MUST_USE;

/* Which encoding the first element looks like; used to find data sets sent in another than the
 * negotiated encoding. Needs 8 bytes; false when it cannot tell. */
bool part10_guess(struct bytes head, bool *is_explicit, bool *is_big_endian);

#endif
