/* snapshot - a whole, consistent copy of a database that others go on using (SQLite's online backup).
 *
 * One read transaction from the first page to the last: the writer is never held up, its log only stays longer.
 * The copy needs no log file of its own: it can be moved and read like any file. Blocking.
 */
#ifndef DB_SNAPSHOT_H
#define DB_SNAPSHOT_H

#include "pacs/base/err.h"

/* `to` must not exist; synced when this returns (its directory is not). on_step (may be NULL): false stops it (ERR_CANCELLED). */
enum err db_snapshot(const char *from, const char *to, bool (*on_step)(void *arg, uint64_t done_pages, uint64_t all_pages), void *arg, struct why *why) MUST_USE;
/* SQLite's own check of every page and key. ERR_FORMAT: damaged. */
enum err db_check_whole(const char *path, struct why *why) MUST_USE;

#endif
