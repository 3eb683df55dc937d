/* hl7_ack - the answer to a message: MSH, MSA and, for a refusal, ERR with where and why (HL7 v2 chapter 2.9, table 0357). Pure.
 *
 * AA  done and durable.   AE  the content is wrong: sending it again will not help.
 * AR  not for us (type, event, version), or not now (code 207: send it again later).
 */
#ifndef PACS_HL7_HL7_ACK_H
#define PACS_HL7_HL7_ACK_H

#include "pacs/hl7/hl7_event.h"

struct hl7_answer {
	const char *code;                /* "AA" "AE" "AR" */
	const char *text;                /* UTF-8, "" none */
	struct hl7_fault fault;
	const char *id;                  /* of the answer: MSH-10 */
	const char *now;                 /* YYYYMMDDHHMMSS */
	const char *charset;             /* DICOM term to write it in: the message's */
};

/* m: the message that is answered, or NULL when it could not even be cut into segments. */
enum err hl7_ack(const struct hl7 *m, const struct hl7_answer *a, struct buf *out) MUST_USE;

#endif
