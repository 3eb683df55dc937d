#include "pacs/orders/order.h"

#include <ctype.h>
#include <stdio.h>
#include <strings.h>

#include "pacs/dicom/match.h"
#include "pacs/dicom/uid.h"
#include "pacs/dicom/utf8.h"

const struct order_field order_fields[] = {
#define ORDER_ROW(name, bytes, what, text) { #name, text, offsetof(struct order, name), bytes, what },
	ORDER_FIELDS(ORDER_ROW)
#undef ORDER_ROW
};
const size_t order_field_count = NELEM(order_fields);

const struct order_field *order_field_find(const char *name)
{
	for (size_t i = 0; i < order_field_count; i++)
		if (!strcasecmp(order_fields[i].name, name))
			return &order_fields[i];
	return NULL;
}

const char *order_get(const struct order *o, const struct order_field *f)
{
	return (const char *)o + f->offset;
}

/* ---- one value ---- */

static struct bytes trim(const char *s)
{
	struct bytes b = bytes_str(s);
	while (b.len && b.p[b.len - 1] <= ' ')
		b.len--;
	while (b.len && *b.p <= ' ') {
		b.p++;
		b.len--;
	}
	return b;
}

/* Letters up to `limit`; *bytes is where the limit was reached. 0xFFFF: no UTF-8, or a control character or backslash. */
static unsigned count_letters(struct bytes b, unsigned limit, size_t *bytes)
{
	unsigned n = 0;
	*bytes = 0;
	for (size_t at = 0, len; at < b.len; at += len) {
		uint32_t c = utf8_peek(bytes_of(b.p + at, b.len - at), &len);
		if (!c || c < ' ' || c == 0x7F || c == '\\')
			return 0xFFFF;
		if (n++ < limit)
			*bytes = at + len;
	}
	return n;
}

static enum err set_text(const struct order_field *f, struct bytes b, char *to, struct why *why)
{
	bool is_short = f->kind == ORDER_ID16 || f->kind == ORDER_TEXT16;
	unsigned limit = is_short ? 16 : f->kind == ORDER_NAME ? 194 : 64, n;
	size_t fits;
	n = count_letters(b, limit, &fits);
	if (n == 0xFFFF)
		return fail(why, ERR_FORMAT, "%s has a backslash, a control character or bytes that are no text", f->name);
	if (n > limit && (f->kind == ORDER_ID16 || f->kind == ORDER_ID64))
		return fail(why, ERR_LIMIT, "%s has %u letters, DICOM allows %u", f->name, n, limit);
	if (fits > f->size - 1)
		fits = f->size - 1;
	memcpy(to, b.p, fits);
	to[fits] = '\0';
	return ERR_OK;
}

static enum err set_moment(const struct order_field *f, const char *text, char *to, struct why *why)
{
	bool is_date = f->kind == ORDER_DATE;
	char out[32];
	match_normalise(is_date ? VR_DA : VR_TM, text, out);
	if (!out[0])
		return fail(why, ERR_FORMAT, "%s is \"%.40s\", expected a %s", f->name, text, is_date ? "date like 20260301" : "time like 081500");
	snprintf(to, f->size, "%.*s", is_date ? 8 : 6, out);
	return ERR_OK;
}

static enum err set_code(const struct order_field *f, struct bytes b, char *to, struct why *why)
{
	if (b.len > 16)
		return fail(why, ERR_LIMIT, "%s is \"%.*s\", expected at most 16 characters", f->name, 40, (const char *)b.p);
	for (size_t i = 0; i < b.len; i++) {
		int c = f->kind == ORDER_AET ? b.p[i] : toupper(b.p[i]);
		if (f->kind == ORDER_AET ? c < ' ' || c > '~' || c == '\\' : !isalnum(c) && c != '_' && c != ' ')
			return fail(why, ERR_FORMAT, "%s has the character %02x, expected %s", f->name, b.p[i],
			            f->kind == ORDER_AET ? "ASCII without backslash" : "letters, digits, blank and _");
		to[i] = (char)c;
	}
	to[b.len] = '\0';
	return ERR_OK;
}

struct word { const char *seen, *kept; };

static enum err set_word(const struct order_field *f, const struct word *words, size_t n, const char *text, char *to, const char *expected, struct why *why)
{
	for (size_t i = 0; i < n; i++)
		if (!strcasecmp(words[i].seen, text)) {
			snprintf(to, f->size, "%s", words[i].kept);
			return ERR_OK;
		}
	return fail(why, ERR_FORMAT, "%s is \"%.40s\", expected %s", f->name, text, expected);
}

/* The words of DICOM (0040,1003), of HL7 table 0485 and 0027, and of people. */
static const struct word priorities[] = {
	{ "STAT", "STAT" }, { "S", "STAT" }, { "HIGH", "HIGH" }, { "A", "HIGH" }, { "ASAP", "HIGH" }, { "URGENT", "HIGH" },
	{ "ROUTINE", "ROUTINE" }, { "R", "ROUTINE" }, { "P", "ROUTINE" }, { "C", "ROUTINE" }, { "T", "ROUTINE" }, { "MEDIUM", "MEDIUM" }, { "LOW", "LOW" },
	{ "\345\212\240\346\200\245", "STAT" }, { "\346\200\245\350\257\212", "STAT" }, { "\346\231\256\351\200\232", "ROUTINE" },
};
static const struct word sexes[] = {
	{ "M", "M" }, { "MALE", "M" }, { "\347\224\267", "M" }, { "1", "M" }, { "F", "F" }, { "FEMALE", "F" }, { "\345\245\263", "F" }, { "2", "F" },
	{ "O", "O" }, { "A", "O" }, { "OTHER", "O" }, { "U", "" }, { "N", "" }, { "UNKNOWN", "" }, { "0", "" }, { "9", "" },
};

static enum err set_number(const struct order_field *f, const char *text, char *to, struct why *why)
{
	size_t digits = strspn(text, "0123456789.");
	if (text[digits] || digits > 16)
		return fail(why, ERR_FORMAT, "%s is \"%.40s\", expected a number", f->name, text);
	snprintf(to, f->size, "%s", text);
	return ERR_OK;
}

enum err order_set(struct order *o, const struct order_field *f, const char *utf8, struct why *why)
{
	char *to = (char *)o + f->offset, text[128];
	struct bytes b = trim(utf8);
	to[0] = '\0';
	if (!b.len)
		return ERR_OK;
	snprintf(text, sizeof(text), "%.*s", (int)(b.len < sizeof(text) ? b.len : sizeof(text) - 1), (const char *)b.p);
	switch (f->kind) {
	case ORDER_ID16: case ORDER_ID64: case ORDER_TEXT16: case ORDER_TEXT64: case ORDER_NAME:
		return set_text(f, b, to, why);
	case ORDER_DATE: case ORDER_TIME:
		return set_moment(f, text, to, why);
	case ORDER_CODE: case ORDER_AET:
		return set_code(f, b, to, why);
	case ORDER_UID:
		if (!uid_is_legal(text))
			return fail(why, ERR_FORMAT, "%s is \"%.70s\", expected a UID: digits and dots, at most 64", f->name, text);
		snprintf(to, f->size, "%.64s", text);
		return ERR_OK;
	case ORDER_NUMBER:
		return set_number(f, text, to, why);
	case ORDER_PRIORITY:
		return set_word(f, priorities, NELEM(priorities), text, to, "STAT, HIGH, ROUTINE, MEDIUM or LOW", why);
	case ORDER_SEX:
		return set_word(f, sexes, NELEM(sexes), text, to, "M, F or O", why);
	}
	return ERR_OK;
}

/* ---- the whole ---- */

enum err order_check(const struct order *o, struct why *why)
{
	const struct { const char *value, *name; } needed[] = { { o->patient_id, "patient_id" }, { o->patient_name, "patient_name" }, { o->modality, "modality" } };
	for (size_t i = 0; i < NELEM(needed); i++)
		if (!needed[i].value[0])
			return fail(why, ERR_FORMAT, "%s is missing", needed[i].name);
	if (!o->accession[0] && !o->placer[0] && !o->filler[0])
		return fail(why, ERR_FORMAT, "accession, placer and filler are all missing; one of them must tell this order from others");
	return ERR_OK;
}

bool order_is_urgent(const struct order *o)
{
	return !strcmp(o->priority, "STAT") || !strcmp(o->priority, "HIGH");
}

static const char *const state_names[] = { "SCHEDULED", "STARTED", "COMPLETED", "DISCONTINUED", "CANCELED" };
_Static_assert(NELEM(state_names) == ORDER_STATES, "one word for each state");

const char *order_state_name(enum order_state s)
{
	return s < ORDER_STATES ? state_names[s] : "";
}

bool order_state_parse(const char *text, enum order_state *out)
{
	for (unsigned i = 0; i < ORDER_STATES; i++)
		if (!strcasecmp(state_names[i], text)) {
			*out = (enum order_state)i;
			return true;
		}
	return false;
}
