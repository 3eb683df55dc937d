#include "pacs/media/deid.h"

#include <ctype.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "pacs/base/bounds.h"

#define TAG_MODALITY_OF(ds) dataset_str(ds, TAG_MODALITY)
enum { DAYS_LEAST = 366, DAYS_SPAN = 3652 };

const char deid_retain_names[] = "uids, device, institution, dates, modified-dates, patient-characteristics, overlays";

bool deid_retain_parse(const char *name, unsigned *bit)
{
	static const struct { const char *name; unsigned bit; } names[] = {
		{ "uids", DEID_UIDS }, { "device", DEID_DEVICE }, { "institution", DEID_INSTITUTION }, { "dates", DEID_DATES },
		{ "modified-dates", DEID_MODIFIED_DATES }, { "patient-characteristics", DEID_PATIENT }, { "overlays", DEID_OVERLAYS },
	};
	for (size_t i = 0; i < NELEM(names); i++)
		if (!strcmp(names[i].name, name)) {
			*bit = names[i].bit;
			return true;
		}
	return false;
}

/* ---- what must not go out ---- */

static bool begins(const char *s, const char *with)
{
	return !strncmp(s, with, strlen(with));
}

/* Overlays whose bits stand in the unused bits of pixel data cannot be taken out of it. */
static bool has_embedded_overlay(const struct dataset *ds)
{
	for (const struct element *el = ds->first; el; el = el->next) {
		int64_t bits;
		if ((TAG_GROUP(el->tag) & 0xff00) == 0x6000 && TAG_ELEMENT(el->tag) == 0x0100 && dataset_int(ds, el->tag, &bits) && bits > 1)
			return true;
	}
	return false;
}

const char *deid_refusal(const struct dataset *ds, const struct deid_options *o)
{
#define STORAGE "1.2.840.10008.5.1.4.1.1."
	static const struct { const char *class; const char *why; } kinds[] = {
		{ STORAGE "3", "ultrasound usually shows text in its pixels" },          /* .3 and .3.1 */
		{ STORAGE "6", "ultrasound usually shows text in its pixels" },          /* .6 .6.1 .6.2 */
		{ STORAGE "7", "secondary captures usually show text in their pixels" },
		{ STORAGE "77.1", "photographs may show the patient or text" },
		{ STORAGE "88", "structured reports are free text" },
		{ STORAGE "104", "encapsulated documents are not looked into" },
		{ STORAGE "501", "captured scenes may show text" },
	};
	static const struct { const char *modality; const char *why; } modalities[] = {
		{ "US", "ultrasound usually shows text in its pixels" }, { "IVUS", "ultrasound usually shows text in its pixels" },
		{ "XC", "photographs may show the patient or text" }, { "ES", "photographs may show the patient or text" },
		{ "GM", "photographs may show the patient or text" }, { "OT", "images of modality OT may show anything" },
		{ "SC", "secondary captures usually show text in their pixels" }, { "DOC", "documents are not looked into" },
		{ "SR", "structured reports are free text" }, { "KO", "structured reports are free text" },
	};
	if (o->accept_burned_in)
		return NULL;
	const char *class = dataset_str(ds, TAG_SOP_CLASS_UID), *burned = dataset_str(ds, TAG(0x0028, 0x0301));
	if (*burned && strcmp(burned, "NO"))
		return "Burned In Annotation (0028,0301) is not NO";
	if (!strcmp(dataset_str(ds, TAG(0x0028, 0x0302)), "YES"))
		return "Recognizable Visual Features (0028,0302) is YES";
	for (size_t i = 0; i < NELEM(kinds); i++) {
		size_t n = strlen(kinds[i].class);
		if (begins(class, kinds[i].class) && (!class[n] || class[n] == '.'))
			return kinds[i].why;
	}
	for (size_t i = 0; i < NELEM(modalities); i++)
		if (!strcmp(TAG_MODALITY_OF(ds), modalities[i].modality))
			return modalities[i].why;
	if (!strcmp(dataset_str(ds, TAG(0x0008, 0x0064)), "WSD") || !strcmp(dataset_str(ds, TAG(0x0008, 0x0064)), "SI") || begins(dataset_str(ds, TAG(0x0008, 0x0064)), "D"))
		return "it was converted from another image or a film (0008,0064)";
	if (has_embedded_overlay(ds))
		return "an overlay stands in the unused bits of its pixel data";
	return NULL;
}

/* ---- secrets ---- */

static void keyed(const struct deid_options *o, const char *what, const char *text, uint8_t out[32])
{
	char in[8 + 600];
	unsigned len = 32;
	int n = snprintf(in, sizeof(in), "%.7s:%.590s", what, text);
	HMAC(EVP_sha256(), o->key, sizeof(o->key), (const unsigned char *)in, (size_t)n, out, &len);
}

void deid_key_of(struct bytes secret, uint8_t out[32])
{
	static const char purpose[] = "pacs export --deidentify";
	unsigned len = 32;
	HMAC(EVP_sha256(), purpose, sizeof(purpose) - 1, secret.p, secret.len, out, &len);
}

void deid_uid(const struct deid_options *o, const char *old, struct uid *out)
{
	uint8_t digest[32];
	keyed(o, "uid", old, digest);
	uid_of_digest(digest, out);
}

void deid_subject_of(const struct deid_options *o, const char *patient_key, char pseudonym[20], int *days)
{
	uint8_t digest[32];
	keyed(o, "patient", patient_key, digest);
	snprintf(pseudonym, 20, "P-%02X%02X%02X%02X%02X", digest[0], digest[1], digest[2], digest[3], digest[4]);
	*days = -DAYS_LEAST - (int)(be32(digest + 8) % DAYS_SPAN);
}

/* ---- values ---- */

struct deid {
	const struct deid_options *o;
	const struct deid_subject *s;
};

static enum err set(struct dataset *ds, struct element *el, const char *text)
{
	return dataset_put(ds, el->tag, el->vr, bytes_str(text));
}

static const char *dummy(vr_t vr)
{
	static const struct { vr_t vr; const char *text; } of[] = {
		{ VR_DA, "19000101" }, { VR_TM, "000000" }, { VR_DT, "19000101000000" }, { VR_AS, "000Y" }, { VR_IS, "0" }, { VR_DS, "0" }, { VR_UR, "urn:uuid:0" },
	};
	for (size_t i = 0; i < NELEM(of); i++)
		if (of[i].vr == vr)
			return of[i].text;
	return DEID_DUMMY;
}

/* Zeros for numbers and bytes. */
static enum err set_dummy(struct dataset *ds, struct element *el)
{
	if (!el->value.len)
		return ERR_OK;
	if (vr_is_string(el->vr))
		return set(ds, el, dummy(el->vr));
	uint8_t *zeros = arena_alloc(ds->arena, el->value.len);
	if (!zeros)
		return ERR_NOMEM;
	memset(zeros, 0, el->value.len);
	el->value = bytes_of(zeros, el->value.len);
	return ERR_OK;
}

/* The standard's own UIDs (classes, syntaxes, well-known frames of reference) tell nothing of anybody. */
static enum err replace_uids(const struct deid *d, struct dataset *ds, struct element *el)
{
	struct buf out;
	const char *text = dataset_str(ds, el->tag);
	buf_init(&out, BOUND_ELEMENT);
	while (*text) {
		size_t len = strcspn(text, "\\");
		struct uid uid;
		char old[300];
		snprintf(old, sizeof(old), "%.*s", (int)(len < sizeof(old) ? len : sizeof(old) - 1), text);
		if (out.len)
			buf_add_byte(&out, '\\');
		if (!begins(old, "1.2.840.10008.") && old[0]) {
			deid_uid(d->o, old, &uid);
			buf_add_str(&out, uid.s);
		} else {
			buf_add_str(&out, old);
		}
		text += len + (text[len] == '\\');
	}
	enum err e = buf_err(&out);
	if (!e)
		e = dataset_put(ds, el->tag, VR_UI, buf_view(&out));
	buf_fini(&out);
	return e;
}

/* "20260301..." some days earlier; anything else is no date and is given up. */
static bool move_date(char *date, int days)
{
	char text[9];
	struct tm tm = { .tm_hour = 12 };
	for (int i = 0; i < 8; i++)
		if (!isdigit((unsigned char)date[i]))
			return false;
	sscanf(date, "%4d%2d%2d", &tm.tm_year, &tm.tm_mon, &tm.tm_mday);
	if (tm.tm_year < 1800 || tm.tm_mon < 1 || tm.tm_mon > 12 || tm.tm_mday < 1 || tm.tm_mday > 31)
		return false;
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	time_t t = timegm(&tm) + (time_t)days * 86400;
	if (!gmtime_r(&t, &tm) || strftime(text, sizeof(text), "%Y%m%d", &tm) != 8)
		return false;
	memcpy(date, text, 8);
	return true;
}

/* Times of the day stay: only days are moved. */
static enum err move_moments(const struct deid *d, struct dataset *ds, struct element *el)
{
	if (el->vr == VR_TM || !el->value.len)
		return ERR_OK;
	char *text = arena_strn(ds->arena, (const char *)el->value.p, el->value.len);
	if (!text)
		return ERR_NOMEM;
	for (char *at = text; ; ) {
		size_t len = strcspn(at, "\\");
		if (len >= 8 ? !move_date(at, d->s->days) : len > 0)
			return set(ds, el, dummy(el->vr));
		if (!at[len])
			break;
		at += len + 1;
	}
	return dataset_put(ds, el->tag, el->vr, bytes_str(text));
}

/* A number or date that is none may be a name in the wrong place. */
static bool is_as_it_says(const struct element *el)
{
	static const struct { vr_t vr; const char *letters; } of[] = {
		{ VR_IS, "0123456789+-\\ " }, { VR_DS, "0123456789+-.eE\\ " }, { VR_DA, "0123456789.-\\ " }, { VR_TM, "0123456789.:-\\ " },
		{ VR_DT, "0123456789.+-\\ " }, { VR_AS, "0123456789DWMY\\ " }, { VR_UI, "0123456789.\\ " },
		{ VR_CS, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_\\ abcdefghijklmnopqrstuvwxyz-./" },
	};
	for (size_t i = 0; i < NELEM(of); i++)
		for (size_t n = 0; of[i].vr == el->vr && n < el->value.len; n++)
			if (el->value.p[n] && !strchr(of[i].letters, el->value.p[n]))
				return false;
	return true;
}

/* ---- the data set ---- */

static enum err clean(const struct deid *d, struct dataset *ds, unsigned depth);

static enum err clean_items(const struct deid *d, struct element *el, unsigned depth)
{
	enum err e = depth < BOUND_DEPTH ? ERR_OK : ERR_LIMIT;
	for (struct item *i = el->items; !e && i; i = i->next)
		e = clean(d, i->ds, depth + 1);
	return e;
}

/* A known attribute whose VR was lost on its way (PS3.5 6.2.2) is what the dictionary says; a sequence stays unknown. */
static void recover_vr(struct element *el)
{
	const struct dict_entry *known = el->vr == VR_UN ? dict_find(el->tag) : NULL;
	unsigned unit = known ? vr_swap_unit(known->vr) : 0;
	if (known && known->vr != VR_SQ && !TAG_IS_PRIVATE(el->tag) && unit && el->value.len % unit == 0)
		el->vr = known->vr;
}

static enum err act(const struct deid *d, struct dataset *ds, struct element *el, unsigned depth)
{
	recover_vr(el);
	enum deid_action a = deid_action(el->tag, el->vr, d->o->retain);
	bool is_moved = d->o->retain & DEID_MODIFIED_DATES && deid_is_moved(el->tag, el->vr) && a != DEID_K;
	if (is_moved && is_as_it_says(el))
		return move_moments(d, ds, el);
	if (a == DEID_E)
		a = d->o->accept_burned_in ? DEID_K : DEID_D;
	if (a == DEID_K && !is_as_it_says(el))
		a = DEID_Z;
	switch (a) {
	case DEID_X:
		dataset_remove(ds, el->tag);
		return ERR_OK;
	case DEID_Z:
		el->value = bytes_of(NULL, 0);
		el->items = NULL;
		return ERR_OK;
	case DEID_S:
		return set(ds, el, el->tag == TAG_PATIENT_NAME ? d->s->name : d->s->id);
	case DEID_U:
		return el->vr == VR_UI ? replace_uids(d, ds, el) : set_dummy(ds, el);
	case DEID_D:
		return el->vr == VR_SQ ? clean_items(d, el, depth) : el->vr == VR_UI ? replace_uids(d, ds, el) : set_dummy(ds, el);
	case DEID_K:
	case DEID_R:
	case DEID_E:
		break;
	}
	return el->vr == VR_SQ ? clean_items(d, el, depth) : ERR_OK;
}

static enum err clean(const struct deid *d, struct dataset *ds, unsigned depth)
{
	enum err e = ERR_OK;
	for (struct element *el = ds->first, *next; !e && el; el = next) {
		next = el->next;
		e = act(d, ds, el, depth);
	}
	return e;
}

/* ---- what tells of it ---- */

static enum err add_code(struct dataset *ds, const char *value, const char *meaning)
{
	struct dataset *item = dataset_add_item(ds, TAG(0x0012, 0x0064));
	enum err e = item ? dataset_put_str(item, TAG(0x0008, 0x0100), value) : ERR_NOMEM;
	if (!e)
		e = dataset_put_str(item, TAG(0x0008, 0x0102), "DCM");
	return e ? e : dataset_put_str(item, TAG(0x0008, 0x0104), meaning);
}

static enum err say_so(struct dataset *ds, unsigned retain)
{
	static const struct { unsigned bit; const char *value, *meaning; } codes[] = {
		{ DEID_DATES, "113106", "Retain Longitudinal Temporal Information Full Dates Option" },
		{ DEID_MODIFIED_DATES, "113107", "Retain Longitudinal Temporal Information Modified Dates Option" },
		{ DEID_PATIENT, "113108", "Retain Patient Characteristics Option" },
		{ DEID_DEVICE, "113109", "Retain Device Identity Option" },
		{ DEID_UIDS, "113110", "Retain UIDs Option" },
		{ DEID_INSTITUTION, "113112", "Retain Institution Identity Option" },
	};
	enum err e = dataset_put_str(ds, TAG(0x0012, 0x0062), "YES");
	if (!e)
		e = dataset_put_str(ds, TAG(0x0012, 0x0063), "PS3.15 E.2 Basic Application Level Confidentiality Profile\\" IMPLEMENTATION_VERSION);
	dataset_remove(ds, TAG(0x0012, 0x0064));
	if (!e)
		e = add_code(ds, "113100", "Basic Application Confidentiality Profile");
	for (size_t i = 0; !e && i < NELEM(codes); i++)
		if (retain & codes[i].bit)
			e = add_code(ds, codes[i].value, codes[i].meaning);
	return e ? e : dataset_put_str(ds, TAG(0x0028, 0x0303), retain & DEID_DATES ? "UNMODIFIED" : retain & DEID_MODIFIED_DATES ? "MODIFIED" : "REMOVED");
}

enum err deid_apply(struct dataset *ds, const struct deid_options *o, const struct deid_subject *s)
{
	struct deid d = { .o = o, .s = s };
	while (ds->first && TAG_GROUP(ds->first->tag) < 0x0008)
		dataset_remove(ds, ds->first->tag);
	enum err e = clean(&d, ds, 0);
	/* Type 2 of every patient module: there, whatever was there before. */
	if (!e)
		e = dataset_put_str(ds, TAG_PATIENT_NAME, s->name);
	if (!e)
		e = dataset_put_str(ds, TAG_PATIENT_ID, s->id);
	return e ? e : say_so(ds, o->retain);
}
