/* order_csv - orders from a table of text: the first line names the fields (order.h), each further line is an order.
 *
 * RFC 4180: fields by comma (or semicolon or tab, whichever the first line uses), quoted with " where they hold one, a line end
 * or a quote (written twice). A byte order mark is passed over. UTF-8, or GB18030 when it is no valid UTF-8, as Chinese
 * spreadsheets write it. Empty lines are passed over. Pure.
 */
#ifndef PACS_ORDERS_ORDER_CSV_H
#define PACS_ORDERS_ORDER_CSV_H

#include "pacs/orders/order.h"

/* fn gets each order with the number of the line where it begins; false: it stops (ERR_CANCELLED). An error names the line and the
 * column: ERR_FORMAT, ERR_LIMIT. Orders before it have been given to fn. */
enum err order_csv_read(struct bytes text, bool (*fn)(void *arg, const struct order *o, unsigned line), void *arg, struct why *why) MUST_USE;

#endif
