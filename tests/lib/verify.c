#include "tests/lib/verify.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "db/index.h"
#include "db/items.h"
#include "db/survey.h"
#include "pacs/base/clock.h"
#include "pacs/store/object.h"

enum { SAY_AT_MOST = 5 };

static bool wrong(unsigned *said, const char *dir, const char *what, const char *which)
{
	if ((*said)++ < SAY_AT_MOST)
		printf("# %s: %s: %s\n", dir, what, which);
	return false;
}

bool verify_drained(const char *clinic, const char *county, const struct verify_acked *acked, size_t n, unsigned deadline_s, struct why *why)
{
	struct index_reader *ix = NULL;
	struct index_instance in;
	size_t have = 0;
	(void)clinic;
	uint64_t end = clock_mono_ns() + (uint64_t)deadline_s * 1000000000u;
	while (have < n && clock_mono_ns() < end) {
		if (!ix && index_reader_open(county, &ix, why))
			ix = NULL;
		if (ix && !index_get_by_uid(ix, acked[have].sop.s, &in, NULL)) {
			have++;
			continue;
		}
		nanosleep(&(struct timespec){ .tv_nsec = 20000000 }, NULL);
	}
	index_reader_close(&ix);
	if (have < n)
		fail(why, ERR_TIMEOUT, "after %u s image %zu of %zu (%s) is not at the county", deadline_s, have, n, acked[have].sop.s);
	return have == n;
}

/* Indexed, and the bytes on disk are those of the recorded digest. */
static const char *kept(struct index_reader *ix, const char *dir, const char *sop)
{
	struct index_instance in;
	uint64_t size;
	char digest[33] = "";
	int fd;
	if (index_get_by_uid(ix, sop, &in, NULL))
		return "acknowledged and not indexed";
	if (object_open(dir, in.oid, &fd, &size, NULL))
		return "indexed and its file is missing";
	enum err e = object_digest(fd, in.dataset_at, digest, NULL);
	close(fd);
	if (e || size != in.size)
		return "indexed and its file has another size";
	return strcmp(digest, in.digest) ? "indexed and its file has another digest" : NULL;
}

bool verify_kept(const char *dir, const struct verify_acked *acked, size_t n)
{
	struct index_reader *ix;
	struct why why = { "" };
	unsigned said = 0;
	bool ok = true;
	if (index_reader_open(dir, &ix, &why))
		return wrong(&said, dir, "index", why.text);
	for (size_t i = 0; i < n; i++) {
		const char *what = kept(ix, dir, acked[i].sop.s);
		if (what)
			ok = wrong(&said, dir, what, acked[i].sop.s);
	}
	index_reader_close(&ix);
	return ok;
}

/* Files named by 12 hex digits below `path`; anything else is an orphan by its name. */
static uint64_t count_files(const char *path, unsigned depth)
{
	DIR *d = opendir(path);
	uint64_t n = 0;
	if (!d)
		return 0;
	for (struct dirent *e; (e = readdir(d)); ) {
		char below[4096];
		if (e->d_name[0] == '.')
			continue;
		snprintf(below, sizeof(below), "%s/%s", path, e->d_name);
		n += e->d_type == DT_DIR && depth < 3 ? count_files(below, depth + 1) : 1;
	}
	closedir(d);
	return n;
}

bool verify_no_orphans(const char *dir)
{
	char path[4096], text[160];
	struct index_reader *ix;
	struct index_counts c;
	struct why why = { "" };
	unsigned said = 0;
	bool ok = true;
	uint64_t marked = 0;
	if (index_reader_open(dir, &ix, &why) || index_counts(ix, &c, &why) || survey_damage_count(ix, &marked, &why))
		return wrong(&said, dir, "index", why.text);
	index_reader_close(&ix);
	snprintf(path, sizeof(path), "%s/store", dir);
	uint64_t files = count_files(path, 0), rows = c.instances + c.conflicts - marked;
	snprintf(text, sizeof(text), "%llu files, %llu rows", (unsigned long long)files, (unsigned long long)rows);
	if (files != rows)
		ok = wrong(&said, dir, "files and rows differ", text);
	snprintf(path, sizeof(path), "%s/spool", dir);
	if (count_files(path, 0))
		ok = wrong(&said, dir, "spool is not empty", path);
	return ok;
}

static bool seen_one(void *arg, const struct item_row *row, const struct dataset *ds)
{
	(void)row;
	(void)ds;
	*(bool *)arg = true;
	return false;
}

static bool is_listed(struct items_reader *items, struct arena *a, const char *study_uid)
{
	struct items_filter f = { .state = ITEM_NONE, .study_uid = study_uid };
	bool seen = false;
	int64_t last;
	return !items_page(items, &f, 0, 1, a, seen_one, &seen, &last, NULL) && seen;
}

bool verify_listed(const char *dir, const struct verify_acked *acked, size_t n, unsigned deadline_s)
{
	struct index_reader *ix;
	struct items_reader *items;
	struct arena a;
	struct why why = { "" };
	struct index_instance in;
	struct uid last = { "" };
	unsigned said = 0;
	bool ok = true;
	uint64_t end = clock_mono_ns() + (uint64_t)deadline_s * 1000000000u;
	if (index_reader_open(dir, &ix, &why))
		return wrong(&said, dir, "index", why.text);
	if (items_reader_open(dir, &items, &why)) {
		index_reader_close(&ix);
		return wrong(&said, dir, "work items", why.text);
	}
	arena_init(&a, BOUND_IDENTIFIER);
	for (size_t i = 0; i < n; i++) {
		if (index_get_by_uid(ix, acked[i].sop.s, &in, NULL) || !strcmp(in.study_uid.s, last.s))
			continue;
		last = in.study_uid;
		while (!is_listed(items, &a, in.study_uid.s) && clock_mono_ns() < end)
			nanosleep(&(struct timespec){ .tv_nsec = 20000000 }, NULL);
		if (!is_listed(items, &a, in.study_uid.s))
			ok = wrong(&said, dir, "received and on no worklist", in.study_uid.s);
	}
	arena_fini(&a);
	items_reader_close(&items);
	index_reader_close(&ix);
	return ok;
}
