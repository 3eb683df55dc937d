/* dicomdir - reading the directory of a file set (PS3.3 annex F, PS3.10 section 8): which files it names. Pure: bytes in, names out.
 *
 * Records stand one after the other in (0004,1220), linked by offsets from the file's first byte:
 *
 *   (0004,1200) first record of the root; in a record (0004,1400) its next sibling, (0004,1420) its first child;
 *   (0004,1410) 0000: not in use, as all below it; (0004,1430) type; (0004,1500) file ID: components, "DIR1\IMG001"
 *
 * Each record is visited once, so links in a ring end. Where the links are of no use (no root, or one that leads to no record) the
 * records are taken in the order they stand, and is_linear says so.
 *
 * File IDs are made comparable, not paths: components in upper case joined by '/', without a version ";1" or a last dot. One that could
 * not be a name in a folder (empty, "." or "..", a '/', a NUL in it) is counted as bad. Nothing here touches a file system.
 *
 * Limits   BOUND_DICOMDIR bytes, BOUND_DICOMDIR_RECORDS records, 8 components as the standard has it are not insisted upon: 16.
 */
#ifndef PACS_MEDIA_DICOMDIR_H
#define PACS_MEDIA_DICOMDIR_H

#include "pacs/base/buf.h"

struct dicomdir_entry {
	const char *name;        /* as dicomdir_name() writes it; in the list's memory */
	char type[17];           /* of the record: IMAGE, SR DOCUMENT ... */
};

struct dicomdir {
	struct dicomdir_entry *files;    /* owned; sorted by name, each once */
	size_t count;
	size_t records, unused, bad;     /* all there are; not in use; with a file ID that is none */
	size_t odd;                      /* that could not be read to their ends */
	bool is_linear, is_cut;          /* is_cut: the records before the damage are here, why says where it is */
	struct buf names;                /* owned */
};

/* file: the whole of it, with its meta group. ERR_FORMAT: no directory, or cut; ERR_LIMIT; ERR_NOMEM. Free with dicomdir_fini(), also after an error. */
enum err dicomdir_read(struct bytes file, struct dicomdir *out, struct why *why) MUST_USE;
void     dicomdir_fini(struct dicomdir *d);
/* The entry of this name, or NULL. */
const struct dicomdir_entry *dicomdir_find(const struct dicomdir *d, const char *name);

/* A path below the file set's folder, made comparable as above. False: too long. */
bool dicomdir_name(const char *path, char *out, size_t cap);
/* Is this the name of a directory file, whatever its case, with ";1" or a dot behind it? */
bool dicomdir_is_name(const char *file_name);

#endif
