#include "pacs/dicom/charset_impl.h"
#include "pacs/dicom/utf8.h"

/* In a two-byte set of G1 by escapes: its escape stands before the first character of it, and
 * again after each point where the designation goes back (PS3.5 section 6.1.2.5.3). */
static bool encode_pairs(const struct charset_set *s, vr_t vr, struct bytes t, struct buf *out)
{
	bool is_designated = false;
	while (t.len) {
		size_t len = 1, at;
		if (t.p[0] < 0x80) {
			buf_add_byte(out, t.p[0]);
			if (charset_is_reset(vr, t.p[0]))
				is_designated = false;
		} else {
			if (!utf8_peek(t, &len))
				return false;
			if (!is_designated) {
				buf_add_byte(out, 0x1B);
				buf_add_str(out, s->escape);
			}
			is_designated = true;
			at = out->len;
			/* Of GBK only what GB 2312 has: both bytes from A1 up, hanzi of its 72 rows. */
			if (!set_encode(s, bytes_of(t.p, len), out) || out->len - at != 2 || out->p[at] < 0xA1 || out->p[at + 1] < 0xA1 || out->p[at] > 0xFD)
				return false;
			if (s->term[0] == '5' && (out->p[at] > 0xF7 || (out->p[at] > 0xA9 && out->p[at] < 0xB0)))
				return false;
		}
		t.p += len;
		t.len -= len;
	}
	return true;
}

static bool encode(const char *declared, vr_t vr, struct bytes t, struct buf *out)
{
	struct charset_list l = set_list(declared);
	const struct charset_set *whole = set_list_kind(&l, SET_WHOLE), *pairs = set_list_kind(&l, SET_PAIRS_G1);
	if (whole)
		return set_encode(whole, t, out);
	if (pairs)
		return encode_pairs(pairs, vr, t, out);
	return l.set[0]->kind == SET_SINGLE && set_encode(l.set[0], t, out);
}

enum err charset_from_utf8(const char *declared, vr_t vr, const char *utf8, struct buf *out, struct why *why)
{
	struct bytes t = bytes_str(utf8);
	size_t at = out->len;
	bool ok = true;
	if (text_is_ascii(t)) {
		buf_add(out, t.p, t.len);
	} else {
		set_lock();
		ok = encode(declared, vr, t, out);
		set_unlock();
	}
	if (ok || buf_err(out))
		return buf_err(out);
	out->len = at;
	return fail(why, ERR_UNSUPPORTED, "character set \"%.64s\" does not have all characters of a text of %zu bytes", declared, t.len);
}
