/* local - the addresses of local sockets, whatever the length of the data folder's path.
 *
 * sun_path holds 107 bytes. A longer path is reached through an open descriptor of its directory
 * (/proc/self/fd/N/name), which names the same socket.
 */
#ifndef PACS_CTL_LOCAL_H
#define PACS_CTL_LOCAL_H

#include <sys/un.h>

#include "pacs/base/err.h"

struct local_address {
	struct sockaddr_un sun;
	int dir_fd;              /* -1, or the directory that sun goes through */
};

enum err local_address_init(struct local_address *a, const char *path, struct why *why) MUST_USE;
void     local_address_fini(struct local_address *a);
/* A bound socket, mode 0600, non-blocking, in the place of one that an earlier run left. type: SOCK_STREAM or SOCK_DGRAM. */
enum err local_bind(const char *path, int type, int *fd_out, struct why *why) MUST_USE;
/* A connected stream. ERR_CLOSED: nobody listens there. ERR_BUSY: the server's line of waiting callers is full. */
enum err local_connect(const char *path, int *fd_out, struct why *why) MUST_USE;

#endif
