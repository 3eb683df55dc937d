#include "db/item_attrs.h"

#include <string.h>

/* What belongs to the manager (PS3.4 table CC.2.5-3, column N-SET "not allowed"): identity, state, patient, request, replaced step. */
static const uint32_t managers[] = {
	TAG_SOP_CLASS_UID, TAG_SOP_INSTANCE_UID, TAG_TRANSACTION_UID, TAG_STUDY_UID, TAG_STEP_MODIFIED, TAG_REFERENCED_REQUEST, TAG_STEP_STATE, TAG_REPLACED_STEP,
};
/* Groups of the patient and the visit modules. */
static const uint16_t managers_groups[] = { 0x0000, 0x0002, 0x0010, 0x0038, 0x7FE0 };

/* Attributes that every item has with a value (type 1) and what they may say; NULL values = anything. */
static const struct { uint32_t tag; const char *values[4]; } type1[] = {
	{ TAG_STEP_PRIORITY, { "HIGH", "MEDIUM", "LOW", NULL } },
	{ TAG_INPUT_READINESS, { "INCOMPLETE", "UNAVAILABLE", "READY", NULL } },
	{ TAG_STEP_LABEL, { NULL } },
	{ TAG_WORKLIST_LABEL, { NULL } },
	{ TAG_STEP_START, { NULL } },
};

enum err item_attrs_add_code(struct dataset *ds, uint32_t sequence, const char *value, const char *scheme, const char *meaning)
{
	struct dataset *item = dataset_add_item(ds, sequence);
	enum err e = item ? ERR_OK : ERR_NOMEM;

	if (!e)
		e = dataset_put_str(item, TAG_CODE_VALUE, value);
	if (!e)
		e = dataset_put_str(item, TAG_CODE_SCHEME, scheme);
	if (!e)
		e = dataset_put_str(item, TAG_CODE_MEANING, meaning);
	return e;
}

static bool is_managers(uint32_t tag)
{
	for (size_t i = 0; i < NELEM(managers); i++)
		if (managers[i] == tag)
			return true;
	for (size_t i = 0; i < NELEM(managers_groups); i++)
		if (managers_groups[i] == TAG_GROUP(tag))
			return true;
	return false;
}

static enum err check_value(const struct dataset *changes, const struct element *el, struct why *why)
{
	for (size_t i = 0; i < NELEM(type1); i++) {
		if (type1[i].tag != el->tag)
			continue;
		const char *v = dataset_str(changes, el->tag);
		bool good = type1[i].values[0] == NULL && v[0];
		for (size_t k = 0; k < 4 && type1[i].values[k]; k++)
			good = good || strcmp(type1[i].values[k], v) == 0;
		if (!good)
			return fail(why, ERR_FORMAT, "value not allowed in (%04x,%04x)", TAG_GROUP(el->tag), TAG_ELEMENT(el->tag));
	}
	return ERR_OK;
}

enum err item_attrs_set(struct dataset *item, const struct dataset *changes, struct why *why)
{
	for (const struct element *el = changes->first; el; el = el->next) {
		if (el->tag == TAG_SPECIFIC_CHARACTER_SET)
			continue;
		if (is_managers(el->tag))
			return fail(why, ERR_DENIED, "(%04x,%04x) may not be set", TAG_GROUP(el->tag), TAG_ELEMENT(el->tag));
		enum err e = check_value(changes, el, why);
		if (e)
			return e;
	}
	for (const struct element *el = changes->first; el; el = el->next) {
		if (el->tag == TAG_SPECIFIC_CHARACTER_SET)
			continue;
		enum err e = dataset_copy(item, el);
		if (e)
			return e;
	}
	return ERR_OK;
}

static bool has_value(const struct dataset *ds, uint32_t tag)
{
	const struct element *el = dataset_find(ds, tag);

	if (!el)
		return false;
	return el->vr == VR_SQ ? el->items != NULL : dataset_str(ds, tag)[0] != 0;
}

static enum err need(const struct dataset *ds, uint32_t tag, const char *what, struct why *why)
{
	if (ds && has_value(ds, tag))
		return ERR_OK;
	return fail(why, ERR_CONFLICT, "%s (%04x,%04x) is missing", what, TAG_GROUP(tag), TAG_ELEMENT(tag));
}

static enum err check_completed(const struct dataset *item, struct why *why)
{
	const struct dataset *done = dataset_item(item, TAG_PERFORMED_PROCEDURE, 0);
	enum err e = need(item, TAG_PERFORMED_PROCEDURE, "performed procedure", why);

	if (!e)
		e = need(done, TAG_PERFORMED_STATION, "performed station", why);
	if (!e)
		e = need(done, TAG_PERFORMED_START, "performed start", why);
	if (!e)
		e = need(done, TAG_PERFORMED_END, "performed end", why);
	if (!e)
		e = need(done, TAG_PERFORMED_WORKITEM, "performed workitem", why);
	if (!e && !dataset_has(done, TAG_OUTPUT_INFORMATION))
		e = fail(why, ERR_CONFLICT, "output information (0040,4033) is missing");
	return e;
}

enum err item_attrs_check_final(const struct dataset *item, enum item_state final, struct why *why)
{
	if (final == ITEM_COMPLETED)
		return check_completed(item, why);

	const struct dataset *progress = dataset_item(item, TAG_STEP_PROGRESS, 0);
	enum err e = need(item, TAG_STEP_PROGRESS, "progress information", why);

	if (!e)
		e = need(progress, TAG_CANCELLATION_TIME, "cancellation time", why);
	if (!e)
		e = need(progress, TAG_DISCONTINUATION_REASON, "discontinuation reason", why);
	return e;
}

const char *item_attrs_reason(const struct dataset *item)
{
	const struct dataset *progress = dataset_item(item, TAG_STEP_PROGRESS, 0);
	const struct dataset *code = progress ? dataset_item(progress, TAG_DISCONTINUATION_REASON, 0) : NULL;

	return code ? dataset_str(code, TAG_CODE_VALUE) : "";
}

enum err item_attrs_add_replaced(struct dataset *ds, const char *old_uid)
{
	struct dataset *ref = dataset_add_item(ds, TAG_REPLACED_STEP);
	enum err e = ref ? ERR_OK : ERR_NOMEM;

	if (!e)
		e = dataset_put_str(ref, TAG_REFERENCED_SOP_CLASS, UID_UPS_PUSH);
	if (!e)
		e = dataset_put_str(ref, TAG_REFERENCED_SOP_INSTANCE, old_uid);
	return e;
}

enum err item_attrs_reissue(const struct dataset *old, const char *old_uid, const char *new_uid, struct dataset *out)
{
	enum err e = ERR_OK;

	for (const struct element *el = old->first; el && !e; el = el->next)
		if (el->tag != TAG_REPLACED_STEP)      /* it names its direct forerunner; the chain is walked item by item */
			e = dataset_copy(out, el);
	if (!e)
		e = dataset_put_str(out, TAG_SOP_INSTANCE_UID, new_uid);
	if (!e)
		e = dataset_put_empty_sequence(out, TAG_STEP_PROGRESS);
	if (!e)
		e = dataset_put_empty_sequence(out, TAG_PERFORMED_PROCEDURE);
	if (!e)
		e = item_attrs_add_replaced(out, old_uid);
	return e;
}
