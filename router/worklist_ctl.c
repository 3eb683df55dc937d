/* Requests of the local socket: changes that storescp relays, and the admin's list. */
#include "router/worklist.h"

#include <stdlib.h>
#include <string.h>

#include "pacs/base/clock.h"
#include "pacs/base/hex.h"
#include "pacs/base/log.h"
#include "pacs/ctl/ctl.h"
#include "router/send.h"

enum { ARENA = 32 << 20, LIST_DEFAULT = 100, LIST_MAX = 10000 };

static const char *text(const json_t *body, const char *key)
{
	const char *s = json_string_value(json_object_get(body, key));

	return s ? s : "";
}

/* ---- ups.state, ups.set ---- */

struct change {
	struct router *r;
	struct ctl_request *rq;
	struct conf *conf;
	json_t *body;                    /* our reference; the strings below are in it */
	const char *uid, *transaction, *calling;
	enum item_state to;              /* ITEM_NONE: ups.set */
	struct buf raw;                  /* ups.set: the changes */
	uint16_t status;
	struct why refusal;
	struct uid next;
	bool escalated;
};

static void change_free(struct change *c)
{
	conf_unref(&c->conf);
	json_decref(c->body);
	buf_fini(&c->raw);
	free(c);
}

static void log_change(const struct change *c)
{
	log_event(c->status == UPS_OK ? LOG_INFO : LOG_WARN, c->to == ITEM_NONE ? "item_set" : "item_state", "item", c->uid, "calling", c->calling,
	          "state", c->to == ITEM_NONE ? NULL : item_state_name(c->to), "status", log_num(c->status).s,
	          "why", c->status == UPS_OK ? NULL : c->refusal.text, "replaced_by", c->next.s[0] ? c->next.s : NULL,
	          "escalated", c->escalated ? "yes" : NULL, NULL);
}

static void change_done(void *arg, enum err e, const struct why *why)
{
	struct change *c = arg;

	if (e) {
		log_event(LOG_ERROR, "item_change_failed", "item", c->uid, "error", err_name(e), "why", why->text, NULL);
		ctl_refuse(c->rq, e, why->text);
	} else {
		log_change(c);
		ctl_answer(c->rq, json_pack("{s:i, s:s}", "status", (int)c->status, "comment", c->status == UPS_OK ? "" : c->refusal.text));
	}
	if (!e && c->escalated && !c->r->is_stopping)
		send_wake(c->r);
	change_free(c);
}

static struct change *change_new(struct router *r, struct ctl_request *rq, const json_t *body)
{
	struct change *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->r = r;
	c->rq = rq;
	c->conf = conf_ref(r->conf);
	c->body = json_deep_copy(body);
	c->uid = text(c->body, "uid");
	c->transaction = text(c->body, "transaction");
	c->calling = text(c->body, "calling");
	buf_init(&c->raw, BOUND_IDENTIFIER);
	return c;
}

static void change_run(struct change *c, work_fn *work)
{
	if (work_run(c->r->work, work, change_done, c)) {
		ctl_refuse(c->rq, ERR_NOMEM, "no memory");
		change_free(c);
	}
}

static enum err state_work(void *arg, struct work *w, struct index_reader *ix, struct why *why)
{
	struct change *c = arg;
	int64_t now_ms = clock_wall_ms();
	enum err e = items_change_state(work_db(w), c->uid, c->to, c->transaction, c->calling, now_ms, &c->status, &c->refusal);

	if (e)
		return fail(why, e, "%s", c->refusal.text);
	if (c->status == UPS_OK && c->to == ITEM_CANCELED)
		e = worklist_cancelled(w, ix, c->conf, c->uid, now_ms, &c->next, &c->escalated, why);
	return e;
}

void worklist_ctl_state(struct router *r, struct ctl_request *rq, const json_t *body)
{
	struct change *c = change_new(r, rq, body);

	if (!c || !c->body) {
		ctl_refuse(rq, ERR_NOMEM, "no memory");
		if (c)
			change_free(c);
	} else if (!item_state_parse(text(body, "state"), &c->to)) {
		ctl_refuse(rq, ERR_FORMAT, "\"state\" is no state of a work item");
		change_free(c);
	} else {
		change_run(c, state_work);
	}
}

static enum err set_work(void *arg, struct work *w, struct index_reader *ix, struct why *why)
{
	struct change *c = arg;
	struct arena a;
	struct dataset *ds;

	(void)ix;
	arena_init(&a, ARENA);
	enum err e = dataset_parse(&a, buf_view(&c->raw), DS_EXPLICIT_LE, &ds, why);
	if (!e && (e = items_set(work_db(w), c->uid, c->transaction, ds, c->calling, clock_wall_ms(), &c->status, &c->refusal)))
		fail(why, e, "%s", c->refusal.text);
	arena_fini(&a);
	return e;
}

void worklist_ctl_set(struct router *r, struct ctl_request *rq, const json_t *body)
{
	struct change *c = change_new(r, rq, body);
	enum err e = c && c->body ? hex_read(text(body, "changes"), &c->raw) : ERR_NOMEM;

	if (!e) {
		change_run(c, set_work);
		return;
	}
	ctl_refuse(rq, e, "\"changes\" is no data set in hex");
	if (c)
		change_free(c);
}

/* ---- worklist.list: on the pool, with a reader of its own ---- */

struct list {
	struct ctl_request *rq;
	struct conf *conf;
	enum item_state state;
	unsigned limit;
	json_t *items;
	enum err err;
	struct why why;
};

static bool list_item(void *arg, const struct item_row *row, const char *patient_name)
{
	struct list *l = arg;
	json_t *o = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:i, s:s}", "uid", row->uid.s, "state", item_state_name(row->state),
	                      "label", row->label, "group", row->group, "priority", row->priority, "modality", row->modality, "study", row->study_uid.s,
	                      "scheduled", clock_iso(row->created_ms).s, "claimed_by", row->performer, "expected", clock_iso(row->expected_ms).s,
	                      "replaces", row->replaces.s, "replaced_by", row->replaced_by.s, "note", row->note, "instances", (int)row->instances,
	                      "patient", patient_name);

	return o && !json_array_append_new(l->items, o);
}

static void list_work(void *arg)
{
	struct list *l = arg;
	struct items_reader *r = NULL;

	l->err = items_reader_open(l->conf->dir, &r, &l->why);
	if (!l->err)
		l->err = items_list(r, l->state, l->limit, list_item, l, &l->why);
	items_reader_close(&r);
}

static void list_done(void *arg)
{
	struct list *l = arg;

	if (l->err)
		ctl_refuse(l->rq, l->err, l->why.text);
	else
		ctl_answer(l->rq, json_pack("{s:O}", "items", l->items));
	json_decref(l->items);
	conf_unref(&l->conf);
	free(l);
}

void worklist_ctl_list(struct router *r, struct ctl_request *rq, const json_t *body)
{
	const char *state = text(body, "state");
	json_int_t limit = json_integer_value(json_object_get(body, "limit"));
	struct list *l = calloc(1, sizeof(*l));
	enum err e = l ? ERR_OK : ERR_NOMEM;

	if (l) {
		l->rq = rq;
		l->conf = conf_ref(r->conf);
		l->items = json_array();
		l->limit = limit > 0 && limit <= LIST_MAX ? (unsigned)limit : LIST_DEFAULT;
		e = !state[0] || item_state_parse(state, &l->state) ? ERR_OK : ERR_USAGE;
		if (!e)
			e = loop_work(r->loop, list_work, list_done, l);
	}
	if (!e)
		return;
	ctl_refuse(rq, e, e == ERR_USAGE ? "states are SCHEDULED, IN PROGRESS, COMPLETED, CANCELED" : "no memory");
	if (l) {
		json_decref(l->items);
		conf_unref(&l->conf);
		free(l);
	}
}
