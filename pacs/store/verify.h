/* verify - is what the index says on disk, and is what is on disk in the index?
 *
 * Goes through the store by file number: reads each file whole, compares it with its row, and looks at every name in
 * store/ and quarantine/. Reads only, beside a working node; a finding is looked at twice (the row may have moved on
 * meanwhile), and a file that is on its way (younger than young_s) is none.
 *
 * Compared of each image: the file is there, its size, the digest of its data set, the UIDs and the transfer syntax of its
 * meta group, and the kept header (unless the file was compressed: the header is then the one received).
 * The pages that were read are given back to the kernel: a survey does not drive what is in use out of memory.
 */
#ifndef PACS_STORE_VERIFY_H
#define PACS_STORE_VERIFY_H

#include "db/survey.h"

enum { VERIFY_YOUNG_S = 60 };           /* the usual young_s */

enum verify_fault {
	VERIFY_MISSING, VERIFY_SIZE, VERIFY_DIGEST, VERIFY_UNREADABLE,       /* an image's file */
	VERIFY_META, VERIFY_HEADER,                                          /* it is whole, but row and file disagree */
	VERIFY_ORPHAN, VERIFY_STRANGE,                                       /* a file without a row; a name that is none of ours */
	VERIFY_CONFLICT,                                                     /* a file kept beside an image: missing or damaged */
	VERIFY_GARBAGE,                                                      /* should have been removed; the next start does */
	VERIFY_QUARANTINE_ROW, VERIFY_QUARANTINE_FILE,                       /* a row without a file, a file without a row */
	VERIFY_COUNTERS,
	VERIFY_FAULTS
};
const char *verify_fault_name(enum verify_fault f);      /* "missing", "digest" ... */
bool verify_is_damage(enum verify_fault f);              /* an image is lost or wrong, as far as this folder goes */

struct verify_finding {
	enum verify_fault fault;
	uint64_t instance, oid;          /* 0: none; COUNTERS: instance is the study's row */
	const char *sop_uid, *study_uid, *calling;       /* "" unknown */
	char path[320];                  /* relative to DIR */
	struct why why;
};
struct verify_progress {
	uint64_t files, bytes;           /* looked at */
	uint64_t all_files, all_bytes;   /* that the index has; with `since` or `first` not all are looked at */
	uint64_t next_oid;               /* where to go on */
	uint64_t faults[VERIFY_FAULTS];
};

struct verify_options {
	const char *dir;
	uint64_t rate;                   /* bytes a second; 0: no limit */
	int64_t since_ms;                /* only images received since; 0: all */
	uint64_t first;                  /* begin at this file number */
	unsigned young_s;                /* younger files without a row are on their way */
	bool files_only;                 /* no look at quarantine and counters */
	/* All may be NULL. false from on_progress (after each file): stop. */
	void (*on_finding)(void *arg, const struct verify_finding *f);
	bool (*on_progress)(void *arg, const struct verify_progress *p);
	void *arg;
};

/* *out is filled as far as it came. ERR_CANCELLED: stopped by on_progress. Findings are no error. */
enum err verify_run(struct index_reader *r, const struct verify_options *o, struct verify_progress *out, struct why *why) MUST_USE;

#endif
