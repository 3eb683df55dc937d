/* sql_fault - in the fault flavour SQLite's own writes and syncs fail by the same plan as ours (base/fault.h).
 * Elsewhere it names SQLite's usual way to the disk. */
#ifndef DB_SQL_FAULT_H
#define DB_SQL_FAULT_H

#include <stddef.h>

/* The VFS to open databases with; NULL: SQLite's own. */
#ifdef PACS_FAULTS
const char *sql_vfs(void);
#else
static inline const char *sql_vfs(void) { return NULL; }
#endif

#endif
