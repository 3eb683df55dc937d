/* ordering - imaging orders in the router: what changes them, and what they mean for the images that come.
 *
 *   hl7d, `pacs order` --order.apply--> one task of the work thread = one transaction --> answer (so an ACK follows a commit)
 *   arrival --(plan's transaction)--> the study's order, remembered whether there is one or not
 *
 * Requests on the router's socket:
 *
 *   {"op":"order.apply","source":S,"message":M,"changes":[{"do":D,"order":{...}, ...}, ...]}
 *        D: "put"      inserts or changes an order
 *           "state"    "state": SCHEDULED STARTED COMPLETED DISCONTINUED CANCELED, "note"
 *           "admit"    the patient's open orders get name, birth date, sex, admission, location
 *           "patient"  the same, and the index and outgoing copies too (patient update)
 *           "merge"    "old_id", "old_issuer": that patient is this one (patient merge)
 *        -> {"created":N,"changed":N,"same":N,"moved":N,"patients":N}; all of them or none
 *   {"op":"order.list","states":[...],"from":D,"to":D,"accession":A,"patient":P,"limit":N}     -> {"orders":[...]}
 *   {"op":"order.unmatched","limit":N}                                            -> {"studies":[...]}
 *   {"op":"order.quarantine","from":A,"type":T,"control":C,"reason":R,"raw":HEX}  -> {}
 *   {"op":"order.messages","limit":N}                                             -> {"messages":[...]}
 */
#ifndef ROUTER_ORDERING_H
#define ROUTER_ORDERING_H

#include "db/orders.h"
#include "router/router.h"

/* true: it is one of its requests and will be answered. */
bool     ordering_handle_ctl(struct router *r, struct ctl_request *rq, const char *op, const json_t *body);

/* Work thread, in plan's transaction, after the rules have been applied: the order of each study among these arrivals. */
/* *has_work: something was written. */
enum err ordering_on_arrivals(struct work *w, struct index_reader *ix, const struct index_arrival *a, size_t n, int64_t now_ms, bool *has_work, struct why *why) MUST_USE;

/* ---- ordering_apply.c ---- */
struct ordering_counts { unsigned created, changed, same, moved, patients, matched; };
/* Work thread. The changes of one request, in order; the first error ends it and names the change. */
enum err ordering_apply(struct work *w, const json_t *body, int64_t now_ms, struct ordering_counts *out, struct why *why) MUST_USE;

/* ---- ordering_list.c ---- */
void     ordering_list(struct router *r, struct ctl_request *rq, const char *op, const json_t *body);

#endif
