#include "pacs/xcode/transcode.h"

#include <stdlib.h>

#include "pacs/base/clock.h"
#include "pacs/base/fault.h"
#include "pacs/store/digest.h"

struct work {
	struct image_file in;
	struct out_file out;
	const struct ts *to;
	struct xcode_result *r;
	struct new_pixels change;
	uint8_t *frame, *other;          /* owned; two frames, for writing and comparing */
	size_t frame_len;
	struct digest *samples;          /* owned; of what was given to be written */
	uint64_t pixels_at;              /* where the value of pixel data begins in the output */
};

static unsigned ms_since(uint64_t start_ns)
{
	return (unsigned)((clock_mono_ns() - start_ns) / 1000000);
}

/* ---- what is to be done ---- */

static enum err take_frames(struct work *w)
{
	enum err e = image_file_index(&w->in, &w->r->why);
	if (e)
		return e;
	w->frame_len = (size_t)image_frame_bytes(&w->in.desc);
	w->frame = malloc(w->frame_len);
	w->other = malloc(w->frame_len);
	w->samples = digest_new();
	if (!w->frame || !w->other || !w->samples)
		return fail(&w->r->why, ERR_NOMEM, "no memory for frames of %zu bytes", w->frame_len);
	return ERR_OK;
}

static bool is_422(const struct image_desc *d)
{
	return !strcmp(d->photometric, "YBR_FULL_422");
}

static enum err plan_encode(struct work *w)
{
	const struct image_desc *d = &w->in.desc;
	if (w->in.is_encapsulated)
		return fail(&w->r->why, ERR_UNSUPPORTED, "it is compressed already, as %s", w->in.ts->name);
	enum err e = take_frames(w);
	if (e)
		return e;
	/* Two pixels share their chroma: what the decoder gives back would be another native form. */
	if (is_422(d))
		return fail(&w->r->why, ERR_UNSUPPORTED, "native YBR_FULL_422 stays as it is");
	memcpy(w->change.photometric, d->photometric, sizeof(d->photometric));
	if (d->samples == 3 && !strcmp(d->photometric, "RGB"))
		memcpy(w->change.photometric, "YBR_RCT", 8);
	w->change.has_planar = d->samples == 3;
	return ERR_OK;
}

/* The colour space is known after a frame is decoded, and the header stands before it. */
static enum err plan_decode(struct work *w)
{
	enum err e = take_frames(w);
	if (e)
		return e;
	uint64_t len = (uint64_t)w->frame_len * w->in.desc.frames;
	if (len >= LENGTH_UNDEFINED - 1)
		return fail(&w->r->why, ERR_UNSUPPORTED, "%llu bytes of samples do not fit a native length", (unsigned long long)len);
	w->change.has_planar = w->in.desc.samples == 3;
	return image_file_frame(&w->in, 0, w->frame, w->change.photometric, &w->r->why);
}

/* Native to native copies whatever is there, be it an image or not; its description only serves the check. */
static enum err plan_copy(struct work *w)
{
	enum err e = w->in.has_pixels ? take_frames(w) : ERR_OK;
	if (e == ERR_UNSUPPORTED || e == ERR_FORMAT)
		frame_index_free(&w->in.frames);
	return e == ERR_NOMEM ? e : ERR_OK;
}

static enum err plan(struct work *w)
{
	if (!strcmp(w->to->uid, w->in.ts->uid))
		return fail(&w->r->why, ERR_UNSUPPORTED, "it is %s already", w->to->name);
	if (codec_can_encode(w->to))
		return plan_encode(w);
	if (strcmp(w->to->uid, TS_EXPLICIT_LE) && strcmp(w->to->uid, TS_IMPLICIT_LE))
		return fail(&w->r->why, ERR_UNSUPPORTED, "no way to write %s", w->to->name);
	return w->in.is_encapsulated ? plan_decode(w) : plan_copy(w);
}

/* ---- pixel data ---- */

static void add_pixel_head(struct work *w, vr_t vr, uint32_t len)
{
	uint8_t head[12] = { 0xe0, 0x7f, 0x10, 0x00, (uint8_t)(vr >> 8), (uint8_t)vr };
	put_le32(w->to->is_explicit ? head + 8 : head + 4, len);
	out_file_add(&w->out, bytes_of(head, w->to->is_explicit ? 12 : 8));
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

static enum err next_frame(struct work *w, unsigned n)
{
	char photometric[17];
	enum err e = image_file_frame(&w->in, n, w->frame, photometric, &w->r->why);
	if (e)
		return e;
	digest_add(w->samples, bytes_of(w->frame, w->frame_len));
	if (w->in.is_encapsulated && strcmp(photometric, w->change.photometric))
		return fail(&w->r->why, ERR_FORMAT, "frame %u decodes to %s, the first to %s", n + 1, photometric, w->change.photometric);
	return ERR_OK;
}

/* One frame as one fragment of even length; its place goes to the offset table. */
static enum err add_fragment(struct work *w, unsigned n, struct buf *stream)
{
	enum err e = next_frame(w, n);
	buf_reset(stream);
	w->frame[0] ^= fault_fails(FAULT_CODEC);
	if (!e)
		e = codec_encode(&w->in.desc, w->to, w->frame, stream, &w->r->why);
	if (!e && stream->len & 1)
		buf_add_byte(stream, 0);
	if (!e && (buf_err(stream) || stream->len > UINT32_MAX - 1))
		e = fail(&w->r->why, ERR_LIMIT, "frame %u becomes %zu bytes", n + 1, stream->len);
	if (e)
		return e;
	add_item(w, TAG_ITEM, stream->len);
	out_file_add(&w->out, buf_view(stream));
	return ERR_OK;
}

static enum err add_frames(struct work *w, uint8_t *table, size_t table_len)
{
	struct buf stream;
	enum err e = ERR_OK;
	uint64_t base = w->pixels_at + 8 + table_len;
	buf_init(&stream, 2 * w->frame_len + (1 << 20));
	for (unsigned n = 0; !e && n < w->in.desc.frames; n++) {
		if (table_len)
			put_le32(table + 4 * (size_t)n, (uint32_t)(w->out.at - base));
		e = add_fragment(w, n, &stream);
	}
	buf_fini(&stream);
	return e;
}

/* The table is left empty when its 32-bit offsets might not reach the last frame. */
static enum err write_encapsulated(struct work *w)
{
	unsigned frames = w->in.desc.frames;
	bool is_small = (uint64_t)frames * (2 * w->frame_len + 8) < UINT32_MAX;
	size_t table_len = is_small ? 4 * (size_t)frames : 0;
	uint8_t *table = calloc((size_t)frames, 4);
	if (!table)
		return fail(&w->r->why, ERR_NOMEM, "no memory for %u offsets", frames);
	add_pixel_head(w, VR_OB, LENGTH_UNDEFINED);
	add_item(w, TAG_ITEM, table_len);
	out_file_add(&w->out, bytes_of(table, table_len));
	enum err e = add_frames(w, table, table_len);
	add_item(w, TAG_SEQUENCE_END, 0);
	if (!e)
		e = out_file_flush(&w->out, &w->r->why);
	if (!e && table_len)
		e = out_file_correct(&w->out, w->pixels_at + 8, bytes_of(table, table_len), &w->r->why);
	free(table);
	return e;
}

static enum err write_decoded(struct work *w)
{
	uint64_t len = (uint64_t)w->frame_len * w->in.desc.frames;
	add_pixel_head(w, w->in.desc.allocated > 8 || !w->to->is_explicit ? VR_OW : VR_OB, (uint32_t)(len + (len & 1)));
	for (unsigned n = 0; n < w->in.desc.frames; n++) {
		enum err e = next_frame(w, n);
		if (e)
			return e;
		out_file_add(&w->out, bytes_of(w->frame, w->frame_len));
	}
	if (len & 1)
		out_file_add(&w->out, BYTES("\0"));
	return ERR_OK;
}

/* Native to native: the value as it is, its bytes in the other order if need be. An odd one is padded. */
static void copy_pixels(struct work *w)
{
	struct bytes v = w->in.pixels.value;
	size_t mask = image_file_swap_unit(&w->in) - 1;
	vr_t vr = w->in.pixels.head.vr;
	add_pixel_head(w, vr, (uint32_t)(v.len + (v.len & 1)));
	if (mask == 0)
		out_file_add(&w->out, v);
	for (size_t at = 0; mask && at < v.len;) {
		uint8_t chunk[4096];
		size_t n = v.len - at < sizeof(chunk) ? v.len - at : sizeof(chunk);
		for (size_t i = 0; i < n; i++)
			chunk[i] = ((at + i) ^ mask) < v.len ? v.p[(at + i) ^ mask] : 0;
		out_file_add(&w->out, bytes_of(chunk, n));
		at += n;
	}
	if (v.len & 1)
		out_file_add(&w->out, BYTES("\0"));
}

static enum err write_pixels(struct work *w)
{
	enum err e = ERR_OK;
	if (codec_can_encode(w->to))
		e = write_encapsulated(w);
	else if (w->in.is_encapsulated)
		e = write_decoded(w);
	else if (w->in.has_pixels)
		copy_pixels(w);
	w->r->pixel_bytes_in = w->in.has_pixels ? w->in.pixels.value.len : 0;
	w->r->pixel_bytes_out = w->pixels_at ? w->out.at - w->pixels_at : 0;
	return e;
}

static enum err write_object(struct work *w)
{
	enum err e = transcode_head(&w->in, w->to, &w->change, &w->out, &w->r->why);
	if (!e)
		e = write_pixels(w);
	if (!e)
		e = transcode_tail(&w->in, w->to, &w->out, &w->r->why);
	if (!e)
		e = out_file_flush(&w->out, &w->r->why);
	return e;
}

/* ---- the proof: what was written is opened like any file, decoded and compared ---- */

/* A native source is asked again, sample by sample; a compressed one was digested while it was written, since
 * decoding it twice would tell nothing new. */
static enum err compare_frames(struct work *w, struct image_file *back, struct digest *seen)
{
	char photometric[17];
	for (unsigned n = 0; n < back->desc.frames; n++) {
		enum err e = image_file_frame(back, n, w->other, photometric, &w->r->why);
		if (e)
			return e;
		digest_add(seen, bytes_of(w->other, w->frame_len));
		if (w->in.is_encapsulated)
			continue;
		e = image_file_frame(&w->in, n, w->frame, photometric, &w->r->why);
		if (e)
			return e;
		if (memcmp(w->frame, w->other, w->frame_len))
			return fail(&w->r->why, ERR_MISMATCH, "frame %u decodes to other samples than were encoded", n + 1);
	}
	digest_hex(seen, w->r->pixel_digest);
	if (!w->in.is_encapsulated)
		return ERR_OK;
	char written[33];
	digest_hex(w->samples, written);
	return strcmp(written, w->r->pixel_digest) ? fail(&w->r->why, ERR_MISMATCH, "samples read back are not those written") : ERR_OK;
}

static enum err compare_image(struct work *w, struct image_file *back)
{
	enum err e = image_file_index(back, &w->r->why);
	if (!e && (back->desc.frames != w->in.desc.frames || image_frame_bytes(&back->desc) != w->frame_len))
		e = fail(&w->r->why, ERR_MISMATCH, "read back %u frames of %llu bytes", back->desc.frames, (unsigned long long)image_frame_bytes(&back->desc));
	struct digest *seen = e ? NULL : digest_new();
	if (!e && !seen)
		e = fail(&w->r->why, ERR_NOMEM, "no memory for a digest");
	if (!e)
		e = compare_frames(w, back, seen);
	digest_free(&seen);
	return e;
}

static enum err digest_whole(struct work *w, struct bytes data, char out[33])
{
	struct digest *d = digest_new();
	if (!d)
		return fail(&w->r->why, ERR_NOMEM, "no memory for a digest");
	digest_add(d, data);
	digest_hex(d, out);
	digest_free(&d);
	return ERR_OK;
}

static enum err verify(struct work *w)
{
	struct bytes file;
	struct image_file back;
	enum err e = out_file_map(&w->out, &file, &w->r->why);
	if (e)
		return e;
	e = image_file_init(&back, file, &w->r->why);
	if (!e && (strcmp(back.ts->uid, w->to->uid) || back.has_pixels != w->in.has_pixels))
		e = fail(&w->r->why, ERR_MISMATCH, "the output reads back as another kind of object");
	if (!e && w->in.frames)
		e = compare_image(w, &back);
	if (!e)
		e = digest_whole(w, bytes_of(file.p + back.meta.dataset_at, file.len - back.meta.dataset_at), w->r->digest);
	w->r->dataset_at = back.meta.dataset_at;
	w->r->size = file.len;
	image_file_fini(&back);
	out_file_unmap(&file);
	return e;
}

/* The samples are known when they were compared; their place in the meta group was left open. */
static enum err note_pixels(struct work *w)
{
	struct bytes file;
	if (!w->r->pixel_digest[0])
		return ERR_OK;
	enum err e = out_file_map(&w->out, &file, &w->r->why);
	if (e)
		return e;
	size_t at = part10_pixel_digest_at(bytes_of(file.p, (size_t)w->r->dataset_at));
	out_file_unmap(&file);
	return at ? out_file_correct(&w->out, at, bytes_of((const uint8_t *)w->r->pixel_digest, 32), &w->r->why) : ERR_OK;
}

static enum err work(struct work *w, struct bytes in)
{
	uint64_t start = clock_mono_ns();
	enum err e = image_file_init(&w->in, in, &w->r->why);
	struct part10 *meta = &w->in.meta;
	/* What was received first is told by the file from now on, as these bytes will go. */
	if (!e && meta->origin.received_ms && !meta->origin.received_digest[0])
		e = digest_whole(w, bytes_of(in.p + meta->dataset_at, in.len - meta->dataset_at), meta->origin.received_digest);
	if (!e)
		e = plan(w);
	if (!e)
		e = write_object(w);
	w->r->encode_ms = ms_since(start);
	start = clock_mono_ns();
	if (!e)
		e = verify(w);
	if (!e)
		e = note_pixels(w);
	w->r->verify_ms = ms_since(start);
	return e;
}

enum err transcode(struct bytes in, int out_fd, const struct ts *to, struct xcode_result *r)
{
	struct work w = { .to = to, .r = r };
	memset(r, 0, sizeof(*r));
	out_file_init(&w.out, out_fd);
	r->err = work(&w, in);
	digest_free(&w.samples);
	free(w.frame);
	free(w.other);
	out_file_fini(&w.out);
	image_file_fini(&w.in);
	return r->err;
}
