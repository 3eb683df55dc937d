#include "pacs/dicom/charset_cost.h"

#include "pacs/base/err.h"
#include "pacs/dicom/han.h"
#include "pacs/dicom/utf8.h"

enum script { OTHER, LATIN, HAN, KANA, HANGUL, CYRILLIC, GREEK, HEBREW, ARABIC, THAI, SCRIPTS };

/* What a character costs; the letters of an alphabet are few, hanzi are many. */
static const struct { uint32_t from, to; enum script script; short cost; } ranges[] = {
	{ 0x80, 0x9F, OTHER, 150 }, { 0xA0, 0xBF, OTHER, 95 }, { 0xC0, 0xFF, LATIN, 55 }, { 0x100, 0x17F, LATIN, 65 }, { 0x180, 0x24F, LATIN, 110 },
	{ 0x250, 0x36F, OTHER, 120 }, { 0x386, 0x3CE, GREEK, 40 }, { 0x370, 0x3FF, GREEK, 95 }, { 0x410, 0x44F, CYRILLIC, 40 }, { 0x400, 0x40F, CYRILLIC, 70 },
	{ 0x450, 0x45F, CYRILLIC, 70 }, { 0x460, 0x52F, CYRILLIC, 100 }, { 0x5D0, 0x5EA, HEBREW, 40 }, { 0x621, 0x64A, ARABIC, 40 }, { 0x590, 0x6FF, OTHER, 110 },
	{ 0xE01, 0xE5B, THAI, 42 }, { 0x2000, 0x206F, OTHER, 90 }, { 0x20A0, 0x27FF, OTHER, 90 }, { 0x3000, 0x303F, OTHER, 80 }, { 0x3040, 0x30FF, KANA, 55 },
	{ 0x3400, 0x4DBF, HAN, 180 }, { 0xAC00, 0xD7A3, HANGUL, 80 }, { 0xE000, 0xF8FF, OTHER, 250 }, { 0xF900, 0xFAFF, HAN, 180 }, { 0xFF61, 0xFF9F, KANA, 55 },
	{ 0xFF01, 0xFFEF, OTHER, 80 }, { 0x20000, 0x3FFFF, HAN, 180 },
};

/* The first of a script that nobody else in the text uses; Latin and Han are always expected. */
static const short first_use[SCRIPTS] = { [KANA] = 30, [HANGUL] = 40, [CYRILLIC] = 100, [GREEK] = 100, [HEBREW] = 100, [ARABIC] = 100, [THAI] = 100 };

static short cost_of(uint32_t c, enum script *script)
{
	static const short of_rank[] = { [HAN_RARE] = 140, [HAN_COMMON] = 83, [HAN_LESS_COMMON] = 110, [HAN_TRADITIONAL] = 109 };
	*script = OTHER;
	if (c < 0x80) {
		*script = (c | 0x20) >= 'a' && (c | 0x20) <= 'z' ? LATIN : OTHER;
		return c >= ' ' || c == 0x1B || (c >= '\t' && c <= '\r') ? 40 : 150;
	}
	if (c >= 0x4E00 && c <= 0x9FFF) {
		*script = HAN;
		return of_rank[han_rank(c)];
	}
	/* Degrees, micro, squares, dots and crosses are in many measures. */
	if (c == 0xB0 || c == 0xB5 || c == 0xB7 || c == 0xB1 || c == 0xB2 || c == 0xB3 || c == 0xD7)
		return 75;
	for (size_t i = 0; i < NELEM(ranges); i++)
		if (c >= ranges[i].from && c <= ranges[i].to) {
			*script = ranges[i].script;
			return ranges[i].cost;
		}
	return 150;
}

static bool is_small(uint32_t c)
{
	return c >= 'a' && c <= 'z';
}

/* Letters of alphabets in capitals, for what follows a small one. */
static bool is_capital(uint32_t c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 0xC0 && c <= 0xDE) || (c >= 0x391 && c <= 0x3A9) || (c >= 0x410 && c <= 0x42F);
}

/* What two neighbours cost beside themselves. */
static long beside(uint32_t a, enum script sa, uint32_t b, enum script sb)
{
	if ((sa == HAN && is_small(b)) || (sb == HAN && is_small(a)))
		return 50;
	/* A sign of Latin-1 beside a letter of it: neither is in a word, nor in a measure. */
	if ((sa == LATIN && a >= 0x80 && b >= 0xA0 && b < 0xC0) || (sb == LATIN && b >= 0x80 && a >= 0xA0 && a < 0xC0))
		return 40;
	if (sa != sb || sa == OTHER || sa == HAN || (a < 0x80 && b < 0x80))
		return 0;
	long cost = !is_capital(a) && is_capital(b) ? 30 : 0;
	return cost + (sa == LATIN && a >= 0x80 && b >= 0x80 ? 40 : 0);
}

long charset_cost(struct bytes t)
{
	long cost = 0;
	uint32_t before = 0;
	enum script script_before = OTHER, script;
	bool is_seen[SCRIPTS] = { false };
	while (t.len) {
		uint32_t c = utf8_take(&t);
		cost += cost_of(c, &script);
		if (!is_seen[script])
			cost += first_use[script];
		is_seen[script] = true;
		cost += beside(before, script_before, c, script);
		before = c;
		script_before = script;
	}
	return cost;
}
