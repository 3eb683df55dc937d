/* C-FIND on the modality worklist: orders of work.db, for modalities (PS3.4 annex K). */
#include "storescp/mwl.h"

#include <stdlib.h>

#include "pacs/base/clock.h"
#include "pacs/orders/order_worklist.h"
#include "storescp/list_find.h"

struct find {
	struct list_find list;
	struct mwl_query query;
	struct orders_reader *reader;    /* used by one reader thread at a time */
};

static bool find_row(void *arg, const struct order_row *row)
{
	struct find *f = arg;
	struct list_find *list = &f->list;
	struct order_row copy = *row;
	if (!mwl_query_takes(&f->query, &copy))
		return list_find_skip(list, row->id);
	struct arena_mark mark = arena_mark(&list->arena);
	struct dataset *ds = dataset_new(&list->arena);
	list->err = ds ? order_to_worklist(&copy.o, copy.state, ds) : ERR_NOMEM;
	bool goes_on = !list->err && list_find_row(list, row->id, ds);
	arena_release(&list->arena, mark);
	return goes_on;
}

static enum err find_page(struct list_find *list, struct why *why)
{
	struct find *f = (struct find *)list;
	enum err e = f->reader ? ERR_OK : orders_reader_open(list->dir, &f->reader, why);
	return e ? e : orders_page(f->reader, &f->query.filter, list->after, LIST_PAGE, find_row, f, why);
}

static void find_close(struct list_find *list)
{
	orders_reader_close(&((struct find *)list)->reader);
}

static const struct list_source source = { .name = "worklist C-FIND", .event = "mwl_find_failed", .page = find_page, .close = find_close, .in_callers_charset = true };

static void read_query(struct list_find *list)
{
	struct find *f = (struct find *)list;
	const struct conf *conf = list->op.server->conf;
	int64_t forget_ms = conf->order_days ? clock_wall_ms() - (int64_t)conf->order_days * 86400000 : 0;
	struct dataset *match;
	/* The keys have been checked: what is left is a want of memory, which the page then tells. */
	list->err = mwl_query_read(list->keys, list->op.session->calling, forget_ms, &f->query, &match);
	if (!list->err)
		list->match_keys = match;
}

static void find_start(struct session *s, uint8_t context_id, const struct dimse *rq, struct bytes data)
{
	struct find *f = calloc(1, sizeof(*f));
	if (f)
		list_find_start(&f->list, &source, s, context_id, rq, data, read_query);
	else
		session_respond(s, context_id, rq, STATUS_OUT_OF_RESOURCES, "no memory");
}

static bool is_worklist(const char *abstract_syntax)
{
	return !strcmp(abstract_syntax, UID_WORKLIST_FIND);
}

const struct service service_mwl_find = { .field = DIMSE_C_FIND_RQ, .start = find_start, .serves = is_worklist };
