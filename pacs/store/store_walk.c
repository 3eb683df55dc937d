#include "pacs/store/store_walk.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pacs/store/object.h"

enum { UPPER_DIGITS = 4, LOWER_DIGITS = 3 };     /* store/HHHH/HHH */

static bool hex(const char *s, size_t digits, uint64_t *v)
{
	if (strspn(s, "0123456789abcdef") != digits)
		return false;
	*v = strtoull(s, NULL, 16);
	return true;
}

bool store_name_oid(const char *name, uint64_t *oid)
{
	return hex(name, 12, oid) && !strcmp(name + 12, ".dcm");
}

static bool is_dots(const char *name)
{
	return !strcmp(name, ".") || !strcmp(name, "..");
}

static enum err add(struct store_buckets *b, uint64_t bucket, struct why *why)
{
	if (!(b->count & (b->count - 1))) {
		uint64_t *more = realloc(b->bucket, (b->count ? 2 * b->count : 1) * sizeof(*more));
		if (!more)
			return fail(why, ERR_NOMEM, "no memory for a list of %zu folders", b->count);
		b->bucket = more;
	}
	b->bucket[b->count++] = bucket;
	return ERR_OK;
}

struct reading {
	const char *dir;
	struct store_buckets *out;
	void (*on_strange)(void *arg, const char *path);
	void *arg;
};

static void strange(const struct reading *rd, const char *upper, const char *name)
{
	char path[600];
	snprintf(path, sizeof(path), "store/%.200s%s%.300s", upper, *upper ? "/" : "", name);
	if (rd->on_strange)
		rd->on_strange(rd->arg, path);
}

static enum err read_lower(const struct reading *rd, const char *upper, uint64_t high, struct why *why)
{
	char path[4400];
	enum err e = ERR_OK;
	snprintf(path, sizeof(path), "%s/store/%s", rd->dir, upper);
	DIR *d = opendir(path);
	if (!d)
		return fail_errno(why, ERR_IO, "opening %s", path);
	for (struct dirent *de; !e && (de = readdir(d)); ) {
		uint64_t low;
		if (is_dots(de->d_name))
			continue;
		if (hex(de->d_name, LOWER_DIGITS, &low) && !de->d_name[LOWER_DIGITS])
			e = add(rd->out, high << 12 | low, why);
		else
			strange(rd, upper, de->d_name);
	}
	closedir(d);
	return e;
}

static int ascending(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return (x > y) - (x < y);
}

enum err store_buckets_read(const char *dir, struct store_buckets *out, void (*on_strange)(void *arg, const char *path), void *arg, struct why *why)
{
	struct reading rd = { dir, out, on_strange, arg };
	char path[4400];
	enum err e = ERR_OK;
	*out = (struct store_buckets){ NULL, 0 };
	snprintf(path, sizeof(path), "%s/store", dir);
	DIR *d = opendir(path);
	if (!d)
		return errno == ENOENT ? ERR_OK : fail_errno(why, ERR_IO, "opening %s", path);
	for (struct dirent *de; !e && (de = readdir(d)); ) {
		uint64_t high;
		if (is_dots(de->d_name))
			continue;
		if (hex(de->d_name, UPPER_DIGITS, &high) && !de->d_name[UPPER_DIGITS])
			e = read_lower(&rd, de->d_name, high, why);
		else
			strange(&rd, "", de->d_name);
	}
	closedir(d);
	if (e)
		store_buckets_free(out);
	else if (out->count)
		qsort(out->bucket, out->count, sizeof(*out->bucket), ascending);
	return e;
}

void store_buckets_free(struct store_buckets *b)
{
	free(b->bucket);
	*b = (struct store_buckets){ NULL, 0 };
}

enum err store_walk_bucket(const char *dir, uint64_t bucket, bool (*fn)(void *arg, const char *path, bool is_object, uint64_t oid), void *arg, struct why *why)
{
	struct object_path p = object_bucket(dir, bucket << 12);
	DIR *d = opendir(p.s);
	if (!d)
		return errno == ENOENT ? ERR_NOT_FOUND : fail_errno(why, ERR_IO, "opening %s", p.s);
	for (struct dirent *de; (de = readdir(d)); ) {
		char path[320];
		uint64_t oid = 0;
		if (is_dots(de->d_name))
			continue;
		snprintf(path, sizeof(path), "%.30s/%.250s", object_bucket("", bucket << 12).s + 1, de->d_name);
		bool is_object = store_name_oid(de->d_name, &oid);
		if (!fn(arg, path, is_object, oid))
			break;
	}
	closedir(d);
	return ERR_OK;
}
