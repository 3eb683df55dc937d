/* ingest - the one thread that makes images durable and known: the sole writer of index.db.
 *
 * Invariant 4  A job's done() says INGEST_STORED only after: fdatasync(file) [spool], rename to its final name,
 *              fsync(directory), commit with synchronous=FULL. Waiting jobs share one directory sync and one commit.
 * Invariant 5  Each accepted image gets an arrival row with a rising seq in that same transaction.
 * Invariant 3  Renames never replace (renameat2 RENAME_NOREPLACE).
 * Invariant 8  What cannot be read or conflicts is kept: DIR/quarantine with a reason row, or as a conflict.
 *
 * At start (ingest_start, before anything is accepted): objects in the newest buckets that no row names are
 * adopted (whole, unknown SOP instance) or removed (their instance has another whole file); files that a
 * replacement left behind are removed. So after any crash there is no orphan.
 *
 * Threads  one of its own. submit from the loop thread; done() is called on the loop thread by loop_post().
 * Wake-up  after each commit the router is told by a datagram to run/wake.router (a hint only).
 */
#ifndef PACS_STORE_INGEST_H
#define PACS_STORE_INGEST_H

#include "conf/conf.h"
#include "pacs/dicom/dataset.h"
#include "pacs/net/loop.h"

struct ingest;

enum ingest_outcome {
	INGEST_STORED,               /* new, durable, indexed */
	INGEST_SAME,                 /* already there with equal content, and the kept file was checked whole */
	INGEST_REPAIRED,             /* equal content, the kept file was missing or damaged: the new one took its place */
	INGEST_CONFLICT,             /* same SOP Instance UID, different content: both are kept */
	INGEST_QUARANTINED,          /* kept in quarantine with a reason (no usable UIDs, unreadable header) */
	INGEST_REPLACED,             /* a replace job took effect */
	INGEST_FAILED,               /* nothing is kept; err and why say what to answer */
};

struct ingest_result {
	enum ingest_outcome outcome;
	enum err err;                        /* INGEST_FAILED only: ERR_FULL, ERR_IO, ERR_NOMEM, ERR_FORMAT, ERR_MISMATCH... */
	struct why why;
	uint64_t instance;                   /* row, when there is one */
	int64_t seq;                         /* arrival, when STORED or REPAIRED... */
	struct uid study_uid, series_uid;
	bool class_differs;                  /* data set's SOP Class is not the command's: B007 */
};

struct ingest_job {
	/* filled by the submitter; strings and header are owned by the job (ingest frees header.p) */
	char path[256];                      /* spool file relative to DIR */
	uint64_t size, dataset_at;
	char digest[33];                     /* data set as received */
	struct bytes header;                 /* malloc'd: everything before pixel data */
	enum ds_encoding encoding;           /* of header */
	bool has_pixel_data;
	const char *quarantine_reason;       /* static text: the walker gave up; NULL normally */
	struct uid ts, sop_class, sop_instance;   /* from the command; sop_instance "" when adopting a file */
	char calling[BOUND_AET + 1], called[BOUND_AET + 1], address[64];
	char charset[64];                    /* sender default */
	enum conf_duplicate duplicate;
	/* compression: put this file in the place of instance's present one (oid must still be current) */
	bool is_replace;
	uint64_t replace_instance, replace_oid;
	char pixel_digest[33];               /* "" unknown; digest of the decoded samples */
	/* answer, on the loop thread; the job belongs to the submitter again */
	void (*done)(void *arg, struct ingest_job *job, const struct ingest_result *r);
	void *arg;
	struct ingest_job *next;             /* ingest's */
};

/* conf is kept by reference; opens (creates, migrates) DIR/index.db as its writer and repairs after a crash.
 * ERR_VERSION: database from a newer program; ERR_BUSY: another writer holds DIR/run/ingest.lock. */
enum err ingest_start(struct loop *l, struct conf *conf, struct ingest **out, struct why *why) MUST_USE;
/* Always answered by done(), also after a failure and during stop. */
void     ingest_submit(struct ingest *g, struct ingest_job *job);
/* Remember a caller that was refused, for `pacs node pending`. */
void     ingest_note_unknown(struct ingest *g, const char *calling, const char *called, const char *address);
/* It is known now: takes it off that list. */
void     ingest_forget_unknown(struct ingest *g, const char *calling);
/* Finishes what was submitted, then ends the thread. Blocks; call when the loop no longer submits. */
void     ingest_stop(struct ingest **g);

#endif
