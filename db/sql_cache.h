/* sql_cache - a writer's statements of one use, kept when their use is over: to parse one costs several times what it does.
 *
 * The cache belongs to its connection, one thread at a time like that. It holds the statements that nobody uses, the last used
 * first, at most SQL_CACHED; who uses one has it for himself, so a second use of the same text meanwhile is a second statement.
 * A connection without one (a reader, or no memory) parses each time.
 */
#ifndef DB_SQL_CACHE_H
#define DB_SQL_CACHE_H

#include <sqlite3.h>
#include <stdbool.h>

enum { SQL_CACHED = 48 };        /* some 3 kB each */

void     sql_cache_open(sqlite3 *db);
void     sql_cache_close(sqlite3 *db);                           /* finalizes what it holds */
sqlite3_stmt *sql_cache_take(sqlite3 *db, const char *sql);      /* reset, nothing bound; NULL: none of this text */
/* Resets it and clears its bindings. false: there is no cache, the statement stays the caller's. */
bool     sql_cache_give(sqlite3_stmt *st);

#endif
