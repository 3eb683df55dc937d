/* dimse - command sets (PS3.7 section 6.3, 9.3, 10.3, annex E) as a flat struct. Pure.
 *
 * has_* are not kept: an absent element is "" or 0, and `present` has a bit for each that was there.
 */
#ifndef PACS_UL_DIMSE_H
#define PACS_UL_DIMSE_H

#include "pacs/base/bounds.h"
#include "pacs/base/buf.h"
#include "pacs/dicom/uid.h"

enum dimse_field {
	DIMSE_C_STORE_RQ = 0x0001, DIMSE_C_STORE_RSP = 0x8001,
	DIMSE_C_GET_RQ = 0x0010, DIMSE_C_GET_RSP = 0x8010,
	DIMSE_C_FIND_RQ = 0x0020, DIMSE_C_FIND_RSP = 0x8020,
	DIMSE_C_MOVE_RQ = 0x0021, DIMSE_C_MOVE_RSP = 0x8021,
	DIMSE_C_ECHO_RQ = 0x0030, DIMSE_C_ECHO_RSP = 0x8030,
	DIMSE_C_CANCEL_RQ = 0x0FFF,
	DIMSE_N_EVENT_REPORT_RQ = 0x0100, DIMSE_N_EVENT_REPORT_RSP = 0x8100,
	DIMSE_N_GET_RQ = 0x0110, DIMSE_N_GET_RSP = 0x8110,
	DIMSE_N_SET_RQ = 0x0120, DIMSE_N_SET_RSP = 0x8120,
	DIMSE_N_ACTION_RQ = 0x0130, DIMSE_N_ACTION_RSP = 0x8130,
	DIMSE_N_CREATE_RQ = 0x0140, DIMSE_N_CREATE_RSP = 0x8140,
	DIMSE_N_DELETE_RQ = 0x0150, DIMSE_N_DELETE_RSP = 0x8150,
};
#define DIMSE_IS_RSP(field) (((field) & 0x8000) != 0)

/* Bits of dimse.present; also what dimse_build() writes for optional elements. */
enum {
	DIMSE_HAS_STATUS = 1 << 0, DIMSE_HAS_REMAINING = 1 << 1, DIMSE_HAS_COMPLETED = 1 << 2, DIMSE_HAS_FAILED = 1 << 3,
	DIMSE_HAS_WARNING = 1 << 4, DIMSE_HAS_EVENT_TYPE = 1 << 5, DIMSE_HAS_ACTION_TYPE = 1 << 6, DIMSE_HAS_ERROR_ID = 1 << 7,
	DIMSE_HAS_MOVE_ORIGINATOR = 1 << 8,
};

struct dimse {
	uint16_t field;                      /* enum dimse_field */
	uint16_t message_id;                 /* 0110 in a request, 0120 in a response or cancel */
	bool has_data;                       /* 0800 != 0101 */
	uint16_t status, priority;
	uint32_t present;
	struct uid sop_class;                /* 0002 or 0003 */
	struct uid sop_instance;             /* 1000 or 1001 */
	char move_destination[BOUND_AET + 1];
	char move_originator[BOUND_AET + 1];
	uint16_t move_originator_id;
	uint16_t remaining, completed, failed, warning;
	uint16_t event_type, action_type, error_id;
	char error_comment[65];              /* LO, ASCII */
	uint32_t attributes[64];             /* 1005 */
	unsigned attribute_count;
};

enum { STATUS_SUCCESS = 0x0000, STATUS_PENDING = 0xFF00, STATUS_PENDING_WARNING = 0xFF01, STATUS_CANCEL = 0xFE00,
       STATUS_OUT_OF_RESOURCES = 0xA700, STATUS_NO_SOP_CLASS = 0x0122, STATUS_NOT_AUTHORISED = 0x0124,
       STATUS_PROCESSING_FAILURE = 0x0110, STATUS_UNRECOGNISED_OPERATION = 0x0211, STATUS_MISMATCH = 0xA900,
       STATUS_CANNOT_UNDERSTAND = 0xC000, STATUS_WARNING = 0xB000, STATUS_DESTINATION_UNKNOWN = 0xA801 };

/* Tolerant: retired and unknown elements, missing group length. ERR_PROTO: no command field, no message ID, cut. */
enum err dimse_parse(struct bytes raw, struct dimse *out, struct why *why) MUST_USE;
/* Implicit VR LE with group length, ascending. */
enum err dimse_build(const struct dimse *d, struct buf *out) MUST_USE;

/* The answer to rq with this status: field, message_id, UIDs and presence set; has_data false. */
struct dimse dimse_response(const struct dimse *rq, uint16_t status);
const char *dimse_field_name(uint16_t field);    /* "C-STORE-RQ" */
/* Success or warning: the operation was done. */
bool dimse_status_is_done(uint16_t status);
bool dimse_status_is_pending(uint16_t status);
/* The sender's retry rule of dicom-notes 2.2: A7xx, 0213, 0110 (and 0122 while configuring) come back. */
bool dimse_status_is_transient(uint16_t status);

#endif
