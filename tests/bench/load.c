/* load - a load generator: one image becomes many, over N associations, every status checked.
 *
 *   load --port P [--host H] [--called A] [--calling A] [--associations N] [--count M] [--per-study K] FILE
 *        sends M images in all, over N associations at once, one operation at a time on each
 *   load --idle N --port P ...         opens N associations, prints "idle N", holds them until stdin ends
 *   load --expand DIR --count M [--per-study K] FILE
 *        writes M files with UIDs of their own instead of sending (for clients that send files)
 *
 * The data set is cut into PDUs once; for each image only its UIDs are written over, in place and in the
 * same length. So the generator costs a copy to the socket and nothing more.
 *
 * Prints one line:  images=M ok=M failed=0 seconds=S images_per_s=R mb_per_s=B p50_ms=.. p99_ms=.. max_ms=..
 * Exit 0 only if every answer was 0000.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pacs/base/clock.h"
#include "pacs/base/durable.h"
#include "pacs/dicom/dataset.h"
#include "pacs/dicom/part10.h"
#include "pacs/ul/dimse.h"
#include "pacs/ul/negotiate.h"

enum { MAX_FILE = 1 << 30, MAX_SPOTS = 16, HEAD = 12 };  /* PDU header 6, PDV header 6 */

struct options {
	const char *host, *called, *calling, *expand, *file;
	unsigned port, associations, count, per_study, idle;
};

/* The image as it is sent: every place where one of its UIDs stands. */
struct image {
	char *file;
	size_t file_len, data_at;
	struct part10 meta;
	struct uid study, series;
	size_t spot[3][MAX_SPOTS];       /* offsets in the data set of sop, series, study */
	unsigned spots[3];
	unsigned long run;               /* tells runs apart */
};

struct worker {
	pthread_t thread;
	const struct options *o;
	const struct image *im;
	unsigned index, first, count;
	unsigned ok, failed;
	double *ms;                      /* latency of each */
	char said[320];
};

static void die(const char *what, const char *why)
{
	fprintf(stderr, "load: %s: %s\n", what, why);
	exit(2);
}

/* ---- UIDs ---- */

/* A UID of exactly len characters from the kind, the run and the number. */
static void make_uid(char *out, size_t len, unsigned kind, unsigned long n, unsigned long run)
{
	char text[BOUND_UID + 1];
	int used = snprintf(text, sizeof(text), "2.25.%u%lu%09lu", kind + 1, run, n);
	if (used < 0 || (size_t)used > len) {
		/* Short: keep the counter, which is what tells them apart. */
		snprintf(text, sizeof(text), "2.25.%u%0*lu", kind + 1, (int)len - 6, n);
		used = (int)len;
	}
	memcpy(out, text, (size_t)used);
	for (size_t i = (size_t)used; i < len; i++)
		out[i] = (char)('1' + (i * 7) % 9);
}

static void find_spots(struct image *im, unsigned kind, const char *uid, size_t header_len)
{
	const char *data = im->file + im->data_at;
	size_t n = strlen(uid);
	for (size_t at = 0; n && at + n <= header_len && im->spots[kind] < MAX_SPOTS; at++)
		if (!memcmp(data + at, uid, n))
			im->spot[kind][im->spots[kind]++] = at;
}

static void image_load(struct image *im, const char *path)
{
	struct why why = { "" };
	struct arena a;
	struct dataset *ds;
	if (durable_slurp(path, MAX_FILE, &im->file, &im->file_len, &why))
		die(path, why.text);
	if (part10_read(bytes_of(im->file, im->file_len), &im->meta, &why))
		die(path, why.text);
	im->data_at = im->meta.dataset_at;
	im->run = (unsigned long)clock_wall_ms() % 1000000000;
	arena_init(&a, 64 << 20);
	const struct ts *ts = ts_find(im->meta.transfer_syntax.s);
	if (!ts || dataset_parse(&a, bytes_of(im->file + im->data_at, im->file_len - im->data_at), ds_encoding_of(ts), &ds, &why))
		die(path, why.text);
	snprintf(im->study.s, sizeof(im->study.s), "%s", dataset_str(ds, TAG_STUDY_UID));
	snprintf(im->series.s, sizeof(im->series.s), "%s", dataset_str(ds, TAG_SERIES_UID));
	size_t header = im->file_len - im->data_at;
	if (header > 16384 - HEAD)
		header = 16384 - HEAD;           /* all UIDs of an image header stand in its first PDU */
	find_spots(im, 0, im->meta.sop_instance.s, header);
	find_spots(im, 1, im->series.s, header);
	find_spots(im, 2, im->study.s, header);
	arena_fini(&a);
	if (!im->spots[0] || !im->spots[1] || !im->spots[2])
		die(path, "the UIDs do not stand in the first 16 kB");
}

/* Writes the UIDs of image number n over those in `data`; gives the new SOP Instance UID. */
static void stamp(const struct image *im, char *data, unsigned n, unsigned per_study, char *sop)
{
	const char *old[3] = { im->meta.sop_instance.s, im->series.s, im->study.s };
	for (unsigned k = 0; k < 3; k++) {
		char uid[BOUND_UID + 1] = "";
		size_t len = strlen(old[k]);
		make_uid(uid, len, k, k ? n / per_study : n, im->run);
		for (unsigned s = 0; s < im->spots[k]; s++)
			memcpy(data + im->spot[k][s], uid, len);
		if (!k)
			memcpy(sop, uid, len + 1);
	}
}

/* ---- one association, blocking ---- */

static bool put_all(int fd, const void *p, size_t n)
{
	const char *c = p;
	while (n) {
		ssize_t w = send(fd, c, n, MSG_NOSIGNAL);
		if (w < 0 && errno == EINTR)
			continue;
		if (w <= 0)
			return false;
		c += w;
		n -= (size_t)w;
	}
	return true;
}

static bool get_all(int fd, void *p, size_t n)
{
	char *c = p;
	while (n) {
		ssize_t r = recv(fd, c, n, 0);
		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0)
			return false;
		c += r;
		n -= (size_t)r;
	}
	return true;
}

/* One PDU; body into `b`. Its type, or 0 when the line broke. */
static unsigned get_pdu(int fd, struct buf *b)
{
	uint8_t head[6];
	buf_reset(b);
	if (!get_all(fd, head, 6))
		return 0;
	uint32_t len = be32(head + 2);
	uint8_t *p = buf_extend(b, len);
	return p && get_all(fd, p, len) ? head[0] : 0;
}

static int connect_to(const struct options *o)
{
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_port = htons((uint16_t)o->port) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;
	if (fd < 0 || inet_pton(AF_INET, o->host, &sa.sin_addr) != 1)
		return -1;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (connect(fd, (struct sockaddr *)&sa, sizeof(sa))) {
		close(fd);
		return -1;
	}
	return fd;
}

/* Opens an association for the image's class and syntax; the peer's maximum PDU in *max_pdu. */
static int associate(const struct options *o, const struct image *im, uint32_t *max_pdu, char *said, size_t said_len)
{
	const char *ts = im->meta.transfer_syntax.s;
	struct negotiate_context pc = { .id = 1, .abstract_syntax = im->meta.sop_class.s, .ts = &ts, .ts_count = 1 };
	struct assoc_request rq = { .application_context = UID_APPLICATION_CONTEXT, .contexts = &pc, .context_count = 1, .max_pdu = 131072,
	                            .implementation_class = IMPLEMENTATION_CLASS_UID, .implementation_version = IMPLEMENTATION_VERSION };
	snprintf(rq.called, sizeof(rq.called), "%s", o->called);
	snprintf(rq.calling, sizeof(rq.calling), "%s", o->calling);
	struct buf b;
	struct arena a;
	struct assoc_answer ac = { 0 };
	struct why why = { "" };
	buf_init(&b, BOUND_ASSOCIATE_PDU);
	arena_init(&a, 1 << 20);
	int fd = connect_to(o);
	const char *wrong = NULL;
	unsigned type = 0;
	if (fd < 0)
		wrong = strerror(errno);
	else if (negotiate_build_rq(&rq, &b) || !put_all(fd, b.p, b.len) || (type = get_pdu(fd, &b)) != 2)
		wrong = type == 3 ? "association rejected" : "no answer to the association request";
	else if (negotiate_parse_ac(&a, buf_view(&b), &rq, &ac, &why) || !ac.context_count || ac.contexts[0].result)
		wrong = "presentation context refused";
	if (wrong) {
		snprintf(said, said_len, "%s", wrong);
		if (fd >= 0)
			close(fd);
		fd = -1;
	}
	*max_pdu = ac.max_pdu ? ac.max_pdu : 131072;
	arena_fini(&a);
	buf_fini(&b);
	return fd;
}

/* The data set as PDUs; *framed grows by 12 bytes for each. */
static void frame(const struct image *im, uint32_t max_pdu, struct buf *framed)
{
	size_t left = im->file_len - im->data_at, max = (max_pdu < 131072 ? max_pdu : 131072) - 6;
	const char *p = im->file + im->data_at;
	while (left) {
		size_t n = left < max ? left : max;
		buf_add_byte(framed, 4);
		buf_add_byte(framed, 0);
		buf_add_be32(framed, (uint32_t)n + 6);
		buf_add_be32(framed, (uint32_t)n + 2);
		buf_add_byte(framed, 1);
		buf_add_byte(framed, n == left ? 2 : 0);
		buf_add(framed, p, n);
		p += n;
		left -= n;
	}
}

static bool send_command(int fd, const struct dimse *d, struct buf *b)
{
	buf_reset(b);
	uint8_t *head = buf_extend(b, HEAD);
	if (!head || dimse_build(d, b))
		return false;
	uint32_t n = (uint32_t)(b->len - HEAD);
	uint8_t h[HEAD] = { 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 3 };
	put_be32(h + 2, n + 6);
	put_be32(h + 6, n + 2);
	memcpy(b->p, h, HEAD);
	return put_all(fd, b->p, b->len);
}

/* Waits for the C-STORE-RSP; its status, or -1. */
static int get_status(int fd, struct buf *b)
{
	struct dimse rsp;
	struct why why;
	if (get_pdu(fd, b) != 4 || b->len < 6 || dimse_parse(bytes_of(b->p + 6, b->len - 6), &rsp, &why))
		return -1;
	return rsp.status;
}

static void *work(void *arg)
{
	struct worker *w = arg;
	uint32_t max_pdu;
	struct buf framed, cmd;
	int fd = associate(w->o, w->im, &max_pdu, w->said, sizeof(w->said));
	if (fd < 0) {
		w->failed = w->count;
		return NULL;
	}
	buf_init(&framed, (size_t)MAX_FILE + (64 << 20));
	buf_init(&cmd, 1 << 20);
	frame(w->im, max_pdu, &framed);
	for (unsigned i = 0; i < w->count; i++) {
		struct dimse rq = { .field = DIMSE_C_STORE_RQ, .message_id = (uint16_t)(i % 65535 + 1), .has_data = true, .sop_class = w->im->meta.sop_class };
		stamp(w->im, (char *)framed.p + HEAD, w->first + i, w->o->per_study, rq.sop_instance.s);
		uint64_t t0 = clock_mono_ns();
		int status = send_command(fd, &rq, &cmd) && put_all(fd, framed.p, framed.len) ? get_status(fd, &cmd) : -1;
		w->ms[i] = (double)(clock_mono_ns() - t0) / 1e6;
		if (status == 0) {
			w->ok++;
			continue;
		}
		snprintf(w->said, sizeof(w->said), status < 0 ? "the line broke at image %u" : "status %04x at image %u",
		         status < 0 ? i : (unsigned)status, i);
		if (status < 0) {
			w->failed += w->count - i;
			break;
		}
		w->failed++;
	}
	static const uint8_t release[10] = { 5, 0, 0, 0, 0, 4 };
	if (put_all(fd, release, sizeof(release)))
		get_pdu(fd, &cmd);
	close(fd);
	buf_fini(&framed);
	buf_fini(&cmd);
	return NULL;
}

/* ---- the three jobs ---- */

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return x < y ? -1 : x > y;
}

static int run_load(const struct options *o, const struct image *im)
{
	struct worker *w = calloc(o->associations, sizeof(*w));
	double *ms = calloc(o->count + 1, sizeof(*ms));
	if (!w || !ms)
		die("memory", "none");
	uint64_t t0 = clock_mono_ns();
	for (unsigned i = 0, first = 0; i < o->associations; i++) {
		unsigned n = o->count / o->associations + (i < o->count % o->associations);
		w[i] = (struct worker){ .o = o, .im = im, .index = i, .first = first, .count = n, .ms = ms + first };
		first += n;
		if (pthread_create(&w[i].thread, NULL, work, &w[i]))
			die("thread", strerror(errno));
	}
	unsigned ok = 0, failed = 0;
	for (unsigned i = 0; i < o->associations; i++) {
		pthread_join(w[i].thread, NULL);
		ok += w[i].ok;
		failed += w[i].failed;
		if (w[i].said[0])
			fprintf(stderr, "load: association %u: %s\n", i, w[i].said);
	}
	double s = (double)(clock_mono_ns() - t0) / 1e9;
	qsort(ms, o->count, sizeof(*ms), compare);
	printf("images=%u ok=%u failed=%u seconds=%.3f images_per_s=%.1f mb_per_s=%.1f p50_ms=%.2f p99_ms=%.2f max_ms=%.2f\n", o->count, ok, failed, s,
	       ok / s, (double)ok * (double)(im->file_len - im->data_at) / 1e6 / s, ms[o->count / 2], ms[o->count * 99 / 100], ms[o->count - 1]);
	free(w);
	free(ms);
	return failed ? 1 : 0;
}

static int run_idle(const struct options *o, const struct image *im)
{
	unsigned open_now = 0;
	char said[320] = "", c;
	uint32_t max_pdu;
	for (unsigned i = 0; i < o->idle; i++)
		if (associate(o, im, &max_pdu, said, sizeof(said)) >= 0)
			open_now++;
	printf("idle %u of %u%s%s\n", open_now, o->idle, said[0] ? ": " : "", said);
	fflush(stdout);
	while (read(STDIN_FILENO, &c, 1) > 0)
		;
	return open_now == o->idle ? 0 : 1;
}

static int run_expand(const struct options *o, struct image *im)
{
	char path[4096], old[BOUND_UID + 1], sop[BOUND_UID + 1];
	memcpy(old, im->meta.sop_instance.s, sizeof(old));
	for (unsigned i = 0; i < o->count; i++) {
		stamp(im, im->file + im->data_at, i, o->per_study, sop);
		/* The meta group names the instance too. */
		for (size_t at = 0; at + strlen(old) <= im->data_at; at++)
			if (!memcmp(im->file + at, old, strlen(old)))
				memcpy(im->file + at, sop, strlen(sop));
		memcpy(old, sop, sizeof(old));
		snprintf(path, sizeof(path), "%s/%06u.dcm", o->expand, i);
		FILE *f = fopen(path, "wb");
		if (!f || fwrite(im->file, 1, im->file_len, f) != im->file_len || fclose(f))
			die(path, strerror(errno));
	}
	return 0;
}

static void parse_options(int argc, char **argv, struct options *o)
{
	static const struct option longs[] = {
		{ "host", 1, NULL, 'h' }, { "port", 1, NULL, 'p' }, { "called", 1, NULL, 'c' }, { "calling", 1, NULL, 'a' },
		{ "associations", 1, NULL, 'n' }, { "count", 1, NULL, 'm' }, { "per-study", 1, NULL, 'k' }, { "idle", 1, NULL, 'i' },
		{ "expand", 1, NULL, 'x' }, { 0 },
	};
	*o = (struct options){ .host = "127.0.0.1", .called = "ANY-SCP", .calling = "LOAD", .associations = 1, .count = 100, .per_study = 20 };
	for (int c; (c = getopt_long(argc, argv, "", longs, NULL)) != -1; ) {
		unsigned long n = optarg ? strtoul(optarg, NULL, 10) : 0;
		switch (c) {
		case 'h': o->host = optarg; break;
		case 'p': o->port = (unsigned)n; break;
		case 'c': o->called = optarg; break;
		case 'a': o->calling = optarg; break;
		case 'n': o->associations = (unsigned)n; break;
		case 'm': o->count = (unsigned)n; break;
		case 'k': o->per_study = (unsigned)n; break;
		case 'i': o->idle = (unsigned)n; break;
		case 'x': o->expand = optarg; break;
		default: die("usage", "load --port P [--associations N] [--count M] FILE; see tests/bench/load.c");
		}
	}
	if (optind + 1 != argc || !o->count || !o->associations || !o->per_study || (!o->port && !o->expand))
		die("usage", "load --port P [--associations N] [--count M] FILE; see tests/bench/load.c");
	o->file = argv[optind];
}

int main(int argc, char **argv)
{
	struct options o;
	struct image im = { 0 };
	parse_options(argc, argv, &o);
	image_load(&im, o.file);
	int rc = o.expand ? run_expand(&o, &im) : o.idle ? run_idle(&o, &im) : run_load(&o, &im);
	free(im.file);
	return rc;
}
