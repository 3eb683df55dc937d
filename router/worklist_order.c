/* What an order says, in the reading item of its study. */
#include "router/worklist.h"

#include <string.h>

#include "db/orders.h"
#include "pacs/orders/order_worklist.h"

enum { ARENA = 32 << 20, MANY = 16 };

static enum err put_given(struct dataset *ds, uint32_t tag, const char *text)
{
	return text[0] ? dataset_put_str(ds, tag, text) : ERR_OK;
}

/* The images say less of the request than the order does, and of the patient no more. */
static enum err put_request(struct dataset *ds, const struct order *o)
{
	struct dataset *rq = dataset_item(ds, TAG_REFERENCED_REQUEST, 0);
	const struct { uint32_t tag; const char *text; } pairs[] = {
		{ TAG_ACCESSION_NUMBER, o->accession }, { TAG(0x0008, 0x0090), o->referring }, { TAG_REQUESTING_PHYSICIAN, o->requesting },
		{ TAG_REQUESTING_SERVICE, o->department }, { TAG_PROCEDURE_DESCRIPTION, o->description }, { TAG_PROCEDURE_ID, o->procedure_id },
		{ TAG_PROCEDURE_REASON, o->reason }, { TAG(0x0040, 0x2016), o->placer }, { TAG(0x0040, 0x2017), o->filler },
	};
	enum err e = rq ? ERR_OK : (rq = dataset_add_item(ds, TAG_REFERENCED_REQUEST)) ? ERR_OK : ERR_NOMEM;
	for (size_t i = 0; !e && i < NELEM(pairs); i++)
		e = put_given(rq, pairs[i].tag, pairs[i].text);
	if (!e && o->code_value[0]) {
		e = dataset_put_empty_sequence(rq, TAG(0x0032, 0x1064));
		if (!e)
			e = item_attrs_add_code(rq, TAG(0x0032, 0x1064), o->code_value, o->code_scheme[0] ? o->code_scheme : "99LOCAL", o->code_meaning[0] ? o->code_meaning : o->code_value);
	}
	return e;
}

enum err worklist_item_order(struct dataset *ds, const struct order *o)
{
	enum err e = put_request(ds, o);
	if (!e)
		e = put_given(ds, TAG(0x0038, 0x0010), o->admission_id);
	if (!e && !dataset_str(ds, TAG_ACCESSION_NUMBER)[0])
		e = put_given(ds, TAG_ACCESSION_NUMBER, o->accession);
	if (!e && !dataset_str(ds, TAG(0x0008, 0x1030))[0])
		e = put_given(ds, TAG(0x0008, 0x1030), o->description);
	if (!e && order_is_urgent(o))
		e = dataset_put_str(ds, TAG_STEP_PRIORITY, "HIGH");
	return e;
}

static enum err update_item(struct sqlite3 *db, const char *uid, const struct order *o, const char *who, int64_t now_ms, struct why *why)
{
	struct arena a;
	struct item_row row;
	struct dataset *ds;
	arena_init(&a, ARENA);
	enum err e = items_load(db, uid, &a, &row, &ds, why);
	if (!e)
		e = worklist_item_order(ds, o);
	if (!e)
		e = items_update_request(db, uid, ds, who, now_ms, why);
	arena_fini(&a);
	return e;
}

enum err worklist_order_came(struct sqlite3 *db, const char *study_uid, const char *who, int64_t now_ms, struct why *why)
{
	struct uid uids[MANY];
	struct order_row row;
	size_t n = 0;
	enum err e = orders_of_study(db, study_uid, &row, why);
	if (e)
		return e == ERR_NOT_FOUND ? ERR_OK : e;
	e = items_scheduled_of(db, study_uid, uids, MANY, &n, why);
	for (size_t i = 0; !e && i < n; i++)
		e = update_item(db, uids[i].s, &row.o, who, now_ms, why);
	return e;
}
