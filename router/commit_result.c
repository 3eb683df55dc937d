#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pacs/base/clock.h"
#include "pacs/base/log.h"
#include "db/commit_user.h"
#include "pacs/ctl/commit_json.h"
#include "router/commit.h"
#include "router/errand.h"
#include "router/jobs.h"
#include "router/send.h"

struct taking {
	struct router *router;
	struct conf *conf;               /* a reference */
	char to[33];
	struct commit_refs refs;         /* owned */
	struct commit_tally tally;
	void (*done)(void *arg, uint16_t status, const char *comment);
	void *arg;
};

static enum err take_work(void *arg, struct work *w, struct index_reader *ix, struct why *why)
{
	struct taking *t = arg;
	(void)ix;
	struct commit_said *said = calloc(t->refs.count + 1, sizeof(*said));
	if (!said)
		return fail(why, ERR_NOMEM, "no memory for a commitment result");
	for (size_t i = 0; i < t->refs.count; i++)
		said[i] = (struct commit_said){ t->refs.refs[i].sop_instance.s, t->refs.refs[i].reason };
	const struct commit_result r = {
		.transaction = t->refs.transaction.s, .to = t->to, .said = said, .count = t->refs.count, .now_ms = clock_wall_ms(),
		.answer_s = t->conf->commit_wait_s, .retry_min_s = t->conf->retry_min_s, .retry_max_s = t->conf->retry_max_s, .random = jobs_random(),
	};
	enum err e = commit_result(w, &r, &t->tally, why);
	free(said);
	return e;
}

static void take_done(void *arg, enum err e, const struct why *why)
{
	struct taking *t = arg;
	const struct commit_tally *n = &t->tally;
	log_event(e || n->again || n->held || n->unmentioned ? LOG_WARN : LOG_INFO, "commitment_result", "node", t->to, "transaction", t->refs.transaction.s,
	          "confirmed", log_num(n->confirmed).s, "again", log_num(n->again).s, "held", log_num(n->held).s, "unmentioned", log_num(n->unmentioned).s,
	          "why", e ? why->text : NULL, NULL);
	t->done(t->arg, e == ERR_NOT_FOUND ? 0x0115 : e ? STATUS_PROCESSING_FAILURE : STATUS_SUCCESS, e ? why->text : NULL);
	if (!e && n->again && !t->router->is_stopping) {
		send_wake(t->router);
		errands_wake(t->router, ERRAND_ASK, t->to);
	}
	commit_refs_free(&t->refs);
	conf_unref(&t->conf);
	free(t);
}

void commit_result_take(struct router *r, const char *to, struct commit_refs *refs,
                        void (*done)(void *arg, uint16_t status, const char *comment), void *arg)
{
	struct taking *t = r->work ? calloc(1, sizeof(*t)) : NULL;
	if (t) {
		*t = (struct taking){ .router = r, .conf = conf_ref(r->conf), .refs = *refs, .done = done, .arg = arg };
		snprintf(t->to, sizeof(t->to), "%s", to);
		*refs = (struct commit_refs){ 0 };
		if (!work_run(r->work, take_work, take_done, t))
			return;
		commit_refs_free(&t->refs);
		conf_unref(&t->conf);
		free(t);
	}
	commit_refs_free(refs);
	done(arg, STATUS_PROCESSING_FAILURE, "no memory");
}

/* ---- results that storescp was told ---- */

static void answer(void *arg, uint16_t status, const char *comment)
{
	ctl_answer(arg, json_pack("{s:i,s:s}", "status", (int)status, "comment", comment ? comment : ""));
}

static void result_ctl(struct router *r, struct ctl_request *rq, const json_t *body)
{
	const char *calling = json_string_value(json_object_get(body, "calling"));
	const struct conf_node *node = calling ? conf_node_by_aet(r->conf, calling) : NULL;
	struct commit_refs refs;
	enum err e = commit_json_read(body, true, &refs);
	if (e || !calling) {
		commit_refs_free(&refs);
		ctl_refuse(rq, e ? e : ERR_USAGE, "commit.result needs transaction, calling and refs (class, instance, reason, ...)");
	} else if (!node) {
		commit_refs_free(&refs);
		answer(rq, 0x0124, "no node of pacs.conf has this AE title");    /* only `accept = any` lets such a caller come so far */
	} else {
		commit_result_take(r, node->name, &refs, answer, rq);
	}
}

bool commit_handle_ctl(struct router *r, struct ctl_request *rq, const char *op, const json_t *body)
{
	if (!strcmp(op, "commit.asked"))
		commit_asked_ctl(r, rq, body);
	else if (!strcmp(op, "commit.result"))
		result_ctl(r, rq, body);
	else if (!strcmp(op, "notice"))
		notice_ctl(r, rq, body);
	else if (!strcmp(op, "commit.list"))
		commit_list_ctl(r, rq, body, false);
	else if (!strcmp(op, "notice.list"))
		commit_list_ctl(r, rq, body, true);
	else
		return false;
	return true;
}
