/* ISO 2022 as DICOM uses it (PS3.5 section 6.1.2.5). Low bytes are G0: ASCII, or pairs after the escape of
 * IR 87 or 159. High bytes are G1: the first declared set, or what an escape put there. Both go back
 * to the first declared set before CR LF FF HT, backslash, and in PN before ^ and =.
 *
 * Not every writer repeats the escape after such a point; a high byte where G1 is empty is therefore
 * read in the set last designated, or in the only two-byte set that was declared. */
#include "pacs/dicom/charset_impl.h"

enum { ESC = 0x1B };

struct decoder {
	const struct charset_set *first_g1;      /* NULL: none */
	const struct charset_set *usual_g1;      /* where an escape is missing */
	const struct charset_set *g0, *g1;       /* g0 NULL: ASCII */
	vr_t vr;
	struct buf *out;
};

bool charset_is_reset(vr_t vr, uint8_t c)
{
	switch (c) {
	case '\r': case '\n': case '\f': case '\t': return true;
	case '\\': return vr_is_multi(vr);
	case '^': case '=': return vr == VR_PN;
	default: return false;
	}
}

static void designate(struct decoder *d, const struct charset_set *s)
{
	if (s->kind == SET_ASCII)
		d->g0 = NULL;
	else if (s->kind == SET_PAIRS_G0)
		d->g0 = s;
	else
		d->g1 = d->usual_g1 = s;
}

/* JIS X 0208 and 0212 as EUC-JP has them: the high bits set, the second one behind 8F. */
static bool decode_g0_pair(struct decoder *d, const uint8_t *p)
{
	uint8_t euc[3] = { 0x8F, (uint8_t)(p[0] | 0x80), (uint8_t)(p[1] | 0x80) };
	bool is_0212 = d->g0->escape[1] == '(';
	return set_decode(d->g0, is_0212 ? bytes_of(euc, 3) : bytes_of(euc + 1, 2), d->out);
}

static bool is_low_pair(struct bytes in)
{
	return in.len >= 2 && in.p[0] > ' ' && in.p[0] < 0x7F && in.p[1] > ' ' && in.p[1] < 0x7F;
}

/* Bytes of the G1 character at the front; 0: none. */
static size_t g1_length(const struct charset_set *s, struct bytes in)
{
	uint8_t b = in.p[0];
	switch (s->kind) {
	case SET_SINGLE:
		return b >= 0xA0 ? 1 : 0;        /* 80 to 9F are controls: the declaration is wrong */
	case SET_SHIFTED:
		return b >= 0xA0 && b <= 0xDF ? 1 : in.len >= 2 ? 2 : 0;
	case SET_PAIRS_G1:
		return in.len >= 2 ? 2 : 0;
	case SET_ASCII: case SET_PAIRS_G0: case SET_WHOLE:
		return 0;
	}
	return 0;
}

/* One character or escape; how many bytes it took, 0 when it is none. */
static size_t step(struct decoder *d, struct bytes in)
{
	uint8_t b = in.p[0];
	size_t len;
	if (b == ESC) {
		const struct charset_set *s = set_of_escape(bytes_of(in.p + 1, in.len - 1), &len);
		if (s) {
			designate(d, s);
			return 1 + len;
		}
	}
	if (b >= 0x80) {
		const struct charset_set *s = d->g1 ? d->g1 : d->usual_g1;
		len = s ? g1_length(s, in) : 0;
		return len && set_decode(s, bytes_of(in.p, len), d->out) ? len : 0;
	}
	if (d->g0 && is_low_pair(in))
		return decode_g0_pair(d, in.p) ? 2 : 0;
	if (d->g0 && b > ' ')
		return 0;
	buf_add_byte(d->out, b);
	if (charset_is_reset(d->vr, b)) {
		d->g0 = NULL;
		d->g1 = d->first_g1;
	}
	return 1;
}

static bool decode_2022(const struct charset_list *l, vr_t vr, struct bytes raw, struct buf *out)
{
	const struct charset_set *first = l->set[0];
	struct decoder d = { .vr = vr, .out = out, .usual_g1 = set_list_kind(l, SET_PAIRS_G1) };
	if (first->kind == SET_SINGLE || first->kind == SET_SHIFTED)
		d.first_g1 = d.g1 = first;
	if (!d.usual_g1)
		d.usual_g1 = l->count > 1 ? set_list_kind(l, SET_SINGLE) : NULL;
	while (raw.len) {
		size_t n = step(&d, raw);
		if (!n)
			return false;
		raw.p += n;
		raw.len -= n;
	}
	return true;
}

bool charset_decode(const struct charset_list *l, vr_t vr, struct bytes raw, struct buf *out)
{
	size_t at = out->len;
	const struct charset_set *whole = set_list_kind(l, SET_WHOLE);
	if (l->has_unknown && l->count == 1)
		return false;
	bool ok = whole ? set_decode(whole, raw, out) : decode_2022(l, vr, raw, out);
	if (!ok)
		out->len = at;
	return ok;
}
