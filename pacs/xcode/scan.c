#include "pacs/xcode/scan.h"

#include "pacs/base/bounds.h"

enum { ITEM_HEAD = 8 };

/* A place in the data, and how deep. */
struct place { struct bytes data; size_t at; enum ds_encoding enc; };

static size_t left(const struct place *p)
{
	return p->data.len - p->at;
}

static enum err too_long(const struct place *p, const struct head *h, struct why *why)
{
	return fail(why, ERR_FORMAT, "element %08x at offset %zu says %u bytes, %zu are left", h->tag, p->at - h->size, h->len, left(p));
}

static enum err skip_items(struct place *p, enum ds_encoding inside, unsigned depth, size_t *value_end, struct why *why);

static enum err skip_body(struct place *p, const struct head *h, unsigned depth, size_t *value_end, struct why *why)
{
	if (h->body == BODY_SEQUENCE || h->body == BODY_FRAGMENTS)
		return skip_items(p, h->inside, depth + 1, value_end, why);
	if (h->len > left(p))
		return too_long(p, h, why);
	p->at += h->len;
	*value_end = p->at;
	return ERR_OK;
}

/* The elements of an item of undefined length, to its delimiter; a sequence's end or the data's end closes it too. */
static enum err skip_open_item(struct place *p, unsigned depth, struct why *why)
{
	struct head h;
	while (head_read(p->data.p + p->at, left(p), p->enc, &h) == ERR_OK) {
		if (h.tag == TAG_SEQUENCE_END || h.tag == TAG_ITEM)
			return ERR_OK;
		p->at += h.size;
		if (h.tag == TAG_ITEM_END)
			return ERR_OK;
		size_t unused;
		enum err e = skip_body(p, &h, depth, &unused, why);
		if (e)
			return e;
	}
	p->at = p->data.len;
	return ERR_OK;
}

/* Items to the sequence delimiter; an element where an item belongs means that the delimiter is missing. */
static enum err skip_items(struct place *p, enum ds_encoding inside, unsigned depth, size_t *value_end, struct why *why)
{
	struct place in = { p->data, p->at, inside };
	struct head h;
	if (depth > BOUND_DEPTH)
		return fail(why, ERR_LIMIT, "sequences nested deeper than %d", BOUND_DEPTH);
	while (head_read(in.data.p + in.at, left(&in), inside, &h) == ERR_OK && TAG_GROUP(h.tag) == 0xFFFE) {
		*value_end = in.at;
		in.at += ITEM_HEAD;
		p->at = in.at;
		if (h.tag == TAG_SEQUENCE_END)
			return ERR_OK;
		if (h.tag != TAG_ITEM)
			continue;
		enum err e = ERR_OK;
		if (h.len == LENGTH_UNDEFINED)
			e = skip_open_item(&in, depth, why);
		else if (h.len > left(&in))
			e = too_long(&in, &h, why);
		else
			in.at += h.len;
		p->at = in.at;
		if (e)
			return e;
	}
	*value_end = p->at;
	return ERR_OK;
}

enum err scan_next(struct bytes data, enum ds_encoding enc, size_t *at, struct span *out, struct why *why)
{
	struct place p = { data, *at, enc };
	struct head h;
	if (head_read(data.p + p.at, left(&p), enc, &h))
		return ERR_END;
	p.at += h.size;
	size_t value_at = p.at, value_end = p.at;
	enum err e = ERR_OK;
	if (h.body != BODY_NONE)
		e = skip_body(&p, &h, 0, &value_end, why);
	if (e == ERR_FORMAT && head_is_pixel_data(h.tag)) {
		p.at = value_end = data.len;
		e = ERR_OK;
	}
	if (e)
		return e;
	*out = (struct span){ .head = h, .at = *at, .end = p.at, .value = { data.p + value_at, value_end - value_at } };
	*at = p.at;
	return ERR_OK;
}
