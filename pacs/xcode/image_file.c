#include "pacs/xcode/image_file.h"

#include <stdlib.h>
#include <zlib.h>

enum { GROUP_PIXELS = 0x7FE0, SHORT_VALUE = 1024 };

/* ---- a deflated data set ---- */

static enum err inflate_to(z_stream *z, struct buf *out, struct why *why)
{
	int r = Z_OK;
	while (r == Z_OK) {
		size_t had = out->len, room = out->cap > had ? out->cap - had - 1 : 0;
		size_t step = room > 65536 ? room : 65536;
		uint8_t *p = buf_extend(out, step);
		if (!p)
			return fail(why, buf_err(out), "a data set of over %zu bytes inflated", had);
		z->next_out = p;
		z->avail_out = (uInt)step;
		r = inflate(z, Z_NO_FLUSH);
		out->len = had + step - z->avail_out;
		if (r == Z_BUF_ERROR && z->avail_in == 0)
			break;
	}
	return r == Z_STREAM_END ? ERR_OK : fail(why, ERR_FORMAT, "deflated data set: zlib says %d after %zu bytes", r, out->len);
}

/* Some writers put a zlib header in front, which the standard does not have (PS3.5 annex A.5). */
static enum err inflate_all(struct image_file *f, struct bytes in, struct why *why)
{
	bool has_zlib_head = in.len > 2 && in.p[0] == 0x78 && be16(in.p) % 31 == 0;
	z_stream z = { .next_in = (Bytef *)(uintptr_t)in.p, .avail_in = (uInt)in.len };
	struct buf out;
	if (in.len > UINT32_MAX || inflateInit2(&z, has_zlib_head ? 15 : -15) != Z_OK)
		return fail(why, ERR_NOMEM, "no memory to inflate %zu bytes", in.len);
	buf_init(&out, BOUND_XCODE_BYTES);
	enum err e = inflate_to(&z, &out, why);
	inflateEnd(&z);
	if (e) {
		buf_fini(&out);
		return e;
	}
	f->inflated = out.p;
	f->data = buf_view(&out);
	return ERR_OK;
}

/* ---- what is needed of the header ---- */

static bool is_wanted(const struct span *s)
{
	uint16_t group = TAG_GROUP(s->head.tag);
	return group == 0x0028 || group == 0x2050 || (group == 0x0008 && s->head.vr != VR_SQ && s->value.len < SHORT_VALUE);
}

static void take_pixel_element(struct image_file *f, const struct span *s)
{
	if (s->head.tag == TAG(0x7FE0, 0x0001))
		f->ext_offsets = s->value;
	if (s->head.tag != TAG_PIXEL_DATA || f->has_pixels)
		return;
	f->pixels = *s;
	f->has_pixels = true;
	f->is_encapsulated = s->head.body == BODY_FRAGMENTS || s->head.body == BODY_SEQUENCE;
}

static enum err scan_header(struct image_file *f, struct buf *wanted, struct why *why)
{
	size_t at = 0;
	struct span s;
	enum err e;
	f->header_len = f->data.len;
	while ((e = scan_next(f->data, f->enc, &at, &s, why)) == ERR_OK) {
		if (TAG_GROUP(s.head.tag) == GROUP_PIXELS && f->header_len > s.at)
			f->header_len = s.at;
		if (TAG_GROUP(s.head.tag) == GROUP_PIXELS)
			take_pixel_element(f, &s);
		else if (!f->has_pixels && is_wanted(&s))
			buf_add(wanted, f->data.p + s.at, s.end - s.at);
		if (f->has_pixels)
			return ERR_OK;
	}
	return e == ERR_END ? ERR_OK : e;
}

static enum err read_header(struct image_file *f, struct why *why)
{
	struct buf wanted;
	buf_init(&wanted, BOUND_HEADER);
	enum err e = scan_header(f, &wanted, why);
	if (!e && buf_err(&wanted))
		e = fail(why, buf_err(&wanted), "the image's own header elements are over %d bytes", BOUND_HEADER);
	if (!e)
		e = dataset_parse(&f->arena, buf_view(&wanted), f->enc, &f->header, why);
	buf_fini(&wanted);
	return e;
}

/* A file without meta header tells its UIDs in the data set. */
static enum err complete_meta(struct image_file *f, struct why *why)
{
	enum err e = ERR_OK;
	if (!f->meta.sop_class.s[0])
		e = uid_take(&f->meta.sop_class, bytes_str(dataset_str(f->header, TAG_SOP_CLASS_UID)));
	if (!e && !f->meta.sop_instance.s[0])
		e = uid_take(&f->meta.sop_instance, bytes_str(dataset_str(f->header, TAG_SOP_INSTANCE_UID)));
	return e ? fail(why, e, "a SOP class or instance UID of over %d letters", BOUND_UID) : ERR_OK;
}

enum err image_file_init(struct image_file *f, struct bytes file, struct why *why)
{
	memset(f, 0, sizeof(*f));
	arena_init(&f->arena, 4 * (size_t)BOUND_HEADER);
	buf_init(&f->joined, BOUND_XCODE_BYTES);
	buf_init(&f->turned, BOUND_XCODE_BYTES);
	enum err e = part10_read(file, &f->meta, why);
	if (e)
		return e == ERR_MORE ? fail(why, ERR_FORMAT, "the file ends within its meta header") : e;
	f->ts = ts_find(f->meta.transfer_syntax.s);
	if (!f->ts)
		return fail(why, ERR_UNSUPPORTED, "transfer syntax \"%s\" is not known", f->meta.transfer_syntax.s);
	f->data = bytes_of(file.p + f->meta.dataset_at, file.len - f->meta.dataset_at);
	if (f->ts->is_deflated)
		e = inflate_all(f, f->data, why);
	f->enc = ds_encoding_of(f->ts);
	if (!e && f->data.len >= 8)
		f->enc = head_detect(f->data.p, f->enc, false);
	if (!e)
		e = read_header(f, why);
	return e ? e : complete_meta(f, why);
}

void image_file_fini(struct image_file *f)
{
	frame_index_free(&f->frames);
	arena_fini(&f->arena);
	buf_fini(&f->joined);
	buf_fini(&f->turned);
	free(f->inflated);
	f->inflated = NULL;
}

/* ---- frames ---- */

/* How the codec is told that samples are plain. */
static const struct ts *frame_syntax(const struct image_file *f)
{
	return f->is_encapsulated ? f->ts : ts_find(TS_EXPLICIT_LE);
}

enum err image_file_index(struct image_file *f, struct why *why)
{
	if (!f->has_pixels)
		return fail(why, ERR_UNSUPPORTED, "no pixel data");
	if (f->is_encapsulated && !f->ts->is_encapsulated)
		return fail(why, ERR_FORMAT, "encapsulated pixel data in %s", f->ts->name);
	enum err e = image_desc_read(f->header, &f->desc, why);
	if (!e && !codec_can_decode(f->ts))
		e = fail(why, ERR_UNSUPPORTED, "no decoder for %s", f->ts->name);
	if (e)
		return e;
	/* Defined length in an encapsulated syntax: a mislabelled file when it is as long as native pixels are. */
	if (f->ts->is_encapsulated && !f->is_encapsulated && f->pixels.value.len / image_frame_bytes(&f->desc) != f->desc.frames)
		return fail(why, ERR_FORMAT, "pixel data of %zu bytes, not encapsulated, in %s", f->pixels.value.len, f->ts->name);
	return frame_index_new(&f->desc, frame_syntax(f), f->pixels.value, f->ext_offsets, &f->frames, why);
}

unsigned image_file_cell(const struct image_file *f)
{
	unsigned cell = f->desc.allocated / 8, unit = vr_swap_unit(f->pixels.head.vr);
	return cell > unit ? cell : unit;
}

unsigned image_file_swap_unit(const struct image_file *f)
{
	return f->enc != DS_EXPLICIT_BE || f->is_encapsulated ? 1 : image_file_cell(f);
}

const uint8_t *image_file_view(const struct image_file *f, unsigned frame)
{
	uint64_t len = image_frame_bytes(&f->desc), at = frame * len;
	bool is_packed = f->desc.samples == 3 && !strcmp(f->desc.photometric, "YBR_FULL_422");
	if (f->is_encapsulated || is_packed || f->desc.planar || image_file_swap_unit(f) > 1 || at > f->pixels.value.len || len > f->pixels.value.len - at)
		return NULL;
	const uint8_t *p = f->pixels.value.p + at;
	return (uintptr_t)p % (f->desc.allocated / 8) ? NULL : p;       /* codecs read whole samples */
}

/* Swapping is of units of the whole value, which need not be units of a frame: 8-bit pixels in OW. */
static enum err turn(struct image_file *f, struct bytes *stream, struct why *why)
{
	size_t off = (size_t)(stream->p - f->pixels.value.p), mask = image_file_swap_unit(f) - 1;
	if (mask == 0)
		return ERR_OK;
	buf_reset(&f->turned);
	uint8_t *p = buf_extend(&f->turned, stream->len);
	if (!p)
		return fail(why, buf_err(&f->turned), "no memory for a frame of %zu bytes", stream->len);
	for (size_t i = 0; i < stream->len; i++) {
		size_t from = (off + i) ^ mask;
		p[i] = from < f->pixels.value.len ? f->pixels.value.p[from] : 0;
	}
	*stream = buf_view(&f->turned);
	return ERR_OK;
}

static enum err stream_of(struct image_file *f, unsigned frame, struct bytes *out, struct why *why)
{
	enum err e = frame_get(f->frames, frame, &f->joined, out, why);
	return e ? e : turn(f, out, why);
}

enum err image_file_frame(struct image_file *f, unsigned frame, uint8_t *out, char photometric_out[17], struct why *why)
{
	struct bytes stream;
	enum err e = stream_of(f, frame, &stream, why);
	if (!e)
		e = (f->ask_other_library ? codec_decode_otherwise : codec_decode)(&f->desc, frame_syntax(f), stream, out, photometric_out, why);
	return e;
}

enum err image_file_frame_small(struct image_file *f, unsigned frame, unsigned halvings, uint8_t *out, struct image_desc *small, char photometric_out[17], struct why *why)
{
	struct bytes stream;
	enum err e = stream_of(f, frame, &stream, why);
	return e ? e : codec_decode_small(&f->desc, frame_syntax(f), stream, halvings, out, small, photometric_out, why);
}
