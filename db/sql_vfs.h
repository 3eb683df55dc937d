/* sql_vfs - SQLite's way to the disk, with two things of ours in front of its own.
 *
 * Writers   SQLite writes a page of its log in two calls, one page after another. We gather them and write them in one piece: before the
 *           sync of a commit, before anybody can see a commit that is not synced, and before the log is read or cut.
 * Faults    in the fault flavour writes and syncs fail by the same plan as ours (pacs/base/fault.h), for readers and writers.
 */
#ifndef DB_SQL_VFS_H
#define DB_SQL_VFS_H

#include <stdbool.h>

/* The VFS to open a database with; NULL: SQLite's own. */
const char *sql_vfs(bool is_writer);

#endif
