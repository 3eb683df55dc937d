#include "pacs/dicom/edit_value.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- which attribute ---- */

static bool parse_number(const char *text, uint32_t *tag)
{
	unsigned group, element;
	int n = 0, m = 0;
	if (sscanf(text, "(%4x,%4x)%n", &group, &element, &n) == 2 && n == 11 && !text[n])
		m = n;
	else if (sscanf(text, "%4x,%4x%n", &group, &element, &n) == 2 && n == 9 && !text[n])
		m = n;
	*tag = m ? TAG(group, element) : 0;
	return m != 0;
}

enum err edit_tag_parse(const char *text, uint32_t *tag, struct why *why)
{
	if (parse_number(text, tag))
		return ERR_OK;
	const struct dict_entry *d = dict_find_keyword(text);
	if (!d)
		return fail(why, ERR_NOT_FOUND, "\"%.64s\" is no attribute: give its keyword (StudyDescription) or its number, (0008,1030)", text);
	*tag = d->tag;
	return ERR_OK;
}

static const char *refusal(uint32_t tag, const struct dict_entry *d)
{
	if (TAG_IS_PRIVATE(tag))
		return "it is private: only its maker knows what it means";
	if (!d)
		return "it is not in the data dictionary";
	if (TAG_GROUP(tag) < 0x0008 || !TAG_ELEMENT(tag))
		return "it is no part of what an image says";
	if (d->vr == VR_UI)
		return "it is a UID: `pacs study merge` and `pacs study split` give studies and series others, an image keeps its own";
	if (TAG_GROUP(tag) == 0x0028)
		return "it describes the samples, which never change";
	if (tag == TAG_SPECIFIC_CHARACTER_SET)
		return "it tells how the kept text is written";
	if (tag >= TAG(0x0400, 0x0561))
		return "it stands behind (0400,0561), and what stands there goes out as it is kept";
	if (d->vr == VR_SQ)
		return "it is a sequence, and only single attributes can be set";
	if (!vr_is_string(d->vr))
		return "its value is binary, and only text can be set";
	return NULL;
}

enum err edit_tag_allowed(uint32_t tag, struct why *why)
{
	const struct dict_entry *d = dict_find(tag);
	const char *reason = refusal(tag, d);
	if (!reason)
		return ERR_OK;
	return fail(why, ERR_DENIED, "%s (%04x,%04x) cannot be changed: %s", d ? d->keyword : "attribute", TAG_GROUP(tag), TAG_ELEMENT(tag), reason);
}

/* ---- its values ---- */

struct part { const char *p; size_t len; };      /* one value, stripped */

static size_t characters(struct part v)
{
	size_t n = 0;
	for (size_t i = 0; i < v.len; i++)
		n += ((uint8_t)v.p[i] & 0xC0) != 0x80;
	return n;
}

static bool only(struct part v, const char *allowed)
{
	for (size_t i = 0; i < v.len; i++)
		if (!isdigit((unsigned char)v.p[i]) && !strchr(allowed, v.p[i]))
			return false;
	return v.len > 0;
}

static unsigned digits(const char *p, size_t n)
{
	unsigned v = 0;
	for (size_t i = 0; i < n; i++)
		v = 10 * v + (unsigned)(p[i] - '0');
	return v;
}

static bool is_date(struct part v)
{
	static const uint8_t days[] = { 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	if (v.len != 8 || !only(v, ""))
		return false;
	unsigned year = digits(v.p, 4), month = digits(v.p + 4, 2), day = digits(v.p + 6, 2);
	bool is_leap = (year % 4 == 0 && year % 100) || year % 400 == 0;
	return month >= 1 && month <= 12 && day >= 1 && day <= days[month - 1] && (month != 2 || day < 29 || is_leap);
}

/* HH, HHMM, HHMMSS, HHMMSS.F to .FFFFFF */
static bool is_time(struct part v)
{
	const char *dot = memchr(v.p, '.', v.len);
	size_t whole = dot ? (size_t)(dot - v.p) : v.len;
	if ((whole != 2 && whole != 4 && whole != 6) || !only((struct part){ v.p, whole }, ""))
		return false;
	if (dot && (whole != 6 || v.len - 7 > 6 || !only((struct part){ dot + 1, v.len - 7 }, "")))
		return false;
	return digits(v.p, 2) < 24 && (whole < 4 || digits(v.p + 2, 2) < 60) && (whole < 6 || digits(v.p + 4, 2) <= 60);
}

/* YYYY to YYYYMMDD, then a time, then &ZZXX. */
static bool is_datetime(struct part v)
{
	size_t end = v.len;
	for (size_t i = 0; i < v.len; i++)
		if (v.p[i] == '+' || v.p[i] == '-')
			end = i;
	bool has_zone = end < v.len;
	if (has_zone && (v.len - end != 5 || !only((struct part){ v.p + end + 1, 4 }, "")))
		return false;
	struct part d = { v.p, end };
	if (end == 4 || end == 6)
		return only(d, "") && (end == 4 || (digits(v.p + 4, 2) >= 1 && digits(v.p + 4, 2) <= 12));
	return end >= 8 && is_date((struct part){ v.p, 8 }) && (end == 8 || is_time((struct part){ v.p + 8, end - 8 }));
}

static bool is_integer(struct part v)
{
	char *end;
	char text[16];
	if (v.len > 12 || !only(v, "+-"))
		return false;
	snprintf(text, sizeof(text), "%.*s", (int)v.len, v.p);
	long long n = strtoll(text, &end, 10);
	return !*end && n >= INT32_MIN && n <= INT32_MAX;
}

static bool is_decimal(struct part v)
{
	char *end;
	char text[24];
	if (v.len > 16 || !only(v, "+-.eE"))
		return false;
	snprintf(text, sizeof(text), "%.*s", (int)v.len, v.p);
	strtod(text, &end);
	return !*end;
}

static bool is_code(struct part v)
{
	for (size_t i = 0; i < v.len; i++)
		if (!isupper((unsigned char)v.p[i]) && !isdigit((unsigned char)v.p[i]) && v.p[i] != ' ' && v.p[i] != '_')
			return false;
	return v.len <= 16;
}

static bool is_ascii16(struct part v)
{
	for (size_t i = 0; i < v.len; i++)
		if ((uint8_t)v.p[i] < ' ' || (uint8_t)v.p[i] > '~')
			return false;
	return v.len <= 16;
}

static bool is_age(struct part v)
{
	return v.len == 4 && only((struct part){ v.p, 3 }, "") && strchr("DWMY", v.p[3]);
}

static bool is_name(struct part v)
{
	unsigned groups = 1, carets = 0;
	size_t start = 0;
	for (size_t i = 0; i <= v.len; i++) {
		bool is_end = i == v.len || v.p[i] == '=';
		if (is_end && characters((struct part){ v.p + start, i - start }) > 64)
			return false;
		if (i < v.len && v.p[i] == '^' && ++carets > 4)
			return false;
		if (i < v.len && is_end) {
			start = i + 1;
			carets = 0;
			groups++;
		}
	}
	return groups <= 3;
}

static bool is_64(struct part v) { return characters(v) <= 64; }
static bool is_16(struct part v) { return characters(v) <= 16; }
static bool is_any(struct part v) { (void)v; return true; }

static const struct { vr_t vr; bool (*is)(struct part v); const char *says; } kinds[] = {
	{ VR_AE, is_ascii16, "an AE title of at most 16 letters" },
	{ VR_AS, is_age, "an age like 045Y" },
	{ VR_CS, is_code, "a code of at most 16 capital letters, digits, blanks and underscores" },
	{ VR_DA, is_date, "a date like 20260301" },
	{ VR_DS, is_decimal, "a number of at most 16 letters" },
	{ VR_DT, is_datetime, "a date and time like 20260301081500" },
	{ VR_IS, is_integer, "a whole number of 32 bits" },
	{ VR_LO, is_64, "a text of at most 64 characters" },
	{ VR_LT, is_any, "a text" },
	{ VR_PN, is_name, "a name: at most three groups of 64 characters, at most five components" },
	{ VR_SH, is_16, "a text of at most 16 characters" },
	{ VR_ST, is_any, "a text" },
	{ VR_TM, is_time, "a time like 081500" },
	{ VR_UC, is_any, "a text" },
	{ VR_UR, is_any, "an address" },
	{ VR_UT, is_any, "a text" },
};

static bool is_utf8(const char *s)
{
	while (*s) {
		uint8_t c = (uint8_t)*s++;
		unsigned more = c < 0x80 ? 0 : c >= 0xC2 && c < 0xE0 ? 1 : c >= 0xE0 && c < 0xF0 ? 2 : c >= 0xF0 && c < 0xF5 ? 3 : 9;
		if (more == 9)
			return false;
		for (; more; more--, s++)
			if (((uint8_t)*s & 0xC0) != 0x80)
				return false;
	}
	return true;
}

static bool has_control(vr_t vr, const char *s)
{
	bool may_break = vr == VR_ST || vr == VR_LT || vr == VR_UT;
	for (; *s; s++)
		if (((uint8_t)*s < ' ' && !(may_break && strchr("\r\n\t\f", *s))) || *s == 0x7F)
			return true;
	return false;
}

static struct part stripped(const char *p, size_t len)
{
	while (len && *p == ' ')
		p++, len--;
	while (len && p[len - 1] == ' ')
		len--;
	return (struct part){ p, len };
}

/* Appends one value; numbers as the index keeps them. */
static void keep(vr_t vr, struct part v, char *out, size_t *at)
{
	if (vr == VR_IS && v.len)
		*at += (size_t)snprintf(out + *at, EDIT_VALUE_MAX + 1 - *at, "%lld", strtoll(v.p, NULL, 10));
	else if (v.len) {
		memcpy(out + *at, v.p, v.len);
		*at += v.len;
	}
	out[*at] = '\0';
}

static enum err wrong_count(const struct dict_entry *d, unsigned n, struct why *why)
{
	char most[16];
	snprintf(most, sizeof(most), d->vm_max ? "%u" : "any number of", d->vm_max);
	if (d->vm_min == d->vm_max)
		return fail(why, ERR_FORMAT, "%s has %u value%s, not %u", d->keyword, d->vm_min, d->vm_min == 1 ? "" : "s", n);
	return fail(why, ERR_FORMAT, "%s has %u to %s values, not %u", d->keyword, d->vm_min, most, n);
}

enum err edit_value_check(uint32_t tag, const char *text, char out[EDIT_VALUE_MAX + 1], struct why *why)
{
	const struct dict_entry *d = dict_find(tag);
	size_t k = 0, at = 0;
	unsigned n = 0;
	while (d && k < NELEM(kinds) && kinds[k].vr != d->vr)
		k++;
	if (!d || k == NELEM(kinds))
		return fail(why, ERR_DENIED, "(%04x,%04x) has no text value", TAG_GROUP(tag), TAG_ELEMENT(tag));
	if (strlen(text) > EDIT_VALUE_MAX)
		return fail(why, ERR_FORMAT, "%s: a value of %zu bytes, at most %d are taken", d->keyword, strlen(text), EDIT_VALUE_MAX);
	if (!is_utf8(text) || has_control(d->vr, text))
		return fail(why, ERR_FORMAT, "%s: the value is not UTF-8, or has control characters", d->keyword);
	out[0] = '\0';
	if (!stripped(text, strlen(text)).len)
		return ERR_OK;
	for (const char *p = text; p; n++) {
		const char *end = vr_is_multi(d->vr) ? strchr(p, '\\') : NULL;
		struct part v = stripped(p, end ? (size_t)(end - p) : strlen(p));
		if (v.len && !kinds[k].is(v))
			return fail(why, ERR_FORMAT, "%s: \"%.*s\" is not %s", d->keyword, (int)(v.len < 80 ? v.len : 80), v.p, kinds[k].says);
		if (n)
			out[at++] = '\\';
		keep(d->vr, v, out, &at);
		p = end ? end + 1 : NULL;
	}
	if (n < d->vm_min || (d->vm_max && n > d->vm_max))
		return wrong_count(d, n, why);
	return ERR_OK;
}
