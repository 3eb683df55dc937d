/* dcmtk_shim - the codecs of DCMTK that nothing else has: lossless JPEG, 12-bit JPEG, RLE.
 *
 * The one C++ file stands behind this; no exception leaves it. Only for the worker and the viewer.
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

#ifdef __cplusplus
}
#endif
#endif
