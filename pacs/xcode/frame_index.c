#include <stdlib.h>

#include "pacs/xcode/codec.h"

/* The pixel data value of an encapsulated syntax (PS3.5 annex A.4):
 *
 *   FE FF 00 E0 len32 <basic offset table>     item 0; may be empty
 *   FE FF 00 E0 len32 <fragment>               ...
 *   FE FF DD E0 00000000                       may be missing when the file was cut
 *
 * Table offsets count from the first byte behind item 0 to a fragment's item tag. */
enum { ITEM_HEAD = 8 };

struct fragment {
	uint64_t at;             /* of its item tag, as tables count */
	struct bytes data;
};

struct frame_index {
	unsigned frames;
	uint64_t native_len;     /* of one native frame; 0 = encapsulated */
	struct bytes value;
	struct fragment *fragments;      /* owned; zero-length ones left out */
	size_t count, cap;
	size_t *first;           /* owned; frames + 1: fragment where frame n starts */
};

static enum err add_fragment(struct frame_index *fx, uint64_t at, struct bytes data, struct why *why)
{
	if (fx->count == fx->cap) {
		size_t cap = fx->cap ? 2 * fx->cap : 64;
		if (cap > 16 * (size_t)BOUND_FRAMES)
			return fail(why, ERR_LIMIT, "over %zu fragments", fx->cap);
		struct fragment *p = realloc(fx->fragments, cap * sizeof(*p));
		if (!p)
			return fail(why, ERR_NOMEM, "no memory for %zu fragments", cap);
		fx->fragments = p;
		fx->cap = cap;
	}
	fx->fragments[fx->count++] = (struct fragment){ at, data };
	return ERR_OK;
}

/* A fragment cut by the end of the file is kept as far as it goes: the codec says what it is worth. */
static enum err read_fragments(struct frame_index *fx, struct bytes *table, struct why *why)
{
	const uint8_t *p = fx->value.p;
	size_t left = fx->value.len, base = 0;
	for (unsigned n = 0; left >= ITEM_HEAD; n++) {
		uint32_t tag = TAG(le16(p), le16(p + 2)), len = le32(p + 4);
		size_t at = fx->value.len - left, have = left - ITEM_HEAD;
		if (tag == TAG_SEQUENCE_END)
			break;
		if (tag != TAG_ITEM)
			return fail(why, ERR_FORMAT, "tag %08x at offset %zu of pixel data, wanted an item", tag, at);
		struct bytes data = { p + ITEM_HEAD, len < have ? len : have };
		if (n == 0) {
			*table = data;
			base = ITEM_HEAD + data.len;
		} else if (data.len) {
			enum err e = add_fragment(fx, at - base, data, why);
			if (e)
				return e;
		}
		p += ITEM_HEAD + data.len;
		left = have - data.len;
	}
	return fx->count ? ERR_OK : fail(why, ERR_FORMAT, "encapsulated pixel data without a fragment");
}

/* Offsets as the table has them, made relative to its first: some writers count from the start of the file. */
static uint64_t offset_at(struct bytes table, unsigned width, unsigned n)
{
	const uint8_t *p = table.p + (size_t)n * width;
	return width == 8 ? le64(p) - le64(table.p) : (uint64_t)(uint32_t)(le32(p) - le32(table.p));
}

/* Finds for each frame the fragment that its offset names. forgotten_head: the table's writer did not count the item
 * heads. 32-bit offsets may have wrapped, so only their low halves are compared. False: this is no such table. */
static bool use_table(struct frame_index *fx, struct bytes table, unsigned width, bool forgotten_head)
{
	if (!table.p || table.len / width < fx->frames)
		return false;
	uint64_t mask = width == 8 ? UINT64_MAX : UINT32_MAX;
	size_t f = 0;
	for (unsigned n = 0; n < fx->frames; n++, f++) {
		uint64_t want = offset_at(table, width, n);
		for (; f < fx->count; f++) {
			uint64_t at = fx->fragments[f].at - (forgotten_head ? (uint64_t)ITEM_HEAD * f : 0);
			if ((at & mask) == want)
				break;
		}
		if (f == fx->count || (n == 0 && f != 0))
			return false;
		fx->first[n] = f;
	}
	return true;
}

static bool starts_a_stream(struct bytes b)
{
	if (b.len < 3 || b.p[0] != 0xff)
		return false;
	return (b.p[1] == 0xd8 && b.p[2] == 0xff) || (b.p[1] == 0x4f && b.p[2] == 0xff) || b.p[1] == 0x0a;
}

static bool use_starts(struct frame_index *fx)
{
	unsigned n = 0;
	for (size_t f = 0; f < fx->count; f++)
		if (starts_a_stream(fx->fragments[f].data)) {
			if (n == fx->frames || (n == 0 && f != 0))
				return false;
			fx->first[n++] = f;
		}
	return n == fx->frames;
}

static bool use_one_each(struct frame_index *fx)
{
	if (fx->count != fx->frames)
		return false;
	for (unsigned n = 0; n < fx->frames; n++)
		fx->first[n] = n;
	return true;
}

static enum err index_fragments(struct frame_index *fx, struct bytes ext_offsets, struct why *why)
{
	struct bytes table = { NULL, 0 };
	enum err e = read_fragments(fx, &table, why);
	if (e)
		return e;
	fx->first = calloc((size_t)fx->frames + 1, sizeof(*fx->first));
	if (!fx->first)
		return fail(why, ERR_NOMEM, "no memory for %u frames", fx->frames);
	fx->first[fx->frames] = fx->count;
	if (use_table(fx, ext_offsets, 8, false) || use_table(fx, table, 4, false) || use_table(fx, table, 4, true) || use_one_each(fx))
		return ERR_OK;
	if (fx->frames == 1) {
		fx->first[0] = 0;
		return ERR_OK;
	}
	return use_starts(fx) ? ERR_OK : fail(why, ERR_FORMAT, "%zu fragments and no table tell nothing about %u frames", fx->count, fx->frames);
}

/* Native YBR_FULL_422 has two bytes a pixel; some writers label full pixels so, which the length tells. */
static uint64_t native_len(const struct image_desc *d, size_t have)
{
	uint64_t full = image_frame_bytes(d);
	if (!strcmp(d->photometric, "YBR_FULL_422") && d->samples == 3 && have / d->frames < full)
		return full / 3 * 2;
	return full;
}

enum err frame_index_new(const struct image_desc *d, const struct ts *ts, struct bytes pixel_value, struct bytes ext_offsets, struct frame_index **out, struct why *why)
{
	*out = NULL;
	struct frame_index *fx = calloc(1, sizeof(*fx));
	if (!fx)
		return fail(why, ERR_NOMEM, "no memory for a frame index");
	fx->frames = d->frames;
	fx->value = pixel_value;
	enum err e = ERR_OK;
	if (ts->is_encapsulated)
		e = index_fragments(fx, ext_offsets, why);
	else
		fx->native_len = native_len(d, pixel_value.len);
	if (!e && !ts->is_encapsulated && pixel_value.len / fx->native_len < d->frames)
		e = fail(why, ERR_FORMAT, "pixel data of %zu bytes, %u frames of %llu wanted", pixel_value.len, d->frames, (unsigned long long)fx->native_len);
	if (e) {
		frame_index_free(&fx);
		return e;
	}
	*out = fx;
	return ERR_OK;
}

enum err frame_get(const struct frame_index *fx, unsigned frame, struct buf *tmp, struct bytes *out, struct why *why)
{
	if (frame >= fx->frames)
		return fail(why, ERR_NOT_FOUND, "frame %u of %u", frame + 1, fx->frames);
	if (fx->native_len) {
		*out = bytes_of(fx->value.p + frame * fx->native_len, (size_t)fx->native_len);
		return ERR_OK;
	}
	size_t first = fx->first[frame], end = fx->first[frame + 1];
	*out = fx->fragments[first].data;
	if (end - first == 1)
		return ERR_OK;
	buf_reset(tmp);
	for (size_t f = first; f < end; f++)
		buf_add(tmp, fx->fragments[f].data.p, fx->fragments[f].data.len);
	*out = buf_view(tmp);
	return buf_err(tmp) ? fail(why, buf_err(tmp), "joining the fragments of frame %u", frame + 1) : ERR_OK;
}

void frame_index_free(struct frame_index **fx)
{
	if (!*fx)
		return;
	free((*fx)->fragments);
	free((*fx)->first);
	free(*fx);
	*fx = NULL;
}
