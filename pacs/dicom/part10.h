/* part10 - file meta information (PS3.10 section 7): writing ours, reading anybody's.
 *
 * A stored object is: 128 zero bytes, "DICM", group 0002 in explicit VR LE, and then the data set
 * exactly as it came over the wire.
 */
#ifndef PACS_DICOM_PART10_H
#define PACS_DICOM_PART10_H

#include "pacs/base/buf.h"
#include "pacs/dicom/uid.h"

/* What the data set does not tell and an index made from the files alone needs; in (0002,0102), only in files of ours. */
struct part10_origin {
	int64_t received_ms;         /* 0: not known; then none of it is written */
	char address[64];            /* of the sender; "" not known */
	char received_digest[33];    /* of the data set as received, when this file is another form of it; "" */
	char pixel_digest[33];       /* of its samples, then; "" */
	/* Of the data set in this file: its place is made with the file and filled when the last byte is written, so a file that a
	 * power cut has torn is known by itself. */
	bool has_written;            /* there is such a place */
	char written_digest[33];     /* "": it is empty, the file was never finished */
};

struct part10 {
	struct uid sop_class, sop_instance, transfer_syntax;
	char source_aet[BOUND_AET + 1];
	struct part10_origin origin;
	size_t dataset_at;           /* offset of the first byte of the data set */
};

/* Appends preamble and meta group for m (dataset_at is ignored). */
enum err part10_write(const struct part10 *m, struct buf *out) MUST_USE;

/* Where the value of pixel_digest stands in what part10_write() wrote, to be filled in later (32 bytes); 0: nowhere. */
size_t part10_pixel_digest_at(struct bytes written);

/* The same of written_digest. */
size_t part10_written_digest_at(struct bytes written);

/* From the first bytes of a file (64 KiB are enough). ERR_MORE: give more, if the file has more.
 * Tolerates: no preamble, no group 0002 (syntax guessed from the first element; SOP UIDs then empty),
 * wrong or missing group length. ERR_FORMAT: not DICOM. */
enum err part10_read(struct bytes head, struct part10 *out, struct why *why) MUST_USE;

/* Which encoding the first element looks like; used to find data sets sent in another than the
 * negotiated encoding. Needs 8 bytes; false when it cannot tell. */
bool part10_guess(struct bytes head, bool *is_explicit, bool *is_big_endian);
/* The syntax that the first bytes of a data set show, where they are of another encoding than what was announced; else `announced`. */
const struct ts *part10_true_syntax(const struct ts *announced, struct bytes head);

#endif
