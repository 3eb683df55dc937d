#include "pacs/store/ingest_private.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "db/index_repair.h"
#include "pacs/base/durable.h"
#include "pacs/base/fault.h"
#include "pacs/base/log.h"
#include "pacs/store/object_scan.h"
#include "pacs/store/store_walk.h"

/* Repair after a crash. Numbers rise, and a round has at most BOUND_COMMIT_BATCH files, so what a crash can have
 * left without a row stands at the end: from MARGIN below the highest number of the index to the last bucket
 * there is. (With an older index.db put back from a backup that is all that came since.) */

enum { BUCKET = 4096, MARGIN = 4096, GAP = 4 };

struct found { unsigned adopted, removed, quarantined; };

/* ---- one object file, read whole ---- */

void ingest_fill_job(const struct conf *conf, const struct object_scan *s, struct ingest_job *j)
{
	const struct conf_node *node = conf_node_by_aet(conf, s->meta.source_aet);
	j->size = s->size;
	j->dataset_at = s->meta.dataset_at;
	memcpy(j->digest, s->digest, sizeof(j->digest));
	j->header = walker_header(s->walker);
	j->encoding = walker_encoding(s->walker);
	j->has_pixel_data = walker_has_pixel_data(s->walker);
	j->ts = s->meta.transfer_syntax;
	j->sop_class = s->meta.sop_class;
	memcpy(j->calling, s->meta.source_aet, sizeof(j->calling));
	memcpy(j->pixel_digest, s->meta.origin.pixel_digest, sizeof(j->pixel_digest));
	/* The index drops the port of an address. */
	if (s->meta.origin.address[0])
		snprintf(j->address, sizeof(j->address), "%.50s:0", s->meta.origin.address);
	snprintf(j->charset, sizeof(j->charset), "%s", node && node->charset[0] ? node->charset : conf->charset);
}

/* ---- what becomes of it ---- */

static enum err in_transaction(struct ingest *g, struct entry *it, const char *received_digest, const struct index_instance *known, struct why *why)
{
	int64_t seq;
	enum err e = index_begin(g->index, why);
	if (!e && !known)
		e = index_add(g->index, &it->record, &it->result.instance, &seq, why);
	if (!e && !known && received_digest[0])
		e = index_repair_received(g->index, it->result.instance, received_digest, why);
	if (!e && known)
		e = index_replace(g->index, known->instance, known->oid, it->oid, it->record.size, it->record.dataset_at, it->record.ts,
		                  it->record.digest, known->pixel_digest, why);
	if (!e && known)
		e = index_add_arrival(g->index, known->instance, ARRIVAL_REPAIRED, &seq, why);
	crash_point("recover-adopt");
	if (!e)
		e = index_commit(g->index, why);
	if (e)
		index_rollback(g->index);
	return e;
}

static enum err to_quarantine(struct ingest *g, struct entry *it, const char *reason, struct why *why)
{
	char from[40];
	memcpy(from, it->placed_at, sizeof(from));
	enum err e = ingest_place(g, from, true, &it->oid, it->placed_at, why);
	if (!e)
		e = ingest_sync_bucket(g, it->placed_at, why);
	crash_point("recover-quarantine");
	if (!e)
		e = index_begin(g->index, why);
	if (e)
		return e;
	e = index_add_quarantine(g->index, it->placed_at, reason, it->job->calling, "", why);
	if (!e)
		e = index_commit(g->index, why);
	if (e)
		index_rollback(g->index);
	return e;
}

static void remove_file(struct ingest *g, const char *relative)
{
	crash_point("recover-unlink");
	(void)unlink(ingest_path(g, relative).s);
}

/* A readable file without a row. It was never acknowledged, or its row is lost. */
static enum err adopt_readable(struct ingest *g, struct entry *it, const char *received_digest, struct found *found, struct why *why)
{
	struct index_instance known;
	enum err e = index_lookup(g->index, it->record.sop_uid, &known, why);
	if (e == ERR_NOT_FOUND) {
		found->adopted++;
		return in_transaction(g, it, received_digest, NULL, why);
	}
	if (e)
		return e;
	e = ingest_check_kept(g, &known, why);
	if (e == ERR_NOMEM)
		return e;
	if (e && !strcmp(known.received_digest, it->job->digest)) {
		found->adopted++;
		return in_transaction(g, it, received_digest, &known, why);
	}
	found->removed++;
	remove_file(g, it->placed_at);
	return ERR_OK;
}

static enum err adopt(struct ingest *g, uint64_t oid, struct found *found, struct why *why)
{
	struct ingest_job job = { .is_replace = false };
	struct entry it = { .job = &job, .oid = oid, .is_placed = true };
	const struct object_scan_options whole = { .header_only = false };
	struct object_scan scan = { .size = 0 };
	int fd;
	struct why reason = { "" };
	struct stat st;
	snprintf(it.placed_at, sizeof(it.placed_at), "%.39s", object_path("", oid).s + 1);
	fd = fault_fails(FAULT_OPEN) ? -1 : open(ingest_path(g, it.placed_at).s, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return fail_errno(why, ERR_IO, "opening %s", it.placed_at);
	/* The file was synced before it got its name; one that a backup put here was not. */
	enum err e = durable_sync(fd, it.placed_at, why);
	if (!e && !fstat(fd, &st))
		it.record.received_ms = (int64_t)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000;
	if (!e)
		e = ingest_sync_bucket(g, it.placed_at, why);
	if (!e) {
		e = object_scan(fd, &whole, &scan, &reason);
		if (!e) {
			ingest_fill_job(g->conf, &scan, &job);
			if (scan.meta.origin.received_ms)
				it.record.received_ms = scan.meta.origin.received_ms;
			e = ingest_make_record(g, &it, &reason);
		}
		it.record.oid = oid;
		if (!e) {
			e = adopt_readable(g, &it, scan.meta.origin.received_digest, found, why);
		} else if (e == ERR_NOMEM || e == ERR_IO) {
			*why = reason;
		} else {
			found->quarantined++;
			e = to_quarantine(g, &it, reason.text, why);
		}
	}
	close(fd);
	object_scan_fini(&scan);
	arena_release(&g->texts, (struct arena_mark){ 0 });
	return e;
}

enum err ingest_adopt(struct ingest *g, uint64_t oid, char *did, size_t cap, struct why *why)
{
	struct found found = { 0 };
	enum err e = adopt(g, oid, &found, why);
	if (!e)
		snprintf(did, cap, "%s", found.adopted ? "indexed" : found.quarantined ? "moved to quarantine" : "removed: the image has another whole file");
	return e;
}

/* ---- where to look ---- */

/* ERR_NOT_FOUND: no such bucket. */
static enum err scan_bucket(struct ingest *g, uint64_t bucket, struct found *found, struct why *why)
{
	struct object_path p = object_bucket(g->conf->dir, bucket * BUCKET);
	DIR *d = opendir(p.s);
	enum err e = ERR_OK;
	if (!d)
		return errno == ENOENT ? ERR_NOT_FOUND : fail_errno(why, ERR_IO, "opening %s", p.s);
	/* What was renamed into it just before the end may not be on disk yet, and is about to be relied on. */
	e = durable_sync_dir(p.s, why);
	for (struct dirent *de; !e && (de = readdir(d)); ) {
		uint64_t oid;
		if (!store_name_oid(de->d_name, &oid))
			continue;
		if (oid >= g->next_oid)
			g->next_oid = oid + 1;
		if (!index_has_oid(g->index, oid))
			e = adopt(g, oid, found, why);
	}
	closedir(d);
	return e;
}

static uint64_t first_in_doubt(const struct ingest *g)
{
	return g->next_oid > MARGIN ? g->next_oid - MARGIN : 0;
}

static enum err scan_store(struct ingest *g, struct found *found, struct why *why)
{
	uint64_t first = first_in_doubt(g) / BUCKET;
	unsigned missing = 0;
	for (uint64_t b = first; missing < GAP; b++) {
		enum err e = scan_bucket(g, b, found, why);
		missing = e == ERR_NOT_FOUND ? missing + 1 : 0;
		if (e && e != ERR_NOT_FOUND)
			return e;
	}
	return ERR_OK;
}

/* A file that was moved there just before a crash has no row yet. */
static enum err scan_quarantine(struct ingest *g, struct found *found, struct why *why)
{
	DIR *d = opendir(ingest_path(g, "quarantine").s);
	enum err e = ERR_OK;
	if (!d)
		return errno == ENOENT ? ERR_OK : fail_errno(why, ERR_IO, "opening %s/quarantine", g->conf->dir);
	for (struct dirent *de; !e && (de = readdir(d)); ) {
		char relative[300];
		snprintf(relative, sizeof(relative), "quarantine/%s", de->d_name);
		uint64_t oid;
		if (!store_name_oid(de->d_name, &oid) || index_has_quarantine(g->index, relative))
			continue;
		found->quarantined++;
		e = index_begin(g->index, why);
		if (!e)
			e = index_add_quarantine(g->index, relative, "found after a crash", "", "", why);
		if (!e)
			e = index_commit(g->index, why);
		if (e)
			index_rollback(g->index);
	}
	closedir(d);
	return e;
}

enum err ingest_empty_garbage(struct ingest *g, struct why *why)
{
	uint64_t oid = 0;
	enum err e = index_begin(g->index, why);
	while (!e && (e = index_garbage_next(g->index, &oid, why)) == ERR_OK) {
		if (!index_has_oid(g->index, oid))
			remove_file(g, object_path("", oid).s + 1);
		e = index_garbage_done(g->index, oid, why);
	}
	if (e == ERR_END)
		e = index_commit(g->index, why);
	if (e)
		index_rollback(g->index);
	return e;
}

/* Up to November 2026 a row whose commit failed could be marked as damaged. */
static enum err drop_stray_damage(struct ingest *g, struct why *why)
{
	unsigned n = 0;
	enum err e = index_begin(g->index, why);
	if (!e)
		e = index_repair_drop_strays(g->index, &n, why);
	if (!e)
		e = index_commit(g->index, why);
	if (e)
		index_rollback(g->index);
	else if (n)
		log_event(LOG_WARN, "damage_of_no_image_forgotten", "rows", log_num(n).s, NULL);
	return e;
}

enum err ingest_recover(struct ingest *g, struct why *why)
{
	struct found found = { 0 };
	uint64_t highest = 0;
	enum err e = index_max_oid(g->index, &highest, why);
	g->next_oid = highest + 1;
	if (!e)
		e = ingest_heal(g, why);
	if (!e)
		e = drop_stray_damage(g, why);
	if (!e)
		e = ingest_empty_garbage(g, why);
	if (!e)
		e = scan_store(g, &found, why);
	if (!e)
		e = scan_quarantine(g, &found, why);
	if (!e)
		e = ingest_empty_garbage(g, why);       /* what the scan itself replaced */
	if (!e && found.adopted + found.removed + found.quarantined)
		log_event(LOG_WARN, "repaired_after_crash", "adopted", log_num(found.adopted).s, "removed", log_num(found.removed).s,
		          "quarantined", log_num(found.quarantined).s, NULL);
	return e;
}
