#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "db/snapshot.h"
#include "pacs/backup_objects.h"
#include "pacs/backup_private.h"
#include "pacs/base/durable.h"

struct restore {
	const struct restore_options *o;
	const char *dir;                 /* "" when nothing is to be written */
	struct backup_result *r;
	struct backup_path generation;
};

static bool is_empty(const char *dir)
{
	DIR *d = opendir(dir);
	bool empty = true;
	if (!d)
		return errno == ENOENT;
	for (const struct dirent *de; empty && (de = readdir(d)); )
		empty = !strcmp(de->d_name, ".") || !strcmp(de->d_name, "..") || !strcmp(de->d_name, "lost+found");
	closedir(d);
	return empty;
}

/* A path of a manifest is ours, but the disk it lay on was perhaps somebody else's for a while. */
static bool is_harmless(const char *path)
{
	return path && path[0] && path[0] != '/' && strcmp(path, "..") && strncmp(path, "../", 3) && !strstr(path, "/../") && strlen(path) < 400;
}

static enum err make_parent(const char *path, struct why *why)
{
	struct backup_path dir = backup_path("", "%s", path + 1);
	*strrchr(dir.s, '/') = '\0';
	return durable_mkdirs(dir.s, why);
}

/* One file of the manifest: from the copy to where it stood; with its digest compared. */
static enum err put_back(const struct restore *rs, const char *from, const char *name, const json_t *entry, struct why *why)
{
	const char *digest = json_string_value(json_object_get(entry, "digest"));
	struct backup_copy how = { .digest = digest, .size = (uint64_t)json_integer_value(json_object_get(entry, "size")) };
	char seen[33];
	uint64_t size;
	struct why what = { "" };
	if (!digest || strlen(digest) != 32)
		return fail(why, ERR_FORMAT, "the manifest has no digest of %s", name);
	struct backup_path to = backup_path(rs->dir, "%s", name);
	enum err e = rs->dir[0] ? make_parent(to.s, why) : ERR_OK;
	if (e)
		return e;
	e = backup_copy_file(from, rs->dir[0] ? to.s : NULL, &how, seen, &size, &what);
	if (e)
		return fail(why, e, "%s: %s", from, what.text);
	return rs->dir[0] ? backup_sync_file(to.s, why) : ERR_OK;
}

/* Where a file of the generation goes; NULL: not in this turn. pacs.conf has a turn of its own. */
static const char *place_of(const char *path, bool is_conf_turn)
{
	const char *name = !strncmp(path, "files/", 6) ? path + 6 : path;
	return !strcmp(name, "pacs.conf") == is_conf_turn ? name : NULL;
}

static enum err put_files(const struct restore *rs, const json_t *manifest, bool is_conf_turn, struct why *why)
{
	size_t i;
	const json_t *entry;
	json_array_foreach(json_object_get(manifest, "files"), i, entry) {
		const char *path = json_string_value(json_object_get(entry, "path"));
		if (!is_harmless(path))
			return fail(why, ERR_FORMAT, "the manifest names a file that cannot be: %.100s", path ? path : "(none)");
		const char *name = place_of(path, is_conf_turn);
		enum err e = name ? put_back(rs, backup_path(rs->generation.s, "%s", path).s, name, entry, why) : ERR_OK;
		if (e)
			return e;
	}
	return ERR_OK;
}

static enum err put_quarantine(const struct restore *rs, const json_t *manifest, struct why *why)
{
	size_t i;
	const json_t *entry;
	json_array_foreach(json_object_get(manifest, "quarantine"), i, entry) {
		const char *name = json_string_value(json_object_get(entry, "path"));
		if (!is_harmless(name) || strchr(name, '/'))
			return fail(why, ERR_FORMAT, "the manifest names a file that cannot be: %.100s", name ? name : "(none)");
		struct backup_path to = backup_path("quarantine", "%s", name);
		enum err e = put_back(rs, backup_path(rs->o->from, "quarantine/%s", name).s, to.s, entry, why);
		if (e)
			return e;
	}
	return ERR_OK;
}

static enum err put_objects(const struct restore *rs, struct why *why)
{
	struct object_copy c = { .from = rs->o->from, .to = rs->o->dir, .on_progress = rs->o->on_progress, .on_bad = rs->o->on_bad, .arg = rs->o->arg, .tell_gone = true };
	struct index_reader *ix = NULL;
	enum err e = index_reader_open(rs->generation.s, &ix, why);
	if (!e)
		e = object_copy_run(&c, ix, why);
	index_reader_close(&ix);
	rs->r->objects = c.objects;
	rs->r->bytes = c.bytes;
	rs->r->copied = c.copied;
	rs->r->copied_bytes = c.copied_bytes;
	rs->r->bad = c.bad + c.gone;
	return e;
}

static enum err make_folders(const char *dir, struct why *why)
{
	static const char *const folders[] = { "store", "spool", "quarantine", "run" };
	enum err e = ERR_OK;
	for (size_t i = 0; !e && i < NELEM(folders); i++)
		e = durable_mkdirs(backup_path(dir, "%s", folders[i]).s, why);
	return e;
}

static enum err choose(struct restore *rs, struct why *why)
{
	json_t *all = backup_generations(rs->o->from, why);
	size_t n = json_array_size(all);
	const char *name = rs->o->generation ? rs->o->generation : n ? json_string_value(json_array_get(all, n - 1)) : NULL;
	snprintf(rs->r->generation, sizeof(rs->r->generation), "%s", name ? name : "");
	json_decref(all);
	if (!all)
		return ERR_NOT_FOUND;
	if (!rs->r->generation[0])
		return fail(why, ERR_NOT_FOUND, "there is no finished backup in %s", rs->o->from);
	rs->generation = backup_path(rs->o->from, "%s", rs->r->generation);
	if (access(rs->generation.s, F_OK))
		return fail(why, ERR_NOT_FOUND, "there is no generation %s in %s; `pacs backup list` shows them", rs->r->generation, rs->o->from);
	return ERR_OK;
}

enum err restore_run(const struct restore_options *o, struct backup_result *out, struct why *why)
{
	struct restore rs = { .o = o, .dir = o->dir ? o->dir : "", .r = out };
	json_t *manifest = NULL;
	*out = (struct backup_result){ .objects = 0 };
	enum err e = choose(&rs, why);
	if (!e && rs.dir[0] && !is_empty(rs.dir))
		e = fail(why, ERR_CONFLICT, "%s is not empty; name a new or an empty folder", rs.dir);
	if (!e)
		e = backup_manifest_read(rs.generation.s, &manifest, why);
	/* Looked at whole before anything is written. */
	if (!e)
		e = db_check_whole(backup_path(rs.generation.s, "index.db").s, why);
	if (!e && rs.dir[0])
		e = make_folders(rs.dir, why);
	if (!e)
		e = put_files(&rs, manifest, false, why);
	if (!e)
		e = put_quarantine(&rs, manifest, why);
	if (!e)
		e = put_objects(&rs, why);
	if (!e)
		e = put_files(&rs, manifest, true, why);
	if (!e && rs.dir[0])
		e = durable_sync_dir(rs.dir, why);
	json_decref(manifest);
	return e;
}
