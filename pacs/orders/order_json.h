/* order_json - orders on the local sockets: {"accession":"A1","patient_id":"P1",...}; fields that are empty are left out. */
#ifndef PACS_ORDERS_ORDER_JSON_H
#define PACS_ORDERS_ORDER_JSON_H

#include <jansson.h>

#include "pacs/orders/order.h"

json_t *order_to_json(const struct order *o);    /* NULL: no memory */
/* Reads the fields it knows, checked as order_set() does; others are passed over. */
enum err order_from_json(const json_t *from, struct order *out, struct why *why) MUST_USE;

#endif
