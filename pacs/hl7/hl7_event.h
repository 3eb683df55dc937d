/* hl7_event - what an HL7 message says about orders and patients, as changes to be made. Pure.
 *
 *   ORM^O01, OMG^O19, OMI^O23   ORC-1 NW XO XX RO SC: an order for each OBR (OMI: for each IPC) -> CHANGE_PUT, and for SC with
 *                               ORC-5 CM, IP, DC, CA also CHANGE_STATE; CA OC DC: CHANGE_STATE CANCELED (DC: DISCONTINUED)
 *   ADT^A01 A04 A05             CHANGE_ADMIT: the patient's open orders
 *   ADT^A08 A31                 CHANGE_PATIENT: open orders, index, outgoing copies
 *   ADT^A40 (A18 A34 A36)       CHANGE_MERGE: MRG-1 becomes PID-3; A40 may repeat PID and MRG
 *
 * Which field goes where is written in CONFORMANCE.md.
 */
#ifndef PACS_HL7_HL7_EVENT_H
#define PACS_HL7_HL7_EVENT_H

#include "pacs/hl7/hl7.h"
#include "pacs/orders/order.h"

enum hl7_what { CHANGE_PUT, CHANGE_STATE, CHANGE_ADMIT, CHANGE_PATIENT, CHANGE_MERGE };
struct hl7_change {
	enum hl7_what what;
	struct order order;              /* all of it; the numbers that name it; or the patient */
	enum order_state state;          /* CHANGE_STATE */
	char old_id[257], old_issuer[257];       /* CHANGE_MERGE */
};

/* Where and how a message is wrong (HL7 table 0357). */
enum { HL7_SEQUENCE = 100, HL7_MISSING = 101, HL7_TYPE = 102, HL7_VALUE = 103, HL7_NO_MESSAGE = 200, HL7_NO_EVENT = 201,
       HL7_NO_PROCESSING = 202, HL7_NO_VERSION = 203, HL7_UNKNOWN_KEY = 204, HL7_INTERNAL = 207 };
struct hl7_fault {
	unsigned code;                   /* 0: none */
	char segment[4];
	unsigned number, field;          /* which of that name, from 1; 0: the whole segment */
};

/* Calls fn for each change, in order; false ends it (ERR_CANCELLED). ERR_FORMAT, ERR_LIMIT, ERR_UNSUPPORTED (such messages are
 * not for us): *fault and why say what is wrong. fn may have been called before an error came. */
enum err hl7_event_read(const struct hl7 *m, bool (*fn)(void *arg, const struct hl7_change *c), void *arg, struct hl7_fault *fault, struct why *why) MUST_USE;

/* "ORM^O01" of MSH-9, for the log. */
void     hl7_event_name(const struct hl7 *m, char out[33]);

#endif
