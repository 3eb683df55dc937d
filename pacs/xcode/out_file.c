#include "pacs/xcode/out_file.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <zlib.h>

#include "pacs/base/durable.h"

void out_file_init(struct out_file *o, int fd)
{
	*o = (struct out_file){ .fd = fd };
	buf_init(&o->pending, OUT_FILE_BUFFER);
}

void out_file_fini(struct out_file *o)
{
	buf_fini(&o->pending);
	if (o->deflate)
		deflateEnd(o->deflate);
	free(o->deflate);
	o->deflate = NULL;
}

static void put(struct out_file *o, const void *p, size_t len, uint64_t at)
{
	if (!o->err)
		o->err = durable_pwrite(o->fd, p, len, (off_t)at, &o->why);
}

static void put_pending(struct out_file *o)
{
	if (o->pending.len == 0)
		return;
	put(o, o->pending.p, o->pending.len, o->at - o->pending.len);
	buf_reset(&o->pending);
}

static void put_bytes(struct out_file *o, struct bytes b)
{
	bool is_large = b.len > OUT_FILE_BUFFER / 2;
	if (is_large || b.len > OUT_FILE_BUFFER - o->pending.len)
		put_pending(o);
	if (is_large)
		put(o, b.p, b.len, o->at);
	else
		buf_add(&o->pending, b.p, b.len);
	if (buf_err(&o->pending) && !o->err)
		o->err = fail(&o->why, buf_err(&o->pending), "no memory for an output buffer");
	o->at += b.len;
}

/* ---- deflated ---- */

/* Feeds b (and with Z_FINISH the end) through zlib; what comes out is written. */
static void squeeze(struct out_file *o, struct bytes b, int flush)
{
	uint8_t chunk[1 << 15];
	int r = Z_OK;
	o->deflate->next_in = (Bytef *)(uintptr_t)b.p;
	o->deflate->avail_in = (uInt)b.len;
	do {
		o->deflate->next_out = chunk;
		o->deflate->avail_out = sizeof(chunk);
		r = deflate(o->deflate, flush);
		put_bytes(o, bytes_of(chunk, sizeof(chunk) - o->deflate->avail_out));
	} while (o->deflate->avail_out == 0);
	if (r == Z_STREAM_ERROR && !o->err)
		o->err = fail(&o->why, ERR_MISMATCH, "deflating: zlib says %d", r);
}

void out_file_deflate(struct out_file *o)
{
	o->deflate = calloc(1, sizeof(*o->deflate));
	if (o->deflate && deflateInit2(o->deflate, Z_DEFAULT_COMPRESSION, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY) == Z_OK)
		return;
	free(o->deflate);
	o->deflate = NULL;
	if (!o->err)
		o->err = fail(&o->why, ERR_NOMEM, "no memory to deflate");
}

void out_file_deflate_end(struct out_file *o)
{
	if (!o->deflate)
		return;
	squeeze(o, (struct bytes){ NULL, 0 }, Z_FINISH);
	deflateEnd(o->deflate);
	free(o->deflate);
	o->deflate = NULL;
	if (o->at & 1)
		put_bytes(o, BYTES("\0"));
}

void out_file_add(struct out_file *o, struct bytes b)
{
	if (!o->deflate) {
		put_bytes(o, b);
		return;
	}
	for (size_t n; b.len; b = bytes_of(b.p + n, b.len - n)) {
		n = b.len < 1u << 30 ? b.len : 1u << 30;
		squeeze(o, bytes_of(b.p, n), Z_NO_FLUSH);
	}
}

void out_file_le32(struct out_file *o, uint32_t v)
{
	uint8_t p[4];
	put_le32(p, v);
	out_file_add(o, bytes_of(p, sizeof(p)));
}

enum err out_file_flush(struct out_file *o, struct why *why)
{
	put_pending(o);
	if (o->err && why)
		*why = o->why;
	return o->err;
}

enum err out_file_correct(struct out_file *o, uint64_t at, struct bytes b, struct why *why)
{
	return durable_pwrite(o->fd, b.p, b.len, (off_t)at, why);
}

enum err out_file_map(struct out_file *o, struct bytes *out, struct why *why)
{
	void *p = mmap(NULL, (size_t)o->at, PROT_READ, MAP_SHARED | MAP_POPULATE, o->fd, 0);
	if (p == MAP_FAILED)
		return fail_errno(why, ERR_IO, "mapping the output of %llu bytes", (unsigned long long)o->at);
	*out = bytes_of(p, (size_t)o->at);
	return ERR_OK;
}

void out_file_unmap(struct bytes *b)
{
	if (b->p)
		munmap((void *)(uintptr_t)b->p, b->len);
	*b = (struct bytes){ NULL, 0 };
}
