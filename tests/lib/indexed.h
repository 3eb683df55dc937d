/* indexed - an object's header into an index, by ingest's own code, without a file. */
#ifndef TESTS_LIB_INDEXED_H
#define TESTS_LIB_INDEXED_H

#include <stdio.h>

#include "pacs/store/ingest_private.h"

/* The arenas that making a record needs, and the next file number. */
struct indexed {
	struct ingest ingest;
	uint64_t oid;
};

static inline void indexed_init(struct indexed *x)
{
	arena_init(&x->ingest.texts, 64 << 20);
	arena_init(&x->ingest.scratch, 64 << 20);
	x->oid = 0;
}

static inline void indexed_fini(struct indexed *x)
{
	arena_fini(&x->ingest.texts);
	arena_fini(&x->ingest.scratch);
}

/* The record of an object. `job` tells the sender, syntax, size and digest; header, encoding and has_pixel_data are filled
 * in, the header is borrowed. The record's texts live until indexed_forget(). */
static inline enum err indexed_record(struct indexed *x, struct ingest_job *job, struct bytes header, struct index_record *out, struct why *why)
{
	struct entry it = { .job = job };

	job->header = header;
	job->encoding = DS_EXPLICIT_LE;
	job->has_pixel_data = true;
	enum err e = ingest_make_record(&x->ingest, &it, why);
	*out = it.record;
	out->oid = ++x->oid;
	return e;
}

static inline void indexed_forget(struct indexed *x)
{
	arena_release(&x->ingest.texts, (struct arena_mark){ 0 });
}

/* Inside a transaction of the writer. */
static inline enum err indexed_add(struct indexed *x, struct index_writer *w, struct ingest_job *job, struct bytes header, struct why *why)
{
	struct index_record r;
	uint64_t instance;
	int64_t seq;

	enum err e = indexed_record(x, job, header, &r, why);
	if (!e)
		e = index_add(w, &r, &instance, &seq, why);
	indexed_forget(x);
	return e;
}

#endif
