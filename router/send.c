#include "router/send.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pacs/base/clock.h"
#include "pacs/base/log.h"
#include "router/dest.h"

enum { TICK_MS = 250, LOOK_TICKS = 4 };  /* each second everybody looks for jobs, whether told or not */

struct send {
	LIST_HEAD(, dest) dests;
	struct loop_timer *tick;
	unsigned ticks;
	void (*quiet)(struct router *r);
};

static bool is_quiet(const struct send *s)
{
	const struct dest *d;
	LIST_FOREACH(d, &s->dests, entry)
		if (d->link_count || d->is_claiming)
			return false;
	return true;
}

void send_tell_quiet(struct router *r)
{
	struct send *s = r->send;
	void (*quiet)(struct router *) = s->quiet;
	if (quiet && is_quiet(s)) {
		s->quiet = NULL;
		quiet(r);
	}
}

/* ---- the room ---- */

static void step_all(struct router *r)
{
	struct dest *d;
	LIST_FOREACH(d, &r->send->dests, entry)
		dest_step(d);
}

static void on_tick(void *arg)
{
	struct router *r = arg;
	if (++r->send->ticks % LOOK_TICKS)
		step_all(r);
	else
		send_wake(r);
}

void send_wake(struct router *r)
{
	struct dest *d;
	LIST_FOREACH(d, &r->send->dests, entry)
		d->has_work = true;
	step_all(r);
}

void send_hurry(struct router *r, const char *name)
{
	struct dest *d;
	LIST_FOREACH(d, &r->send->dests, entry)
		if (!name || !strcmp(name, d->node.name))
			d->not_before_ns = 0;
	send_wake(r);
}

void send_each(struct router *r, void (*fn)(void *arg, const struct send_state *s), void *arg)
{
	const struct dest *d;
	LIST_FOREACH(d, &r->send->dests, entry) {
		struct send_state s = {
			.name = d->node.name, .aet = d->node.aet, .last_error = d->last_error, .associations = d->link_count,
			.in_hand = d->ready_count + d->given_count, .failures = d->failures, .images = d->images, .bytes = d->bytes,
		};
		uint64_t now = clock_mono_ns();
		if (d->not_before_ns > now)
			s.next_try_ms = clock_wall_ms() + (int64_t)((d->not_before_ns - now) / 1000000);
		if (d->is_known)
			fn(arg, &s);
	}
}

static struct dest *dest_get(struct router *r, const char *name)
{
	struct dest *d;
	LIST_FOREACH(d, &r->send->dests, entry)
		if (!strcmp(d->node.name, name))
			return d;
	d = calloc(1, sizeof(*d));
	if (!d)
		return NULL;
	d->router = r;
	TAILQ_INIT(&d->ready);
	LIST_INIT(&d->links);
	LIST_INSERT_HEAD(&r->send->dests, d, entry);
	return d;
}

static void retire_links(struct dest *d)
{
	struct link *k, *next;
	for (k = LIST_FIRST(&d->links); k; k = next) {
		next = link_next(k);
		link_retire(k);
	}
}

static bool is_same_peer(const struct conf_node *a, const struct conf_node *b)
{
	return !strcmp(a->aet, b->aet) && !strcmp(a->host, b->host) && a->port == b->port && a->accepts_j2k == b->accepts_j2k &&
	       !strcmp(a->codec, b->codec) && a->rate_bytes_per_s == b->rate_bytes_per_s;
}

static void dest_configure(struct dest *d, const struct conf_node *node)
{
	bool is_same = d->is_known && is_same_peer(&d->node, node);
	d->node = *node;
	if (recipe_parse(node->codec, &d->wish, NULL))
		d->wish = (struct recipe){ .ts = NULL };       /* conf has checked it */
	d->is_known = true;
	d->has_work = true;
	if (is_same)
		return;
	retire_links(d);
	dest_succeeded(d);
	rate_init(&d->rate, node->rate_bytes_per_s, clock_mono_ns());
}

/* ---- the names that work.db may send to ---- */

struct nodes {
	struct router *router;
	struct conf *conf;               /* a reference: lends the names */
	struct work_node *nodes;
	unsigned queued;
};

static enum err nodes_work(void *arg, struct work *w, struct index_reader *ix, struct why *why)
{
	struct nodes *n = arg;
	(void)ix;
	return work_set_nodes(w, n->nodes, n->conf->node_count, clock_wall_ms(), &n->queued, why);
}

static void nodes_done(void *arg, enum err e, const struct why *why)
{
	struct nodes *n = arg;
	if (e)
		log_event(LOG_ERROR, "nodes_not_saved", "why", why->text, NULL);
	else if (n->queued)
		log_event(LOG_INFO, "jobs_released", "jobs", log_num(n->queued).s, "why", "their node is known now", NULL);
	if (!n->router->is_stopping)
		send_wake(n->router);
	conf_unref(&n->conf);
	free(n->nodes);
	free(n);
}

static enum err tell_nodes(struct router *r)
{
	struct nodes *n = calloc(1, sizeof(*n));
	if (!n)
		return ERR_NOMEM;
	n->router = r;
	n->conf = conf_ref(r->conf);
	n->nodes = calloc(n->conf->node_count + 1, sizeof(*n->nodes));
	for (size_t i = 0; n->nodes && i < n->conf->node_count; i++)
		n->nodes[i] = (struct work_node){ n->conf->nodes[i].name, n->conf->nodes[i].aet };
	enum err e = n->nodes ? work_run(r->work, nodes_work, nodes_done, n) : ERR_NOMEM;
	if (e) {
		conf_unref(&n->conf);
		free(n->nodes);
		free(n);
	}
	return e;
}

void send_reload(struct router *r)
{
	struct dest *d;
	LIST_FOREACH(d, &r->send->dests, entry)
		if (!conf_node_by_name(r->conf, d->node.name)) {
			d->is_known = false;
			retire_links(d);
			dest_give_back(d);
		}
	for (size_t i = 0; i < r->conf->node_count; i++) {
		d = dest_get(r, r->conf->nodes[i].name);
		if (d)
			dest_configure(d, &r->conf->nodes[i]);
	}
	if (tell_nodes(r))
		log_event(LOG_ERROR, "out_of_memory", "doing", "telling work.db which nodes there are", NULL);
}

enum err send_start(struct router *r, struct why *why)
{
	r->send = calloc(1, sizeof(*r->send));
	if (!r->send || loop_timer_new(r->loop, on_tick, r, &r->send->tick))
		return fail(why, ERR_NOMEM, "no memory");
	LIST_INIT(&r->send->dests);
	send_reload(r);
	loop_timer_start(r->send->tick, TICK_MS, TICK_MS);
	return ERR_OK;
}

void send_stop(struct router *r, void (*quiet)(struct router *r))
{
	struct dest *d;
	r->send->quiet = quiet;
	loop_timer_free(&r->send->tick);
	LIST_FOREACH(d, &r->send->dests, entry) {
		struct link *k, *next;
		dest_give_back(d);
		for (k = LIST_FIRST(&d->links); k; k = next) {
			next = link_next(k);
			link_drop(k);
		}
	}
	send_tell_quiet(r);
}

void send_fini(struct router *r)
{
	struct dest *d;
	if (!r->send)
		return;
	while ((d = LIST_FIRST(&r->send->dests))) {
		LIST_REMOVE(d, entry);
		free(d);
	}
	free(r->send);
	r->send = NULL;
}
