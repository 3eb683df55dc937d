#include "router/worklist.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pacs/base/clock.h"
#include "pacs/dicom/charset.h"

struct reference { struct uid series, sop_class, sop; };
struct worklist_images {
	struct reference *refs;          /* owned */
	unsigned count, kept, cap;
	enum err err;
};

/* ---- the images ---- */

static bool keep_image(void *arg, const struct index_instance *i)
{
	struct worklist_images *im = arg;

	im->count++;
	if (im->kept == BOUND_ITEM_INSTANCES)
		return true;
	if (im->kept == im->cap) {
		unsigned cap = im->cap ? 2 * im->cap : 16;
		struct reference *grown = realloc(im->refs, cap * sizeof(*grown));
		if (!grown) {
			im->err = ERR_NOMEM;
			return false;
		}
		im->refs = grown;
		im->cap = cap;
	}
	im->refs[im->kept++] = (struct reference){ i->series_uid, i->sop_class, i->sop_uid };
	return true;
}

enum err worklist_images_read(struct index_reader *ix, const char *study_uid, struct worklist_images **out, struct why *why)
{
	struct worklist_images *im = calloc(1, sizeof(*im));
	enum err e;

	if (!im)
		return fail(why, ERR_NOMEM, "no memory for the images of %s", study_uid);
	e = index_study_instances(ix, study_uid, keep_image, im, why);
	if (!e && im->err)
		e = fail(why, im->err, "no memory for the images of %s", study_uid);
	*out = im;
	if (e)
		worklist_images_free(out);
	return e;
}

unsigned worklist_images_count(const struct worklist_images *im)
{
	return im->count;
}

void worklist_images_free(struct worklist_images **im)
{
	if (*im)
		free((*im)->refs);
	free(*im);
	*im = NULL;
}

/* ---- attributes ---- */

/* A run of puts: the first error stops the rest. */
struct put {
	struct dataset *ds;
	enum err e;
};

static void put(struct put *p, uint32_t tag, const char *text)
{
	if (!p->e)
		p->e = dataset_put_str(p->ds, tag, text);
}

static void put_no_items(struct put *p, uint32_t tag)
{
	if (!p->e)
		p->e = dataset_put_empty_sequence(p->ds, tag);
}

static struct put put_item(struct put *p, uint32_t sequence)
{
	struct dataset *item = p->e ? NULL : dataset_add_item(p->ds, sequence);

	if (!p->e && !item)
		p->e = ERR_NOMEM;
	return (struct put){ item, p->e };
}

static enum err fill_series(struct put *p, const struct index_study *st, const char *series, const char *aet)
{
	struct put in = put_item(p, TAG_INPUT_INFORMATION);

	put(&in, TAG_STUDY_UID, st->study_uid.s);
	put(&in, TAG_SERIES_UID, series);
	put(&in, TAG_TYPE_OF_INSTANCES, "DICOM");
	struct put from = put_item(&in, TAG_DICOM_RETRIEVAL);
	put(&from, TAG_RETRIEVE_AE, aet);
	return in.e ? in.e : from.e;
}

/* One item for each series (PS3.3 table 10-3c), found again by the last one's UID: the index gives series one after another. */
static enum err fill_input(struct dataset *ds, const struct index_study *st, const struct worklist_images *im, const char *aet)
{
	struct put p = { ds, dataset_put_empty_sequence(ds, TAG_INPUT_INFORMATION) };
	struct dataset *series = NULL;
	const char *last = "";
	unsigned items = 0;

	for (unsigned i = 0; i < im->kept && !p.e; i++) {
		if (!series || strcmp(last, im->refs[i].series.s) != 0) {
			last = im->refs[i].series.s;
			p.e = fill_series(&p, st, last, aet);
			series = p.e ? NULL : dataset_item(ds, TAG_INPUT_INFORMATION, items++);
		}
		struct put in = { series, p.e };
		struct put ref = put_item(&in, TAG_REFERENCED_SOPS);
		put(&ref, TAG_REFERENCED_SOP_CLASS, im->refs[i].sop_class.s);
		put(&ref, TAG_REFERENCED_SOP_INSTANCE, im->refs[i].sop.s);
		p.e = in.e ? in.e : ref.e;
	}
	return p.e;
}

static void fill_patient(struct put *p, const struct index_study *st)
{
	put(p, TAG_PATIENT_NAME, st->patient_name);
	put(p, TAG_PATIENT_ID, st->patient_id);
	put(p, TAG(0x0010, 0x0021), st->issuer);
	put(p, TAG(0x0010, 0x0030), st->birth_date);
	put(p, TAG(0x0010, 0x0040), st->sex);
	put(p, TAG(0x0038, 0x0010), "");         /* admission: we know of none (type 2) */
	put_no_items(p, TAG(0x0038, 0x0014));
}

static void fill_request(struct put *p, const struct index_study *st)
{
	struct put rq = put_item(p, TAG_REFERENCED_REQUEST);

	put(&rq, TAG_ACCESSION_NUMBER, st->accession);
	put(&rq, TAG(0x0008, 0x0090), st->referring);
	put(&rq, TAG_STUDY_UID, st->study_uid.s);
	put(&rq, TAG(0x0032, 0x1033), st->institution[0] ? st->institution : st->calling);      /* requesting service: the clinic */
	put(&rq, TAG(0x0032, 0x1060), st->description);
	put(&rq, TAG(0x0040, 0x1001), st->study_id);
	put_no_items(&rq, TAG(0x0032, 0x1064));
	if (!p->e)
		p->e = rq.e;
}

static void fill_schedule(struct put *p, const struct worklist_order *o)
{
	char label[80];

	snprintf(label, sizeof(label), "READING-%s", o->group);
	put(p, TAG_STEP_PRIORITY, o->is_urgent ? "HIGH" : "MEDIUM");
	put(p, TAG_WORKLIST_LABEL, o->group);
	put(p, TAG_STEP_LABEL, label);
	put(p, TAG_STEP_COMMENTS, o->comment);
	put(p, TAG_STEP_START, clock_dt(o->now_ms).s);
	put(p, TAG_STEP_EXPECTED, clock_dt(o->expected_ms).s);
	put(p, TAG_INPUT_READINESS, "READY");
	if (!p->e)
		p->e = item_attrs_add_code(p->ds, TAG_WORKITEM_CODE, "110005", "DCM", "Interpretation");
}

/* Attributes of PS3.4 table CC.2.5-3 that must be there though we have nothing to say (type 2). */
static void fill_empty(struct put *p)
{
	static const uint32_t sequences[] = { TAG(0x0040, 0x4025), TAG(0x0040, 0x4026), TAG(0x0040, 0x4027), TAG(0x0040, 0x4034),
	                                      TAG_STEP_PROGRESS, TAG(0x0074, 0x1210), TAG_PERFORMED_PROCEDURE };

	for (size_t i = 0; i < NELEM(sequences); i++)
		put_no_items(p, sequences[i]);
}

/* The first of a backslash-separated list. */
static void first_value(const char *list, char *out, size_t size)
{
	snprintf(out, size, "%.*s", (int)strcspn(list, "\\"), list);
}

static void fill_study(struct put *p, const struct index_study *st)
{
	char modality[17];

	first_value(st->modalities, modality, sizeof(modality));
	put(p, TAG_STUDY_UID, st->study_uid.s);
	/* Not of the UPS IOD, but what a reader's list shows: study date and time, modality, accession, description. */
	put(p, TAG_STUDY_DATE, st->study_date);
	put(p, TAG_STUDY_TIME, st->study_time);
	put(p, TAG_ACCESSION_NUMBER, st->accession);
	put(p, TAG_MODALITY, modality);
	put(p, TAG_MODALITIES_IN_STUDY, st->modalities);
	put(p, TAG(0x0008, 0x1030), st->description);
	fill_patient(p, st);
	dataset_remove(p->ds, TAG_REFERENCED_REQUEST);
	fill_request(p, st);
}

enum err worklist_item_fill(struct dataset *ds, const struct index_study *st, const struct worklist_images *im, const struct worklist_order *o)
{
	struct put p = { ds, ERR_OK };

	put(&p, TAG_SOP_CLASS_UID, UID_UPS_PUSH);
	put(&p, TAG_SOP_INSTANCE_UID, o->uid);
	fill_study(&p, st);
	fill_schedule(&p, o);
	fill_empty(&p);
	return p.e ? p.e : fill_input(ds, st, im, o->aet);
}

enum err worklist_item_refill(struct dataset *ds, const struct index_study *st, const struct worklist_images *im, const char *aet, const char *comment)
{
	struct put p = { ds, ERR_OK };

	put(&p, TAG_STEP_COMMENTS, comment);
	put(&p, TAG_MODALITIES_IN_STUDY, st->modalities);
	return p.e ? p.e : fill_input(ds, st, im, aet);
}

enum err worklist_item_again(struct dataset *ds, const struct index_study *st, const struct worklist_images *im, const char *aet)
{
	struct put p = { ds, ERR_OK };

	fill_study(&p, st);
	return p.e ? p.e : fill_input(ds, st, im, aet);
}
