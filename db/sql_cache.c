#include "db/sql_cache.h"

#include <stdlib.h>
#include <string.h>

#include "db/sql_vfs.h"
#include "pacs/base/fault.h"

struct cache { unsigned n; sqlite3_stmt *of[SQL_CACHED]; };

static struct cache *cache_of(sqlite3 *db)
{
	void **slot = sql_vfs_slot(db);
	return slot ? *slot : NULL;
}

void sql_cache_open(sqlite3 *db)
{
	void **slot = sql_vfs_slot(db);
	if (slot)
		*slot = fault_fails(FAULT_ALLOC) ? NULL : calloc(1, sizeof(struct cache));
}

void sql_cache_close(sqlite3 *db)
{
	struct cache *c = cache_of(db);
	if (!c)
		return;
	while (c->n)
		sqlite3_finalize(c->of[--c->n]);
	free(c);
	*sql_vfs_slot(db) = NULL;
}

sqlite3_stmt *sql_cache_take(sqlite3 *db, const char *sql)
{
	struct cache *c = cache_of(db);
	for (unsigned i = 0; c && i < c->n; i++) {
		sqlite3_stmt *st = c->of[i];
		if (strcmp(sqlite3_sql(st), sql))
			continue;
		memmove(c->of + i, c->of + i + 1, (--c->n - i) * sizeof(c->of[0]));
		return st;
	}
	return NULL;
}

bool sql_cache_give(sqlite3_stmt *st)
{
	struct cache *c = cache_of(sqlite3_db_handle(st));
	if (!c)
		return false;
	sqlite3_reset(st);
	sqlite3_clear_bindings(st);
	if (c->n == SQL_CACHED)
		sqlite3_finalize(c->of[--c->n]);
	memmove(c->of + 1, c->of, c->n++ * sizeof(c->of[0]));
	c->of[0] = st;
	return true;
}
