#include "pacs/store/object.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pacs/base/fault.h"
#include "pacs/store/digest.h"

enum { READ_PIECE = 256 << 10 };

/* A path that does not fit comes out empty, which no call opens. */
static struct object_path built(int n, struct object_path p)
{
	if (n < 0 || (size_t)n >= sizeof(p.s))
		p.s[0] = '\0';
	return p;
}

struct object_path object_bucket(const char *dir, uint64_t oid)
{
	struct object_path p;
	int n = snprintf(p.s, sizeof(p.s), "%s/store/%04x/%03x", dir, (unsigned)(oid >> 24 & 0xFFFF), (unsigned)(oid >> 12 & 0xFFF));
	return built(n, p);
}

struct object_path object_path(const char *dir, uint64_t oid)
{
	struct object_path p;
	int n = snprintf(p.s, sizeof(p.s), "%s/store/%04x/%03x/%012llx.dcm", dir, (unsigned)(oid >> 24 & 0xFFFF),
	                 (unsigned)(oid >> 12 & 0xFFF), (unsigned long long)oid);
	return built(n, p);
}

enum err object_open(const char *dir, uint64_t oid, int *fd, uint64_t *size, struct why *why)
{
	struct object_path p = object_path(dir, oid);
	struct stat st;
	*fd = fault_fails(FAULT_OPEN) ? -1 : open(p.s, O_RDONLY | O_CLOEXEC);
	if (*fd < 0)
		return fail_errno(why, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "opening object %llu", (unsigned long long)oid);
	if (fstat(*fd, &st)) {
		enum err e = fail_errno(why, ERR_IO, "looking at object %llu", (unsigned long long)oid);
		close(*fd);
		*fd = -1;
		return e;
	}
	*size = (uint64_t)st.st_size;
	return ERR_OK;
}

static enum err add_all(int fd, off_t at, uint8_t *piece, struct digest *d, struct why *why)
{
	for (;;) {
		ssize_t n = pread(fd, piece, READ_PIECE, at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fail_errno(why, ERR_IO, "reading an object at %lld", (long long)at);
		if (n == 0)
			return ERR_OK;
		digest_add(d, bytes_of(piece, (size_t)n));
		at += n;
	}
}

enum err object_digest(int fd, uint64_t dataset_at, char out[33], struct why *why)
{
	struct digest *d = digest_new();
	uint8_t *piece = fault_fails(FAULT_ALLOC) ? NULL : malloc(READ_PIECE);
	enum err e = d && piece ? ERR_OK : fail(why, ERR_NOMEM, "no memory to read an object");
	out[0] = '\0';
	if (!e)
		e = add_all(fd, (off_t)dataset_at, piece, d, why);
	if (!e)
		digest_hex(d, out);
	free(piece);
	digest_free(&d);
	return e;
}
