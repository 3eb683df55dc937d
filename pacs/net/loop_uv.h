/* loop_uv - the libuv loop inside a struct loop, for the rooms that open handles of their own.
 *
 * Only pacs/net and pacs/ctl include this. Whoever opens a handle on it closes it before loop_run() can end.
 */
#ifndef PACS_NET_LOOP_UV_H
#define PACS_NET_LOOP_UV_H

#include <uv.h>

#include "pacs/net/loop.h"

uv_loop_t *loop_uv(struct loop *l);

#endif
