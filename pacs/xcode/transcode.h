/* transcode - one Part 10 object into another transfer syntax, frame by frame, and the proof of what became of its samples.
 *
 * Runs in the worker. From every syntax that codec.h decodes to every one that it encodes, and to the four native ones.
 * Elements are copied byte for byte where the encoding allows it. What changes:
 *   always    transfer syntax; (0028,0004) and (0028,0006) where the form of the samples does (PS3.5 section 8.2), group
 *             lengths beside a change go, offset tables are made anew
 *   lossy     a new SOP Instance UID, which follows from the old one, the syntax and the level: who repeats it gets the same;
 *             (0008,0008) value 1, (0008,2111) (0008,2112) (0008,9215), (0028,2110) (0028,2112) (0028,2114); the smallest and
 *             largest values of samples go, with colour the padding values too (PS3.3 section C.7.6.1.1.5)
 *
 * The proof: what was written is opened like any file and decoded again, reversible HTJ2K by another library than its encoder's.
 * Reversible: each sample must be equal. Lossy: no sample of near-lossless JPEG-LS may be off by more than its bound, other
 * codecs must stay above TRANSCODE_LOSSY_DB of peak signal to noise.
 *
 * Memory   codec_memory() and two frames; the input is the caller's mapping, the output is mapped to be read back.
 */
#ifndef PACS_XCODE_TRANSCODE_H
#define PACS_XCODE_TRANSCODE_H

#include "pacs/xcode/image_file.h"
#include "pacs/xcode/out_file.h"
#include "pacs/xcode/xcode.h"

enum { TRANSCODE_LOSSY_DB = 24 };        /* what is below is another picture */

struct transcode_how {
	const struct ts *to;
	unsigned level;          /* pacs/dicom/recipe.h; 0: reversible */
	uint64_t memory;         /* 0: any. What will need more is refused before it is tried: ERR_LIMIT */
	uint64_t basic_reach;    /* 0: 4 GiB. Beyond it a basic offset table cannot tell, and an extended one is made */
};
/* out_fd: an empty file, read-write. Returns r->err, with r->why; on ERR_OK all of r is filled. */
enum err transcode_as(struct bytes in, int out_fd, const struct transcode_how *how, struct xcode_result *r) MUST_USE;
/* Reversible, without limits. */
enum err transcode(struct bytes in, int out_fd, const struct ts *to, struct xcode_result *r) MUST_USE;
/* Only r->pixel_digest, r->digest and sizes: decodes the object as it is. ERR_UNSUPPORTED: no image, or no decoder. */
enum err transcode_digest(struct bytes in, uint64_t memory, struct xcode_result *r) MUST_USE;

#endif
