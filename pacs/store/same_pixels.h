/* same_pixels - the samples of native pixel data in a file: compared, or digested as the codec worker does it. Blocking. */
#ifndef PACS_STORE_SAME_PIXELS_H
#define PACS_STORE_SAME_PIXELS_H

#include "pacs/dicom/dataset.h"

struct native_pixels {
	int fd;                          /* lent */
	uint64_t at, len;                /* of the value in the file */
	bool is_big_endian, is_words;    /* words: OW, so big endian swaps pairs */
};

/* The native pixel data element at `at`, which must end where the file of `size` bytes ends.
 * ERR_MISMATCH: there is none, or something stands behind it. */
enum err native_pixels_find(int fd, uint64_t at, uint64_t size, enum ds_encoding enc, struct native_pixels *out, struct why *why) MUST_USE;
/* ERR_OK: equal samples. ERR_MISMATCH: not. */
enum err native_pixels_compare(const struct native_pixels *a, const struct native_pixels *b, struct why *why) MUST_USE;
/* XXH3-128 of the samples, little endian, colour by pixel, frames in order, no padding: what xcode.h calls the pixel
 * digest. ERR_MISMATCH: the header does not describe these bytes (other length, odd bits, YBR_FULL_422), or they are
 * big endian and by plane, which nobody sends. */
enum err native_pixels_digest(const struct native_pixels *p, const struct dataset *header, char out[33], struct why *why) MUST_USE;
/* Encapsulated pixel data starts at `at`, and its sequence delimiter ends the file. ERR_MISMATCH: not so. */
enum err coded_pixels_end_file(int fd, uint64_t at, uint64_t size, struct why *why) MUST_USE;

#endif
