/* zip_in - the files in a zip archive, one after the other, as streams of bytes. Blocking.
 *
 * An entry's name is told for messages and never used as a path. Links, folders and devices in an archive are passed over. Only the
 * zip reader of libarchive is enabled, so an archive of another kind, whatever its name, is not opened.
 *
 * Limits   BOUND_ZIP_ENTRY for an entry; all together BOUND_ZIP_FREE and BOUND_ZIP_RATIO times the archive's length.
 */
#ifndef PACS_MEDIA_ZIP_IN_H
#define PACS_MEDIA_ZIP_IN_H

#include "pacs/base/bytes.h"
#include "pacs/base/err.h"

struct zip_in;
struct zip_entry {
	char name[256];          /* printable; cut in front when it is longer */
	uint64_t number;         /* in the archive, from 1 */
	int64_t size;            /* as the archive says; -1 not told */
	bool is_encrypted;
};

enum err zip_in_open(const char *path, struct zip_in **out, struct why *why) MUST_USE;
void     zip_in_close(struct zip_in **z);
/* The next file; what was left of the one before is passed over. ERR_END; ERR_FORMAT: the archive is damaged here, nothing more can be had. */
enum err zip_in_next(struct zip_in *z, struct zip_entry *out, struct why *why) MUST_USE;
/* Up to cap bytes; *n = 0: the entry's end. ERR_FORMAT: damaged (its checksum is wrong, or it is encrypted); ERR_LIMIT: a bomb. */
enum err zip_in_read(struct zip_in *z, void *p, size_t cap, size_t *n, struct why *why) MUST_USE;
/* More than it may has come out of the whole archive: close it. */
bool     zip_in_is_over(const struct zip_in *z);

#endif
