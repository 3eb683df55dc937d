/* wire - blocking DICOM on a socket, for the clients of tests and benchmarks; independent of pacs/net. */
#ifndef TESTS_LIB_WIRE_H
#define TESTS_LIB_WIRE_H

#include "pacs/base/buf.h"
#include "pacs/ul/dimse.h"
#include "pacs/ul/negotiate.h"

enum { WIRE_HEAD = 12 };                 /* PDU header 6, PDV header 6 */
enum { PDU_AC = 2, PDU_RJ = 3, PDU_DATA = 4, PDU_RELEASE_RP = 6 };

struct wire_target { const char *host, *called, *calling; unsigned port; };

/* Ask again and again instead of sleeping until bytes come: what is measured is then the peer's latency, not how long a
 * processor (a virtual one above all) takes to wake from its idle state for us. */
extern bool wire_spins;

bool     wire_put(int fd, const void *p, size_t n);
bool     wire_get(int fd, void *p, size_t n);
/* Takes n bytes and drops them without a copy. */
bool     wire_skip(int fd, size_t n);
/* One PDU; body into `b`. Its type, or 0 when the line broke. */
unsigned wire_pdu(int fd, struct buf *b);
/* Connects and associates: contexts, roles and extended items are the caller's, the rest is filled in. The answer is in `a`.
 * The socket, or -1. */
int      wire_associate(const struct wire_target *t, struct assoc_request *rq, struct arena *a, struct assoc_answer *ac, struct why *why);
/* One command, and a data set that fits into one PDU behind it (empty: none). */
bool     wire_send(int fd, uint8_t context, const struct dimse *d, struct bytes data, struct buf *b);
void     wire_release(int fd, struct buf *b);

#endif
