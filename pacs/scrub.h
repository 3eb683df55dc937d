/* scrub - every stored file read again within `scrub_days`, slowly, for as long as the node runs.
 *
 * A child of `pacs serve`, not a thread of storescp: it reads every byte on the disk, so it meets what a failing disk does
 * (reads that hang for minutes, I/O errors) first, and then it must hang or die alone. It has the lowest priority for
 * processor and disk, reads the index like any command, and asks storescp to mend what it finds.
 *
 * DIR/scrub.state says where it is, so a restart goes on there:
 *   {"next":N, "pass_started":ms, "images":n, "bytes":n, "found":n, "last_done":ms, "last_found":n}
 */
#ifndef PACS_SCRUB_H
#define PACS_SCRUB_H

#include <jansson.h>

#include "conf/conf.h"

#define SCRUB_STATE "scrub.state"

/* NULL: it has not been written yet. The caller's reference. */
json_t *scrub_state_read(const char *dir);

/* The rate of a pass, bytes a second: as slow as the days allow with a fifth of the time to spare, at most max_rate. */
uint64_t scrub_rate(uint64_t all_bytes, unsigned days, uint64_t max_rate);

#endif
