#include "pacs/media/zip_out.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdlib.h>
#include <time.h>

struct zip_out {
	struct archive *archive;
	struct archive_entry *entry;
};

static enum err failed(const struct zip_out *z, const char *doing, struct why *why)
{
	int code = archive_errno(z->archive);
	const char *text = archive_error_string(z->archive);
	return fail(why, code == ENOSPC || code == EDQUOT ? ERR_FULL : ERR_IO, "%s: %.200s", doing, text ? text : "it cannot be written");
}

enum err zip_out_open(int fd, struct zip_out **out, struct why *why)
{
	struct zip_out *z = calloc(1, sizeof(*z));
	*out = NULL;
	if (z) {
		z->archive = archive_write_new();
		z->entry = archive_entry_new();
	}
	enum err e = z && z->archive && z->entry ? ERR_OK : fail(why, ERR_NOMEM, "no memory for an archive");
	if (!e && (archive_write_set_format_zip(z->archive) != ARCHIVE_OK || archive_write_set_bytes_per_block(z->archive, 0) != ARCHIVE_OK ||
	           archive_write_set_format_option(z->archive, "zip", "compression-level", "1") != ARCHIVE_OK || archive_write_open_fd(z->archive, fd) != ARCHIVE_OK))
		e = failed(z, "beginning the archive", why);
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
	return archive_write_header(z->archive, z->entry) == ARCHIVE_OK ? ERR_OK : failed(z, "writing the archive", why);
}

enum err zip_out_write(struct zip_out *z, struct bytes b, struct why *why)
{
	while (b.len) {
		la_ssize_t n = archive_write_data(z->archive, b.p, b.len);
		if (n <= 0)
			return failed(z, "writing the archive", why);
		b = bytes_of(b.p + n, b.len - (size_t)n);
	}
	return ERR_OK;
}

enum err zip_out_finish(struct zip_out *z, struct why *why)
{
	return archive_write_close(z->archive) == ARCHIVE_OK ? ERR_OK : failed(z, "ending the archive", why);
}

void zip_out_free(struct zip_out **z)
{
	if (!*z)
		return;
	if ((*z)->entry)
		archive_entry_free((*z)->entry);
	if ((*z)->archive) {
		archive_write_fail((*z)->archive);       /* freeing shall not write what was not finished */
		archive_write_free((*z)->archive);
	}
	free(*z);
	*z = NULL;
}
