#include "router/worklist.h"

#include <stdio.h>
#include <string.h>

enum { ARENA = 32 << 20 };

/* ---- escalation: the study goes up, and the node there makes an item of its own ---- */

/* Of the tree, above us, and one that we can call. */
static bool is_above(const struct conf *conf, const struct conf_node *n)
{
	return n->has_level && n->level > conf->level && n->host[0];
}

/* The nearest level above ours that any node has. */
static bool next_level(const struct conf *conf, enum conf_level *out)
{
	bool found = false;

	for (size_t i = 0; i < conf->node_count; i++)
		if (is_above(conf, &conf->nodes[i]) && (!found || conf->nodes[i].level < *out)) {
			*out = conf->nodes[i].level;
			found = true;
		}
	return found;
}

struct escalation {
	struct work *w;
	const struct conf_node *to;
	struct work_job job;
	enum err e;
	struct why *why;
};

static bool send_up(void *arg, const struct index_instance *i)
{
	struct escalation *es = arg;

	es->job.instance = i->instance;
	es->job.size = i->size;
	es->job.sop_instance = i->sop_uid;
	es->e = work_enqueue(es->w, &es->job, es->why);
	if (es->e == ERR_EXISTS)         /* it went there already, or is on its way */
		es->e = ERR_OK;
	return es->e == ERR_OK;
}

static enum err escalate_to(struct work *w, struct index_reader *ix, const struct conf *conf, const struct conf_node *to, const struct item_row *row, int64_t now_ms, struct why *why)
{
	struct escalation es = { .w = w, .to = to, .why = why };

	es.job.kind = JOB_FORWARD;
	es.job.study = row->study_uid;
	es.job.created_ms = now_ms;
	es.job.priority = strcmp(row->priority, "HIGH") == 0 ? 9 : 5;    /* a waiting case overtakes routine forwarding */
	snprintf(es.job.to, sizeof(es.job.to), "%s", to->name);
	snprintf(es.job.source, sizeof(es.job.source), "%s", conf->aet);
	enum err e = index_study_instances(ix, row->study_uid.s, send_up, &es, why);
	return e ? e : es.e;
}

static enum err escalate(struct work *w, struct index_reader *ix, const struct conf *conf, enum conf_level level, const struct item_row *row, int64_t now_ms, struct why *why)
{
	char note[65];
	enum err e = ERR_OK;

	for (size_t i = 0; i < conf->node_count && !e; i++)
		if (is_above(conf, &conf->nodes[i]) && conf->nodes[i].level == level)
			e = escalate_to(w, ix, conf, &conf->nodes[i], row, now_ms, why);
	snprintf(note, sizeof(note), "escalated to the %s", conf_level_name(level));
	return e ? e : items_note(work_db(w), row->uid.s, note, conf->aet, now_ms, why);
}

static enum err read_reason(struct work *w, const char *uid, struct item_row *row, char reason[17], struct why *why)
{
	struct arena a;
	struct dataset *ds;

	arena_init(&a, ARENA);
	enum err e = items_load(work_db(w), uid, &a, row, &ds, why);
	snprintf(reason, 17, "%s", e ? "" : item_attrs_reason(ds));
	arena_fini(&a);
	return e;
}

enum err worklist_cancelled(struct work *w, struct index_reader *ix, const struct conf *conf, const char *uid, int64_t now_ms,
                            struct uid *next, bool *escalated, struct why *why)
{
	struct item_row row;
	char reason[17];
	enum conf_level level = conf->level;
	enum err e = read_reason(w, uid, &row, reason, why);

	next->s[0] = 0;
	*escalated = false;
	if (e)
		return e;
	/* With nobody above, the case stays on our own list rather than nowhere. */
	if (strcmp(reason, REASON_NEEDS_SPECIALIST) == 0 && ix && next_level(conf, &level)) {
		*escalated = true;
		return escalate(w, ix, conf, level, &row, now_ms, why);
	}
	return items_reissue(work_db(w), uid, conf->aet, now_ms, next, why);
}
