/* ingest - the one thread that makes images durable and known: the sole writer of index.db.
 *
 * Invariant 2  The file is the truth: a row is made from the file's bytes and what the sender told, nothing else.
 * Invariant 3  Renames never replace (renameat2 RENAME_NOREPLACE); a number once used for a file that a row names
 *              is never used again.
 * Invariant 4  A job's done() says INGEST_STORED only after: fdatasync(file), rename to its final name,
 *              fsync(directory), commit with synchronous=FULL. Waiting jobs share one directory sync and one commit.
 *              For new images the three syncs run side by side, for all that replaces the commit waits (ingest_sync.c).
 * Invariant 5  Each accepted image gets an arrival row with a rising seq in that same transaction.
 * Invariant 8  What cannot be read or conflicts is kept: DIR/quarantine with a reason row, or as a conflict.
 *
 * Group commit  the thread takes every job that waits (at most BOUND_COMMIT_BATCH) and brings them through
 *              together; jobs that come meanwhile share the next round. Where syncs cost much, new images that come
 *              while a round's first are written join it, and it waits a moment for small ones that are nearly here
 *              (company.h); else no job waits for company.
 * Failure      a job that fails does not hurt the others of its round: when one statement fails the round is
 *              rolled back and each job is tried in a transaction of its own. When a commit fails its outcome is
 *              in doubt: the files are left until a later commit has named them garbage or a look at the rows
 *              has found them; until then every job fails. A crash in between is repaired by the next start.
 *
 * At start (ingest_start, before anything is accepted): objects in the newest buckets that no row names are
 * adopted (whole, unknown SOP instance), moved to quarantine (unreadable) or removed (their instance has another
 * whole file); files that a replacement left behind are removed; files in quarantine without a row get one. Marks of damage of no image go.
 * A row of the last rounds whose file is not there and whole (its image was not acknowledged: ingest_heal.c) is taken out.
 * So after any crash there is no orphan. Without an index.db all files are adopted: it is rebuilt.
 *
 * The same SOP Instance UID again is SAME when the bytes are equal, or when header and samples are, in another encoding:
 *              any two reversible ones, data sets that are deflated as a whole left out. Native samples are compared, or
 *              digested where the kept row has a digest; else both are decoded by a codec worker (ingest_use_decoder()).
 *              not compared: group lengths, VRs, padding, lengths of sequences, and what the form of samples alone decides
 *              (YBR_RCT for RGB, planar configuration). Elements behind pixel data, values over BOUND_ELEMENT, extended
 *              offset tables and a damaged kept file count as different, and so does what no worker can decode: CONFLICT,
 *              both are kept. Only when the content is equal is the kept file read whole and checked.
 *              All this reading is done by a second thread, and the rounds of other images go on meanwhile.
 *
 * Threads  eighteen of its own, of which sixteen sync. submit from any thread; done() is called on the loop thread by loop_post().
 * Wake-up  after each commit the router is told by a datagram to run/wake.router (a hint only).
 * Order    call ingest_start() before spool_open(): its lock keeps a second program from emptying the spool.
 */
#ifndef PACS_STORE_INGEST_H
#define PACS_STORE_INGEST_H

#include "conf/conf.h"
#include "db/index.h"
#include "pacs/dicom/dataset.h"
#include "pacs/net/loop.h"
#include "pacs/store/spool.h"

struct ingest;
struct ingest_check;

enum ingest_outcome {
	INGEST_STORED,               /* new, durable, indexed */
	INGEST_SAME,                 /* already there with equal content, and the kept file was checked whole */
	INGEST_REPAIRED,             /* equal content, the kept file was missing or damaged: the new one took its place */
	INGEST_CONFLICT,             /* same SOP Instance UID, different content: both are kept */
	INGEST_QUARANTINED,          /* kept in quarantine; why has the reason. err: ERR_MISMATCH when the data set's SOP Instance
	                              * UID is not the command's, else ERR_FORMAT (no usable UIDs, unreadable) */
	INGEST_REPLACED,             /* a replace job took effect */
	INGEST_FAILED,               /* nothing is promised; err and why say what to answer */
};

struct ingest_result {
	enum ingest_outcome outcome;
	enum err err;                        /* INGEST_FAILED: ERR_FULL, ERR_IO, ERR_NOMEM, ERR_CONFLICT (replace: the file is no longer current)... */
	struct why why;
	uint64_t instance;                   /* row, when there is one */
	int64_t seq;                         /* arrival, when STORED or REPAIRED... */
	struct uid study_uid, series_uid;
	bool class_differs;                  /* data set's SOP Class is not the command's: B007 */
};

struct ingest_job {
	/* filled by the submitter; strings and header are owned by the job (ingest frees header.p) */
	char path[256];                      /* spool file relative to DIR */
	bool is_unsynced;                    /* written, but fdatasync(fd) and close(fd) are ingest's to do */
	int fd;                              /* owned, when is_unsynced */
	uint64_t size, dataset_at;
	char digest[33];                     /* data set as received */
	struct bytes header;                 /* malloc'd: everything before pixel data */
	enum ds_encoding encoding;           /* of header */
	bool has_pixel_data;
	const char *quarantine_reason;       /* static text: the walker gave up; NULL normally */
	struct uid ts, sop_class, sop_instance;   /* from the command; sop_instance "" when adopting a file */
	char calling[BOUND_AET + 1], called[BOUND_AET + 1], address[64];
	char charset[64];                    /* sender default */
	int64_t received_ms;                 /* when, as the file says it too; 0: now */
	enum conf_duplicate duplicate;
	/* compression: put this file in the place of instance's present one (oid must still be current) */
	bool is_replace;
	uint64_t replace_instance, replace_oid;
	char pixel_digest[33];               /* "" unknown; digest of the decoded samples */
	/* answer, on the loop thread; the job belongs to the submitter again */
	void (*done)(void *arg, struct ingest_job *job, const struct ingest_result *r);
	void *arg;
	/* ingest's own */
	struct ingest_job *next;
	struct ingest_check *check;
};

/* conf is kept by reference; opens (creates, migrates) DIR/index.db as its writer and repairs after a crash.
 * ERR_VERSION: database from a newer program; ERR_BUSY: another writer holds DIR/run/ingest.lock. */
enum err ingest_start(struct loop *l, struct conf *conf, struct ingest **out, struct why *why) MUST_USE;
/* What digests the decoded samples of an object (XXH3-128, as xcode.h tells it): blocking, called on the second thread only, at
 * most until ingest_stop() returns. Any error means that it cannot be told. Nobody: compressed forms are never equal.
 * Each call must stand alone: what was decoded before, maybe hostile, must not be able to influence it. */
struct ingest_decoder {
	enum err (*digest)(void *arg, int fd, char out[33], struct why *why);
	void *arg;
};
void     ingest_use_decoder(struct ingest *g, const struct ingest_decoder *d);
/* The file that the spool gave away. Any thread. */
void     ingest_job_take(struct ingest_job *j, const struct spool_done *d);
/* Always answered by done(), which may run after ingest_stop() as long as the loop runs; also after a failure and during stop. */
void     ingest_submit(struct ingest *g, struct ingest_job *job);
/* Remember a caller that was refused, for `pacs node pending`. */
void     ingest_note_unknown(struct ingest *g, const char *calling, const char *called, const char *address);
/* It is known now: takes it off that list. */
void     ingest_forget_unknown(struct ingest *g, const char *calling);
/* Patient updates and merges (db/index.h), in the order of their seq, in one transaction of the ingest thread. `after` is what the
 * asker takes for the last one applied: when it is not, nothing is done and *seq says what is true. done() on the loop thread; the
 * request is the asker's again. */
struct ingest_patients {
	const struct index_patient_change *changes;
	size_t count;
	int64_t after;
	int64_t seq;                         /* answer: the last one applied now */
	unsigned touched;                    /* answer: patients that were found */
	enum err err;
	struct why why;
	void (*done)(void *arg, struct ingest_patients *p);
	void *arg;
	struct ingest_patients *next;        /* ingest's own */
};
void     ingest_patients(struct ingest *g, struct ingest_patients *p);
/* Finishes what was submitted, then ends the thread. Blocks; call when the loop no longer submits. */
void     ingest_stop(struct ingest **g);

/* Where the crash tests kill the program (base/fault.h), in the order an image passes them. */
#define INGEST_CRASH_POINTS \
	"spool-open", "spool-write", "spool-sync", "rename", "dir-sync", "before-commit", "after-commit", \
	"garbage-unlink", "before-answer"
/* Besides: edit-commit and edit-applied, before and after the commit of changes (ingest_patient.c); retire-commit (ingest_retire.c). */
/* The same, of the repair at the next start. */
#define INGEST_RECOVERY_CRASH_POINTS "recover-adopt", "recover-quarantine", "recover-unlink"

#endif
