/* walker_impl - what the two files of walker share; nobody else includes it. */
#ifndef PACS_DICOM_WALKER_IMPL_H
#define PACS_DICOM_WALKER_IMPL_H

#include <zlib.h>

#include "pacs/base/bounds.h"
#include "pacs/dicom/head.h"
#include "pacs/dicom/walker.h"

enum { LEVELS = 2 * BOUND_DEPTH, SNIFF = 8 };
enum level_kind { LEVEL_SEQUENCE, LEVEL_ITEM, LEVEL_FRAGMENTS };
struct level {
	enum level_kind kind;
	enum ds_encoding enc;        /* of the elements in it */
	bool after_empty;            /* sequence: its last item said length 0 */
};

enum stream { STREAM_PLAIN, STREAM_SNIFF, STREAM_DEFLATED };

struct walker {
	struct buf header;
	enum ds_encoding enc;        /* at the top level */
	enum stream stream;
	bool is_started, is_mislabelled, has_pixels, is_inflater_there, is_inflated_to_end;
	bool is_first;               /* the next element is the first of its item: look at its encoding */
	bool is_keeping;             /* the value passing by goes into the header */
	bool is_dropping;            /* the top-level element passing by does not fit: none of it is kept */

	uint8_t head[HEAD_MAX];      /* an element header, as far as it has come */
	size_t head_len;
	uint64_t value_left;         /* bytes of the value passing by that are still to come */
	uint64_t offset;             /* of the next byte in the plain stream */
	size_t top_at;               /* where the current top-level element begins in the header */

	struct level levels[LEVELS];
	unsigned depth;

	uint32_t pixel_len;
	uint64_t pixel_seen;
	enum err result;             /* sticky: ERR_OK while walking */
	struct why why;
	z_stream z;
	uint8_t sniffed[SNIFF];
	size_t sniffed_len;
};

/* The plain stream, however it came. */
enum err walker_walk(struct walker *w, struct bytes in);

#endif
