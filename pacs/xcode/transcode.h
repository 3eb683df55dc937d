/* transcode - one Part 10 object into another transfer syntax, frame by frame, and the proof that nothing was lost.
 *
 * Runs in the worker. To TS_J2K_LOSSLESS from native; to explicit or implicit little endian from whatever codec.h
 * decodes. Elements are copied byte for byte where the encoding allows it; only (0028,0004), (0028,0006), the extended
 * offset table and group lengths beside them change.
 *
 * Memory   a few frames; the input is the caller's mapping, the output is mapped to be read back.
 */
#ifndef PACS_XCODE_TRANSCODE_H
#define PACS_XCODE_TRANSCODE_H

#include "pacs/xcode/image_file.h"
#include "pacs/xcode/out_file.h"
#include "pacs/xcode/xcode.h"

/* out_fd: an empty file, read-write. Returns r->err, with r->why; on ERR_OK all of r is filled. */
enum err transcode(struct bytes in, int out_fd, const struct ts *to, struct xcode_result *r) MUST_USE;

/* ---- transcode_header.c ---- */
/* What the header says about the pixels after the change. */
struct new_pixels {
	char photometric[17];
	bool has_planar;         /* colour: Planar Configuration becomes 0 */
};
/* Meta group and all elements before group 7FE0. */
enum err transcode_head(const struct image_file *in, const struct ts *to, const struct new_pixels *change, struct out_file *out, struct why *why) MUST_USE;
/* Elements behind pixel data. */
enum err transcode_tail(const struct image_file *in, const struct ts *to, struct out_file *out, struct why *why) MUST_USE;

#endif
