/* worklist - what the files of the reading work share. The seam to the rest of the router is in router.h.
 *
 *   arrival --(plan's transaction)--> pending_study --quiet time--> item SCHEDULED --claim--> IN PROGRESS --> COMPLETED
 *                                                                        ^                        |
 *                                                                        '---- re-issued ---- CANCELED --> (escalated: forwarded upwards)
 *
 * The quiet time is a row with the last arrival, not a timer: a restart loses nothing. One study is looked at in each
 * task, so that one that cannot be made into an item holds up no other.
 */
#ifndef ROUTER_WORKLIST_H
#define ROUTER_WORKLIST_H

#include "db/items.h"
#include "pacs/orders/order.h"
#include "router/router.h"

/* ---- worklist_item.c: an item's data set from the index ---- */
struct worklist_order {                  /* what the manager decides for a new item */
	const char *uid, *aet, *group;
	bool is_urgent;
	int64_t now_ms, expected_ms;
	const char *comment;             /* UTF-8, "" none */
};
struct worklist_images;                  /* references of a study's instances */
/* Work thread. At most BOUND_ITEM_INSTANCES are kept; worklist_images_count() counts all. */
enum err worklist_images_read(struct index_reader *ix, const char *study_uid, struct worklist_images **out, struct why *why) MUST_USE;
unsigned worklist_images_count(const struct worklist_images *im);
void     worklist_images_free(struct worklist_images **im);
enum err worklist_item_fill(struct dataset *ds, const struct index_study *st, const struct worklist_images *im, const struct worklist_order *o) MUST_USE;
/* New images in an item that nobody has claimed. */
enum err worklist_item_refill(struct dataset *ds, const struct index_study *st, const struct worklist_images *im, const char *aet, const char *comment) MUST_USE;

/* What the study says now, in an item that nobody has claimed. */
enum err worklist_item_again(struct dataset *ds, const struct index_study *st, const struct worklist_images *im, const char *aet) MUST_USE;

/* ---- worklist_order.c: what the study's order says ---- */
/* Reason, requesting physician and service, procedure, numbers; STAT and HIGH make the item HIGH. */
enum err worklist_item_order(struct dataset *ds, const struct order *o) MUST_USE;
/* An order has been found for a study whose items may be there already: those that nobody has claimed are brought up to date. */
enum err worklist_order_came(struct sqlite3 *db, const char *study_uid, const char *who, int64_t now_ms, struct why *why) MUST_USE;

/* ---- worklist_make.c: one study whose quiet time is over ---- */
enum worklist_made { WORKLIST_NOTHING, WORKLIST_CREATED, WORKLIST_UPDATED, WORKLIST_LATE };
struct worklist_result {
	enum worklist_made made;
	struct uid item;
	unsigned instances, added;
};
/* Work thread, inside a transaction. Also takes the study from pending_study. */
enum err worklist_make(struct sqlite3 *db, struct index_reader *ix, const struct conf *conf, const struct item_pending *p, int64_t now_ms,
                       struct worklist_result *out, struct why *why) MUST_USE;

/* ---- worklist_cancel.c: what becomes of a case whose item was cancelled ---- */
/* Work thread, in the transaction of the cancellation. *next: the item that replaces it; "" when escalated. */
enum err worklist_cancelled(struct work *w, struct index_reader *ix, const struct conf *conf, const char *uid, int64_t now_ms,
                            struct uid *next, bool *escalated, struct why *why) MUST_USE;

/* ---- worklist_ctl.c ---- */
void worklist_ctl_state(struct router *r, struct ctl_request *rq, const json_t *body);
void worklist_ctl_set(struct router *r, struct ctl_request *rq, const json_t *body);
void worklist_ctl_list(struct router *r, struct ctl_request *rq, const json_t *body);

#endif
