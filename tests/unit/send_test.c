#include "pacs/send/send.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "pacs/base/durable.h"
#include "pacs/store/object.h"
#include "tests/lib/t.h"

/* ---- a loop, a connection and a transcoder that only do what they are told ---- */
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

static void run_one(void)
{
	struct call c = loop.calls[loop.first];
	loop.first = (loop.first + 1) % NELEM(loop.calls);
	loop.count--;
	if (c.work)
		c.work(c.arg);
	c.done(c.arg);
}

static void run_loop(void)
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

static void on_done(void *arg, const struct send_result *r)
{
	(void)arg;
	results[result_count++] = *r;
}

static void fresh(unsigned window, unsigned (*wait_ms)(void *arg, size_t bytes))
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

static void accept_context(const char *sop_class, const char *ts)
{
	struct assoc_context *c = &conn.contexts[conn.context_count];
	c->id = (uint8_t)(2 * conn.context_count++ + 1);
	c->ts = ts_find(ts);
	snprintf(c->abstract_syntax.s, sizeof(c->abstract_syntax.s), "%s", sop_class);
}

static uint8_t content(size_t i)
{
	return (uint8_t)(i * 7 + (i >> 10));
}

static struct send_object object(uint64_t oid, size_t size, const char *ts)
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

static void give(struct send_object o)
{
	CHECK_INT(sender_send(sender, &o, on_done, NULL), 0);
}

static void answer(uint16_t message_id, uint16_t status)
{
	struct dimse rsp = { .field = DIMSE_C_STORE_RSP, .message_id = message_id, .status = status };
	CHECK(sender_response(sender, &rsp));
	run_loop();
}

static bool is_content(const struct message *m, size_t size)
{
	if (!m->is_whole || m->data.len != size)
		return false;
	for (size_t i = 0; i < size; i++)
		if (m->data.p[i] != content(i))
			return false;
	return true;
}

/* ---- tests ---- */
TEST(whole, "the data set goes out whole and as stored, in pieces, and the answer ends it")
{
	size_t size = 3 * SEND_CHUNK + 17;
	fresh(1, NULL);
	accept_context(US, TS_IMPLICIT_LE);
	struct send_object o = object(1, size, TS_IMPLICIT_LE);
	snprintf(o.move_originator, sizeof(o.move_originator), "WS1");
	o.move_originator_id = 7;
	give(o);
	CHECK_INT(conn.message_count, 0);
	run_loop();
	CHECK_INT(conn.message_count, 1);
	CHECK(is_content(&conn.messages[0], size));
	CHECK_STR(conn.messages[0].cmd.sop_instance.s, "1.2.1");
	CHECK_STR(conn.messages[0].cmd.move_originator, "WS1");
	CHECK_INT(conn.messages[0].cmd.move_originator_id, 7);
	CHECK(conn.messages[0].cmd.present & DIMSE_HAS_MOVE_ORIGINATOR);
	CHECK_INT(result_count, 0);
	answer(1, 0);
	CHECK_INT(result_count, 1);
	CHECK_INT(results[0].err, 0);
	CHECK_INT(results[0].bytes, size);
	CHECK_STR(results[0].ts->uid, TS_IMPLICIT_LE);
	CHECK_INT(sender_open_count(sender), 0);
	CHECK_INT(xcode.jobs, 0);
}

TEST(pressure, "a full connection gets nothing until it has room")
{
	fresh(1, NULL);
	accept_context(US, TS_IMPLICIT_LE);
	conn.room = 1;
	give(object(1, 3 * SEND_CHUNK, TS_IMPLICIT_LE));
	run_loop();
	CHECK_INT(conn.messages[0].data.len, SEND_CHUNK);
	conn.room = 1000;
	sender_writable(sender);
	run_loop();
	CHECK(is_content(&conn.messages[0], 3 * SEND_CHUNK));
}

TEST(by_file, "where the connection takes them, large pieces go as pieces of the file, and the small rest as bytes")
{
	size_t size = 3 * SEND_FILE_CHUNK + 17;
	fresh(1, NULL);
	conn.takes_files = conn.is_writing = true;
	accept_context(US, TS_IMPLICIT_LE);
	give(object(1, size, TS_IMPLICIT_LE));
	run_loop();
	CHECK_INT(conn.files, 0);
	CHECK_INT(conn.messages[0].data.len, 0);
	conn.is_writing = false;
	sender_writable(sender);
	run_loop();
	CHECK_INT(conn.files, 3);
	CHECK(is_content(&conn.messages[0], size));
	answer(1, 0);
	CHECK_INT(results[0].bytes, size);
}

TEST(by_bytes, "where a piece of the file is refused it and all behind it go as bytes")
{
	size_t size = 3 * SEND_FILE_CHUNK + 100000;
	fresh(1, NULL);
	conn.takes_files = conn.has_odd = true;
	accept_context(US, TS_IMPLICIT_LE);
	give(object(1, size, TS_IMPLICIT_LE));
	run_loop();
	CHECK_INT(conn.files, 0);
	CHECK(is_content(&conn.messages[0], size));
	answer(1, 0);
	CHECK_INT(results[0].bytes, size);
	give(object(2, size, TS_IMPLICIT_LE));
	run_loop();
	CHECK_INT(conn.files, 4);        /* the next object tries anew, its last piece is large enough too */
	CHECK(is_content(&conn.messages[1], size));
	answer(2, 0);
}

TEST(window, "as many messages are open as the peer's window allows, and answers come in any order")
{
	fresh(2, NULL);
	accept_context(US, TS_IMPLICIT_LE);
	for (unsigned i = 1; i <= 4; i++)
		give(object(i, 10 * i, TS_IMPLICIT_LE));
	run_loop();
	CHECK_INT(conn.message_count, 2);
	answer(2, 0xB000);
	CHECK_INT(conn.message_count, 3);
	CHECK_INT(results[0].status, 0xB000);
	CHECK_INT(results[0].bytes, 20);
	answer(1, 0);
	answer(3, 0);
	answer(4, 0);
	CHECK_INT(result_count, 4);
	CHECK(is_content(&conn.messages[3], 40));
	struct dimse stranger = { .field = DIMSE_C_STORE_RSP, .message_id = 99 };
	CHECK(!sender_response(sender, &stranger));
}

TEST(bound, "no more objects are taken than the window and what is prepared ahead")
{
	fresh(1, NULL);
	accept_context(US, TS_IMPLICIT_LE);
	struct send_object o = object(1, 10, TS_IMPLICIT_LE);
	for (unsigned i = 0; i < 1 + SEND_AHEAD; i++)
		give(o);
	CHECK(!sender_has_room(sender));
	CHECK_INT(sender_send(sender, &o, on_done, NULL), ERR_BUSY);
	run_loop();
	answer(1, 0);
	CHECK(sender_has_room(sender));
}

TEST(transcoded, "a peer without the stored syntax gets it transcoded, and nothing when that fails")
{
	fresh(1, NULL);
	accept_context(US, TS_IMPLICIT_LE);
	accept_context(US, TS_EXPLICIT_LE);
	give(object(1, 500, TS_J2K_LOSSLESS));
	run_loop();
	CHECK_STR(xcode.to->uid, TS_EXPLICIT_LE);
	CHECK_INT(conn.messages[0].context_id, 3);
	CHECK(bytes_equal(buf_view(&conn.messages[0].data), bytes_str(TS_EXPLICIT_LE)));
	answer(1, 0);
	CHECK_STR(results[0].ts->uid, TS_EXPLICIT_LE);
	xcode.err = ERR_TIMEOUT;
	give(object(2, 500, TS_J2K_LOSSLESS));
	run_loop();
	CHECK_INT(results[1].err, ERR_TIMEOUT);
	CHECK_STR(results[1].comment, "cannot");
	CHECK_INT(conn.message_count, 1);
}

TEST(given_up, "of an object that is given up while its file is being opened, a transcoder that may be gone is asked nothing")
{
	fresh(1, NULL);
	accept_context(US, TS_EXPLICIT_LE);
	give(object(1, 500, TS_J2K_LOSSLESS));
	run_one();
	CHECK_INT(loop.count, 1);
	sender_free(&sender);
	CHECK_INT(results[0].err, ERR_CANCELLED);
	run_loop();
	CHECK_INT(result_count, 1);
	CHECK_INT(xcode.jobs, 0);
}

/* A destination that wants images in its own way. */
static void wish_for(const char *name)
{
	struct send_options o = { .dir = dir, .xcode = &xcode };
	CHECK_OK(recipe_parse(name, &o.wish, &why), why);
	sender_free(&sender);
	CHECK_INT(sender_new(&loop, &conn, &o, &sender), 0);
}

TEST(wish, "what a destination wants is sent where it takes it; the rest, and what cannot be made so, goes as it is stored")
{
	fresh(1, NULL);
	accept_context(US, TS_EXPLICIT_LE);
	accept_context(US, TS_HTJ2K_LOSSLESS_RPCL);
	accept_context(US, TS_JPEG_BASELINE);
	wish_for("htj2k");
	give(object(1, 500, TS_EXPLICIT_LE));
	run_loop();
	CHECK_STR(xcode.to->uid, TS_HTJ2K_LOSSLESS_RPCL);
	CHECK_INT(xcode.level, 0);
	CHECK_INT(conn.messages[0].context_id, 3);
	CHECK(bytes_equal(buf_view(&conn.messages[0].data), bytes_str(TS_HTJ2K_LOSSLESS_RPCL)));
	answer(1, 0);
	CHECK_STR(results[0].ts->uid, TS_HTJ2K_LOSSLESS_RPCL);
	give(object(2, 500, TS_JPEG_BASELINE));          /* lossy: stays */
	run_loop();
	CHECK_INT(conn.messages[1].context_id, 5);
	CHECK_INT(xcode.jobs, 1);
	answer(2, 0);
	xcode.err = ERR_UNSUPPORTED;
	give(object(3, 500, TS_EXPLICIT_LE));            /* the codec does not take it */
	run_loop();
	CHECK_INT(xcode.jobs, 2);
	CHECK_INT(conn.messages[2].context_id, 1);
	CHECK_INT(conn.messages[2].data.len, 500);
	answer(3, 0);
	CHECK_STR(results[2].ts->uid, TS_EXPLICIT_LE);
	xcode.err = ERR_MISMATCH;
	give(object(4, 500, TS_EXPLICIT_LE));            /* a codec that lies is not passed over in silence */
	run_loop();
	CHECK_INT(results[3].err, ERR_MISMATCH);
}

TEST(derived, "a lossy wish sends another instance, under its own name")
{
	fresh(1, NULL);
	accept_context(US, TS_EXPLICIT_LE);
	accept_context(US, TS_JPEG_BASELINE);
	wish_for("jpeg:80");
	xcode.sop_instance = "2.25.99";
	give(object(1, 500, TS_EXPLICIT_LE));
	run_loop();
	CHECK_INT(xcode.level, 80);
	CHECK_STR(conn.messages[0].cmd.sop_instance.s, "2.25.99");
	answer(1, 0);
	CHECK_STR(results[0].sop_instance.s, "2.25.99");
}

TEST(no_context, "an object that the peer takes in no context fails alone")
{
	fresh(1, NULL);
	accept_context(DX, TS_IMPLICIT_LE);
	give(object(1, 10, TS_IMPLICIT_LE));
	struct send_object o = object(2, 10, TS_IMPLICIT_LE);
	snprintf(o.sop_class.s, sizeof(o.sop_class.s), "%s", DX);
	give(o);
	CHECK_INT(result_count, 0);
	run_loop();
	CHECK_INT(result_count, 1);
	CHECK_INT(results[0].err, ERR_UNSUPPORTED);
	CHECK(strstr(results[0].comment, "presentation context"));
	CHECK_INT(conn.message_count, 1);
	answer(1, 0);
	CHECK_INT(result_count, 2);
}

TEST(broken_file, "a file that is gone or cut fails its object and no other")
{
	fresh(1, NULL);
	accept_context(US, TS_IMPLICIT_LE);
	struct send_object gone = object(1, 10, TS_IMPLICIT_LE), cut = object(2, 10, TS_IMPLICIT_LE);
	gone.oid = 77;
	cut.size = 5000;
	give(gone);
	give(cut);
	give(object(3, 10, TS_IMPLICIT_LE));
	run_loop();
	CHECK_INT(results[0].err, ERR_NOT_FOUND);
	CHECK_INT(results[1].err, ERR_IO);
	CHECK_INT(conn.message_count, 1);
	CHECK_INT(conn.aborted, 0);
	answer(1, 0);
	CHECK_INT(results[2].err, 0);
}

TEST(cut_within, "a file that ends within its message costs the association, for nothing can follow")
{
	fresh(1, NULL);
	accept_context(US, TS_IMPLICIT_LE);
	conn.room = 1;
	struct send_object o = object(1, 2 * SEND_CHUNK, TS_IMPLICIT_LE);
	give(o);
	run_loop();
	CHECK_INT(truncate(object_path(dir, 1).s, 200), 0);
	conn.room = 1000;
	/* The second chunk is already read; the file is opened again for the next object only. */
	sender_writable(sender);
	run_loop();
	CHECK(conn.messages[0].is_whole);
	give(object(2, 4 * SEND_CHUNK, TS_IMPLICIT_LE));
	conn.room = 1;
	answer(1, 0);
	CHECK_INT(truncate(object_path(dir, 2).s, SEND_CHUNK), 0);
	conn.room = 1000;
	sender_writable(sender);
	run_loop();
	CHECK_INT(conn.aborted, 1);
	CHECK_INT(results[1].err, ERR_IO);
}

TEST(closed, "when the association ends every open object is told so")
{
	fresh(1, NULL);
	accept_context(US, TS_IMPLICIT_LE);
	for (unsigned i = 1; i <= 3; i++)
		give(object(i, 10, TS_IMPLICIT_LE));
	run_loop();
	give(object(4, 10, TS_IMPLICIT_LE));
	conn.is_closed = true;
	sender_closed(sender);
	CHECK_INT(result_count, 4);
	for (unsigned i = 0; i < 4; i++)
		CHECK_INT(results[i].err, ERR_CLOSED);
	run_loop();
	CHECK_INT(result_count, 4);
	CHECK(!sender_has_room(sender));
}

TEST(cancelled, "cancel drops what has not begun and lets the rest end")
{
	fresh(1, NULL);
	accept_context(US, TS_IMPLICIT_LE);
	for (unsigned i = 1; i <= 3; i++)
		give(object(i, 10, TS_IMPLICIT_LE));
	run_loop();
	sender_cancel(sender);
	CHECK_INT(result_count, 2);
	CHECK_INT(results[0].err, ERR_CANCELLED);
	answer(1, 0);
	CHECK_INT(result_count, 3);
	CHECK_INT(results[2].err, 0);
	CHECK_INT(conn.message_count, 1);
}

static void free_inside(void *arg, const struct send_result *r)
{
	on_done(arg, r);
	sender_free(&sender);
}

TEST(freed, "a sender may be freed when an object ends, and within one, which ends the association")
{
	fresh(2, NULL);
	accept_context(US, TS_IMPLICIT_LE);
	struct send_object o = object(1, 10, TS_IMPLICIT_LE);
	CHECK_INT(sender_send(sender, &o, free_inside, NULL), 0);
	give(object(2, 10, TS_IMPLICIT_LE));
	run_loop();
	answer(1, 0);
	CHECK_INT(result_count, 2);
	CHECK_INT(results[1].err, ERR_CANCELLED);
	CHECK_INT(conn.aborted, 0);
	fresh(1, NULL);
	accept_context(US, TS_IMPLICIT_LE);
	conn.room = 1;
	give(object(1, 3 * SEND_CHUNK, TS_IMPLICIT_LE));
	run_loop();
	sender_free(&sender);
	CHECK_INT(conn.aborted, 1);
	CHECK_INT(results[0].err, ERR_CANCELLED);
	run_loop();
}

TEST(early, "a refusal that comes before the last piece waits for the message to end")
{
	fresh(1, NULL);
	accept_context(US, TS_IMPLICIT_LE);
	conn.room = 1;
	give(object(1, 3 * SEND_CHUNK, TS_IMPLICIT_LE));
	run_loop();
	answer(1, 0xA700);
	CHECK_INT(result_count, 0);
	conn.room = 1000;
	sender_writable(sender);
	run_loop();
	CHECK(conn.messages[0].is_whole);
	CHECK_INT(result_count, 1);
	CHECK_INT(results[0].status, 0xA700);
}

static unsigned wait_first_ms;
static unsigned wait_once(void *arg, size_t bytes)
{
	unsigned ms = wait_first_ms;
	(void)arg;
	CHECK(bytes <= SEND_CHUNK);
	wait_first_ms = 0;
	return ms;
}

TEST(slowed, "the byte rate of the caller is kept")
{
	wait_first_ms = 250;
	fresh(1, wait_once);
	accept_context(US, TS_IMPLICIT_LE);
	give(object(1, 10, TS_IMPLICIT_LE));
	run_loop();
	CHECK(timer->is_started);
	CHECK_INT(timer->after_ms, 250);
	CHECK_INT(conn.messages[0].data.len, 0);
	sender_writable(sender);
	CHECK_INT(conn.messages[0].data.len, 0);
	timer->fn(timer->arg);
	run_loop();
	CHECK(is_content(&conn.messages[0], 10));
	/* Its pieces are small, also where files are taken: wait_once() sees to that. */
	conn.takes_files = true;
	answer(1, 0);
	give(object(2, 2 * SEND_FILE_CHUNK, TS_IMPLICIT_LE));
	run_loop();
	CHECK_INT(conn.files, 0);
	CHECK(is_content(&conn.messages[1], 2 * SEND_FILE_CHUNK));
}

/* ---- what to propose ---- */
static void kind(struct send_kind *k, const char *sop_class, const char *ts)
{
	snprintf(k->sop_class.s, sizeof(k->sop_class.s), "%s", sop_class);
	snprintf(k->ts.s, sizeof(k->ts.s), "%s", ts);
}

TEST(contexts, "each stored syntax is offered alone, and each class once in the native ones")
{
	struct send_kind k[4];
	struct arena a;
	struct negotiate_context *pc;
	unsigned n;
	size_t covered;
	arena_init(&a, 1 << 20);
	kind(&k[0], US, TS_J2K_LOSSLESS);
	kind(&k[1], DX, TS_EXPLICIT_LE);
	kind(&k[2], US, TS_IMPLICIT_LE);
	kind(&k[3], US, TS_J2K_LOSSLESS);
	CHECK_INT(send_contexts(&a, k, 4, true, &pc, &n, &covered), 0);
	CHECK_INT(n, 5);
	CHECK_INT(covered, 4);
	CHECK_STR(pc[0].ts[0], TS_J2K_LOSSLESS);
	CHECK_INT(pc[0].ts_count, 1);
	CHECK_STR(pc[1].ts[0], TS_EXPLICIT_LE);
	CHECK_STR(pc[1].ts[1], TS_IMPLICIT_LE);
	CHECK_STR(pc[2].abstract_syntax, DX);
	CHECK_STR(pc[4].ts[0], TS_IMPLICIT_LE);
	CHECK_INT(pc[4].id, 9);
	CHECK_INT(send_contexts(&a, k, 4, false, &pc, &n, &covered), 0);
	CHECK_INT(n, 2);
	CHECK_INT(covered, 4);
	arena_fini(&a);
}

TEST(many_contexts, "what does not fit into 128 contexts is left for another association")
{
	struct send_kind k[100];
	struct arena a;
	struct negotiate_context *pc;
	unsigned n;
	size_t covered;
	arena_init(&a, 1 << 20);
	for (int i = 0; i < 100; i++) {
		char uid[32];
		snprintf(uid, sizeof(uid), "1.2.%d", i);
		kind(&k[i], uid, TS_J2K_LOSSLESS);
	}
	CHECK_INT(send_contexts(&a, k, 100, true, &pc, &n, &covered), 0);
	CHECK_INT(n, 128);
	CHECK_INT(covered, 64);
	CHECK_INT(pc[127].id, 255);
	CHECK_INT(send_contexts(&a, k + covered, 100 - covered, true, &pc, &n, &covered), 0);
	CHECK_INT(covered, 36);
	arena_fini(&a);
}

int main(void)
{
	char path[64], cmd[64];
	if (!mkdtemp(dir))
		return 1;
	snprintf(path, sizeof(path), "%s/spool", dir);
	CHECK_OK(durable_mkdirs(path, &why), why);
	RUN(whole);
	RUN(pressure);
	RUN(by_file);
	RUN(by_bytes);
	RUN(window);
	RUN(bound);
	RUN(transcoded);
	RUN(given_up);
	RUN(wish);
	RUN(derived);
	RUN(no_context);
	RUN(broken_file);
	RUN(cut_within);
	RUN(closed);
	RUN(cancelled);
	RUN(freed);
	RUN(early);
	RUN(slowed);
	RUN(contexts);
	RUN(many_contexts);
	sender_free(&sender);
	for (unsigned i = 0; i < conn.message_count; i++)
		buf_fini(&conn.messages[i].data);
	snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	return system(cmd) ? 1 : t_done();
}
