#include "pacs/dicom/availability.h"

#include <string.h>

#define TAG_STEPS TAG(0x0008, 0x1111)
#define TAG_SERIES TAG(0x0008, 0x1115)
#define TAG_SOPS TAG(0x0008, 0x1199)
#define TAG_REF_CLASS TAG(0x0008, 0x1150)
#define TAG_REF_INSTANCE TAG(0x0008, 0x1155)

enum { ARENA = 32 << 20 };
enum { MISSING_ATTRIBUTE = 0x0120, BAD_VALUE = 0x0106, UNREADABLE = 0xC000, TOO_LARGE = 0x0213 };

/* ---- building ---- */

enum err availability_begin(struct availability *a, struct arena *arena, const char *study_uid)
{
	*a = (struct availability){ .ds = dataset_new(arena), .last_series = "" };
	enum err e = a->ds ? dataset_put_empty_sequence(a->ds, TAG_STEPS) : ERR_NOMEM;
	return e ? e : dataset_put_str(a->ds, TAG_STUDY_UID, study_uid);
}

static enum err add_series(struct availability *a, const char *series_uid)
{
	a->series = dataset_add_item(a->ds, TAG_SERIES);
	enum err e = a->series ? dataset_put_str(a->series, TAG_SERIES_UID, series_uid) : ERR_NOMEM;
	if (!e)
		a->last_series = dataset_str(a->series, TAG_SERIES_UID);
	return e;
}

enum err availability_add(struct availability *a, const char *series_uid, const char *sop_class, const char *sop_instance, const char *retrieve_aet)
{
	enum err e = a->series && !strcmp(a->last_series, series_uid) ? ERR_OK : add_series(a, series_uid);
	struct dataset *item = e ? NULL : dataset_add_item(a->series, TAG_SOPS);
	if (!e && !item)
		e = ERR_NOMEM;
	if (!e)
		e = dataset_put_str(item, TAG_RETRIEVE_AE, retrieve_aet);
	if (!e)
		e = dataset_put_str(item, TAG_AVAILABILITY, "ONLINE");
	if (!e)
		e = dataset_put_str(item, TAG_REF_CLASS, sop_class);
	if (!e)
		e = dataset_put_str(item, TAG_REF_INSTANCE, sop_instance);
	a->count += !e;
	return e;
}

/* ---- reading ---- */

struct reading {
	struct availability_summary *out;
	uint16_t *status;
	struct why *why;
};

static enum err need(struct reading *r, const struct dataset *ds, uint32_t tag, bool is_uid, const char *name)
{
	const char *text = dataset_str(ds, tag);
	if (!text[0]) {
		*r->status = MISSING_ATTRIBUTE;
		return fail(r->why, ERR_FORMAT, "there is no %s", name);
	}
	if (is_uid && !uid_is_legal(text)) {
		*r->status = BAD_VALUE;
		return fail(r->why, ERR_FORMAT, "%s is \"%.70s\", expected a UID", name, text);
	}
	return ERR_OK;
}

/* What all have in common. */
static void merge(char *all, size_t size, const char *one, bool is_first)
{
	if (is_first)
		memcpy(all, one, strnlen(one, size - 1) + 1);
	else if (strncmp(all, one, size - 1))
		memcpy(all, "mixed", sizeof("mixed"));
	all[size - 1] = '\0';
}

static enum err read_instance(struct reading *r, const struct dataset *ds)
{
	struct availability_summary *s = r->out;
	enum err e = need(r, ds, TAG_REF_CLASS, true, "Referenced SOP Class UID");
	if (!e)
		e = need(r, ds, TAG_REF_INSTANCE, true, "Referenced SOP Instance UID");
	if (!e)
		e = need(r, ds, TAG_AVAILABILITY, false, "Instance Availability");
	if (!e)
		e = need(r, ds, TAG_RETRIEVE_AE, false, "Retrieve AE Title");
	if (e)
		return e;
	merge(s->availability, sizeof(s->availability), dataset_str(ds, TAG_AVAILABILITY), !s->instances);
	merge(s->retrieve_aet, sizeof(s->retrieve_aet), dataset_str_n(ds, TAG_RETRIEVE_AE, 0), !s->instances);
	s->instances++;
	return ERR_OK;
}

static enum err read_series(struct reading *r, const struct dataset *ds)
{
	const struct element *el = dataset_find(ds, TAG_SOPS);
	enum err e = need(r, ds, TAG_SERIES_UID, true, "Series Instance UID");
	if (!e && (!el || !el->items)) {
		*r->status = MISSING_ATTRIBUTE;
		return fail(r->why, ERR_FORMAT, "a series without instances");
	}
	for (const struct item *i = e ? NULL : el->items; i && !e; i = i->next)
		e = read_instance(r, i->ds);
	r->out->series += !e;
	return e;
}

static enum err read_all(struct reading *r, const struct dataset *ds)
{
	const struct element *el = dataset_find(ds, TAG_SERIES);
	enum err e = need(r, ds, TAG_STUDY_UID, true, "Study Instance UID");
	if (e)
		return e;
	const char *study = dataset_str(ds, TAG_STUDY_UID);
	memcpy(r->out->study_uid.s, study, strlen(study) + 1);
	if (!el || !el->items) {
		*r->status = MISSING_ATTRIBUTE;
		return fail(r->why, ERR_FORMAT, "there is no Referenced Series Sequence");
	}
	for (const struct item *i = el->items; i && !e; i = i->next)
		e = read_series(r, i->ds);
	return e;
}

enum err availability_read(struct bytes data, enum ds_encoding enc, struct availability_summary *out, uint16_t *status, struct why *why)
{
	struct reading r = { out, status, why };
	struct dataset *ds = NULL;
	struct arena a;
	*out = (struct availability_summary){ 0 };
	*status = 0;
	arena_init(&a, ARENA);
	enum err e = dataset_parse(&a, data, enc, &ds, why);
	if (e)
		*status = e == ERR_NOMEM || e == ERR_LIMIT ? TOO_LARGE : UNREADABLE;
	else
		e = read_all(&r, ds);
	arena_fini(&a);
	return e;
}
