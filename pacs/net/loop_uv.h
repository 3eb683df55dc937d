/* loop_uv - the libuv loop inside a struct loop, for the rooms that open handles of their own.
 *
 * Only pacs/net and pacs/ctl include this. A handle opened on it keeps loop_run() going until it is closed.
 */
#ifndef PACS_NET_LOOP_UV_H
#define PACS_NET_LOOP_UV_H

#include <uv.h>

#include "pacs/net/loop.h"

uv_loop_t *loop_uv(struct loop *l);

/* One buffer that all reads on this loop may use, since each consumes what it read before it returns. */
enum { LOOP_SCRATCH = 256 * 1024 };
char      *loop_scratch(struct loop *l);

/* In the debug log: a callback that held the loop for over 10 ms. begun_ns: clock_mono_ns() at its start. */
void       loop_note_slow(uint64_t begun_ns, const char *what);

#endif
