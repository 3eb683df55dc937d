/* The model of the power-cut tests keeps what POSIX promises, and nothing else for certain. */
#include "tests/power/fs_model.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/lib/t.h"

static char dir[64];
static unsigned cuts;

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

static void feed(struct fs_model *m, enum power_kind kind, uint64_t inode, uint64_t a, const void *data, size_t len)
{
	struct power_event ev = { .kind = kind, .len = (uint32_t)len, .inode = inode, .a = a };
	CHECK(fs_model_feed(m, &ev, bytes_of(data, len)));
}
static void name(struct fs_model *m, enum power_kind kind, uint64_t inode, uint64_t a, const char *path) { feed(m, kind, inode, a, path, strlen(path) + 1); }
static void sync_of(struct fs_model *m, uint64_t inode)
{
	feed(m, POWER_SYNC_BEGIN, inode, 1, NULL, 0);
	feed(m, POWER_SYNC_END, inode, 1, NULL, 0);
}
static struct fs_model *model(bool split, uint64_t *root_inode)
{
	struct stat st;
	struct fs_model *m = fs_model_new(dir, split);
	CHECK(m && !stat(dir, &st));
	*root_inode = st.st_ino;
	return m;
}

/* One cut; the file's size, or -1: not there. */
static long left_of(const struct fs_model *m, const struct fs_cut *cut, const char *file, char *out, size_t cap)
{
	char tree[128], path[192];
	long n = -1;
	snprintf(tree, sizeof(tree), "%s/cut%u", dir, ++cuts);
	CHECK(fs_model_cut(m, cut, tree));
	snprintf(path, sizeof(path), "%s/%s", tree, file);
	int fd = open(path, O_RDONLY);
	if (fd >= 0) {
		n = (long)read(fd, out, cap);
		close(fd);
	}
	nftw(tree, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	return n;
}

TEST(synced, "only synced data and names are certain; sectors are torn")
{
	uint64_t root;
	struct fs_model *m = model(false, &root);
	static char page[2048], out[4096];
	memset(page, 'a', sizeof(page));
	name(m, POWER_OPEN, 1001, O_CREAT, "f");
	feed(m, POWER_WRITE, 1001, 0, page, sizeof(page));
	sync_of(m, 1001);
	CHECK_INT(left_of(m, &(struct fs_cut){ .kept = 0 }, "f", out, sizeof(out)), -1);      /* its name is not synced */
	sync_of(m, root);
	CHECK_INT(left_of(m, &(struct fs_cut){ .kept = 0 }, "f", out, sizeof(out)), 2048);
	static char other[2048];
	memset(other, 'b', sizeof(other));
	feed(m, POWER_WRITE, 1001, 0, other, sizeof(other));
	CHECK(left_of(m, &(struct fs_cut){ .kept = 0 }, "f", out, sizeof(out)) == 2048 && !memcmp(out, page, 2048));
	CHECK(left_of(m, &(struct fs_cut){ .kept = 1 }, "f", out, sizeof(out)) == 2048 && !memcmp(out, other, 2048));
	unsigned torn = 0;
	for (uint64_t seed = 0; seed < 50; seed++) {
		CHECK_INT(left_of(m, &(struct fs_cut){ .seed = seed, .kept = 0.5 }, "f", out, sizeof(out)), 2048);
		for (unsigned i = 0; i < 2048; i += 512)
			CHECK(!memcmp(out + i, page, 512) || !memcmp(out + i, other, 512));
		torn += memcmp(out, page, 2048) && memcmp(out, other, 2048);
	}
	CHECK(torn > 10);
	fs_model_free(&m);
}

TEST(during, "what is written during a sync is not certain")
{
	uint64_t root;
	struct fs_model *m = model(false, &root);
	char out[64];
	name(m, POWER_OPEN, 1001, O_CREAT, "f");
	sync_of(m, root);
	feed(m, POWER_WRITE, 1001, 0, "one", 3);
	feed(m, POWER_SYNC_BEGIN, 1001, 7, NULL, 0);
	feed(m, POWER_WRITE, 1001, 3, "two", 3);
	CHECK_INT(left_of(m, &(struct fs_cut){ .kept = 0 }, "f", out, sizeof(out)), 0);
	feed(m, POWER_SYNC_END, 1001, 7, NULL, 0);
	CHECK_INT(left_of(m, &(struct fs_cut){ .kept = 0 }, "f", out, sizeof(out)), 3);
	feed(m, POWER_TRUNCATE, 1001, 1, NULL, 0);
	CHECK_INT(left_of(m, &(struct fs_cut){ .kept = 0 }, "f", out, sizeof(out)), 3);
	CHECK_INT(left_of(m, &(struct fs_cut){ .kept = 1 }, "f", out, sizeof(out)), 1);
	fs_model_free(&m);
}

/* In both folders, in one of them, in none: which of it a cut may leave. */
static void rename_cases(bool split, bool sync_new_dir, unsigned seen[4])
{
	uint64_t root;
	struct fs_model *m = model(split, &root);
	char out[64];
	name(m, POWER_MKDIR, 2001, 0, "a");
	name(m, POWER_MKDIR, 2002, 0, "b");
	name(m, POWER_OPEN, 1001, O_CREAT, "a/f");
	feed(m, POWER_WRITE, 1001, 0, "x", 1);
	sync_of(m, 1001);
	sync_of(m, 2001);
	sync_of(m, root);
	feed(m, POWER_RENAME, 0, 0, "a/f\0b/g", 8);
	if (sync_new_dir)
		sync_of(m, 2002);
	for (uint64_t seed = 0; seed < 60; seed++) {
		struct fs_cut cut = { .seed = seed, .kept = 0.5 };
		bool old = left_of(m, &cut, "a/f", out, sizeof(out)) >= 0, new = left_of(m, &cut, "b/g", out, sizeof(out)) >= 0;
		seen[old + 2 * new]++;
	}
	fs_model_free(&m);
}

TEST(renames, "a rename is one change, or two when split")
{
	unsigned seen[4] = { 0 }, synced[4] = { 0 }, split[4] = { 0 }, split_synced[4] = { 0 };
	rename_cases(false, false, seen);
	CHECK(seen[0] == 0 && seen[3] == 0 && seen[1] > 5 && seen[2] > 5);
	rename_cases(false, true, synced);
	CHECK_INT(synced[2], 60);
	rename_cases(true, false, split);
	CHECK(split[0] && split[1] && split[2] && split[3]);
	rename_cases(true, true, split_synced);
	CHECK(split_synced[0] == 0 && split_synced[1] == 0 && split_synced[2] && split_synced[3]);
}

int main(void)
{
	snprintf(dir, sizeof(dir), "/tmp/pacs-model.XXXXXX");
	if (!mkdtemp(dir))
		return 1;
	RUN(synced);
	RUN(during);
	RUN(renames);
	rmdir(dir);
	return t_done();
}
