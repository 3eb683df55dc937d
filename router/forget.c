#include "router/forget.h"

#include <stdlib.h>

#include "pacs/base/clock.h"
#include "pacs/base/log.h"
#include "db/commit_user.h"
#include "db/work_keep.h"

enum { HOUR_MS = 3600 * 1000, PIECE = 500, PAUSE_MS = 200 };
static const int64_t DAY_MS = 24 * 3600 * 1000;

struct pass { struct router *router; int64_t before_ms; unsigned n; };

static enum err forget_work(void *arg, struct work *w, struct index_reader *ix, struct why *why)
{
	struct pass *p = arg;
	(void)ix;
	return work_forget(w, p->before_ms, PIECE, &p->n, why);
}

static void forget_done(void *arg, enum err e, const struct why *why)
{
	struct pass *p = arg;
	struct router *r = p->router;
	if (e)
		log_event(LOG_ERROR, "not_forgotten", "error", err_name(e), "why", why->text, NULL);
	else if (p->n)
		log_event(LOG_INFO, "forgotten", "rows", log_num(p->n).s, NULL);
	if (!r->is_stopping && r->forget)
		loop_timer_start(r->forget, !e && p->n ? PAUSE_MS : HOUR_MS, 0);
	free(p);
}

static void on_timer(void *arg)
{
	struct router *r = arg;
	struct pass *p = calloc(1, sizeof(*p));
	if (p) {
		p->router = r;
		p->before_ms = clock_wall_ms() - r->conf->keep_jobs_days * DAY_MS;
		if (!work_run(r->work, forget_work, forget_done, p))
			return;
		free(p);
	}
	loop_timer_start(r->forget, HOUR_MS, 0);
}

/* Before anything of this run is asked. */
static enum err recover_work(void *arg, struct work *w, struct index_reader *ix, struct why *why)
{
	(void)arg;
	(void)ix;
	return commit_recover(w, clock_wall_ms(), why);
}

enum err forget_start(struct router *r, struct why *why)
{
	if (loop_timer_new(r->loop, on_timer, r, &r->forget) || work_run(r->work, recover_work, NULL, NULL))
		return fail(why, ERR_NOMEM, "no memory");
	loop_timer_start(r->forget, PAUSE_MS, 0);
	return ERR_OK;
}

void forget_stop(struct router *r)
{
	if (r->forget)
		loop_timer_free(&r->forget);
}
