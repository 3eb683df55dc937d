#include <string.h>

#include "pacs/ask.h"
#include "pacs/demo.h"

enum { LOOK_EVERY_MS = 250 };

static struct index_reader *reader(struct demo *d, enum demo_place at)
{
	struct demo_node *n = &d->nodes[at];
	if (!n->index && index_reader_open(n->dir, &n->index, NULL))
		n->index = NULL;
	return n->index;
}

static bool find(struct demo *d, enum demo_place at, const struct demo_image *m, struct index_instance *out)
{
	struct index_reader *r = reader(d, at);
	return r && !index_get_by_uid(r, m->sop.s, out, NULL);
}

bool demo_has_ts(struct demo *d, enum demo_place at, const struct demo_image *m, const char *ts)
{
	struct index_instance i;
	return find(d, at, m, &i) && !strcmp(i.ts.s, ts);
}

static void reached(struct demo *d, struct demo_image *m, enum demo_stage s)
{
	if (m->at_s[s] > 0)
		return;
	m->at_s[s] = demo_now_s(d);
	demo_show_stage(d, m, s);
}

/* The modalities that the routes of the demo compress and list. */
static bool is_imaging(const char *modalities)
{
	static const char *const ours[] = { "DR", "DX", "CR", "MG", "US" };
	for (size_t i = 0; i < NELEM(ours); i++)
		if (!strncmp(modalities, ours[i], 2) && (!modalities[2] || modalities[2] == '\\'))
			return true;
	return false;
}

static void look_at_clinic(struct demo *d, struct demo_image *m)
{
	struct index_instance i;
	struct index_study s;
	if (!find(d, CLINIC, m, &i))
		return;
	if (m->at_s[STAGE_INDEXED] <= 0 && !index_study_get(reader(d, CLINIC), i.study_uid.s, &s, NULL)) {
		m->study = i.study_uid;
		m->is_imaging = is_imaging(s.modalities);
		reached(d, m, STAGE_INDEXED);
	}
	if (strcmp(i.ts.s, TS_J2K_LOSSLESS))
		return;
	m->kept_size = i.size;
	reached(d, m, STAGE_COMPRESSED);
}

static void look_at_image(struct demo *d, struct demo_image *m)
{
	struct index_instance i;
	if (m->is_refused || m->at_s[STAGE_SENT] <= 0)
		return;
	if (m->at_s[STAGE_COMPRESSED] <= 0)
		look_at_clinic(d, m);
	if (m->at_s[STAGE_FORWARDED] <= 0 && find(d, COUNTY, m, &i))
		reached(d, m, STAGE_FORWARDED);
	if (m->at_s[STAGE_RAISED] <= 0 && find(d, PROVINCE, m, &i))
		reached(d, m, STAGE_RAISED);
}

static json_t *list(const struct demo_node *n, const char *op, const char *key, const char *state)
{
	json_t *answer = NULL;
	if (ask(n->conf, "router", json_pack("{s:s,s:s,s:i}", "op", op, "state", state, "limit", 500), &answer, NULL))
		return NULL;
	json_t *items = json_incref(json_object_get(answer, key));
	json_decref(answer);
	return items;
}

static const char *text(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));
	return s ? s : "";
}

static void look_at_worklist(struct demo *d)
{
	json_t *items = list(&d->nodes[COUNTY], "worklist.list", "items", "");
	size_t i;
	const json_t *item;
	json_array_foreach(items, i, item)
		for (size_t k = 0; k < d->image_count; k++)
			if (d->images[k].study.s[0] && !strcmp(text(item, "study"), d->images[k].study.s) && d->images[k].at_s[STAGE_FORWARDED] > 0)
				reached(d, &d->images[k], STAGE_LISTED);
	json_decref(items);
}

static void note_why(struct demo *d, const char *sop, const char *why)
{
	for (size_t k = 0; k < d->image_count; k++) {
		struct demo_image *m = &d->images[k];
		if (!strcmp(sop, m->sop.s) && !m->note[0] && !demo_has_ts(d, CLINIC, m, TS_J2K_LOSSLESS))
			snprintf(m->note, sizeof(m->note), "%s", why);
	}
}

/* What is not compressed is kept as it came, and the queue says why: done without a gain, or held. */
static void look_at_kept(struct demo *d)
{
	static const char *const states[] = { "sent", "held" };
	for (size_t s = 0; s < NELEM(states); s++) {
		json_t *jobs = list(&d->nodes[CLINIC], "queue.list", "jobs", states[s]);
		size_t i;
		const json_t *j;
		json_array_foreach(jobs, i, j)
			if (!strcmp(text(j, "kind"), "compress"))
				note_why(d, text(j, "sop_instance"), text(j, "why"));
		json_decref(jobs);
	}
}

void demo_look(struct demo *d)
{
	for (size_t i = 0; i < d->image_count; i++)
		look_at_image(d, &d->images[i]);
	look_at_worklist(d);
	look_at_kept(d);
	demo_show_table(d);
}

static bool is_done(const struct demo_image *m)
{
	if (m->is_refused)
		return true;
	if (m->at_s[STAGE_INDEXED] <= 0 || m->at_s[STAGE_FORWARDED] <= 0)
		return false;
	return !m->is_imaging || (m->at_s[STAGE_LISTED] > 0 && (m->at_s[STAGE_COMPRESSED] > 0 || m->note[0]));
}

bool demo_watch(struct demo *d, unsigned timeout_s)
{
	double end = demo_now_s(d) + timeout_s;
	for (;;) {
		size_t done = 0;
		demo_look(d);
		for (size_t i = 0; i < d->image_count; i++)
			done += is_done(&d->images[i]);
		if (done == d->image_count)
			return true;
		if (demo_now_s(d) > end || !demo_pause(d, LOOK_EVERY_MS))
			return false;
	}
}

bool demo_item(struct demo *d, enum demo_place at, const char *study, const char *state, char uid[65])
{
	json_t *items = list(&d->nodes[at], "worklist.list", "items", state);
	size_t i;
	const json_t *item;
	bool found = false;
	json_array_foreach(items, i, item) {
		if (found || (*study && strcmp(text(item, "study"), study)))
			continue;
		snprintf(uid, 65, "%s", text(item, "uid"));
		found = true;
	}
	json_decref(items);
	return found;
}
