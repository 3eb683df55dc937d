#include "pacs/orders/mpps.h"

#include <stdio.h>

static const char *const state_names[] = { "IN PROGRESS", "COMPLETED", "DISCONTINUED" };
_Static_assert(NELEM(state_names) == MPPS_STATES, "one word for each state");

const char *mpps_state_name(enum mpps_state s)
{
	return s < MPPS_STATES ? state_names[s] : "";
}

static bool parse_state(const char *text, enum mpps_state *out)
{
	for (unsigned i = 0; i < MPPS_STATES; i++)
		if (!strcmp(state_names[i], text)) {
			*out = (enum mpps_state)i;
			return true;
		}
	return false;
}

static const char *name_of(uint32_t tag)
{
	const struct dict_entry *d = dict_find(tag);
	return d ? d->keyword : "attribute";
}

static uint16_t refuse(struct why *why, uint16_t status, uint32_t tag, const char *what)
{
	fail(why, ERR_FORMAT, "(%04x,%04x) %.30s: %s", TAG_GROUP(tag), TAG_ELEMENT(tag), name_of(tag), what);
	return status;
}

/* ---- N-CREATE: table F.7.2-1, type 1 ---- */

static uint16_t need(const struct dataset *ds, uint32_t tag, struct why *why)
{
	const struct element *el = dataset_find(ds, tag);
	if (!el)
		return refuse(why, MPPS_MISSING, tag, "is missing");
	if (el->vr == VR_SQ ? !el->items : !dataset_str(ds, tag)[0])
		return refuse(why, MPPS_MISSING_VALUE, tag, "is empty");
	return MPPS_OK;
}

uint16_t mpps_check_create(const struct dataset *ds, struct why *why)
{
	static const uint32_t needed[] = { TAG_MPPS_STEPS, TAG(0x0040, 0x0253), TAG(0x0040, 0x0241), TAG(0x0040, 0x0244), TAG(0x0040, 0x0245), TAG_MPPS_STATUS, TAG_MODALITY };
	uint16_t status = MPPS_OK;
	for (size_t i = 0; !status && i < NELEM(needed); i++)
		status = need(ds, needed[i], why);
	for (unsigned n = 0; !status && dataset_item(ds, TAG_MPPS_STEPS, n); n++)
		status = need(dataset_item(ds, TAG_MPPS_STEPS, n), TAG_STUDY_UID, why);
	if (!status && strcmp(dataset_str(ds, TAG_MPPS_STATUS), "IN PROGRESS"))
		status = refuse(why, MPPS_BAD_VALUE, TAG_MPPS_STATUS, "a step is created IN PROGRESS");
	return status;
}

/* ---- N-SET ---- */

/* What N-SET may not change: who the patient is, what was asked for, where and when it began (table F.7.2-1). */
static const uint32_t fixed[] = {
	TAG_MPPS_STEPS, TAG_PATIENT_NAME, TAG_PATIENT_ID, TAG(0x0010, 0x0021), TAG(0x0010, 0x0030), TAG(0x0010, 0x0040), TAG(0x0008, 0x1120),
	TAG(0x0040, 0x0253), TAG(0x0040, 0x0241), TAG(0x0040, 0x0242), TAG(0x0040, 0x0243), TAG(0x0040, 0x0244), TAG(0x0040, 0x0245),
	TAG_MODALITY, TAG(0x0020, 0x0010),
};

static bool is_fixed(uint32_t tag)
{
	for (size_t i = 0; i < NELEM(fixed); i++)
		if (fixed[i] == tag)
			return true;
	return false;
}

static bool is_same(const struct dataset *step, const struct element *el)
{
	const struct element *old = dataset_find(step, el->tag);
	bool is_empty = el->vr == VR_SQ ? !el->items : !el->value.len;
	if (el->vr == VR_SQ)             /* comparing trees serves nobody: repeating it changes nothing, for it is not taken */
		return true;
	return is_empty || (old && bytes_equal(old->value, el->value));
}

static uint16_t need_series(const struct dataset *step, struct why *why)
{
	static const uint32_t needed[] = { TAG_SERIES_UID, TAG(0x0018, 0x1030) };
	uint16_t status = need(step, TAG_MPPS_SERIES, why);
	for (unsigned n = 0; !status && dataset_item(step, TAG_MPPS_SERIES, n); n++)
		for (size_t i = 0; !status && i < NELEM(needed); i++)
			status = need(dataset_item(step, TAG_MPPS_SERIES, n), needed[i], why);
	return status;
}

/* F.7.2.2.2: the end's date and time in both final states; the series when it was completed. */
static uint16_t check_final(const struct dataset *step, enum mpps_state state, struct why *why)
{
	uint16_t status = need(step, TAG(0x0040, 0x0250), why);
	if (!status)
		status = need(step, TAG(0x0040, 0x0251), why);
	return status || state != MPPS_COMPLETED ? status : need_series(step, why);
}

uint16_t mpps_set(struct dataset *step, const struct dataset *changes, enum mpps_state *state, struct why *why)
{
	*state = MPPS_IN_PROGRESS;
	for (const struct element *el = changes->first; el; el = el->next) {
		if (TAG_GROUP(el->tag) <= 0x0008 && (TAG_ELEMENT(el->tag) == 0 || el->tag == TAG_SOP_CLASS_UID || el->tag == TAG_SOP_INSTANCE_UID))
			continue;
		if (is_fixed(el->tag)) {
			if (!is_same(step, el))
				return refuse(why, MPPS_NO_ATTRIBUTE, el->tag, "may not be set after N-CREATE");
			continue;
		}
		if (dataset_copy(step, el))
			return refuse(why, MPPS_FAILED, el->tag, "the step has become too large");
	}
	if (!parse_state(dataset_str(step, TAG_MPPS_STATUS), state))
		return refuse(why, MPPS_BAD_VALUE, TAG_MPPS_STATUS, "expected IN PROGRESS, COMPLETED or DISCONTINUED");
	return *state == MPPS_IN_PROGRESS ? MPPS_OK : check_final(step, *state, why);
}

/* ---- what it says ---- */

bool mpps_step(const struct dataset *ds, unsigned n, struct mpps_step *out)
{
	const struct dataset *step = dataset_item(ds, TAG_MPPS_STEPS, n);
	if (!step)
		return false;
	*out = (struct mpps_step){ dataset_str(step, TAG_STUDY_UID), dataset_str(step, TAG_ACCESSION_NUMBER),
	                           dataset_str(step, TAG(0x0040, 0x0009)), dataset_str(step, TAG(0x0040, 0x1001)) };
	return true;
}

void mpps_images(const struct dataset *ds, bool (*fn)(void *arg, const char *sop_uid), void *arg)
{
	static const uint32_t lists[] = { TAG(0x0008, 0x1140), TAG(0x0040, 0x0220) };
	const struct dataset *series, *ref;
	for (unsigned s = 0; (series = dataset_item(ds, TAG_MPPS_SERIES, s)); s++)
		for (size_t l = 0; l < NELEM(lists); l++) {
			const struct element *list = dataset_find(series, lists[l]);
			for (const struct item *i = list ? list->items : NULL; i; i = i->next) {
				ref = i->ds;
				const char *uid = dataset_str(ref, TAG(0x0008, 0x1155));
				if (uid[0] && strlen(uid) <= 64 && !fn(arg, uid))
					return;
			}
		}
}

const char *mpps_reason(const struct dataset *ds)
{
	const struct dataset *code = dataset_item(ds, TAG_MPPS_REASON, 0);
	const char *meaning = code ? dataset_str(code, TAG(0x0008, 0x0104)) : "";
	return meaning[0] || !code ? meaning : dataset_str(code, TAG(0x0008, 0x0100));
}
