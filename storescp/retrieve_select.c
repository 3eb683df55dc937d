#include "storescp/retrieve_select.h"

#include <stdlib.h>

/* ---- selection, on a reader ---- */
bool picks_add(struct picks *p, struct pick pick, size_t max)
{
	if (p->count == p->cap) {
		size_t cap = p->cap ? 2 * p->cap : 64;
		struct pick *grown = p->count < max ? realloc(p->p, cap * sizeof(*grown)) : NULL;
		if (!grown)
			return false;
		p->p = grown;
		p->cap = cap;
	}
	p->p[p->count++] = pick;
	return true;
}

/* The number of this kind; kind_count when it is one too many. */
static size_t kind_of(struct retrieve *r, const struct index_instance *i)
{
	size_t k;

	for (k = 0; k < r->kind_count; k++)
		if (!strcmp(r->kinds[k].ts.s, i->ts.s) && !strcmp(r->kinds[k].sop_class.s, i->sop_class.s))
			return k;
	if (k == BOUND_RETRIEVE_KINDS)
		return k;
	struct send_kind *grown = realloc(r->kinds, (k + 1) * sizeof(*grown));
	if (!grown)
		return k;
	r->kinds = grown;
	r->kinds[k] = (struct send_kind){ i->sop_class, i->ts };
	r->kind_count++;
	return k;
}

static bool on_selected(void *arg, const struct index_instance *i)
{
	struct retrieve *r = arg;
	size_t kind = kind_of(r, i);

	if (kind < r->kind_count && picks_add(&r->picks, (struct pick){ .instance = i->instance, .kind = (uint32_t)kind }, BOUND_RETRIEVE))
		return true;
	r->err = fail(&r->why, ERR_LIMIT, "more than %d instances, or no memory for them", BOUND_RETRIEVE);
	return false;
}

void retrieve_select_work(void *arg, struct index_reader *ix)
{
	struct retrieve *r = arg;
	enum err e = query_select(ix, r->identifier.ds, r->identifier.root, on_selected, r, &r->why);

	if (!r->err)
		r->err = e;
}

/* ---- the next batch, on a reader ---- */
static bool next_pick(struct retrieve *r, struct pick *out)
{
	if (r->retries.count) {
		*out = r->retries.p[--r->retries.count];
		return true;
	}
	while (r->next < r->picks.count) {
		*out = r->picks.p[r->next++];
		if (out->kind >= r->pass_from && out->kind < r->pass_to)
			return true;
	}
	return false;
}

void retrieve_batch_work(void *arg, struct index_reader *ix)
{
	struct retrieve *r = arg;

	while (r->batch_count < RETRIEVE_BATCH && next_pick(r, &r->batch[r->batch_count].pick)) {
		struct why why;
		unsigned n = r->batch_count++;
		r->batch[n].err = index_get(ix, r->batch[n].pick.instance, &r->batch[n].what, &why);
	}
}
