#include "tests/lib/send_stage.h"

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
