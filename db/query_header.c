#include "db/query_impl.h"

#include "db/sql_match.h"
#include "pacs/dicom/charset_detect.h"

const char *header_text(const struct dataset *header, const struct key *k, const char *sender_charset, struct arena *a)
{
	const struct element *el = dataset_find(header, k->tag);
	struct charset_verdict text;
	struct buf b;
	int64_t number;

	if (!el || !el->value.len)
		return "";
	buf_init(&b, BOUND_ELEMENT);
	if ((vr_is_string(k->vr) || k->vr == VR_UI) && text_is_ascii(el->value)) {
		charset_to_utf8("", NULL, k->vr, el->value, &b);
	} else if (vr_is_string(k->vr) || k->vr == VR_UI) {
		charset_judge(header, "", sender_charset, &text);
		charset_read(&text, k->vr, el->value, &b);
	} else if (dataset_int(header, k->tag, &number)) {
		buf_printf(&b, "%lld", (long long)number);
	}
	const char *out = buf_err(&b) ? NULL : arena_strn(a, b.p, b.len);
	buf_fini(&b);
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
