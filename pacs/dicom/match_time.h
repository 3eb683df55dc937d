/* match_time - dates and times of keys and values as stretches of time. For match.c alone; pure but for
 * the time zone: a DT with an offset is brought to local time, as those without one are. */
#ifndef PACS_DICOM_MATCH_TIME_H
#define PACS_DICOM_MATCH_TIME_H

#include "pacs/base/bytes.h"
#include "pacs/dicom/tag.h"

/* From the first moment to the last, in the normal forms of match.h; "" when open. */
struct match_span {
	char lo[32], hi[32];
	bool is_range;               /* there was a hyphen between two of them, or one at an end */
};
bool match_span_parse(vr_t vr, const char *text, struct match_span *out);

#endif
