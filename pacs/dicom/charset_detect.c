#include "pacs/dicom/charset_detect.h"

#include <limits.h>
#include <stdio.h>

#include "pacs/dicom/charset_cost.h"
#include "pacs/dicom/charset_impl.h"
#include "pacs/dicom/utf8.h"

enum {
	SAMPLE_MAX = 16384,              /* bytes of text that are looked at: more than a header has, and it tells no more */
	CUT_MAX = 3,                     /* bytes that are left of a character when a value is cut */
	COST_GOOD = 45,                  /* of a byte: common hanzi in GB18030 have 42, in UTF-8 28, letters 40 */
	CUT_LEAST = 15,                  /* a value is cut where it must end: SH after 16 bytes, others later */
	COST_CUT = 100, COST_CUT_EARLY = 250, COST_UNREADABLE = 250, COST_LOST_BYTE = 60,
};

/* ---- what is looked at ---- */

/* Values that have something beyond ASCII, a line feed behind each. Of the others nothing can be learnt. */
static void collect(const struct dataset *ds, struct buf *sample)
{
	for (const struct element *el = ds->first; el; el = el->next) {
		for (const struct item *i = el->items; i; i = i->next)
			if (!dataset_has(i->ds, TAG_SPECIFIC_CHARACTER_SET))
				collect(i->ds, sample);
		if (!vr_is_text(el->vr) || !el->value.len || text_is_ascii(el->value) || el->value.len >= SAMPLE_MAX - sample->len)
			continue;
		buf_add(sample, el->value.p, el->value.len);
		while (sample->len && (sample->p[sample->len - 1] == ' ' || !sample->p[sample->len - 1]))
			sample->len--;
		buf_add_byte(sample, '\n');
	}
}

/* ---- one reading ---- */

/* Are these bytes the beginning of a character of this set, and no more? */
static bool is_beginning(const struct charset_set *s, const uint8_t *p, size_t len)
{
	if (s->decoder)          /* of the GB family: a lead byte, or the front of a four-byte form */
		return p[0] >= 0x81 && p[0] <= 0xFE && (len == 1 || (p[1] >= '0' && p[1] <= '9' && (len == 2 || (p[2] >= 0x81 && p[2] <= 0xFE))));
	size_t whole = p[0] >= 0xF0 && p[0] < 0xF5 ? 4 : p[0] >= 0xE0 ? 3 : p[0] >= 0xC2 ? 2 : 0;
	for (size_t i = 1; i < len; i++)
		if ((p[i] & 0xC0) != 0x80)
			return false;
	return p[0] < 0xF5 && len < whole;
}

/* Without the beginning of a character at the end of a value. */
static bool decode_cut(const struct charset_list *l, vr_t vr, struct bytes raw, struct buf *out)
{
	const struct charset_set *s = set_list_kind(l, SET_WHOLE);
	for (size_t cut = 1; cut <= CUT_MAX && cut < raw.len && s && strcmp(s->term, "BIG5"); cut++) {
		struct bytes rest = bytes_of(raw.p, raw.len - cut);
		if (is_beginning(s, raw.p + rest.len, cut) && !text_is_ascii(rest) && charset_decode(l, vr, rest, out))
			return true;
	}
	return false;
}

/* Value by value, where the whole cannot be read: a cut one is cheap, one that cannot be read is dear. */
static long cost_by_values(const struct charset_list *l, struct bytes text, struct buf *tmp)
{
	long cost = 0;
	unsigned good = 0, bad = 0;
	while (text.len) {
		const uint8_t *end = memchr(text.p, '\n', text.len);
		size_t len = end ? (size_t)(end - text.p) : text.len;
		struct bytes value = bytes_of(text.p, len);
		buf_reset(tmp);
		if (charset_decode(l, VR_LT, value, tmp)) {
			good++;
		} else if (decode_cut(l, VR_LT, value, tmp)) {
			good++;
			cost += len < CUT_LEAST ? COST_CUT_EARLY : COST_CUT;
		} else {
			bad++;
			cost += COST_UNREADABLE + COST_LOST_BYTE * (long)len;
		}
		cost += charset_cost(buf_view(tmp));
		text.p += end ? len + 1 : len;
		text.len -= end ? len + 1 : len;
	}
	return good > bad ? cost : LONG_MAX;
}

/* LONG_MAX: cannot be read so. */
static long cost_in(const struct charset_list *l, struct bytes text, struct buf *tmp)
{
	if (l->has_unknown && l->count == 1)
		return LONG_MAX;
	buf_reset(tmp);
	if (charset_decode(l, VR_LT, text, tmp))
		return buf_err(tmp) ? LONG_MAX : charset_cost(buf_view(tmp));
	return cost_by_values(l, text, tmp);
}

/* ---- the contest ---- */

struct reading { const char *term; enum charset_how how; long lead; };

static bool has_escapes(struct bytes text)
{
	return text.len && memchr(text.p, 0x1B, text.len);      /* a data set without any text has no bytes to look at */
}

/* Whoever names one of the small sets has text in it; the large and the usual ones are also named by mistake. */
static long lead_of_declared(const char *declared, struct bytes text)
{
	struct charset_list l = set_list(declared);
	const struct charset_set *last = l.set[l.count - 1], *whole = set_list_kind(&l, SET_WHOLE);
	if (has_escapes(text))
		return 1000;
	if (whole)
		return whole->decoder ? 120 : 200;
	if (set_list_kind(&l, SET_PAIRS_G1) == last && last->term[0] == '5')
		return 120;
	if (last->kind == SET_SINGLE && !strcmp(last->term, "100"))
		return 30;
	return 400;
}

static bool is_only_ascii(const char *declared)
{
	struct charset_list l = set_list(declared);
	for (size_t i = 0; i < l.count; i++)
		if (l.set[i]->kind != SET_ASCII)
			return false;
	return !l.has_unknown;
}

void charset_judge_text(struct bytes text, const char *declared, const char *sender, struct charset_verdict *out)
{
	bool says_ascii = is_only_ascii(declared);
	const struct reading readings[] = {
		{ declared, CHARSET_DECLARED, says_ascii ? 0 : lead_of_declared(declared, text) }, { sender && *sender ? sender : NULL, CHARSET_SENDER, 100 },
		{ "GB18030", CHARSET_DETECTED, 5 }, { "ISO_IR 192", CHARSET_DETECTED, 0 }, { "BIG5", CHARSET_DETECTED, -80 }, { "ISO_IR 100", CHARSET_LATIN1, -20 },
	};
	const struct reading *best = NULL;
	struct buf tmp;
	long least = LONG_MAX;
	*out = (struct charset_verdict){ .how = CHARSET_ASCII };
	snprintf(out->term, sizeof(out->term), "%s", declared);
	charset_name(declared, out->declared);
	if (text_is_ascii(text))
		return;
	/* Room for any reading at once: no character has more bytes in UTF-8 than three for each of its own. */
	buf_init(&tmp, 3 * text.len + 64);
	if (!buf_extend(&tmp, 3 * text.len + 64)) {
		out->no_memory = true;
		return;
	}
	set_lock();
	for (size_t i = 0; i < NELEM(readings); i++) {
		if (least < COST_GOOD * (long)text.len && readings[i].lead < 0)
			break;           /* the long shots need not be tried */
		/* Escapes without a declaration can be followed all the same. */
		if (!readings[i].term || (i == 0 && says_ascii && !has_escapes(text)))
			continue;
		struct charset_list l = set_list(readings[i].term);
		long cost = cost_in(&l, text, &tmp);
		if (cost == LONG_MAX || cost - readings[i].lead >= least)
			continue;
		least = cost - readings[i].lead;
		best = &readings[i];
	}
	set_unlock();
	buf_fini(&tmp);
	out->how = best ? best->how : CHARSET_LATIN1;
	out->said = best == &readings[0] && !says_ascii ? CHARSET_SAID_RIGHT : says_ascii ? CHARSET_SAID_NOTHING : CHARSET_SAID_FALSE;
	if (best == &readings[0] && says_ascii)
		out->how = CHARSET_DETECTED;
	snprintf(out->term, sizeof(out->term), "%s", best ? best->term : "ISO_IR 100");
	charset_name(out->term, out->found);
}

void charset_judge(const struct dataset *ds, const char *declared, const char *sender, struct charset_verdict *out)
{
	struct buf sample;
	buf_init(&sample, SAMPLE_MAX);
	collect(ds, &sample);
	bool no_memory = buf_err(&sample) != ERR_OK;
	charset_judge_text(buf_view(&sample), dataset_has(ds, TAG_SPECIFIC_CHARACTER_SET) ? dataset_str(ds, TAG_SPECIFIC_CHARACTER_SET) : declared, sender, out);
	out->no_memory |= no_memory;
	buf_fini(&sample);
}

/* ---- one value ---- */

enum charset_how charset_read(const struct charset_verdict *v, vr_t vr, struct bytes raw, struct buf *out)
{
	struct charset_list l = set_list(v->term);
	size_t at = out->len;
	enum charset_how how = charset_to_utf8(v->term, NULL, vr, raw, out);
	if (how == CHARSET_DECLARED)
		return v->how == CHARSET_ASCII ? CHARSET_DECLARED : v->how;
	if (how == CHARSET_ASCII || v->how == CHARSET_ASCII)
		return how;
	/* Not in this set as it stands: cut at its end? */
	struct buf cut;
	buf_init(&cut, out->max);
	set_lock();
	bool is_cut = decode_cut(&l, vr, charset_strip(vr, raw), &cut);
	set_unlock();
	charset_tidy(&cut, 0);
	if (is_cut && !buf_err(out)) {
		out->len = at;
		buf_add(out, cut.p, cut.len);
		how = v->how;
	}
	buf_fini(&cut);
	return how;
}

void charset_name(const char *declared, char out[24])
{
	struct charset_list l = set_list(declared);
	const struct charset_set *s = l.set[0];
	for (size_t i = 0; i < l.count; i++)
		if (l.set[i]->kind != SET_ASCII)
			s = l.set[i];
	if (s->kind == SET_ASCII)
		snprintf(out, 24, "%s", l.has_unknown ? "unknown" : "");
	else if (s->kind == SET_WHOLE && strcmp(s->term, "192"))
		snprintf(out, 24, "%s", !strcmp(s->term, "BIG5") ? "Big5" : s->term);
	else
		snprintf(out, 24, "%s %s", l.count > 1 || (s->kind != SET_SINGLE && s->kind != SET_SHIFTED && s->kind != SET_WHOLE) ? "ISO 2022 IR" : "ISO_IR", s->term);
}
