/* backup - a copy of a data folder that runs, into another folder (a disk, a mounted share), and back.
 *
 *   TO/store/HHHH/HHH/HHHHHHHHHHHH.dcm   stored objects by number, shared by all generations; written once
 *   TO/quarantine/NAME                     likewise
 *   TO/gen-YYYYMMDD-HHMMSS/                one generation: index.db, work.db, files/pacs.conf, ..., manifest
 *   TO/lock
 *
 * Invariant  A generation is whole or not there: it is filled under another name and renamed last, when everything it names
 *            is in the copy and synced. A backup that is killed leaves the earlier ones as they were, and its objects for the next.
 *
 * Order      objects of the living index; then work.db, then index.db, then configuration; then what the copied index names
 *            and is not copied yet. work.db first, because it holds numbers of the index: an older one only does some work again,
 *            a newer one would believe that images were planned which the index does not have. An object that went away between
 *            (compression replaced it) means another copy of the databases.
 * Digests    an object's is in index.db (data set, XXH3-128) and is compared while it is copied; those of the databases, the
 *            configuration and the files in quarantine are in the manifest, whose last line is its own.
 */
#ifndef PACS_BACKUP_H
#define PACS_BACKUP_H

#include <jansson.h>

#include "conf/conf.h"

struct backup_options {
	const char *to;
	unsigned keep;                   /* generations; older ones go, with the objects that only they name */
	uint64_t rate;                   /* bytes a second, 0: no limit */
	bool link;                       /* hard links instead of copies: same file system, protects from mistakes only */
	bool (*on_progress)(void *arg, uint64_t done, uint64_t all, uint64_t bytes);     /* objects; false: stop */
	/* An object that could not be copied, because it is not whole here. */
	void (*on_bad)(void *arg, const char *path, const char *why);
	void *arg;
};
struct backup_result {
	char generation[64];             /* its name */
	uint64_t objects, bytes;         /* that it names */
	uint64_t copied, copied_bytes;   /* now */
	uint64_t bad;                    /* named by the index, not whole here, and in no earlier copy */
	unsigned removed;                /* generations */
};
/* ERR_BUSY: another backup works in TO. ERR_CANCELLED. A result with bad > 0 is a generation all the same. */
enum err backup_run(const struct conf *conf, const struct backup_options *o, struct backup_result *out, struct why *why) MUST_USE;

/* Newest first; "made", "generation", "aet", "objects", "bytes", "bad". NULL: TO cannot be read (why). */
json_t *backup_list(const char *to, struct why *why);

struct restore_options {
	const char *from, *generation;   /* NULL: the newest */
	const char *dir;                 /* new or empty; NULL: only look whether all could be restored */
	bool (*on_progress)(void *arg, uint64_t done, uint64_t all, uint64_t bytes);
	void (*on_bad)(void *arg, const char *path, const char *why);
	void *arg;
};
/* Checks everything on the way. ERR_CONFLICT: dir is not empty. pacs.conf is written last: without it, it is no data folder.
 * bad: objects that are missing or damaged in the copy; the rest is restored. */
enum err restore_run(const struct restore_options *o, struct backup_result *out, struct why *why) MUST_USE;

#endif
