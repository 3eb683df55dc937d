/* transcode_impl - what the files of transcoding share.
 *
 *   transcode.c         what is to be done, in which order
 *   transcode_change.c  what the header must say afterwards
 *   transcode_derived.c what a lossily compressed image must say of its source
 *   transcode_header.c  the header and the elements behind the pixels, copied with those changes
 *   transcode_pixels.c  pixel data
 *   transcode_verify.c  the proof
 */
#ifndef PACS_XCODE_TRANSCODE_IMPL_H
#define PACS_XCODE_TRANSCODE_IMPL_H

#include "pacs/store/digest.h"
#include "pacs/xcode/transcode.h"

enum { HEADER_ARENA = 8 * BOUND_HEADER };        /* bytes, for a header as a data set */

/* Elements to set and to drop. */
struct header_change {
	struct arena arena;
	struct dataset *put;             /* in arena */
	uint32_t drop[12];
	size_t drops;
	uint64_t ratio_at;               /* where the text of this step's compression ratio stands in the output; 0: nowhere */
};

struct work {
	struct image_file in;
	struct out_file out;
	const struct transcode_how *how;
	struct xcode_result *r;
	struct codec_plan plan;          /* of an encoding */
	struct header_change change;
	char photometric[17];            /* of the samples as they go out of the decoder */
	uint8_t *frame, *other;          /* owned; two frames, for writing and comparing */
	size_t frame_len;
	struct digest *samples;          /* owned; of what was given to be written */
	uint64_t pixels_at;              /* where the value of pixel data begins in the output */
	uint64_t coded_bytes;            /* of all code streams */
};

static inline bool encodes(const struct work *w) { return codec_can_encode(w->how->to); }
static inline bool is_lossy(const struct work *w) { return encodes(w) && w->plan.is_lossy; }
/* Frame n as it is to be encoded or written: lent, until the next call. */
enum err transcode_frame(struct work *w, unsigned n, const uint8_t **out) MUST_USE;

/* ---- transcode_change.c ---- */
enum { RATIO_LETTERS = 10 };
void     change_fini(struct header_change *c);
enum err change_plan(struct work *w) MUST_USE;
/* The ratio, which is known when all frames are written, in its place. */
enum err change_ratio(struct work *w) MUST_USE;

/* ---- transcode_derived.c ---- */
/* The new SOP Instance UID, and what names the source. */
enum err change_derived(struct work *w) MUST_USE;

/* ---- transcode_header.c ---- */
/* Meta group and all elements before group 7FE0. */
enum err transcode_head(struct work *w) MUST_USE;
/* Elements behind pixel data. */
enum err transcode_tail(struct work *w) MUST_USE;

/* ---- transcode_pixels.c ---- */
enum err transcode_pixels(struct work *w) MUST_USE;

/* ---- transcode_verify.c ---- */
enum err transcode_verify(struct work *w) MUST_USE;
enum err transcode_digest_bytes(struct work *w, struct bytes data, char out[33]) MUST_USE;

#endif
