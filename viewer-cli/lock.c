#include "viewer-cli/lock.h"

#include <dirent.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pacs/base/durable.h"

enum { FILE_MAX = 4096 };

struct path { char s[PATH_MAX]; };

static enum err directory(struct path *out, struct why *why)
{
	const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");

	if (state && state[0] == '/')
		snprintf(out->s, sizeof(out->s), "%s/viewer-cli", state);
	else if (home && home[0])
		snprintf(out->s, sizeof(out->s), "%s/.local/state/viewer-cli", home);
	else
		return fail(why, ERR_NOT_FOUND, "neither XDG_STATE_HOME nor HOME says where to keep the keys of claimed items");
	return ERR_OK;
}

static enum err file_of(const char *item, struct path *out, struct why *why)
{
	struct path dir;
	enum err e = directory(&dir, why);

	if (e)
		return e;
	if (!uid_is_legal(item))         /* it becomes a file name */
		return fail(why, ERR_FORMAT, "\"%s\" is not a UID", item);
	if ((size_t)snprintf(out->s, sizeof(out->s), "%s/%s.json", dir.s, item) >= sizeof(out->s))
		return fail(why, ERR_LIMIT, "%s: path too long", dir.s);
	return ERR_OK;
}

enum err lock_save(const struct lock *l, const char *node, struct why *why)
{
	struct path dir, file;
	enum err e = directory(&dir, why);

	if (!e)
		e = file_of(l->item.s, &file, why);
	if (!e)
		e = durable_mkdirs(dir.s, why);
	if (e)
		return e;
	json_t *o = json_pack("{s:s, s:s, s:s, s:s, s:s}", "item", l->item.s, "transaction", l->transaction.s, "claimed_at", l->claimed_at,
	                      "called", l->called, "node", node);
	char *text = o ? json_dumps(o, JSON_COMPACT) : NULL;
	e = text ? durable_replace(file.s, text, strlen(text), 0600, why) : fail(why, ERR_NOMEM, "no memory");
	free(text);
	json_decref(o);
	return e;
}

static void take(const json_t *o, const char *key, char *out, size_t size)
{
	const char *s = json_string_value(json_object_get(o, key));

	snprintf(out, size, "%s", s ? s : "");
}

enum err lock_load(const char *item, struct lock *out, struct why *why)
{
	struct path file;
	char *text;
	size_t len;
	enum err e = file_of(item, &file, why);

	if (!e && access(file.s, F_OK))
		e = fail(why, ERR_NOT_FOUND, "no key for %s here: it was claimed by another user or on another machine (--transaction gives the key)", item);
	if (!e)
		e = durable_slurp(file.s, FILE_MAX, &text, &len, why);
	if (e)
		return e;
	json_t *o = json_loadb(text, len, 0, NULL);
	*out = (struct lock){ .called = "" };
	take(o, "item", out->item.s, sizeof(out->item.s));
	take(o, "transaction", out->transaction.s, sizeof(out->transaction.s));
	take(o, "claimed_at", out->claimed_at, sizeof(out->claimed_at));
	take(o, "called", out->called, sizeof(out->called));
	json_decref(o);
	free(text);
	if (strcmp(out->item.s, item) != 0 || !out->transaction.s[0])
		return fail(why, ERR_FORMAT, "%s is damaged", file.s);
	return ERR_OK;
}

/* The UID of a directory entry UID.json, "" for anything else. */
static void uid_of_name(const char *name, struct uid *out)
{
	size_t n = strlen(name);

	out->s[0] = 0;
	if (n > 5 && n - 5 <= BOUND_UID && strcmp(name + n - 5, ".json") == 0) {
		memcpy(out->s, name, n - 5);
		out->s[n - 5] = 0;
	}
	if (!uid_is_legal(out->s))
		out->s[0] = 0;
}

enum err lock_only(const char *called, struct lock *out, struct why *why)
{
	struct path dir;
	unsigned found = 0;
	enum err e = directory(&dir, why);
	DIR *d = e ? NULL : opendir(dir.s);

	if (e)
		return e;
	for (struct dirent *de; d && (de = readdir(d)); ) {
		struct uid uid;
		struct lock l;
		uid_of_name(de->d_name, &uid);
		if (!uid.s[0] || lock_load(uid.s, &l, NULL) || strcmp(l.called, called) != 0)
			continue;
		*out = l;
		found++;
	}
	if (d)
		closedir(d);
	if (found == 0)
		return fail(why, ERR_NOT_FOUND, "nothing is claimed here from %s", called);
	return found == 1 ? ERR_OK : fail(why, ERR_CONFLICT, "%u items are claimed from %s: say which", found, called);
}

void lock_remove(const char *item)
{
	struct path file;

	if (!file_of(item, &file, NULL))
		unlink(file.s);
}
