#include "pacs/dicom/match.h"

#include <string.h>

#include "pacs/dicom/han.h"
#include "pacs/dicom/match_time.h"
#include "pacs/dicom/utf8.h"

static bool may_have_wildcards(vr_t vr)
{
	static const vr_t with[] = { VR_AE, VR_CS, VR_LO, VR_LT, VR_PN, VR_SH, VR_ST, VR_UC, VR_UR, VR_UT };
	for (size_t i = 0; i < NELEM(with); i++)
		if (with[i] == vr)
			return true;
	return false;
}

static bool is_moment(vr_t vr)
{
	return vr == VR_DA || vr == VR_TM || vr == VR_DT;
}

enum match_kind match_kind(vr_t vr, const char *key)
{
	struct match_span span;
	if (key[strspn(key, "*")] == '\0')
		return MATCH_UNIVERSAL;
	if (vr == VR_UI)
		return strchr(key, '\\') ? MATCH_UID_LIST : MATCH_SINGLE;
	if (is_moment(vr))
		return match_span_parse(vr, key, &span) && span.is_range ? MATCH_RANGE : MATCH_SINGLE;
	return may_have_wildcards(vr) && strpbrk(key, "*?") ? MATCH_WILDCARD : MATCH_SINGLE;
}

/* What text_fold() makes of single characters: so a name needs no folding before it is compared. */
static uint32_t folded(uint32_t c)
{
	return han_simplified(utf8_fold(c));
}

static uint32_t as_it_is(uint32_t c)
{
	return c;
}

/* The usual walk with one way back: a mismatch lets the last * take one character more. */
static bool wild(struct bytes pattern, struct bytes text, uint32_t (*fold)(uint32_t))
{
	struct bytes star = { NULL, 0 }, from = text;
	for (;;) {
		struct bytes p = pattern, t = text;
		uint32_t want = p.len ? utf8_take(&p) : 0;
		if (pattern.len && want == '*') {
			star = pattern = p;
			from = text;
			continue;
		}
		if (!pattern.len && !text.len)
			return true;
		if (pattern.len && text.len) {
			uint32_t have = utf8_take(&t);
			if (want == '?' || fold(want) == fold(have)) {
				pattern = p;
				text = t;
				continue;
			}
		}
		if (!star.p || !from.len)
			return false;
		utf8_take(&from);
		pattern = star;
		text = from;
	}
}

bool match_wildcard(const char *pattern, const char *text)
{
	return wild(bytes_str(pattern), bytes_str(text), as_it_is);
}

/* The component group at the front of *name, without blanks and carets at its end; *name goes on behind its `=`. */
static struct bytes take_group(const char **name)
{
	size_t len = strcspn(*name, "=");
	struct bytes group = bytes_of(*name, len);
	*name += len + ((*name)[len] == '=');
	while (group.len && (group.p[group.len - 1] == ' ' || group.p[group.len - 1] == '^'))
		group.len--;
	return group;
}

static bool any_group(struct bytes key, const char *name)
{
	do {
		if (wild(key, take_group(&name), folded))
			return true;
	} while (*name);
	return false;
}

bool match_name(const char *key, const char *name)
{
	if (!strchr(key, '=')) {
		struct bytes group = take_group(&key);
		return !group.len || any_group(group, name);
	}
	while (*key) {
		struct bytes want = take_group(&key), have = take_group(&name);
		if (want.len && !wild(want, have, folded))
			return false;
	}
	return true;
}

enum err match_range(vr_t vr, const char *key, char lo[32], char hi[32])
{
	struct match_span span;
	lo[0] = hi[0] = '\0';
	if (!match_span_parse(vr, key, &span))
		return ERR_FORMAT;
	strcpy(lo, span.lo);
	strcpy(hi, span.hi);
	return ERR_OK;
}

void match_normalise(vr_t vr, const char *value, char out[32])
{
	struct match_span span;
	out[0] = '\0';
	if (match_span_parse(vr, value, &span) && !span.is_range)
		strcpy(out, span.lo);
}
