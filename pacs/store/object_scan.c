#include "pacs/store/object_scan.h"

#include <stdlib.h>
#include <sys/stat.h>

#include "pacs/base/durable.h"
#include "pacs/base/fault.h"
#include "pacs/store/digest.h"

enum { PIECE = 64 << 10, META_MAX = 1 << 20 };

/* The meta group may be longer than expected: more is read until it is understood. */
static enum err read_meta(int fd, struct object_scan *s, struct why *why)
{
	enum err e = ERR_MORE;
	for (size_t want = PIECE; e == ERR_MORE && want <= META_MAX; want *= 2) {
		size_t n = s->size < want ? (size_t)s->size : want;
		uint8_t *head = fault_fails(FAULT_ALLOC) ? NULL : malloc(n + 1);
		if (!head)
			return fail(why, ERR_NOMEM, "no memory for the head of a file");
		e = durable_pread(fd, head, n, 0, why);
		if (!e)
			e = part10_read(bytes_of(head, n), &s->meta, why);
		free(head);
		if (e == ERR_MORE && n == s->size)
			break;
	}
	return e == ERR_MORE ? fail(why, ERR_FORMAT, "the file meta group does not end") : e;
}

/* A data set that makes no sense is digested to its end all the same: the first error of the walker is told then. */
static enum err walk(int fd, const struct object_scan_options *o, struct object_scan *s, struct digest *d, struct why *why)
{
	uint8_t *piece = fault_fails(FAULT_ALLOC) ? NULL : malloc(PIECE);
	enum err e = piece ? ERR_OK : fail(why, ERR_NOMEM, "no memory to read a file"), sense = ERR_OK;
	for (uint64_t at = s->meta.dataset_at; !e && at < s->size; at += PIECE) {
		size_t n = s->size - at < PIECE ? (size_t)(s->size - at) : PIECE;
		e = durable_pread(fd, piece, n, (off_t)at, why);
		if (!e && d)
			digest_add(d, bytes_of(piece, n));
		if (!e && (!sense || sense == ERR_END))
			sense = walker_feed(s->walker, bytes_of(piece, n), why);
		if (!e && o->header_only && sense)
			break;
		if (!e && o->on_piece && !o->on_piece(o->arg, n))
			e = fail(why, ERR_CANCELLED, "stopped");
	}
	free(piece);
	if (e || (sense && sense != ERR_END))
		return e ? e : sense;
	return o->header_only && sense == ERR_END ? ERR_OK : walker_finish(s->walker, why);
}

/* A file of ours that says what was written into it holds that. */
static enum err is_as_written(const struct object_scan *s, struct why *why)
{
	const struct part10_origin *o = &s->meta.origin;
	if (!o->has_written || !strcmp(o->written_digest, s->digest))
		return ERR_OK;
	if (!o->written_digest[0])
		return fail(why, ERR_FORMAT, "the file was never finished: a power cut or a crash came first");
	return fail(why, ERR_FORMAT, "the data set hashes to %s, the file's own head says %s: its bytes have changed or were never all written",
	            s->digest, o->written_digest);
}

enum err object_scan(int fd, const struct object_scan_options *o, struct object_scan *out, struct why *why)
{
	struct stat st;
	struct digest *d = NULL;
	*out = (struct object_scan){ .size = 0 };
	if (fstat(fd, &st))
		return fail_errno(why, ERR_IO, "looking at a file");
	out->size = (uint64_t)st.st_size;
	enum err e = read_meta(fd, out, why);
	if (!e && !(out->ts = ts_find(out->meta.transfer_syntax.s)))
		e = fail(why, ERR_FORMAT, "unknown transfer syntax %s", out->meta.transfer_syntax.s);
	if (!e && walker_new(&out->walker, out->ts))
		e = fail(why, ERR_NOMEM, "no memory to read a file");
	if (!e && !o->header_only && !(d = digest_new()))
		e = fail(why, ERR_NOMEM, "no memory to read a file");
	if (!e)
		e = walk(fd, o, out, d, why);
	if (d && e != ERR_IO && e != ERR_NOMEM && e != ERR_CANCELLED)
		digest_hex(d, out->digest);
	digest_free(&d);
	return !e && !o->header_only ? is_as_written(out, why) : e;
}

void object_scan_fini(struct object_scan *s)
{
	walker_free(&s->walker);
}
