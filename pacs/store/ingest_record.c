#include "pacs/store/ingest_private.h"

#include <ctype.h>
#include <stdio.h>

#include "pacs/base/clock.h"
#include "pacs/dicom/charset_detect.h"
#include "pacs/dicom/match.h"

enum { TEXT_MAX = 1024 };        /* longest text that goes into a column; the header has it whole */

static const char *const how_names[] = {
	[CHARSET_ASCII] = "ascii", [CHARSET_DECLARED] = "declared", [CHARSET_SENDER] = "sender",
	[CHARSET_DETECTED] = "detected", [CHARSET_LATIN1] = "latin1",
};
static const char *const said_names[] = {
	[CHARSET_SAID_RIGHT] = "right", [CHARSET_SAID_NOTHING] = "nothing", [CHARSET_SAID_FALSE] = "false",
};

/* What reading one header needs; out of memory is remembered here and told once at the end. */
struct reading {
	struct ingest *g;
	const struct dataset *ds;
	struct charset_verdict text;         /* in which set the header's text is */
	enum charset_how how;
	bool no_memory;
};

static const char *keep(struct reading *rd, const char *s, size_t len)
{
	const char *copy = arena_strn(&rd->g->texts, s, len);
	rd->no_memory |= !copy;
	return copy ? copy : "";
}

/* Decoded text, cut between characters when far too long. */
static const char *text(struct reading *rd, uint32_t tag)
{
	const struct element *el = dataset_find(rd->ds, tag);
	const struct dict_entry *d = dict_find(tag);
	if (!el || !el->value.len)
		return "";
	struct buf b;
	buf_init(&b, BOUND_ELEMENT * 4);
	enum charset_how how = charset_read(&rd->text, d ? d->vr : VR_LO, el->value, &b);
	rd->how = how > rd->how ? how : rd->how;
	rd->no_memory |= buf_err(&b) == ERR_NOMEM;
	const char *s = buf_cstr(&b);
	size_t n = strlen(s);
	if (n > TEXT_MAX)
		for (n = TEXT_MAX; n && ((uint8_t)s[n] & 0xC0) == 0x80; n--)
			;
	s = keep(rd, s, n);
	buf_fini(&b);
	return s;
}

/* A code string as it should have been sent: upper case. */
static const char *code(struct reading *rd, uint32_t tag)
{
	const char *s = dataset_str(rd->ds, tag);
	size_t n = strlen(s);
	char *copy = arena_strn(&rd->g->texts, s, n < TEXT_MAX ? n : TEXT_MAX);
	rd->no_memory |= !copy;
	for (char *c = copy; c && *c; c++)
		*c = (char)toupper((unsigned char)*c);
	return copy ? copy : "";
}

static const char *moment(struct reading *rd, uint32_t tag, vr_t vr)
{
	char out[32];
	match_normalise(vr, dataset_str_n(rd->ds, tag, 0), out);
	return out[0] ? keep(rd, out, strlen(out)) : "";
}

/* "007" and "+7" are 7, so that a query for 7 finds them. */
static const char *number(struct reading *rd, uint32_t tag)
{
	int64_t v;
	char out[24];
	if (!dataset_int(rd->ds, tag, &v)) {
		const char *s = dataset_str_n(rd->ds, tag, 0);
		size_t n = strlen(s);
		return keep(rd, s, n < TEXT_MAX ? n : TEXT_MAX);
	}
	int n = snprintf(out, sizeof(out), "%lld", (long long)v);
	return keep(rd, out, (size_t)n);
}

static int small(struct reading *rd, uint32_t tag)
{
	int64_t v;
	return dataset_int(rd->ds, tag, &v) && v >= 0 && v <= INT_MAX ? (int)v : 0;
}

/* ---- UIDs ---- */

/* Illegal ones that can still name something are taken; see dicom-notes on real-world oddities. */
static bool is_usable(const char *uid)
{
	size_t n = strlen(uid);
	if (!n || n > BOUND_UID)
		return false;
	for (; *uid; uid++)
		if (*uid <= ' ' || *uid > '~' || *uid == '\\')
			return false;
	return true;
}

static enum err take_uids(struct reading *rd, struct entry *it, struct why *why)
{
	static const struct { uint32_t tag; const char *name; } needed[] = {
		{ TAG_STUDY_UID, "Study" }, { TAG_SERIES_UID, "Series" }, { TAG_SOP_INSTANCE_UID, "SOP" } };
	const char **const into[] = { &it->record.study_uid, &it->record.series_uid, &it->record.sop_uid };
	const struct ingest_job *j = it->job;
	for (size_t i = 0; i < NELEM(needed); i++) {
		const char *uid = dataset_str(rd->ds, needed[i].tag);
		if (!is_usable(uid))
			return fail(why, ERR_FORMAT, "no usable %s Instance UID: %zu characters", needed[i].name, strlen(uid));
		*into[i] = keep(rd, uid, strlen(uid));
	}
	if (j->sop_instance.s[0] && strcmp(j->sop_instance.s, it->record.sop_uid))
		return fail(why, ERR_MISMATCH, "the command says SOP instance %s, the data set %s", j->sop_instance.s, it->record.sop_uid);
	const char *class = dataset_str(rd->ds, TAG_SOP_CLASS_UID);
	bool has_class = is_usable(class);
	it->result.class_differs = has_class && j->sop_class.s[0] && strcmp(class, j->sop_class.s);
	it->record.sop_class = has_class ? keep(rd, class, strlen(class)) : j->sop_class.s;
	return ERR_OK;
}

static void take_columns(struct reading *rd, struct index_record *r)
{
	r->patient_id = text(rd, TAG_PATIENT_ID);
	r->issuer = text(rd, TAG(0x0010, 0x0021));
	r->patient_name = text(rd, TAG_PATIENT_NAME);
	r->birth_date = moment(rd, TAG(0x0010, 0x0030), VR_DA);
	r->sex = code(rd, TAG(0x0010, 0x0040));
	r->study_date = moment(rd, TAG_STUDY_DATE, VR_DA);
	r->study_time = moment(rd, TAG_STUDY_TIME, VR_TM);
	r->accession = text(rd, TAG_ACCESSION_NUMBER);
	r->study_id = text(rd, TAG(0x0020, 0x0010));
	r->study_description = text(rd, TAG(0x0008, 0x1030));
	r->referring = text(rd, TAG(0x0008, 0x0090));
	r->modality = code(rd, TAG_MODALITY);
	r->series_number = number(rd, TAG(0x0020, 0x0011));
	r->series_description = text(rd, TAG(0x0008, 0x103E));
	r->body_part = code(rd, TAG(0x0018, 0x0015));
	r->protocol = text(rd, TAG(0x0018, 0x1030));
	r->station = text(rd, TAG(0x0008, 0x1010));
	r->institution = text(rd, TAG(0x0008, 0x0080));
	r->series_date = moment(rd, TAG(0x0008, 0x0021), VR_DA);
	r->series_time = moment(rd, TAG(0x0008, 0x0031), VR_TM);
	r->instance_number = number(rd, TAG(0x0020, 0x0013));
	r->content_date = moment(rd, TAG(0x0008, 0x0023), VR_DA);
	r->content_time = moment(rd, TAG(0x0008, 0x0033), VR_TM);
	r->rows = small(rd, TAG(0x0028, 0x0010));
	r->columns = small(rd, TAG(0x0028, 0x0011));
	r->frames = small(rd, TAG(0x0028, 0x0008));
	r->bits = small(rd, TAG(0x0028, 0x0100));
}

enum err ingest_make_record(struct ingest *g, struct entry *it, struct why *why)
{
	struct ingest_job *j = it->job;
	struct dataset *ds = NULL;
	struct arena_mark mark = arena_mark(&g->scratch);
	enum err e = dataset_parse(&g->scratch, j->header, j->encoding, &ds, why);
	if (!e) {
		struct reading rd = { .g = g, .ds = ds };
		charset_judge(ds, "", j->charset, &rd.text);
		rd.how = rd.text.how;
		rd.no_memory = rd.text.no_memory;
		e = take_uids(&rd, it, why);
		if (!e)
			take_columns(&rd, &it->record);
		it->record.charset_how = how_names[rd.how];
		it->record.charset_said = said_names[rd.text.said];
		it->record.charset_declared = keep(&rd, rd.text.declared, strlen(rd.text.declared));
		it->record.charset_found = keep(&rd, rd.text.found, strlen(rd.text.found));
		if (rd.no_memory)
			e = fail(why, ERR_NOMEM, "no memory for the texts of a header");
	}
	arena_release(&g->scratch, mark);
	it->record.ts = j->ts.s;
	it->record.size = j->size;
	it->record.dataset_at = j->dataset_at;
	it->record.digest = j->digest;
	it->record.pixel_digest = j->pixel_digest;
	it->record.calling = j->calling;
	it->record.address = j->address;
	it->record.header = j->header;
	it->record.header_encoding = (int)j->encoding;
	if (!it->record.received_ms)
		it->record.received_ms = j->received_ms ? j->received_ms : clock_wall_ms();
	return e;
}
