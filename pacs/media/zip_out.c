#include "pacs/media/zip_out.h"

#include <archive.h>
#include <archive_entry.h>
#include <stdlib.h>
#include <time.h>

#include "pacs/base/durable.h"

/* The file is written here and not by libarchive, whose archives leak when a write fails: it is told that all went well, and the failure
 * is ours to tell behind each of its calls. */
struct zip_out {
	struct archive *archive;
	struct archive_entry *entry;
	int fd;
	uint64_t at;
	enum err err;
	struct why why;
};

static la_ssize_t on_write(struct archive *a, void *arg, const void *p, size_t len)
{
	struct zip_out *z = arg;
	(void)a;
	if (!z->err)
		z->err = durable_pwrite(z->fd, p, len, (off_t)z->at, &z->why);
	z->at += len;
	return (la_ssize_t)len;
}

/* Of libarchive's answer and our own. */
static enum err result(const struct zip_out *z, bool is_good, const char *doing, struct why *why)
{
	const char *text = archive_error_string(z->archive);
	if (z->err)
		return fail(why, z->err, "%s", z->why.text);
	return is_good ? ERR_OK : fail(why, ERR_IO, "%s: %.200s", doing, text ? text : "it cannot be written");
}

enum err zip_out_open(int fd, struct zip_out **out, struct why *why)
{
	struct zip_out *z = calloc(1, sizeof(*z));
	*out = NULL;
	if (!z)
		return fail(why, ERR_NOMEM, "no memory for an archive");
	z->fd = fd;
	z->archive = archive_write_new();
	z->entry = archive_entry_new();
	enum err e = z->archive && z->entry ? ERR_OK : fail(why, ERR_NOMEM, "no memory for an archive");
	if (!e)
		e = result(z, archive_write_set_format_zip(z->archive) == ARCHIVE_OK && archive_write_set_bytes_per_block(z->archive, 0) == ARCHIVE_OK &&
		              archive_write_set_format_option(z->archive, "zip", "compression-level", "1") == ARCHIVE_OK &&
		              archive_write_open(z->archive, z, NULL, on_write, NULL) == ARCHIVE_OK, "beginning the archive", why);
	if (e) {
		zip_out_free(&z);
		return e;
	}
	*out = z;
	return ERR_OK;
}

enum err zip_out_begin(struct zip_out *z, const char *name, uint64_t size, bool deflated, struct why *why)
{
	archive_entry_clear(z->entry);
	archive_entry_set_pathname(z->entry, name);
	archive_entry_set_size(z->entry, (la_int64_t)size);
	archive_entry_set_filetype(z->entry, AE_IFREG);
	archive_entry_set_perm(z->entry, 0644);
	archive_entry_set_mtime(z->entry, time(NULL), 0);
	if (deflated)
		archive_write_zip_set_compression_deflate(z->archive);
	else
		archive_write_zip_set_compression_store(z->archive);
	return result(z, archive_write_header(z->archive, z->entry) == ARCHIVE_OK, "writing the archive", why);
}

enum err zip_out_write(struct zip_out *z, struct bytes b, struct why *why)
{
	while (b.len) {
		la_ssize_t n = archive_write_data(z->archive, b.p, b.len);
		enum err e = result(z, n > 0, "writing the archive", why);
		if (e)
			return e;
		b = bytes_of(b.p + n, b.len - (size_t)n);
	}
	return ERR_OK;
}

enum err zip_out_finish(struct zip_out *z, struct why *why)
{
	return result(z, archive_write_close(z->archive) == ARCHIVE_OK, "ending the archive", why);
}

void zip_out_free(struct zip_out **z)
{
	if (!*z)
		return;
	if ((*z)->entry)
		archive_entry_free((*z)->entry);
	(*z)->err = (*z)->err ? (*z)->err : ERR_CANCELLED;       /* freeing shall not write what was not finished */
	if ((*z)->archive)
		archive_write_free((*z)->archive);
	free(*z);
	*z = NULL;
}
