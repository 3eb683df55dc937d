/* backup_objects - the objects that an index names, brought into a copy. */
#ifndef PACS_BACKUP_OBJECTS_H
#define PACS_BACKUP_OBJECTS_H

#include "pacs/backup_private.h"

struct object_copy {
	const char *from;                /* a data folder, or a copy of one */
	const char *to;                  /* NULL: nothing is written, only compared */
	bool link;                       /* hard links */
	bool skip_present;               /* what stands there already is whole: it was compared when it was copied */
	bool tell_gone;                  /* on_bad also for files that are not there */
	struct pace *pace;
	bool (*on_progress)(void *arg, uint64_t done, uint64_t all, uint64_t bytes);
	void (*on_bad)(void *arg, const char *path, const char *why);
	void *arg;
	/* filled */
	uint64_t objects, bytes, copied, copied_bytes, bad, gone;    /* gone: not there (any more); others that are bad */
	uint64_t gone_mark;              /* equal when the same ones are gone */
};
/* Every file that the index names. Synced when it returns. ERR_CANCELLED by on_progress. */
enum err object_copy_run(struct object_copy *c, struct index_reader *ix, struct why *why) MUST_USE;

#endif
