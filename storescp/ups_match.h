/* ups_match - a C-FIND identifier against one work item, and the answer it gives (PS3.4 CC.2.8). Pure.
 *
 * Both data sets are UTF-8 (dataset_to_utf8). The Transaction UID neither matches nor is answered.
 */
#ifndef STORESCP_UPS_MATCH_H
#define STORESCP_UPS_MATCH_H

#include "pacs/dicom/dataset.h"

/* Keys that cannot be read (a date that is none): ERR_MISMATCH with the tag in why. */
enum err ups_check_keys(const struct dataset *keys, struct why *why) MUST_USE;
/* Several values in a key: any of them. A sequence key matches when one item matches all keys of the key's item. */
bool     ups_match(const struct dataset *item, const struct dataset *keys);
/* Fills `out` with the attributes asked for, empty ones where the item has none, and with SOP class and instance. */
enum err ups_answer(const struct dataset *item, const struct dataset *keys, struct dataset *out) MUST_USE;
/* The attributes of an N-GET: those listed, all when count is 0. */
enum err ups_pick(const struct dataset *item, const uint32_t *tags, unsigned count, struct dataset *out) MUST_USE;

#endif
