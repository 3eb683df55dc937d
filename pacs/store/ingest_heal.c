#include "pacs/store/ingest_private.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pacs/base/durable.h"
#include "pacs/base/fault.h"
#include "pacs/base/log.h"
#include "pacs/dicom/part10.h"

/* A power cut between the commit of a row and the sync of the directory of its file (ingest_sync.c) can leave the row and
 * take the rename back. The file then stands in the spool, synced, whole: it goes where the row says. Without it the row
 * stays (a sender that was told nothing sends again, and that repairs it) and is told in the log. */

enum { HEAD = 64 << 10 };        /* preamble and meta group, as the receiver writes them, are under 1 kB */

static bool is_missing(struct ingest *g, uint64_t oid)
{
	return access(object_path(g->conf->dir, oid).s, F_OK) && errno == ENOENT;
}

/* ERR_OK: *fd is a whole file of known's. ERR_MISMATCH, ERR_FORMAT..: it is not, or of nobody who misses one. */
static enum err whose(struct ingest *g, int fd, struct index_instance *known, struct why *why)
{
	struct stat st;
	struct part10 meta;
	char digest[33];
	if (fstat(fd, &st) || !st.st_size)
		return ERR_MISMATCH;
	size_t n = st.st_size < HEAD ? (size_t)st.st_size : HEAD;
	uint8_t *head = fault_fails(FAULT_ALLOC) ? NULL : malloc(n);
	if (!head)
		return fail(why, ERR_NOMEM, "no memory for the head of a file");
	enum err e = durable_pread(fd, head, n, 0, why);
	if (!e)
		e = part10_read(bytes_of(head, n), &meta, why);
	free(head);
	if (!e)
		e = index_lookup(g->index, meta.sop_instance.s, known, why);
	if (!e && (!is_missing(g, known->oid) || known->size != (uint64_t)st.st_size))
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

static enum err count_missing(struct ingest *g, uint64_t first, unsigned *n, struct why *why)
{
	enum err e = ERR_OK;
	uint64_t oid = first;
	for (*n = 0; (e = index_next_oid(g->index, oid, &oid, why)) == ERR_OK; oid++)
		*n += is_missing(g, oid);
	return e == ERR_END ? ERR_OK : e;
}

enum err ingest_heal(struct ingest *g, uint64_t first, struct why *why)
{
	unsigned missing, healed = 0;
	enum err e = count_missing(g, first, &missing, why);
	if (e || !missing)
		return e;
	e = search_spool(g, &healed, why);
	if (!e)
		log_event(healed < missing ? LOG_ERROR : LOG_WARN, "rows_without_file", "rows", log_num(missing).s, "put_back", log_num(healed).s, NULL);
	return e;
}
