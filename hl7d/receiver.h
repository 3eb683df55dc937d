/* receiver - HL7 v2 over MLLP: one message at a time on each connection, each answered when it is durable.
 *
 *   bytes -> frame (mllp) -> UTF-8 -> segments -> changes --order.apply--> router --commit--> MSA|AA
 *                                \----- cannot be read or used: order.quarantine, then MSA|AE or AR with the reason
 *
 * 1. AA is sent only after the router has said that its transaction is on disk.
 * 2. What the content forbids is AE, and the message is kept in quarantine. What is not for us (type, event, version) is AR, kept too.
 * 3. When the router does not answer, or its disk fails, it is AR with code 207: the sender sends it again. Nothing is kept.
 *
 * While a message is with the router its connection is not read. Names and IDs of patients are never logged.
 */
#ifndef HL7D_RECEIVER_H
#define HL7D_RECEIVER_H

#include <sys/queue.h>

#include "conf/conf.h"
#include "pacs/net/stream.h"

struct receiver {
	struct loop *loop;
	struct conf *conf;               /* the present one */
	struct stream_listener *listener;
	LIST_HEAD(, client) all;         /* open connections, and those whose message the router still has */
	unsigned clients, count;         /* how many; messages since start */
	unsigned accepted, refused;
};

/* fd: bound and listening. */
enum err receiver_start(struct receiver *r, int fd, struct why *why) MUST_USE;
/* No new connections; open ones end when their message has been answered, at once when there is none. */
void     receiver_stop(struct receiver *r);

#endif
