/* source - one stored object's data set as a run of bytes to read, transcoded first when asked.
 *
 * Each start is asynchronous and calls `done` once on the loop thread; one at a time. A source with a
 * start under way must not be closed or freed before its done.
 */
#ifndef PACS_SEND_SOURCE_H
#define PACS_SEND_SOURCE_H

#include "pacs/base/bytes.h"
#include "pacs/net/loop.h"
#include "pacs/xcode/xcode.h"

struct source {
	struct loop *loop;               /* borrowed, as dir and xcode */
	const char *dir;
	struct xcode *xcode;             /* may be NULL */
	uint64_t oid;
	uint64_t changed;                /* as in send_object */
	const struct ts *ts;             /* stored in */
	const struct ts *to;             /* NULL: as it is stored */
	bool by_file;                    /* large chunks are to stay in the file; see source_in_file() */
	unsigned level;                  /* with `to`: 0 reversible, else lossy (pacs/dicom/recipe.h) */
	void (*done)(void *arg, enum err e, const struct why *why);
	void *arg;
	bool is_given_up;                /* may be set at any time: the transcoder, which may be gone by then, is not asked any more */

	bool is_first;                   /* the next chunk is the data set's first */
	int fd, spool_fd;                /* owned; -1 = none */
	uint64_t at, end;                /* what is left to read */
	uint8_t *chunk;                  /* owned; SEND_CHUNK at most */
	uint64_t file_at;                /* the chunk in hand is file_len bytes of fd from here, in the page cache; file_len 0: it is in memory */
	size_t file_len;
	size_t chunk_cap, chunk_len, chunk_at;   /* of chunk_len bytes read, those before chunk_at are taken */
	enum err err;                    /* of the job on the pool */
	struct why why;
	struct uid sop_instance;         /* of a transcoded object; "" as it was */
};

/* The fields above the blank line are the caller's. dataset_at and size are those of the stored file. */
void source_init(struct source *s, uint64_t dataset_at, uint64_t size);
/* Opens, transcodes if `to` is set, and reads the first chunk. An error is told by done() too. */
void source_start(struct source *s);
/* Reads the next chunk; call when the last one is taken and something is left. */
void source_read(struct source *s);
/* The chunk in hand, lent until source_read() or source_close(). */
struct bytes source_view(const struct source *s);
size_t source_len(const struct source *s);       /* bytes of the chunk in hand, wherever it is */
/* true: the chunk in hand is not in memory but those bytes of the file, which the pool has brought into the page cache. */
bool source_in_file(const struct source *s, int *fd, uint64_t *at);
/* Gives the chunk in hand back, which is in the file: the next source_read() brings it, and all behind it, as bytes. */
void source_as_bytes(struct source *s);
void source_taken(struct source *s);     /* the chunk in hand is used up */
bool source_is_last(const struct source *s);     /* nothing comes after the chunk in hand */
void source_close(struct source *s);

#endif
