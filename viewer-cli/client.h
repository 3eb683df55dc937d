/* client - an association in the foreground: a loop on a thread of its own does the network, the caller waits.
 *
 * The commands of a terminal program are sequences; here they may be written as such. Between the two stands a queue
 * of events, bounded: while the caller is behind (writing files), the socket is paused.
 *
 * Threads  client_* by one thread, not the loop's.
 */
#ifndef VIEWER_CLI_CLIENT_H
#define VIEWER_CLI_CLIENT_H

#include <stdatomic.h>

#include "pacs/dicom/dataset.h"
#include "pacs/net/conn.h"

struct client;

struct client_peer {
	const char *host;
	unsigned port;
	const char *called, *calling;
	/* When it becomes true every wait ends within a quarter of a second, as ERR_CANCELLED; NULL: never. Outlives the client. */
	const atomic_bool *cancel;
};

/* Connects and negotiates. Of `rq` only contexts and roles are read. The why says who refused what. */
enum err client_open(const struct client_peer *peer, const struct assoc_request *rq, struct client **out, struct why *why) MUST_USE;
/* Releases (aborts when the association is in the middle of something), waits, frees. */
void     client_close(struct client **c);

/* The accepted context of this abstract syntax, NULL if none. */
const struct assoc_context *client_context(const struct client *c, const char *abstract_syntax);
const struct assoc_context *client_context_by_id(const struct client *c, uint8_t id);

enum client_kind { CLIENT_COMMAND, CLIENT_DATA };
struct client_event {
	enum client_kind kind;
	uint8_t context_id;
	struct dimse cmd;                /* CLIENT_COMMAND */
	struct bytes data;               /* CLIENT_DATA: lent until the next client_next() */
	bool is_last;
};
/* Waits for the next event. ERR_CANCELLED: given up, see above. ERR_CLOSED: the association ended; why says how. */
enum err client_next(struct client *c, struct client_event *out, struct why *why) MUST_USE;

uint16_t client_message_id(struct client *c);
enum err client_send(struct client *c, uint8_t context_id, const struct dimse *cmd, struct bytes data, struct why *why) MUST_USE;

#endif
