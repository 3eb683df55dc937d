/* work.db follows what the index has applied: jobs, quiet times, work items, orders. */
#include "router/edits.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "db/edit_follow.h"
#include "db/items.h"
#include "db/orders.h"
#include "db/patients.h"
#include "pacs/base/clock.h"
#include "pacs/base/fault.h"
#include "pacs/base/log.h"
#include "router/patients.h"
#include "router/worklist.h"

enum { STUDIES = 2 * BOUND_EDIT_RULES, ITEMS = 64, PAGE = 32, ARENA = 32 << 20 };

struct follow {
	struct router *r;
	struct conf *conf;               /* a reference */
	int64_t applied;
	struct work *w;
	struct index_reader *ix;
	int64_t now_ms;
	unsigned jobs, items;            /* dropped; cancelled */
	struct why *why;
};

/* One entry. */
struct following {
	struct follow *f;
	enum edit_kind kind;
	bool moves;                      /* its rules move images from study to study */
	struct uid studies[STUDIES];
	bool is_there[STUDIES];
	size_t n;
};

/* ---- work items ---- */

static enum err renew_item(struct follow *f, const char *uid, const struct index_study *st, const struct worklist_images *im)
{
	struct arena a;
	struct item_row row;
	struct dataset *ds;
	struct order_row order;
	arena_init(&a, ARENA);
	enum err e = items_load(work_db(f->w), uid, &a, &row, &ds, f->why);
	if (!e)
		e = worklist_item_again(ds, st, im, f->conf->aet);
	enum err found = e ? e : orders_of_study(work_db(f->w), st->study_uid.s, &order, f->why);
	if (!e && !found)
		e = worklist_item_order(ds, &order.o);
	if (!e)
		e = items_correct(work_db(f->w), uid, st->study_uid.s, ds, worklist_images_count(im), f->conf->aet, f->now_ms, f->why);
	arena_fini(&a);
	return e;
}

/* The open items of a study, which say from now on what `st` is: itself, or the study that its images went to. */
static enum err renew_items(struct follow *f, const char *study_uid, const struct index_study *st)
{
	struct uid uids[ITEMS];
	struct worklist_images *im = NULL;
	size_t n = 0;
	enum err e = items_open_of(work_db(f->w), study_uid, uids, ITEMS, &n, f->why);
	if (!e && n)
		e = worklist_images_read(f->ix, st->study_uid.s, &im, f->why);
	for (size_t i = 0; !e && i < n; i++)
		e = renew_item(f, uids[i].s, st, im);
	worklist_images_free(&im);
	return e;
}

/* Who has begun to read a study that went to another reads on in that one. */
static enum err hand_on(struct following *x, const char *study)
{
	struct index_study st;
	enum err e = ERR_OK;
	for (size_t i = 0; !e && x->kind != EDIT_DELETE && i < x->n; i++)
		if (x->is_there[i]) {
			e = index_study_get(x->f->ix, x->studies[i].s, &st, x->f->why);
			return e ? e : renew_items(x->f, study, &st);
		}
	return e;
}

/* Nobody has begun, or there is nothing more to read. */
static enum err cancel_items(struct following *x, const char *study)
{
	static const char *const reasons[EDIT_KINDS] = {
		[EDIT_MERGE] = "its study was merged into another", [EDIT_SPLIT] = "all of its study was moved to another",
		[EDIT_DELETE] = "its study was deleted", [EDIT_REVERT] = "its study was taken apart again",
	};
	struct follow *f = x->f;
	struct uid uids[ITEMS];
	size_t n = 0;
	enum err e = x->kind == EDIT_DELETE ? items_open_of(work_db(f->w), study, uids, ITEMS, &n, f->why)
	                                    : items_scheduled_of(work_db(f->w), study, uids, ITEMS, &n, f->why);
	for (size_t i = 0; !e && i < n; i++) {
		e = items_cancel(work_db(f->w), uids[i].s, reasons[x->kind] ? reasons[x->kind] : "its study is no more", f->conf->aet, f->now_ms, f->why);
		f->items++;
	}
	return e;
}

/* ---- studies ---- */

static enum err match_order(struct follow *f, const struct index_study *st)
{
	enum order_how how;
	int64_t id;
	if (orders_knows_study(work_db(f->w), st))
		return ERR_OK;
	return orders_match_study(work_db(f->w), st, f->now_ms, &how, &id, f->why);
}

/* A study with images now is the heir of those that it shares the entry with. */
static enum err inherit(struct following *x, size_t heir)
{
	enum err e = ERR_OK;
	for (size_t i = 0; !e && i < x->n; i++)
		if (i != heir && x->moves)
			e = edit_follow_heir(work_db(x->f->w), x->studies[i].s, x->studies[heir].s, x->f->now_ms, x->f->why);
	return e;
}

static enum err follow_study(struct following *x, size_t i)
{
	struct follow *f = x->f;
	struct index_study st;
	enum err e = index_study_get(f->ix, x->studies[i].s, &st, f->why);
	x->is_there[i] = e == ERR_OK;
	if (e)
		return e == ERR_NOT_FOUND ? ERR_OK : e;
	e = match_order(f, &st);
	if (!e)
		e = inherit(x, i);
	return e ? e : renew_items(f, st.study_uid.s, &st);
}

static enum err follow_entry(struct following *x)
{
	struct follow *f = x->f;
	enum err e = ERR_OK;
	for (size_t i = 0; !e && i < x->n; i++) {
		unsigned dropped = 0;
		e = edit_follow_jobs(work_db(f->w), f->ix, x->studies[i].s, x->kind == EDIT_DELETE, &dropped, f->why);
		f->jobs += dropped;
		if (!e)
			e = follow_study(x, i);
	}
	for (size_t i = 0; !e && i < x->n; i++) {
		if (x->is_there[i])
			continue;
		e = cancel_items(x, x->studies[i].s);
		if (!e)
			e = hand_on(x, x->studies[i].s);
		if (!e)
			e = edit_follow_gone(work_db(f->w), x->studies[i].s, f->why);
	}
	return e;
}

static enum err follow_edit(struct follow *f, const struct edit *ed)
{
	struct edit *target = NULL;
	struct following *x = calloc(1, sizeof(*x));
	enum err e = x ? ERR_OK : fail(f->why, ERR_NOMEM, "no memory");
	if (!e && ed->kind == EDIT_REVERT)
		e = edit_get(work_db(f->w), "patient_journal", ed->target, &target, f->why);
	if (!e) {
		x->f = f;
		const struct edit *rules = target ? target : ed;
		x->kind = ed->kind;
		x->moves = rules->kind == EDIT_MERGE || rules->kind == EDIT_SPLIT;
		x->n = edit_studies(rules, x->studies, STUDIES);
		e = follow_entry(x);
	}
	free(target);
	free(x);
	return e;
}

/* ---- the task ---- */

static enum err follow_work(void *arg, struct work *w, struct index_reader *ix, struct why *why)
{
	struct follow *f = arg;
	struct index_patient_change c[PAGE];
	int64_t at = 0;
	size_t n = 0;
	f->w = w;
	f->ix = ix;
	f->why = why;
	f->now_ms = clock_wall_ms();
	if (!ix)
		return fail(why, ERR_NOT_FOUND, "there is no index yet");
	enum err e = edit_follow_cursor(work_db(w), &at, why);
	if (e || at >= f->applied)
		return e;
	bool more = true;
	while (!e && more) {
		e = patients_edits_after(work_db(w), at, c, PAGE, &n, why);
		more = !e && n > 0;
		for (size_t i = 0; !e && i < n && (more = c[i].seq <= f->applied); i++) {
			at = c[i].seq;
			e = follow_edit(f, c[i].edit);
		}
		patients_free(c, n);
	}
	crash_point("router_edit_followed");
	return e ? e : edit_follow_set_cursor(work_db(w), f->applied, why);
}

static void follow_done(void *arg, enum err e, const struct why *why)
{
	struct follow *f = arg;
	struct router *r = f->r;
	if (e)
		log_event(LOG_ERROR, "edit_follow", "error", err_name(e), "why", why->text, NULL);
	else if (f->jobs || f->items)
		log_event(LOG_INFO, "edit_followed", "jobs_dropped", log_num(f->jobs).s, "items_cancelled", log_num(f->items).s, NULL);
	if (!e && !r->is_stopping) {
		patients_followed(r, f->applied);
		worklist_wake(r);
	}
	conf_unref(&f->conf);
	free(f);
}

void edits_follow(struct router *r, int64_t applied)
{
	struct follow *f = calloc(1, sizeof(*f));
	if (!f)
		return;                  /* asked again in some seconds */
	f->r = r;
	f->conf = conf_ref(r->conf);
	f->applied = applied;
	if (work_run(r->work, follow_work, follow_done, f)) {
		conf_unref(&f->conf);
		free(f);
	}
}
