#include "pacs/render/frame_header.h"

#include "pacs/base/bounds.h"

enum { SHORT_VALUE = 4096, ITEM_HEAD = 8 };
#define TAG_SHARED_GROUPS TAG(0x5200, 0x9229)
#define TAG_FRAME_GROUPS TAG(0x5200, 0x9230)

/* The macros whose attributes a single image has at its top. */
static const uint32_t macros[] = {
	TAG(0x0028, 0x9145),     /* Pixel Value Transformation: slope and intercept */
	TAG(0x0028, 0x9132),     /* Frame VOI LUT */
	TAG(0x0028, 0x9110),     /* Pixel Measures: spacing */
	TAG(0x0018, 0x9472),     /* Frame Display Shutter */
};

struct groups { struct span shared, frames; bool has_shared, has_frames; };

static bool is_wanted(const struct span *s)
{
	uint16_t group = TAG_GROUP(s->head.tag);
	if (group == 0x0028 || group == 0x2050 || (group >= 0x6000 && group <= 0x601E && !(group & 1)))
		return true;
	return (group == 0x0008 || group == 0x0018 || group == 0x0020) && s->head.vr != VR_SQ && s->value.len < SHORT_VALUE;
}

static enum err scan_top(const struct image_file *f, struct buf *wanted, struct groups *g, struct why *why)
{
	struct bytes head = bytes_of(f->data.p, f->header_len);
	size_t at = 0;
	struct span s;
	enum err e;
	while ((e = scan_next(head, f->enc, &at, &s, why)) == ERR_OK) {
		if (s.head.tag == TAG_SHARED_GROUPS) {
			g->shared = s;
			g->has_shared = true;
		} else if (s.head.tag == TAG_FRAME_GROUPS) {
			g->frames = s;
			g->has_frames = true;
		} else if (is_wanted(&s)) {
			buf_add(wanted, head.p + s.at, s.end - s.at);
		}
	}
	return e == ERR_END ? ERR_OK : e;
}

/* ---- items of a sequence, without reading those before the one that is wanted ---- */

static uint32_t item_len(const struct span *seq, enum ds_encoding enc, size_t at)
{
	return enc == DS_EXPLICIT_BE ? be32(seq->value.p + at + 4) : le32(seq->value.p + at + 4);
}

/* The end of an item of undefined length: its delimiter is told like an element. */
static size_t open_item_end(const struct span *seq, enum ds_encoding enc, size_t at, size_t *next)
{
	struct span s;
	size_t end = at;
	while (scan_next(seq->value, enc, &at, &s, NULL) == ERR_OK && s.head.tag != TAG_ITEM_END && s.head.tag != TAG_ITEM)
		end = at;
	*next = at;
	return end;
}

static struct bytes item_bytes(const struct span *seq, enum ds_encoding enc, unsigned n)
{
	for (size_t at = 0; at + ITEM_HEAD <= seq->value.len; ) {
		uint32_t len = item_len(seq, enc, at);
		size_t from = at + ITEM_HEAD, end, next;
		if (len == LENGTH_UNDEFINED) {
			end = open_item_end(seq, enc, from, &next);
		} else {
			if (len > seq->value.len - from)
				break;
			end = next = from + len;
		}
		if (n-- == 0)
			return bytes_of(seq->value.p + from, end - from);
		at = next;
	}
	return (struct bytes){ 0 };
}

static enum err merge_item(struct dataset *to, const struct span *seq, enum ds_encoding outer, unsigned n, struct why *why)
{
	enum ds_encoding enc = seq->head.body == BODY_SEQUENCE ? seq->head.inside : outer;
	struct bytes raw = item_bytes(seq, enc, n);
	struct dataset *groups;
	if (raw.len == 0)
		return ERR_OK;
	enum err e = dataset_parse(to->arena, raw, enc, &groups, why);
	for (size_t i = 0; i < NELEM(macros) && !e; i++) {
		const struct dataset *macro = dataset_item(groups, macros[i], 0);
		for (const struct element *el = macro ? macro->first : NULL; el && !e; el = el->next)
			if ((e = dataset_copy(to, el)))
				fail(why, e, "functional groups of frame %u: %s", n + 1, err_name(e));
	}
	return e;
}

enum err frame_header_read(const struct image_file *f, unsigned frame, struct arena *a, struct dataset **out, struct why *why)
{
	struct groups g = { .has_frames = false };
	struct buf wanted;
	buf_init(&wanted, BOUND_PICTURE_HEADER);
	enum err e = scan_top(f, &wanted, &g, why);
	if (!e && buf_err(&wanted))
		e = fail(why, buf_err(&wanted), "the elements of a picture are over %d bytes", BOUND_PICTURE_HEADER);
	if (!e)
		e = dataset_parse(a, buf_view(&wanted), f->enc, out, why);
	buf_fini(&wanted);
	if (!e && g.has_shared)
		e = merge_item(*out, &g.shared, f->enc, 0, why);
	if (!e && g.has_frames)
		e = merge_item(*out, &g.frames, f->enc, frame, why);
	return e;
}
