/* hl7_json - a message's changes as the router's order.apply takes them (router/ordering.h). */
#ifndef PACS_HL7_HL7_JSON_H
#define PACS_HL7_HL7_JSON_H

#include <jansson.h>

#include "pacs/hl7/hl7_event.h"

/* Appends to the array. Errors as hl7_event_read(); after one the array may hold some. */
enum err hl7_changes(const struct hl7 *m, json_t *changes, struct hl7_fault *fault, struct why *why) MUST_USE;

#endif
