/* echo - one C-ECHO to a node, from beginning to end. Blocks; for commands. */
#ifndef PACS_ECHO_H
#define PACS_ECHO_H

#include "conf/conf.h"

/* *ms: from connecting to the answer. Errors say at which step it failed and what to look at. */
enum err echo_node(const char *calling, const struct conf_node *to, unsigned timeout_ms, unsigned *ms, struct why *why) MUST_USE;

#endif
