/* readers - threads with a read-only index connection each, for queries that may take long.
 *
 * An operation takes a reader for its whole life (a running SQL statement belongs to one connection);
 * when all are taken the next waits in line, bounded by BOUND_ASSOCIATIONS. ERR_LIMIT: the line is full.
 */
#ifndef STORESCP_READERS_H
#define STORESCP_READERS_H

#include "db/index.h"
#include "pacs/net/loop.h"

struct readers;

enum err readers_open(struct loop *l, const char *dir, unsigned threads, struct readers **out, struct why *why) MUST_USE;
/* Waits for running work; call after the loop's operations are gone. */
void     readers_close(struct readers **r);
/* work(arg, reader) on one of the threads, then done(arg) on the loop thread. The work function may block
 * (waiting for room in a connection); it must end soon after its operation was told gone() or cancel(). */
enum err readers_run(struct readers *r, void (*work)(void *arg, struct index_reader *ix), void (*done)(void *arg), void *arg) MUST_USE;

#endif
