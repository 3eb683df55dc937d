/* power_log - what the recorder writes down of the programs' way to the disk, for the model to play again.
 *
 * The log is one record after the other, in the order in which the calls took effect (the recorder holds one lock over a
 * call and its record, across all processes). A record is a struct power_event with `len` bytes behind it, padded to 8.
 *
 *   OPEN      fd of `inode` was opened as the path in the data; a = flags of open(2). A new file when the path was not there.
 *   WRITE     the data went to offset a of `inode`
 *   TRUNCATE  `inode` has now a bytes
 *   MKDIR    the path in the data, of a new folder `inode`
 *   UNLINK, RMDIR          the path in the data
 *   RENAME, LINK           two paths, each NUL-ended
 *   SYNC_BEGIN, SYNC_END   fsync or fdatasync of `inode`; a = a number that both carry. What stood before BEGIN is durable after END.
 *   SEND      b bytes are about to be handed to the kernel for the peer at TCP port `inode`, after a bytes before
 *
 * Paths are relative to the root that is recorded; "" is the root itself.
 */
#ifndef TESTS_POWER_LOG_H
#define TESTS_POWER_LOG_H

#include <stdint.h>

#define POWER_ROOT "POWER_ROOT"          /* environment: the absolute folder that is recorded */
#define POWER_LOG "POWER_LOG"            /* the log file */
#define POWER_LIE "POWER_LIE"            /* "file" or "dir": syncs of that kind are not recorded, as if the disk lied */

enum power_kind {
	POWER_OPEN = 1, POWER_WRITE, POWER_TRUNCATE, POWER_MKDIR, POWER_UNLINK, POWER_RMDIR, POWER_RENAME, POWER_LINK,
	POWER_SYNC_BEGIN, POWER_SYNC_END, POWER_SEND,
};

struct power_event {
	uint32_t kind, len;
	uint64_t inode, a, b;
};

#endif
