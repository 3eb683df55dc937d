/* spool - an incoming object on its way to disk, written as it arrives.
 *
 * Invariant 1  The data set bytes as received are what is written; nothing is parsed and rewritten.
 * Invariant 3  Nothing is written under its final name: files live in DIR/spool under a name of their own.
 *
 * Memory   at most BOUND_SPOOL_DIRTY per file, BOUND_SPOOL_TOTAL together; at the high mark spool_write()
 *          says so and the caller pauses its socket until on_room.
 * Threads  all calls and callbacks on the loop thread, but for one callback of spool_finish(); opening, writing, syncing
 *          happen on the pool, one job at a time for each file.
 * Disk     spool_begin() answers ERR_FULL when less than the reserve is free (checked at most every
 *          second and after every BOUND_SPOOL_TOTAL bytes, so a burst cannot run through it).
 */
#ifndef PACS_STORE_SPOOL_H
#define PACS_STORE_SPOOL_H

#include "pacs/base/bytes.h"
#include "pacs/net/loop.h"

struct spool;
struct spool_file;

/* DIR/spool must exist. Removes what an earlier run left there: none of it was acknowledged. */
enum err spool_open(struct loop *l, const char *dir, uint64_t reserve_bytes, struct spool **out, struct why *why) MUST_USE;
void     spool_set_reserve(struct spool *s, uint64_t reserve_bytes);
void     spool_close(struct spool **s);          /* no file may be open */

/* head is the preamble and meta group, copied; digest_at: where in it the digest of the data set is filled in at the end, as
 * written_digest of pacs/dicom/part10.h; 0 nowhere. is_quiet: few others are on their way, so how soon this one is done counts more
 * than how many are in a second. on_room(arg): a paused writer may go on. */
enum err spool_begin(struct spool *s, struct bytes head, size_t digest_at, bool is_quiet, void (*on_room)(void *arg), void *arg, struct spool_file **out, struct why *why) MUST_USE;
/* Copies. ERR_OK: go on. ERR_BUSY: taken, but pause until on_room. Other: the file failed (ERR_IO, ERR_FULL, ERR_NOMEM);
 * sticky; discard it. */
enum err spool_write(struct spool_file *f, struct bytes piece, struct why *why) MUST_USE;

struct spool_done {
	enum err err;                            /* ERR_OK: all bytes are written, and synced when fd is -1 */
	int fd;                                  /* else its taker owes fdatasync(fd), before anything is promised, and close(fd) */
	struct why why;
	char path[256];                          /* spool file, relative to DIR: "spool/..." */
	uint64_t size;                           /* of the file */
	uint64_t dataset_at;
	char digest[33];                         /* XXH3-128 of the data set bytes, hex */
};
/* Writes the rest, then makes one of two calls, once; *f is NULL afterwards.
 *   written  ON A THREAD OF THE POOL: the file belongs to whoever gets the path (ingest). Not by way of the loop: that would
 *            be two more changes of thread for each image. The sync of a file that has little to sync (at most
 *            BOUND_SYNC_TOGETHER bytes in the page cache; with many files on their way: a file of at most that) is left to the taker, who
 *            has other things to sync at the same time.
 *   failed   on the loop thread, with the error: the file is already unlinked. */
void     spool_finish(struct spool_file **f, void (*written)(void *arg, const struct spool_done *d),
                      void (*failed)(void *arg, const struct spool_done *d), void *arg);
void     spool_discard(struct spool_file **f);   /* the association died: unlink; no callback */

/* Free bytes on DIR's file system are under the reserve (cached up to a second). */
bool     spool_is_low(struct spool *s);

#endif
