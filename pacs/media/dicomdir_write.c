#include "pacs/media/dicomdir_write.h"

#include <stdio.h>
#include <string.h>

#include "pacs/base/bounds.h"
#include "pacs/dicom/part10.h"
#include "pacs/media/media_file.h"

enum { PATIENT, STUDY, SERIES, OBJECT, ARENA = 16 << 20 };
enum { ITEM_HEAD = 8, NEXT_AT = ITEM_HEAD + 8, LOWER_AT = ITEM_HEAD + 12 + 10 + 8 };  /* 1400 UL, 1410 US, 1420 UL: values from the item's tag */

/* ---- keys ---- */

/* of: type 1 (has a value, else `missing` stands in), 2 (there, maybe empty), 3 (as the header has it). */
struct key { uint32_t tag; uint8_t type; const char *missing; };
#define MISSING_ID "*none*"
#define NUMBER { TAG(0x0020, 0x0013), 1, "0" }
#define MADE { TAG(0x0008, 0x0023), 1, "19000101" }, { TAG(0x0008, 0x0033), 1, "000000" }
#define LABEL { TAG(0x0070, 0x0080), 1, "UNKNOWN" }, { TAG(0x0070, 0x0081), 2, NULL }, { TAG(0x0070, 0x0084), 2, NULL }

static const struct key patient_keys[] = { { TAG_PATIENT_NAME, 2, NULL }, { TAG_PATIENT_ID, 1, MISSING_ID }, { TAG(0x0010, 0x0030), 3, NULL }, { TAG(0x0010, 0x0040), 3, NULL }, { 0 } };
static const struct key study_keys[] = { { TAG_STUDY_DATE, 1, "19000101" }, { TAG_STUDY_TIME, 1, "000000" }, { TAG_ACCESSION_NUMBER, 2, NULL },
	{ TAG(0x0008, 0x1030), 2, NULL }, { TAG_STUDY_UID, 1, "" }, { TAG(0x0020, 0x0010), 1, "0" }, { 0 } };
static const struct key series_keys[] = { { TAG_MODALITY, 1, "OT" }, { TAG(0x0008, 0x103E), 3, NULL }, { TAG_SERIES_UID, 1, "" }, { TAG(0x0020, 0x0011), 1, "0" }, { 0 } };
static const struct key image_keys[] = { { TAG(0x0008, 0x0008), 3, NULL }, NUMBER, { 0 } };
static const struct key dose_keys[] = { NUMBER, { TAG(0x3004, 0x000A), 1, "PLAN" }, { 0 } };
static const struct key structure_keys[] = { NUMBER, { TAG(0x3006, 0x0002), 1, "UNKNOWN" }, { TAG(0x3006, 0x0008), 2, NULL }, { TAG(0x3006, 0x0009), 2, NULL }, { 0 } };
static const struct key plan_keys[] = { NUMBER, { TAG(0x300A, 0x0002), 1, "UNKNOWN" }, { TAG(0x300A, 0x0006), 2, NULL }, { TAG(0x300A, 0x0007), 2, NULL }, { 0 } };
static const struct key treatment_keys[] = { NUMBER, { TAG(0x3008, 0x0250), 2, NULL }, { TAG(0x3008, 0x0251), 2, NULL }, { 0 } };
static const struct key presentation_keys[] = { { TAG(0x0008, 0x1115), 3, NULL }, NUMBER, LABEL, { TAG(0x0070, 0x0082), 1, "19000101" }, { TAG(0x0070, 0x0083), 1, "000000" }, { TAG(0x0070, 0x0402), 3, NULL }, { 0 } };
static const struct key made_keys[] = { MADE, NUMBER, { 0 } };
static const struct key report_keys[] = { MADE, NUMBER, { TAG(0x0040, 0xA043), 1, NULL }, { TAG(0x0040, 0xA491), 1, "PARTIAL" }, { TAG(0x0040, 0xA493), 1, "UNVERIFIED" }, { 0 } };
static const struct key note_keys[] = { MADE, NUMBER, { TAG(0x0040, 0xA043), 1, NULL }, { 0 } };
static const struct key spectrum_keys[] = { { TAG(0x0008, 0x0008), 1, "ORIGINAL\\PRIMARY" }, MADE, NUMBER, { TAG(0x0028, 0x0008), 1, "1" }, { TAG(0x0028, 0x0010), 3, NULL },
	{ TAG(0x0028, 0x0011), 3, NULL }, { TAG(0x0028, 0x9001), 3, NULL }, { TAG(0x0028, 0x9002), 3, NULL }, { 0 } };
static const struct key labelled_keys[] = { MADE, NUMBER, LABEL, { 0 } };
static const struct key document_keys[] = { { TAG(0x0008, 0x0023), 2, NULL }, { TAG(0x0008, 0x0033), 2, NULL }, NUMBER, { TAG(0x0040, 0xA043), 2, NULL }, { TAG(0x0042, 0x0010), 2, NULL },
	{ TAG(0x0042, 0x0012), 1, "application/octet-stream" }, { 0 } };

static const struct kind { const char *class, *type; const struct key *keys; } kinds[] = {
	{ "4.2", "SPECTROSCOPY", spectrum_keys }, { "9", "WAVEFORM", made_keys }, { "11", "PRESENTATION", presentation_keys },
	{ "66", "RAW DATA", made_keys }, { "66.1", "REGISTRATION", labelled_keys }, { "66.2", "FIDUCIAL", labelled_keys }, { "66.3", "REGISTRATION", labelled_keys },
	{ "66.4", "IMAGE", image_keys }, { "66.5", "SURFACE", labelled_keys }, { "66.6", "TRACT", labelled_keys }, { "66.7", "IMAGE", image_keys },
	{ "67", "VALUE MAP", labelled_keys }, { "68", "SURFACE SCAN", made_keys }, { "77.1.5.3", "STEREOMETRIC", labelled_keys }, { "78", "MEASUREMENT", made_keys },
	{ "88", "SR DOCUMENT", report_keys }, { "88.59", "KEY OBJECT DOC", note_keys }, { "90", "ASSESSMENT", made_keys }, { "104", "ENCAP DOC", document_keys },
	{ "481.2", "RT DOSE", dose_keys }, { "481.3", "RT STRUCTURE SET", structure_keys }, { "481.4", "RT TREAT RECORD", treatment_keys },
	{ "481.5", "RT PLAN", plan_keys }, { "481.6", "RT TREAT RECORD", treatment_keys }, { "481.7", "RT TREAT RECORD", treatment_keys },
	{ "481.8", "RT PLAN", plan_keys }, { "481.9", "RT TREAT RECORD", treatment_keys },
};

/* The longest that the class is, or is below. */
static const struct kind *kind_of(const char *class)
{
	static const struct kind image = { "", "IMAGE", image_keys };
	static const char storage[] = "1.2.840.10008.5.1.4.1.1.";
	const struct kind *best = &image;
	if (strncmp(class, storage, sizeof(storage) - 1))
		return best;
	class += sizeof(storage) - 1;
	for (size_t i = 0; i < NELEM(kinds); i++) {
		size_t n = strlen(kinds[i].class);
		if (!strncmp(class, kinds[i].class, n) && (!class[n] || class[n] == '.') && n > strlen(best->class))
			best = &kinds[i];
	}
	return best;
}

static enum err put_key(struct dataset *record, const struct dataset *header, const struct key *k)
{
	const struct element *el = dataset_find(header, k->tag);
	bool has_value = el && (el->vr == VR_SQ ? el->items != NULL : *dataset_str(header, k->tag) || (el->value.len && !vr_is_string(el->vr)));
	const struct dict_entry *known = dict_find(k->tag);
	if (has_value)
		return dataset_copy(record, el);
	if (k->type == 3)
		return ERR_OK;
	if (known && known->vr == VR_SQ)
		return dataset_put_empty_sequence(record, k->tag);
	if (known && known->vr == VR_IS && k->type == 1)
		return dataset_put_str(record, k->tag, k->missing);
	return k->type == 1 && k->missing ? dataset_put(record, k->tag, 0, bytes_str(k->missing)) : dataset_put(record, k->tag, 0, bytes_of(NULL, 0));
}

/* ---- records ---- */

static const char *class_of(const struct dicomdir_object *o)
{
	const char *own = dataset_str(o->header, TAG_SOP_CLASS_UID);
	return *own || !o->sop_class ? own : o->sop_class;
}

static enum err fill_record(struct dataset *r, const char *type, const struct dicomdir_object *o, const struct key *keys)
{
	const uint8_t zero[4] = { 0 }, in_use[2] = { 0xff, 0xff };
	const struct element *set = dataset_find(o->header, TAG_SPECIFIC_CHARACTER_SET);
	enum err e = dataset_put(r, TAG(0x0004, 0x1400), VR_UL, bytes_of(zero, 4));
	if (!e)
		e = dataset_put(r, TAG(0x0004, 0x1410), VR_US, bytes_of(in_use, 2));
	if (!e)
		e = dataset_put(r, TAG(0x0004, 0x1420), VR_UL, bytes_of(zero, 4));
	if (!e)
		e = dataset_put_str(r, TAG(0x0004, 0x1430), type);
	if (!e && o->file_id)
		e = dataset_put(r, TAG(0x0004, 0x1500), VR_CS, bytes_str(o->file_id));
	if (!e && o->file_id)
		e = dataset_put_str(r, TAG(0x0004, 0x1510), class_of(o));
	if (!e && o->file_id)
		e = dataset_put_str(r, TAG(0x0004, 0x1511), dataset_str(o->header, TAG_SOP_INSTANCE_UID));
	if (!e && o->file_id)
		e = dataset_put_str(r, TAG(0x0004, 0x1512), o->ts);
	if (!e && set && set->value.len)
		e = dataset_copy(r, set);
	for (; !e && keys->tag; keys++)
		e = put_key(r, o->header, keys);
	return e;
}

/* No two patients without an ID shall look like one. */
static enum err name_nobody(struct dataset *r, unsigned number)
{
	char id[24];
	if (!dataset_has(r, TAG_PATIENT_ID) || strcmp(dataset_str(r, TAG_PATIENT_ID), MISSING_ID))
		return ERR_OK;
	snprintf(id, sizeof(id), "NOID-%05u", number);
	return dataset_put_str(r, TAG_PATIENT_ID, id);
}

/* Behind the last record, as the next sibling of the open one of its level, or as the first child of that above. */
static enum err add_record(struct dicomdir_writer *w, unsigned level, const char *type, const char *key, const struct dicomdir_object *o, const struct key *keys)
{
	struct arena a;
	size_t at = w->out.len;
	arena_init(&a, ARENA);
	struct dataset *r = dataset_new(&a);
	enum err e = r ? fill_record(r, type, o, keys) : ERR_NOMEM;
	if (!e && level == PATIENT)
		e = name_nobody(r, w->patients);
	buf_add(&w->out, "\xfe\xff\0\xe0", 4);
	buf_add_le32(&w->out, 0);
	if (!e)
		e = dataset_write(r, DS_EXPLICIT_LE, &w->out);
	arena_fini(&a);
	if (!e)
		e = buf_err(&w->out);
	if (e)
		return e;
	put_le32(w->out.p + at + 4, (uint32_t)(w->out.len - at - ITEM_HEAD));
	size_t link = w->open[level].at ? w->open[level].at + NEXT_AT : level ? w->open[level - 1].at + LOWER_AT : w->root_at;
	put_le32(w->out.p + link, (uint32_t)at);
	if (level == PATIENT)
		put_le32(w->out.p + w->last_at, (uint32_t)at);
	w->open[level].at = at;
	snprintf(w->open[level].key, sizeof(w->open[level].key), "%s", key);
	for (unsigned below = level + 1; below <= OBJECT; below++)
		w->open[below].at = 0;
	return ERR_OK;
}

enum err dicomdir_write_add(struct dicomdir_writer *w, const struct dicomdir_object *o, struct why *why)
{
	static const struct { const char *type; const struct key *keys; uint32_t tag; } levels[] = {
		[PATIENT] = { "PATIENT", patient_keys, 0 }, [STUDY] = { "STUDY", study_keys, TAG_STUDY_UID }, [SERIES] = { "SERIES", series_keys, TAG_SERIES_UID },
	};
	const char *class = class_of(o);
	const struct kind *kind = kind_of(class);
	struct dicomdir_object upper = { .header = o->header };
	bool is_same = true;
	if (!*class || !*dataset_str(o->header, TAG_SOP_INSTANCE_UID) || !*dataset_str(o->header, TAG_STUDY_UID) || !*dataset_str(o->header, TAG_SERIES_UID))
		return fail(why, ERR_FORMAT, "without SOP class, SOP instance, study or series UID it has no record in a directory");
	for (unsigned level = PATIENT; !w->err && level < OBJECT; level++) {
		char key[sizeof(w->open[0].key)];
		snprintf(key, sizeof(key), "%.300s\n%.1200s", level ? dataset_str(o->header, levels[level].tag) : "", level ? "" : o->patient);
		is_same = is_same && w->open[level].at && !strcmp(w->open[level].key, key);
		if (!is_same && level == PATIENT)
			w->patients++;
		if (!is_same)
			w->err = add_record(w, level, levels[level].type, key, &upper, levels[level].keys);
	}
	if (!w->err)
		w->err = add_record(w, OBJECT, kind->type, "", o, kind->keys);
	return w->err ? fail(why, w->err, "the directory cannot take this record: %s", err_name(w->err)) : ERR_OK;
}

/* ---- the file ---- */

static void add_head(struct buf *b, uint16_t element, const char *vr, uint16_t len)
{
	buf_add_le16(b, 0x0004);
	buf_add_le16(b, element);
	buf_add(b, vr, 2);
	buf_add_le16(b, len);
}

enum err dicomdir_write_begin(struct dicomdir_writer *w, const char *file_set_id)
{
	struct part10 m = { .source_aet = "" };
	*w = (struct dicomdir_writer){ .root_at = 0 };
	buf_init(&w->out, BOUND_DICOMDIR);
	enum err e = uid_new(&m.sop_instance);
	snprintf(m.sop_class.s, sizeof(m.sop_class.s), "%s", UID_MEDIA_DIRECTORY);
	snprintf(m.transfer_syntax.s, sizeof(m.transfer_syntax.s), "%s", TS_EXPLICIT_LE);
	if (!e)
		e = part10_write(&m, &w->out);
	size_t len = strlen(file_set_id), even = len + (len & 1);
	add_head(&w->out, 0x1130, "CS", (uint16_t)even);
	buf_add(&w->out, file_set_id, len);
	if (even > len)
		buf_add_byte(&w->out, ' ');
	add_head(&w->out, 0x1200, "UL", 4);
	w->root_at = w->out.len;
	buf_add_le32(&w->out, 0);
	add_head(&w->out, 0x1202, "UL", 4);
	w->last_at = w->out.len;
	buf_add_le32(&w->out, 0);
	add_head(&w->out, 0x1212, "US", 2);
	buf_add_le16(&w->out, 0);
	add_head(&w->out, 0x1220, "SQ", 0);
	w->records_at = w->out.len;
	buf_add_le32(&w->out, 0);
	return e ? e : buf_err(&w->out);
}

enum err dicomdir_write_end(struct dicomdir_writer *w, struct bytes *out)
{
	if (w->err || buf_err(&w->out))
		return w->err ? w->err : buf_err(&w->out);
	put_le32(w->out.p + w->records_at, (uint32_t)(w->out.len - w->records_at - 4));
	*out = buf_view(&w->out);
	return ERR_OK;
}

void dicomdir_write_fini(struct dicomdir_writer *w)
{
	buf_fini(&w->out);
}
