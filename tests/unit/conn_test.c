/* Connections over loopback: two of ours, one of ours and DCMTK's, and peers that misbehave. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pacs/base/clock.h"
#include "pacs/net/conn.h"
#include "tests/lib/t.h"

enum { DEADLINE_MS = 20000, MB = 1 << 20 };

struct side {
	struct conn *conn;
	unsigned opens, commands, closes;
	size_t got, sent, to_send;
	bool data_done;
	struct dimse last;
	enum conn_end how;
	uint8_t rj_reason;
	char detail[320];
};

/* One world for each test: a listener whose connections all share `scp`, and a deadline. */
static struct world {
	struct loop *loop;
	struct listener *listener;
	struct loop_timer *deadline;
	unsigned port, open_conns, most_conns;
	struct side scp, scu;
	bool reject, slow, checks;       /* checks: every byte that comes is what content() says */
	int file;
	size_t asked;                    /* pieces of it that did not fit */
	unsigned answers;                /* after which the requestor releases */
	bool timed_out;
	unsigned stop_after_closes;      /* of scp */
	unsigned owed, looks;            /* looks at the peer's silence during which the acceptor owes an answer: to come, been */
} w;

static void finish_world(void)
{
	if (w.listener)
		listener_close(&w.listener);
	loop_timer_free(&w.deadline);
}

static void on_deadline(void *arg)
{
	(void)arg;
	w.timed_out = true;
	if (w.scu.conn)
		conn_abort(w.scu.conn, "test deadline");
	if (w.scp.conn)
		conn_abort(w.scp.conn, "test deadline");
	finish_world();
}

static const struct ts *pick(void *arg, const struct negotiate_context *pc, uint8_t *result, bool *as_scu)
{
	(void)arg;
	(void)result;
	*as_scu = true;
	return ts_find(pc->ts[0]);
}

static void scp_request(void *user, struct conn *c, struct arena *a, const struct assoc_request *rq, struct assoc_answer *ans)
{
	struct negotiate_policy p = { .pick = pick, .max_ops = 4 };
	(void)user;
	(void)c;
	CHECK_INT(negotiate_decide(a, rq, &p, ans), ERR_OK);
	if (w.reject) {
		ans->accept = false;
		ans->rj_result = 1;
		ans->rj_source = 1;
		ans->rj_reason = 3;
	}
}

static void scp_open(void *user, struct conn *c)
{
	(void)user;
	w.scp.conn = c;
	w.scp.opens++;
}

static void resume_later(void *arg)
{
	if (w.scp.conn == arg)
		conn_resume(arg);
}

static void scp_command(void *user, struct conn *c, uint8_t ctx, const struct dimse *cmd)
{
	(void)user;
	w.scp.commands++;
	w.scp.last = *cmd;
	w.scp.data_done = false;
	if (cmd->field == DIMSE_C_ECHO_RQ) {
		struct dimse rsp = dimse_response(cmd, 0);
		CHECK_INT(conn_send(c, ctx, &rsp, (struct bytes){ 0 }), ERR_OK);
	}
}

static uint8_t content(size_t i)
{
	return (uint8_t)(i * 11 + (i >> 8) + (i >> 17));
}

static bool is_content(struct bytes piece, size_t at)
{
	for (size_t i = 0; i < piece.len; i++)
		if (piece.p[i] != content(at + i))
			return false;
	return true;
}

static void scp_data(void *user, struct conn *c, uint8_t ctx, struct bytes piece, bool is_last)
{
	(void)user;
	if (w.checks && !is_content(piece, w.scp.got)) {
		w.checks = false;
		T_FAIL("%s", "a byte that was not sent");
	}
	w.scp.got += piece.len;
	if (w.slow && !is_last) {        /* back-pressure: stop reading, go on in a later turn of the loop */
		conn_pause(c);
		CHECK_INT(loop_post(w.loop, resume_later, c), ERR_OK);
	}
	if (is_last) {
		struct dimse rsp = dimse_response(&w.scp.last, 0);
		w.scp.data_done = true;
		CHECK_INT(conn_send(c, ctx, &rsp, (struct bytes){ 0 }), ERR_OK);
	}
}

static void closed(struct side *s, enum conn_end how, const char *detail, uint8_t reason)
{
	s->closes++;
	s->how = how;
	s->rj_reason = reason;
	s->conn = NULL;
	snprintf(s->detail, sizeof(s->detail), "%s", detail ? detail : "");
}

static void scp_closed(void *user, struct conn *c, enum conn_end how, const char *detail, uint8_t result, uint8_t source, uint8_t reason)
{
	(void)user;
	(void)c;
	(void)result;
	(void)source;
	closed(&w.scp, how, detail, reason);
	w.open_conns--;
	if (w.stop_after_closes && w.scp.closes == w.stop_after_closes)
		finish_world();
}

static void *scp_accept(void *arg, struct conn *c)
{
	(void)arg;
	(void)c;
	if (++w.open_conns > w.most_conns)
		w.most_conns = w.open_conns;
	return &w;
}

/* An answer that is long in coming: so often it is asked for. */
static bool scp_owes(void *user, struct conn *c)
{
	(void)user;
	(void)c;
	w.looks += w.owed > 0;
	return w.owed && w.owed--;
}

static const struct listener_handlers handlers = { scp_accept, { scp_request, scp_open, scp_command, scp_data, NULL, scp_owes, scp_closed } };

static void begin(unsigned closes, const struct conn_timeouts *t)
{
	struct why why = { "" };
	int fd = -1;
	memset(&w, 0, sizeof(w));
	w.stop_after_closes = closes;
	w.answers = 2;
	CHECK_INT(loop_new(&w.loop), ERR_OK);
	CHECK_OK(listener_bind("127.0.0.1", &w.port, &fd, &why), why);
	CHECK(w.port != 0);
	CHECK_OK(listener_open(w.loop, fd, &handlers, NULL, t, &w.listener, &why), why);
	CHECK_INT(loop_timer_new(w.loop, on_deadline, NULL, &w.deadline), ERR_OK);
	loop_timer_start(w.deadline, DEADLINE_MS, 0);
}

static void run(void)
{
	loop_run(w.loop);
	loop_free(&w.loop);
	CHECK(!w.timed_out);
}

/* ---- our requestor ---- */

static const char *ts_list[] = { TS_IMPLICIT_LE };
static struct negotiate_context contexts[] = { { 1, UID_VERIFICATION, ts_list, 1 }, { 3, "1.2.840.10008.5.1.4.1.1.7", ts_list, 1 },
                                                { 5, "1.2.840.10008.5.1.4.1.1.2", ts_list, 1 } };

static struct assoc_request request(void)
{
	return (struct assoc_request){ .called = "SCP", .calling = "SCU", .contexts = contexts, .context_count = NELEM(contexts), .max_pdu = 65536, .has_async = true };
}

static void pump_data(struct conn *c)
{
	static uint8_t block[65536];
	while (w.scu.sent < w.scu.to_send && !conn_is_full(c)) {
		size_t n = w.scu.to_send - w.scu.sent < sizeof(block) ? w.scu.to_send - w.scu.sent : sizeof(block);
		w.scu.sent += n;
		CHECK_INT(conn_send_piece(c, bytes_of(block, n), w.scu.sent == w.scu.to_send), ERR_OK);
	}
}

static void scu_open_store(void *user, struct conn *c)
{
	struct dimse echo = { .field = DIMSE_C_ECHO_RQ, .message_id = 77 };
	struct dimse rq = { .field = DIMSE_C_STORE_RQ, .message_id = conn_next_message_id(c) };
	(void)user;
	CHECK_INT(conn_max_invoked(c), 4);
	CHECK_INT(conn_find_context(c, contexts[1].abstract_syntax, TS_IMPLICIT_LE)->id, 3);
	CHECK_INT(conn_send_begin(c, 3, &rq), ERR_OK);
	CHECK_INT(conn_send(c, 1, &echo, (struct bytes){ 0 }), ERR_OK);  /* waits for the end of the stream */
	pump_data(c);
}

static void scu_writable(void *user, struct conn *c)
{
	(void)user;
	pump_data(c);
}

static void scu_command(void *user, struct conn *c, uint8_t ctx, const struct dimse *cmd)
{
	(void)user;
	(void)ctx;
	w.scu.commands++;
	w.scu.last = *cmd;
	if (w.scu.commands == w.answers)
		conn_release(c);
}

static void scu_closed(void *user, struct conn *c, enum conn_end how, const char *detail, uint8_t result, uint8_t source, uint8_t reason)
{
	(void)user;
	(void)c;
	(void)result;
	(void)source;
	closed(&w.scu, how, detail, reason);
}

static void connect_with(void (*open)(void *, struct conn *), const struct conn_timeouts *t, const char *host, unsigned port)
{
	struct conn_handlers h = { .on_open = open, .on_command = scu_command, .on_writable = scu_writable, .on_closed = scu_closed };
	struct assoc_request rq = request();
	struct why why = { "" };
	CHECK_OK(conn_connect(w.loop, host, port, &rq, &h, NULL, t, &w.scu.conn, &why), why);
}

TEST(store, "20 MB stream through with back-pressure on both sides, and what was sent meanwhile comes after")
{
	begin(1, NULL);
	w.slow = true;
	w.scu.to_send = 20 * MB + 1;
	connect_with(scu_open_store, NULL, "localhost", w.port);
	run();
	CHECK_INT(w.scp.got, 20 * MB + 1);
	CHECK_INT(w.scp.last.field, DIMSE_C_ECHO_RQ);
	CHECK_INT(w.scu.commands, 2);
	CHECK_INT(w.scu.how, CONN_RELEASED);
	CHECK_INT(w.scp.how, CONN_RELEASED);
	CHECK_INT(w.scu.closes, 1);
}

/* ---- pieces of a file ---- */

enum { FILE_HEAD = 1001 };       /* what stands in the file before the data set: nothing is aligned */

static void make_file(size_t len)
{
	w.file = memfd_create("conn_test", MFD_CLOEXEC);
	CHECK(w.file >= 0 && !ftruncate(w.file, (off_t)(FILE_HEAD + len)));
	uint8_t *p = mmap(NULL, FILE_HEAD + len, PROT_READ | PROT_WRITE, MAP_SHARED, w.file, 0);
	CHECK(p != MAP_FAILED);
	for (size_t i = 0; i < len; i++)
		p[FILE_HEAD + i] = content(i);
	munmap(p, FILE_HEAD + len);
}

/* Another message, of another context, while the last piece of the file may still wait. */
static void send_next(struct conn *c)
{
	struct dimse rq = { .field = DIMSE_C_STORE_RQ, .message_id = conn_next_message_id(c) };
	uint8_t piece[10];
	for (size_t i = 0; i < sizeof(piece); i++)
		piece[i] = content(w.scu.to_send + i);
	CHECK_INT(conn_send_begin(c, 5, &rq), ERR_OK);
	CHECK_INT(conn_send_piece(c, bytes_of(piece, sizeof(piece)), true), ERR_OK);
}

static void pump_file(struct conn *c)
{
	while (w.scu.sent < w.scu.to_send && !conn_is_full(c)) {
		size_t n = w.scu.to_send - w.scu.sent < 200000 ? w.scu.to_send - w.scu.sent : 200000;
		if (!conn_has_file_room(c)) {
			w.asked++;
			return;
		}
		w.scu.sent += n;
		CHECK_INT(conn_send_file(c, w.file, FILE_HEAD + w.scu.sent - n, n, w.scu.sent == w.scu.to_send), ERR_OK);
		if (w.scu.sent == w.scu.to_send)
			send_next(c);
	}
}

static void scu_open_file(void *user, struct conn *c)
{
	struct dimse echo = { .field = DIMSE_C_ECHO_RQ, .message_id = 77 };
	struct dimse rq = { .field = DIMSE_C_STORE_RQ, .message_id = conn_next_message_id(c) };
	(void)user;
	CHECK(conn_takes_files(c));
	CHECK_INT(conn_send_begin(c, 3, &rq), ERR_OK);
	CHECK_INT(conn_send(c, 1, &echo, (struct bytes){ 0 }), ERR_OK);
	pump_file(c);
}

static void scu_writable_file(void *user, struct conn *c)
{
	(void)user;
	pump_file(c);
}

static void send_file(bool slow, size_t len)
{
	struct conn_handlers h = { .on_open = scu_open_file, .on_command = scu_command, .on_writable = scu_writable_file, .on_closed = scu_closed };
	struct assoc_request rq = request();
	struct why why = { "" };
	begin(1, NULL);
	w.slow = slow;
	w.checks = true;
	w.scu.to_send = len;
	make_file(len);
	CHECK_OK(conn_connect(w.loop, "127.0.0.1", w.port, &rq, &h, NULL, NULL, &w.scu.conn, &why), why);
}

TEST(file, "pieces of a file go out byte for byte, to a slow peer too, and what was sent meanwhile comes after")
{
	for (int slow = 0; slow < 2; slow++) {
		send_file(slow, 20 * MB + 1);
		w.answers = 3;
		run();
		close(w.file);
		CHECK(w.checks);
		CHECK_INT(w.scp.got, 20 * MB + 11);
		CHECK(!slow || w.asked);
		CHECK_INT(w.scp.commands, 3);
		CHECK_INT(w.scu.commands, 3);
		CHECK_INT(w.scu.how, CONN_RELEASED);
		CHECK_INT(w.scp.how, CONN_RELEASED);
	}
}

TEST(short_file, "a file that ends before its piece costs the association, and says why")
{
	send_file(false, 20 * MB);
	CHECK(!ftruncate(w.file, 7 * MB));
	run();
	close(w.file);
	CHECK(w.checks && w.scp.got < 7 * MB);
	CHECK_INT(w.scp.how, CONN_LOST);
	CHECK_INT(w.scu.how, CONN_LOST);
	CHECK(strstr(w.scu.detail, "a file could not be read while it was sent"));
}

TEST(rejected, "a rejection is told with its reason")
{
	begin(1, NULL);
	w.reject = true;
	connect_with(NULL, NULL, "127.0.0.1", w.port);
	run();
	CHECK_INT(w.scu.how, CONN_REJECTED);
	CHECK_INT(w.scu.rj_reason, 3);
	CHECK_INT(w.scp.how, CONN_REJECTED);
}

TEST(unreachable, "a port nobody listens on, and a name nobody has, are told as unreachable")
{
	begin(0, NULL);
	int fd = -1;
	unsigned port = 0;
	CHECK_INT(listener_bind("127.0.0.1", &port, &fd, NULL), ERR_OK);
	close(fd);
	connect_with(NULL, NULL, "127.0.0.1", port);
	finish_world();
	run();
	CHECK_INT(w.scu.how, CONN_UNREACHABLE);
	CHECK(strstr(w.scu.detail, "refused") != NULL);
}

TEST(in_use, "a port in use is told as such")
{
	int a = -1, b = -1;
	unsigned port = 0;
	struct why why = { "" };
	CHECK_INT(listener_bind("127.0.0.1", &port, &a, NULL), ERR_OK);
	CHECK_INT(listener_bind("127.0.0.1", &port, &b, &why), ERR_EXISTS);
	CHECK(strstr(why.text, "in use") != NULL);
	close(a);
}

TEST(idle, "an association that says nothing is ended after the idle time")
{
	struct conn_timeouts t = { .idle_ms = 50 };
	begin(1, &t);
	connect_with(NULL, NULL, "127.0.0.1", w.port);
	run();
	CHECK_INT(w.scp.how, CONN_ABORTED_BY_US);
	CHECK(strstr(w.scp.detail, "silent") != NULL);
	CHECK_INT(w.scu.how, CONN_ABORTED);
}

TEST(owing, "who waits for our answer may be silent longer than that, and no longer than that afterwards")
{
	struct conn_timeouts t = { .idle_ms = 30 };
	begin(1, &t);
	w.owed = 5;
	connect_with(NULL, NULL, "127.0.0.1", w.port);
	run();
	CHECK_INT(w.looks, 5);
	CHECK_INT(w.scp.how, CONN_ABORTED_BY_US);
	CHECK(strstr(w.scp.detail, "silent") != NULL);
}

/* ---- raw peers ---- */

static int raw_connect(void)
{
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_port = htons((uint16_t)w.port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	CHECK_INT(connect(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	return fd;
}

TEST(silence, "a connection that sends no request is closed by ARTIM")
{
	struct conn_timeouts t = { .artim_ms = 50 };
	begin(1, &t);
	int fd = raw_connect();
	run();
	char c;
	CHECK_INT(read(fd, &c, 1), 0);
	CHECK_INT(w.scp.closes, 1);
	close(fd);
}

static struct buf late_request;
static struct loop_timer *busy;

/* The loop is kept busy beyond ARTIM, while it looks at sockets; the request comes meanwhile. */
static void be_busy(void *arg)
{
	uint64_t until = clock_mono_ns() + 120 * 1000000ull;
	const int *fd = arg;
	while (clock_mono_ns() < until)
		;
	CHECK_INT(write(*fd, late_request.p, late_request.len), late_request.len);
}

static void start_busy(void *arg)
{
	loop_timer_free(&busy);
	CHECK_INT(loop_post(w.loop, be_busy, arg), ERR_OK);
}

TEST(unread, "a request that came in time is read in time, however long the loop was busy")
{
	struct conn_timeouts t = { .artim_ms = 60, .idle_ms = 60 };
	struct assoc_request rq = request();
	begin(1, &t);
	buf_init(&late_request, 65536);
	CHECK_INT(negotiate_build_rq(&rq, &late_request), ERR_OK);
	int fd = raw_connect();
	CHECK_INT(loop_timer_new(w.loop, start_busy, &fd, &busy), ERR_OK);
	loop_timer_start(busy, 20, 0);
	run();
	CHECK_INT(w.scp.opens, 1);
	CHECK(strstr(w.scp.detail, "silent") != NULL);
	buf_fini(&late_request);
	close(fd);
}

TEST(midway, "a peer that closes in the middle of a PDU is lost, not released")
{
	begin(1, NULL);
	int fd = raw_connect();
	CHECK_INT(write(fd, "\1\0\0\0\1\0abc", 9), 9);
	close(fd);
	run();
	CHECK_INT(w.scp.how, CONN_LOST);
}

/* ---- many ---- */

enum { MANY = 1100 };
/* What they may take together; sanitizers keep freed memory and shadows. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { MANY_KB = 512 * 1024 };
#else
enum { MANY_KB = 24 * 1024 };
#endif

TEST(many, "1,100 associations are open at once in little memory")
{
	struct rlimit r;
	struct rusage before, after;
	struct buf b;
	struct assoc_request rq = request();
	getrlimit(RLIMIT_NOFILE, &r);
	r.rlim_cur = r.rlim_max;
	setrlimit(RLIMIT_NOFILE, &r);
	begin(MANY, NULL);
	buf_init(&b, 65536);
	CHECK_INT(negotiate_build_rq(&rq, &b), ERR_OK);
	getrusage(RUSAGE_SELF, &before);
	pid_t child = fork();
	if (child == 0) {
		static int fds[MANY];
		uint8_t head[6], body[4096];
		unsigned ok = 0;
		for (int i = 0; i < MANY; i++) {
			fds[i] = raw_connect();
			if (write(fds[i], b.p, b.len) == (ssize_t)b.len && recv(fds[i], head, 6, MSG_WAITALL) == 6 && head[0] == 2 &&
			    recv(fds[i], body, be32(head + 2), MSG_WAITALL) > 0)
				ok++;
		}
		_exit(ok == MANY ? 0 : 1);       /* closes all */
	}
	run();
	int status = 0;
	CHECK_INT(child, waitpid(child, &status, 0));
	CHECK_INT(status, 0);
	CHECK_INT(w.most_conns, MANY);
	CHECK_INT(w.scp.opens, MANY);
	getrusage(RUSAGE_SELF, &after);
	CHECK(after.ru_maxrss - before.ru_maxrss < MANY_KB);
	buf_fini(&b);
}

/* ---- DCMTK ---- */

static int echo_status;

static void run_echoscu(void *arg)
{
	char cmd[128];
	(void)arg;
	snprintf(cmd, sizeof(cmd), "echoscu -aec SCP -aet DCMTK 127.0.0.1 %u >/dev/null 2>&1", w.port);
	echo_status = system(cmd);
}

TEST(dcmtk, "DCMTK's echoscu is answered")
{
	begin(1, NULL);
	CHECK_INT(loop_work(w.loop, run_echoscu, NULL, NULL), ERR_OK);
	run();
	CHECK_INT(echo_status, 0);
	CHECK_INT(w.scp.commands, 1);
	CHECK_INT(w.scp.how, CONN_RELEASED);
}

int main(void)
{
	RUN(store);
	RUN(file);
	RUN(short_file);
	RUN(rejected);
	RUN(unreachable);
	RUN(in_use);
	RUN(idle);
	RUN(owing);
	RUN(silence);
	RUN(unread);
	RUN(midway);
	RUN(many);
	RUN(dcmtk);
	return t_done();
}
