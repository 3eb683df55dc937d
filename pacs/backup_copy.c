#include "pacs/backup_private.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pacs/base/buf.h"
#include "pacs/base/durable.h"
#include "pacs/store/digest.h"
#include "pacs/store/object.h"

enum { PIECE = 256 << 10, MANIFEST_MAX = 256 << 20 };

struct backup_path backup_path(const char *dir, const char *fmt, ...)
{
	struct backup_path p;
	size_t n = (size_t)snprintf(p.s, sizeof(p.s), "%.4000s/", dir);
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(p.s + n, sizeof(p.s) - n, fmt, ap);
	va_end(ap);
	return p;
}

struct backup_path backup_object(const char *root, uint64_t oid)
{
	return backup_path(root, "%s", object_path("", oid).s + 1);
}

/* ---- one file ---- */

static enum err copy_bytes(int in, int out, const struct backup_copy *c, struct digest *d, uint64_t *size, struct why *why)
{
	uint8_t *piece = malloc(PIECE);
	enum err e = piece ? ERR_OK : fail(why, ERR_NOMEM, "no memory to copy a file");
	*size = 0;
	while (!e) {
		ssize_t n = pread(in, piece, PIECE, (off_t)*size);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			e = fail_errno(why, ERR_IO, "reading at %llu", (unsigned long long)*size);
		if (n <= 0)
			break;
		uint64_t skip = *size < c->dataset_at ? c->dataset_at - *size : 0;
		if (skip < (uint64_t)n)
			digest_add(d, bytes_of(piece + skip, (size_t)n - skip));
		if (out >= 0)
			e = durable_pwrite(out, piece, (size_t)n, (off_t)*size, why);
		*size += (uint64_t)n;
		if (c->pace)
			pace_wait(c->pace, (size_t)n);
	}
	free(piece);
	return e;
}

static enum err compare(const struct backup_copy *c, uint64_t size, const char *digest, struct why *why)
{
	if (!c->digest || !c->digest[0])
		return ERR_OK;
	if (size != c->size)
		return fail(why, ERR_MISMATCH, "%llu bytes, expected %llu", (unsigned long long)size, (unsigned long long)c->size);
	return strcmp(digest, c->digest) ? fail(why, ERR_MISMATCH, "digest %s, expected %s", digest, c->digest) : ERR_OK;
}

enum err backup_copy_file(const char *from, const char *to, const struct backup_copy *c, char digest[33], uint64_t *size, struct why *why)
{
	int out = -1, in = open(from, O_RDONLY | O_CLOEXEC);
	struct stat st = { .st_mode = 0 };
	if (in < 0)
		return fail_errno(why, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "opening %s", from);
	struct digest *d = digest_new();
	enum err e = d ? ERR_OK : fail(why, ERR_NOMEM, "no memory to copy a file");
	(void)fstat(in, &st);
	if (!e && to && (out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, st.st_mode & 0777)) < 0)
		e = fail_errno(why, ERR_IO, "creating %s", to);
	if (!e)
		e = copy_bytes(in, out, c, d, size, why);
	if (!e) {
		digest_hex(d, digest);
		e = compare(c, *size, digest, why);
	}
	/* When it came tells the index, when it has to be made from the files alone. */
	if (!e && out >= 0)
		(void)futimens(out, (struct timespec[]){ st.st_atim, st.st_mtim });
	digest_free(&d);
	(void)posix_fadvise(in, 0, 0, POSIX_FADV_DONTNEED);
	close(in);
	if (out >= 0)
		close(out);
	if (e && to)
		unlink(to);
	return e;
}

enum err backup_sync_file(const char *path, struct why *why)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return fail_errno(why, ERR_IO, "opening %s", path);
	enum err e = durable_sync(fd, path, why);
	close(fd);
	return e;
}

/* ---- manifests ---- */

static void digest_of(const char *p, size_t len, char out[33])
{
	struct digest *d = digest_new();
	out[0] = '\0';
	if (d) {
		digest_add(d, bytes_of((const uint8_t *)p, len));
		digest_hex(d, out);
	}
	digest_free(&d);
}

enum err backup_manifest_write(const char *generation_dir, const json_t *m, struct why *why)
{
	struct buf b;
	char own[33];
	char *text = json_dumps(m, JSON_INDENT(1) | JSON_SORT_KEYS);
	buf_init(&b, MANIFEST_MAX);
	if (text) {
		digest_of(text, strlen(text), own);
		buf_printf(&b, "%s\n%s\n", text, own);
	}
	free(text);
	enum err e = !text || buf_err(&b) ? fail(why, ERR_NOMEM, "no memory for a manifest") : durable_replace(backup_path(generation_dir, "manifest").s, b.p, b.len, 0644, why);
	buf_fini(&b);
	return e;
}

enum err backup_manifest_read(const char *generation_dir, json_t **out, struct why *why)
{
	char *text, own[33];
	size_t len;
	*out = NULL;
	enum err e = durable_slurp(backup_path(generation_dir, "manifest").s, MANIFEST_MAX, &text, &len, why);
	if (e)
		return e;
	if (len < 34 || text[len - 1] != '\n' || text[len - 34] != '\n') {
		e = fail(why, ERR_FORMAT, "%s/manifest does not end with its digest", generation_dir);
	} else {
		digest_of(text, len - 34, own);
		if (memcmp(own, text + len - 33, 32))
			e = fail(why, ERR_MISMATCH, "%s/manifest has another digest than its last line says", generation_dir);
		else if (!(*out = json_loadb(text, len - 34, 0, NULL)))
			e = fail(why, ERR_FORMAT, "%s/manifest is no JSON", generation_dir);
	}
	free(text);
	return e;
}

/* ---- folders ---- */

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int is_generation(const struct dirent *d)
{
	return !strncmp(d->d_name, "gen-", 4);
}

json_t *backup_generations(const char *to, struct why *why)
{
	struct dirent **list;
	int n = scandir(to, &list, is_generation, by_name);
	if (n < 0) {
		fail_errno(why, ERR_NOT_FOUND, "reading %s", to);
		return NULL;
	}
	json_t *names = json_array();
	for (int i = 0; i < n; i++) {
		json_array_append_new(names, json_string(list[i]->d_name));
		free(list[i]);
	}
	free(list);
	return names;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

void backup_remove_tree(const char *dir)
{
	(void)nftw(dir, remove_one, 32, FTW_DEPTH | FTW_PHYS);
}
