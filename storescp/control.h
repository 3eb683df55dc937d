/* control - the local socket DIR/run/storescp.sock: what the other programs ask of storescp.
 *
 *   ping
 *   status       -> associations, operations, stored, failed, disk_low, pid
 *   reload       reads pacs.conf again; the new one is used from the next association on
 *   replace      {instance, oid, path, ts, size, dataset_at, digest, pixel_digest}: adopt a verified
 *                compressed file (synced, in DIR/spool) in the place of an instance's present one
 *   commit.report {transaction, calling, origin, refs}: a commitment result on the association of its request
 *                (router/commit.h) -> status of the peer's answer; refused with "closed" when it has ended
 *   patient.apply  (control_patient.h)
 *   node.forget  {calling}: drop a caller from the list of the unknown
 *   repair       {what, instance, oid}: look again at what a survey found, and mend it (pacs/store/ingest_repair.h);
 *                {what: retire, hold or unhold, study, class, reason, who, last}: retention (pacs/store/ingest_retire.h)
 *   adopt        {path}: a new object that lies in DIR/spool (control_adopt.h)
 */
#ifndef STORESCP_CONTROL_H
#define STORESCP_CONTROL_H

#include "storescp/service.h"

struct control;

enum err control_open(struct server *sv, struct control **out, struct why *why) MUST_USE;
void     control_close(struct control **c);
/* As the request `reload`, for SIGHUP: the outcome goes to the log. */
void     control_reload(struct control *c);

#endif
