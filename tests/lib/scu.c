#include "tests/lib/scu.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pacs/base/clock.h"
#include "pacs/base/durable.h"
#include "pacs/dicom/dataset.h"
#include "pacs/ul/dimse.h"
#include "pacs/ul/negotiate.h"

enum { MAX_FILE = 1 << 30 };
enum { HEAD = 12 };                      /* PDU header 6, PDV header 6 */
enum { FIRST_PDU = 16384 - HEAD };       /* all UIDs of an image header stand in its first PDU */
enum { PDU_AC = 2, PDU_RJ = 3, PDU_DATA = 4 };

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

static void find_spots(struct scu_image *im, unsigned kind, const char *uid, size_t header_len)
{
	const char *data = im->file + im->data_at;
	size_t n = strlen(uid);
	for (size_t at = 0; n && at + n <= header_len && im->spots[kind] < SCU_SPOTS; at++)
		if (!memcmp(data + at, uid, n))
			im->spot[kind][im->spots[kind]++] = at;
}

enum err scu_image_load(struct scu_image *im, const char *path, bool as_is, struct why *why)
{
	struct arena a;
	struct dataset *ds;
	*im = (struct scu_image){ .run = (unsigned long)clock_wall_ms() % 1000000000 };
	enum err e = durable_slurp(path, MAX_FILE, &im->file, &im->file_len, why);
	if (!e)
		e = part10_read(bytes_of(im->file, im->file_len), &im->meta, why);
	if (e)
		return e;
	im->data_at = im->meta.dataset_at;
	if (as_is)
		return ERR_OK;
	const struct ts *ts = ts_find(im->meta.transfer_syntax.s);
	if (!ts)
		return fail(why, ERR_UNSUPPORTED, "%s: transfer syntax %s", path, im->meta.transfer_syntax.s);
	arena_init(&a, 64 << 20);
	e = dataset_parse(&a, bytes_of(im->file + im->data_at, im->file_len - im->data_at), ds_encoding_of(ts), &ds, why);
	if (!e) {
		snprintf(im->study.s, sizeof(im->study.s), "%s", dataset_str(ds, TAG_STUDY_UID));
		snprintf(im->series.s, sizeof(im->series.s), "%s", dataset_str(ds, TAG_SERIES_UID));
	}
	arena_fini(&a);
	size_t header = im->file_len - im->data_at;
	if (header > FIRST_PDU)
		header = FIRST_PDU;
	find_spots(im, 0, im->meta.sop_instance.s, header);
	find_spots(im, 1, im->series.s, header);
	find_spots(im, 2, im->study.s, header);
	if (!e && (!im->spots[0] || !im->spots[1] || !im->spots[2]))
		e = fail(why, ERR_UNSUPPORTED, "%s: its UIDs do not stand in the first %d bytes", path, FIRST_PDU);
	return e;
}

void scu_image_free(struct scu_image *im)
{
	free(im->file);
	im->file = NULL;
}

void scu_image_stamp(const struct scu_image *im, char *data, unsigned long n, unsigned per_study, char *sop)
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

static int connect_to(const struct scu_target *o)
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
static int associate(const struct scu_target *t, const struct scu_image *im, uint32_t *max_pdu, struct why *why)
{
	const char *ts = im->meta.transfer_syntax.s;
	struct negotiate_context pc = { .id = 1, .abstract_syntax = im->meta.sop_class.s, .ts = &ts, .ts_count = 1 };
	struct assoc_request rq = { .application_context = UID_APPLICATION_CONTEXT, .contexts = &pc, .context_count = 1,
	                            .max_pdu = BOUND_PDU_OURS, .max_invoked = 1, .max_performed = 1,
	                            .implementation_class = IMPLEMENTATION_CLASS_UID, .implementation_version = IMPLEMENTATION_VERSION };
	struct buf b;
	struct arena a;
	struct assoc_answer ac = { 0 };
	snprintf(rq.called, sizeof(rq.called), "%s", t->called);
	snprintf(rq.calling, sizeof(rq.calling), "%s", t->calling);
	buf_init(&b, BOUND_ASSOCIATE_PDU);
	arena_init(&a, BOUND_ASSOCIATE_PDU);
	int fd = connect_to(t);
	unsigned type = 0;
	enum err e = ERR_OK;
	if (fd < 0)
		e = fail_errno(why, ERR_CLOSED, "connecting to port %u", t->port);
	else if (negotiate_build_rq(&rq, &b) || !put_all(fd, b.p, b.len) || (type = get_pdu(fd, &b)) != PDU_AC)
		e = fail(why, ERR_CLOSED, type == PDU_RJ ? "association rejected" : "no answer to the association request");
	else if (negotiate_parse_ac(&a, buf_view(&b), &rq, &ac, why) || !ac.context_count || ac.contexts[0].result)
		e = fail(why, ERR_CLOSED, "presentation context refused");
	*max_pdu = ac.max_pdu ? ac.max_pdu : BOUND_PDU_OURS;
	if (e && fd >= 0)
		close(fd);
	arena_fini(&a);
	buf_fini(&b);
	return e ? -1 : fd;
}

/* The data set as PDUs; *framed grows by 12 bytes for each. */
static void frame(const struct scu_image *im, uint32_t max_pdu, struct buf *framed)
{
	size_t left = im->file_len - im->data_at, max = (max_pdu < BOUND_PDU_OUT ? max_pdu : BOUND_PDU_OUT) - 6;
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
	if (get_pdu(fd, b) != PDU_DATA || b->len < 6 || dimse_parse(bytes_of(b->p + 6, b->len - 6), &rsp, &why))
		return -1;
	return rsp.status;
}

/* ---- one association ---- */

enum err scu_open(struct scu *s, const struct scu_target *t, const struct scu_image *im, struct why *why)
{
	uint32_t max_pdu;
	*s = (struct scu){ .fd = associate(t, im, &max_pdu, why), .im = im };
	if (s->fd < 0)
		return ERR_CLOSED;
	buf_init(&s->framed, (size_t)MAX_FILE + (64 << 20));
	buf_init(&s->cmd, BOUND_ASSOCIATE_PDU);
	frame(im, max_pdu, &s->framed);
	return buf_err(&s->framed);
}

static enum err store(struct scu *s, const struct uid *sop, uint16_t *status)
{
	struct dimse rq = { .field = DIMSE_C_STORE_RQ, .has_data = true, .sop_class = s->im->meta.sop_class, .sop_instance = *sop };
	rq.message_id = ++s->message_id ? s->message_id : ++s->message_id;
	int got = send_command(s->fd, &rq, &s->cmd) && put_all(s->fd, s->framed.p, s->framed.len) ? get_status(s->fd, &s->cmd) : -1;
	if (got < 0)
		return ERR_CLOSED;
	*status = (uint16_t)got;
	return ERR_OK;
}

enum err scu_store(struct scu *s, unsigned long n, unsigned per_study, uint16_t *status, struct uid *sop)
{
	scu_image_stamp(s->im, (char *)s->framed.p + HEAD, n, per_study, sop->s);
	return store(s, sop, status);
}

enum err scu_store_as_is(struct scu *s, uint16_t *status)
{
	return store(s, &s->im->meta.sop_instance, status);
}

void scu_close(struct scu *s, bool politely)
{
	static const uint8_t release[10] = { 5, 0, 0, 0, 0, 4 };
	if (politely && put_all(s->fd, release, sizeof(release)))
		get_pdu(s->fd, &s->cmd);
	close(s->fd);
	buf_fini(&s->framed);
	buf_fini(&s->cmd);
}
