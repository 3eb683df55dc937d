#include "pacs/dicom/dataset.h"

#include "pacs/base/bounds.h"
#include "pacs/dicom/dataset_impl.h"
#include "pacs/dicom/head.h"

enum ds_encoding ds_encoding_of(const struct ts *ts)
{
	if (!ts->is_explicit)
		return DS_IMPLICIT_LE;
	return ts->is_big_endian ? DS_EXPLICIT_BE : DS_EXPLICIT_LE;
}

struct dataset *dataset_new(struct arena *a)
{
	struct dataset *ds = arena_alloc(a, sizeof(*ds));
	if (ds)
		ds->arena = a;
	return ds;
}

struct element *dataset_element_new(struct arena *a, uint32_t tag, vr_t vr)
{
	struct element *el = arena_alloc(a, sizeof(*el));
	if (el)
		*el = (struct element){ .tag = tag, .vr = vr };
	return el;
}

void dataset_append(struct dataset *ds, struct element *el)
{
	if (ds->last)
		ds->last->next = el;
	else
		ds->first = el;
	ds->last = el;
}

/* Merges two ascending lists; of equal tags those of `a` come first. */
static struct element *merge(struct element *a, struct element *b)
{
	struct element *head = NULL, **tail = &head;
	while (a && b) {
		struct element **from = b->tag < a->tag ? &b : &a;
		*tail = *from;
		tail = &(*tail)->next;
		*from = (*from)->next;
	}
	*tail = a ? a : b;
	return head;
}

/* Bottom up: bin n holds a sorted list of 2^n elements, older ones in higher bins. */
static struct element *sort(struct element *list)
{
	struct element *bins[32] = { NULL };
	while (list) {
		struct element *one = list;
		list = list->next;
		one->next = NULL;
		unsigned n = 0;
		for (; n < NELEM(bins) - 1 && bins[n]; n++) {
			one = merge(bins[n], one);
			bins[n] = NULL;
		}
		bins[n] = one;
	}
	struct element *all = NULL;
	for (unsigned n = 0; n < NELEM(bins); n++)
		all = merge(bins[n], all);
	return all;
}

void dataset_sort(struct dataset *ds)
{
	bool is_sorted = true;
	for (struct element *el = ds->first; el && el->next && is_sorted; el = el->next)
		is_sorted = el->tag < el->next->tag;
	if (is_sorted)
		return;
	ds->first = sort(ds->first);
	for (struct element **at = &ds->first; *at; ) {
		struct element *el = *at;
		if (el->next && el->next->tag == el->tag) {
			*at = el->next;
		} else {
			ds->last = el;
			at = &el->next;
		}
	}
}

void dataset_swap(uint8_t *p, size_t len, unsigned unit)
{
	for (size_t i = 0; unit > 1 && len - i >= unit; i += unit)
		for (unsigned lo = 0, hi = unit - 1; lo < hi; lo++, hi--) {
			uint8_t b = p[i + lo];
			p[i + lo] = p[i + hi];
			p[i + hi] = b;
		}
}

struct element *dataset_find(const struct dataset *ds, uint32_t tag)
{
	struct element *el = ds->first;
	while (el && el->tag < tag)
		el = el->next;
	return el && el->tag == tag ? el : NULL;
}

bool dataset_has(const struct dataset *ds, uint32_t tag)
{
	return dataset_find(ds, tag) != NULL;
}

struct dataset *dataset_item(const struct dataset *ds, uint32_t sequence, unsigned n)
{
	const struct element *el = dataset_find(ds, sequence);
	const struct item *i = el ? el->items : NULL;
	while (i && n--)
		i = i->next;
	return i ? i->ds : NULL;
}

/* The element of that tag, made when it is not there; NULL: out of arena or over the limit. */
static struct element *find_or_add(struct dataset *ds, uint32_t tag, enum err *e)
{
	struct element *before = NULL;
	if (ds->last && ds->last->tag < tag)
		before = ds->last;
	else
		for (struct element *el = ds->first; el && el->tag < tag; el = el->next)
			before = el;
	struct element *at = before ? before->next : ds->first;
	if (at && at->tag == tag)
		return at;

	*e = ds->nodes >= BOUND_DATASET_NODES ? ERR_LIMIT : ERR_NOMEM;
	struct element *el = *e == ERR_LIMIT ? NULL : dataset_element_new(ds->arena, tag, 0);
	if (!el)
		return NULL;
	ds->nodes++;
	el->next = at;
	if (before)
		before->next = el;
	else
		ds->first = el;
	if (!at)
		ds->last = el;
	*e = ERR_OK;
	return el;
}

enum err dataset_put(struct dataset *ds, uint32_t tag, vr_t vr, struct bytes value)
{
	enum err e = ERR_OK;
	if (!vr)
		vr = head_implied_vr(tag);
	if (vr == VR_SQ)
		return ERR_USAGE;
	if (value.len >= LENGTH_UNDEFINED)
		return ERR_LIMIT;
	size_t len = value.len + (value.len & 1);
	uint8_t *copy = len ? arena_alloc(ds->arena, len) : NULL;
	if (len && !copy)
		return ERR_NOMEM;
	if (value.len)
		memcpy(copy, value.p, value.len);
	if (len > value.len)
		copy[value.len] = vr_pad(vr);
	struct element *el = find_or_add(ds, tag, &e);
	if (!el)
		return e;
	el->vr = vr;
	el->value = bytes_of(copy, len);
	el->items = NULL;
	return ERR_OK;
}

enum err dataset_put_str(struct dataset *ds, uint32_t tag, const char *text)
{
	vr_t vr = head_implied_vr(tag);
	if (vr == VR_UN)
		vr = VR_LO;
	return vr_is_string(vr) ? dataset_put(ds, tag, vr, bytes_str(text)) : ERR_USAGE;
}

enum err dataset_put_us(struct dataset *ds, uint32_t tag, uint16_t v)
{
	uint8_t raw[2];
	put_le16(raw, v);
	return dataset_put(ds, tag, VR_US, bytes_of(raw, sizeof(raw)));
}

static struct element *find_or_add_sequence(struct dataset *ds, uint32_t sequence, enum err *e)
{
	struct element *el = find_or_add(ds, sequence, e);
	if (el && el->vr != VR_SQ) {
		el->vr = VR_SQ;
		el->value = (struct bytes){ NULL, 0 };
	}
	return el;
}

struct dataset *dataset_add_item(struct dataset *ds, uint32_t sequence)
{
	enum err e = ERR_OK;
	struct element *el = find_or_add_sequence(ds, sequence, &e);
	struct item *item = el ? arena_alloc(ds->arena, sizeof(*item)) : NULL;
	if (!item || !(item->ds = dataset_new(ds->arena)))
		return NULL;
	struct item **tail = &el->items;
	while (*tail)
		tail = &(*tail)->next;
	*tail = item;
	return item->ds;
}

enum err dataset_put_empty_sequence(struct dataset *ds, uint32_t sequence)
{
	enum err e = ERR_OK;
	struct element *el = find_or_add_sequence(ds, sequence, &e);
	if (el)
		el->items = NULL;
	return e;
}

void dataset_remove(struct dataset *ds, uint32_t tag)
{
	struct element *before = NULL;
	for (struct element *el = ds->first; el && el->tag <= tag; before = el, el = el->next) {
		if (el->tag != tag)
			continue;
		if (before)
			before->next = el->next;
		else
			ds->first = el->next;
		if (ds->last == el)
			ds->last = before;
		return;
	}
}

/* Bounded by the depth that parsing and BOUND_DEPTH allow. */
static enum err copy_at(struct dataset *to, const struct element *el, unsigned depth)
{
	if (depth > BOUND_DEPTH)
		return ERR_LIMIT;
	if (el->vr != VR_SQ)
		return dataset_put(to, el->tag, el->vr, el->value);
	enum err e = dataset_put_empty_sequence(to, el->tag);
	for (const struct item *i = el->items; !e && i; i = i->next) {
		struct dataset *ds = dataset_add_item(to, el->tag);
		if (!ds)
			return ERR_NOMEM;
		for (const struct element *inner = i->ds->first; !e && inner; inner = inner->next)
			e = copy_at(ds, inner, depth + 1);
	}
	return e;
}

enum err dataset_copy(struct dataset *to, const struct element *el)
{
	return copy_at(to, el, 0);
}
