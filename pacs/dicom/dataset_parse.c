/* Reading a data set. Nested calls are bounded by BOUND_DEPTH; every length is compared with what
 * is left of its parent before it is used. */
#include "pacs/dicom/dataset.h"

#include "pacs/base/bounds.h"
#include "pacs/dicom/dataset_impl.h"
#include "pacs/dicom/head.h"

struct reader {
	struct arena *arena;
	const uint8_t *start;        /* of the whole data set, for offsets in messages */
	size_t nodes;
	struct why *why;
};
struct cursor { const uint8_t *p, *end; };

/* How a run of elements ends: with its bytes, or also with a delimiter. */
enum run { RUN_TOP, RUN_BOUNDED, RUN_OPEN };

static enum err read_elements(struct reader *r, struct cursor *c, enum run run, enum ds_encoding enc, unsigned depth, struct dataset *ds);

static size_t left(const struct cursor *c)
{
	return (size_t)(c->end - c->p);
}

static enum err bad(const struct reader *r, const struct cursor *c, const char *what)
{
	return fail(r->why, ERR_FORMAT, "data set: %s at offset %zu", what, (size_t)(c->p - r->start));
}

static enum err no_arena(const struct reader *r)
{
	return fail(r->why, ERR_NOMEM, "data set: no room for it in %zu bytes", r->arena->max);
}

static bool all_zero(const struct cursor *c)
{
	for (const uint8_t *p = c->p; p < c->end; p++)
		if (*p)
			return false;
	return true;
}

static enum err count_node(struct reader *r)
{
	if (++r->nodes > BOUND_DATASET_NODES)
		return fail(r->why, ERR_LIMIT, "data set: more than %d elements and items", BOUND_DATASET_NODES);
	return ERR_OK;
}

static enum err read_value(const struct reader *r, struct cursor *c, size_t len, enum ds_encoding enc, struct element *el)
{
	uint8_t *copy = len ? arena_alloc(r->arena, len) : NULL;
	if (len && !copy)
		return no_arena(r);
	if (len)
		memcpy(copy, c->p, len);
	if (enc == DS_EXPLICIT_BE)
		dataset_swap(copy, len, vr_swap_unit(el->vr));
	el->value = bytes_of(copy, len);
	c->p += len;
	return ERR_OK;
}

static enum err read_item(struct reader *r, struct cursor *c, uint32_t len, enum ds_encoding enc, unsigned depth, struct item **out)
{
	enum err e = count_node(r);
	if (e)
		return e;
	struct item *item = arena_alloc(r->arena, sizeof(*item));
	struct dataset *ds = item ? dataset_new(r->arena) : NULL;
	if (!ds)
		return no_arena(r);
	item->ds = ds;
	*out = item;

	/* An item that says it is empty and is not: its content goes to the delimiter, as some write it. */
	struct head first;
	bool is_open = len == LENGTH_UNDEFINED || (len == 0 && !head_read(c->p, left(c), enc, &first) && first.body != BODY_NONE);
	if (left(c) >= 8)
		enc = head_detect(c->p, enc, true);
	if (is_open)
		return read_elements(r, c, RUN_OPEN, enc, depth + 1, ds);
	struct cursor inner = { c->p, c->p + len };
	c->p += len;
	/* Its end is known, so nonsense in it costs what follows nothing: what was read of it stays. */
	e = read_elements(r, &inner, RUN_BOUNDED, enc, depth + 1, ds);
	return e == ERR_FORMAT ? ERR_OK : e;
}

/* The items of a sequence. An open one also ends at its delimiter, or, when that is missing, at the
 * next element of its parent. */
static enum err read_items(struct reader *r, struct cursor *c, bool is_open, enum ds_encoding enc, unsigned depth, struct element *el)
{
	struct item **tail = &el->items;
	if (depth >= BOUND_DEPTH)
		return fail(r->why, ERR_LIMIT, "data set: sequences nested deeper than %d", BOUND_DEPTH);

	while (left(c)) {
		struct head h;
		if (head_read(c->p, left(c), enc, &h))
			return bad(r, c, "cut inside an item header");
		if (h.body != BODY_NONE)
			return is_open ? ERR_OK : bad(r, c, "an element where an item belongs");
		c->p += h.size;
		if (h.tag == TAG_SEQUENCE_END && is_open)
			return ERR_OK;
		/* Some put delimiters into a sequence of known length; anything else there is no sequence. */
		if (h.tag != TAG_ITEM && !is_open && (h.len || (h.tag != TAG_SEQUENCE_END && h.tag != TAG_ITEM_END)))
			return bad(r, c, "neither an item nor a delimiter in a sequence");
		if (h.tag != TAG_ITEM)
			continue;
		if (h.len != LENGTH_UNDEFINED && h.len > left(c))
			return bad(r, c, "an item longer than its sequence");
		enum err e = read_item(r, c, h.len, enc, depth, tail);
		if (e)
			return e;
		tail = &(*tail)->next;
	}
	return ERR_OK;
}

/* Encapsulated pixel data of an icon: passed over, the element stays with an empty value. */
static enum err skip_fragments(const struct reader *r, struct cursor *c, enum ds_encoding enc)
{
	while (left(c)) {
		struct head h;
		if (head_read(c->p, left(c), enc, &h))
			return bad(r, c, "cut inside a fragment header");
		if (h.body != BODY_NONE)
			return ERR_OK;
		c->p += h.size;
		if (h.tag == TAG_SEQUENCE_END)
			return ERR_OK;
		if (h.tag != TAG_ITEM)
			continue;
		if (h.len > left(c))
			return bad(r, c, "a fragment longer than what is left");
		c->p += h.len;
	}
	return ERR_OK;
}

static bool is_sequence(const struct element *el)
{
	return el->vr == VR_SQ || (el->vr == VR_UN && head_implied_vr(el->tag) == VR_SQ);
}

/* A sequence of defined length, or bytes that could be one. What turns out to be none is kept as bytes. */
static enum err read_bounded_sequence(struct reader *r, struct cursor *c, size_t len, enum ds_encoding enc, unsigned depth, struct element *el)
{
	struct cursor inner = { c->p, c->p + len };
	struct arena_mark mark = arena_mark(r->arena);
	size_t nodes = r->nodes;
	enum err e = read_items(r, &inner, false, el->vr == VR_UN ? DS_IMPLICIT_LE : enc, depth, el);
	if (e == ERR_FORMAT) {
		arena_release(r->arena, mark);
		r->nodes = nodes;
		el->items = NULL;
		el->vr = VR_UN;
		return read_value(r, c, len, DS_EXPLICIT_LE, el);
	}
	el->vr = VR_SQ;
	c->p += len;
	return e;
}

static enum err read_body(struct reader *r, struct cursor *c, const struct head *h, enum ds_encoding enc, unsigned depth, struct element *el)
{
	if (h->body == BODY_SEQUENCE) {
		el->vr = VR_SQ;
		return read_items(r, c, true, h->inside, depth, el);
	}
	if (h->body == BODY_FRAGMENTS)
		return skip_fragments(r, c, enc);
	if (is_sequence(el))
		return read_bounded_sequence(r, c, h->len, enc, depth, el);
	return read_value(r, c, h->len, enc, el);
}

static enum err read_element(struct reader *r, struct cursor *c, const struct head *h, enum ds_encoding enc, unsigned depth, struct dataset *ds)
{
	if (h->body == BODY_VALUE && h->len > left(c) - h->size)
		return bad(r, c, "a value longer than what is left");
	c->p += h->size;
	enum err e = count_node(r);
	if (e)
		return e;
	struct element *el = dataset_element_new(r->arena, h->tag, h->vr);
	if (!el)
		return no_arena(r);
	/* Linked first, so that what was read of a broken sequence is not lost. Group lengths are
	 * retired but in commands and file meta, and are dropped. */
	if (TAG_ELEMENT(h->tag) != 0 || TAG_GROUP(h->tag) <= 2)
		dataset_append(ds, el);
	return read_body(r, c, h, enc, depth, el);
}

/* Item tags in a run of elements. True: the run ends here. */
static bool ends_run(struct cursor *c, enum run run, const struct head *h)
{
	/* An item or the sequence's end: the item's own delimiter is missing, the parent goes on. */
	if (run == RUN_OPEN && (h->tag == TAG_ITEM || h->tag == TAG_SEQUENCE_END))
		return true;
	c->p += h->size;
	return run == RUN_OPEN && h->tag == TAG_ITEM_END;
}

static enum err read_elements(struct reader *r, struct cursor *c, enum run run, enum ds_encoding enc, unsigned depth, struct dataset *ds)
{
	enum err e = ERR_OK;
	while (!e && left(c)) {
		struct head h;
		if (head_read(c->p, left(c), enc, &h)) {
			e = all_zero(c) ? ERR_END : bad(r, c, "cut inside an element header");
		} else if (h.body == BODY_NONE) {
			e = ends_run(c, run, &h) ? ERR_END : ERR_OK;
		} else if (run == RUN_TOP && (head_is_pixel_data(h.tag) || h.tag == TAG(0xFFFC, 0xFFFC) || (h.tag == 0 && all_zero(c)))) {
			e = ERR_END;
		} else {
			e = read_element(r, c, &h, enc, depth, ds);
		}
	}
	dataset_sort(ds);
	return e == ERR_END ? ERR_OK : e;
}

enum err dataset_parse(struct arena *a, struct bytes raw, enum ds_encoding enc, struct dataset **out, struct why *why)
{
	struct reader r = { .arena = a, .start = raw.p, .why = why };
	struct cursor c = { raw.p, raw.len ? raw.p + raw.len : raw.p };
	*out = dataset_new(a);
	if (!*out)
		return no_arena(&r);
	if (raw.len >= 8)
		enc = head_detect(raw.p, enc, false);
	enum err e = raw.len ? read_elements(&r, &c, RUN_TOP, enc, 0, *out) : ERR_OK;
	(*out)->nodes = r.nodes;
	return e;
}
