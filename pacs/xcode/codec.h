/* codec - decode and encode pixel data. Lives in the worker process and in the viewer; nowhere else.
 *
 * Pure memory to memory: no files, no threads of its own besides those a library is told to use.
 * Every size is checked against BOUND_XCODE_BYTES before it is allocated.
 */
#ifndef PACS_XCODE_CODEC_H
#define PACS_XCODE_CODEC_H

#include "pacs/base/buf.h"
#include "pacs/dicom/dataset.h"

/* The pixel module as the header says it. */
struct image_desc {
	unsigned rows, columns, samples, frames;
	unsigned allocated, stored, high_bit;    /* bits */
	bool is_signed;
	unsigned planar;                         /* 0 colour by pixel, 1 by plane */
	char photometric[17];
};
/* From a header data set; ERR_UNSUPPORTED with a reason when there is no image or it is out of bounds. */
enum err image_desc_read(const struct dataset *header, struct image_desc *out, struct why *why) MUST_USE;
uint64_t image_frame_bytes(const struct image_desc *d);      /* native, unpadded; 0 on overflow */

/* Where each frame's bytes are inside the pixel data value (native or encapsulated, dicom-notes 7.1). */
struct frame_index;
enum err frame_index_new(const struct image_desc *d, const struct ts *ts, struct bytes pixel_value, struct bytes ext_offsets, struct frame_index **out, struct why *why) MUST_USE;
/* The frame's code stream (fragments joined into *tmp when there are several) or native bytes. */
enum err frame_get(const struct frame_index *fx, unsigned frame, struct buf *tmp, struct bytes *out, struct why *why) MUST_USE;
void     frame_index_free(struct frame_index **fx);

/* One frame to native samples in DICOM order (little endian, colour by pixel), exactly image_frame_bytes() long.
 * Colour that the codec converts is told in photometric_out (RGB after RCT/ICT/JPEG YBR to RGB; else as it was). */
enum err codec_decode(const struct image_desc *d, const struct ts *ts, struct bytes stream, uint8_t *out, char photometric_out[17], struct why *why) MUST_USE;
/* The same by another library than the one that encoded it, where there are two (HTJ2K): what both agree on is no bug of one. */
enum err codec_decode_otherwise(const struct image_desc *d, const struct ts *ts, struct bytes stream, uint8_t *out, char photometric_out[17], struct why *why) MUST_USE;
bool     codec_can_decode(const struct ts *ts);
/* For thumbnails: the picture halved `halvings` times as the code stream itself offers it, which is faster and not what the exact
 * samples would give. *small is d with its rows and columns. ERR_UNSUPPORTED: this stream offers none; decode it whole. */
enum err codec_decode_small(const struct image_desc *d, const struct ts *ts, struct bytes stream, unsigned halvings, uint8_t *out,
                            struct image_desc *small, char photometric_out[17], struct why *why) MUST_USE;

/* What encoding to a syntax means for an image of this description (PS3.5 section 8.2). */
struct codec_plan {
	char photometric[17];    /* of the code stream */
	bool is_lossy;           /* samples will not come back as they were */
	bool wants_rgb;          /* YBR_FULL samples must be given as RGB: codec_to_rgb() */
};
/* level: pacs/dicom/recipe.h; 0: reversible. ERR_UNSUPPORTED with the reason: the standard or the codec does not allow it. */
enum err codec_plan(const struct image_desc *d, const struct ts *ts, unsigned level, struct codec_plan *out, struct why *why) MUST_USE;
/* One native frame (little endian, colour by pixel) to a code stream, behind what `out` holds.
 * ERR_UNSUPPORTED: as codec_plan(), or bits above Bits Stored are in use, for which the stream has no place. */
enum err codec_encode_level(const struct image_desc *d, const struct ts *ts, unsigned level, const uint8_t *native, struct buf *out, struct why *why) MUST_USE;
/* The same, reversible. */
enum err codec_encode(const struct image_desc *d, const struct ts *ts, const uint8_t *native, struct buf *out, struct why *why) MUST_USE;
/* To fragments of encapsulated pixel data; native syntaxes need no codec. */
bool     codec_can_encode(const struct ts *ts);
/* 8-bit YBR_FULL by pixel to RGB, in place (PS3.3 section C.7.6.3.1.2). */
void     codec_to_rgb(uint8_t *samples, size_t pixels);
/* Bytes that a codec needs at most beside one frame in and one stream out, both ways; to be refused before it is tried. */
uint64_t codec_memory(const struct image_desc *d, const struct ts *ts);

#endif
