#include "pacs/send/send.h"

struct proposal {
	struct arena *arena;
	struct negotiate_context *contexts;
	unsigned count;
};

static bool has_class(const struct proposal *p, const char *sop_class)
{
	for (unsigned i = 0; i < p->count; i++)
		if (!strcmp(p->contexts[i].abstract_syntax, sop_class))
			return true;
	return false;
}

static bool has_single(const struct proposal *p, const char *sop_class, const char *ts)
{
	for (unsigned i = 0; i < p->count; i++)
		if (p->contexts[i].ts_count == 1 && !strcmp(p->contexts[i].abstract_syntax, sop_class) && !strcmp(p->contexts[i].ts[0], ts))
			return true;
	return false;
}

static enum err propose(struct proposal *p, const char *sop_class, const char *first, const char *second)
{
	struct negotiate_context *pc = &p->contexts[p->count];
	const char **ts = arena_alloc(p->arena, 2 * sizeof(*ts));

	pc->abstract_syntax = arena_strn(p->arena, sop_class, strlen(sop_class));
	pc->ts = ts;
	if (!ts || !pc->abstract_syntax)
		return ERR_NOMEM;
	ts[0] = arena_strn(p->arena, first, strlen(first));
	ts[1] = second;
	if (!ts[0])
		return ERR_NOMEM;
	pc->ts_count = second ? 2 : 1;
	pc->id = (uint8_t)(2 * p->count + 1);
	p->count++;
	return ERR_OK;
}

static enum err propose_kind(struct proposal *p, const struct send_kind *k, bool needs_single, bool needs_native)
{
	enum err e = ERR_OK;

	if (needs_single)
		e = propose(p, k->sop_class.s, k->ts.s, NULL);
	if (!e && needs_native)
		e = propose(p, k->sop_class.s, TS_EXPLICIT_LE, TS_IMPLICIT_LE);
	return e;
}

enum err send_contexts(struct arena *a, const struct send_kind *kinds, size_t n, bool offer_stored,
                       struct negotiate_context **out, unsigned *count, size_t *covered)
{
	struct proposal p = { a, arena_alloc(a, BOUND_CONTEXTS * sizeof(*p.contexts)), 0 };
	size_t i;

	*out = NULL;
	*count = 0;
	*covered = 0;
	if (!p.contexts)
		return ERR_NOMEM;
	for (i = 0; i < n; i++) {
		bool needs_single = offer_stored && !has_single(&p, kinds[i].sop_class.s, kinds[i].ts.s);
		bool needs_native = !has_class(&p, kinds[i].sop_class.s);
		if (p.count + needs_single + needs_native > BOUND_CONTEXTS)
			break;
		enum err e = propose_kind(&p, &kinds[i], needs_single, needs_native);
		if (e)
			return e;
	}
	*out = p.contexts;
	*count = p.count;
	*covered = i;
	return ERR_OK;
}
