/* sql_vfs - SQLite's way to the disk, with two things of ours in front of its own.
 *
 * Writers   SQLite writes a page of its log in two calls, one page after another. We gather them and write them in one piece: with a
 *           commit's last page, so before its sync and before anybody can see it, and before the log is read or cut. A write that fails
 *           (a full disk) is told in that very call or sync, so it costs that transaction and nothing behind it.
 * Faults    in the fault flavour writes and syncs fail by the same plan as ours (pacs/base/fault.h), for readers and writers.
 */
#ifndef DB_SQL_VFS_H
#define DB_SQL_VFS_H

#include <sqlite3.h>
#include <stdbool.h>

/* The VFS to open a database with; NULL: SQLite's own. */
const char *sql_vfs(bool is_writer);
/* A place for one pointer that lives as long as the connection, NULL at first; what stands there is not ours. NULL: the connection is
 * not on this VFS. (SQLite 3.40 has no other way to hang something on a connection.) */
void   **sql_vfs_slot(sqlite3 *db);

#endif
