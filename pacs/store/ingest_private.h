/* ingest_private - what the files of the ingest room share.
 *
 *   ingest.c           the thread, its queue and its answers
 *   ingest_batch.c     one round: prepare, place, sync, and what to do when a step fails
 *   ingest_rows.c      its transaction
 *   ingest_decide.c    what is to become of a job: new, same, repaired, conflict, quarantine, replacement
 *   ingest_record.c    a header as an index record
 *   ingest_sync.c      the threads that sync files and directories beside the commit
 *   ingest_check.c     the second thread: reads whole files, so that a round need not
 *   ingest_same.c      equal content in another encoding
 *   ingest_patient.c   patient updates and merges
 *   ingest_recover.c   repair after a crash
 *   ingest_heal.c      rows that a power cut has left without a whole file
 *   ingest_repair.c    repair of what a survey found
 */
#ifndef PACS_STORE_INGEST_PRIVATE_H
#define PACS_STORE_INGEST_PRIVATE_H

#include <limits.h>
#include <pthread.h>

#include "db/index.h"
#include "pacs/ctl/ctl.h"
#include "pacs/store/company.h"
#include "pacs/store/ingest.h"
#include "pacs/store/object.h"

/* What the second thread found of a job. */
struct ingest_check {
	struct index_instance known;     /* the kept instance that was looked at; none for a replacement */
	enum err content;                /* ERR_OK: equal, or the replacement is as announced; ERR_MISMATCH: other; else it cannot be told */
	enum err kept;                   /* when the content is equal: ERR_OK whole, ERR_NOMEM cannot be told, else damaged */
	struct why why;
};

/* What is to be done with a job. */
enum plan {
	PLAN_FAIL,               /* entry.result says why */
	PLAN_ADD,                /* a new instance */
	PLAN_SAME,               /* nothing, its file goes */
	PLAN_KNOWN_CONFLICT,     /* this other content is kept already: its file goes */
	PLAN_REPAIR,             /* its file takes the place of the damaged one */
	PLAN_KEEP_FIRST,         /* other content: kept beside the current file */
	PLAN_KEEP_LATEST,        /* other content: becomes current, the old file is kept beside it */
	PLAN_QUARANTINE,
	PLAN_REPLACE,            /* compression */
	PLAN_CHECK,              /* cannot be told without reading whole files: set aside, back in a later round */
};

struct entry {
	struct ingest_job *job;
	struct ingest_result result;
	enum plan plan;
	struct index_record record;      /* texts in the round's arena, header lent by the job */
	uint64_t uid_hash;               /* of the SOP Instance UID or the replaced instance */
	struct index_instance known;     /* what the index has under this UID, when it has */
	uint64_t oid;                    /* of the placed file */
	bool is_placed;                  /* the file stands under its final name, no longer in the spool */
	char placed_at[40];              /* relative to DIR: "store/0000/000/000000000001.dcm" */
	uint64_t unlink_oid;             /* after the commit: this file goes */
	enum err sync_err;               /* of its file, when the round synced it */
	struct why sync_why;
};

/* A file whose commit failed in an unknown way. */
struct doubt {
	uint64_t oid;                    /* 0: a file in quarantine */
	char path[40];
};

/* Directories of a round, relative to DIR, and what became of their sync. */
struct ingest_dir { char path[40]; enum err err; struct why why; };
struct ingest_dirs { size_t n; struct ingest_dir of[3]; };

enum { SYNC_THREADS = 16 };               /* a disk, and more so a journal, does many syncs in the time of one */

struct ingest_syncer {
	pthread_t threads[SYNC_THREADS];
	pthread_mutex_t mutex;           /* of what follows; dirs and files belong to the threads while open is not 0 */
	pthread_cond_t wake, done;
	unsigned running;                /* threads */
	bool is_made, is_over;
	size_t next, count, open;        /* of the round's syncs: not taken yet, all, not done yet */
	struct ingest_dirs dirs;
	struct entry **files;            /* owned; BOUND_COMMIT_BATCH */
	size_t file_count;
};

struct ingest_round {
	size_t taken, written;           /* of items: decided and placed, with their rows in the transaction */
	bool has_begun;                  /* the transaction */
	enum err owed, err;              /* an earlier round's debt could not be paid; a row could not be written */
	struct why why;
};

/* A refused caller to be remembered, or one to be forgotten. */
struct note { bool is_forget; char calling[BOUND_AET + 1], called[BOUND_AET + 1], address[64]; };
enum { NOTES = 64 };                     /* refused callers between two rounds; more are not news */

struct ingest {
	struct loop *loop;
	struct conf *conf;               /* a reference */
	int lock_fd;
	pthread_t thread, check_thread;
	pthread_mutex_t mutex;           /* of what follows, up to the thread's own */
	pthread_cond_t wake, check_wake;
	struct ingest_job *first, **last;
	struct company company;
	struct note notes[NOTES];
	unsigned note_count;
	struct ingest_patients *patients, **patients_last;
	bool is_stopping;
	struct ingest_job *check_first, **check_last;    /* for the second thread */
	size_t set_aside;                /* jobs there, not back yet */
	bool is_over;                    /* no more of them will come */
	struct ingest_syncer syncer;
	struct ingest_decoder decoder;   /* digest NULL: none */
	struct ingest_repair *repair_first, **repair_last;
	/* the thread's own */
	struct wake_sender router;
	int64_t last_seq, told_seq;      /* every arrival up to it is durable, files and all; what the index knows of it */
	bool is_lost_untold;             /* rows without a file that are not marked: last_seq stays, the next start looks */
	struct ingest_dirs owed;         /* committed behind, not synced yet: nothing is promised before they are */
	struct index_writer *index;
	struct arena texts, scratch;     /* of the round; of one header */
	uint64_t next_oid;
	uint64_t made_bucket;            /* oid >> 12 of the directory made last, plus 1 */
	bool has_quarantine;             /* its directory is known to be there */
	struct entry *items;              /* BOUND_COMMIT_BATCH */
	size_t item_count, item_bytes;   /* bytes: of their headers */
	bool is_nameless;                /* a job whose UID only the data set tells: nobody else goes with it */
	struct ingest_round round;
	struct doubt *doubts;            /* BOUND_COMMIT_BATCH */
	size_t doubt_count;
	uint64_t *forget;                /* BOUND_COMMIT_BATCH: unlinked files whose garbage rows may go */
	size_t forget_count;
};

/* An absolute path below DIR. */
struct object_path ingest_path(const struct ingest *g, const char *relative);

/* ---- ingest_record.c ---- */
/* Fills record from the job's header. ERR_FORMAT / ERR_MISMATCH / ERR_LIMIT: for quarantine, why says the reason. ERR_NOMEM. */
enum err ingest_make_record(struct ingest *g, struct entry *it, struct why *why) MUST_USE;

/* ---- ingest_decide.c ---- */
void     ingest_decide(struct ingest *g, struct entry *it);

/* ---- ingest_same.c ---- */
/* The kept file is there, of the right size and with the digest of its row. ERR_MISMATCH or ERR_NOT_FOUND: it is not;
 * ERR_NOMEM: cannot tell. */
enum err ingest_check_kept(struct ingest *g, const struct index_instance *known, struct why *why) MUST_USE;
/* Headers and samples are equal but for their encoding. ERR_OK: so it is. ERR_MISMATCH: not, or it cannot be told from
 * these files. ERR_NOMEM, ERR_IO (the new file cannot be read): ask again. Any thread; scratch is left as it was. */
enum err ingest_same_content(struct ingest *g, struct arena *scratch, const struct ingest_job *j, const struct index_instance *known, struct why *why) MUST_USE;

/* ---- ingest_sync.c ---- */
/* Syncs the files and directories of the placed entries; the thread of the round goes on until it asks for the outcome.
 * Afterwards no job of these is_unsynced any more; what became of its file is in sync_err. */
void     ingest_sync_begin(struct ingest *g);
const struct ingest_dirs *ingest_sync_end(struct ingest *g);       /* lent until the next begin */
/* One file, here and now; closes it. Nothing when it is synced. */
enum err ingest_sync_file(struct ingest_job *j, struct why *why) MUST_USE;
void     ingest_close_file(struct ingest_job *j);                  /* one that goes: the sync is owed no more */
const struct ingest_dir *ingest_dir_of(const struct ingest_dirs *d, const char *placed_at);    /* NULL: not among them */
/* Rows were committed, the directory was not synced: to be done before anything else is promised. */
void     ingest_sync_owe(struct ingest *g, const struct ingest_dir *dir);
enum err ingest_sync_pay(struct ingest *g, struct why *why) MUST_USE;
enum err ingest_sync_start(struct ingest *g, struct why *why) MUST_USE;
void     ingest_sync_stop(struct ingest *g);

/* ---- ingest_check.c ---- */
/* The job gets what the second thread will need. ERR_NOMEM. */
enum err ingest_check_prepare(struct entry *it, struct why *why) MUST_USE;
/* Gives it the job; it comes back through the queue. */
void     ingest_check_later(struct ingest *g, struct ingest_job *j);
enum err ingest_check_start(struct ingest *g, struct why *why) MUST_USE;
void     ingest_check_stop(struct ingest *g);            /* when nothing is set aside and nothing more will be */

/* ---- ingest.c ---- */
void     ingest_queue(struct ingest *g, struct ingest_job *j);     /* with the mutex held */

/* ---- ingest_batch.c ---- */
/* A round: begin, then for those that came last in items[]: take, and write while more may come; end brings all to their results.
 * take: decides and places; those that must be set aside are, and leave the array. May others join? Not where something
 * but new images is among them: its rows wait for its syncs.
 * write: their rows. No: others may not join, each will be tried by itself. */
void     ingest_round_begin(struct ingest *g);
bool     ingest_round_take(struct ingest *g) MUST_USE;
bool     ingest_round_write(struct ingest *g);
void     ingest_round_end(struct ingest *g);
/* Renames `from` (relative to DIR) to the next free place in the store or in quarantine. Not yet durable. */
enum err ingest_place(struct ingest *g, const char *from, bool in_quarantine, uint64_t *oid, char placed_at[40], struct why *why) MUST_USE;
enum err ingest_sync_bucket(struct ingest *g, const char *placed_at, struct why *why) MUST_USE;

/* It has a file that goes to the store or to quarantine. */
bool     ingest_has_file(const struct entry *it);
/* It leaves the round, and its file goes. */
void     ingest_entry_fails(struct ingest *g, struct entry *it, enum err e, const struct why *why);

/* ---- ingest_rows.c ---- */
/* A transaction, with what waits beside the rows; then rows of some entries. After an error commit is still to be called. */
enum err ingest_rows_begin(struct ingest *g, struct why *why) MUST_USE;
enum err ingest_rows_put(struct ingest *g, struct entry *items, size_t n, struct why *why) MUST_USE;
/* Commits all of the round; when round.err says that one cannot be written, each by itself, so that it fails alone. */
void     ingest_rows_commit(struct ingest *g);
/* A later commit ends every doubt about earlier ones. */
enum err ingest_rows_settle(struct ingest *g, struct why *why) MUST_USE;
/* The next transaction takes this garbage row away, or else the next start. */
void     ingest_forget_later(struct ingest *g, uint64_t oid);

/* ---- ingest_patient.c ---- */
/* Applies one request and posts its answer; the ingest thread. */
void     ingest_patients_apply(struct ingest *g, struct ingest_patients *p);

/* ---- ingest_recover.c ---- */
struct object_scan;
/* Fills the job as a receiver would have; what it points to lives as long as the scan. */
void     ingest_fill_job(const struct conf *conf, const struct object_scan *s, struct ingest_job *j);
enum err ingest_recover(struct ingest *g, struct why *why) MUST_USE;
/* Unlinks and forgets every file that is garbage. */
enum err ingest_empty_garbage(struct ingest *g, struct why *why) MUST_USE;
/* What becomes of a file in the store that has no row; did: in words. */
enum err ingest_adopt(struct ingest *g, uint64_t oid, char *did, size_t cap, struct why *why) MUST_USE;

/* ---- ingest_repair.c ---- */
struct ingest_repair;
void     ingest_repair_run(struct ingest *g, struct ingest_repair *r);     /* does it, and answers */

/* ---- ingest_heal.c ---- */
/* Tells the index up to where all is durable, when nothing else is to be committed. */
enum err ingest_note_durable(struct ingest *g, int64_t seq, struct why *why) MUST_USE;
/* Looks after the rows of the last rounds; before the spool is emptied. */
enum err ingest_heal(struct ingest *g, struct why *why) MUST_USE;

#endif
