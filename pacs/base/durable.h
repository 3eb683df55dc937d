/* durable - writing files so that they are there after a power cut.
 *
 * The only place that calls write, fsync, rename and unlink on files that matter; the fault build
 * makes each fail in turn here. Blocking: never on an event loop.
 */
#ifndef PACS_BASE_DURABLE_H
#define PACS_BASE_DURABLE_H

#include <sys/types.h>

#include "pacs/base/err.h"

/* All len bytes at offset, through short writes and EINTR. */
enum err durable_pwrite(int fd, const void *p, size_t len, off_t at, struct why *why) MUST_USE;
struct iovec;
/* The same of several pieces; the array is used up. With O_DIRECT set, addresses, lengths and `at` must be aligned to the
 * disk's block; ERR_UNSUPPORTED: the file system does not write this way. */
enum err durable_pwritev(int fd, struct iovec *of, int n, off_t at, struct why *why) MUST_USE;
enum err durable_pread(int fd, void *p, size_t len, off_t at, struct why *why) MUST_USE;   /* ERR_END when the file is shorter */
enum err durable_sync(int fd, const char *name, struct why *why) MUST_USE;                 /* fdatasync */
enum err durable_sync_dir(const char *dir, struct why *why) MUST_USE;
/* Never replaces: ERR_EXISTS when `to` is there. Both on one file system. Not yet durable: sync the directory. */
enum err durable_rename(const char *from, const char *to, struct why *why) MUST_USE;
/* Makes the directory and its missing parents, each synced into its parent; ERR_OK when it is there. */
enum err durable_mkdirs(const char *dir, struct why *why) MUST_USE;
/* Writes a small file whole: temporary name, sync, rename over `path`, directory sync. mode e.g. 0644. */
enum err durable_replace(const char *path, const void *p, size_t len, unsigned mode, struct why *why) MUST_USE;
/* Reads a small file whole into *out (NUL behind it, caller frees); ERR_LIMIT when larger than max. */
enum err durable_slurp(const char *path, size_t max, char **out, size_t *len, struct why *why) MUST_USE;

#endif
