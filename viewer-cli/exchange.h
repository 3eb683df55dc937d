/* exchange - whole DIMSE exchanges over a client: a request and what answers it. */
#ifndef VIEWER_CLI_EXCHANGE_H
#define VIEWER_CLI_EXCHANGE_H

#include "viewer-cli/client.h"

/* One request and its one response. *rsp_ds (may be NULL) gets the response's data set, NULL when it had none. */
enum err client_call(struct client *c, const struct assoc_context *pc, struct dimse *rq, const struct dataset *ds,
                     struct arena *a, struct dimse *rsp, struct dataset **rsp_ds, struct why *why) MUST_USE;
/* A C-FIND: each answer to fn in the arena, which is released behind it; *status is the last response's. */
enum err client_find(struct client *c, const struct assoc_context *pc, const char *sop_class, const struct dataset *keys,
                     struct arena *a, void (*fn)(void *arg, const struct dataset *answer), void *arg, uint16_t *status, struct why *why) MUST_USE;

/* The text of an attribute as UTF-8, in the arena of the data set; "" when absent. */
const char *client_text(const struct dataset *ds, uint32_t tag);

/* Passes over the data set of a command that has just come, if it has one. */
enum err client_skip(struct client *c, const struct client_event *ev, struct why *why) MUST_USE;

#endif
