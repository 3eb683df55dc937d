/* rebuild - index.db made from the files alone (invariant 2), the node being stopped.
 *
 * Two passes: the heads of all files, for the order in which they came; then every file whole, parsed by two threads,
 * and written by one in that order. So numbers of patients, studies, series, instances and arrivals are those of the old
 * index as long as nothing was ever deleted and images came one after another; those that came together may change places.
 *
 * From the file: everything of the data set; who sent it, from where and when; digests, also the one of what was received when
 * the file was compressed since (part10.h, struct part10_origin). A file of an earlier version of this program has no origin:
 * its time is that of the file, its address unknown, and its received digest the one of the file.
 * Not in the files, and therefore lost: refused callers that wait for a decision; marks of damage; holds and the trail of
 * retention (db/retain.h carries those over while the old index can be read); the reason for which a file is in quarantine,
 * but for one that can be found again; arrivals that were no first ones; the header as received of an image that was compressed
 * (photometric interpretation and planar configuration are the compressed file's).
 *
 * The same SOP Instance UID twice: the first one is the image, or the latest where its sender's node section says so;
 * the other is kept beside it. A file of equal content is garbage, and is removed by the next start.
 *
 * Memory  16 bytes for each file, and two rounds of BOUND_COMMIT_BATCH headers.
 */
#ifndef PACS_STORE_REBUILD_H
#define PACS_STORE_REBUILD_H

#include "conf/conf.h"

struct rebuild_options {
	const char *into;                /* folder for the new index.db; exists, holds none */
	unsigned threads;                /* 1..16 */
	/* pass 1: heads, 2: files; all 0: not known. May be NULL; false: stop (ERR_CANCELLED). */
	bool (*on_progress)(void *arg, unsigned pass, uint64_t done, uint64_t all, uint64_t bytes);
	/* A file that cannot be indexed: unreadable, or a name that is none of ours. It stays where it is. */
	void (*on_bad)(void *arg, const char *path, const char *why);
	void *arg;
};
struct rebuild_result { uint64_t files, bytes, images, conflicts, garbage, quarantined, bad; };

enum err rebuild_run(const struct conf *conf, const struct rebuild_options *o, struct rebuild_result *out, struct why *why) MUST_USE;

#endif
