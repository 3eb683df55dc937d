/* get - C-GET or C-MOVE of whole studies over one association, and a raw sender of the same files to compare with.
 *
 *   get --port P [--called A] --storage CLASS[=TS,TS] UID...      C-GET of each study, one after another
 *   get --port P --move AET --listen Q UID...                     C-MOVE of each to our own port Q
 *   get --raw DIR --count N                                       the largest files below DIR over a loopback socket with plain read() and send()
 *
 * The receiving side only counts. Prints images=N bytes=B seconds=S images_per_s=R mb_per_s=M. Exit 0 only if every
 * sub-operation was a success.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pacs/base/clock.h"
#include "tests/lib/qr.h"

static void die(const char *what, const char *why)
{
	fprintf(stderr, "get: %s: %s\n", what, why);
	exit(2);
}

static void report(unsigned long images, uint64_t bytes, uint64_t began)
{
	double s = (double)(clock_mono_ns() - began) / 1e9;

	printf("images=%lu bytes=%llu seconds=%.3f images_per_s=%.1f mb_per_s=%.1f\n", images, (unsigned long long)bytes, s, (double)images / s,
	       (double)bytes / 1e6 / s);
}

static struct dataset *study_identifier(struct arena *a, const char *uid)
{
	struct dataset *ds = dataset_new(a);

	if (!ds || dataset_put_str(ds, TAG_QUERY_LEVEL, "STUDY") || dataset_put_str(ds, TAG_STUDY_UID, uid))
		die("an identifier", "no memory");
	return ds;
}

/* ---- C-GET ---- */
static unsigned long get_study(struct qr *q, const char *uid, uint64_t *bytes)
{
	struct arena a;
	struct dimse cmd;
	uint8_t context;
	uint64_t len;
	unsigned long images = 0;

	arena_init(&a, 1 << 20);
	if (qr_request(q, DIMSE_C_GET_RQ, study_identifier(&a, uid), NULL))
		die(uid, "the request could not be sent");
	for (;;) {
		if (qr_read(q, &cmd, &context, NULL, &len))
			die(uid, "the association broke");
		if (cmd.field == DIMSE_C_STORE_RQ) {
			images++;
			*bytes += len;
			if (qr_stored(q, context, &cmd, 0))
				die(uid, "the association broke");
		} else if (!dimse_status_is_pending(cmd.status)) {
			break;
		}
	}
	if (cmd.status || !images || cmd.completed != images)
		die(uid, "not all of it came");
	arena_fini(&a);
	return images;
}

static struct qr_storage storage_of(char *spec)
{
	struct qr_storage s = { .sop_class = spec, .ts = { TS_EXPLICIT_LE, TS_IMPLICIT_LE } };
	char *list = strchr(spec, '=');
	unsigned n = 0;

	if (!list)
		return s;
	*list++ = 0;
	memset(s.ts, 0, sizeof(s.ts));
	for (char *ts = strtok(list, ","); ts && n < NELEM(s.ts) - 1; ts = strtok(NULL, ","))
		s.ts[n++] = ts;
	return s;
}

/* ---- C-MOVE: a receiver of our own ---- */
struct receiver { int listener; unsigned long images; uint64_t bytes; };

static const struct ts *take_first(void *arg, const struct negotiate_context *pc, uint8_t *result, bool *as_scu)
{
	(void)arg;
	(void)as_scu;
	*result = CONTEXT_ACCEPTED;
	return pc->ts_count ? ts_find(pc->ts[0]) : NULL;
}

static bool accept_association(struct qr *q)
{
	struct assoc_request rq;
	struct assoc_answer ac = { .accept = true };
	struct negotiate_policy policy = { .pick = take_first, .max_ops = 16 };
	struct buf out;
	struct arena a;

	arena_init(&a, 4 << 20);
	buf_init(&out, BOUND_ASSOCIATE_PDU);
	bool ok = wire_pdu(q->fd, &q->pdu) == 1 && !negotiate_parse_rq(&a, buf_view(&q->pdu), &rq, NULL) &&
	          !negotiate_decide(&a, &rq, &policy, &ac) && !negotiate_build_ac(&rq, &ac, &out) && wire_put(q->fd, out.p, out.len);
	q->at = q->pdu.len;
	buf_fini(&out);
	arena_fini(&a);
	return ok;
}

static void *receive(void *arg)
{
	static const uint8_t released[10] = { PDU_RELEASE_RP, 0, 0, 0, 0, 4 };
	struct receiver *r = arg;

	for (;;) {
		struct qr q = { .fd = accept(r->listener, NULL, NULL) };
		struct dimse cmd;
		uint8_t context;
		uint64_t len;
		int one = 1;
		if (q.fd < 0)
			return NULL;
		setsockopt(q.fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		buf_init(&q.pdu, BOUND_ASSOCIATE_PDU);
		buf_init(&q.out, BOUND_COMMAND_SET);
		for (bool ok = accept_association(&q); ok && !qr_read(&q, &cmd, &context, NULL, &len); ok = !qr_stored(&q, context, &cmd, 0)) {
			r->images++;
			r->bytes += len;
		}
		wire_put(q.fd, released, sizeof(released));
		close(q.fd);
		buf_fini(&q.pdu);
		buf_fini(&q.out);
	}
}

static int listen_on(unsigned port)
{
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (fd < 0 || bind(fd, (struct sockaddr *)&sa, sizeof(sa)) || listen(fd, 8))
		die("listening", strerror(errno));
	return fd;
}

static unsigned long move_study(struct qr *q, const char *uid, const char *aet)
{
	struct arena a;
	struct dimse cmd;
	uint8_t context;
	uint64_t len;

	arena_init(&a, 1 << 20);
	if (qr_request(q, DIMSE_C_MOVE_RQ, study_identifier(&a, uid), aet))
		die(uid, "the request could not be sent");
	do
		if (qr_read(q, &cmd, &context, NULL, &len))
			die(uid, "the association broke");
	while (dimse_status_is_pending(cmd.status));
	if (cmd.status || !cmd.completed)
		die(uid, "not all of it was sent");
	arena_fini(&a);
	return cmd.completed;
}

/* ---- raw ---- */
static struct { char *path; off_t size; } files[65536];
static unsigned file_count;

static int note_file(const char *path, const struct stat *st, int flag)
{
	if (flag == FTW_F && file_count < NELEM(files) && strstr(path, ".dcm")) {
		files[file_count].path = strdup(path);
		files[file_count++].size = st->st_size;
	}
	return 0;
}

static void *drain(void *arg)
{
	static char unused[1 << 18];
	int fd = *(int *)arg;

	/* Dropped in the socket, as qr_read() does: what is measured is the sender. */
	while (recv(fd, unused, sizeof(unused), MSG_TRUNC) > 0)
		;
	return NULL;
}

static int raw(const char *dir, unsigned long count)
{
	int listener = listen_on(0), client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;
	struct sockaddr_in sa;
	socklen_t sa_len = sizeof(sa);
	char *buffer = malloc(1 << 18);
	pthread_t t;
	uint64_t bytes = 0;

	if (ftw(dir, note_file, 16) || !file_count || !buffer)
		die(dir, "no files");
	getsockname(listener, (struct sockaddr *)&sa, &sa_len);
	if (client < 0 || connect(client, (struct sockaddr *)&sa, sa_len))
		die("connecting", strerror(errno));
	setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	int served = accept(listener, NULL, NULL);
	pthread_create(&t, NULL, drain, &served);
	uint64_t began = clock_mono_ns();
	for (unsigned long i = 0; i < count; i++) {
		int fd = open(files[i % file_count].path, O_RDONLY | O_CLOEXEC);
		for (ssize_t n; fd >= 0 && (n = read(fd, buffer, 1 << 18)) > 0; bytes += (uint64_t)n)
			if (!wire_put(client, buffer, (size_t)n))
				die("sending", strerror(errno));
		close(fd);
	}
	close(client);
	pthread_join(t, NULL);
	report(count, bytes, began);
	return 0;
}

int main(int argc, char **argv)
{
	static const struct option longs[] = { { "port", 1, NULL, 'p' }, { "called", 1, NULL, 'c' }, { "storage", 1, NULL, 's' }, { "move", 1, NULL, 'm' },
	                                       { "listen", 1, NULL, 'l' }, { "raw", 1, NULL, 'r' }, { "count", 1, NULL, 'n' }, { "calling", 1, NULL, 'a' }, { 0 } };
	struct wire_target t = { .host = "127.0.0.1", .called = "BENCH", .calling = "GETTER" };
	struct qr_storage storage[QR_STORAGE_MAX];
	struct receiver receiver = { 0 };
	const char *move = NULL, *dir = NULL;
	unsigned n = 0, listen_port = 0;
	unsigned long count = 100, images = 0;
	struct why why = { "" };
	pthread_t thread;
	struct qr q;

	for (int c; (c = getopt_long(argc, argv, "", longs, NULL)) != -1; )
		switch (c) {
		case 'p': t.port = (unsigned)strtoul(optarg, NULL, 10); break;
		case 'c': t.called = optarg; break;
		case 'a': t.calling = optarg; break;
		case 's': if (n < QR_STORAGE_MAX) storage[n++] = storage_of(optarg); break;
		case 'm': move = optarg; break;
		case 'l': listen_port = (unsigned)strtoul(optarg, NULL, 10); break;
		case 'r': dir = optarg; break;
		case 'n': count = strtoul(optarg, NULL, 10); break;
		default: die("usage", "see the top of tests/bench/get.c");
		}
	if (dir)
		return raw(dir, count);
	if (optind == argc || !t.port || (move && !listen_port))
		die("usage", "see the top of tests/bench/get.c");
	if (move) {
		receiver.listener = listen_on(listen_port);
		pthread_create(&thread, NULL, receive, &receiver);
	}
	if (qr_open(&q, &t, move ? UID_STUDY_ROOT_MOVE : UID_STUDY_ROOT_GET, (struct bytes){ 0 }, storage, n, &why))
		die("association", why.text);
	uint64_t began = clock_mono_ns();
	for (int i = optind; i < argc; i++)
		images += move ? move_study(&q, argv[i], move) : get_study(&q, argv[i], &receiver.bytes);
	report(images, receiver.bytes, began);
	qr_close(&q);
	return 0;
}
