/* forget - finished jobs and what else is over, forgotten after `keep_jobs` days (db/work_keep.h): at start and each hour, in small pieces. */
#ifndef ROUTER_FORGET_H
#define ROUTER_FORGET_H

#include "router/router.h"

enum err forget_start(struct router *r, struct why *why) MUST_USE;
void     forget_stop(struct router *r);

#endif
