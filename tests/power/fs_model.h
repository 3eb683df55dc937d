/* fs_model - a file system in memory that knows what a power cut may leave of it.
 *
 * It is fed the calls of a recorder (power_log.h) and promises no more than POSIX does:
 *   - data and size of a file are durable up to the BEGIN of an fsync/fdatasync that has reached its END;
 *   - the names in a directory likewise, by an fsync of the directory itself; a file's own sync saves no name;
 *   - of everything later each piece may be on disk or not, without any order: every 512-byte sector for itself, in any
 *     of its versions; the size for itself; each change of a name for itself.
 * A sector that is within the size and was never written is zeros, or junk.
 * A rename is one change of two directories, as every journal keeps it; with `split` it is two that may be torn apart,
 * which no file system of Linux does: the strictest reading.
 *
 * Memory: the tree, and for each unsynced write one note; the bytes stay in the log, which is lent for the model's life.
 */
#ifndef TESTS_POWER_FS_MODEL_H
#define TESTS_POWER_FS_MODEL_H

#include "pacs/base/bytes.h"
#include "tests/power/power_log.h"

struct fs_model;

/* What stands in `root` now is the durable beginning. split: see above. NULL: it cannot be read. */
struct fs_model *fs_model_new(const char *root, bool split);
void fs_model_free(struct fs_model **m);
/* The next record and its data. false: the log does not fit the tree (said on stdout). */
bool fs_model_feed(struct fs_model *m, const struct power_event *ev, struct bytes data);

struct fs_cut {
	uint64_t seed;
	double kept;             /* chance of each unsynced piece: 0 nothing, 1 all of it, else by chance */
	bool junk;
};
/* Writes below `dir` (made) a tree that a cut at this moment may leave. */
bool fs_model_cut(const struct fs_model *m, const struct fs_cut *cut, const char *dir);
/* Is what the model believes to be there what `root` really holds? Differences are said on stdout. */
bool fs_model_equals(const struct fs_model *m, const char *root);
/* Unsynced writes and changes of names at this moment: whether a cut here can lose anything. */
size_t fs_model_pending(const struct fs_model *m);

#endif
