/* fault - where a test makes the world fail, or kills the program.
 *
 * Only in builds with -DPACS_FAULTS (flavour `fault`); elsewhere every hook is a constant and
 * vanishes. A plan comes from the test itself (fault_plan) or from the environment:
 *   PACS_FAULT=fsync:3       the third fsync of this process fails (alloc, write, fsync, rename, open; codec: it encodes other samples than it was given)
 *   PACS_FAULT=write:3+      ... and every later one
 *   PACS_CRASH=commit:2      SIGKILL when the crash point "commit" is passed the second time
 */
#ifndef PACS_BASE_FAULT_H
#define PACS_BASE_FAULT_H

#include <stdbool.h>

enum fault_op { FAULT_ALLOC, FAULT_WRITE, FAULT_FSYNC, FAULT_RENAME, FAULT_OPEN, FAULT_CODEC, FAULT_OP_COUNT };

#ifdef PACS_FAULTS
/* Counts this call of `op`; true when the plan says it fails. Thread-safe. errno is then EIO (ENOMEM for alloc). */
bool fault_fails(enum fault_op op);
void crash_point(const char *name);
/* The nth call from now fails (1 = the next), with `onward` all after it too; n = 0: none. */
void fault_plan(enum fault_op op, long nth, bool onward);
/* Calls of op since the last plan; how a test learns that it has been through all of them. */
long fault_calls(enum fault_op op);
#else
static inline bool fault_fails(enum fault_op op) { (void)op; return false; }
static inline void crash_point(const char *name) { (void)name; }
#endif

#endif
