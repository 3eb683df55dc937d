/* commit - storage commitment in the router (PS3.4 annex J), both roles. States and durability: db/commit_state.h.
 *
 *   user      jobs.c: a delivery to a node whose `commit` says so makes a wish --> commit_ask.c: N-ACTION, in batches
 *             N-EVENT-REPORT on that association, or through storescp --> commit_result.c: CONFIRMED, sent again, held
 *   provider  storescp takes an N-ACTION --"commit.asked"--> commit_check.c: on disk, then 0000; then each kept file is read
 *             and hashed --> storescp reports on the same association if it is still there, else commit_report.c opens one
 *
 * On the local socket (DIR/run/router.sock), from storescp:
 *
 *   {"op":"commit.asked","transaction":U,"calling":AE,"origin":TEXT,"refs":[class,instance,...]}    {"status":N,"comment":TEXT}
 *   {"op":"commit.result","transaction":U,"calling":AE,"refs":[class,instance,reason,...]}          {"status":N,"comment":TEXT}
 *   {"op":"notice","uid":U,...}  (notice.c)                                                         {"status":N,"comment":TEXT}
 * and from `pacs`:
 *   {"op":"commit.list","limit":N}    {"duties":[...],"requests":[...],"nodes":[...]}
 *   {"op":"notice.list","limit":N}    {"notices":[...],"events":[...]}
 * To storescp (DIR/run/storescp.sock):
 *   {"op":"commit.report","transaction":U,"calling":AE,"origin":TEXT,"refs":[class,instance,reason,...]}    {"status":N}
 *   refused with "closed": that association is no more.
 */
#ifndef ROUTER_COMMIT_H
#define ROUTER_COMMIT_H

#include "pacs/dicom/commitment.h"
#include "router/router.h"

/* true: it is one of these requests and will be answered. */
bool     commit_handle_ctl(struct router *r, struct ctl_request *rq, const char *op, const json_t *body);

/* ---- commit_result.c ---- */
/* A result that the node `to` sent. Takes what *refs holds. done() on the loop when it is on disk (or cannot be): the status to answer. */
void     commit_result_take(struct router *r, const char *to, struct commit_refs *refs,
                            void (*done)(void *arg, uint16_t status, const char *comment), void *arg);

/* ---- commit_check.c ---- */
enum err commit_check_start(struct router *r, struct why *why) MUST_USE;
void     commit_check_stop(struct router *r);
void     commit_check_fini(struct router *r);            /* when the loop has ended */
void     commit_check_wake(struct router *r);
void     commit_asked_ctl(struct router *r, struct ctl_request *rq, const json_t *body);

/* ---- notice.c ---- */
void     notice_ctl(struct router *r, struct ctl_request *rq, const json_t *body);

/* ---- commit_list.c ---- */
void     commit_list_ctl(struct router *r, struct ctl_request *rq, const json_t *body, bool is_notices);

#endif
