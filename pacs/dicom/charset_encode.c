/* UTF-8 to the declared sets, with ISO 2022 escapes where several are declared (PS3.5 section 6.1.2.5).
 *
 * One set is active: the first declared one, or the one of the last escape. ASCII stands in G0 of all but IR 87 and 159,
 * which are left by an escape to the G0 of the first set: before ASCII, before a delimiter, at the end. A set of G1 that
 * replaced the first one's is taken back before a delimiter; where the first set has no G1 there is nothing to take back,
 * as the examples of PS3.5 annexes I and K have it. A set that is active again after ASCII was gets its escape again,
 * though G1 still has it: there are readers that know only the last escape. */
#include "pacs/dicom/charset_impl.h"
#include "pacs/dicom/utf8.h"

enum { ESC = 0x1B, CODE_MAX = 4 };

struct encoder {
	const struct charset_list *list;
	const struct charset_set *active;        /* NULL: the first set, no escape is in effect */
	vr_t vr;
	struct buf *out;
};

static bool is_high(uint8_t b)
{
	return b >= 0xA1 && b <= 0xFE;
}

/* Of GBK only what GB 2312 has: both bytes from A1 up, symbols of rows 1 to 9, hanzi of rows 16 to 87; but not these. */
static bool is_gb2312(const uint8_t *p)
{
	static const uint8_t later[][3] = {
		{ 0xA2, 0xA1, 0xB0 }, { 0xA2, 0xE3, 0xE4 }, { 0xA2, 0xEF, 0xF0 }, { 0xA2, 0xFD, 0xFE }, { 0xA4, 0xF4, 0xFE }, { 0xA5, 0xF7, 0xFE },
		{ 0xA6, 0xB9, 0xC0 }, { 0xA6, 0xD9, 0xFE }, { 0xA7, 0xC2, 0xD0 }, { 0xA7, 0xF2, 0xFE }, { 0xA8, 0xBB, 0xC4 }, { 0xA8, 0xEA, 0xFE },
		{ 0xA9, 0xA1, 0xA3 }, { 0xA9, 0xF0, 0xFE }, { 0xD7, 0xFA, 0xFE },
	};
	if (p[0] > 0xF7 || (p[0] > 0xA9 && p[0] < 0xB0))
		return false;
	for (size_t i = 0; i < NELEM(later); i++)
		if (p[0] == later[i][0] && p[1] >= later[i][1] && p[1] <= later[i][2])
			return false;
	return true;
}

/* The code of one character in a set; its length, 0: the set does not have it. */
static size_t code_of(const struct charset_set *s, struct bytes c, uint8_t code[CODE_MAX])
{
	struct buf b;
	size_t n;
	if (s->kind == SET_ASCII || s->kind == SET_WHOLE)
		return 0;
	buf_init(&b, CODE_MAX);
	n = set_encode(s, c, &b) && !buf_err(&b) ? b.len : 0;
	if (n)
		memcpy(code, b.p, n);
	buf_fini(&b);
	switch (s->kind) {
	case SET_SINGLE:
		return n == 1 && code[0] >= 0xA0 ? 1 : 0;
	case SET_SHIFTED:
		return n == 1 && code[0] >= 0xA1 && code[0] <= 0xDF ? 1 : 0;
	case SET_PAIRS_G1:
		return n == 2 && is_high(code[0]) && is_high(code[1]) && (s->term[0] != '5' || is_gb2312(code)) ? 2 : 0;
	case SET_PAIRS_G0: {
		/* As EUC-JP: JIS X 0208 in two high bytes, JIS X 0212 in two behind 8F. */
		size_t at = s->escape[1] == '(' ? 1 : 0;
		if (n != 2 + at || (at && code[0] != 0x8F) || !is_high(code[at]) || !is_high(code[at + 1]))
			return 0;
		memmove(code, code + at, 2);
		code[0] &= 0x7F;
		code[1] &= 0x7F;
		return 2;
	}
	case SET_ASCII: case SET_WHOLE:
		break;
	}
	return 0;
}

static void escape(struct encoder *e, const char *sequence)
{
	buf_add_byte(e->out, ESC);
	buf_add_str(e->out, sequence);
}

/* To ASCII; or to JIS X 0201's Latin half where that is the first set's G0, which is the first set again. */
static void leave_g0(struct encoder *e)
{
	if (!e->active || e->active->kind != SET_PAIRS_G0)
		return;
	bool is_jis = e->list->set[0]->kind == SET_SHIFTED;
	escape(e, is_jis ? "(J" : "(B");
	e->active = is_jis ? NULL : set_find(bytes_str(""));
}

static bool first_has_g1(const struct encoder *e)
{
	return e->list->set[0]->kind == SET_SINGLE || e->list->set[0]->kind == SET_SHIFTED;
}

static void put_ascii(struct encoder *e, uint8_t c)
{
	leave_g0(e);
	if (charset_is_reset(e->vr, c)) {
		if (e->active && e->active != e->list->set[0] && first_has_g1(e))
			escape(e, e->list->set[0]->escape);
		e->active = NULL;
	}
	buf_add_byte(e->out, c);
}

static bool put_code(struct encoder *e, const struct charset_set *s, struct bytes c)
{
	uint8_t code[CODE_MAX];
	size_t n = code_of(s, c, code);
	if (!n)
		return false;
	if (s->kind != SET_PAIRS_G0)
		leave_g0(e);
	bool is_first = !e->active && s == e->list->set[0] && first_has_g1(e);
	if (s != e->active && !is_first) {
		escape(e, s->escape);
		e->active = s;
	}
	buf_add(e->out, code, n);
	return true;
}

static bool put_other(struct encoder *e, struct bytes c)
{
	if (e->active && put_code(e, e->active, c))
		return true;
	for (size_t i = 0; i < e->list->count; i++)
		if (put_code(e, e->list->set[i], c))
			return true;
	return false;
}

static bool encode_2022(const struct charset_list *l, vr_t vr, struct bytes t, struct buf *out)
{
	struct encoder e = { .list = l, .vr = vr, .out = out };
	while (t.len) {
		size_t len = 1;
		if (t.p[0] == ESC || (t.p[0] >= 0x80 && !utf8_peek(t, &len)))
			return false;
		if (t.p[0] < 0x80)
			put_ascii(&e, t.p[0]);
		else if (!put_other(&e, bytes_of(t.p, len)))
			return false;
		t.p += len;
		t.len -= len;
	}
	leave_g0(&e);
	return true;
}

static bool encode(const char *declared, vr_t vr, struct bytes t, struct buf *out)
{
	struct charset_list l = set_list(declared);
	const struct charset_set *whole = set_list_kind(&l, SET_WHOLE);
	return whole ? set_encode(whole, t, out) : encode_2022(&l, vr, t, out);
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
