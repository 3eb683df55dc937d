/* Only what has no defined length is walked into: an open sequence, its open items, the fragments
 * of an icon. Everything with a length passes as one value, so nothing in it can mislead.
 *
 *   levels   top level -> SEQUENCE -> ITEM -> SEQUENCE -> ITEM ... or -> FRAGMENTS
 *
 * A level whose delimiter is missing is closed by what cannot stand inside it.
 */
#include "pacs/dicom/walker_impl.h"

#include <assert.h>

static struct level *top(struct walker *w)
{
	return w->depth ? &w->levels[w->depth - 1] : NULL;
}

static enum ds_encoding encoding_here(struct walker *w)
{
	return w->depth ? top(w)->enc : w->enc;
}

static enum err push(struct walker *w, enum level_kind kind, enum ds_encoding enc)
{
	if (w->depth == LEVELS)
		return fail(&w->why, ERR_LIMIT, "data set: sequences nested deeper than %d at offset %llu", BOUND_DEPTH, (unsigned long long)w->offset);
	w->levels[w->depth++] = (struct level){ .kind = kind, .enc = enc };
	w->is_first = kind == LEVEL_ITEM;
	return ERR_OK;
}

/* ---- what is kept ---- */

/* An element that does not fit goes as a whole, from the top level down. */
static enum err make_room(struct walker *w, size_t need)
{
	if (need <= BOUND_HEADER - w->header.len || w->is_dropping)
		return ERR_OK;
	if (!w->depth)
		return fail(&w->why, ERR_LIMIT, "data set: header over %d bytes", BOUND_HEADER);
	w->header.len = w->top_at;
	w->is_dropping = true;
	return ERR_OK;
}

static enum err keep_head(struct walker *w, const struct head *h, bool with_value)
{
	enum err e = make_room(w, h->size);
	if (e || w->is_dropping)
		return e;
	buf_add(&w->header, w->head, h->size);
	uint8_t *end = w->header.p + w->header.len;
	if (buf_err(&w->header))
		return fail(&w->why, buf_err(&w->header), "data set: no memory for a header of %zu bytes", w->header.len);
	if (!with_value)
		memset(end - h->len_size, 0, h->len_size);
	return ERR_OK;
}

/* A value of defined length begins. */
static enum err begin_value(struct walker *w, const struct head *h, uint32_t limit)
{
	bool fits = h->len <= limit && h->len + (size_t)h->size <= BOUND_HEADER - w->header.len;
	enum err e = keep_head(w, h, fits);
	w->value_left = h->len;
	w->is_keeping = fits && !w->is_dropping;
	return e;
}

/* ---- element headers ---- */

static enum err begin_pixels(struct walker *w, const struct head *h)
{
	w->has_pixels = true;
	w->pixel_len = h->len;
	return ERR_END;
}

static enum err on_element(struct walker *w, const struct head *h)
{
	static const uint8_t zeros[HEAD_MAX];
	if (!w->depth) {
		if (head_is_pixel_data(h->tag))
			return begin_pixels(w, h);
		if (h->tag == TAG(0xFFFC, 0xFFFC) || (h->tag == 0 && !memcmp(w->head, zeros, h->size)))
			return ERR_END;
		w->top_at = w->header.len;
		w->is_dropping = false;
	}
	if (h->body == BODY_VALUE)
		return begin_value(w, h, h->vr == VR_SQ ? BOUND_HEADER : BOUND_ELEMENT);
	enum err e = keep_head(w, h, true);
	if (e)
		return e;
	return push(w, h->body == BODY_FRAGMENTS ? LEVEL_FRAGMENTS : LEVEL_SEQUENCE, h->inside);
}

static enum err on_fragment_tag(struct walker *w, const struct head *h)
{
	if (h->tag == TAG_SEQUENCE_END) {
		w->depth--;
		return keep_head(w, h, true);
	}
	if (h->tag != TAG_ITEM)
		return ERR_OK;
	if (h->len == LENGTH_UNDEFINED)
		return fail(&w->why, ERR_FORMAT, "data set: a fragment without length at offset %llu", (unsigned long long)w->offset);
	return begin_value(w, h, 0);
}

static enum err on_item_in_sequence(struct walker *w, const struct head *h)
{
	struct level *sequence = top(w);
	sequence->after_empty = h->len == 0;
	if (h->len != LENGTH_UNDEFINED)
		return begin_value(w, h, BOUND_HEADER);
	enum err e = keep_head(w, h, true);
	return e ? e : push(w, LEVEL_ITEM, sequence->enc);
}

/* Item, item end, sequence end. Delimiters of nothing and unknown tags of their group are passed over. */
static enum err on_item_tag(struct walker *w, const struct head *h)
{
	if (!w->depth || (h->tag != TAG_ITEM && h->tag != TAG_ITEM_END && h->tag != TAG_SEQUENCE_END))
		return ERR_OK;
	if (top(w)->kind == LEVEL_FRAGMENTS)
		return on_fragment_tag(w, h);
	if (top(w)->kind == LEVEL_ITEM) {
		w->depth--;
		assert(w->depth && top(w)->kind == LEVEL_SEQUENCE);
		top(w)->after_empty = false;
		w->is_first = false;
		if (h->tag == TAG_ITEM_END)
			return keep_head(w, h, true);
	}
	if (h->tag == TAG_ITEM)
		return on_item_in_sequence(w, h);
	if (h->tag != TAG_SEQUENCE_END)
		return ERR_OK;
	w->depth--;
	return keep_head(w, h, true);
}

/* Closes (or opens) the level that an element shows to be wrong. True: something changed, and
 * with it perhaps the encoding in which the header is to be read. */
static bool mend_levels(struct walker *w, const struct head *h, enum err *e)
{
	struct level *l = top(w);
	if (!l || l->kind == LEVEL_ITEM || h->body == BODY_NONE)
		return false;
	if (l->kind == LEVEL_SEQUENCE && l->after_empty) {
		l->after_empty = false;
		*e = push(w, LEVEL_ITEM, l->enc);
	} else {
		w->depth--;
	}
	return !*e;
}

/* A delimiter of nothing tells nothing about the encoding, and is not kept. */
static bool is_stray(struct walker *w)
{
	struct head h;
	return !head_read(w->head, w->head_len, encoding_here(w), &h) && h.body == BODY_NONE;
}

static void look_at_first(struct walker *w)
{
	if (is_stray(w))
		return;
	if (w->depth) {
		top(w)->enc = head_detect(w->head, top(w)->enc, true);
		w->is_first = false;
	} else if (!w->is_started) {
		enum ds_encoding seen = head_detect(w->head, w->enc, false);
		w->is_mislabelled |= seen != w->enc;
		w->enc = seen;
		w->is_started = true;
	}
}

/* Eight or twelve bytes are there. ERR_MORE: it takes twelve. */
static enum err on_head(struct walker *w)
{
	struct head h;
	enum err e = ERR_OK;
	if (w->is_first || !w->is_started)
		look_at_first(w);
	do {
		if (w->is_first)
			look_at_first(w);
		if (head_read(w->head, w->head_len, encoding_here(w), &h))
			return ERR_MORE;
	} while (mend_levels(w, &h, &e));
	if (!e)
		e = h.body == BODY_NONE ? on_item_tag(w, &h) : on_element(w, &h);
	w->head_len = 0;
	return e;
}

/* ---- the plain stream ---- */

static void pass(struct walker *w, struct bytes *in, size_t n)
{
	in->p += n;
	in->len -= n;
	w->offset += n;
}

static enum err pass_value(struct walker *w, struct bytes *in)
{
	size_t n = in->len < w->value_left ? in->len : (size_t)w->value_left;
	if (w->is_keeping)
		buf_add(&w->header, in->p, n);
	w->value_left -= n;
	pass(w, in, n);
	return buf_err(&w->header) ? fail(&w->why, buf_err(&w->header), "data set: no memory for a header of %zu bytes", w->header.len) : ERR_OK;
}

static enum err collect_head(struct walker *w, struct bytes *in)
{
	size_t want = (w->head_len < 8 ? 8 : HEAD_MAX) - w->head_len, n = in->len < want ? in->len : want;
	memcpy(w->head + w->head_len, in->p, n);
	w->head_len += n;
	pass(w, in, n);
	if (n < want)
		return ERR_OK;
	enum err e = on_head(w);
	return e == ERR_MORE ? ERR_OK : e;
}

enum err walker_walk(struct walker *w, struct bytes in)
{
	enum err e = ERR_OK;
	while (!e && in.len)
		e = w->value_left ? pass_value(w, &in) : collect_head(w, &in);
	w->pixel_seen += in.len;
	return e;
}
