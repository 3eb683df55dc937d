#include "pacs/xcode/render_lut.h"

struct lut lut_read(const struct dataset *ds, uint32_t descriptor, uint32_t data, bool is_signed)
{
	const struct lut none = { 0 };
	const struct element *d = dataset_find(ds, descriptor), *v = dataset_find(ds, data);
	if (!d || !v || d->value.len < 6)
		return none;
	struct lut l = { .entries = le16(d->value.p), .bits = le16(d->value.p + 4), .data = v->value };
	uint16_t first = le16(d->value.p + 2);
	l.first = is_signed || d->vr == VR_SS ? (int16_t)first : first;
	if (l.entries == 0)
		l.entries = 65536;
	if (l.bits < 1 || l.bits > 16)
		return none;
	/* An odd number of bytes is padded, so a table of bytes may be one longer than its entries. */
	l.is_bytes = l.data.len < 2 * (size_t)l.entries;
	if (l.data.len < l.entries || (l.is_bytes && l.bits > 8))
		return none;
	return l;
}

unsigned lut_at(const struct lut *l, int32_t v)
{
	int64_t i = (int64_t)v - l->first;
	size_t at = i < 0 ? 0 : i >= l->entries ? l->entries - 1 : (size_t)i;
	return l->is_bytes ? l->data.p[at] : le16(l->data.p + 2 * at);
}
