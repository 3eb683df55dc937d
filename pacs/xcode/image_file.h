/* image_file - a Part 10 file in memory as an image: its description and its frames, decoded one at a time.
 *
 * Memory   the caller's bytes stay lent until fini; a deflated data set is inflated whole (BOUND_XCODE_BYTES).
 * Reads    every transfer syntax of codec.h; big endian is turned on the way.
 */
#ifndef PACS_XCODE_IMAGE_FILE_H
#define PACS_XCODE_IMAGE_FILE_H

#include "pacs/dicom/part10.h"
#include "pacs/xcode/codec.h"
#include "pacs/xcode/scan.h"

struct image_file {
	struct part10 meta;
	const struct ts *ts;             /* as the file says; encapsulation is believed only if the pixel data shows it */
	enum ds_encoding enc;            /* as its first element shows */
	struct bytes data;               /* the data set, inflated */
	uint8_t *inflated;               /* owned; NULL when not deflated */
	struct arena arena;
	struct dataset *header;          /* of groups 0008 (short values), 0028 and 2050 only: a picture needs no more */
	bool has_pixels, is_encapsulated;
	struct span pixels;              /* (7FE0,0010), valid when has_pixels */
	size_t header_len;               /* bytes of data before the first element of group 7FE0, or all */
	struct bytes ext_offsets;        /* (7FE0,0001), little endian */
	/* after image_file_index() */
	struct image_desc desc;
	struct frame_index *frames;      /* owned */
	struct buf joined, turned;
	bool ask_other_library;          /* set by who proves an encoder's work: codec_decode_otherwise() */
};

/* ERR_FORMAT: no DICOM file, or cut before its pixel data. ERR_UNSUPPORTED: a transfer syntax that is not known.
 * fini also after a failure. */
enum err image_file_init(struct image_file *f, struct bytes file, struct why *why) MUST_USE;
void     image_file_fini(struct image_file *f);
/* ERR_UNSUPPORTED: there is no image in it, or one that no codec here knows. */
enum err image_file_index(struct image_file *f, struct why *why) MUST_USE;
/* Frame 0 .. desc.frames - 1 into image_frame_bytes(&f->desc) bytes, as codec_decode() gives them. */
enum err image_file_frame(struct image_file *f, unsigned frame, uint8_t *out, char photometric_out[17], struct why *why) MUST_USE;
/* codec_decode_small() of it: halved, for thumbnails. `out` of the whole frame's size is always enough. */
enum err image_file_frame_small(struct image_file *f, unsigned frame, unsigned halvings, uint8_t *out, struct image_desc *small, char photometric_out[17], struct why *why) MUST_USE;
/* The same samples lent from the file, where they lie there just so; NULL: they do not. */
const uint8_t *image_file_view(const struct image_file *f, unsigned frame);
/* What big endian swaps in the pixel data of this file; 1: it is little endian. */
unsigned image_file_swap_unit(const struct image_file *f);
/* The same if it were big endian. */
unsigned image_file_cell(const struct image_file *f);

#endif
