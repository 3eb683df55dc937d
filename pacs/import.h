/* import - old archives and patient discs into a running node, through its own ingest.
 *
 * A thread walks folders, file sets (DICOMDIR) and zip archives; others copy each object into DIR/spool, behind a meta group of our own,
 * sync it, and ask storescp to adopt it (storescp/control_adopt.h). An image is "imported" only after that answer, which means what a
 * C-STORE's 0000 means: duplicates, conflicts, quarantine, routes are ingest's, as for any other sender. Several are on the way at a time,
 * so that they share commits.
 *
 * Bytes     the data set is copied as it is; the old meta group is not kept.
 * Crash     nothing is left: what lies in the spool is removed by the next import (one at a time on a node: run/import.lock), and by the
 *           next start of storescp. When storescp is restarted meanwhile, what was on the way is copied again and asked for again.
 * Again     DIR/import.journal notes what was done, by path, length, time and first bytes of the file (import_journal.h): a second run passes over it
 *           when the image is still in the index and its file in its place. Without the journal each image is read, and found to be there by ingest.
 * Sources   never written to. Symbolic links to folders are not followed. Names in archives and directories never become paths.
 */
#ifndef PACS_IMPORT_H
#define PACS_IMPORT_H

#include "conf/conf.h"

/* What became of a file; the first group is of those that were taken. */
enum import_outcome {
	IMPORT_STORED, IMPORT_SAME, IMPORT_REPAIRED, IMPORT_CONFLICT, IMPORT_QUARANTINED,
	IMPORT_WOULD,                    /* dry run: it would be imported */
	IMPORT_NOT_DICOM, IMPORT_NO_SYNTAX, IMPORT_NO_CLASS, IMPORT_DIRECTORY, IMPORT_UNNAMED, IMPORT_LINK, IMPORT_SPECIAL, IMPORT_NESTED,
	IMPORT_ENCRYPTED, IMPORT_BOMB,
	IMPORT_MISSING,                  /* a DICOMDIR names it and it is not there */
	IMPORT_BAD_DIRECTORY,            /* a DICOMDIR that cannot be read: its folder is imported as any other */
	IMPORT_UNREADABLE,               /* the disc, the archive, or the right to read */
	IMPORT_FAILED,                   /* the node did not take it */
	IMPORT_OUTCOMES
};
/* "imported", "already there" ...; what it means for the exit code. */
const char *import_outcome_name(enum import_outcome o);
enum import_grade { IMPORT_GOOD, IMPORT_PASSED_OVER, IMPORT_ODD, IMPORT_BAD };
enum import_grade import_outcome_grade(enum import_outcome o);

enum { IMPORT_FIRST = 3 };           /* names kept of each outcome */
struct import_first { char name[200], why[160]; };
struct import_result {
	uint64_t count[IMPORT_OUTCOMES];
	struct import_first first[IMPORT_OUTCOMES][IMPORT_FIRST];
	uint64_t files, bytes;           /* looked at; copied */
	uint64_t from_journal;           /* of IMPORT_SAME */
	uint64_t all;                    /* files that there are, an archive being one; 0: not counted yet */
};

struct import_options {
	const char *const *paths;
	unsigned path_count;
	const char *calling;             /* AE title it comes from */
	uint64_t rate;                   /* bytes a second; 0 no limit */
	unsigned at_once;                /* images on the way */
	bool is_dry;
	bool with_unnamed;               /* also objects in a file set that its DICOMDIR does not name */
	/* From time to time, on the caller's thread. False: stop; what is on the way comes to its end. */
	bool (*on_progress)(void *arg, const struct import_result *so_far);
	void *arg;
};

/* *out is filled also after an error. ERR_CANCELLED: on_progress said stop; ERR_CLOSED: the node does not run, or did not come back;
 * ERR_BUSY: another import works here; ERR_FULL: the node's disk. */
enum err import_run(const struct conf *conf, const struct import_options *o, struct import_result *out, struct why *why) MUST_USE;

#endif
