/* mpps - modality performed procedure steps in work.db: their states, the orders that they serve, the images they wait for, and
 * the messages that go on to other nodes.
 *
 * Writing functions run on the one thread that writes work.db, inside the transaction of its owner. *status is what to answer;
 * a refusal changes nothing; an error means that the transaction must be undone.
 *
 * 1. A step that is COMPLETED or DISCONTINUED is never changed again.
 * 2. A step waits for each image it names that the router has not planned yet; when none is left it is due, once.
 */
#ifndef DB_MPPS_H
#define DB_MPPS_H

#include "db/orders.h"
#include "pacs/orders/mpps.h"

extern const char mpps_schema[];         /* a migration step of work.db */

struct mpps_request {
	const char *uid, *calling;
	const struct dataset *ds;        /* of N-CREATE, or the changes of N-SET; UTF-8 */
	int64_t now_ms;
};
struct mpps_result {
	uint16_t status, error_id;       /* error_id 0: none */
	struct why refusal;
	enum mpps_state state;
	int64_t message;                 /* the row that keeps what was asked, to be sent on */
	unsigned orders, missing;        /* orders moved; images that are waited for */
	char modality[17];
	struct uid study;                /* the first one */
	bool is_complete;                /* COMPLETED, and every image it names is planned: its studies are due */
};

/* N-CREATE: its orders are STARTED. */
enum err mpps_create(struct sqlite3 *db, const struct mpps_request *rq, struct mpps_result *out, struct why *why) MUST_USE;
/* N-SET: a final state moves its orders. is_here (called for each image of a COMPLETED one): has it been planned? */
enum err mpps_change(struct sqlite3 *db, const struct mpps_request *rq, bool (*is_here)(void *arg, const char *sop_uid), void *arg,
                     struct mpps_result *out, struct why *why) MUST_USE;
/* This image has been planned. *uid: the step that it was the last missing one of; "" none. */
enum err mpps_image_came(struct sqlite3 *db, const char *sop_uid, struct uid *uid, struct why *why) MUST_USE;
/* Its studies are complete: calls fn for each. */
enum err mpps_studies(struct sqlite3 *db, const char *uid, enum err (*fn)(void *arg, const char *study_uid, struct why *why), void *arg, struct why *why) MUST_USE;

/* ---- messages to be sent on ---- */
enum { MPPS_CREATE = 1, MPPS_SET = 2 };  /* kept on disk */
struct mpps_message { int64_t id; int kind; struct uid uid; struct dataset *ds; };
/* ds is in the arena. ERR_NOT_FOUND. */
enum err mpps_message_get(struct sqlite3 *db, int64_t id, struct arena *a, struct mpps_message *out, struct why *why) MUST_USE;

#endif
