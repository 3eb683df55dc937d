#include <stdlib.h>

#include "pacs/base/fault.h"
#include "pacs/xcode/transcode_impl.h"

/* ---- element heads ---- */

static bool is_big(const struct work *w)
{
	return w->how->to->is_big_endian;
}

static void add_head(struct work *w, uint32_t tag, vr_t vr, uint32_t len)
{
	uint8_t head[12] = { 0 };
	bool is_explicit = w->how->to->is_explicit;
	uint8_t *length = is_explicit ? head + 8 : head + 4;
	if (is_big(w)) {
		put_be32(head, tag);
		put_be32(length, len);
	} else {
		put_le16(head, TAG_GROUP(tag));
		put_le16(head + 2, TAG_ELEMENT(tag));
		put_le32(length, len);
	}
	if (is_explicit) {
		head[4] = (uint8_t)(vr >> 8);
		head[5] = (uint8_t)vr;
	}
	out_file_add(&w->out, bytes_of(head, is_explicit ? 12 : 8));
}

static void add_pixel_head(struct work *w, vr_t vr, uint32_t len)
{
	add_head(w, TAG_PIXEL_DATA, vr, len);
	w->pixels_at = w->out.at;
}

static void add_item(struct work *w, uint32_t tag, size_t len)
{
	uint8_t head[8];
	put_le16(head, TAG_GROUP(tag));
	put_le16(head + 2, TAG_ELEMENT(tag));
	put_le32(head + 4, (uint32_t)len);
	out_file_add(&w->out, bytes_of(head, sizeof(head)));
}

/* ---- encapsulated: one fragment for each frame (PS3.5 annex A.4) ---- */

/* Tables of where the frames are. Basic: 32-bit offsets in item 0. Extended, when those might not reach the last frame:
 * (7FE0,0001) offsets and (7FE0,0002) lengths of 64 bits before pixel data, and an empty item 0. */
struct tables {
	bool is_extended;
	uint64_t *offsets, *lengths;     /* owned */
	unsigned frames;
	uint64_t at;                     /* of the first number in the file */
};

static enum err tables_init(struct tables *t, struct work *w)
{
	unsigned frames = w->in.desc.frames;
	uint64_t reach = w->how->basic_reach ? w->how->basic_reach : UINT32_MAX;
	*t = (struct tables){ .frames = frames, .is_extended = (uint64_t)frames * (2 * w->frame_len + 1024) >= reach };
	t->offsets = calloc(frames, sizeof(*t->offsets));
	t->lengths = calloc(frames, sizeof(*t->lengths));
	return t->offsets && t->lengths ? ERR_OK : fail(&w->r->why, ERR_NOMEM, "no memory for %u offsets", frames);
}

static void tables_fini(struct tables *t)
{
	free(t->offsets);
	free(t->lengths);
}

/* As it will stand in the file, zeros first. */
static enum err tables_write(const struct tables *t, struct work *w, const uint64_t *numbers, unsigned width, struct buf *out)
{
	for (unsigned n = 0; n < t->frames; n++) {
		buf_add_le32(out, (uint32_t)numbers[n]);
		if (width == 8)
			buf_add_le32(out, (uint32_t)(numbers[n] >> 32));
	}
	return buf_err(out) ? fail(&w->r->why, buf_err(out), "no memory for %u offsets", t->frames) : ERR_OK;
}

/* Room for the tables before the frames are known. */
static enum err tables_reserve(struct tables *t, struct work *w)
{
	struct buf zeros;
	buf_init(&zeros, 8 * (size_t)BOUND_FRAMES);
	enum err e = tables_write(t, w, t->offsets, t->is_extended ? 8 : 4, &zeros);
	if (e) {
		buf_fini(&zeros);
		return e;
	}
	if (t->is_extended) {
		add_head(w, TAG(0x7FE0, 0x0001), VR_OV, (uint32_t)zeros.len);
		t->at = w->out.at;
		out_file_add(&w->out, buf_view(&zeros));
		add_head(w, TAG(0x7FE0, 0x0002), VR_OV, (uint32_t)zeros.len);
		out_file_add(&w->out, buf_view(&zeros));
	}
	add_pixel_head(w, VR_OB, LENGTH_UNDEFINED);
	add_item(w, TAG_ITEM, t->is_extended ? 0 : zeros.len);
	if (!t->is_extended) {
		t->at = w->out.at;
		out_file_add(&w->out, buf_view(&zeros));
	}
	buf_fini(&zeros);
	return ERR_OK;
}

static enum err tables_correct(const struct tables *t, struct work *w)
{
	struct buf b;
	unsigned width = t->is_extended ? 8 : 4;
	buf_init(&b, 8 * (size_t)BOUND_FRAMES);
	enum err e = tables_write(t, w, t->offsets, width, &b);
	if (!e)
		e = out_file_correct(&w->out, t->at, buf_view(&b), &w->r->why);
	buf_reset(&b);
	if (!e && t->is_extended && !(e = tables_write(t, w, t->lengths, width, &b)))
		e = out_file_correct(&w->out, t->at + 8ull * t->frames + 12, buf_view(&b), &w->r->why);
	buf_fini(&b);
	return e;
}

/* A test makes the codec lie: it is given other samples than those that are compared later. */
static const uint8_t *spoilt(struct work *w, const uint8_t *samples)
{
	if (!fault_fails(FAULT_CODEC))
		return samples;
	if (samples != w->frame)
		memcpy(w->frame, samples, w->frame_len);
	w->frame[0] ^= 1;
	return w->frame;
}

static enum err add_frame(struct work *w, unsigned n, struct tables *t, uint64_t base, struct buf *stream)
{
	const uint8_t *samples;
	struct image_desc d = w->in.desc;
	enum err e = transcode_frame(w, n, &samples);
	if (e)
		return e;
	if (w->in.is_encapsulated)       /* a native source is compared with itself */
		digest_add(w->samples, bytes_of(samples, w->frame_len));
	memcpy(d.photometric, w->plan.wants_rgb ? "RGB" : w->photometric, w->plan.wants_rgb ? sizeof("RGB") : sizeof(d.photometric));
	d.planar = 0;
	buf_reset(stream);
	e = codec_encode_level(&d, w->how->to, w->how->level, spoilt(w, samples), stream, &w->r->why);
	t->lengths[n] = stream->len;
	w->coded_bytes += stream->len;
	if (!e && stream->len & 1)
		buf_add_byte(stream, 0);
	if (!e && (buf_err(stream) || stream->len > UINT32_MAX - 1))
		e = fail(&w->r->why, ERR_LIMIT, "frame %u becomes %zu bytes", n + 1, stream->len);
	if (e)
		return e;
	t->offsets[n] = w->out.at - base;
	add_item(w, TAG_ITEM, stream->len);
	out_file_add(&w->out, buf_view(stream));
	return ERR_OK;
}

static enum err write_encapsulated(struct work *w)
{
	struct tables t;
	struct buf stream;
	enum err e = tables_init(&t, w);
	buf_init(&stream, 4 * w->frame_len + (1 << 20));
	buf_reserve(&stream, w->frame_len);      /* growing would copy the stream several times */
	if (!e && buf_err(&stream))
		e = fail(&w->r->why, ERR_NOMEM, "no memory for a stream of up to %zu bytes", w->frame_len);
	if (!e)
		e = tables_reserve(&t, w);
	uint64_t base = w->out.at;
	for (unsigned n = 0; !e && n < w->in.desc.frames; n++)
		e = add_frame(w, n, &t, base, &stream);
	buf_fini(&stream);
	add_item(w, TAG_SEQUENCE_END, 0);
	if (!e)
		e = out_file_flush(&w->out, &w->r->why);
	if (!e)
		e = tables_correct(&t, w);
	tables_fini(&t);
	return e;
}

/* ---- native ---- */

/* len bytes, in units of mask + 1 turned round; the last of an odd run gets its pad byte from beyond. */
static void add_turned(struct work *w, const uint8_t *p, size_t len, size_t mask)
{
	if (mask == 0)
		out_file_add(&w->out, bytes_of(p, len));
	for (size_t at = 0; mask && at < len;) {
		uint8_t chunk[4096];
		size_t n = len - at < sizeof(chunk) ? len - at : sizeof(chunk);
		for (size_t i = 0; i < n; i++)
			chunk[i] = ((at + i) ^ mask) < len ? p[(at + i) ^ mask] : 0;
		out_file_add(&w->out, bytes_of(chunk, n));
		at += n;
	}
}

static enum err write_decoded(struct work *w)
{
	uint64_t len = (uint64_t)w->frame_len * w->in.desc.frames;
	bool is_wide = w->in.desc.allocated > 8;
	size_t mask = is_big(w) ? w->in.desc.allocated / 8 - 1 : 0;
	add_pixel_head(w, is_wide || !w->how->to->is_explicit ? VR_OW : VR_OB, (uint32_t)(len + (len & 1)));
	for (unsigned n = 0; n < w->in.desc.frames; n++) {
		const uint8_t *samples;
		enum err e = transcode_frame(w, n, &samples);
		if (e)
			return e;
		digest_add(w->samples, bytes_of(samples, w->frame_len));
		add_turned(w, samples, w->frame_len, mask);
	}
	if (len & 1)
		out_file_add(&w->out, BYTES("\0"));
	return ERR_OK;
}

/* Native to native: the value as it is, its bytes in the other order if need be. An odd one is padded. */
static void copy_pixels(struct work *w)
{
	struct bytes v = w->in.pixels.value;
	bool is_turned = (w->in.enc == DS_EXPLICIT_BE) != is_big(w);
	add_pixel_head(w, w->in.pixels.head.vr, (uint32_t)(v.len + (v.len & 1)));
	add_turned(w, v.p, v.len, is_turned ? image_file_cell(&w->in) - 1 : 0);
	if (v.len & 1)
		out_file_add(&w->out, BYTES("\0"));
}

enum err transcode_pixels(struct work *w)
{
	enum err e = ERR_OK;
	if (encodes(w))
		e = write_encapsulated(w);
	else if (w->in.is_encapsulated)
		e = write_decoded(w);
	else if (w->in.has_pixels)
		copy_pixels(w);
	w->r->pixel_bytes_in = w->in.has_pixels ? w->in.pixels.value.len : 0;
	w->r->pixel_bytes_out = w->pixels_at ? w->out.at - w->pixels_at : 0;
	return e;
}
