#include "pacs/hl7/hl7_json.h"

#include "pacs/orders/order_json.h"

static const char *const words[] = {
	[CHANGE_PUT] = "put", [CHANGE_STATE] = "state", [CHANGE_ADMIT] = "admit", [CHANGE_PATIENT] = "patient", [CHANGE_MERGE] = "merge",
};

static bool add(void *arg, const struct hl7_change *c)
{
	json_t *order = order_to_json(&c->order), *o = order ? json_pack("{s:s,s:o}", "do", words[c->what], "order", order) : NULL;
	if (o && c->what == CHANGE_STATE) {
		json_object_set_new(o, "state", json_string(order_state_name(c->state)));
		json_object_set_new(o, "note", json_string("by message"));
	}
	if (o && c->what == CHANGE_MERGE) {
		json_object_set_new(o, "old_id", json_string(c->old_id));
		json_object_set_new(o, "old_issuer", json_string(c->old_issuer));
	}
	return o && !json_array_append_new(arg, o);
}

enum err hl7_changes(const struct hl7 *m, json_t *changes, struct hl7_fault *fault, struct why *why)
{
	enum err e = hl7_event_read(m, add, changes, fault, why);
	if (e != ERR_CANCELLED)
		return e;
	fault->code = HL7_INTERNAL;
	return fail(why, ERR_NOMEM, "no memory for the orders of a message");
}
