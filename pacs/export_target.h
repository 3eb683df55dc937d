/* export_target - where an export goes: a folder or one zip archive that is there whole or not at all. Blocking.
 *
 * Everything is made in TO.part-XXXXXX beside it; the last step is one rename that never replaces anything. What a kill left of an
 * earlier export to the same name is removed by the next one (a live one holds a lock on its folder).
 */
#ifndef PACS_EXPORT_TARGET_H
#define PACS_EXPORT_TARGET_H

#include <limits.h>

#include "pacs/base/bytes.h"
#include "pacs/base/err.h"
#include "pacs/media/zip_out.h"

struct export_target {
	char final[PATH_MAX - 64], temp[PATH_MAX - 32];  /* temp "" when there is none */
	int lock_fd, zip_fd;
	struct zip_out *zip;             /* NULL: a folder */
};

/* ERR_EXISTS: something is there already. */
enum err export_target_open(struct export_target *t, const char *to, bool is_zip, struct why *why) MUST_USE;
/* Where the next file is made: in the same file system, in nobody's way. */
void     export_target_draft(const struct export_target *t, const char *name, char out[PATH_MAX]);
/* The draft becomes the file of this name ("P00001/S00001/..."); it is gone then. */
enum err export_target_take(struct export_target *t, const char *draft, const char *name, bool deflated, struct why *why) MUST_USE;
/* All is on disk, and the name is there. */
enum err export_target_finish(struct export_target *t, struct why *why) MUST_USE;
/* Without a finish before: nothing is left. */
void     export_target_fini(struct export_target *t);

#endif
