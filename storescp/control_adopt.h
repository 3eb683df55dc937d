/* control_adopt - the request `adopt` of the local socket: a file that another program of the node laid into DIR/spool becomes an
 * object, by the very same ingest as what comes over the network (pacs import asks so).
 *
 *   adopt {path: "spool/NAME"}  ->  {outcome: stored|same|repaired|conflict|quarantined, why, study, instance}
 *
 * The file is a whole Part 10 file as `part10_write()` begins it, with sender and time of receipt in its meta group; its data set is
 * what is kept. Nothing else is taken from the asker: size, digest, header and syntax are read from the file here, and it is synced
 * here, as invariant 4 of ingest.h is ours to keep.
 * A refusal promises nothing: not_found when there is no such file (spool is emptied at start), full, and others; a file that still
 * lies in the spool then is the asker's to remove.
 *
 * Threads  the loop's; files are read on the pool, AT_ONCE at a time, so that senders on the network find it free.
 */
#ifndef STORESCP_CONTROL_ADOPT_H
#define STORESCP_CONTROL_ADOPT_H

#include "pacs/ctl/ctl.h"
#include "storescp/service.h"

struct adoption;
struct adopter {
	struct server *server;
	unsigned running;                        /* on the pool */
	STAILQ_HEAD(, adoption) waiting;         /* at most BOUND_CTL_CLIENTS: a client has one request */
};

void adopter_init(struct adopter *a, struct server *sv);
void adopter_ask(struct adopter *a, struct ctl_request *rq, const json_t *body);
/* A path directly in our own spool. */
bool adopter_is_spool_path(const char *path);

#endif
