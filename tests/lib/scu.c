#include "tests/lib/scu.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "pacs/base/clock.h"
#include "pacs/base/durable.h"
#include "pacs/dicom/dataset.h"

enum { MAX_FILE = 1 << 30 };
enum { FIRST_PDU = 16384 - WIRE_HEAD };       /* all UIDs of an image header stand in its first PDU */

/* ---- UIDs ---- */

/* A UID of exactly len characters from the kind, the run and the number. */
static void make_uid(char *out, size_t len, unsigned kind, unsigned long n, unsigned long run, bool scatter)
{
	enum { DIGITS = 1000000000, STRIDE = 387420489 };        /* without a common factor: each number below DIGITS once */
	char text[BOUND_UID + 1];
	int used = snprintf(text, sizeof(text), scatter ? "2.25.%u%09lu%lu" : "2.25.%u%lu%09lu", kind + 1,
	                    scatter ? n * STRIDE % DIGITS : run, scatter ? run : n);
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
		make_uid(uid, len, k, k ? n / per_study : n, im->run, im->scatter);
		for (unsigned s = 0; s < im->spots[k]; s++)
			memcpy(data + im->spot[k][s], uid, len);
		if (!k)
			memcpy(sop, uid, len + 1);
	}
}

/* ---- one association, blocking ---- */

/* Opens an association for the image's class and syntax; the peer's maximum PDU in *max_pdu. */
static int associate(const struct wire_target *t, const struct scu_image *im, uint32_t *max_pdu, struct why *why)
{
	const char *ts = im->meta.transfer_syntax.s;
	struct negotiate_context pc = { .id = 1, .abstract_syntax = im->meta.sop_class.s, .ts = &ts, .ts_count = 1 };
	struct assoc_request rq = { .contexts = &pc, .context_count = 1 };
	struct arena a;
	struct assoc_answer ac = { 0 };
	arena_init(&a, BOUND_ASSOCIATE_PDU);
	int fd = wire_associate(t, &rq, &a, &ac, why);
	if (fd >= 0 && (!ac.context_count || ac.contexts[0].result)) {
		fail(why, ERR_CLOSED, "presentation context refused");
		close(fd);
		fd = -1;
	}
	*max_pdu = ac.max_pdu ? ac.max_pdu : BOUND_PDU_OURS;
	arena_fini(&a);
	return fd;
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

/* Waits for the C-STORE-RSP; its status, or -1. */
static int get_status(int fd, struct buf *b)
{
	struct dimse rsp;
	struct why why;
	if (wire_pdu(fd, b) != PDU_DATA || b->len < 6 || dimse_parse(bytes_of(b->p + 6, b->len - 6), &rsp, &why))
		return -1;
	return rsp.status;
}

/* ---- one association ---- */

enum err scu_open(struct scu *s, const struct wire_target *t, const struct scu_image *im, struct why *why)
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
	int got = wire_send(s->fd, 1, &rq, (struct bytes){ 0 }, &s->cmd) && wire_put(s->fd, s->framed.p, s->framed.len) ? get_status(s->fd, &s->cmd) : -1;
	if (got < 0)
		return ERR_CLOSED;
	*status = (uint16_t)got;
	return ERR_OK;
}

enum err scu_store(struct scu *s, unsigned long n, unsigned per_study, uint16_t *status, struct uid *sop)
{
	scu_image_stamp(s->im, (char *)s->framed.p + WIRE_HEAD, n, per_study, sop->s);
	return store(s, sop, status);
}

enum err scu_store_as_is(struct scu *s, uint16_t *status)
{
	return store(s, &s->im->meta.sop_instance, status);
}

void scu_close(struct scu *s, bool politely)
{
	if (politely)
		wire_release(s->fd, &s->cmd);
	else
		close(s->fd);
	buf_fini(&s->framed);
	buf_fini(&s->cmd);
}
