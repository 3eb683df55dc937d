/* import_private - what the files of the import share.
 *
 *   import.c        the run: its threads, the queue between them, its account
 *   import_walk.c   folders and file sets: which files there are
 *   import_take.c   one file, or one entry of an archive: recognised, copied, adopted
 *   import_spool.c, import_journal.c   rooms of their own
 *
 * Threads: `walker` looks for files and reads archives (an archive is one stream); `takers` copy and ask; `counter` counts files for the
 * progress, which the caller's thread shows.
 */
#ifndef PACS_IMPORT_PRIVATE_H
#define PACS_IMPORT_PRIVATE_H

#include <pthread.h>
#include <sys/queue.h>

#include "db/index.h"
#include "pacs/import.h"
#include "pacs/import_journal.h"
#include "pacs/import_spool.h"
#include "pacs/store/pace.h"

enum { IMPORT_QUEUE = 64, IMPORT_THREADS_MAX = 48 };     /* tasks that wait: names, or copies of archive entries in the spool; under BOUND_CTL_CLIENTS */

struct import_task {
	STAILQ_ENTRY(import_task) link;
	char *name;                      /* as it is shown; owned */
	char *path;                      /* owned; NULL: an archive's entry that is copied already */
	bool is_unnamed;                 /* of a file set whose directory does not name it */
	struct import_copy copy;
	struct import_key key;
	struct uid sop;
};

struct import {
	const struct conf *conf;
	const struct import_options *o;
	pthread_mutex_t mutex;           /* of all that follows */
	pthread_cond_t has_task, has_room, ended;
	STAILQ_HEAD(, import_task) tasks;
	unsigned queued;
	bool is_walked, is_stopping;     /* no more tasks will come; the rest is dropped */
	unsigned running;                /* threads */
	enum err err;                    /* what ended it early */
	struct why why;
	struct import_result result;
	struct import_journal *journal;  /* NULL in a dry run */
	struct index_reader *index;
	struct pace pace;
};

/* ---- import.c ---- */
bool import_is_stopping(void *im);
/* Ends the run early; the first reason stays. */
void import_stop(struct import *im, enum err e, const struct why *why);
void import_note(struct import *im, enum import_outcome o, const char *name, const char *why);
/* Waits for room. The task is the queue's. */
void import_give(struct import *im, struct import_task *t);
void import_task_free(struct import_task *t);
/* Is it done, and still known to be there? Noted then. */
bool import_is_done(struct import *im, const struct import_key *key, const char *name);
/* bytes were just copied: waits as long as the rate wants. */
void import_pace(struct import *im, size_t bytes);

/* ---- import_walk.c ---- */
void import_walk(struct import *im, const char *path);

/* ---- import_take.c ---- */
void import_take(struct import *im, struct import_task *t);
/* All that is in it. */
void import_take_zip(struct import *im, const char *path, const char *name);
/* By its first bytes. */
bool import_is_zip(const char *path);

#endif
