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
#include "pacs/dicom/part10.h"

/* A power cut between the commit of a row and the syncs of its file and directory (ingest_sync.c) can leave the row, and the
 * file half written, or still under its spool name, or not at all. Which rows are so young the index knows: those behind the
 * last arrival that is known to be durable. For each of them:
 *
 *   its file is whole        synced once more, for after a mere crash it may stand in memory only
 *   its file is in the spool and whole: it goes where the row says
 *   neither                  nobody was told that it is stored. What there is goes to quarantine, the row stays as a damaged one
 *                            (its number must not be used again), and is mended when the sender sends it again.
 */

enum { HEAD = 64 << 10 };        /* preamble and meta group, as the receiver writes them, are under 1 kB */

static bool is_missing(struct ingest *g, uint64_t oid)
{
	return access(object_path(g->conf->dir, oid).s, F_OK) && errno == ENOENT;
}

/* Of a file that may be torn anywhere. ERR_MISMATCH, ERR_FORMAT..: it has no meta group of ours. */
static enum err read_meta(int fd, struct part10 *meta, off_t *size, struct why *why)
{
	struct stat st;
	if (fstat(fd, &st) || !st.st_size)
		return ERR_MISMATCH;
	*size = st.st_size;
	size_t n = st.st_size < HEAD ? (size_t)st.st_size : HEAD;
	uint8_t *head = fault_fails(FAULT_ALLOC) ? NULL : malloc(n);
	if (!head)
		return fail(why, ERR_NOMEM, "no memory for the head of a file");
	enum err e = durable_pread(fd, head, n, 0, why);
	if (!e)
		e = part10_read(bytes_of(head, n), meta, why);
	free(head);
	return e;
}

/* ERR_OK: *fd is a whole file of known's. ERR_MISMATCH, ERR_FORMAT..: it is not, or of nobody who misses one. */
static enum err whose(struct ingest *g, int fd, struct index_instance *known, struct why *why)
{
	struct part10 meta;
	char digest[33];
	off_t size = 0;
	enum err e = read_meta(fd, &meta, &size, why);
	if (!e)
		e = index_lookup(g->index, meta.sop_instance.s, known, why);
	if (!e && (!is_missing(g, known->oid) || known->size != (uint64_t)size))
		e = ERR_MISMATCH;
	if (!e)
		e = object_digest(fd, known->dataset_at, digest, why);
	return !e && strcmp(digest, known->digest) ? ERR_MISMATCH : e;
}

static enum err put_back(struct ingest *g, int fd, const char *from, uint64_t oid, struct why *why)
{
	enum err e = durable_sync(fd, from, why);
	if (!e)
		e = durable_mkdirs(object_bucket(g->conf->dir, oid).s, why);
	if (!e)
		e = durable_rename(ingest_path(g, from).s, object_path(g->conf->dir, oid).s, why);
	return e ? e : durable_sync_dir(object_bucket(g->conf->dir, oid).s, why);
}

static enum err look_at(struct ingest *g, const char *relative, unsigned *healed, struct why *why)
{
	struct index_instance known;
	int fd = open(ingest_path(g, relative).s, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return fail_errno(why, ERR_IO, "opening %s", relative);
	enum err e = whose(g, fd, &known, why);
	if (!e) {
		e = put_back(g, fd, relative, known.oid, why);
		*healed += !e;
	} else if (e != ERR_NOMEM && e != ERR_IO) {
		e = ERR_OK;              /* somebody else's: the spool is emptied when it opens */
	}
	close(fd);
	return e;
}

static enum err search_spool(struct ingest *g, unsigned *healed, struct why *why)
{
	DIR *d = opendir(ingest_path(g, "spool").s);
	enum err e = ERR_OK;
	if (!d)
		return errno == ENOENT ? ERR_OK : fail_errno(why, ERR_IO, "opening %s/spool", g->conf->dir);
	for (struct dirent *de; !e && (de = readdir(d)); ) {
		char relative[300];
		snprintf(relative, sizeof(relative), "spool/%s", de->d_name);
		if (!strncmp(de->d_name, "in-", 3))      /* the receiver's; see spool.c */
			e = look_at(g, relative, healed, why);
	}
	closedir(d);
	return e;
}

/* ---- the young rows ---- */

static enum err check_file(struct ingest *g, const struct index_instance *known, struct why *why)
{
	int fd = open(object_path(g->conf->dir, known->oid).s, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? ERR_NOT_FOUND : fail_errno(why, ERR_IO, "opening file %llu", (unsigned long long)known->oid);
	struct part10 meta;
	off_t size;
	enum err e = durable_sync(fd, "a file of the last round", why);
	if (!e) {
		e = read_meta(fd, &meta, &size, why);
		/* The digest is of the data set only. */
		if (e && e != ERR_NOMEM && e != ERR_IO)
			e = ERR_MISMATCH;
		else if (!e && strcmp(meta.sop_instance.s, known->sop_uid.s))
			e = ERR_MISMATCH;
	}
	close(fd);
	if (!e)
		e = ingest_check_kept(g, known, why);
	return e ? e : durable_sync_dir(object_bucket(g->conf->dir, known->oid).s, why);
}

static enum err mark(struct ingest *g, const struct index_instance *known, const char *quarantined_at, struct why *why)
{
	static const char what[] = "a power cut left no whole file; it was not acknowledged and must be sent again";
	enum err e = index_begin(g->index, why);
	if (!e && quarantined_at)
		e = index_add_quarantine(g->index, quarantined_at, what, "", "", why);
	if (!e)
		e = index_repair_add_damage(g->index, known->instance, known->oid, what, why);
	if (!e)
		e = index_commit(g->index, why);
	if (e)
		index_rollback(g->index);
	return e;
}

static enum err set_torn_aside(struct ingest *g, const struct index_instance *known, struct why *why)
{
	char from[40], at[40];
	uint64_t oid;
	snprintf(from, sizeof(from), "%.39s", object_path("", known->oid).s + 1);
	enum err e = ingest_place(g, from, true, &oid, at, why);
	if (!e)
		e = ingest_sync_bucket(g, at, why);
	return e ? e : mark(g, known, at, why);
}

struct young { unsigned whole, missing, torn, healed; int64_t last_seq; };

static enum err look_at_files(struct ingest *g, struct young *y, struct why *why)
{
	struct index_instance known;
	enum err e;
	for (y->last_seq = 0; (e = index_next_young(g->index, y->last_seq, &y->last_seq, &known, why)) == ERR_OK; ) {
		enum err found = check_file(g, &known, why);
		y->whole += !found;
		y->missing += found == ERR_NOT_FOUND;
		y->torn += found == ERR_MISMATCH;
		if (found == ERR_MISMATCH)
			found = set_torn_aside(g, &known, why);
		if (found && found != ERR_NOT_FOUND)
			return found;
	}
	return e == ERR_END ? ERR_OK : e;
}

static enum err mark_missing(struct ingest *g, struct why *why)
{
	struct index_instance known;
	int64_t seq = 0;
	enum err e;
	while ((e = index_next_young(g->index, seq, &seq, &known, why)) == ERR_OK)
		if (is_missing(g, known.oid) && (e = mark(g, &known, NULL, why)))
			return e;
	return e == ERR_END ? ERR_OK : e;
}

enum err ingest_note_durable(struct ingest *g, int64_t seq, struct why *why)
{
	enum err e = index_begin(g->index, why);
	if (!e)
		e = index_set_durable(g->index, seq, why);
	if (!e)
		e = index_commit(g->index, why);
	if (e)
		index_rollback(g->index);
	return e;
}

enum err ingest_heal(struct ingest *g, struct why *why)
{
	struct young y = { 0 };
	enum err e = look_at_files(g, &y, why);
	if (e || !y.last_seq)
		return e;
	if (y.missing)
		e = search_spool(g, &y.healed, why);
	if (!e && y.missing > y.healed)
		e = mark_missing(g, why);
	if (!e)
		e = ingest_note_durable(g, y.last_seq, why);      /* the next start need not look again */
	if (!e && y.missing + y.torn)
		log_event(LOG_WARN, "not_acknowledged_before_power_cut", "rows", log_num(y.missing + y.torn).s, "put_back", log_num(y.healed).s,
		          "torn", log_num(y.torn).s, NULL);
	return e;
}
