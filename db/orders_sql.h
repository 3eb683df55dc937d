/* orders_sql - what the files of the orders room share of SQLite. Private to db/orders*.c. */
#ifndef DB_ORDERS_SQL_H
#define DB_ORDERS_SQL_H

#include "db/items_sql.h"
#include "db/orders.h"

#define ORDER_COLUMN(name, size, kind, says) "o." #name ", "
/* What orders_read_row() expects, with FROM imaging_order o LEFT JOIN order_study s. */
#define ORDER_SELECT \
	"SELECT " ORDER_FIELDS(ORDER_COLUMN) "o.id, o.state, o.source, o.note, o.created_ms, o.changed_ms," \
	" coalesce((SELECT study_uid FROM order_study WHERE order_id = o.id ORDER BY at_ms DESC LIMIT 1), '')," \
	" coalesce((SELECT how FROM order_study WHERE order_id = o.id ORDER BY at_ms DESC LIMIT 1), '') FROM imaging_order o "
void orders_read_row(sqlite3_stmt *st, struct order_row *out);

/* Prepares, binds `n` texts as ?1 ... and leaves the rest to the caller. */
enum err orders_prepare(sqlite3 *db, const char *sql, const char *const *texts, int n, sqlite3_stmt **out, struct why *why) MUST_USE;
enum err orders_event(sqlite3 *db, int64_t id, const char *what, const char *who, const char *note, int64_t now_ms, struct why *why) MUST_USE;

#endif
