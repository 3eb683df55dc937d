#include "pacs/media/zip_in.h"

#include <archive.h>
#include <archive_entry.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "pacs/base/bounds.h"

enum { BLOCK = 1 << 20 };

struct zip_in {
	struct archive *archive;
	uint64_t number;
	uint64_t of_entry, of_all, limit;        /* bytes that came out */
};

static enum err damaged(const struct zip_in *z, const char *doing, struct why *why)
{
	const char *text = archive_error_string(z->archive);
	return fail(why, ERR_FORMAT, "%s: %.200s", doing, text ? text : "damaged");
}

enum err zip_in_open(const char *path, struct zip_in **out, struct why *why)
{
	struct stat st;
	struct zip_in *z = calloc(1, sizeof(*z));
	*out = NULL;
	if (!z || !(z->archive = archive_read_new())) {
		free(z);
		return fail(why, ERR_NOMEM, "no memory for an archive");
	}
	enum err e = stat(path, &st) ? fail_errno(why, ERR_IO, "looking at %s", path) : ERR_OK;
	archive_read_support_format_zip_seekable(z->archive);
	if (!e && archive_read_open_filename(z->archive, path, BLOCK) != ARCHIVE_OK)
		e = damaged(z, "the archive cannot be opened", why);
	if (e) {
		zip_in_close(&z);
		return e;
	}
	z->limit = BOUND_ZIP_FREE + (uint64_t)st.st_size * BOUND_ZIP_RATIO;
	*out = z;
	return ERR_OK;
}

void zip_in_close(struct zip_in **z)
{
	if (!*z)
		return;
	archive_read_free((*z)->archive);
	free(*z);
	*z = NULL;
}

/* Bytes of any set: what is not printable ASCII or part of a longer character is shown as ?. */
static void take_name(struct archive_entry *e, struct zip_entry *out)
{
	const char *name = archive_entry_pathname(e);
	if (!name)
		name = archive_entry_pathname_utf8(e);
	if (!name)
		name = "?";
	size_t len = strlen(name), cut = len >= sizeof(out->name) ? len - sizeof(out->name) + 1 : 0;
	snprintf(out->name, sizeof(out->name), "%s", name + cut);
	for (char *c = out->name; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 127)
			*c = '?';
}

enum err zip_in_next(struct zip_in *z, struct zip_entry *out, struct why *why)
{
	struct archive_entry *e;
	for (;;) {
		int r = archive_read_next_header(z->archive, &e);
		if (r == ARCHIVE_EOF)
			return ERR_END;
		if (r != ARCHIVE_OK && r != ARCHIVE_WARN)
			return damaged(z, "the archive cannot be read on", why);
		z->number++;
		if (archive_entry_filetype(e) == AE_IFREG)
			break;
	}
	z->of_entry = 0;
	*out = (struct zip_entry){ .number = z->number, .size = archive_entry_size_is_set(e) ? archive_entry_size(e) : -1,
	                           .is_encrypted = archive_entry_is_encrypted(e) };
	take_name(e, out);
	return ERR_OK;
}

enum err zip_in_read(struct zip_in *z, void *p, size_t cap, size_t *n, struct why *why)
{
	*n = 0;
	la_ssize_t got = archive_read_data(z->archive, p, cap);
	if (got < 0)
		return damaged(z, "the entry cannot be read", why);
	*n = (size_t)got;
	z->of_entry += *n;
	z->of_all += *n;
	if (z->of_entry > BOUND_ZIP_ENTRY)
		return fail(why, ERR_LIMIT, "over %llu GB in one entry", BOUND_ZIP_ENTRY >> 30);
	if (z->of_all > z->limit)
		return fail(why, ERR_LIMIT, "the archive unpacks to over %d times its length", BOUND_ZIP_RATIO);
	return ERR_OK;
}

bool zip_in_is_over(const struct zip_in *z)
{
	return z->of_all > z->limit;
}
