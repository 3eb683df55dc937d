#include "pacs/media/deid_check.h"

#include <ctype.h>
#include <string.h>

#include "pacs/base/bounds.h"
#include "pacs/dicom/charset.h"
#include "pacs/dicom/charset_detect.h"
#include "pacs/media/deid.h"

enum { SHORT = 4, SHORT_DIGITS = 6, STREAM_LEAST = 6 };

/* What names a person, or is about one person alone. */
static bool is_identifying(uint32_t tag)
{
	static const uint32_t tags[] = {
		TAG(0x0010, 0x0010), TAG(0x0010, 0x0020), TAG(0x0010, 0x0030), TAG(0x0010, 0x1000), TAG(0x0010, 0x1001), TAG(0x0010, 0x1005),
		TAG(0x0010, 0x1040), TAG(0x0010, 0x1060), TAG(0x0010, 0x1090), TAG(0x0010, 0x2154), TAG(0x0010, 0x2155), TAG(0x0010, 0x2297),
		TAG(0x0008, 0x0050), TAG(0x0038, 0x0010),
	};
	for (size_t i = 0; i < NELEM(tags); i++)
		if (tags[i] == tag)
			return true;
	return false;
}

/* ---- collecting ---- */

static uint8_t fold(uint8_t c)
{
	return c >= 'a' && c <= 'z' ? (uint8_t)(c - 'a' + 'A') : c;
}

static bool is_all_digits(struct bytes b)
{
	for (size_t i = 0; i < b.len; i++)
		if (!isdigit(b.p[i]))
			return false;
	return b.len > 0;
}

static void add(struct deid_needles *n, uint32_t tag, struct bytes b, bool is_part)
{
	while (b.len && (b.p[b.len - 1] == ' ' || !b.p[b.len - 1]))
		b.len--;
	while (b.len && *b.p == ' ')
		b = bytes_of(b.p + 1, b.len - 1);
	if (b.len > DEID_NEEDLE_MAX)
		b.len = DEID_NEEDLE_MAX;
	struct deid_needle d = { .tag = tag, .len = (uint8_t)b.len, .is_part = is_part, .is_digits = is_all_digits(b), .is_date = tag == TAG(0x0010, 0x0030) };
	d.is_whole = b.len < SHORT || (d.is_digits && b.len < SHORT_DIGITS);
	if (!b.len || (d.is_whole && is_part))
		return;
	for (size_t i = 0; i < b.len; i++)
		d.bytes[i] = fold(b.p[i]);
	for (size_t i = 0; i < n->count; i++)
		if (n->of[i].len == d.len && n->of[i].tag == tag && !memcmp(n->of[i].bytes, d.bytes, d.len))
			return;
	if (n->count == DEID_NEEDLES)
		n->is_over = true;
	else
		n->of[n->count++] = d;
}

/* ASCII with a zero behind each letter; in the other order it is found too, from its second byte on. */
static void add_wide(struct deid_needles *n, uint32_t tag, struct bytes b, bool is_part)
{
	uint8_t wide[DEID_NEEDLE_MAX];
	if (b.len < SHORT || b.len * 2 > sizeof(wide) || !text_is_ascii(b))
		return;
	for (size_t i = 0; i < b.len; i++) {
		wide[2 * i] = b.p[i];
		wide[2 * i + 1] = 0;
	}
	/* the last zero is left out, as in the other order it stands in front */
	struct deid_needle d = { .tag = tag, .len = (uint8_t)(2 * b.len - 1), .is_part = is_part };
	for (size_t i = 0; i < d.len; i++)
		d.bytes[i] = fold(wide[i]);
	if (n->count == DEID_NEEDLES)
		n->is_over = true;
	else
		n->of[n->count++] = d;
}

/* A whole value, and the groups and components of a name. `is_multi_byte` sets have bytes that look like separators: cut in UTF-8 only. */
static void add_value(struct deid_needles *n, uint32_t tag, vr_t vr, struct bytes v, bool may_cut)
{
	add(n, tag, v, false);
	if (!may_cut)
		return;
	size_t from = 0;
	for (size_t i = 0; i <= v.len; i++) {
		bool is_end = i == v.len || v.p[i] == '\\' || (vr == VR_PN && (v.p[i] == '=' || v.p[i] == '^'));
		if (!is_end)
			continue;
		struct bytes part = bytes_of(v.p + from, i - from);
		bool is_part = vr == VR_PN;
		add(n, tag, part, is_part);
		add_wide(n, tag, part, is_part);
		from = i + 1;
	}
}

/* The same text, cut in UTF-8 and then written in the other set. */
static void add_encoded(struct deid_needles *n, uint32_t tag, vr_t vr, const char *utf8)
{
	char part[512];
	while (*utf8) {
		size_t len = strcspn(utf8, vr == VR_PN ? "\\^=" : "\\");
		if (len && len < sizeof(part)) {
			struct buf out;
			buf_init(&out, 4096);
			memcpy(part, utf8, len);
			part[len] = '\0';
			if (!text_is_ascii(bytes_of(part, len)) && !charset_from_utf8("GB18030", vr, part, &out, NULL))
				add(n, tag, buf_view(&out), vr == VR_PN);
			buf_fini(&out);
		}
		utf8 += len + (utf8[len] != '\0');
	}
}

void deid_needles_add_text(struct deid_needles *n, uint32_t tag, const char *text)
{
	const struct dict_entry *known = dict_find(tag);
	vr_t vr = known ? known->vr : VR_LO;
	add_value(n, tag, vr, bytes_str(text), true);
	add_encoded(n, tag, vr, text);
}

static void collect(struct deid_needles *n, const struct dataset *ds, const struct charset_verdict *text, unsigned depth)
{
	for (const struct element *el = ds->first; el; el = el->next) {
		for (const struct item *i = el->items; i && depth < BOUND_DEPTH; i = i->next)
			collect(n, i->ds, text, depth + 1);
		if (!el->value.len || !is_identifying(el->tag))
			continue;
		struct buf utf8;
		buf_init(&utf8, BOUND_ELEMENT);
		charset_read(text, el->vr, el->value, &utf8);
		add_value(n, el->tag, el->vr, el->value, text_is_ascii(el->value));
		deid_needles_add_text(n, el->tag, buf_cstr(&utf8));
		buf_fini(&utf8);
	}
}

void deid_needles_add(struct deid_needles *n, const struct dataset *original, const char *sender_charset)
{
	struct charset_verdict text;
	charset_judge(original, "", sender_charset, &text);
	collect(n, original, &text, 0);
}

/* ---- searching ---- */

static bool holds(struct bytes hay, const struct deid_needle *d)
{
	if (hay.len < d->len)
		return false;
	for (size_t i = 0; i + d->len <= hay.len; i++) {
		if (fold(hay.p[i]) != d->bytes[0])
			continue;
		size_t k = 1;
		while (k < d->len && fold(hay.p[i + k]) == d->bytes[k])
			k++;
		if (k == d->len)
			return true;
	}
	return false;
}

/* Is it one of the values, whole? */
static bool is_value(struct bytes v, const struct deid_needle *d)
{
	size_t from = 0;
	for (size_t i = 0; i <= v.len; i++) {
		if (i < v.len && v.p[i] != '\\' && v.p[i] != '^')
			continue;
		size_t len = i - from;
		while (len && (v.p[from + len - 1] == ' ' || !v.p[from + len - 1]))
			len--;
		if (len == d->len && holds(bytes_of(v.p + from, len), d))
			return true;
		from = i + 1;
	}
	return false;
}

/* What was put there: a patient who was called that already is no find. Of (0012,0063) and (0012,0064) all is ours. */
static bool is_ours(const struct element *el)
{
	static const char dummy[] = DEID_DUMMY;
	size_t n = sizeof(dummy) - 1;
	return el->tag == TAG(0x0012, 0x0063) || (el->value.len >= n && el->value.len <= n + 1 && !memcmp(el->value.p, dummy, n));
}

static bool is_looked_for(const struct deid_needle *d, const struct element *el)
{
	bool is_moment = el->vr == VR_DA || el->vr == VR_DT || el->vr == VR_TM, is_made = el->vr == VR_UI && el->value.len > 5 && !memcmp(el->value.p, "2.25.", 5);
	if (d->is_whole)
		return vr_is_text(el->vr);
	if (d->is_part && el->vr == VR_CS)
		return false;
	if (d->is_date && is_moment)
		return false;
	if (d->is_digits && (el->vr == VR_DS || el->vr == VR_IS || is_made || is_moment))
		return false;
	return vr_is_string(el->vr) || d->len >= STREAM_LEAST;
}

static bool find_at(const struct deid_needles *n, const struct dataset *ds, unsigned depth, uint32_t *at, uint32_t *whose)
{
	for (const struct element *el = ds->first; el; el = el->next) {
		for (const struct item *i = el->tag == TAG(0x0012, 0x0064) ? NULL : el->items; i && depth < BOUND_DEPTH; i = i->next)
			if (find_at(n, i->ds, depth + 1, at, whose))
				return true;
		for (size_t k = 0; el->value.len && !is_ours(el) && k < n->count; k++) {
			const struct deid_needle *d = &n->of[k];
			if (!is_looked_for(d, el) || !(d->is_whole ? is_value(el->value, d) : holds(el->value, d)))
				continue;
			*at = el->tag;
			*whose = d->tag;
			return true;
		}
	}
	return false;
}

bool deid_find(const struct deid_needles *n, const struct dataset *ds, uint32_t *at, uint32_t *whose)
{
	return find_at(n, ds, 0, at, whose);
}

/* six digits are a coincidence in some hundred megabytes; eight letters hardly */
static bool is_for_bytes(const struct deid_needle *d)
{
	return d->len >= STREAM_LEAST && !d->is_whole && !(d->is_digits && d->len < 8);
}

static unsigned pair(const uint8_t *p)
{
	return (unsigned)fold(p[0]) << 8 | fold(p[1]);
}

/* Most places are passed over by their first two bytes. */
bool deid_find_bytes(const struct deid_needles *n, struct bytes b, uint32_t *whose)
{
	uint8_t begins[65536 / 8] = { 0 };
	for (size_t k = 0; k < n->count; k++)
		if (is_for_bytes(&n->of[k]))
			begins[pair(n->of[k].bytes) / 8] |= (uint8_t)(1u << pair(n->of[k].bytes) % 8);
	for (size_t i = 0; i + STREAM_LEAST <= b.len; i++) {
		unsigned first = pair(b.p + i);
		if (!(begins[first / 8] >> first % 8 & 1))
			continue;
		for (size_t k = 0; k < n->count; k++) {
			const struct deid_needle *d = &n->of[k];
			if (!is_for_bytes(d) || d->len > b.len - i || !holds(bytes_of(b.p + i, d->len), d))
				continue;
			*whose = d->tag;
			return true;
		}
	}
	return false;
}
