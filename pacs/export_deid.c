#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pacs/base/durable.h"
#include "pacs/dicom/part10.h"
#include "pacs/export_private.h"

enum { ARENA = 256 << 20, PIECE = 1 << 20, HEAD_MAX = 128 << 20, ITEM_HEAD = 8 };
#define UNDEFINED 0xFFFFFFFFu

/* ---- who it becomes ---- */

/* At each patient's first study. Keyed, the same patient is the same subject in every export. */
void export_subject(struct export *x)
{
	const struct export_study *s = &x->picks.of[x->study];
	const struct export_options *o = x->o;
	struct deid_subject *d = &x->subject;
	char pseudonym[20];
	bool is_only = !strcmp(x->picks.of[0].patient, x->picks.of[x->picks.count - 1].patient);
	deid_subject_of(&o->deid, s->patient, pseudonym, &d->days);
	if (o->subject && is_only)
		snprintf(d->name, sizeof(d->name), "%.64s", o->subject);
	else if (!o->subject && o->has_key)
		snprintf(d->name, sizeof(d->name), "%s", pseudonym);
	else
		snprintf(d->name, sizeof(d->name), "%.50s%s%04u", o->subject ? o->subject : "SUBJECT", o->subject ? "-" : "", ++x->subject_no);
	snprintf(d->id, sizeof(d->id), "%s", d->name);
}

/* ---- may it go out? ---- */

const char *export_refusal(struct export *x)
{
	struct arena a;
	struct dataset *ds = NULL;
	uint8_t *raw = NULL;
	size_t len;
	int enc;
	const char *why = "its header in the index cannot be read";
	arena_init(&a, ARENA);
	if (!index_header(x->index, x->instance.instance, &raw, &len, &enc, &x->why) && !dataset_parse(&a, bytes_of(raw, len), (enum ds_encoding)enc, &ds, &x->why))
		why = deid_refusal(ds, &x->o->deid);
	arena_fini(&a);
	free(raw);
	return why;
}

/* ---- the clean file ---- */

struct cleaning {
	struct export *x;
	int from;                        /* the draft as it came, owned */
	uint64_t from_size;
	struct arena arena;
	uint8_t *raw;
	struct dataset *ds;
	uint64_t head_end;               /* of the old file: where group 7FE0 begins */
	struct deid_needles needles;
};

/* How far the elements of group 7FE0 go; what stands behind them (padding, signatures) does not go out. */
static enum err pixels_end(const struct cleaning *c, uint64_t *end)
{
	struct export *x = c->x;
	bool is_big = ds_encoding_of(x->ts) == DS_EXPLICIT_BE, is_explicit = ds_encoding_of(x->ts) != DS_IMPLICIT_LE;
	uint64_t at = c->head_end;
	bool in_fragments = false;
	for (;;) {
		uint8_t h[12];
		size_t n = c->from_size - at < sizeof(h) ? (size_t)(c->from_size - at) : sizeof(h);
		*end = at;
		if (n < ITEM_HEAD)
			return in_fragments ? fail(&x->why, ERR_FORMAT, "its pixel data ends too early") : ERR_OK;
		enum err e = durable_pread(c->from, h, n, (off_t)at, &x->why);
		if (e)
			return e;
		uint32_t tag = is_big ? TAG(be16(h), be16(h + 2)) : TAG(le16(h), le16(h + 2));
		bool is_item = TAG_GROUP(tag) == 0xFFFE;
		if (!in_fragments && TAG_GROUP(tag) != 0x7FE0)
			return ERR_OK;
		size_t head = is_item || !is_explicit ? ITEM_HEAD : vr_has_long_length(VR(h[4], h[5])) ? sizeof(h) : ITEM_HEAD;
		if (n < head)
			return fail(&x->why, ERR_FORMAT, "its pixel data ends too early");
		uint32_t len = head == sizeof(h) ? (is_big ? be32(h + 8) : le32(h + 8)) : is_item || !is_explicit ? (is_big ? be32(h + 4) : le32(h + 4)) : is_big ? be16(h + 6) : le16(h + 6);
		at += head;
		if (tag == TAG_SEQUENCE_END && in_fragments) {
			in_fragments = false;
			continue;
		}
		if (len == UNDEFINED && !in_fragments) {
			in_fragments = true;
			continue;
		}
		if (len > c->from_size - at || (in_fragments && tag != TAG_ITEM))
			return fail(&x->why, ERR_FORMAT, "its pixel data ends too early");
		at += len;
	}
}

static enum err copy_pixels(struct cleaning *c)
{
	struct export *x = c->x;
	uint64_t end = 0;
	uint8_t *piece = malloc(PIECE);
	enum err e = piece ? pixels_end(c, &end) : fail(&x->why, ERR_NOMEM, "no memory to copy pixel data");
	for (uint64_t at = c->head_end; !e && at < end; at += PIECE) {
		size_t n = end - at < PIECE ? (size_t)(end - at) : PIECE;
		e = durable_pread(c->from, piece, n, (off_t)at, &x->why);
		if (!e)
			e = durable_pwrite(x->fd, piece, n, (off_t)x->size, &x->why);
		x->size += n;
	}
	free(piece);
	return e;
}

/* Meta group and header, made from the cleaned data set alone. */
static enum err write_head(struct cleaning *c)
{
	struct export *x = c->x;
	struct part10 m = { .source_aet = "" };
	struct buf b;
	/* The class may have come with the C-STORE only. */
	const char *class = dataset_str(c->ds, TAG_SOP_CLASS_UID);
	snprintf(m.sop_class.s, sizeof(m.sop_class.s), "%s", *class ? class : x->instance.sop_class.s);
	snprintf(m.sop_instance.s, sizeof(m.sop_instance.s), "%s", dataset_str(c->ds, TAG_SOP_INSTANCE_UID));
	snprintf(m.transfer_syntax.s, sizeof(m.transfer_syntax.s), "%s", x->ts->uid);
	buf_init(&b, HEAD_MAX);
	enum err e = m.sop_class.s[0] && m.sop_instance.s[0] ? part10_write(&m, &b) : fail(&x->why, ERR_FORMAT, "it has no SOP class or no SOP instance UID");
	x->dataset_at = b.len;
	if (!e)
		e = dataset_write(c->ds, ds_encoding_of(x->ts), &b);
	if (!e)
		e = buf_err(&b);
	if (!e)
		e = durable_pwrite(x->fd, b.p, b.len, 0, &x->why);
	else if (!x->why.text[0])
		fail(&x->why, e, "its header cannot be written: %s", err_name(e));
	x->size = b.len;
	buf_fini(&b);
	return e;
}

/* ---- the proof ---- */

/* ERR_MISMATCH: the image stays here. Said without its UID, so that all of one kind are one line of the report. */
static enum err leak(struct export *x, const char *where, uint32_t whose)
{
	const struct dict_entry *d = dict_find(whose);
	return fail(&x->why, ERR_MISMATCH, "the value of (%04x,%04x) %s would still be in %s", TAG_GROUP(whose), TAG_ELEMENT(whose), d ? d->keyword : "", where);
}

static enum err prove_pixels(struct cleaning *c, uint64_t at)
{
	struct export *x = c->x;
	uint32_t whose;
	uint8_t *piece = malloc(PIECE);
	enum err e = piece ? ERR_OK : fail(&x->why, ERR_NOMEM, "no memory to read pixel data");
	while (!e && at < x->size) {
		size_t n = x->size - at < PIECE ? (size_t)(x->size - at) : PIECE;
		e = durable_pread(x->fd, piece, n, (off_t)at, &x->why);
		if (!e && deid_find_bytes(&c->needles, bytes_of(piece, n), &whose))
			e = leak(x, "the pixel data", whose);
		at += n == PIECE ? PIECE - DEID_NEEDLE_MAX : n;
	}
	free(piece);
	return e;
}

/* From the file, not from what was meant to be in it. */
static enum err prove(struct cleaning *c)
{
	struct export *x = c->x;
	struct arena a;
	struct dataset *ds = NULL;
	uint8_t *raw = NULL;
	uint64_t end = 0;
	uint32_t at, whose;
	char where[40];
	if (c->needles.is_over)
		return fail(&x->why, ERR_LIMIT, "it names more than %d persons and numbers: it cannot be proved that none is left", DEID_NEEDLES / 10);
	arena_init(&a, ARENA);
	enum err e = export_read_head(x->fd, x->dataset_at, x->size, x->ts, &a, &raw, &ds, &end, &x->why);
	if (!e && deid_find(&c->needles, ds, &at, &whose)) {
		snprintf(where, sizeof(where), "(%04x,%04x)", TAG_GROUP(at), TAG_ELEMENT(at));
		e = leak(x, where, whose);
	}
	arena_fini(&a);
	free(raw);
	return e ? e : prove_pixels(c, end);
}

/* ---- all of it ---- */

static void add_map(struct export *x, const struct cleaning *c)
{
	const struct export_study *s = &x->picks.of[x->study];
	if (!x->map)
		return;
	fprintf(x->map, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", s->id, s->name, x->subject.id, x->instance.study_uid.s, dataset_str(c->ds, TAG_STUDY_UID),
	        x->instance.series_uid.s, dataset_str(c->ds, TAG_SERIES_UID), x->instance.sop_uid.s, dataset_str(c->ds, TAG_SOP_INSTANCE_UID));
}

static void collect(struct cleaning *c)
{
	const struct export_study *s = &c->x->picks.of[c->x->study];
	deid_needles_add(&c->needles, c->ds, c->x->conf->charset);
	deid_needles_add_text(&c->needles, TAG_PATIENT_NAME, s->name);
	deid_needles_add_text(&c->needles, TAG_PATIENT_ID, s->id);
	deid_needles_add_text(&c->needles, TAG(0x0010, 0x0030), s->birth_date);
}

static enum err clean(struct cleaning *c)
{
	struct export *x = c->x;
	uint64_t end;
	enum err e = export_read_head(c->from, x->dataset_at, c->from_size, x->ts, &c->arena, &c->raw, &c->ds, &end, &x->why);
	c->head_end = end;
	if (e)
		return e;
	collect(c);
	e = deid_apply(c->ds, &x->o->deid, &x->subject);
	if (e)
		return fail(&x->why, e, "its header cannot be cleaned: %s", err_name(e));
	x->why.text[0] = '\0';
	export_target_draft(&x->target, "clean", x->draft);
	x->fd = open(x->draft, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (x->fd < 0)
		return fail_errno(&x->why, ERR_IO, "making %s", x->draft);
	e = write_head(c);
	if (!e)
		e = copy_pixels(c);
	if (!e)
		e = prove(c);
	if (!e)
		add_map(x, c);
	return e;
}

enum err export_clean(struct export *x)
{
	struct cleaning *c = calloc(1, sizeof(*c));
	char old[PATH_MAX];
	if (!c)
		return fail(&x->why, ERR_NOMEM, "no memory to clean an object");
	c->x = x;
	c->from = x->fd;
	c->from_size = x->size;
	x->fd = -1;
	memcpy(old, x->draft, sizeof(old));
	arena_init(&c->arena, ARENA);
	enum err e = clean(c);
	arena_fini(&c->arena);
	free(c->raw);
	close(c->from);
	(void)unlink(old);
	free(c);
	return e;
}
