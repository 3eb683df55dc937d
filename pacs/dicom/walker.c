#include "pacs/dicom/walker.h"

#include <stdlib.h>

#include "pacs/base/fault.h"
#include "pacs/dicom/part10.h"
#include "pacs/dicom/walker_impl.h"

enum { INFLATE_CHUNK = 16384 };

enum err walker_new(struct walker **out, const struct ts *ts)
{
	struct walker *w = fault_fails(FAULT_ALLOC) ? NULL : calloc(1, sizeof(*w));
	*out = w;
	if (!w)
		return ERR_NOMEM;
	buf_init(&w->header, BOUND_HEADER);
	w->enc = ds_encoding_of(ts);
	w->stream = ts->is_deflated ? STREAM_SNIFF : STREAM_PLAIN;
	return ERR_OK;
}

void walker_free(struct walker **w)
{
	if (!*w)
		return;
	if ((*w)->is_inflater_there)
		inflateEnd(&(*w)->z);
	buf_fini(&(*w)->header);
	free(*w);
	*w = NULL;
}

/* ---- the deflated stream ---- */

static enum err inflate_and_walk(struct walker *w, struct bytes in)
{
	uint8_t plain[INFLATE_CHUNK];
	enum err e = ERR_OK;
	/* zlib takes its input as not const, and does not write to it. */
	w->z.next_in = (Bytef *)(uintptr_t)in.p;
	w->z.avail_in = (uInt)in.len;
	do {
		w->z.next_out = plain;
		w->z.avail_out = sizeof(plain);
		int z = inflate(&w->z, Z_NO_FLUSH);
		/* What came out before an error is looked at first: it may reach pixel data. */
		e = walker_walk(w, bytes_of(plain, sizeof(plain) - w->z.avail_out));
		w->is_inflated_to_end = z == Z_STREAM_END;
		if (!e && z != Z_OK && z != Z_STREAM_END && z != Z_BUF_ERROR)
			e = fail(&w->why, ERR_FORMAT, "deflated data set: %s after %llu bytes", w->z.msg ? w->z.msg : "no deflate stream",
			         (unsigned long long)w->z.total_out);
		if (!e && w->z.total_out > BOUND_INFLATED)
			e = fail(&w->why, ERR_LIMIT, "deflated data set: over %d bytes before pixel data", BOUND_INFLATED);
		/* What follows the deflate stream is padding. */
		if (!e && w->is_inflated_to_end)
			e = ERR_END;
	} while (!e && w->z.avail_out == 0);
	return e;
}

/* Raw deflate as the standard has it, a zlib stream as some send it, or not deflated at all. */
static enum err choose_stream(struct walker *w)
{
	const uint8_t *p = w->sniffed;
	bool is_explicit, is_big, is_zlib = (p[0] & 0x0F) == Z_DEFLATED && be16(p) % 31 == 0;
	if (part10_guess(bytes_of(p, SNIFF), &is_explicit, &is_big)) {
		w->stream = STREAM_PLAIN;
		w->is_mislabelled = true;
		return ERR_OK;
	}
	w->stream = STREAM_DEFLATED;
	if (inflateInit2(&w->z, is_zlib ? MAX_WBITS : -MAX_WBITS) != Z_OK)
		return fail(&w->why, ERR_NOMEM, "deflated data set: no memory for the inflater");
	w->is_inflater_there = true;
	return ERR_OK;
}

static enum err feed(struct walker *w, struct bytes in);

static enum err sniff(struct walker *w, struct bytes in)
{
	size_t n = SNIFF - w->sniffed_len;
	if (n > in.len)
		n = in.len;
	memcpy(w->sniffed + w->sniffed_len, in.p, n);
	w->sniffed_len += n;
	if (w->sniffed_len < SNIFF)
		return ERR_OK;
	enum err e = choose_stream(w);
	if (!e)
		e = feed(w, bytes_of(w->sniffed, SNIFF));
	if (e == ERR_END)
		w->pixel_seen += in.len - n;
	return e ? e : feed(w, bytes_of(in.p + n, in.len - n));
}

static enum err feed(struct walker *w, struct bytes in)
{
	if (!in.len)
		return ERR_OK;
	switch (w->stream) {
	case STREAM_PLAIN: return walker_walk(w, in);
	case STREAM_SNIFF: return sniff(w, in);
	case STREAM_DEFLATED: return inflate_and_walk(w, in);
	}
	return ERR_OK;
}

enum err walker_feed(struct walker *w, struct bytes in, struct why *why)
{
	if (!w->result)
		w->result = feed(w, in);
	else
		w->pixel_seen += in.len;
	if (w->result && why)
		*why = w->why;
	return w->result;
}

/* ---- the end ---- */

static enum err finish(struct walker *w)
{
	if (w->result && w->result != ERR_END)
		return w->result;
	if (w->has_pixels && w->stream == STREAM_PLAIN && w->pixel_len != LENGTH_UNDEFINED && w->pixel_seen < w->pixel_len)
		return fail(&w->why, ERR_FORMAT, "pixel data: %u bytes announced, %llu came", w->pixel_len, (unsigned long long)w->pixel_seen);
	if (w->result == ERR_END && !(w->is_inflated_to_end && !w->has_pixels))
		return ERR_OK;
	if (w->value_left)
		return fail(&w->why, ERR_FORMAT, "data set: cut at offset %llu, %llu bytes of a value missing",
		            (unsigned long long)w->offset, (unsigned long long)w->value_left);
	for (size_t i = 0; i < w->head_len; i++)
		if (w->head[i])
			return fail(&w->why, ERR_FORMAT, "data set: cut at offset %llu inside an element header", (unsigned long long)w->offset);
	if (w->stream == STREAM_SNIFF ? w->sniffed_len : w->stream == STREAM_DEFLATED && !w->is_inflated_to_end)
		return fail(&w->why, ERR_FORMAT, "deflated data set: cut after %llu bytes", (unsigned long long)w->offset);
	return ERR_OK;
}

enum err walker_finish(struct walker *w, struct why *why)
{
	enum err e = finish(w);
	if (e) {
		w->result = e;
		if (why)
			*why = w->why;
	}
	return e;
}

struct bytes walker_header(const struct walker *w)
{
	return buf_view(&w->header);
}

enum ds_encoding walker_encoding(const struct walker *w)
{
	return w->enc;
}

bool walker_was_mislabelled(const struct walker *w)
{
	return w->is_mislabelled;
}

bool walker_has_pixel_data(const struct walker *w)
{
	return w->has_pixels;
}

uint32_t walker_pixel_length(const struct walker *w)
{
	return w->pixel_len;
}
