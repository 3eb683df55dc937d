#include "pacs/backup_objects.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pacs/base/durable.h"

/* A page of objects: each is written under a name of its own, then all are synced and get theirs, then the folder is
 * synced. So the disk takes a folder's files together, and a name always stands for a whole file. */

struct page {
	struct object_copy *c;
	struct survey_row *rows;         /* BACKUP_PAGE */
	bool *is_new;                    /* BACKUP_PAGE: written now */
	size_t count;
	uint64_t all;
};

static struct backup_path temporary(const struct backup_path *p)
{
	const char *slash = strrchr(p->s, '/');
	return backup_path("", "%.*s/.%s.tmp", (int)(slash - p->s) - 1, p->s + 1, slash + 1);
}

/* The same file: a copy has its original's time. (Numbers are used again when a folder was restored from an earlier
 * backup, and images of one machine have one size.) When there is no original the copy must show its digest. */
static bool is_present(const struct backup_path *from, const struct backup_path *to, const struct survey_row *row)
{
	const struct backup_copy how = { .dataset_at = row->what.dataset_at, .digest = row->what.digest, .size = row->what.size };
	struct stat a, b;
	char digest[33];
	uint64_t size;
	if (stat(to->s, &b) || (uint64_t)b.st_size != row->what.size)
		return false;
	if (!stat(from->s, &a))
		return a.st_size == b.st_size && a.st_mtim.tv_sec == b.st_mtim.tv_sec && a.st_mtim.tv_nsec == b.st_mtim.tv_nsec;
	return !backup_copy_file(to->s, NULL, &how, digest, &size, NULL);
}

static void bad(struct object_copy *c, const struct survey_row *row, enum err e, const struct why *why)
{
	if (e == ERR_NOT_FOUND) {
		c->gone++;
		c->gone_mark += (row->what.oid + 1) * 0x9E3779B97F4A7C15u;
	} else {
		c->bad++;
	}
	if ((e != ERR_NOT_FOUND || c->tell_gone) && c->on_bad)
		c->on_bad(c->arg, backup_object("", row->what.oid).s + 1, why->text);
}

/* A row that is bad here is told and passed over; only what is wrong with the copy ends it. */
static enum err one(struct page *p, size_t i, struct why *why)
{
	struct object_copy *c = p->c;
	const struct survey_row *row = &p->rows[i];
	struct backup_copy how = { .dataset_at = row->what.dataset_at, .digest = row->what.digest, .size = row->what.size, .pace = c->pace };
	struct backup_path from = backup_object(c->from, row->what.oid), to = { "" }, tmp = { "" };
	char digest[33];
	uint64_t size = 0;
	c->objects++;
	c->bytes += row->what.size;
	if (c->to) {
		to = backup_object(c->to, row->what.oid);
		if (c->skip_present && is_present(&from, &to, row))
			return ERR_OK;
		tmp = temporary(&to);
	}
	struct why what = { "" };
	enum err e = backup_copy_file(from.s, c->to && !c->link ? tmp.s : NULL, &how, digest, &size, &what);
	if (e == ERR_MISMATCH || e == ERR_NOT_FOUND || (e == ERR_IO && access(from.s, R_OK))) {
		bad(c, row, e, &what);
		return ERR_OK;
	}
	if (!e && c->to && c->link && (unlink(tmp.s), link(from.s, tmp.s)))
		e = fail_errno(&what, ERR_IO, "linking %s", to.s);
	if (e)
		return fail(why, e, "%s", what.text);
	p->is_new[i] = c->to != NULL;
	c->copied++;
	c->copied_bytes += size;
	return ERR_OK;
}

static struct backup_path folder_of(const char *root, const struct page *p)
{
	struct backup_path folder = backup_object(root, p->rows[0].what.oid);
	*strrchr(folder.s, '/') = '\0';
	return folder;
}

static enum err settle_one(const struct page *p, size_t i, struct why *why)
{
	struct backup_path to = backup_object(p->c->to, p->rows[i].what.oid), tmp = temporary(&to);
	enum err e = backup_sync_file(tmp.s, why);
	if (!e && rename(tmp.s, to.s))           /* a damaged one of an earlier backup may stand there */
		e = fail_errno(why, ERR_IO, "renaming %s", tmp.s);
	return e;
}

static enum err settle(const struct page *p, struct why *why)
{
	bool any = false;
	enum err e = ERR_OK;
	for (size_t i = 0; !e && i < p->count; i++) {
		if (!p->is_new[i])
			continue;
		any = true;
		e = settle_one(p, i, why);
	}
	if (e || !any)
		return e;
	return durable_sync_dir(folder_of(p->c->to, p).s, why);
}

static bool is_missing(const char *path)
{
	return access(path, F_OK) && errno == ENOENT;
}

/* Neither the folder is there nor an earlier copy of it, so no file of it need be asked for. */
static bool is_folder_gone(const struct page *p)
{
	return is_missing(folder_of(p->c->from, p).s) && (!p->c->to || is_missing(folder_of(p->c->to, p).s));
}

static enum err pass_over(struct page *p, struct why *why)
{
	struct object_copy *c = p->c;
	for (size_t i = 0; i < p->count; i++) {
		struct why gone = { "its folder is not there" };
		if (p->rows[i].kind == SURVEY_GARBAGE)
			continue;
		c->objects++;
		c->bytes += p->rows[i].what.size;
		bad(c, &p->rows[i], ERR_NOT_FOUND, &gone);
	}
	bool goes_on = !c->on_progress || c->on_progress(c->arg, c->objects, p->all, c->copied_bytes);
	return goes_on ? ERR_OK : fail(why, ERR_CANCELLED, "stopped");
}

static enum err run_page(struct page *p, struct why *why)
{
	if (p->count && is_folder_gone(p))
		return pass_over(p, why);
	enum err e = p->c->to && p->count ? durable_mkdirs(folder_of(p->c->to, p).s, why) : ERR_OK;
	memset(p->is_new, 0, BACKUP_PAGE * sizeof(*p->is_new));
	for (size_t i = 0; !e && i < p->count; i++) {
		if (p->rows[i].kind == SURVEY_GARBAGE)
			continue;
		e = one(p, i, why);
		if (!e && p->c->on_progress && !p->c->on_progress(p->c->arg, p->c->objects, p->all, p->c->copied_bytes))
			e = fail(why, ERR_CANCELLED, "stopped");
	}
	struct why kept;
	enum err s = p->c->to ? settle(p, &kept) : ERR_OK;      /* also when stopped: what was copied need not be again */
	if (!e && s)
		*why = kept;
	return e ? e : s;
}

enum err object_copy_run(struct object_copy *c, struct index_reader *ix, struct why *why)
{
	struct page p = { .c = c, .rows = calloc(BACKUP_PAGE, sizeof(*p.rows)), .is_new = calloc(BACKUP_PAGE, sizeof(*p.is_new)) };
	struct survey *s = NULL;
	uint64_t next = 0, bytes = 0;
	enum err e = p.rows && p.is_new ? survey_open(ix, &s, why) : fail(why, ERR_NOMEM, "no memory for a list of objects");
	if (!e)
		e = survey_total(s, &p.all, &bytes, why);
	while (!e && !(e = survey_next_oid(s, next, &next, why))) {
		uint64_t bucket = next / BACKUP_PAGE;            /* objects of one folder */
		e = survey_page(s, bucket * BACKUP_PAGE, (bucket + 1) * BACKUP_PAGE, p.rows, BACKUP_PAGE, &p.count, why);
		if (!e)
			e = run_page(&p, why);
		next = (bucket + 1) * BACKUP_PAGE;
	}
	survey_close(&s);
	free(p.rows);
	free(p.is_new);
	return e == ERR_END ? ERR_OK : e;
}
