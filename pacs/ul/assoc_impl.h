/* assoc_impl - what assoc.c and assoc_message.c share. */
#ifndef PACS_UL_ASSOC_IMPL_H
#define PACS_UL_ASSOC_IMPL_H

#include "pacs/ul/assoc.h"

enum { REASON_UNEXPECTED_PDU = 2, REASON_INVALID_PARAMETER = 6 };        /* A-ABORT, source 2 (PS3.8 section 9.3.8) */

/* The peer sent something that may not be: event 19 with its reason. */
void assoc_invalid(struct assoc *a, uint8_t reason);
/* A piece of a PDV, in Sta6 or Sta7. */
void assoc_take_fragment(struct assoc *a, const struct pdu_event *ev);

#endif
