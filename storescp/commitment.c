#include "storescp/commitment.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pacs/base/log.h"
#include "pacs/ctl/commit_json.h"
#include "pacs/dicom/availability.h"
#include "storescp/relay.h"

enum { NO_SUCH_INSTANCE = 0x0112, NO_SUCH_EVENT = 0x0113, NO_SUCH_CLASS = 0x0118, NO_SUCH_ACTION = 0x0123 };

bool commitment_is_sop_class(const char *uid)
{
	return !strcmp(uid, UID_COMMITMENT);
}

bool availability_is_sop_class(const char *uid)
{
	return !strcmp(uid, UID_AVAILABILITY);
}

static enum ds_encoding encoding(const struct session *s, uint8_t context_id)
{
	return ds_encoding_of(conn_context(s->conn, context_id)->ts);
}

static void refuse(struct session *s, uint8_t context_id, const struct dimse *rq, uint16_t status, const char *words)
{
	log_event(LOG_WARN, "request_refused", "assoc", log_num((long long)conn_id(s->conn)).s, "calling", s->calling, "request", dimse_field_name(rq->field),
	          "sop_class", rq->sop_class.s, "status", log_num(status).s, "why", words, NULL);
	session_respond(s, context_id, rq, status, words);
}

/* What both directions have in common: the class and its one well-known instance (PS3.4 J.3.5). */
static bool is_well_known(struct session *s, uint8_t context_id, const struct dimse *rq)
{
	if (!commitment_is_sop_class(rq->sop_class.s))
		refuse(s, context_id, rq, NO_SUCH_CLASS, "the command's SOP class is not storage commitment");
	else if (strcmp(rq->sop_instance.s, UID_COMMITMENT_INSTANCE))
		refuse(s, context_id, rq, NO_SUCH_INSTANCE, "not the well-known instance of storage commitment");
	else
		return true;
	return false;
}

/* Which association of which run of this program. */
struct origin { char s[64]; };
static struct origin origin_of(const struct session *s)
{
	struct origin o;
	snprintf(o.s, sizeof(o.s), "%d/%llu", (int)getpid(), (unsigned long long)conn_id(s->conn));
	return o;
}

static void relay_refs(struct session *s, uint8_t context_id, const struct dimse *rq, const char *op, const struct commit_refs *refs, bool with_reasons)
{
	json_t *body = commit_json_write(refs, with_reasons);
	if (body && (json_object_set_new(body, "op", json_string(op)) | json_object_set_new(body, "calling", json_string(s->calling)) |
	             json_object_set_new(body, "origin", json_string(origin_of(s).s)))) {
		json_decref(body);
		body = NULL;
	}
	relay_to_router(s, context_id, rq, body, NULL);
}

/* ---- provider: a request ---- */

static void action_start(struct session *s, uint8_t context_id, const struct dimse *rq, struct bytes data)
{
	struct commit_refs refs = { 0 };
	struct why why = { "" };
	uint16_t status;
	if (!is_well_known(s, context_id, rq))
		return;
	if (rq->action_type != COMMIT_ACTION_REQUEST)
		refuse(s, context_id, rq, NO_SUCH_ACTION, "offered: action 1, request storage commitment");
	else if (commit_read_request(data, encoding(s, context_id), &refs, &status, &why))
		refuse(s, context_id, rq, status, why.text);
	else
		relay_refs(s, context_id, rq, "commit.asked", &refs, false);
	commit_refs_free(&refs);
}

/* ---- user: a result ---- */

static void event_start(struct session *s, uint8_t context_id, const struct dimse *rq, struct bytes data)
{
	struct commit_refs refs = { 0 };
	struct why why = { "" };
	uint16_t status;
	if (!is_well_known(s, context_id, rq))
		return;
	if (rq->event_type != COMMIT_EVENT_SUCCESS && rq->event_type != COMMIT_EVENT_FAILURES)
		refuse(s, context_id, rq, NO_SUCH_EVENT, "known: events 1 and 2 of storage commitment");
	else if (commit_read_result(data, encoding(s, context_id), rq->event_type, &refs, &status, &why))
		refuse(s, context_id, rq, status, why.text);
	else
		relay_refs(s, context_id, rq, "commit.result", &refs, true);
	commit_refs_free(&refs);
}

/* ---- provider: the result, on the association of the request ---- */

enum { ANSWER_MS = 8000 };               /* the router waits a little longer */

struct report {
	struct operation op;
	struct ctl_request *rq;          /* NULL once answered */
	struct loop_timer *timer;
	uint16_t message_id;
};

static void report_end(struct report *r)
{
	loop_timer_free(&r->timer);
	operation_end(&r->op);
	free(r);
}

static bool report_response(struct operation *op, const struct dimse *rsp)
{
	struct report *r = (struct report *)op;
	if (rsp->field != DIMSE_N_EVENT_REPORT_RSP || rsp->message_id != r->message_id)
		return false;
	ctl_answer(r->rq, json_pack("{s:i}", "status", (int)rsp->status));
	report_end(r);
	return true;
}

static void report_gone(struct operation *op)
{
	struct report *r = (struct report *)op;
	ctl_refuse(r->rq, ERR_CLOSED, "the association ended");
	report_end(r);
}

static void on_no_answer(void *arg)
{
	struct report *r = arg;
	ctl_refuse(r->rq, ERR_TIMEOUT, "the peer does not answer on the association of its request");
	report_end(r);
}

static const struct operation_class report_class = { .name = "commitment result", .response = report_response, .gone = report_gone };

static struct session *find_session(struct server *sv, const char *origin, const char *calling)
{
	struct session *s;
	LIST_FOREACH(s, &sv->all, link)
		if (conn_is_open(s->conn) && !strcmp(s->calling, calling) && !strcmp(origin_of(s).s, origin))
			return s;
	return NULL;
}

static const struct assoc_context *context_of(const struct session *s)
{
	unsigned n;
	const struct assoc_context *all = conn_contexts(s->conn, &n);
	for (unsigned i = 0; i < n; i++)
		if (all[i].result == CONTEXT_ACCEPTED && commitment_is_sop_class(all[i].abstract_syntax.s))
			return &all[i];
	return NULL;
}

static enum err send_report(struct report *r, struct session *s, const struct commit_refs *refs)
{
	const struct assoc_context *pc = context_of(s);
	struct dimse rq = { .field = DIMSE_N_EVENT_REPORT_RQ, .has_data = true, .sop_class = { UID_COMMITMENT }, .sop_instance = { UID_COMMITMENT_INSTANCE },
	                    .event_type = commit_event_type(refs), .present = DIMSE_HAS_EVENT_TYPE };
	struct buf data;
	if (!pc)
		return ERR_CLOSED;
	rq.message_id = r->message_id = conn_next_message_id(s->conn);
	buf_init(&data, BOUND_SEND_QUEUE);
	enum err e = commit_write_result(refs, s->server->conf->aet, ds_encoding_of(pc->ts), &data);
	if (!e)
		e = conn_send(s->conn, pc->id, &rq, buf_view(&data));
	buf_fini(&data);
	if (!e)
		operation_begin(&r->op, &report_class, s, pc->id, &rq);
	return e;
}

static enum err report_to(struct server *sv, struct session *s, struct ctl_request *rq, const struct commit_refs *refs)
{
	struct report *r = calloc(1, sizeof(*r));
	if (!r)
		return ERR_NOMEM;
	r->rq = rq;
	enum err e = loop_timer_new(sv->loop, on_no_answer, r, &r->timer);
	if (!e)
		e = send_report(r, s, refs);
	if (!e) {
		loop_timer_start(r->timer, ANSWER_MS, 0);
		return ERR_OK;
	}
	if (r->timer)
		loop_timer_free(&r->timer);
	free(r);
	return e;
}

void commitment_report(struct server *sv, struct ctl_request *rq, const json_t *body)
{
	const char *calling = json_string_value(json_object_get(body, "calling")), *origin = json_string_value(json_object_get(body, "origin"));
	struct commit_refs refs;
	enum err e = commit_json_read(body, true, &refs);
	struct session *s = !e && calling && origin && !sv->stopping ? find_session(sv, origin, calling) : NULL;
	if (e || !calling || !origin) {
		ctl_refuse(rq, e ? e : ERR_USAGE, "commit.report needs transaction, calling, origin and refs (class, instance, reason, ...)");
	} else {
		e = s ? report_to(sv, s, rq, &refs) : ERR_CLOSED;
		if (e)
			ctl_refuse(rq, e, "the association of the request has ended");
	}
	commit_refs_free(&refs);
}

/* ---- availability notifications ---- */

static void create_start(struct session *s, uint8_t context_id, const struct dimse *rq, struct bytes data)
{
	struct availability_summary a;
	struct why why = { "" };
	struct uid uid = rq->sop_instance;
	uint16_t status;
	if (!availability_is_sop_class(rq->sop_class.s))
		refuse(s, context_id, rq, NO_SUCH_CLASS, "the command's SOP class is not instance availability notification");
	else if (uid.s[0] && !uid_is_legal(uid.s))
		refuse(s, context_id, rq, 0x0117, "the SOP Instance UID is no UID");
	else if (availability_read(data, encoding(s, context_id), &a, &status, &why))
		refuse(s, context_id, rq, status, why.text);
	else if (!uid.s[0] && uid_new(&uid))     /* PS3.7 10.1.5.1.4: the performer may choose it */
		refuse(s, context_id, rq, STATUS_PROCESSING_FAILURE, "no UID");
	else
		relay_to_router(s, context_id, rq, json_pack("{s:s,s:s,s:s,s:s,s:i,s:i,s:s,s:s}", "op", "notice", "uid", uid.s, "calling", s->calling,
		                "study", a.study_uid.s, "series", (int)a.series, "instances", (int)a.instances, "availability", a.availability,
		                "retrieve", a.retrieve_aet), &uid);
}

const struct service service_commit_action = { .field = DIMSE_N_ACTION_RQ, .start = action_start, .serves = commitment_is_sop_class };
const struct service service_commit_event = { .field = DIMSE_N_EVENT_REPORT_RQ, .start = event_start, .serves = commitment_is_sop_class };
const struct service service_availability_create = { .field = DIMSE_N_CREATE_RQ, .start = create_start, .serves = availability_is_sop_class };
