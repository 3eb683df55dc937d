/* commitment - the data sets of storage commitment (PS3.4 annex J, PS3.3 C.14): a request's action information and a
 * result's event information, read and written. Pure.
 *
 *   N-ACTION type 1          (0008,1195) Transaction UID, (0008,1199) > { (0008,1150) class, (0008,1155) instance }
 *   N-EVENT-REPORT type 1    the same: all are committed
 *                  type 2    (0008,1199) those that are (left out when none is); (0008,1198) > { class, instance, (0008,1197) reason }
 *   both results say (0008,0054) Retrieve AE Title when we are asked to.
 *
 * Memory   references are malloc'd by the reader, commit_refs_free().
 * Limits   BOUND_COMMIT_REFS references.
 */
#ifndef PACS_DICOM_COMMITMENT_H
#define PACS_DICOM_COMMITMENT_H

#include "pacs/dicom/dataset.h"

#define TAG_FAILURE_REASON TAG(0x0008, 0x1197)
#define TAG_FAILED_SOPS TAG(0x0008, 0x1198)

enum { COMMIT_ACTION_REQUEST = 1 };                              /* Action Type ID */
enum { COMMIT_EVENT_SUCCESS = 1, COMMIT_EVENT_FAILURES = 2 };    /* Event Type ID */

struct commit_ref { struct uid sop_class, sop_instance; uint16_t reason; };      /* reason 0: none, it is (to be) committed */
struct commit_refs {
	struct uid transaction;
	struct commit_ref *refs;     /* owned */
	size_t count;
};

/* Fills *out; after an error too it must be freed. *status is what to answer: 0120 an attribute is missing, 0115 a value
 * that cannot be (a UID that is none, no reference at all, the same instance twice), 0213 too many, C000 unreadable. */
enum err commit_read_request(struct bytes data, enum ds_encoding enc, struct commit_refs *out, uint16_t *status, struct why *why) MUST_USE;
/* Event type 1 with a Failed SOP Sequence is a contradiction: 0115. */
enum err commit_read_result(struct bytes data, enum ds_encoding enc, uint16_t event_type, struct commit_refs *out, uint16_t *status, struct why *why) MUST_USE;
void     commit_refs_free(struct commit_refs *r);

enum err commit_write_request(const struct commit_refs *r, enum ds_encoding enc, struct buf *out) MUST_USE;
/* The event type that belongs to these reasons. retrieve_aet "" is left out. */
uint16_t commit_event_type(const struct commit_refs *r);
enum err commit_write_result(const struct commit_refs *r, const char *retrieve_aet, enum ds_encoding enc, struct buf *out) MUST_USE;

#endif
