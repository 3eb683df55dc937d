/* send_stage - a loop, a connection and a transcoder that only do what the test of the sender tells them. They take the names of
 * the real ones, so one file of a program includes this. */
#ifndef TESTS_LIB_SEND_STAGE_H
#define TESTS_LIB_SEND_STAGE_H

#include "pacs/send/send.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "pacs/base/durable.h"
#include "pacs/store/object.h"
#include "tests/lib/t.h"

struct call { void (*work)(void *arg), (*done)(void *arg); void *arg; };
struct loop { struct call calls[256]; unsigned first, count; };
struct loop_timer { void (*fn)(void *arg); void *arg; uint64_t after_ms; bool is_started; };
struct message { struct dimse cmd; uint8_t context_id; struct buf data; bool is_whole; };
struct conn {
	struct assoc_context contexts[8];
	unsigned context_count, window, message_count, aborted, room;    /* room: pieces until full */
	uint16_t next_id;
	bool is_closed;
	bool takes_files, is_writing, has_odd;   /* has_odd: the first piece of a file is refused */
	unsigned files;
	struct message messages[16];
};
struct xcode { const struct ts *to; unsigned level, jobs; enum err err; const char *sop_instance; };

static struct loop loop;
static struct conn conn;
static struct xcode xcode;
static struct loop_timer *timer;
static char dir[] = "/tmp/send_test.XXXXXX";
static struct why why;

enum err loop_post(struct loop *l, void (*fn)(void *arg), void *arg)
{
	return loop_work(l, NULL, fn, arg);
}

enum err loop_work(struct loop *l, void (*work)(void *arg), void (*done)(void *arg), void *arg)
{
	l->calls[(l->first + l->count++) % NELEM(l->calls)] = (struct call){ work, done, arg };
	return ERR_OK;
}

enum err loop_timer_new(struct loop *l, void (*fn)(void *arg), void *arg, struct loop_timer **out)
{
	(void)l;
	*out = timer = calloc(1, sizeof(*timer));
	timer->fn = fn;
	timer->arg = arg;
	return ERR_OK;
}

void loop_timer_start(struct loop_timer *t, uint64_t after_ms, uint64_t repeat_ms)
{
	(void)repeat_ms;
	t->after_ms = after_ms;
	t->is_started = true;
}

void loop_timer_stop(struct loop_timer *t)
{
	t->is_started = false;
}

void loop_timer_free(struct loop_timer **t)
{
	free(*t);
	*t = timer = NULL;
}

static inline void run_one(void)
{
	struct call c = loop.calls[loop.first];
	loop.first = (loop.first + 1) % NELEM(loop.calls);
	loop.count--;
	if (c.work)
		c.work(c.arg);
	c.done(c.arg);
}

static inline void run_loop(void)
{
	while (loop.count)
		run_one();
}

bool conn_is_open(const struct conn *c) { return !c->is_closed; }
bool conn_is_full(const struct conn *c) { return !c->room; }
unsigned conn_max_invoked(const struct conn *c) { return c->window; }
uint16_t conn_next_message_id(struct conn *c) { return ++c->next_id; }

void conn_abort(struct conn *c, const char *because)
{
	(void)because;
	c->aborted++;
}

const struct assoc_context *conn_find_context(const struct conn *c, const char *abstract_syntax, const char *ts)
{
	for (unsigned i = 0; i < c->context_count; i++)
		if (!strcmp(c->contexts[i].abstract_syntax.s, abstract_syntax) && (!ts || !strcmp(c->contexts[i].ts->uid, ts)))
			return &c->contexts[i];
	return NULL;
}

enum err conn_send_begin(struct conn *c, uint8_t context_id, const struct dimse *cmd)
{
	struct message *m = &c->messages[c->message_count];
	if (c->is_closed)
		return ERR_CLOSED;
	CHECK(!c->message_count || c->messages[c->message_count - 1].is_whole);
	c->message_count++;
	*m = (struct message){ .cmd = *cmd, .context_id = context_id };
	buf_init(&m->data, 64 << 20);
	return ERR_OK;
}

enum err conn_send_piece(struct conn *c, struct bytes piece, bool is_last)
{
	struct message *m = &c->messages[c->message_count - 1];
	if (c->is_closed)
		return ERR_CLOSED;
	CHECK(!m->is_whole && c->room);
	c->room--;
	buf_add(&m->data, piece.p, piece.len);
	m->is_whole = is_last;
	return ERR_OK;
}

bool conn_takes_files(const struct conn *c) { return c->takes_files; }
bool conn_has_file_room(struct conn *c) { return !c->is_writing; }
void conn_cork(struct conn *c) { (void)c; }
void conn_uncork(struct conn *c) { (void)c; }

enum err conn_send_file(struct conn *c, int fd, uint64_t at, size_t len, bool is_last)
{
	static uint8_t piece[SEND_FILE_CHUNK];
	CHECK(c->takes_files && !c->is_writing && len <= sizeof(piece));
	if (c->has_odd) {
		c->has_odd = false;
		return ERR_UNSUPPORTED;
	}
	CHECK_INT(pread(fd, piece, len, (off_t)at), len);
	c->files++;
	return conn_send_piece(c, bytes_of(piece, len), is_last);
}

/* The output: a head of 10 bytes, then the target's UID as data set. */
enum err xcode_submit_level(struct xcode *x, int in_fd, int out_fd, const struct ts *to, unsigned level, void (*done)(void *arg, const struct xcode_result *r), void *arg)
{
	x->level = level;
	struct xcode_result r = { .err = x->err, .why = { "cannot" }, .dataset_at = 10, .size = 10 + strlen(to->uid) };
	if (x->sop_instance)
		CHECK_INT(uid_take(&r.sop_instance, bytes_str(x->sop_instance)), ERR_OK);
	CHECK(in_fd >= 0);
	x->jobs++;
	x->to = to;
	CHECK_INT(write(out_fd, "0123456789", 10), 10);
	CHECK_INT(write(out_fd, to->uid, strlen(to->uid)), strlen(to->uid));
	done(arg, &r);
	return ERR_OK;
}

/* ---- helpers ---- */
#define US "1.2.840.10008.5.1.4.1.1.6.1"
#define DX "1.2.840.10008.5.1.4.1.1.1.1"

static struct send_result results[16];
static unsigned result_count;
static struct sender *sender;

static inline void on_done(void *arg, const struct send_result *r)
{
	(void)arg;
	results[result_count++] = *r;
}

static inline void fresh(unsigned window, unsigned (*wait_ms)(void *arg, size_t bytes))
{
	const struct send_options o = { .dir = dir, .xcode = &xcode, .wait_ms = wait_ms };
	sender_free(&sender);
	run_loop();
	for (unsigned i = 0; i < conn.message_count; i++)
		buf_fini(&conn.messages[i].data);
	conn = (struct conn){ .window = window, .room = 1000 };
	xcode = (struct xcode){ 0 };
	result_count = 0;
	CHECK_INT(sender_new(&loop, &conn, &o, &sender), 0);
}

static inline void accept_context(const char *sop_class, const char *ts)
{
	struct assoc_context *c = &conn.contexts[conn.context_count];
	c->id = (uint8_t)(2 * conn.context_count++ + 1);
	c->ts = ts_find(ts);
	snprintf(c->abstract_syntax.s, sizeof(c->abstract_syntax.s), "%s", sop_class);
}

static inline uint8_t content(size_t i)
{
	return (uint8_t)(i * 7 + (i >> 10));
}

static inline struct send_object object(uint64_t oid, size_t size, const char *ts)
{
	struct send_object o = { .oid = oid, .size = 100 + size, .dataset_at = 100 };
	struct object_path path = object_path(dir, oid);
	struct buf b;
	snprintf(o.sop_class.s, sizeof(o.sop_class.s), "%s", US);
	snprintf(o.sop_instance.s, sizeof(o.sop_instance.s), "1.2.%d", (int)oid);
	snprintf(o.ts.s, sizeof(o.ts.s), "%s", ts);
	buf_init(&b, 64 << 20);
	memset(buf_extend(&b, 100), 0xEE, 100);
	uint8_t *p = buf_extend(&b, size);
	for (size_t i = 0; i < size; i++)
		p[i] = content(i);
	CHECK_OK(durable_mkdirs(object_bucket(dir, oid).s, &why), why);
	CHECK_OK(durable_replace(path.s, b.p, b.len, 0644, &why), why);
	buf_fini(&b);
	return o;
}

static inline void give(struct send_object o)
{
	CHECK_INT(sender_send(sender, &o, on_done, NULL), 0);
}

static inline void answer(uint16_t message_id, uint16_t status)
{
	struct dimse rsp = { .field = DIMSE_C_STORE_RSP, .message_id = message_id, .status = status };
	CHECK(sender_response(sender, &rsp));
	run_loop();
}

static inline bool is_content(const struct message *m, size_t size)
{
	if (!m->is_whole || m->data.len != size)
		return false;
	for (size_t i = 0; i < size; i++)
		if (m->data.p[i] != content(i))
			return false;
	return true;
}

#endif
