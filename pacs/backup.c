#include "pacs/backup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "db/snapshot.h"
#include "pacs/backup_objects.h"
#include "pacs/backup_private.h"
#include "pacs/base/clock.h"
#include "pacs/base/durable.h"
#include "pacs/store/store_walk.h"

enum { SNAPSHOTS_MAX = 4 };              /* copies of the databases, while objects go away under us */

struct backup {
	const struct conf *conf;
	const struct backup_options *o;
	struct backup_result *r;
	struct backup_path tmp;          /* the generation while it is filled */
	struct pace pace;
	json_t *files, *quarantine;      /* of the manifest */
	int lock_fd;
};

/* ---- files with a digest in the manifest ---- */

static enum err note_file(json_t *list, const char *path, uint64_t size, const char *digest, struct why *why)
{
	return json_array_append_new(list, json_pack("{s:s,s:I,s:s}", "path", path, "size", (json_int_t)size, "digest", digest))
		? fail(why, ERR_NOMEM, "no memory for a manifest (%s)", path) : ERR_OK;
}

static enum err copy_noted(struct backup *b, const char *from, const char *to, json_t *list, const char *name, struct why *why)
{
	const struct backup_copy how = { .pace = &b->pace };
	char digest[33];
	uint64_t size;
	enum err e = backup_copy_file(from, to, &how, digest, &size, why);
	if (!e)
		e = backup_sync_file(to, why);
	return e ? e : note_file(list, name, size, digest, why);
}

/* ---- databases ---- */

static bool is_database(const char *name)
{
	size_t n = strlen(name);
	return n > 3 && !strcmp(name + n - 3, ".db");
}

static enum err snapshot(struct backup *b, const char *name, struct why *why)
{
	const struct backup_copy how = { .pace = NULL };
	struct backup_path from = backup_path(b->conf->dir, "%s", name), to = backup_path(b->tmp.s, "%s", name);
	char digest[33];
	uint64_t size;
	unlink(to.s);
	enum err e = db_snapshot(from.s, to.s, NULL, NULL, why);
	if (!e)
		e = backup_copy_file(to.s, NULL, &how, digest, &size, why);
	return e ? e : note_file(b->files, name, size, digest, why);
}

static int any_database(const struct dirent *d)
{
	return is_database(d->d_name) && strcmp(d->d_name, "index.db");
}

/* The index last: see the order in backup.h. */
static enum err snapshots(struct backup *b, struct why *why)
{
	struct dirent **list;
	int n = scandir(b->conf->dir, &list, any_database, alphasort);
	enum err e = n < 0 ? fail_errno(why, ERR_IO, "reading %s", b->conf->dir) : ERR_OK;
	json_array_clear(b->files);
	for (int i = 0; i < n; i++) {
		if (!e)
			e = snapshot(b, list[i]->d_name, why);
		free(list[i]);
	}
	if (n >= 0)
		free(list);
	return e ? e : snapshot(b, "index.db", why);
}

/* ---- everything else in the folder: configuration, and what else is small and must survive ---- */

static bool is_left_out(const char *name)
{
	static const char *const names[] = { ".", "..", "store", "spool", "quarantine", "run", "lost+found" };
	for (size_t i = 0; i < NELEM(names); i++)
		if (!strcmp(names[i], name))
			return true;
	return strstr(name, ".db") != NULL;
}

static enum err copy_rest(struct backup *b, const char *below, unsigned depth, struct why *why)
{
	struct backup_path from = backup_path(b->conf->dir, "%s", below), into = backup_path(b->tmp.s, "files/%s", below);
	enum err e = durable_mkdirs(into.s, why);
	DIR *d = e ? NULL : opendir(from.s);
	if (!e && !d)
		return fail_errno(why, ERR_IO, "reading %s", from.s);
	for (struct dirent *de; !e && (de = readdir(d)); ) {
		char name[600];
		struct stat st;
		snprintf(name, sizeof(name), "%.300s%s%.250s", below, *below ? "/" : "", de->d_name);
		struct backup_path path = backup_path(b->conf->dir, "%s", name);
		if (!strcmp(de->d_name, ".") || !strcmp(de->d_name, "..") || (!*below && is_left_out(de->d_name)) || lstat(path.s, &st))
			continue;
		if (S_ISDIR(st.st_mode) && depth < 8)
			e = copy_rest(b, name, depth + 1, why);
		else if (S_ISREG(st.st_mode)) {
			struct backup_path in_manifest = backup_path("files", "%s", name);
			e = copy_noted(b, path.s, backup_path(b->tmp.s, "files/%s", name).s, b->files, in_manifest.s, why);
		}
	}
	if (d)
		closedir(d);
	return e ? e : durable_sync_dir(into.s, why);
}

/* ---- quarantine ---- */

static bool has_copy(const char *path, uint64_t size)
{
	struct stat st;
	return !stat(path, &st) && (uint64_t)st.st_size == size;
}

static enum err copy_quarantine(struct backup *b, struct why *why)
{
	const struct backup_copy only_read = { .pace = &b->pace };
	struct backup_path dir = backup_path(b->conf->dir, "quarantine"), into = backup_path(b->o->to, "quarantine");
	enum err e = durable_mkdirs(into.s, why);
	DIR *d = e ? NULL : opendir(dir.s);
	for (struct dirent *de; !e && d && (de = readdir(d)); ) {
		struct backup_path from = backup_path(dir.s, "%s", de->d_name), to = backup_path(into.s, "%s", de->d_name), tmp = backup_path(into.s, ".%.200s.tmp", de->d_name);
		struct stat st;
		char digest[33];
		uint64_t size;
		if (de->d_name[0] == '.' || stat(from.s, &st) || !S_ISREG(st.st_mode))
			continue;
		if (has_copy(to.s, (uint64_t)st.st_size)) {
			e = backup_copy_file(to.s, NULL, &only_read, digest, &size, why);
			if (!e)
				e = note_file(b->quarantine, de->d_name, size, digest, why);
			continue;
		}
		e = copy_noted(b, from.s, tmp.s, b->quarantine, de->d_name, why);
		if (!e && rename(tmp.s, to.s))
			e = fail_errno(why, ERR_IO, "renaming %s", tmp.s);
	}
	if (d)
		closedir(d);
	return e ? e : durable_sync_dir(into.s, why);
}

/* ---- objects ---- */

static struct object_copy to_copy(struct backup *b)
{
	return (struct object_copy){ .from = b->conf->dir, .to = b->o->to, .link = b->o->link, .skip_present = true,
	                             .pace = &b->pace, .on_progress = b->o->on_progress, .arg = b->o->arg };
}

static enum err copy_objects(struct backup *b, const char *index_dir, bool is_last, struct object_copy *c, struct why *why)
{
	struct index_reader *ix = NULL;
	*c = to_copy(b);
	c->on_bad = is_last ? b->o->on_bad : NULL;
	c->tell_gone = true;
	enum err e = index_reader_open(index_dir, &ix, why);
	if (!e)
		e = object_copy_run(c, ix, why);
	index_reader_close(&ix);
	b->r->copied += c->copied;
	b->r->copied_bytes += c->copied_bytes;
	return e;
}

/* The living index first, so that little can go away between a copy of the databases and the objects that it names. */
static enum err copy_data(struct backup *b, struct why *why)
{
	struct object_copy c, before;
	enum err e = copy_objects(b, b->conf->dir, false, &c, why);
	for (unsigned i = 0; !e && i < SNAPSHOTS_MAX; i++) {
		before = c;
		e = snapshots(b, why);
		if (!e)
			e = copy_objects(b, b->tmp.s, false, &c, why);
		if (!c.gone || (c.gone == before.gone && c.gone_mark == before.gone_mark))
			break;                   /* they do not come and go: they are missing */
	}
	/* Once more, to say which: what is bad is few. */
	if (!e && c.bad + c.gone)
		e = copy_objects(b, b->tmp.s, true, &c, why);
	b->r->objects = c.objects;
	b->r->bytes = c.bytes;
	b->r->bad = c.bad + c.gone;
	return e;
}

/* ---- old generations ---- */

/* Objects that no generation names any more. */
struct pruning { struct backup *b; struct survey **surveys; size_t count; bool unsure; };

static bool prune_name(void *arg, const char *path, bool is_object, uint64_t oid)
{
	struct pruning *p = arg;
	struct survey_row row;
	size_t n = 0;
	struct backup_path file = backup_path(p->b->o->to, "%s", path);
	if (!is_object) {
		unlink(file.s);                  /* left by a backup that was killed */
		return true;
	}
	for (size_t i = 0; i < p->count && !n; i++)
		p->unsure |= survey_page(p->surveys[i], oid, oid + 1, &row, 1, &n, NULL) != ERR_OK;
	if (!n && !p->unsure)
		unlink(file.s);
	return true;
}

static void prune_objects(struct backup *b, json_t *generations)
{
	size_t count = json_array_size(generations), i;
	struct index_reader **readers = calloc(count + 1, sizeof(*readers));
	struct pruning p = { .b = b, .surveys = calloc(count + 1, sizeof(*p.surveys)), .count = count };
	const json_t *name;
	struct store_buckets buckets = { NULL, 0 };
	p.unsure = !readers || !p.surveys;
	json_array_foreach(generations, i, name)
		if (!p.unsure)
			p.unsure = index_reader_open(backup_path(b->o->to, "%s", json_string_value(name)).s, &readers[i], NULL) || survey_open(readers[i], &p.surveys[i], NULL);
	if (!p.unsure && !store_buckets_read(b->o->to, &buckets, NULL, NULL, NULL))
		for (i = 0; i < buckets.count; i++)
			(void)!store_walk_bucket(b->o->to, buckets.bucket[i], prune_name, &p, NULL);
	store_buckets_free(&buckets);
	for (i = 0; i < count && p.surveys && readers; i++) {
		survey_close(&p.surveys[i]);
		index_reader_close(&readers[i]);
	}
	free(readers);
	free(p.surveys);
}

/* Renamed first: half a generation is none. */
static void drop_old(struct backup *b)
{
	json_t *all = backup_generations(b->o->to, NULL);
	while (all && b->o->keep && json_array_size(all) > b->o->keep) {
		struct backup_path from = backup_path(b->o->to, "%s", json_string_value(json_array_get(all, 0))), to = backup_path(b->o->to, ".old");
		backup_remove_tree(to.s);
		if (rename(from.s, to.s))
			break;
		backup_remove_tree(to.s);
		json_array_remove(all, 0);
		b->r->removed++;
	}
	if (all && b->r->removed)
		prune_objects(b, all);
	json_decref(all);
}

/* ---- all ---- */

static enum err take_lock(struct backup *b, struct why *why)
{
	struct backup_path path = backup_path(b->o->to, "lock");
	b->lock_fd = open(path.s, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	if (b->lock_fd < 0)
		return fail_errno(why, ERR_IO, "opening %s", path.s);
	if (flock(b->lock_fd, LOCK_EX | LOCK_NB))
		return errno == EWOULDBLOCK ? fail(why, ERR_BUSY, "another backup works in %s", b->o->to) : fail_errno(why, ERR_IO, "locking %s", path.s);
	return ERR_OK;
}

static void name_generation(struct backup *b, int64_t now_ms)
{
	struct tm tm = { 0 };
	time_t s = (time_t)(now_ms / 1000);
	localtime_r(&s, &tm);
	for (int i = 0; i < 1000; i++) {
		char when[32];
		strftime(when, sizeof(when), "%Y%m%d-%H%M%S", &tm);
		if (i)
			snprintf(b->r->generation, sizeof(b->r->generation), "gen-%s.%03d", when, i);
		else
			snprintf(b->r->generation, sizeof(b->r->generation), "gen-%s", when);
		if (access(backup_path(b->o->to, "%s", b->r->generation).s, F_OK))
			return;
	}
}

static enum err write_generation(struct backup *b, struct why *why)
{
	int64_t now = clock_wall_ms();
	enum err e = copy_data(b, why);
	if (!e)
		e = copy_rest(b, "", 0, why);
	if (!e)
		e = copy_quarantine(b, why);
	json_t *m = json_pack("{s:i,s:I,s:s,s:I,s:I,s:I,s:O,s:O}", "version", 1, "made", (json_int_t)now, "aet", b->conf->aet, "objects", (json_int_t)b->r->objects,
	                      "bytes", (json_int_t)b->r->bytes, "bad", (json_int_t)b->r->bad, "files", b->files, "quarantine", b->quarantine);
	if (!e)
		e = m ? backup_manifest_write(b->tmp.s, m, why) : fail(why, ERR_NOMEM, "no memory for a manifest");
	json_decref(m);
	if (e)
		return e;
	name_generation(b, now);
	e = durable_rename(b->tmp.s, backup_path(b->o->to, "%s", b->r->generation).s, why);
	return e ? e : durable_sync_dir(b->o->to, why);
}

enum err backup_run(const struct conf *conf, const struct backup_options *o, struct backup_result *out, struct why *why)
{
	struct backup b = { .conf = conf, .o = o, .r = out, .lock_fd = -1, .files = json_array(), .quarantine = json_array() };
	*out = (struct backup_result){ .objects = 0 };
	b.tmp = backup_path(o->to, ".filling");
	pace_init(&b.pace, o->rate);
	enum err e = b.files && b.quarantine ? durable_mkdirs(backup_path(o->to, "store").s, why) : fail(why, ERR_NOMEM, "no memory");
	if (!e)
		e = take_lock(&b, why);
	if (!e) {
		backup_remove_tree(b.tmp.s);
		e = durable_mkdirs(b.tmp.s, why);
		if (!e)
			e = write_generation(&b, why);
		if (!e)
			drop_old(&b);
		backup_remove_tree(b.tmp.s);
	}
	if (b.lock_fd >= 0)
		close(b.lock_fd);
	json_decref(b.files);
	json_decref(b.quarantine);
	return e;
}

json_t *backup_list(const char *to, struct why *why)
{
	json_t *names = backup_generations(to, why), *out = names ? json_array() : NULL;
	for (size_t i = json_array_size(names); i--; ) {
		const char *name = json_string_value(json_array_get(names, i));
		struct why bad = { "" };
		json_t *m = NULL;
		enum err e = backup_manifest_read(backup_path(to, "%s", name).s, &m, &bad);
		json_t *row = json_pack("{s:s}", "generation", name);
		static const char *const keys[] = { "made", "aet", "objects", "bytes", "bad" };
		for (size_t k = 0; !e && k < NELEM(keys); k++)
			json_object_set(row, keys[k], json_object_get(m, keys[k]));
		if (e)
			json_object_set_new(row, "why", json_string(bad.text));
		json_array_append_new(out, row);
		json_decref(m);
	}
	json_decref(names);
	return out;
}
