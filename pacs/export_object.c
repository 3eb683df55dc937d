#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pacs/base/durable.h"
#include "pacs/dicom/coerce.h"
#include "pacs/dicom/part10.h"
#include "pacs/export_private.h"

/* One object's way:
 *
 *   export_object -> source (read, corrected, transcoded) -> draft -> [clean, proved] -> record of the directory -> target -> export_next
 *        \-> passed over: missing, damaged, refused                                         any failure of the target: export_stop */

enum { HEAD_FIRST = 256 << 10, HEAD_MAX = 128 << 20, ARENA = 256 << 20, NAME_MAX_LEN = 40 };
#define PIXELS TAG(0x7FE0, 0x0000)

static void close_draft(struct export *x)
{
	if (x->fd < 0)
		return;
	close(x->fd);
	x->fd = -1;
}

/* ---- the head of what was written ---- */

enum err export_read_head(int fd, uint64_t at, uint64_t size, const struct ts *ts, struct arena *a, uint8_t **raw, struct dataset **ds, uint64_t *end, struct why *why)
{
	uint64_t left = size - at;
	size_t have = left < HEAD_FIRST ? (size_t)left : HEAD_FIRST, boundary = 0;
	enum err e = ERR_MORE;
	*raw = NULL;
	while (e == ERR_MORE && have <= HEAD_MAX) {
		uint8_t *grown = realloc(*raw, have ? have : 1);
		if (!grown)
			return fail(why, ERR_NOMEM, "no memory for a header of %zu bytes", have);
		*raw = grown;
		e = durable_pread(fd, *raw, have, (off_t)at, why);
		if (!e)
			e = coerce_boundary(bytes_of(*raw, have), have == left, ds_encoding_of(ts), PIXELS, &boundary, why);
		if (e == ERR_MORE)
			have = left - have < have ? (size_t)left : 2 * have;
	}
	if (e == ERR_MORE)
		return fail(why, ERR_LIMIT, "a header of over %d bytes", HEAD_MAX);
	if (!e)
		e = dataset_parse(a, bytes_of(*raw, boundary), ds_encoding_of(ts), ds, why);
	*end = at + boundary;
	return e;
}

/* ---- its place ---- */

/* P00001/S00001/E00001/I0000001; with \ between them a file ID (PS3.10 8.2). */
static bool name_of(struct export *x, char sep, char out[NAME_MAX_LEN])
{
	if (x->patient_no > 99999 || x->study_no > 99999 || x->series_no > 99999 || x->object_no > 9999999)
		return false;
	snprintf(out, NAME_MAX_LEN, "P%05u%cS%05u%cE%05u%cI%07u", x->patient_no, sep, x->study_no, sep, x->series_no, sep, x->object_no);
	return true;
}

/* Numbers are given to what goes out, so that nothing is missing in them. */
static void number_it(struct export *x)
{
	struct export_result *r = x->result;
	if (!x->has_named_patient) {
		x->patient_no++;
		r->patients++;
		x->study_no = 0;
	}
	if (!x->has_named_study) {
		x->study_no++;
		r->studies++;
		x->series_no = 0;
	}
	if (!x->has_named_series) {
		x->series_no++;
		r->series++;
		x->object_no = 0;
	}
	x->has_named_patient = x->has_named_study = x->has_named_series = true;
	x->object_no++;
}

static enum err add_to_directory(struct export *x, const char *file_id)
{
	struct arena a;
	struct dataset *ds = NULL;
	uint8_t *raw = NULL;
	uint64_t end;
	if (!x->o->with_dicomdir)
		return ERR_OK;
	/* Deflated all over: there is no plain head in the file; the index has one. */
	arena_init(&a, ARENA);
	enum err e = ERR_OK;
	if (x->ts->is_deflated) {
		int enc;
		size_t len;
		e = index_header(x->index, x->instance.instance, &raw, &len, &enc, &x->why);
		if (!e)
			e = dataset_parse(&a, bytes_of(raw, len), (enum ds_encoding)enc, &ds, &x->why);
	} else {
		e = export_read_head(x->fd, x->dataset_at, x->size, x->ts, &a, &raw, &ds, &end, &x->why);
	}
	struct dicomdir_object o = { .header = ds, .file_id = file_id, .ts = x->ts->uid, .sop_class = x->instance.sop_class.s, .patient = x->picks.of[x->study].patient };
	if (!e)
		e = dicomdir_write_add(&x->directory, &o, &x->why);
	arena_fini(&a);
	free(raw);
	return e;
}

static void finish(struct export *x)
{
	char name[NAME_MAX_LEN], file_id[NAME_MAX_LEN];
	enum err e = x->o->is_deid ? export_clean(x) : ERR_OK;
	if (e == ERR_FORMAT || e == ERR_LIMIT || e == ERR_MISMATCH) {
		x->leaked += e == ERR_MISMATCH;
		export_pass_over(x, x->why.text, e != ERR_MISMATCH);
		return;
	}
	if (!e) {
		number_it(x);
		if (!name_of(x, '/', name) || !name_of(x, '\\', file_id))
			e = fail(&x->why, ERR_LIMIT, "more patients, studies or images than a file set has names for: export in parts");
	}
	if (!e && (e = add_to_directory(x, file_id)) == ERR_FORMAT) {
		x->object_no--;
		export_pass_over(x, x->why.text, true);
		return;
	}
	close_draft(x);
	if (!e)
		e = export_target_take(&x->target, x->draft, name, !x->ts->is_encapsulated && !x->ts->is_deflated, &x->why);
	if (e) {
		export_stop(x, e);
		return;
	}
	x->result->objects++;
	x->result->bytes += x->size;
	export_next(x);
}

/* ---- from its source ---- */

static enum err begin_draft(struct export *x)
{
	struct part10 m = { .sop_class = x->instance.sop_class, .sop_instance = x->instance.sop_uid };
	struct buf head;
	snprintf(m.transfer_syntax.s, sizeof(m.transfer_syntax.s), "%s", x->ts->uid);
	if (!x->o->is_deid)
		snprintf(m.source_aet, sizeof(m.source_aet), "%s", x->conf->aet);
	export_target_draft(&x->target, "draft", x->draft);
	buf_init(&head, 4096);
	enum err e = part10_write(&m, &head);
	x->fd = open(x->draft, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (!e && x->fd < 0)
		e = fail_errno(&x->why, ERR_IO, "making %s", x->draft);
	if (!e)
		e = durable_pwrite(x->fd, head.p, head.len, 0, &x->why);
	x->size = x->dataset_at = head.len;
	buf_fini(&head);
	return e;
}

static bool is_of_object(enum err e)
{
	return e == ERR_NOT_FOUND || e == ERR_IO || e == ERR_FORMAT || e == ERR_MISMATCH || e == ERR_LIMIT || e == ERR_UNSUPPORTED || e == ERR_TIMEOUT || e == ERR_CLOSED;
}

static void start(struct export *x, const struct ts *to);

static void source_failed(struct export *x, enum err e, const struct why *why)
{
	bool was_transcoding = x->source.to != NULL;
	x->why = *why;
	source_close(&x->source);
	close_draft(x);
	if (e == ERR_UNSUPPORTED && was_transcoding && !x->o->is_deid) {
		x->result->kept_syntax++;
		start(x, NULL);
	} else if (!x->is_again && (e == ERR_NOT_FOUND || e == ERR_IO)) {
		x->is_again = true;              /* compression may have put another file in its place just now */
		export_object(x);
	} else if (is_of_object(e)) {
		export_pass_over(x, why->text[0] ? why->text : err_name(e), true);
	} else {
		export_stop(x, e);
	}
}

static void on_source(void *arg, enum err e, const struct why *why)
{
	struct export *x = arg;
	if (e) {
		source_failed(x, e, why);
		return;
	}
	if (x->fd < 0 && (e = begin_draft(x))) {
		source_close(&x->source);
		export_stop(x, e);
		return;
	}
	bool is_last = source_is_last(&x->source);
	struct bytes piece = source_view(&x->source);
	e = durable_pwrite(x->fd, piece.p, piece.len, (off_t)x->size, &x->why);
	x->size += piece.len;
	source_taken(&x->source);
	if (!e && !is_last) {
		source_read(&x->source);
		return;
	}
	source_close(&x->source);
	if (e)
		export_stop(x, e);
	else
		finish(x);
}

static void start(struct export *x, const struct ts *to)
{
	const struct ts *stored = ts_find(x->instance.ts.s);
	x->ts = to ? to : stored;
	x->source = (struct source){ .loop = x->loop, .dir = x->conf->dir, .xcode = x->xcode, .oid = x->instance.oid, .changed = x->instance.change ? x->instance.instance : 0,
	                             .ts = stored, .to = to, .done = on_source, .arg = x };
	source_init(&x->source, x->instance.dataset_at, x->instance.size);
	source_start(&x->source);
}

/* What is deflated as a whole has no head that can be corrected or cleaned. */
static const struct ts *syntax_for(const struct export *x, const struct ts *stored)
{
	const struct ts *to = x->o->ts;
	if (!to && stored->is_deflated && (x->o->is_deid || x->instance.change))
		to = ts_find(TS_EXPLICIT_LE);
	return to && strcmp(to->uid, stored->uid) ? to : NULL;
}

void export_object(struct export *x)
{
	enum err e = index_get(x->index, x->items[x->item].instance, &x->instance, &x->why);
	if (e == ERR_NOT_FOUND) {
		export_pass_over(x, "it was removed meanwhile", true);
		return;
	}
	if (e) {
		export_stop(x, e);
		return;
	}
	const struct ts *stored = ts_find(x->instance.ts.s);
	if (!stored) {
		export_pass_over(x, "it is stored in a transfer syntax that is not known", true);
		return;
	}
	const char *refusal = x->o->is_deid ? export_refusal(x) : NULL;
	if (refusal)
		export_pass_over(x, refusal, false);
	else
		start(x, syntax_for(x, stored));
}
