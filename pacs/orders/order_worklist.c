#include "pacs/orders/order_worklist.h"

struct pair { uint32_t tag; const char *value; };

/* Type 2 attributes stand there empty: a modality that asks for one gets it. */
static enum err put_all(struct dataset *ds, const struct pair *pairs, size_t n)
{
	enum err e = ERR_OK;
	for (size_t i = 0; !e && i < n; i++)
		e = dataset_put_str(ds, pairs[i].tag, pairs[i].value);
	return e;
}

static enum err put_code(struct dataset *ds, uint32_t sequence, const struct order *o)
{
	enum err e = dataset_put_empty_sequence(ds, sequence);
	if (e || !o->code_value[0])
		return e;
	struct dataset *item = dataset_add_item(ds, sequence);
	const struct pair pairs[] = {
		{ TAG(0x0008, 0x0100), o->code_value }, { TAG(0x0008, 0x0102), o->code_scheme[0] ? o->code_scheme : "99LOCAL" },
		{ TAG(0x0008, 0x0104), o->code_meaning[0] ? o->code_meaning : o->description[0] ? o->description : o->code_value },
	};
	return item ? put_all(item, pairs, NELEM(pairs)) : ERR_NOMEM;
}

static enum err put_step(struct dataset *ds, const struct order *o, enum order_state state)
{
	struct dataset *step = dataset_add_item(ds, TAG_STEP_SEQUENCE);
	const struct pair pairs[] = {
		{ TAG_MODALITY, o->modality }, { TAG(0x0032, 0x1070), "" }, { TAG_STEP_AET, o->station_aet },
		{ TAG_STEP_START_DATE, o->date }, { TAG_STEP_START_TIME, o->time }, { TAG(0x0040, 0x0006), o->performing },
		{ TAG(0x0040, 0x0007), o->description[0] ? o->description : o->code_meaning }, { TAG_STEP_ID, o->step_id },
		{ TAG(0x0040, 0x0010), o->station_name }, { TAG(0x0040, 0x0011), o->location }, { TAG(0x0040, 0x0012), "" },
		{ TAG_STEP_STATUS, order_state_name(state) }, { TAG(0x0040, 0x0400), "" },
	};
	enum err e = step ? put_all(step, pairs, NELEM(pairs)) : ERR_NOMEM;
	return e ? e : put_code(step, TAG(0x0040, 0x0008), o);
}

enum err order_to_worklist(const struct order *o, enum order_state state, struct dataset *ds)
{
	static const uint32_t empty_sequences[] = { TAG(0x0008, 0x1110), TAG(0x0008, 0x1120), TAG(0x0008, 0x0051), TAG(0x0038, 0x0014) };
	const struct pair pairs[] = {
		{ TAG_ACCESSION_NUMBER, o->accession }, { TAG(0x0008, 0x0090), o->referring }, { TAG_PATIENT_NAME, o->patient_name },
		{ TAG_PATIENT_ID, o->patient_id }, { TAG(0x0010, 0x0021), o->issuer }, { TAG(0x0010, 0x0030), o->birth_date },
		{ TAG(0x0010, 0x0040), o->sex }, { TAG(0x0010, 0x1030), o->weight }, { TAG(0x0010, 0x2000), o->alerts },
		{ TAG(0x0010, 0x2110), o->allergies }, { TAG_STUDY_UID, o->study_uid }, { TAG_REQUESTING_PHYSICIAN, o->requesting },
		{ TAG_REQUESTING_SERVICE, o->department }, { TAG_PROCEDURE_DESCRIPTION, o->description[0] ? o->description : o->code_meaning },
		{ TAG(0x0038, 0x0010), o->admission_id }, { TAG(0x0038, 0x0050), "" }, { TAG(0x0038, 0x0300), o->patient_location },
		{ TAG(0x0038, 0x0500), "" }, { TAG_PROCEDURE_ID, o->procedure_id }, { TAG_PROCEDURE_REASON, o->reason },
		{ TAG_PROCEDURE_PRIORITY, o->priority[0] ? o->priority : "ROUTINE" }, { TAG(0x0040, 0x1004), "" }, { TAG(0x0040, 0x1400), "" },
		{ TAG(0x0040, 0x2016), o->placer }, { TAG(0x0040, 0x2017), o->filler }, { TAG(0x0040, 0x3001), "" },
	};
	enum err e = put_all(ds, pairs, NELEM(pairs));
	for (size_t i = 0; !e && i < NELEM(empty_sequences); i++)
		e = dataset_put_empty_sequence(ds, empty_sequences[i]);
	if (!e)
		e = dataset_put(ds, TAG(0x0010, 0x21C0), 0, (struct bytes){ 0 });        /* pregnancy status: a number, not known */
	if (!e)
		e = put_code(ds, TAG(0x0032, 0x1064), o);
	return e ? e : put_step(ds, o, state);
}
