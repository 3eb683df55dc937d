/* conf_reload - read pacs.conf again, off the loop, and hand the new one to the program.
 *
 * The outcome goes to the log, and to the request if there was one. A file that cannot be used changes nothing.
 */
#ifndef PACS_CTL_CONF_RELOAD_H
#define PACS_CTL_CONF_RELOAD_H

#include "conf/conf.h"
#include "pacs/ctl/ctl.h"

/* rq: who asked, answered when it is done; NULL: a signal. use() gets the new configuration (it is the owner of that
 * reference) on the loop thread; arg must live until the loop has ended. dir is copied. */
void conf_reload(struct loop *l, const char *dir, struct ctl_request *rq, void (*use)(void *arg, struct conf *conf), void *arg);

#endif
