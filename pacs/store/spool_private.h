/* spool_private - what the files of the spool share.
 *
 *   spool.c         the room, its account of bytes and of free disk, and a file's life on the loop
 *   spool_chunks.c  the bytes that wait to be written
 *   spool_ready.c   files that are made ahead
 *   spool_work.c    what is done to a file on the pool
 */
#ifndef PACS_STORE_SPOOL_PRIVATE_H
#define PACS_STORE_SPOOL_PRIVATE_H

#include <pthread.h>
#include <sys/queue.h>

#include "pacs/base/bounds.h"
#include "pacs/store/digest.h"
#include "pacs/store/spool.h"

/* A file's life. Bytes collect in chunks; a job takes the full ones to the pool and writes them; the
 * next job starts when it is back. A job starts as soon as a full chunk is queued, when the writer has to
 * pause, and at the end. A small object is therefore one job: open, write. What would start a job while one runs is
 * handed over to that one, so that nothing waits for it to come back first.
 *
 *   OPEN --spool_finish--> FINISHING --job with is_last: written(), or back with an error: failed()--> freed
 *   OPEN --spool_discard--> DISCARDED --running job is back, then a job that unlinks--> freed
 *
 * While a job runs, the pool thread owns: fd, is_created, is_given, is_direct, was_tried, has_digest, has_page, page, written, cached, digest, batch, spent,
 * is_last, err, why. `over` is shared, under the spool's lock. The loop owns the rest. */
enum { SPOOL_ALIGN = 4096 };             /* what O_DIRECT asks of addresses, lengths and places, on any disk there is */

enum spool_state { OPEN, FINISHING, DISCARDED };

/* data is aligned for writing past the page cache. */
struct spool_chunk {
	struct spool_chunk *next;
	size_t len, cap;
	uint8_t *data;                           /* owned */
};

struct spool_file {
	LIST_ENTRY(spool_file) link;
	TAILQ_ENTRY(spool_file) paused_link;
	struct spool *spool;
	enum spool_state state;
	bool is_running, is_paused, has_chunk;
	struct spool_chunk *first, *last;              /* queued, oldest first */
	size_t queued, in_flight;                /* bytes in the queue, bytes with the job */
	size_t head_len, digest_at;
	bool is_quiet;                           /* as spool_begin() was told */
	void (*on_room)(void *arg);
	void *arg;
	enum err sticky;                         /* as spool_write() saw it */
	struct why sticky_why;
	void (*give)(void *arg, const struct spool_done *d);
	void (*failed)(void *arg, const struct spool_done *d);
	void *done_arg;
	char path[64];                           /* relative to DIR */
	/* the job's */
	int fd;
	bool is_created, is_given;
	bool is_direct, was_tried;               /* O_DIRECT is set; was set once, or refused */
	bool has_digest;                         /* it went out with the first bytes */
	bool has_page;
	uint8_t page[SPOOL_ALIGN];               /* has_page: the file's first one, as it was written past the cache */
	uint64_t written, cached;                /* bytes; those of them that went through the page cache */
	struct digest *digest;
	struct spool_chunk *batch, *spent;       /* to write; written, of earlier batches of this job */
	bool is_last;                            /* nothing comes after the batch */
	struct { struct spool_chunk *first, *last; bool is_last, is_shut; } over;   /* handed over; is_shut: the job takes no more */
	enum err err;
	struct why why;
};

/* A file that is made and open, and nobody's yet. */
struct spool_ready { int fd; uint64_t serial; };
enum { SPOOL_READY = 32 };               /* four rounds of eight modalities */

struct spool {
	pthread_mutex_t lock;                    /* guards what is handed over, for all files */
	struct loop *loop;
	char *dir;                               /* owned */
	uint64_t reserve;
	uint64_t serial;
	size_t total;                            /* unwritten bytes of all files */
	unsigned files;
	bool is_closed;                          /* freed when the last file is */
	LIST_HEAD(, spool_file) all;
	TAILQ_HEAD(, spool_file) paused;
	struct spool_ready ready[SPOOL_READY];
	unsigned ready_count;
	bool is_filling;
	struct spool_chunk *spare;
	unsigned spares;
	bool is_low;                             /* as of checked_ns */
	bool is_checked;
	uint64_t checked_ns, since_check;        /* bytes taken since */
};

/* ---- spool_chunks.c ---- */
/* Queues a copy. ERR_NOMEM: some of it may be queued. */
enum err spool_append(struct spool_file *f, struct bytes b) MUST_USE;
void     spool_chunks_put(struct spool *s, struct spool_chunk *c);       /* back to the spare ones, or freed */
void     spool_chunks_trim(struct spool *s, bool is_over);               /* frees spare ones; is_over: all of them */

/* ---- spool_ready.c ---- */
void     spool_name(char out[64], uint64_t serial);                      /* relative to DIR */
bool     spool_ready_take(struct spool *s, struct spool_ready *out);     /* false: the file is still to be made */
void     spool_ready_drop(struct spool *s);                              /* those that nobody took */

/* ---- spool.c ---- */
void     spool_release(struct spool *s);         /* one who held it by its count of files has gone */
/* What is known of the file now. */
struct spool_done spool_done_of(const struct spool_file *f, enum err e, const struct why *why);

/* ---- spool_work.c: on the pool, arg is the file ---- */
void     spool_work_write(void *arg);            /* opens if need be, writes the batch; the last one gives the file away */
void     spool_work_unlink(void *arg);

#endif
