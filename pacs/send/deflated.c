#include "pacs/send/deflated.h"

#include <zlib.h>

#include "pacs/base/fault.h"

enum { PIECE = 256 << 10, RAW = -MAX_WBITS };    /* RAW: no zlib header, as DICOM has it */

/* Some writers put zlib's two bytes before the stream, which the standard does not. */
static bool has_zlib_head(struct bytes in)
{
	return in.len > 2 && (in.p[0] & 15) == Z_DEFLATED && (in.p[0] * 256 + in.p[1]) % 31 == 0;
}

enum err deflated_unpack(struct bytes in, struct buf *out, struct why *why)
{
	z_stream z = { .next_in = (Bytef *)(uintptr_t)in.p, .avail_in = (uInt)in.len };
	int r = Z_OK;
	if (in.len > UINT32_MAX)
		return fail(why, ERR_LIMIT, "a deflated data set of %zu bytes", in.len);
	if (fault_fails(FAULT_ALLOC) || inflateInit2(&z, has_zlib_head(in) ? MAX_WBITS : RAW) != Z_OK)
		return fail(why, ERR_NOMEM, "no memory to inflate a data set");
	while (r == Z_OK) {
		uint8_t *p = buf_extend(out, PIECE);
		if (!p)
			break;
		z.next_out = p;
		z.avail_out = PIECE;
		r = inflate(&z, Z_NO_FLUSH);
		out->len -= z.avail_out;
		if (r == Z_OK && !z.avail_in && z.avail_out)
			r = Z_BUF_ERROR;         /* all is read and the stream has not ended */
	}
	inflateEnd(&z);
	if (buf_err(out))
		return fail(why, buf_err(out), "a deflated data set of over %zu plain bytes", out->len);
	return r == Z_STREAM_END ? ERR_OK : fail(why, r == Z_MEM_ERROR ? ERR_NOMEM : ERR_FORMAT, "the deflated data set cannot be read behind byte %lu of %zu", z.total_in, in.len);
}

static enum err feed(z_stream *z, struct bytes b, bool is_last, struct buf *out)
{
	int r = Z_OK;
	z->next_in = (Bytef *)(uintptr_t)b.p;
	z->avail_in = (uInt)b.len;
	do {
		uint8_t *p = buf_extend(out, PIECE);
		if (!p)
			return buf_err(out);
		z->next_out = p;
		z->avail_out = PIECE;
		r = deflate(z, is_last ? Z_FINISH : Z_NO_FLUSH);
		out->len -= z->avail_out;
	} while (r != Z_STREAM_END && (z->avail_in || !z->avail_out || is_last));
	return ERR_OK;
}

enum err deflated_pack(struct bytes head, struct bytes rest, struct buf *out, struct why *why)
{
	z_stream z = { .next_in = NULL };
	size_t before = out->len;
	if (head.len > UINT32_MAX || rest.len > UINT32_MAX)
		return fail(why, ERR_LIMIT, "a data set of %zu bytes to deflate", head.len + rest.len);
	if (fault_fails(FAULT_ALLOC) || deflateInit2(&z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, RAW, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		return fail(why, ERR_NOMEM, "no memory to deflate a data set");
	enum err e = feed(&z, head, false, out);
	if (!e)
		e = feed(&z, rest, true, out);
	deflateEnd(&z);
	if (!e && (out->len - before) % 2)
		buf_add_byte(out, 0);
	return e || buf_err(out) ? fail(why, e ? e : buf_err(out), "no memory for a deflated data set") : ERR_OK;
}
