/* ojph_shim - High-Throughput JPEG 2000 (ISO 15444-15) by OpenJPH, memory to memory.
 *
 * C++ stands behind this; no exception leaves it. Only for the worker and the viewer. One tile, RPCL, blocks of 64 x 64.
 */
#ifndef PACS_XCODE_OJPH_SHIM_H
#define PACS_XCODE_OJPH_SHIM_H

#ifdef __cplusplus
extern "C" {
#endif

#include "pacs/base/err.h"

struct ojph_image {
	uint32_t columns, rows, samples;
	unsigned allocated;              /* 8 or 16: how wide a sample is in memory, little endian, colour by pixel */
	unsigned precision;              /* of the samples */
	bool is_signed, has_colour_transform;
	/* decoding only; 0: the whole picture */
	unsigned halvings;
	uint32_t small_columns, small_rows;      /* of what comes out then */
	double step;                     /* 0: reversible; else the quantisation step in grey levels */
	/* encoding only */
	uint32_t unused;                 /* of a sample as 32 bits: those that must be clear, or of a signed one alike its neighbour above */
	size_t gap;                      /* zeros to leave between the main header and the first tile-part, at most 64; for the caller to fill */
};

/* *gap_at (may be NULL): where the gap is in what was put. Unused bits that are in use: ERR_UNSUPPORTED. */
enum err ojph_encode(const struct ojph_image *im, const uint8_t *native, void (*put)(void *arg, const void *p, size_t len), void *arg,
                     size_t *gap_at, struct why *why) MUST_USE;
/* What the stream says about size and components must be what `im` says (ERR_FORMAT); precision and sign are the
 * stream's. Values beyond the precision, which a lossy stream may decode to, are cut to it. */
enum err ojph_decode(const struct ojph_image *im, const uint8_t *stream, size_t len, uint8_t *out, struct why *why) MUST_USE;

#ifdef __cplusplus
}
#endif
#endif
