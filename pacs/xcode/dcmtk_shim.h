/* dcmtk_shim - the codecs of DCMTK that nothing else has: lossless JPEG, 12-bit JPEG, RLE.
 *
 * C++ stands behind this; no exception leaves it. Only for the worker and the viewer.
 */
#ifndef PACS_XCODE_DCMTK_SHIM_H
#define PACS_XCODE_DCMTK_SHIM_H

#ifdef __cplusplus
extern "C" {
#endif

#include "pacs/base/err.h"

struct dcmtk_image {
	const char *ts, *photometric;
	uint16_t rows, columns, samples, allocated, stored, high_bit;
	bool is_signed;
};

/* Registers the codecs and reads the data dictionary, so that no later call opens a file. Safe to call twice. */
void dcmtk_warm_up(void);

/* One frame's code stream to out_len native bytes, little endian, colour by pixel. */
enum err dcmtk_decode(const struct dcmtk_image *im, const uint8_t *stream, size_t len, uint8_t *out, size_t out_len, char photometric_out[17], struct why *why) MUST_USE;

/* ---- encoding: one frame of samples (little endian, colour by pixel) to put(), in pieces ---- */
struct dcmtk_jpeg {
	uint16_t rows, columns, samples;
	unsigned precision;              /* 8: one byte a sample; 12 or 16: two. Lossy: 8 or 12 */
	unsigned quality;                /* 0: lossless */
	unsigned predictor;              /* of lossless: 1 to 7 */
};
enum err dcmtk_jpeg_encode(const struct dcmtk_jpeg *how, const uint8_t *native, void (*put)(void *arg, const uint8_t *p, size_t len), void *arg,
                           struct why *why) MUST_USE;
/* One RLE segment (PS3.5 annex G.3): every step-th byte of each row, which is coded alone. */
struct dcmtk_plane {
	const uint8_t *first;
	size_t step, columns, rows;
};
enum err dcmtk_rle_segment(const struct dcmtk_plane *plane, void (*put)(void *arg, const uint8_t *p, size_t len), void *arg, struct why *why) MUST_USE;

#ifdef __cplusplus
}
#endif
#endif
