/* walker - follow a data set as it streams by and keep its header (everything before pixel data).
 *
 * Fed any fragmentation; never looks back, never holds pixel data. Works for implicit and explicit,
 * little and big endian, deflated (inflated on the way, bounded). The kept header is in plain
 * (inflated) form and in the encoding that walker_encoding() tells, ready for dataset_parse().
 * If the first element shows another encoding than the one announced, the walker follows the
 * true one and says so in was_mislabelled (also for plain data in a deflated context).
 *
 * Memory   the header buffer: up to BOUND_HEADER. Values over BOUND_ELEMENT are kept as zero-length
 *          elements, so are fragments of icons; a sequence that would not fit is left out whole.
 * Never    does I/O, logs, or fails for the content of a value.
 */
#ifndef PACS_DICOM_WALKER_H
#define PACS_DICOM_WALKER_H

#include "pacs/base/buf.h"
#include "pacs/dicom/dataset.h"

struct walker;   /* heap: has an inflater inside when deflated */

enum err walker_new(struct walker **out, const struct ts *ts) MUST_USE;
void     walker_free(struct walker **w);

/* ERR_OK      fed; go on.
 * ERR_END     pixel data was reached (or the header is complete): further bytes are counted, not
 *             looked at; go on feeding them, it costs nothing, so that walker_finish() knows.
 * ERR_FORMAT  the stream makes no sense at the offset told in why: the object must be quarantined, not lost.
 * ERR_LIMIT   nested too deep, or header over BOUND_HEADER, or over BOUND_INFLATED. Results are sticky. */
enum err walker_feed(struct walker *w, struct bytes in, struct why *why) MUST_USE;
/* After the last byte: ERR_OK when the data set ends at an element's end, ERR_FORMAT when cut inside
 * the header or (native pixel data of defined length, not deflated) inside pixel data: fewer bytes
 * than its length says. Sequences left open at the end are forgiven. */
enum err walker_finish(struct walker *w, struct why *why) MUST_USE;

struct bytes     walker_header(const struct walker *w);           /* lent until free */
enum ds_encoding walker_encoding(const struct walker *w);
bool             walker_was_mislabelled(const struct walker *w);
bool             walker_has_pixel_data(const struct walker *w);
/* Announced length of (7FE0,0010); UINT32_MAX = encapsulated. 0 when none. */
uint32_t         walker_pixel_length(const struct walker *w);

#endif
