/* Connections with peers that are stuck, slow, too many, or DCMTK's: each peer is a process of its own. */
#include <arpa/inet.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "pacs/net/conn.h"
#include "tests/lib/t.h"

enum { DEADLINE_MS = 20000, MB = 1 << 20 };

static struct world {
	struct loop *loop;
	struct loop_timer *deadline, *again;
	struct listener *listener;
	struct conn *conn;
	unsigned port;
	pid_t peer;
	int peer_status;
	bool timed_out;
	unsigned opens, answers, accepted;
	size_t sent, to_send;
	enum conn_end how;
	char detail[320];
} w;

static void finish(void)
{
	listener_close(&w.listener);
	loop_timer_free(&w.deadline);
	loop_timer_free(&w.again);
}

static void on_deadline(void *arg)
{
	(void)arg;
	w.timed_out = true;
	if (w.conn)
		conn_abort(w.conn, "test deadline");
	if (w.peer)
		kill(w.peer, SIGKILL);
	finish();
}

static void begin(void)
{
	w = (struct world){ .peer = 0 };
	CHECK_INT(loop_new(&w.loop), ERR_OK);
	CHECK_INT(loop_timer_new(w.loop, on_deadline, NULL, &w.deadline), ERR_OK);
	loop_timer_start(w.deadline, DEADLINE_MS, 0);
}

static void run(void)
{
	loop_run(w.loop);
	if (w.peer) {
		kill(w.peer, SIGKILL);
		waitpid(w.peer, NULL, 0);
	}
	loop_free(&w.loop);
	CHECK(!w.timed_out);
}

/* ---- our requestor ---- */

static const char *ts_list[] = { TS_IMPLICIT_LE };
static struct negotiate_context contexts[] = { { 1, UID_VERIFICATION, ts_list, 1 } };
static const struct assoc_request request = { .called = "PEER", .calling = "US", .contexts = contexts, .context_count = 1 };

static void pump(struct conn *c)
{
	static uint8_t block[65536];
	while (w.sent < w.to_send && !conn_is_full(c)) {
		size_t n = w.to_send - w.sent < sizeof(block) ? w.to_send - w.sent : sizeof(block);
		if (conn_send_piece(c, bytes_of(block, n), w.sent + n == w.to_send))
			return;          /* it has ended; on_closed will say how */
		w.sent += n;
	}
}

static void on_open(void *user, struct conn *c)
{
	struct dimse d = { .field = w.to_send ? DIMSE_C_STORE_RQ : DIMSE_C_ECHO_RQ, .message_id = conn_next_message_id(c) };
	(void)user;
	w.opens++;
	snprintf(d.sop_class.s, sizeof(d.sop_class.s), "%s", UID_VERIFICATION);
	if (!w.to_send) {
		CHECK_INT(conn_send(c, 1, &d, (struct bytes){ 0 }), ERR_OK);
		return;
	}
	CHECK_INT(conn_send_begin(c, 1, &d), ERR_OK);
	pump(c);
}

static void on_writable(void *user, struct conn *c)
{
	(void)user;
	pump(c);
}

static void on_command(void *user, struct conn *c, uint8_t id, const struct dimse *cmd)
{
	(void)user;
	(void)id;
	w.answers += cmd->field == DIMSE_C_ECHO_RSP && cmd->status == STATUS_SUCCESS;
	conn_release(c);
}

static void call(const struct conn_timeouts *t);

static void on_again(void *arg)
{
	(void)arg;
	call(NULL);
}

static void on_closed(void *user, struct conn *c, enum conn_end how, const char *detail, uint8_t result, uint8_t source, uint8_t reason)
{
	(void)user;
	(void)c;
	(void)result;
	(void)source;
	(void)reason;
	w.conn = NULL;
	w.how = how;
	snprintf(w.detail, sizeof(w.detail), "%s", detail);
	if (how == CONN_UNREACHABLE && w.again)          /* the peer is still starting */
		loop_timer_start(w.again, 10, 0);
	else
		finish();
}

static void call(const struct conn_timeouts *t)
{
	const struct conn_handlers h = { .on_open = on_open, .on_command = on_command, .on_writable = on_writable, .on_closed = on_closed };
	struct why why = { "" };
	CHECK_OK(conn_connect(w.loop, "127.0.0.1", w.port, &request, &h, NULL, t, &w.conn, &why), why);
}

/* ---- peers that take a data set badly ---- */

static const struct ts *pick(void *arg, const struct negotiate_context *pc, uint8_t *result, bool *as_scu)
{
	(void)arg;
	(void)result;
	(void)as_scu;
	return ts_find(pc->ts[0]);
}

static void make_ac(struct buf *b)
{
	static const struct negotiate_policy p = { .pick = pick };
	struct arena a;
	struct assoc_answer ans;
	arena_init(&a, 1 << 20);
	buf_init(b, 65536);
	CHECK_INT(negotiate_decide(&a, &request, &p, &ans), ERR_OK);
	CHECK_INT(negotiate_build_ac(&request, &ans, b), ERR_OK);
	arena_fini(&a);
}

/* Reads `per_turn` bytes every 5 ms; 0: not at all, until it is killed. */
static void read_slowly(int fd, size_t per_turn)
{
	static uint8_t sink[MB];
	ssize_t n = 1;
	while (n > 0) {
		nanosleep(&(struct timespec){ .tv_nsec = 5000000 }, NULL);
		if (per_turn)
			n = recv(fd, sink, per_turn, MSG_WAITALL);
	}
}

static void start_bad_peer(size_t per_turn)
{
	struct buf ac;
	int fd = -1, small = 16384;
	make_ac(&ac);
	CHECK_INT(listener_bind("127.0.0.1", &w.port, &fd, NULL), ERR_OK);
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	w.peer = fork();
	if (w.peer == 0) {
		uint8_t head[6], body[4096];
		int c = accept(fd, NULL, NULL);
		if (recv(c, head, 6, MSG_WAITALL) != 6 || recv(c, body, be32(head + 2), MSG_WAITALL) <= 0 || write(c, ac.p, ac.len) != (ssize_t)ac.len)
			_exit(1);
		read_slowly(c, per_turn);
		_exit(0);
	}
	close(fd);
	buf_fini(&ac);
}

TEST(stuck, "a peer that stops reading is given up after the stall time")
{
	struct conn_timeouts t = { .stall_ms = 60, .artim_ms = 100 };
	begin();
	w.to_send = 30 * MB;
	start_bad_peer(0);
	call(&t);
	run();
	CHECK_INT(w.how, CONN_ABORTED_BY_US);
	CHECK(strstr(w.detail, "while we were sending") != NULL);
	CHECK(w.sent < w.to_send);
}

/* 16 MB/s: a full queue takes longer than the stall time, several times over. */
TEST(slow, "a peer that reads slowly, but reads, is not given up")
{
	struct conn_timeouts t = { .stall_ms = 80, .idle_ms = 200, .artim_ms = 100 };
	begin();
	w.to_send = 14 * MB;
	start_bad_peer(80 << 10);
	call(&t);
	run();
	CHECK_INT(w.sent, w.to_send);
	CHECK_INT(w.how, CONN_ABORTED_BY_US);    /* by the idle time: it never answers */
	CHECK(strstr(w.detail, "while we were sending") == NULL);
}

/* ---- more callers than descriptors ---- */

static void *on_accept(void *arg, struct conn *c)
{
	(void)arg;
	(void)c;
	w.accepted++;
	return &w;
}

static void on_request(void *user, struct conn *c, struct arena *a, const struct assoc_request *rq, struct assoc_answer *ans)
{
	static const struct negotiate_policy p = { .pick = pick };
	(void)user;
	(void)c;
	CHECK_INT(negotiate_decide(a, rq, &p, ans), ERR_OK);
}

static void ignore_closed(void *user, struct conn *c, enum conn_end how, const char *detail, uint8_t a, uint8_t b, uint8_t d)
{
	(void)user;
	(void)c;
	(void)how;
	(void)detail;
	(void)a;
	(void)b;
	(void)d;
}

static int raw_connect(void)
{
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_port = htons((uint16_t)w.port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	return connect(fd, (struct sockaddr *)&sa, sizeof(sa)) ? -1 : fd;
}

/* True when the association is answered by an A-ASSOCIATE-AC. */
static bool is_answered(int fd, struct bytes rq)
{
	uint8_t type = 0;
	return fd >= 0 && send(fd, rq.p, rq.len, MSG_NOSIGNAL) == (ssize_t)rq.len && recv(fd, &type, 1, 0) == 1 && type == 2;
}

enum { CROWD = 40 };

/* The crowd: some are let in, the others are closed at once; when it has gone, a newcomer is let in. */
static int crowd(struct bytes rq)
{
	int fds[CROWD], in = 0;
	for (int i = 0; i < CROWD; i++) {
		fds[i] = raw_connect();
		in += is_answered(fds[i], rq);
	}
	for (int i = 0; i < CROWD; i++)
		close(fds[i]);
	for (int tries = 0; tries < 1000; tries++) {     /* until the listener has seen them go */
		int fd = raw_connect();
		bool ok = is_answered(fd, rq);
		close(fd);
		if (ok)
			return in > 0 && in < CROWD ? 0 : 1;
	}
	return 2;
}

static void wait_for_peer(void *arg)
{
	(void)arg;
	waitpid(w.peer, &w.peer_status, 0);
	w.peer = 0;
}

static void peer_is_done(void *arg)
{
	(void)arg;
	finish();
}

TEST(crowd, "with no descriptor left callers are turned away, and the listener lives on")
{
	const struct listener_handlers h = { on_accept, { .on_request = on_request, .on_closed = ignore_closed } };
	struct rlimit before, low;
	struct buf rq;
	int fd = -1;
	begin();
	buf_init(&rq, 65536);
	CHECK_INT(negotiate_build_rq(&request, &rq), ERR_OK);
	CHECK_INT(listener_bind("127.0.0.1", &w.port, &fd, NULL), ERR_OK);
	w.peer = fork();
	if (w.peer == 0)
		_exit(crowd(buf_view(&rq)));
	CHECK_INT(listener_open(w.loop, fd, &h, NULL, NULL, &w.listener, NULL), ERR_OK);
	CHECK_INT(loop_work(w.loop, wait_for_peer, peer_is_done, NULL), ERR_OK);
	getrlimit(RLIMIT_NOFILE, &before);
	int top = dup(fd);       /* the lowest that is free */
	close(top);
	low = (struct rlimit){ (rlim_t)top + 5, before.rlim_max };
	setrlimit(RLIMIT_NOFILE, &low);
	run();
	setrlimit(RLIMIT_NOFILE, &before);
	CHECK_INT(w.peer_status, 0);
	CHECK(w.accepted > 0);
	buf_fini(&rq);
}

/* ---- DCMTK ---- */

TEST(dcmtk, "DCMTK's storescp answers our C-ECHO and agrees to our release")
{
	char port[16];
	int fd = -1;
	begin();
	CHECK_INT(listener_bind("127.0.0.1", &w.port, &fd, NULL), ERR_OK);
	close(fd);               /* only to learn a free port */
	snprintf(port, sizeof(port), "%u", w.port);
	w.peer = fork();
	if (w.peer == 0) {
		if (!freopen("/dev/null", "w", stdout) || !freopen("/dev/null", "w", stderr))
			_exit(1);
		execlp("storescp", "storescp", "--ignore", port, (char *)NULL);
		_exit(127);
	}
	CHECK_INT(loop_timer_new(w.loop, on_again, NULL, &w.again), ERR_OK);
	call(NULL);
	run();
	CHECK_INT(w.opens, 1);
	CHECK_INT(w.answers, 1);
	CHECK_INT(w.how, CONN_RELEASED);
}

int main(void)
{
	RUN(stuck);
	RUN(slow);
	RUN(crowd);
	RUN(dcmtk);
	return t_done();
}
