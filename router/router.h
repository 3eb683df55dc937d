/* router - what the rooms of this program share, and how they hang together.
 *
 *   index.db (read only) --seq--> plan --+--> jobs in work.db --+--> send: one window of associations per destination
 *   run/wake.router (a hint)             |                      '--> compress: worker, then storescp swaps the file
 *                                        |--> worklist: studies to read
 *                                        '--> complete: studies that are quiet --> notify jobs
 *
 *   work.db --what is due for a node--> errands: small DIMSE-N requests (ask for commitment, report one, notify)
 *           --commitment asked of us--> commit_check: re-reads and hashes the kept files
 *
 * Two threads. The loop thread runs the network, the timers, the local socket and all state in memory. The work thread
 * (work_thread.h) is the only one to touch work.db; it runs short transactions handed in by the loop, many behind one sync. Files
 * are read and synced on the loop's pool.
 *
 * Nothing in memory matters: kill -9 at any point loses a lease, which the next start gives back. What was in flight is
 * sent again; the far end knows an image it has.
 *
 * Crash points (pacs/base/fault.h), in the order of an image's way:
 *   router_planned      jobs and cursor are written, not committed
 *   router_commit       just before any commit of work.db
 *   router_committed    just after it, before anybody on the loop knows
 *   router_compressed   the worker's output is whole, not synced
 *   router_synced       ... synced, storescp not yet asked to swap
 *   router_swapped      storescp has swapped, the job does not say so yet
 *   router_delivered    the far end said success, the job does not say so yet
 *   router_asked        the far end took our commitment request, the request does not say so yet
 *   router_checked      kept files are hashed for a peer's request, the result is not written yet
 *   router_edit_journal   a correction is written, not committed
 *   router_edit_journaled ... it is committed, nobody knows yet
 *   router_edit_followed  jobs and items have followed one that is applied, not committed
 *   router_reported     the peer has our commitment result, the duty does not say so yet
 */
#ifndef ROUTER_ROUTER_H
#define ROUTER_ROUTER_H

#include "conf/conf.h"
#include "pacs/ctl/ctl.h"
#include "pacs/net/loop.h"
#include "pacs/xcode/xcode.h"
#include "router/work_thread.h"

struct jobs;
struct plan;
struct send;
struct compress;
struct worklist;
struct errands;
struct commit_check;
struct complete;
struct mpps_sender;
struct patients;

struct router {
	struct loop *loop;
	struct conf *conf;               /* the present one; work on other threads takes its own reference */
	struct work_thread *work;
	struct xcode *xcode;             /* NULL: nothing is transcoded */
	struct jobs *jobs;
	struct plan *plan;
	struct send *send;
	struct compress *compress;
	struct worklist *worklist;
	struct errands *errands;
	struct commit_check *commit_check;
	struct complete *complete;
	struct loop_timer *forget;
	struct mpps_sender *mpps;
	struct patients *patients;
	struct ctl_server *ctl;
	struct loop_timer *ending;       /* keeps the loop alive while it waits for the work thread only */
	bool is_stopping;
};

/* ---- the seam to the reading worklist (router/worklist*.c) ---- */
/* Sets r->worklist; starts its timers. */
enum err worklist_start(struct router *r, struct why *why) MUST_USE;
void     worklist_stop(struct router *r);
/* Work thread, inside plan's transaction, for each arrival that matches a rule with ACTION_WORKLIST. An error undoes the
 * whole batch, which is then tried again: return one only for a failure of the database. */
enum err worklist_on_arrival(const struct conf *conf, struct work *w, const struct index_arrival *a, const struct conf_route *rule, struct why *why) MUST_USE;
/* Loop thread, when a batch with such an arrival has been committed. */
void     worklist_wake(struct router *r);
/* true: it is one of its requests and will be answered. */
bool     worklist_handle_ctl(struct router *r, struct ctl_request *rq, const char *op, const json_t *body);

#endif
