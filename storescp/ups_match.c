#include "storescp/ups_match.h"

#include <string.h>

#include "db/item_attrs.h"
#include "pacs/dicom/dataset_text.h"
#include "pacs/dicom/match.h"

static bool is_no_key(const struct element *key)
{
	return key->tag == TAG_SPECIFIC_CHARACTER_SET || key->tag == TAG_QUERY_LEVEL || key->tag == TAG_TRANSACTION_UID || TAG_ELEMENT(key->tag) == 0;
}

static bool is_moment(vr_t vr)
{
	return vr == VR_DA || vr == VR_TM || vr == VR_DT;
}

enum err ups_check_keys(const struct dataset *keys, struct why *why)
{
	char lo[32], hi[32];

	for (const struct element *key = keys->first; key; key = key->next) {
		const struct dataset *sub = key->vr == VR_SQ ? dataset_item(keys, key->tag, 0) : NULL;
		enum err e = sub ? ups_check_keys(sub, why) : ERR_OK;
		if (e)
			return e;
		if (!is_moment(key->vr) || match_kind(key->vr, dataset_str(keys, key->tag)) == MATCH_UNIVERSAL)
			continue;
		if (match_range(key->vr, dataset_str(keys, key->tag), lo, hi))
			return fail(why, ERR_MISMATCH, "no date or time in (%04x,%04x)", TAG_GROUP(key->tag), TAG_ELEMENT(key->tag));
	}
	return ERR_OK;
}

/* ---- one key, one value ---- */

static bool match_moment(vr_t vr, const char *key, const char *value)
{
	char lo[32], hi[32], v[32];

	if (match_range(vr, key, lo, hi))
		return false;
	match_normalise(vr, value, v);
	return v[0] && (!lo[0] || strcmp(v, lo) >= 0) && (!hi[0] || strcmp(v, hi) <= 0);
}

static bool match_text(vr_t vr, const char *key, const char *value)
{
	if (is_moment(vr))
		return match_moment(vr, key, value);
	if (vr == VR_PN)
		return match_name(key, value);
	if (match_kind(vr, key) == MATCH_WILDCARD)
		return match_wildcard(key, value);
	return strcmp(key, value) == 0;
}

/* The value with index n; UTF-8 has no 5C inside a character, so the cut is safe. Text that is one value stays whole. */
static const char *value_n(const struct dataset *ds, const struct element *el, unsigned n)
{
	return vr_is_multi(el->vr) ? dataset_str_n(ds, el->tag, n) : n ? "" : dataset_str(ds, el->tag);
}

static unsigned count_values(const struct element *el)
{
	unsigned n = 1;

	if (vr_is_multi(el->vr))
		for (size_t i = 0; i < el->value.len; i++)
			n += el->value.p[i] == '\\';
	return n;
}

static bool match_values(const struct dataset *item, const struct dataset *keys, const struct element *key)
{
	const struct element *el = dataset_find(item, key->tag);

	if (!el)
		return false;
	if (!vr_is_string(key->vr))
		return bytes_equal(el->value, key->value);
	for (unsigned k = 0; k < count_values(key); k++)
		for (unsigned v = 0; v < count_values(el); v++)
			if (match_text(key->vr, value_n(keys, key, k), value_n(item, el, v)))
				return true;
	return false;
}

static bool match_sequence(const struct dataset *item, const struct dataset *keys, const struct element *key)
{
	const struct dataset *sub = dataset_item(keys, key->tag, 0);

	if (!sub || !sub->first)
		return true;
	for (unsigned n = 0;; n++) {
		const struct dataset *one = dataset_item(item, key->tag, n);
		if (!one) {
			static const struct dataset nothing;    /* lets universal sub-keys match an absent sequence */
			return n == 0 && ups_match(&nothing, sub);
		}
		if (ups_match(one, sub))
			return true;
	}
}

static bool is_universal(const struct dataset *keys, const struct element *key)
{
	if (key->value.len == 0)
		return true;
	return vr_is_string(key->vr) && match_kind(key->vr, dataset_str(keys, key->tag)) == MATCH_UNIVERSAL;
}

bool ups_match(const struct dataset *item, const struct dataset *keys)
{
	for (const struct element *key = keys->first; key; key = key->next) {
		if (is_no_key(key))
			continue;
		if (key->vr == VR_SQ ? !match_sequence(item, keys, key) : !is_universal(keys, key) && !match_values(item, keys, key))
			return false;
	}
	return true;
}

/* ---- answers ---- */

static enum err answer_keys(const struct dataset *item, const struct dataset *keys, struct dataset *out);

static enum err answer_sequence(const struct dataset *item, const struct dataset *sub, uint32_t tag, struct dataset *out)
{
	const struct dataset *one;
	enum err e = dataset_put_empty_sequence(out, tag);

	for (unsigned n = 0; !e && (one = dataset_item(item, tag, n)); n++) {
		struct dataset *to = dataset_add_item(out, tag);
		e = to ? answer_keys(one, sub, to) : ERR_NOMEM;
	}
	return e;
}

static enum err answer_keys(const struct dataset *item, const struct dataset *keys, struct dataset *out)
{
	enum err e = ERR_OK;

	for (const struct element *key = keys->first; key && !e; key = key->next) {
		const struct element *el = dataset_find(item, key->tag);
		const struct dataset *sub = key->vr == VR_SQ ? dataset_item(keys, key->tag, 0) : NULL;
		if (is_no_key(key))
			continue;
		if (sub && sub->first)
			e = answer_sequence(item, sub, key->tag, out);
		else if (el)
			e = dataset_copy(out, el);
		else if (key->vr == VR_SQ)
			e = dataset_put_empty_sequence(out, key->tag);
		else
			e = dataset_put(out, key->tag, key->vr, (struct bytes){ 0 });
	}
	return e;
}

enum err ups_answer(const struct dataset *item, const struct dataset *keys, struct dataset *out)
{
	static const uint32_t always[] = { TAG_SOP_CLASS_UID, TAG_SOP_INSTANCE_UID };
	enum err e = answer_keys(item, keys, out);

	for (size_t i = 0; i < NELEM(always) && !e; i++)
		if (dataset_has(item, always[i]))
			e = dataset_copy(out, dataset_find(item, always[i]));
	return e ? e : dataset_say_charset(out);
}

enum err ups_pick(const struct dataset *item, const uint32_t *tags, unsigned count, struct dataset *out)
{
	enum err e = ERR_OK;

	for (const struct element *el = item->first; el && !e; el = el->next) {
		bool wanted = count == 0;
		for (unsigned i = 0; i < count && !wanted; i++)
			wanted = tags[i] == el->tag;
		if (wanted && el->tag != TAG_TRANSACTION_UID)
			e = dataset_copy(out, el);
	}
	return e ? e : dataset_say_charset(out);
}
