#include "router/mpps.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "db/items.h"
#include "pacs/base/clock.h"
#include "pacs/base/hex.h"
#include "pacs/base/log.h"
#include "router/complete.h"
#include "router/plan.h"

enum { ARENA = 32 << 20, AHEAD = 256 };

/* ---- which images are here: in the index, and planned ---- */

struct here {
	struct index_reader *ix;
	struct index_arrival *ahead;     /* in the index, not planned yet */
	size_t n;
	uint64_t beyond;                 /* when there are more of them than fit: rows behind this one are not planned */
};

static enum err read_ahead(struct here *h, struct work *w, int64_t seen, struct why *why)
{
	int64_t cursor;
	enum err e = work_cursor(w, &cursor, why);
	if (!e)
		e = index_arrivals(h->ix, seen > cursor ? seen : cursor, h->ahead, AHEAD, &h->n, why);
	for (size_t i = 0; !e && h->n == AHEAD && i < h->n; i++)
		if (h->ahead[i].what.instance > h->beyond)
			h->beyond = h->ahead[i].what.instance;
	return e;
}

static bool is_here(void *arg, const char *sop_uid)
{
	const struct here *h = arg;
	struct index_instance what;
	if (!h->ix || !h->ahead || index_get_by_uid(h->ix, sop_uid, &what, NULL))
		return false;
	for (size_t i = 0; i < h->n; i++)
		if (h->ahead[i].what.instance == what.instance)
			return false;
	return !h->beyond || what.instance <= h->beyond;
}

/* ---- a study is complete ---- */

struct ending { const struct conf *conf; struct work *w; struct index_reader *ix; int64_t now_ms; };

/* The event, and the reading work that waits for it. */
static enum err end_quiet(void *arg, const char *study_uid, struct why *why)
{
	const struct ending *en = arg;
	bool is_new;
	enum err e = items_pending_hurry(work_db(en->w), study_uid, why);
	return e || !en->ix ? e : complete_study(en->conf, en->w, en->ix, study_uid, "mpps", en->now_ms, &is_new, why);
}

enum err mpps_on_arrivals(const struct conf *conf, struct work *w, struct index_reader *ix, const struct index_arrival *a, size_t n, int64_t now_ms,
                          bool *is_due, struct why *why)
{
	struct ending en = { conf, w, ix, now_ms };
	enum err e = ERR_OK;
	for (size_t i = 0; !e && i < n; i++) {
		struct uid uid;
		e = mpps_image_came(work_db(w), a[i].what.sop_uid.s, &uid, why);
		if (e || !uid.s[0])
			continue;
		*is_due = true;
		e = mpps_studies(work_db(w), uid.s, end_quiet, &en, why);
		log_event(LOG_INFO, "mpps_images_complete", "mpps", uid.s, "study", a[i].what.study_uid.s, NULL);
	}
	return e;
}

/* ---- N-CREATE, N-SET ---- */

struct change {
	struct router *r;
	struct ctl_request *rq;
	struct conf *conf;
	struct uid uid;
	char calling[BOUND_AET + 1];
	bool is_create;
	struct buf raw;
	struct mpps_result result;
	unsigned forwards;
	int64_t seen;                    /* arrivals up to here are planned, whether or not work.db says so yet */
};

static void change_free(struct change *c)
{
	conf_unref(&c->conf);
	buf_fini(&c->raw);
	free(c);
}

/* The rules that send it on. */
static enum err forward(struct change *c, struct work *w, int64_t now_ms, struct why *why)
{
	const struct conf_node *sender = conf_node_by_aet(c->conf, c->calling);
	const struct conf_facts facts = { c->calling, c->result.modality, "", sender && sender->has_level ? conf_level_name(sender->level) : "", "" };
	enum err e = ERR_OK;
	for (size_t i = 0; !e && i < c->conf->route_count; i++) {
		const struct conf_route *rule = &c->conf->routes[i];
		const struct conf_node *node = conf_node_by_name(c->conf, rule->to);
		if (rule->action != ACTION_MPPS || !conf_route_matches(rule, &facts) || (node && !strcmp(node->aet, c->calling)))
			continue;
		struct work_job j = { .kind = JOB_MPPS, .instance = (uint64_t)c->result.message, .sop_instance = c->uid, .study = c->result.study,
		                      .created_ms = now_ms, .hold = node ? HOLD_NONE : HOLD_NO_NODE };
		snprintf(j.to, sizeof(j.to), "%s", rule->to);
		snprintf(j.source, sizeof(j.source), "%s", c->calling);
		if (!node)
			snprintf(j.why, sizeof(j.why), "no such node: %s", rule->to);
		e = work_enqueue(w, &j, why);
		c->forwards += !e;
		e = e == ERR_EXISTS ? ERR_OK : e;
	}
	return e;
}

static enum err apply(struct change *c, struct work *w, struct index_reader *ix, const struct dataset *ds, struct why *why)
{
	struct here h = { .ix = ix, .ahead = ix && !c->is_create ? calloc(AHEAD, sizeof(*h.ahead)) : NULL };
	const struct mpps_request rq = { .uid = c->uid.s, .calling = c->calling, .ds = ds, .now_ms = clock_wall_ms() };
	/* Of one moment: an image that came between two looks would be in the index and not among those ahead. */
	enum err e = h.ahead ? index_snapshot_begin(ix, why) : ERR_OK;
	if (!e && h.ahead)
		e = read_ahead(&h, w, c->seen, why);
	if (!e)
		e = c->is_create ? mpps_create(work_db(w), &rq, &c->result, why) : mpps_change(work_db(w), &rq, is_here, &h, &c->result, why);
	if (h.ahead)
		index_snapshot_end(ix);
	free(h.ahead);
	if (!e && !c->result.status)
		e = forward(c, w, rq.now_ms, why);
	struct ending en = { c->conf, w, ix, rq.now_ms };
	if (!e && c->result.is_complete)
		e = mpps_studies(work_db(w), c->uid.s, end_quiet, &en, why);
	return e;
}

static enum err change_work(void *arg, struct work *w, struct index_reader *ix, struct why *why)
{
	struct change *c = arg;
	struct arena a;
	struct dataset *ds;
	arena_init(&a, ARENA);
	enum err e = dataset_parse(&a, buf_view(&c->raw), DS_EXPLICIT_LE, &ds, why);
	if (!e)
		e = apply(c, w, ix, ds, why);
	arena_fini(&a);
	return e;
}

static void change_done(void *arg, enum err e, const struct why *why)
{
	struct change *c = arg;
	const struct mpps_result *res = &c->result;
	if (e) {
		log_event(LOG_ERROR, "mpps_failed", "mpps", c->uid.s, "calling", c->calling, "error", err_name(e), "why", why->text, NULL);
		ctl_refuse(c->rq, e, why->text);
	} else {
		log_event(res->status ? LOG_WARN : LOG_INFO, c->is_create ? "mpps_created" : "mpps_set", "mpps", c->uid.s, "calling", c->calling, "study", res->study.s,
		          "state", mpps_state_name(res->state), "orders", log_num(res->orders).s, "missing", log_num(res->missing).s, "forwarded", log_num(c->forwards).s,
		          "status", res->status ? log_num(res->status).s : NULL, "why", res->status ? res->refusal.text : NULL, NULL);
		ctl_answer(c->rq, json_pack("{s:i,s:s,s:i}", "status", (int)res->status, "comment", res->status ? res->refusal.text : "", "error_id", (int)res->error_id));
	}
	if (!e && !c->r->is_stopping && c->forwards)
		mpps_wake(c->r);
	if (!e && !c->r->is_stopping && res->is_complete) {
		worklist_wake(c->r);
		complete_wake(c->r);
	}
	change_free(c);
}

bool mpps_handle_ctl(struct router *r, struct ctl_request *rq, const char *op, const json_t *body)
{
	bool is_create = !strcmp(op, "mpps.create");
	const char *uid = json_string_value(json_object_get(body, "uid")), *calling = json_string_value(json_object_get(body, "calling"));
	const char *data = json_string_value(json_object_get(body, "data"));
	if (!is_create && strcmp(op, "mpps.set"))
		return false;
	if (!uid || !calling || !data || strlen(uid) > BOUND_UID) {
		ctl_refuse(rq, ERR_USAGE, "mpps.create and mpps.set need uid, calling, data");
		return true;
	}
	struct change *c = calloc(1, sizeof(*c));
	enum err e = c ? ERR_OK : ERR_NOMEM;
	if (c) {
		c->r = r;
		c->rq = rq;
		c->conf = conf_ref(r->conf);
		c->is_create = is_create;
		c->seen = plan_seen(r);
		snprintf(c->uid.s, sizeof(c->uid.s), "%s", uid);
		snprintf(c->calling, sizeof(c->calling), "%s", calling);
		buf_init(&c->raw, 2 * BOUND_IDENTIFIER);
		e = hex_read(data, &c->raw);
	}
	if (!e)
		e = work_run(r->work, change_work, change_done, c);
	if (e) {
		ctl_refuse(rq, e, e == ERR_FORMAT ? "\"data\" is no data set in hex" : "no memory");
		if (c)
			change_free(c);
	}
	return true;
}
