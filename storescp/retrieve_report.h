/* retrieve_report - the responses of a retrieval: pending with counters, final, refused. */
#ifndef STORESCP_RETRIEVE_REPORT_H
#define STORESCP_RETRIEVE_REPORT_H

#include "storescp/retrieve.h"

enum { RETRIEVE_TICK_MS = 500 };

/* A sub-operation ended: a pending response now, or with the next tick when one went out just before. */
void retrieve_news(struct retrieve *r);
void retrieve_tick(struct retrieve *r);
void retrieve_respond_final(struct retrieve *r);
void retrieve_respond_refusal(struct retrieve *r, uint16_t status, const char *why);

#endif
