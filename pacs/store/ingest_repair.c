#include "pacs/store/ingest_repair.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "db/index_repair.h"
#include "pacs/base/fault.h"
#include "pacs/base/log.h"
#include "pacs/store/ingest_private.h"
#include "pacs/store/ingest_retire.h"
#include "pacs/store/object_scan.h"

static const char *const names[REPAIR_KINDS] = { "file", "orphan", "header", "counters", "retire", "hold", "unhold" };

const char *ingest_repair_name(enum ingest_repair_kind k)
{
	return k < REPAIR_KINDS ? names[k] : "unknown";
}

bool ingest_repair_parse(const char *name, enum ingest_repair_kind *out)
{
	for (unsigned k = 0; k < REPAIR_KINDS; k++)
		if (!strcmp(names[k], name)) {
			*out = (enum ingest_repair_kind)k;
			return true;
		}
	return false;
}

/* ---- the loop's side ---- */

void ingest_repair_submit(struct ingest *g, struct ingest_repair *r)
{
	pthread_mutex_lock(&g->mutex);
	r->next = NULL;
	*g->repair_last = r;
	g->repair_last = &r->next;
	pthread_cond_signal(&g->wake);
	pthread_mutex_unlock(&g->mutex);
}

static void on_repaired(void *arg)
{
	struct ingest_repair *r = arg;
	r->done(r->arg, r);
}

/* ---- the thread's side ---- */

PRINTF(2, 3) static enum err did(struct ingest_repair *r, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(r->did, sizeof(r->did), fmt, ap);
	va_end(ap);
	return ERR_OK;
}

/* In one transaction: begin with e, then the work, then this. */
static enum err finish(struct ingest *g, enum err e, struct why *why)
{
	if (!e)
		e = index_commit(g->index, why);
	if (e)
		index_rollback(g->index);
	return e;
}

/* A file kept beside the instance has the very content that is lost, and is whole. */
static enum err from_twin(struct ingest *g, struct ingest_repair *r, const struct index_instance *known)
{
	struct index_instance twin = *known;
	int64_t seq;
	enum err e = index_repair_twin(g->index, known->instance, known->digest, &twin, &r->why);
	if (!e)
		e = ingest_check_kept(g, &twin, &r->why);
	if (e)
		return ERR_NOT_FOUND;
	e = index_begin(g->index, &r->why);
	if (!e)
		e = index_repair_forget_conflict(g->index, twin.oid, &r->why);
	if (!e)
		e = index_replace(g->index, known->instance, known->oid, twin.oid, twin.size, twin.dataset_at, twin.ts.s, known->digest, known->pixel_digest, &r->why);
	if (!e)
		e = index_add_arrival(g->index, known->instance, ARRIVAL_REPAIRED, &seq, &r->why);
	e = finish(g, e, &r->why);
	if (e)
		return e;
	r->is_changed = true;
	(void)unlink(object_path(g->conf->dir, known->oid).s);
	return did(r, "another file with the same content took its place");
}

/* Away from where it would be served. Its row stays, and says so. */
static enum err withdraw(struct ingest *g, struct ingest_repair *r, const struct index_instance *known, const char *calling, const char *what)
{
	char at[40] = "", from[40];
	uint64_t oid;
	snprintf(from, sizeof(from), "%.39s", object_path("", known->oid).s + 1);
	bool is_there = !access(ingest_path(g, from).s, F_OK);
	enum err e = is_there ? ingest_place(g, from, true, &oid, at, &r->why) : ERR_OK;
	if (!e && is_there)
		e = ingest_sync_bucket(g, at, &r->why);
	if (!e)
		e = index_begin(g->index, &r->why);
	if (e)
		return e;
	if (is_there)
		e = index_add_quarantine(g->index, at, what, calling, "", &r->why);
	if (!e)
		e = index_repair_add_damage(g->index, known->instance, known->oid, what, &r->why);
	e = finish(g, e, &r->why);
	if (e)
		return e;
	r->is_changed = true;
	log_event(LOG_ERROR, "image_damaged", "sop", known->sop_uid.s, "calling", calling, "what", what, "file", is_there ? at : NULL, NULL);
	return is_there ? did(r, "moved to %s; %s must send it again", at, calling) : did(r, "marked as missing; %s must send it again", calling);
}

static enum err repair_file(struct ingest *g, struct ingest_repair *r)
{
	struct index_instance known;
	char calling[BOUND_AET + 1];
	struct why what = { "" };
	enum err e = index_repair_get(g->index, r->instance, &known, calling, &r->why);
	if (e)
		return e;
	if (known.oid != r->oid)
		return did(r, "nothing: the image has another file by now");
	enum err kept = ingest_check_kept(g, &known, &what);
	if (kept == ERR_OK) {
		e = index_begin(g->index, &r->why);
		if (!e)
			e = index_repair_drop_damage(g->index, known.instance, &r->why);
		e = finish(g, e, &r->why);
		return e ? e : did(r, "nothing: the file is whole");
	}
	if (kept != ERR_NOT_FOUND && kept != ERR_MISMATCH)
		return fail(&r->why, kept, "%s", what.text);
	e = from_twin(g, r, &known);
	return e == ERR_NOT_FOUND ? withdraw(g, r, &known, calling, what.text) : e;
}

static enum err repair_orphan(struct ingest *g, struct ingest_repair *r)
{
	if (access(object_path(g->conf->dir, r->oid).s, F_OK))
		return did(r, "nothing: the file is gone");
	if (index_has_oid(g->index, r->oid))
		return did(r, "nothing: it has a row by now");
	for (size_t i = 0; i < g->doubt_count; i++)
		if (g->doubts[i].oid == r->oid)
			return did(r, "nothing: its commit is in doubt, and is settled first");
	r->is_changed = true;
	return ingest_adopt(g, r->oid, r->did, sizeof(r->did), &r->why);
}

static enum err repair_header(struct ingest *g, struct ingest_repair *r)
{
	const struct object_scan_options header = { .header_only = true };
	struct object_scan scan = { .size = 0 };
	struct index_instance known;
	char calling[BOUND_AET + 1];
	uint64_t size;
	int fd;
	enum err e = index_repair_get(g->index, r->instance, &known, calling, &r->why);
	if (e)
		return e;
	if (known.oid != r->oid || strcmp(known.digest, known.received_digest))
		return did(r, "nothing: the image has another file by now");
	e = object_open(g->conf->dir, known.oid, &fd, &size, &r->why);
	if (e)
		return e;
	e = object_scan(fd, &header, &scan, &r->why);
	close(fd);
	if (!e)
		e = index_begin(g->index, &r->why);
	if (!e)
		e = finish(g, index_repair_header(g->index, known.instance, walker_header(scan.walker), (int)walker_encoding(scan.walker), &r->why), &r->why);
	object_scan_fini(&scan);
	r->is_changed = !e;
	return e ? e : did(r, "the header was taken from the file");
}

static enum err repair_counters(struct ingest *g, struct ingest_repair *r)
{
	enum err e = index_begin(g->index, &r->why);
	if (!e)
		e = finish(g, index_repair_counters(g->index, r->instance, &r->why), &r->why);
	r->is_changed = !e;
	return e ? e : did(r, "counted anew");
}

void ingest_repair_run(struct ingest *g, struct ingest_repair *r)
{
	static enum err (*const work[REPAIR_KINDS])(struct ingest *, struct ingest_repair *) = {
		repair_file, repair_orphan, repair_header, repair_counters, ingest_retire, ingest_retire, ingest_retire,
	};
	r->err = work[r->kind](g, r);
	while (loop_post(g->loop, on_repaired, r))
		nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
}
