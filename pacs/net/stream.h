/* stream - a listening TCP port and its connections as plain bytes, for protocols that are not DICOM.
 *
 * Everything on the loop thread. A connection that takes nothing of what was written, or says nothing, for idle_ms is ended.
 * on_closed is the last call and comes exactly once for each on_accept that returned a user.
 *
 * Limits   BOUND_SEND_QUEUE bytes that wait to be written; over it the connection is ended.
 */
#ifndef PACS_NET_STREAM_H
#define PACS_NET_STREAM_H

#include "pacs/base/bytes.h"
#include "pacs/net/loop.h"

struct stream;
struct stream_listener;
struct stream_handlers {
	void *(*on_accept)(void *arg, struct stream *s);         /* NULL: it is closed at once */
	void (*on_data)(void *user, struct stream *s, struct bytes data);        /* lent for the call */
	void (*on_closed)(void *user, struct stream *s);
};

/* fd: bound and listening; the listener's from here on. */
enum err stream_listen(struct loop *l, int fd, const struct stream_handlers *h, void *arg, unsigned idle_ms, struct stream_listener **out, struct why *why) MUST_USE;
void     stream_listener_close(struct stream_listener **l);

const char *stream_address(const struct stream *s);      /* "10.1.2.3", without the port */
void     stream_write(struct stream *s, struct bytes data);      /* copied */
void     stream_pause(struct stream *s);                 /* no more on_data until resumed; may be called twice */
void     stream_resume(struct stream *s);
void     stream_end(struct stream *s);                   /* now; what is not written is lost; may be called twice */

#endif
