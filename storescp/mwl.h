/* mwl - which orders a modality worklist query is about (PS3.4 K.6.1.2). Pure.
 *
 * Start date and start time, both as ranges, are one stretch from the first date and time to the last (table K.6-1); one as a
 * single value and the other as a range match each by itself. Without a status among the keys the list is of what is SCHEDULED or
 * STARTED. An order for no station in particular is for every station that asks.
 */
#ifndef STORESCP_MWL_H
#define STORESCP_MWL_H

#include "db/orders.h"
#include "pacs/dicom/dataset.h"

struct mwl_query {
	struct orders_filter filter;     /* strings below */
	char from[32], to[32];           /* dates */
	char first[64], last[64];        /* date and time in one, when they are combined; "" open */
	bool is_combined;
	char aet[BOUND_AET + 1];         /* the station that was asked for; else the caller */
	bool asks_aet;
};

/* *match: the keys without those that the query itself decides, in the arena of `keys`. order_days: forget_ms 0 = nothing is
 * forgotten, else what is SCHEDULED for before that moment is not listed unless a date is asked for. */
enum err mwl_query_read(const struct dataset *keys, const char *calling, int64_t forget_ms, struct mwl_query *out, struct dataset **match) MUST_USE;
/* What the statement could not decide; gives an order without a station the one that asks. */
bool     mwl_query_takes(const struct mwl_query *q, struct order_row *row);

#endif
