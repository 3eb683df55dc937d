/* sandbox - give up everything that decoding hostile pixels does not need, for good.
 *
 * Afterwards the process can read and write descriptors it has or is sent, allocate memory and run threads. Every
 * other system call kills it (SIGSYS). Sanitizer builds keep the limits that they can live with and no filter.
 */
#ifndef PACS_XCODE_SANDBOX_H
#define PACS_XCODE_SANDBOX_H

#include "pacs/base/err.h"

struct sandbox_limits { uint64_t memory_bytes; unsigned cpu_s; bool is_background; };

/* Limits, niceness, death with the parent. First of all, before anything is read. */
enum err sandbox_limit(const struct sandbox_limits *l, struct why *why) MUST_USE;
/* The filter. Last, when libraries have opened what they open. */
enum err sandbox_enter(struct why *why) MUST_USE;

#endif
