#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pacs/base/clock.h"
#include "pacs/base/log.h"
#include "router/dest.h"

/* One association to a destination. Lives until its conn has told on_closed. */
struct link {
	LIST_ENTRY(link) entry;
	struct dest *dest;
	struct conn *conn;
	struct sender *sender;           /* NULL until open */
	struct loop_timer *linger;
	bool is_lingering, is_retiring, has_closed;
	bool is_ours_to_end;             /* we asked for the end: it is no failure */
	unsigned given, answered;
	uint64_t given_bytes;
	struct send_kind offered[DEST_KINDS];
	size_t offered_count;
};

struct link *link_next(const struct link *k)
{
	return LIST_NEXT(k, entry);
}

bool link_is_connecting(const struct link *k)
{
	return !k->sender && !k->has_closed;
}

bool link_is_idle(const struct link *k)
{
	return !k->given;
}

bool link_offers(const struct link *k, const struct send_object *o)
{
	for (size_t i = 0; i < k->offered_count; i++)
		if (!strcmp(k->offered[i].sop_class.s, o->sop_class.s) && !strcmp(k->offered[i].ts.s, o->ts.s))
			return true;
	return false;
}

bool link_has_room(const struct link *k, uint64_t bytes)
{
	return k->sender && !k->is_retiring && !k->has_closed && sender_has_room(k->sender) &&
	       (k->given < DEST_GIVE_MIN || k->given_bytes + bytes <= DEST_GIVE_BYTES);
}

/* ---- the end ---- */

static void end(struct link *k)
{
	k->is_retiring = true;
	k->is_ours_to_end = true;
	conn_release(k->conn);
}

void link_retire(struct link *k)
{
	bool was_retiring = k->is_retiring;
	k->is_retiring = true;
	if (!was_retiring && k->sender && !k->given && !k->has_closed)
		end(k);
}

void link_drop(struct link *k)
{
	if (k->has_closed)
		return;
	k->is_retiring = true;
	k->is_ours_to_end = true;
	conn_abort(k->conn, "the router stops sending");
}

static void on_linger(void *arg)
{
	struct link *k = arg;
	k->is_lingering = false;
	if (!k->given && !k->has_closed)
		end(k);
}

void link_linger(struct link *k, bool on)
{
	if (on == k->is_lingering || k->is_retiring)
		return;
	k->is_lingering = on;
	if (on)
		loop_timer_start(k->linger, DEST_LINGER_MS, 0);
	else
		loop_timer_stop(k->linger);
}

/* ---- giving and answers ---- */

static void on_sent(void *arg, const struct send_result *res)
{
	struct outbound *o = arg;
	struct link *k = o->link;
	struct dest *d = k->dest;
	k->given--;
	k->given_bytes -= o->object.size;
	if (!res->err)
		k->answered++;
	bool has_closed = k->has_closed;
	dest_done(d, o, res, has_closed);
	if (has_closed)
		return;      /* on_closed() steps when all have come back */
	if (k->is_retiring && !k->given && !k->is_ours_to_end)
		end(k);
	dest_step(d);
}

enum err link_give(struct link *k, struct outbound *o)
{
	enum err e = sender_send(k->sender, &o->object, on_sent, o);
	if (e)
		return e;
	o->link = k;
	k->given++;
	k->given_bytes += o->object.size;
	link_linger(k, false);
	return ERR_OK;
}

/* ---- what the conn says ---- */

static unsigned wait_ms(void *arg, size_t bytes)
{
	struct dest *d = arg;
	return rate_wait_ms(&d->rate, bytes, clock_mono_ns());
}

static void on_open(void *user, struct conn *c)
{
	struct link *k = user;
	struct dest *d = k->dest;
	const struct send_options options = { .dir = d->router->conf->dir, .xcode = d->router->xcode, .wish = d->wish, .wait_ms = d->node.rate_bytes_per_s ? wait_ms : NULL, .arg = d };
	if (sender_new(d->router->loop, c, &options, &k->sender)) {
		conn_abort(c, "no memory");
		return;
	}
	log_event(LOG_INFO, "link_open", "to", d->node.name, "assoc", log_num((long long)conn_id(c)).s, "peer", conn_peer_address(c),
	          "operations", log_num(conn_max_invoked(c)).s, NULL);
	if (k->is_retiring)
		end(k);
	dest_step(d);
}

static void on_command(void *user, struct conn *c, uint8_t context_id, const struct dimse *cmd)
{
	struct link *k = user;
	(void)context_id;
	if (!k->sender || !sender_response(k->sender, cmd))
		conn_abort(c, "a message that nobody asked for");
}

static void on_data(void *user, struct conn *c, uint8_t context_id, struct bytes piece, bool is_last)
{
	(void)user;
	(void)c;
	(void)context_id;
	(void)piece;
	(void)is_last;       /* a C-STORE response has no data set; one that comes is passed over */
}

static void on_writable(void *user, struct conn *c)
{
	struct link *k = user;
	(void)c;
	if (k->sender)
		sender_writable(k->sender);
}

/* An association that stored something and then ended says nothing against the destination. */
static void judge_end(struct link *k, enum conn_end how, const char *detail)
{
	char text[sizeof(k->dest->last_error)];
	if (k->is_ours_to_end || k->answered)
		return;
	snprintf(text, sizeof(text), "%s: %s", conn_end_name(how), detail);
	dest_failed(k->dest, text);
}

static void on_closed(void *user, struct conn *c, enum conn_end how, const char *detail, uint8_t rj_result, uint8_t rj_source, uint8_t rj_reason)
{
	struct link *k = user;
	struct dest *d = k->dest;
	(void)rj_result;
	(void)rj_source;
	(void)rj_reason;     /* in the detail; a permanent rejection too may be mended at the far end, so it waits as the others */
	log_event(how == CONN_RELEASED ? LOG_INFO : LOG_WARN, "link_closed", "to", d->node.name, "assoc", log_num((long long)conn_id(c)).s,
	          "how", conn_end_name(how), "detail", detail, "stored", log_num(k->answered).s, NULL);
	k->has_closed = true;
	k->is_retiring = true;
	judge_end(k, how, detail);
	if (k->sender)
		sender_closed(k->sender);
	sender_free(&k->sender);
	loop_timer_free(&k->linger);
	LIST_REMOVE(k, entry);
	d->link_count--;
	free(k);
	dest_step(d);
}

/* ---- opening ---- */

static enum err propose(struct link *k, struct arena *a, struct assoc_request *rq)
{
	struct dest *d = k->dest;
	const struct conf *conf = d->router->conf;
	*rq = (struct assoc_request){
		.application_context = UID_APPLICATION_CONTEXT, .max_pdu = BOUND_PDU_OURS, .has_async = true,
		.max_invoked = DEST_OPERATIONS, .max_performed = 1,
		.implementation_class = IMPLEMENTATION_CLASS_UID, .implementation_version = IMPLEMENTATION_VERSION,
	};
	snprintf(rq->called, sizeof(rq->called), "%s", d->node.aet);
	snprintf(rq->calling, sizeof(rq->calling), "%s", conf->aet);
	memcpy(k->offered, d->kinds, d->kind_count * sizeof(d->kinds[0]));
	return send_contexts(a, k->offered, d->kind_count, d->node.accepts_j2k, &rq->contexts, &rq->context_count, &k->offered_count);
}

static enum err connect_link(struct link *k, struct why *why)
{
	static const struct conn_handlers handlers = {
		.on_open = on_open, .on_command = on_command, .on_data = on_data, .on_writable = on_writable, .on_closed = on_closed,
	};
	struct dest *d = k->dest;
	struct assoc_request rq;
	struct arena a;
	arena_init(&a, BOUND_ASSOCIATE_PDU);
	enum err e = propose(k, &a, &rq);
	if (e)
		fail(why, e, "proposing %u kinds of images: %s", d->kind_count, err_name(e));
	else
		e = conn_connect(d->router->loop, d->node.host, d->node.port, &rq, &handlers, k, &(struct conn_timeouts){ 0 }, &k->conn, why);
	arena_fini(&a);
	return e;
}

enum err link_open(struct dest *d, struct why *why)
{
	struct link *k = calloc(1, sizeof(*k));
	if (!k)
		return fail(why, ERR_NOMEM, "no memory");
	k->dest = d;
	enum err e = loop_timer_new(d->router->loop, on_linger, k, &k->linger);
	if (e) {
		free(k);
		return fail(why, e, "no memory");
	}
	LIST_INSERT_HEAD(&d->links, k, entry);
	d->link_count++;
	e = connect_link(k, why);
	if (!e)
		return ERR_OK;
	LIST_REMOVE(k, entry);
	d->link_count--;
	loop_timer_free(&k->linger);
	free(k);
	return e;
}
