/* supervise - the programs of a node: started in order, restarted when they die, stopped in order.
 *
 * storescp first, with the listening socket inherited (so callers wait in its backlog while it restarts); router
 * once storescp answers; hl7d, where hl7_port is set, once router answers. A child that dies is started again, at first after 1 s, doubling to 60 s, and after a minute of
 * life from 1 s again. A child that exits with EXIT_CONFIG is not: starting again would not help.
 * Children die with the supervisor (PR_SET_PDEATHSIG).
 *
 * Threads  one; signals are taken through a signalfd, so nothing happens between two lines of code.
 */
#ifndef PACS_SUPERVISE_H
#define PACS_SUPERVISE_H

#include "conf/conf.h"
#include "pacs/command.h"

/* Runs until SIGTERM or SIGINT, or until a child says that it cannot work. on_ready() is called once, when all answer.
 * The descriptors are lent; hl7_fd -1: no hl7d. */
enum exit_code supervise(const struct conf *conf, int listen_fd, int hl7_fd, void (*on_ready)(void *arg), void *arg);

#endif
