/* commitment - the storage commitment services of storescp (PS3.4 annex J) and the availability notifications (annex R).
 *
 * As provider an N-ACTION goes to the router, which answers when the request is on its disk and later has the result. It asks
 * (op commit.report on the local socket) to send it on the association where the request came from, if that is still open.
 * As user an N-EVENT-REPORT goes to the router too: the peer hears success when the result is on disk.
 *
 * Not offered: the other storage commitment classes (pull, retired).
 */
#ifndef STORESCP_COMMITMENT_H
#define STORESCP_COMMITMENT_H

#include "pacs/ctl/ctl.h"
#include "storescp/service.h"

bool commitment_is_sop_class(const char *uid);
bool availability_is_sop_class(const char *uid);
extern const struct service service_commit_action, service_commit_event, service_availability_create;

/* {"op":"commit.report", ...} of router/commit.h. Answers the request, now or later. */
void commitment_report(struct server *sv, struct ctl_request *rq, const json_t *body);

#endif
