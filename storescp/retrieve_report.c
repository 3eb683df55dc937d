#include "storescp/retrieve_report.h"

#include <stdio.h>

#include "pacs/base/clock.h"
#include "pacs/base/log.h"

enum {
	PENDING_GAP_MS = 100,        /* thousands of small images a second need no response each */
	PENDING_IDLE_MS = 1000,      /* and a slow one must not look dead */
	ALL_FAILED = 0xA702,         /* PS3.4 C.4.2.1.5: unable to perform sub-operations */
};

static uint16_t cap(uint64_t n)
{
	return n > UINT16_MAX ? UINT16_MAX : (uint16_t)n;
}

static uint64_t remaining(const struct retrieve *r)
{
	return r->picks.count - r->completed - r->failed - r->warning;
}

static struct dimse response(const struct retrieve *r, uint16_t status)
{
	struct dimse rsp = dimse_response(&r->op.rq, status);

	rsp.present |= DIMSE_HAS_COMPLETED | DIMSE_HAS_FAILED | DIMSE_HAS_WARNING;
	if (dimse_status_is_pending(status) || status == STATUS_CANCEL)
		rsp.present |= DIMSE_HAS_REMAINING;
	rsp.remaining = cap(remaining(r));
	rsp.completed = cap(r->completed);
	rsp.failed = cap(r->failed);
	rsp.warning = cap(r->warning);
	return rsp;
}

static void send(struct retrieve *r, const struct dimse *rsp, struct bytes data)
{
	struct conn *c = r->op.session->conn;
	enum err e = conn_send(c, r->op.context_id, rsp, data);

	if (e && e != ERR_CLOSED)
		conn_abort(c, "an answer could not be queued");
}

static uint64_t since_pending_ms(const struct retrieve *r)
{
	return (clock_mono_ns() - r->pending_ns) / 1000000;
}

static void send_pending(struct retrieve *r)
{
	const struct dimse rsp = response(r, STATUS_PENDING);

	r->has_news = false;
	r->pending_ns = clock_mono_ns();
	send(r, &rsp, (struct bytes){ 0 });
}

static bool may_report(const struct retrieve *r)
{
	return r->op.session && r->is_selected && !r->has_ended;
}

void retrieve_news(struct retrieve *r)
{
	r->has_news = true;
	if (may_report(r) && remaining(r) && since_pending_ms(r) >= PENDING_GAP_MS)
		send_pending(r);
}

/* In a C-GET the objects themselves show that we are alive, and a response would wait behind them. */
void retrieve_tick(struct retrieve *r)
{
	bool is_quiet = !r->class->is_same_association && since_pending_ms(r) >= PENDING_IDLE_MS;

	if (may_report(r) && (r->has_news || is_quiet))
		send_pending(r);
}

static uint16_t final_status(const struct retrieve *r)
{
	if (r->is_cancelled)
		return STATUS_CANCEL;
	if (r->failed && !r->completed && !r->warning)
		return ALL_FAILED;
	return r->failed || r->warning ? STATUS_WARNING : STATUS_SUCCESS;
}

static void log_end(const struct retrieve *r, uint16_t status)
{
	const struct session *s = r->op.session;
	char hex[8];

	snprintf(hex, sizeof(hex), "%04X", status);
	log_event(r->failed ? LOG_WARN : LOG_INFO, "retrieve", "assoc", s ? log_num((long long)conn_id(s->conn)).s : NULL,
	          "calling", s ? s->calling : NULL, "request", r->class->name,
	          "to", r->op.rq.move_destination[0] ? r->op.rq.move_destination : NULL, "status", hex,
	          "completed", log_num((long long)r->completed).s, "failed", log_num((long long)r->failed).s,
	          "warning", log_num((long long)r->warning).s, "bytes", log_num((long long)r->bytes).s,
	          "ms", log_num((long long)((clock_mono_ns() - r->began_ns) / 1000000)).s,
	          "why", r->comment[0] ? r->comment : NULL, NULL);
}

/* The identifier of a final response that is no success: which instances did not arrive. */
static bool failed_list(struct retrieve *r, struct buf *out)
{
	struct arena a;
	struct dataset *ds;

	if (!r->failed_uids.len)
		return false;
	arena_init(&a, 2 * BOUND_FAILED_UIDS);
	ds = dataset_new(&a);
	bool is_written = ds && !dataset_put(ds, TAG_FAILED_UIDS, VR_UI, buf_view(&r->failed_uids)) &&
	                  !dataset_write(ds, r->identifier.encoding, out);
	arena_fini(&a);
	return is_written;
}

void retrieve_respond_final(struct retrieve *r)
{
	uint16_t status = final_status(r);
	struct dimse rsp = response(r, status);
	struct buf list;

	log_end(r, status);
	if (!r->op.session)
		return;
	buf_init(&list, 2 * BOUND_FAILED_UIDS);
	rsp.has_data = status != STATUS_SUCCESS && failed_list(r, &list);
	if (r->failed)
		memcpy(rsp.error_comment, r->comment, sizeof(rsp.error_comment));
	send(r, &rsp, rsp.has_data ? buf_view(&list) : (struct bytes){ 0 });
	buf_fini(&list);
}

void retrieve_respond_refusal(struct retrieve *r, uint16_t status, const char *why)
{
	struct session *s = r->op.session;

	if (!s)
		return;
	log_event(LOG_WARN, "retrieve_refused", "assoc", log_num((long long)conn_id(s->conn)).s, "calling", s->calling,
	          "request", r->class->name, "why", why, NULL);
	session_respond(s, r->op.context_id, &r->op.rq, status, why);
}
