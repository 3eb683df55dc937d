#include "hl7d/receiver.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "pacs/base/clock.h"
#include "pacs/base/hex.h"
#include "pacs/base/log.h"
#include "pacs/ctl/ctl.h"
#include "pacs/dicom/match.h"
#include "pacs/hl7/hl7_ack.h"
#include "pacs/hl7/hl7_json.h"
#include "pacs/hl7/mllp.h"

enum { IDLE_MS = 3600 * 1000, ROUTER_MS = 20000, ARENA = 16 << 20 };

/* One connection, and the message that it has in hand. */
struct client {
	LIST_ENTRY(client) link;
	struct receiver *receiver;
	struct stream *stream;           /* NULL: gone, while the router still has the message */
	struct mllp in;
	bool is_busy, is_stepping;
	/* the message in hand */
	struct bytes raw;                /* lent by `in` */
	struct arena arena;
	struct hl7 message;
	bool is_parsed;
	char term[32], name[33];
	struct hl7_fault fault;
	struct why why;
	const char *code;                /* of the answer */
};

static void next_message(struct client *c);

/* ---- answering ---- */

static void client_free(struct client *c)
{
	LIST_REMOVE(c, link);
	c->receiver->clients--;
	mllp_fini(&c->in);
	arena_fini(&c->arena);
	free(c);
}

static void timestamp(char out[16])
{
	time_t now = (time_t)(clock_wall_ms() / 1000);
	struct tm tm;
	localtime_r(&now, &tm);
	strftime(out, 16, "%Y%m%d%H%M%S", &tm);
}

static void write_ack(struct client *c)
{
	char now[16], id[24];
	struct buf ack, framed;
	timestamp(now);
	snprintf(id, sizeof(id), "%.8s%08u", now + 6, c->receiver->count % 100000000u);
	const struct hl7_answer a = { .code = c->code, .text = c->why.text, .fault = c->fault, .id = id, .now = now, .charset = c->term };
	buf_init(&ack, BOUND_HL7_MESSAGE);
	buf_init(&framed, BOUND_HL7_MESSAGE + 3);
	if (!hl7_ack(c->is_parsed ? &c->message : NULL, &a, &ack)) {
		mllp_frame(buf_view(&ack), &framed);
		if (!buf_err(&framed))
			stream_write(c->stream, buf_view(&framed));
	}
	buf_fini(&framed);
	buf_fini(&ack);
}

/* The message is over: answers it and goes on with what has come behind it. */
static void finish(struct client *c)
{
	struct receiver *r = c->receiver;
	bool is_taken = !strcmp(c->code, "AA");
	r->accepted += is_taken;
	r->refused += !is_taken;
	log_event(is_taken ? LOG_INFO : LOG_WARN, "message", "from", c->stream ? stream_address(c->stream) : "", "type", c->name, "answer", c->code,
	          "code", c->fault.code ? log_num(c->fault.code).s : NULL, "segment", c->fault.segment[0] ? c->fault.segment : NULL,
	          "field", c->fault.field ? log_num(c->fault.field).s : NULL, NULL);
	c->is_busy = false;
	if (!c->stream) {
		client_free(c);
		return;
	}
	write_ack(c);
	mllp_take(&c->in);
	if (!r->listener)
		stream_end(c->stream);
	else
		next_message(c);
}

/* ---- the router ---- */

static enum err ask_router(struct client *c, json_t *body, void (*done)(void *arg, enum err e, const json_t *answer, const struct why *why))
{
	char path[sizeof(c->receiver->conf->dir) + 32];
	snprintf(path, sizeof(path), "%s/run/router.sock", c->receiver->conf->dir);
	return body ? ctl_call_async(c->receiver->loop, path, body, ROUTER_MS, done, c) : ERR_NOMEM;
}

static void quarantined(void *arg, enum err e, const json_t *answer, const struct why *why)
{
	struct client *c = arg;
	(void)answer;
	if (e)
		log_event(LOG_ERROR, "not_quarantined", "type", c->name, "error", err_name(e), "why", why ? why->text : NULL, NULL);
	finish(c);
}

static void to_quarantine(struct client *c)
{
	const struct hl7_segment *msh = c->is_parsed ? hl7_find(&c->message, "MSH", 0) : NULL;
	struct buf hex;
	buf_init(&hex, 2 * BOUND_HL7_MESSAGE);
	hex_write(c->raw, &hex);
	json_t *body = json_pack("{s:s,s:s,s:s,s:s,s:s,s:s}", "op", "order.quarantine", "from", stream_address(c->stream), "type", c->name,
	                         "control", msh ? hl7_get(&c->message, msh, 10, 0, 1, 1) : "", "reason", c->why.text, "raw", buf_cstr(&hex));
	buf_fini(&hex);
	enum err e = ask_router(c, body, quarantined);
	if (e)
		quarantined(c, e, NULL, NULL);
}

static void refuse(struct client *c, const char *code, unsigned hl7_code)
{
	c->code = code;
	if (!c->fault.code)
		c->fault.code = hl7_code;
	if (c->stream)
		to_quarantine(c);
	else
		finish(c);
}

static void refuse_for_now(struct client *c)
{
	c->code = "AR";
	c->fault = (struct hl7_fault){ .code = HL7_INTERNAL };
	fail(&c->why, ERR_BUSY, "the node cannot take it now; send it again later");
	finish(c);
}

/* What the content itself forbids comes back the same each time. */
static bool is_final(enum err e)
{
	return e == ERR_FORMAT || e == ERR_LIMIT || e == ERR_CONFLICT || e == ERR_NOT_FOUND || e == ERR_UNSUPPORTED || e == ERR_MISMATCH || e == ERR_USAGE;
}

static void applied(void *arg, enum err e, const json_t *answer, const struct why *why)
{
	struct client *c = arg;
	(void)answer;
	if (!e) {
		c->code = "AA";
		finish(c);
	} else if (is_final(e)) {
		c->why = *why;
		refuse(c, "AE", e == ERR_NOT_FOUND || e == ERR_CONFLICT ? HL7_UNKNOWN_KEY : HL7_TYPE);
	} else {
		log_event(LOG_ERROR, "router_failed", "error", err_name(e), "why", why ? why->text : NULL, NULL);
		refuse_for_now(c);
	}
}

/* ---- one message ---- */

static enum err read_message(struct client *c, json_t *changes)
{
	struct buf utf8;
	buf_init(&utf8, 3 * BOUND_HL7_MESSAGE);
	enum err e = hl7_decode(c->raw, c->receiver->conf->hl7_charset, &utf8, c->term);
	if (!e)
		e = hl7_parse(&c->arena, buf_view(&utf8), &c->message, &c->why);
	c->is_parsed = !e;
	buf_fini(&utf8);
	if (e)
		return e;
	hl7_event_name(&c->message, c->name);
	return hl7_changes(&c->message, changes, &c->fault, &c->why);
}

static void begin(struct client *c)
{
	json_t *changes = json_array();
	char source[80];
	arena_release(&c->arena, (struct arena_mark){ 0 });
	c->is_busy = true;
	c->is_parsed = false;
	c->fault = (struct hl7_fault){ 0 };
	c->why.text[0] = c->term[0] = '\0';
	snprintf(c->name, sizeof(c->name), "unknown");
	c->receiver->count++;
	stream_pause(c->stream);
	enum err e = changes ? read_message(c, changes) : ERR_NOMEM;
	if (e) {
		json_decref(changes);
		if (is_final(e))
			refuse(c, e == ERR_UNSUPPORTED && c->fault.code != HL7_VALUE ? "AR" : "AE", HL7_SEQUENCE);
		else
			refuse_for_now(c);
		return;
	}
	snprintf(source, sizeof(source), "hl7 %.59s", stream_address(c->stream));
	const char *control = hl7_get(&c->message, hl7_find(&c->message, "MSH", 0), 10, 0, 1, 1);
	char label[120];
	snprintf(label, sizeof(label), "%s %.64s", c->name, control);
	e = ask_router(c, json_pack("{s:s,s:s,s:s,s:o}", "op", "order.apply", "source", source, "message", label, "changes", changes), applied);
	if (e)
		applied(c, e, NULL, NULL);
}

/* An answer may come inside begin(): a loop, so that many messages at once cost no stack. */
static void next_message(struct client *c)
{
	if (c->is_stepping)
		return;
	c->is_stepping = true;
	while (!c->is_busy && !mllp_peek(&c->in, &c->raw))
		begin(c);
	c->is_stepping = false;
	if (!c->is_busy)
		stream_resume(c->stream);
}

/* ---- connections ---- */

static void on_data(void *user, struct stream *s, struct bytes data)
{
	struct client *c = user;
	if (mllp_feed(&c->in, data)) {
		log_event(LOG_WARN, "message_too_long", "from", stream_address(s), "limit", log_num(BOUND_HL7_MESSAGE).s, NULL);
		stream_end(s);
	} else {
		next_message(c);
	}
}

static void on_closed(void *user, struct stream *s)
{
	struct client *c = user;
	(void)s;
	c->stream = NULL;
	if (!c->is_busy)
		client_free(c);
}

static bool may_send(const struct conf *conf, const char *address)
{
	char one[64];
	const char *at = conf->hl7_from;
	if (!*at)
		return true;
	while (*at) {
		size_t n = strcspn(at, ", ");
		snprintf(one, sizeof(one), "%.*s", (int)(n < sizeof(one) ? n : sizeof(one) - 1), at);
		if (n && match_wildcard(one, address))
			return true;
		at += n + strspn(at + n, ", ");
	}
	return false;
}

static void *on_accept(void *arg, struct stream *s)
{
	struct receiver *r = arg;
	bool is_allowed = may_send(r->conf, stream_address(s));
	struct client *c = is_allowed && r->clients < BOUND_HL7_CLIENTS ? calloc(1, sizeof(*c)) : NULL;
	if (!c) {
		log_event(LOG_WARN, "sender_refused", "from", stream_address(s), "why", is_allowed ? "too many connections" : "not in hl7_from", NULL);
		return NULL;
	}
	c->receiver = r;
	c->stream = s;
	mllp_init(&c->in);
	arena_init(&c->arena, ARENA);
	LIST_INSERT_HEAD(&r->all, c, link);
	r->clients++;
	return c;
}

enum err receiver_start(struct receiver *r, int fd, struct why *why)
{
	static const struct stream_handlers h = { .on_accept = on_accept, .on_data = on_data, .on_closed = on_closed };
	return stream_listen(r->loop, fd, &h, r, IDLE_MS, &r->listener, why);
}

void receiver_stop(struct receiver *r)
{
	struct client *c;
	stream_listener_close(&r->listener);
	LIST_FOREACH(c, &r->all, link)
		if (!c->is_busy && c->stream)
			stream_end(c->stream);
}
