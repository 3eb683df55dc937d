#include "db/query_impl.h"

#include <stdio.h>

#include "db/sql_match.h"
#include "pacs/dicom/match_fuzzy.h"

void header_init(struct header *h, const struct dataset *ds, const struct keys *k, const char *sender)
{
	*h = (struct header){ .ds = ds, .shift = k->shift };
	if (ds)
		charset_judge(ds, "", sender, &h->text);
}

/* ---- finding ---- */

/* The block that a header gives to a creator; 0: none. */
static uint32_t block_of(const struct header *h, const struct dataset *ds, uint16_t group, const char *creator)
{
	for (const struct element *el = ds->first; el; el = el->next) {
		if (TAG_GROUP(el->tag) != group || TAG_ELEMENT(el->tag) < 0x10 || TAG_ELEMENT(el->tag) > 0xFF)
			continue;
		struct buf b;
		buf_init(&b, BOUND_ELEMENT);
		charset_read(&h->text, VR_LO, el->value, &b);
		bool is_it = !strcmp(buf_cstr(&b), creator);
		buf_fini(&b);
		if (is_it)
			return TAG_ELEMENT(el->tag);
	}
	return 0;
}

/* A private key is looked for in the block that its creator has in this header. */
static const struct element *find(const struct header *h, const struct dataset *ds, const struct key *k)
{
	if (!k->creator)
		return dataset_find(ds, k->tag);
	uint32_t block = block_of(h, ds, TAG_GROUP(k->tag), k->creator);
	return block ? dataset_find(ds, TAG(TAG_GROUP(k->tag), block << 8 | (TAG_ELEMENT(k->tag) & 0xFF))) : NULL;
}

static bool is_text_like(vr_t vr)
{
	return vr_is_string(vr) || vr == VR_UI || vr == VR_UN;
}

static vr_t vr_of(const struct key *k, const struct element *el)
{
	return k->vr && k->vr != VR_UN ? k->vr : el->vr ? el->vr : VR_UN;
}

/* The element's text in UTF-8, "" when there is none; in `a`. */
static const char *text_of(const struct header *h, const struct dataset *ds, const struct element *el, vr_t vr, struct arena *a)
{
	struct buf b;
	int64_t number;

	if (!el || !el->value.len)
		return "";
	buf_init(&b, BOUND_ELEMENT * 4);
	if (is_text_like(vr))
		charset_read(&h->text, vr == VR_UN ? VR_LO : vr, el->value, &b);
	else if (dataset_int(ds, el->tag, &number))
		buf_printf(&b, "%lld", (long long)number);
	const char *out = buf_err(&b) ? NULL : arena_strn(a, b.p, b.len);
	buf_fini(&b);
	return out ? out : "";
}

/* A date or time of the header in the zone of the answers. */
static const char *moved(const struct header *h, const struct dataset *ds, const struct key *k, const char *text, struct arena *a)
{
	uint32_t date_tag = query_date_of(k->tag), time_tag = query_time_of(k->tag);
	char date[32], time[32], date_out[9], time_out[14];

	if (!h->shift || (!date_tag && !time_tag))
		return text;
	const struct element *other = dataset_find(ds, date_tag ? date_tag : time_tag);
	const char *other_text = text_of(h, ds, other, date_tag ? VR_DA : VR_TM, a);
	match_normalise(VR_DA, date_tag ? other_text : text, date);
	match_normalise(VR_TM, date_tag ? text : other_text, time);
	match_shift(date, time, h->shift, date_out, time_out);
	const char *out = date_tag ? time_out : date_out;
	out = *out ? arena_strn(a, out, strlen(out)) : text;
	return out ? out : "";
}

static bool in_range(const struct key *k, const char *value)
{
	char lo[32], hi[32], have[32];

	match_normalise(k->vr, value, have);
	if (!*have || match_range(k->vr, k->text, lo, hi))
		return false;
	return (!*lo || strcmp(have, lo) >= 0) && (!*hi || strcmp(have, hi) <= 0);
}

static bool matches_one(const struct key *k, const char *key, const char *value)
{
	if (k->vr == VR_DA || k->vr == VR_TM || k->vr == VR_DT)
		return in_range(k, value);
	if (k->vr == VR_PN)
		return match_name(key, value);
	if (k->vr == VR_IS || k->vr == VR_DS || !(vr_is_string(k->vr) || k->vr == VR_UI))
		return sql_match_number(key, value);
	if (match_kind(k->vr, key) == MATCH_WILDCARD)
		return match_wildcard(key, value);
	return !strcmp(key, value);
}

static bool matches_any_value(const struct key *k, const char *key, const char *values)
{
	char one[1024];

	if (!vr_is_multi(k->vr) && k->vr != VR_UI)
		return matches_one(k, key, values);
	for (const char *p = values; p; ) {
		const char *end = strchr(p, '\\');
		size_t len = end ? (size_t)(end - p) : strlen(p);
		while (len && *p == ' ')
			p++, len--;
		while (len && p[len - 1] == ' ')
			len--;
		if (len < sizeof(one)) {
			memcpy(one, p, len);
			one[len] = 0;
			if (matches_one(k, key, one))
				return true;
		}
		p = end ? end + 1 : NULL;
	}
	return false;
}

/* Any value of the key with any value of the text. */
bool key_matches_text(const struct key *k, const char *text)
{
	char list[4096], *rest = list, *key;

	if (match_kind(k->vr, k->text) == MATCH_UNIVERSAL)
		return true;
	if (!strchr(k->text, '\\') || strlen(k->text) >= sizeof(list) || (!vr_is_multi(k->vr) && k->vr != VR_UI))
		return matches_any_value(k, k->text, text);
	memcpy(list, k->text, strlen(k->text) + 1);
	while ((key = list_next(&rest)))
		if (*key && matches_any_value(k, key, text))
			return true;
	return false;
}

/* ---- a key against a header ---- */

/* A date whose key makes one interval with that of its time. */
static bool in_interval(const struct header *h, const struct dataset *ds, const struct key *k, const char *date, struct arena *a)
{
	const char *time = moved(h, ds, k->time, text_of(h, ds, dataset_find(ds, k->time->tag), VR_TM, a), a);
	char d_lo[32], d_hi[32], t_lo[32], t_hi[32], d[32], t[32], have[64], lo[64], hi[64];

	match_normalise(VR_DA, date, d);
	match_normalise(VR_TM, time, t);
	if (!*d || match_range(VR_DA, k->text, d_lo, d_hi) || match_range(VR_TM, k->time->text, t_lo, t_hi))
		return false;
	snprintf(have, sizeof(have), "%s%s", d, t);
	snprintf(lo, sizeof(lo), "%s%s", d_lo, !*d_lo ? "" : *t_lo ? t_lo : "000000.000000");
	snprintf(hi, sizeof(hi), "%s%s", d_hi, !*d_hi ? "" : *t_hi ? t_hi : "235959.999999");
	return (!*lo || strcmp(have, lo) >= 0) && (!*hi || strcmp(have, hi) <= 0);
}

static bool matches_in(const struct header *h, const struct dataset *ds, const struct key *k, struct arena *a);

/* Some item fulfils all the keys of the key's item (PS3.4 C.2.2.2.6). */
static bool some_item(const struct header *h, const struct element *el, const struct key *keys, struct arena *a)
{
	bool asks = false;

	for (const struct key *k = keys; k; k = k->next)
		asks |= key_is_condition(k, KEY_HEADER);
	if (!asks)
		return true;
	for (const struct item *it = el ? el->items : NULL; it; it = it->next) {
		const struct key *k = keys;
		while (k && matches_in(h, it->ds, k, a))
			k = k->next;
		if (!k)
			return true;
	}
	return false;
}

static bool matches_in(const struct header *h, const struct dataset *ds, const struct key *k, struct arena *a)
{
	if (k->is_joined || !key_is_condition(k, KEY_HEADER))
		return true;
	const struct element *el = find(h, ds, k);
	if (k->is_empty)
		return !el || (!el->value.len && !el->items);
	if (k->items)
		return some_item(h, el, k->items, a);
	if (!el)
		return false;
	struct key typed = *k;
	typed.vr = vr_of(k, el);
	const char *text = moved(h, ds, k, text_of(h, ds, el, typed.vr, a), a);
	if (k->time)
		return in_interval(h, ds, k, text, a);
	if (!k->is_fuzzy)
		return key_matches_text(&typed, text);
	const char *key = query_folded(a, k->text), *name = query_folded(a, text);
	return key && name && match_fuzzy(key, name);
}

bool header_matches(const struct header *h, const struct key *k, struct arena *a)
{
	struct dataset none = { 0 };

	return matches_in(h, h->ds ? h->ds : &none, k, a);
}

/* ---- what is returned ---- */

static enum err value_in(const struct header *h, const struct dataset *ds, const struct key *k, struct arena *a, struct answer_value *out);

static enum err element_value(const struct header *h, const struct dataset *ds, const struct element *el, struct arena *a, struct answer_value *out);

/* An item's elements: those that were asked for, or all of them. */
static enum err item_values(const struct header *h, const struct dataset *ds, const struct key *keys, struct arena *a, struct answer_item *out)
{
	size_t n = 0, at = 0;
	enum err e = ERR_OK;

	for (const struct key *k = keys; k; k = k->next)
		n++;
	for (const struct element *el = keys ? NULL : ds->first; el; el = el->next)
		n++;
	out->v = arena_alloc(a, (n + 1) * sizeof(*out->v));
	if (!out->v)
		return ERR_NOMEM;
	for (const struct key *k = keys; k && !e; k = k->next)
		e = value_in(h, ds, k, a, &out->v[at++]);
	for (const struct element *el = keys ? NULL : ds->first; el && !e; el = el->next)
		if (el->tag != TAG_SPECIFIC_CHARACTER_SET)
			e = element_value(h, ds, el, a, &out->v[at++]);
	out->n = at;
	return e;
}

static enum err items_value(const struct header *h, const struct element *el, const struct key *keys, struct arena *a, struct answer_value *out)
{
	struct answer_item **end = &out->items;

	for (const struct item *it = el->items; it; it = it->next) {
		struct answer_item *item = arena_alloc(a, sizeof(*item));
		if (!item)
			return ERR_NOMEM;
		*end = item;
		end = &item->next;
		enum err e = item_values(h, it->ds, keys, a, item);
		if (e)
			return e;
	}
	return ERR_OK;
}

static enum err element_value(const struct header *h, const struct dataset *ds, const struct element *el, struct arena *a, struct answer_value *out)
{
	*out = (struct answer_value){ .tag = el->tag, .vr = el->vr, .text = NULL };
	if (el->vr == VR_SQ)
		return items_value(h, el, NULL, a, out);
	if (is_text_like(el->vr) && el->vr != VR_UN)
		out->text = text_of(h, ds, el, el->vr, a);
	else
		out->raw = el;
	return ERR_OK;
}

static enum err value_in(const struct header *h, const struct dataset *ds, const struct key *k, struct arena *a, struct answer_value *out)
{
	const struct element *el = k->way == KEY_CREATOR ? NULL : find(h, ds, k);

	*out = (struct answer_value){ .tag = k->tag, .vr = k->way == KEY_CREATOR ? VR_LO : k->vr, .text = k->vr == VR_SQ ? NULL : "" };
	if (k->way == KEY_CREATOR)
		out->text = k->text;
	if (!el)
		return ERR_OK;
	out->vr = vr_of(k, el);
	if (out->vr == VR_SQ) {
		out->text = NULL;
		return items_value(h, el, k->items, a, out);
	}
	if (is_text_like(out->vr) && out->vr != VR_UN) {
		out->text = moved(h, ds, k, text_of(h, ds, el, out->vr, a), a);
	} else {
		out->text = NULL;
		out->raw = el;
	}
	return ERR_OK;
}

enum err header_value(const struct header *h, const struct key *k, struct arena *a, struct answer_value *out)
{
	struct dataset none = { 0 };

	return value_in(h, h->ds ? h->ds : &none, k, a, out);
}
