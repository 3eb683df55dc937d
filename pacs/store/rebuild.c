#include "pacs/store/rebuild.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "db/index_repair.h"
#include "pacs/store/ingest_private.h"
#include "pacs/store/object_scan.h"
#include "pacs/store/store_walk.h"

enum { ROUND = BOUND_COMMIT_BATCH, THREADS_MAX = 16, HEAD_BYTES = 4096, TEXTS_MAX = 64 << 20, SCRATCH_MAX = 64 << 20 };

struct file { uint64_t oid; int64_t received_ms; };

/* One file between its parsing and its row. */
struct parsed {
	uint64_t oid;
	int64_t received_ms;
	struct ingest_job job;
	struct entry entry;              /* its record is what counts */
	struct object_scan scan;
	enum err err;
	struct why why;
};

/* A round: `threads` parse it while the one before is written. */
struct round {
	struct parsed *items;              /* ROUND, owned */
	size_t count;
	atomic_size_t next;
	struct ingest *parsers[THREADS_MAX];     /* texts of this round; each for one thread */
};

struct rebuild {
	const struct conf *conf;
	const struct rebuild_options *o;
	struct rebuild_result *r;
	struct index_writer *w;
	struct file *files;
	size_t count, cap;
	struct round rounds[2];
};

static bool go_on(struct rebuild *b, unsigned pass, uint64_t done, uint64_t all)
{
	return !b->o->on_progress || b->o->on_progress(b->o->arg, pass, done, all, b->r->bytes);
}

static void bad(struct rebuild *b, const char *path, const char *why)
{
	b->r->bad++;
	if (b->o->on_bad)
		b->o->on_bad(b->o->arg, path, why);
}

/* ---- pass 1: what there is, and in which order it came ---- */

static int64_t time_of(int fd)
{
	uint8_t head[HEAD_BYTES];
	struct part10 meta;
	struct stat st;
	ssize_t n = pread(fd, head, sizeof(head), 0);
	if (n > 0 && !part10_read(bytes_of(head, (size_t)n), &meta, NULL) && meta.origin.received_ms)
		return meta.origin.received_ms;
	return fstat(fd, &st) ? 0 : (int64_t)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000;
}

static bool on_name(void *arg, const char *path, bool is_object, uint64_t oid)
{
	struct rebuild *b = arg;
	if (!is_object) {
		bad(b, path, "a name that this program never makes");
		return true;
	}
	if (b->count == b->cap) {
		size_t cap = b->cap ? 2 * b->cap : 4096;
		struct file *more = realloc(b->files, cap * sizeof(*more));
		if (!more)
			return false;
		b->files = more;
		b->cap = cap;
	}
	int fd = open(object_path(b->conf->dir, oid).s, O_RDONLY | O_CLOEXEC);
	b->files[b->count++] = (struct file){ oid, fd >= 0 ? time_of(fd) : 0 };
	if (fd >= 0)
		close(fd);
	return go_on(b, 1, b->count, 0);
}

static int by_time(const void *x, const void *y)
{
	const struct file *a = x, *b = y;
	if (a->received_ms != b->received_ms)
		return (a->received_ms > b->received_ms) - (a->received_ms < b->received_ms);
	return (a->oid > b->oid) - (a->oid < b->oid);
}

static void strange_name(void *arg, const char *path)
{
	bad(arg, path, "a name that this program never makes");
}

static enum err list_files(struct rebuild *b, struct why *why)
{
	struct store_buckets buckets;
	uint64_t before = 0;
	enum err e = store_buckets_read(b->conf->dir, &buckets, strange_name, b, why);
	for (size_t i = 0; !e && i < buckets.count; i++) {
		e = store_walk_bucket(b->conf->dir, buckets.bucket[i], on_name, b, why);
		if (!e && !go_on(b, 1, b->count, before))
			e = fail(why, ERR_CANCELLED, "stopped");
	}
	store_buckets_free(&buckets);
	if (!e && b->count)
		qsort(b->files, b->count, sizeof(*b->files), by_time);
	return e;
}

/* ---- pass 2: parsing ---- */

static void parse(struct ingest *parser, struct parsed *it)
{
	static const struct object_scan_options whole = { .header_only = false };
	int fd = open(object_path(parser->conf->dir, it->oid).s, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		it->err = fail_errno(&it->why, ERR_IO, "opening");
		return;
	}
	it->err = object_scan(fd, &whole, &it->scan, &it->why);
	(void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	close(fd);
	if (it->err)
		return;
	it->entry.job = &it->job;
	ingest_fill_job(parser->conf, &it->scan, &it->job);
	it->entry.record.received_ms = it->received_ms;
	it->err = ingest_make_record(parser, &it->entry, &it->why);
	it->entry.record.oid = it->oid;
}

struct work { struct round *round; struct ingest *parser; };

static void *parse_some(void *arg)
{
	struct work *w = arg;
	for (size_t i; (i = atomic_fetch_add(&w->round->next, 1)) < w->round->count; )
		parse(w->parser, &w->round->items[i]);
	return NULL;
}

static void fill_round(struct rebuild *b, struct round *r, size_t first)
{
	r->count = b->count - first < ROUND ? b->count - first : ROUND;
	atomic_store(&r->next, 0);
	for (size_t i = 0; i < r->count; i++)
		r->items[i] = (struct parsed){ .oid = b->files[first + i].oid, .received_ms = b->files[first + i].received_ms };
}

static void empty_round(struct rebuild *b, struct round *r)
{
	for (size_t i = 0; i < r->count; i++)
		object_scan_fini(&r->items[i].scan);
	r->count = 0;
	for (unsigned t = 0; t < b->o->threads; t++)
		arena_release(&r->parsers[t]->texts, (struct arena_mark){ 0 });
}

/* ---- pass 2: writing ---- */

static enum err add_conflict(struct rebuild *b, const struct parsed *it, const struct index_instance *known, struct why *why)
{
	static const char reason[] = "same SOP Instance UID, other content";
	const struct conf_node *node = conf_node_by_aet(b->conf, it->job.calling);
	const struct index_record *r = &it->entry.record;
	struct index_record old = { .sop_uid = known->sop_uid.s, .study_uid = known->study_uid.s, .series_uid = known->series_uid.s, .ts = known->ts.s,
	                            .size = known->size, .dataset_at = known->dataset_at, .digest = known->digest, .calling = "", .address = "",
	                            .received_ms = r->received_ms };
	bool is_latest = node && node->duplicate == DUPLICATE_KEEP_LATEST && !strcmp(known->study_uid.s, r->study_uid) && !strcmp(known->series_uid.s, r->series_uid);
	int64_t seq;
	b->r->conflicts++;
	if (!is_latest)
		return index_add_conflict(b->w, known->instance, r->oid, r, reason, why);
	enum err e = index_new_content(b->w, known->instance, known->oid, r, why);
	if (!e && it->scan.meta.origin.received_digest[0])
		e = index_repair_received(b->w, known->instance, it->scan.meta.origin.received_digest, why);
	if (!e)
		e = index_add_conflict(b->w, known->instance, known->oid, &old, reason, why);
	return e ? e : index_add_arrival(b->w, known->instance, ARRIVAL_NEW_CONTENT, &seq, why);
}

static enum err add_known(struct rebuild *b, const struct parsed *it, const struct index_instance *known, struct why *why)
{
	const char *origin = it->scan.meta.origin.received_digest, *received = origin[0] ? origin : it->job.digest;
	if (strcmp(known->received_digest, received) && strcmp(known->digest, it->job.digest))
		return add_conflict(b, it, known, why);
	/* Its content is there: a replacement that a crash kept from being finished, or what a finished one left. */
	b->r->garbage++;
	return index_add_garbage(b->w, it->oid, why);
}

static enum err write_item(struct rebuild *b, struct parsed *it, struct why *why)
{
	struct index_instance known;
	const char *received = it->scan.meta.origin.received_digest;
	uint64_t instance = 0;
	int64_t seq;
	b->r->files++;
	b->r->bytes += it->scan.size;
	if (it->err == ERR_NOMEM)
		return fail(why, it->err, "%s", it->why.text);
	if (it->err) {
		bad(b, object_path("", it->oid).s + 1, it->why.text);
		return ERR_OK;
	}
	enum err e = index_lookup(b->w, it->entry.record.sop_uid, &known, why);
	if (e == ERR_OK)
		return add_known(b, it, &known, why);
	if (e != ERR_NOT_FOUND)
		return e;
	e = index_add(b->w, &it->entry.record, &instance, &seq, why);
	if (!e && received[0])
		e = index_repair_received(b->w, instance, received, why);
	b->r->images++;
	return e;
}

static enum err write_round(struct rebuild *b, struct round *r, struct why *why)
{
	enum err e = index_begin(b->w, why);
	for (size_t i = 0; !e && i < r->count; i++)
		e = write_item(b, &r->items[i], why);
	if (!e)
		e = index_commit(b->w, why);
	if (e)
		index_rollback(b->w);
	index_checkpoint(b->w);
	return e;
}

/* Parses `next` on the threads while `ready` is written here. */
static enum err both(struct rebuild *b, struct round *next, struct round *ready, struct why *why)
{
	pthread_t threads[THREADS_MAX];
	struct work work[THREADS_MAX];
	unsigned started = 0;
	enum err e = ERR_OK;
	for (unsigned t = 0; t < b->o->threads && next->count; t++) {
		work[t] = (struct work){ next, next->parsers[t] };
		if (pthread_create(&threads[t], NULL, parse_some, &work[t]))
			break;
		started++;
	}
	if (ready->count)
		e = write_round(b, ready, why);
	if (!started && next->count)
		parse_some(&(struct work){ next, next->parsers[0] });
	for (unsigned t = 0; t < started; t++)
		pthread_join(threads[t], NULL);
	empty_round(b, ready);
	return e;
}

static enum err index_files(struct rebuild *b, struct why *why)
{
	struct round *next = &b->rounds[0], *ready = &b->rounds[1];
	enum err e = ERR_OK;
	for (size_t at = 0; !e && (at < b->count || ready->count); ) {
		fill_round(b, next, at);
		at += next->count;
		e = both(b, next, ready, why);
		struct round *swap = next;
		next = ready;
		ready = swap;
		if (!e && !go_on(b, 2, b->r->files, b->count))
			e = fail(why, ERR_CANCELLED, "stopped");
	}
	empty_round(b, next);
	empty_round(b, ready);
	return e;
}

/* ---- quarantine ---- */

static enum err add_quarantined(struct rebuild *b, const char *name, struct why *why)
{
	struct parsed it = { .oid = 0 };
	char path[300], full[4500];
	snprintf(path, sizeof(path), "quarantine/%.200s", name);
	snprintf(full, sizeof(full), "%s/%s", b->conf->dir, path);
	int fd = open(full, O_RDONLY | O_CLOEXEC);
	struct object_scan_options whole = { .header_only = false };
	it.err = fd < 0 ? fail(&it.why, ERR_IO, "cannot be opened") : object_scan(fd, &whole, &it.scan, &it.why);
	if (fd >= 0)
		close(fd);
	it.entry.job = &it.job;
	if (!it.err) {
		ingest_fill_job(b->conf, &it.scan, &it.job);
		it.job.sop_instance = it.scan.meta.sop_instance;         /* the command's */
		it.err = ingest_make_record(b->rounds[0].parsers[0], &it.entry, &it.why);
	}
	enum err e = index_add_quarantine(b->w, path, it.err ? it.why.text : "found in quarantine", it.scan.meta.source_aet, it.job.address, why);
	object_scan_fini(&it.scan);
	b->r->quarantined++;
	return e;
}

static enum err index_quarantine(struct rebuild *b, struct why *why)
{
	char path[4400];
	snprintf(path, sizeof(path), "%s/quarantine", b->conf->dir);
	DIR *d = opendir(path);
	enum err e = index_begin(b->w, why);
	for (struct dirent *de; !e && d && (de = readdir(d)); )
		if (de->d_name[0] != '.')
			e = add_quarantined(b, de->d_name, why);
	if (d)
		closedir(d);
	if (!e)
		e = index_commit(b->w, why);
	if (e)
		index_rollback(b->w);
	return e;
}

/* ---- all ---- */

static struct ingest *parser_new(struct conf *conf)
{
	struct ingest *g = calloc(1, sizeof(*g));
	if (!g)
		return NULL;
	g->conf = conf;
	arena_init(&g->texts, TEXTS_MAX);
	arena_init(&g->scratch, SCRATCH_MAX);
	return g;
}

static void parser_free(struct ingest *g)
{
	if (!g)
		return;
	arena_fini(&g->texts);
	arena_fini(&g->scratch);
	free(g);
}

static enum err allocate(struct rebuild *b, struct why *why)
{
	bool ok = true;
	for (unsigned k = 0; k < 2; k++) {
		b->rounds[k].items = calloc(ROUND, sizeof(*b->rounds[k].items));
		ok &= b->rounds[k].items != NULL;
		for (unsigned t = 0; t < b->o->threads; t++)
			ok &= (b->rounds[k].parsers[t] = parser_new((struct conf *)(uintptr_t)b->conf)) != NULL;     /* reads it only */
	}
	return ok ? ERR_OK : fail(why, ERR_NOMEM, "no memory to rebuild an index");
}

enum err rebuild_run(const struct conf *conf, const struct rebuild_options *o, struct rebuild_result *out, struct why *why)
{
	struct rebuild *b = calloc(1, sizeof(*b));
	*out = (struct rebuild_result){ .files = 0 };
	if (!b || o->threads < 1 || o->threads > THREADS_MAX) {
		free(b);
		return fail(why, b ? ERR_USAGE : ERR_NOMEM, "1 to %d threads", THREADS_MAX);
	}
	b->conf = conf;
	b->o = o;
	b->r = out;
	enum err e = allocate(b, why);
	if (!e)
		e = index_writer_open(o->into, &b->w, why);
	if (!e)
		e = list_files(b, why);
	if (!e)
		e = index_files(b, why);
	if (!e)
		e = index_quarantine(b, why);
	index_writer_close(&b->w);
	for (unsigned k = 0; k < 2; k++) {
		free(b->rounds[k].items);
		for (unsigned t = 0; t < o->threads; t++)
			parser_free(b->rounds[k].parsers[t]);
	}
	free(b->files);
	free(b);
	return e;
}
