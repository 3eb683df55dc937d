/* head - the header of one element (PS3.5 section 7.1) and what has to be guessed about it.
 *
 * Shared by the parser in memory and the walker on a stream, so that both understand bad data alike. Pure.
 */
#ifndef PACS_DICOM_HEAD_H
#define PACS_DICOM_HEAD_H

#include "pacs/dicom/dataset.h"

#define LENGTH_UNDEFINED 0xFFFFFFFFu
enum { HEAD_MAX = 12 };

/* What follows the header. */
enum head_body {
	BODY_VALUE,          /* len bytes */
	BODY_SEQUENCE,       /* undefined length: items of data sets, until a sequence delimiter */
	BODY_FRAGMENTS,      /* undefined length: items of bytes, until a sequence delimiter */
	BODY_NONE,           /* item tags and delimiters; the caller knows */
};
struct head {
	uint32_t tag, len;
	vr_t vr;                     /* 0 for item tags; VR_UN when the file's is not known */
	uint8_t size;                /* of the header itself: 8 or 12 */
	uint8_t len_size;            /* the length is its last 2 or 4 bytes */
	enum head_body body;
	enum ds_encoding inside;     /* of a sequence's items: UN of undefined length is implicit inside */
};

/* ERR_OK, or ERR_MORE when `have` bytes are not the whole header (12 always are). */
enum err head_read(const uint8_t *p, size_t have, enum ds_encoding enc, struct head *out) MUST_USE;

/* The VR that implicit encoding stands for. */
vr_t head_implied_vr(uint32_t tag);

/* The encoding that the first element of a data set shows, by its 8 bytes: `announced` unless that
 * makes no sense and another does. Within items (is_item) endianness is not in doubt. */
enum ds_encoding head_detect(const uint8_t p[8], enum ds_encoding announced, bool is_item);

static inline bool head_is_pixel_data(uint32_t tag)
{
	return tag == TAG_PIXEL_DATA || tag == TAG(0x7FE0, 0x0008) || tag == TAG(0x7FE0, 0x0009);
}

#endif
