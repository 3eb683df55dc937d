/* C-FIND on work items. */
#include "storescp/ups.h"

#include <stdlib.h>

#include "storescp/list_find.h"

struct find {
	struct list_find list;
	struct items_filter filter;      /* strings in the keys' arena */
	struct items_reader *reader;     /* used by one reader thread at a time */
};

static bool find_item(void *arg, const struct item_row *row, const struct dataset *ds)
{
	return list_find_row(arg, row->id, ds);
}

static enum err find_page(struct list_find *list, struct why *why)
{
	struct find *f = (struct find *)list;
	int64_t last;
	enum err e = f->reader ? ERR_OK : items_reader_open(list->dir, &f->reader, why);

	return e ? e : items_page(f->reader, &f->filter, list->after, LIST_PAGE, &list->arena, find_item, list, &last, why);
}

static void find_close(struct list_find *list)
{
	items_reader_close(&((struct find *)list)->reader);
}

static const struct list_source source = { .name = "UPS C-FIND", .event = "ups_find_failed", .page = find_page, .close = find_close };

/* What an index serves; the rest is matched item by item. */
static struct items_filter filter_of(const struct dataset *keys)
{
	struct items_filter f = { .state = ITEM_NONE };
	const char *uid = dataset_str(keys, TAG_SOP_INSTANCE_UID), *study = dataset_str(keys, TAG_STUDY_UID);

	if (!item_state_parse(dataset_str(keys, TAG_STEP_STATE), &f.state))
		f.state = ITEM_NONE;
	f.uid = uid_is_legal(uid) ? uid : NULL;
	f.study_uid = uid_is_legal(study) ? study : NULL;
	return f;
}

static void set_filter(struct list_find *list)
{
	((struct find *)list)->filter = filter_of(list->keys);
}

static void find_start(struct session *s, uint8_t context_id, const struct dimse *rq, struct bytes data)
{
	struct find *f;

	if (!ups_may(s, context_id, rq))
		return;
	f = calloc(1, sizeof(*f));
	if (f)
		list_find_start(&f->list, &source, s, context_id, rq, data, set_filter);
	else
		session_respond(s, context_id, rq, STATUS_OUT_OF_RESOURCES, "no memory");
}

const struct service service_ups_find = { .field = DIMSE_C_FIND_RQ, .start = find_start };
