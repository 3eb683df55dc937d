/* The changes that a message or a person asks for, on the work thread. */
#include <stdio.h>

#include "db/patients.h"
#include "pacs/orders/order_json.h"
#include "router/ordering.h"
#include "router/worklist.h"

struct applying {
	struct work *w;
	const json_t *change;
	struct order order;
	const char *source, *message;
	int64_t now_ms;
	struct ordering_counts *n;
};

static const char *text(const struct applying *a, const char *key)
{
	const char *s = json_string_value(json_object_get(a->change, key));
	return s ? s : "";
}

static enum err came(void *arg, const char *study_uid, struct why *why)
{
	const struct applying *a = arg;
	return worklist_order_came(work_db(a->w), study_uid, a->source, a->now_ms, why);
}

static enum err do_put(struct applying *a, struct why *why)
{
	enum orders_outcome outcome;
	unsigned matched = 0;
	int64_t id;
	enum err e = orders_put(work_db(a->w), &a->order, a->source, a->now_ms, &id, &outcome, why);
	if (e)
		return e;
	a->n->created += outcome == ORDERS_CREATED;
	a->n->changed += outcome == ORDERS_CHANGED;
	a->n->same += outcome == ORDERS_SAME;
	e = orders_match_order(work_db(a->w), id, a->now_ms, came, a, &matched, why);
	a->n->matched += matched;
	return e;
}

static enum err do_state(struct applying *a, struct why *why)
{
	enum order_state to;
	unsigned n;
	if (!order_state_parse(text(a, "state"), &to))
		return fail(why, ERR_FORMAT, "\"%.40s\" is no state of an order", text(a, "state"));
	enum err e = orders_set_state(work_db(a->w), &a->order, to, text(a, "note"), a->source, a->now_ms, &n, why);
	a->n->moved += e ? 0 : n;
	return e;
}

static enum err do_admit(struct applying *a, struct why *why)
{
	unsigned n;
	if (!a->order.patient_id[0])
		return fail(why, ERR_FORMAT, "patient_id is missing");
	enum err e = orders_update_patient(work_db(a->w), &a->order, a->source, a->now_ms, &n, why);
	a->n->changed += e ? 0 : n;
	return e;
}

/* The journal is the promise: the index follows (router/patients.h). */
static enum err journal(struct applying *a, const char *old_id, const char *old_issuer, struct why *why)
{
	const struct order *o = &a->order;
	struct index_patient_change c = { .is_merge = old_id[0] != '\0', .at_ms = a->now_ms };
	snprintf(c.patient_id, sizeof(c.patient_id), "%s", o->patient_id);
	snprintf(c.issuer, sizeof(c.issuer), "%s", o->issuer);
	snprintf(c.name, sizeof(c.name), "%s", o->patient_name);
	snprintf(c.birth_date, sizeof(c.birth_date), "%s", o->birth_date);
	snprintf(c.sex, sizeof(c.sex), "%s", o->sex);
	snprintf(c.old_id, sizeof(c.old_id), "%s", old_id);
	snprintf(c.old_issuer, sizeof(c.old_issuer), "%s", old_issuer);
	snprintf(c.message, sizeof(c.message), "%.45s %.50s", a->source, a->message);
	a->n->patients++;
	return patients_add(work_db(a->w), &c, why);
}

static enum err do_patient(struct applying *a, struct why *why)
{
	enum err e = do_admit(a, why);
	return e ? e : journal(a, "", "", why);
}

static enum err do_merge(struct applying *a, struct why *why)
{
	const char *old_id = text(a, "old_id"), *old_issuer = text(a, "old_issuer");
	unsigned n;
	if (!a->order.patient_id[0] || !old_id[0] || strlen(old_id) > 256 || strlen(old_issuer) > 256)
		return fail(why, ERR_FORMAT, "a merge needs patient_id and old_id");
	enum err e = orders_merge_patient(work_db(a->w), old_id, old_issuer, &a->order, a->source, a->now_ms, &n, why);
	a->n->changed += e ? 0 : n;
	return e ? e : journal(a, old_id, old_issuer, why);
}

static const struct { const char *word; enum err (*apply)(struct applying *a, struct why *why); } changes[] = {
	{ "put", do_put }, { "state", do_state }, { "admit", do_admit }, { "patient", do_patient }, { "merge", do_merge },
};

static enum err apply_one(struct applying *a, struct why *why)
{
	enum err e = order_from_json(json_object_get(a->change, "order"), &a->order, why);
	for (size_t i = 0; !e && i < NELEM(changes); i++)
		if (!strcmp(changes[i].word, text(a, "do")))
			return changes[i].apply(a, why);
	return e ? e : fail(why, ERR_USAGE, "order.apply knows no \"%.40s\"", text(a, "do"));
}

enum err ordering_apply(struct work *w, const json_t *body, int64_t now_ms, struct ordering_counts *out, struct why *why)
{
	const char *source = json_string_value(json_object_get(body, "source")), *message = json_string_value(json_object_get(body, "message"));
	struct applying a = { .w = w, .source = source ? source : "", .message = message ? message : "", .now_ms = now_ms, .n = out };
	const json_t *list = json_object_get(body, "changes");
	size_t n = json_array_size(list);
	struct why cause = { "" };
	*out = (struct ordering_counts){ 0 };
	if (!n)
		return fail(why, ERR_USAGE, "order.apply needs changes");
	for (size_t i = 0; i < n; i++) {
		a.change = json_array_get(list, i);
		enum err e = apply_one(&a, &cause);
		if (e)
			return n > 1 ? fail(why, e, "order %zu of %zu: %.280s", i + 1, n, cause.text) : fail(why, e, "%.300s", cause.text);
	}
	return ERR_OK;
}
