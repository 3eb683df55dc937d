#include "pacs/render/lut.h"

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

/* ---- segmented palettes (PS3.3 C.7.9.2): words of opcode, count, and what the opcode asks for ---- */

enum { SEG_DISCRETE, SEG_LINEAR, SEG_INDIRECT };

struct segments {
	struct bytes data;
	uint8_t *out;            /* 16-bit entries */
	size_t have, max;        /* entries */
};

static unsigned word(const struct segments *s, size_t i)
{
	return le16(s->data.p + 2 * i);
}

static bool put_entry(struct segments *s, unsigned v)
{
	if (s->have == s->max)
		return false;
	put_le16(s->out + 2 * s->have++, (uint16_t)v);
	return true;
}

/* From the last entry to `end` in n steps. */
static bool put_line(struct segments *s, unsigned n, unsigned end)
{
	if (s->have == 0)
		return false;
	int start = le16(s->out + 2 * (s->have - 1));
	for (unsigned i = 1; i <= n; i++)
		if (!put_entry(s, (unsigned)(start + ((int)end - start) * (int)i / (int)n)))
			return false;
	return true;
}

/* `count` segments from word `at`, or all; an indirect one repeats earlier ones and may not nest. */
static bool expand(struct segments *s, size_t at, size_t count, bool is_repeat)
{
	size_t words = s->data.len / 2;
	for (size_t n = 0; n < count && at < words; n++) {
		if (words - at < 3)
			return is_repeat ? false : s->have == s->max;    /* padding */
		unsigned op = word(s, at), len = word(s, at + 1);
		at += 2;
		if (op == SEG_DISCRETE) {
			if (len > words - at)
				return false;
			for (unsigned i = 0; i < len; i++)
				if (!put_entry(s, word(s, at + i)))
					return false;
			at += len;
		} else if (op == SEG_LINEAR) {
			if (!put_line(s, len, word(s, at++)))
				return false;
		} else if (op == SEG_INDIRECT && !is_repeat && words - at >= 2) {
			uint64_t offset = word(s, at) | (uint64_t)word(s, at + 1) << 16;
			if (offset / 2 >= words || !expand(s, (size_t)offset / 2, len, true))
				return false;
			at += 2;
		} else {
			return false;
		}
	}
	return true;
}

struct lut lut_read_palette(const struct dataset *ds, unsigned colour, bool is_signed)
{
	struct lut l = lut_read(ds, TAG(0x0028, 0x1101) + colour, TAG(0x0028, 0x1201) + colour, is_signed), none = { 0 };
	const struct element *d = dataset_find(ds, TAG(0x0028, 0x1101) + colour), *v = dataset_find(ds, TAG(0x0028, 0x1221) + colour);
	if (l.entries || !d || !v || d->value.len < 6 || le16(d->value.p + 4) != 16)
		return l;
	unsigned entries = le16(d->value.p) ? le16(d->value.p) : 65536;
	struct segments s = { .data = v->value, .out = arena_alloc(ds->arena, 2 * (size_t)entries), .max = entries };
	if (!s.out || !expand(&s, 0, SIZE_MAX, false) || s.have != s.max)
		return none;
	uint16_t first = le16(d->value.p + 2);
	return (struct lut){ .entries = entries, .bits = 16, .first = is_signed ? (int16_t)first : first, .data = { s.out, 2 * (size_t)entries } };
}

unsigned lut_at(const struct lut *l, int64_t v)
{
	int64_t i = v - l->first;
	size_t at = i < 0 ? 0 : i >= l->entries ? l->entries - 1 : (size_t)i;
	return l->is_bytes ? l->data.p[at] : le16(l->data.p + 2 * at);
}

double lut_part(const struct lut *l, int64_t v)
{
	double part = (double)lut_at(l, v) / (double)((1u << l->bits) - 1);
	return part > 1 ? 1 : part;
}

bool palette_read(const struct dataset *ds, bool is_signed, struct palette *out)
{
	for (unsigned c = 0; c < 3; c++) {
		out->of[c] = lut_read_palette(ds, c, is_signed);
		if (!out->of[c].entries)
			return false;
	}
	return true;
}

/* Of 16 bits the high byte: PS3.3 C.7.6.3.1.6 lets palettes scale to the whole range. */
void palette_at(const struct palette *p, int64_t v, uint8_t rgb[3])
{
	for (unsigned c = 0; c < 3; c++) {
		unsigned x = lut_at(&p->of[c], v);
		rgb[c] = (uint8_t)(p->of[c].bits > 8 ? x >> (p->of[c].bits - 8) : x);
	}
}
