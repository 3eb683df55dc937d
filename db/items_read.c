/* Reading work items: for C-FIND, N-GET and the admin's list. */
#include "db/items_sql.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "db/work_schema.h"
#include "pacs/base/clock.h"

struct items_reader {
	sqlite3 *db;
};

enum err items_reader_open(const char *dir, struct items_reader **out, struct why *why)
{
	char path[4096 + 16];
	struct items_reader *r = calloc(1, sizeof(*r));

	if (!r)
		return fail(why, ERR_NOMEM, "no memory for a reader of work items");
	snprintf(path, sizeof(path), "%s/work.db", dir);
	enum err e = sql_open_reader(path, &work_schema, &r->db, why);
	if (e) {
		free(r);
		return e;
	}
	*out = r;
	return ERR_OK;
}

void items_reader_close(struct items_reader **r)
{
	if (!*r)
		return;
	sql_close(&(*r)->db);
	free(*r);
	*r = NULL;
}

/* What the row knows better than the data set. */
static enum err overlay(const struct item_row *row, struct dataset *ds)
{
	enum err e = dataset_put_str(ds, TAG_STEP_STATE, item_state_name(row->state));

	if (!e)
		e = dataset_put_str(ds, TAG_STEP_MODIFIED, clock_dt(row->modified_ms).s);
	return e;
}

static void bind_filter(sqlite3_stmt *st, const struct items_filter *f, int64_t after, unsigned max)
{
	if (f->state != ITEM_NONE)
		sql_bind_text(st, 1, item_state_name(f->state));
	if (f->uid && f->uid[0])
		sql_bind_text(st, 2, f->uid);
	if (f->study_uid && f->study_uid[0])
		sql_bind_text(st, 3, f->study_uid);
	sql_bind_int(st, 4, after);
	sql_bind_int(st, 5, max);
}

/* One statement for each way in, so that each has its index. */
static const char *page_sql(const struct items_filter *f)
{
	if (f->uid && f->uid[0])
		return "SELECT " ITEM_COLUMNS " FROM item WHERE uid = ?2 AND (?1 IS NULL OR state = ?1) AND (?3 IS NULL OR study_uid = ?3) AND id > ?4 LIMIT ?5";
	if (f->study_uid && f->study_uid[0])
		return "SELECT " ITEM_COLUMNS " FROM item WHERE study_uid = ?3 AND (?1 IS NULL OR state = ?1) AND id > ?4 ORDER BY id LIMIT ?5";
	if (f->state != ITEM_NONE)
		return "SELECT " ITEM_COLUMNS " FROM item WHERE state = ?1 AND id > ?4 ORDER BY id LIMIT ?5";
	return "SELECT " ITEM_COLUMNS " FROM item WHERE id > ?4 ORDER BY id LIMIT ?5";
}

enum err items_page(struct items_reader *r, const struct items_filter *f, int64_t after, unsigned max, struct arena *a,
                    bool (*fn)(void *arg, const struct item_row *row, const struct dataset *ds), void *arg, int64_t *last, struct why *why)
{
	sqlite3_stmt *st;
	enum err e = sql_prepare(r->db, page_sql(f), &st, why);

	*last = after;
	if (e)
		return e;
	bind_filter(st, f, after, max);
	while (!e && !(e = sql_step(st, why))) {
		struct arena_mark mark = arena_mark(a);
		struct item_row row;
		struct dataset *ds;
		items_read_row(st, &row);
		e = items_read_dataset(st, a, &ds, why);
		if (!e)
			e = overlay(&row, ds);
		*last = row.id;
		if (!e && !fn(arg, &row, ds))
			e = ERR_END;
		arena_release(a, mark);
	}
	sql_close_one(&st);
	return e == ERR_END ? ERR_OK : e;
}

enum err items_list(struct items_reader *r, enum item_state state, unsigned limit,
                    bool (*fn)(void *arg, const struct item_row *row, const char *patient_name), void *arg, struct why *why)
{
	sqlite3_stmt *st;
	struct arena a;
	enum err e = sql_prepare(r->db, "SELECT " ITEM_COLUMNS " FROM item WHERE (?1 IS NULL OR state = ?1) ORDER BY id DESC LIMIT ?2", &st, why);

	if (e)
		return e;
	if (state != ITEM_NONE)
		sql_bind_text(st, 1, item_state_name(state));
	sql_bind_int(st, 2, limit);
	arena_init(&a, ITEMS_ARENA);
	while (!e && !(e = sql_step(st, why))) {
		struct arena_mark mark = arena_mark(&a);
		struct item_row row;
		struct dataset *ds;
		items_read_row(st, &row);
		e = items_read_dataset(st, &a, &ds, why);
		if (!e && !fn(arg, &row, dataset_str(ds, TAG_PATIENT_NAME)))
			e = ERR_END;
		arena_release(&a, mark);
	}
	arena_fini(&a);
	sql_close_one(&st);
	return e == ERR_END ? ERR_OK : e;
}
