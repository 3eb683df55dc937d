#include "pacs/dicom/name_sound.h"

#include <stdio.h>
#include <string.h>

#include "pacs/dicom/han.h"
#include "pacs/dicom/match.h"
#include "pacs/dicom/name_reading.h"
#include "pacs/dicom/text_fold.h"
#include "pacs/dicom/utf8.h"

/* ---- a component group in units: a Han character, or a word of letters ---- */

enum { UNITS_MAX = 24, VARIANTS_MAX = SOUND_PATTERNS, WORD_MAX = 40 };

struct unit {
	struct readings readings;        /* of a Han character */
	char word[WORD_MAX];             /* of letters; "" Han */
	bool opens;                      /* a word or component begins here */
};

struct group {
	struct unit unit[UNITS_MAX];
	size_t count, family;            /* the first `family` units are the family name */
	bool has_han, has_caret, is_foreign;     /* foreign: a script without a reading here, or a wildcard */
};

static bool is_letter(uint32_t c)
{
	return c >= 'a' && c <= 'z';
}

static bool is_gap(uint32_t c)
{
	return c == ' ' || c == '^' || c == 0xB7 || c == 0x30FB || c == 0x2022;      /* the dots of foreign names */
}

/* Written inside of words: xi'an, O'Brien, Anna-Maria, Jr. */
static bool is_silent(uint32_t c)
{
	return c == '\'' || c == '-' || c == '.' || c == 0x2019 || c == 0x2010 || c == ',';
}

static void add_letter(struct group *g, uint32_t c, bool opens)
{
	struct unit *u = g->count ? &g->unit[g->count - 1] : NULL;
	if (opens || !u || !u->word[0]) {
		u = &g->unit[g->count++];
		*u = (struct unit){ .opens = opens };
	}
	size_t len = strlen(u->word);
	if (len < WORD_MAX - 1)
		u->word[len] = (char)c;
}

/* Reads a group that is folded and without accents; a name of more units than fit is cut. */
static void read_group(struct bytes t, struct group *g)
{
	bool opens = true;
	*g = (struct group){ .count = 0 };
	while (t.len && g->count < UNITS_MAX && !g->is_foreign) {
		uint32_t c = utf8_take(&t);
		if (is_gap(c)) {
			g->has_caret |= c == '^' && g->count;
			opens = true;
			continue;
		}
		if (is_silent(c))
			continue;
		if (is_letter(c)) {
			add_letter(g, c, opens);
		} else if (han_is(c) && han_reading(c)) {
			struct unit *u = &g->unit[g->count++];
			*u = (struct unit){ .opens = opens };
			u->readings.c = c;
			g->has_han = true;
		} else {
			g->is_foreign = true;
		}
		opens = false;
	}
}

/* The family name's length, and every character's readings. */
static void read_aloud(struct group *g)
{
	size_t words = 0, second = g->count;
	for (size_t i = 0; i < g->count; i++)
		if (g->unit[i].opens && ++words == 2)
			second = i;
	uint32_t a = g->count ? g->unit[0].readings.c : 0, b = g->count > 1 ? g->unit[1].readings.c : 0;
	bool is_double = a && b && reading_is_double_surname(a, b);
	g->family = second < g->count ? second : is_double && g->count > 2 ? 2 : 1;
	for (size_t i = 0; i < g->count; i++) {
		struct readings *r = &g->unit[i].readings;
		if (!r->c)
			continue;
		uint32_t other = is_double && i < 2 ? (i ? a : b) : 0;
		reading_of(r->c, i == 0 ? READING_SURNAME : is_double && i == 1 ? READING_SURNAME_SECOND : READING_GIVEN, other, r);
	}
}

/* ---- its forms ---- */

struct forms { char joined[SOUND_TEXT], apart[SOUND_TEXT], initials[SOUND_TEXT]; };

static void append(char *text, const char *more)
{
	size_t at = strlen(text);
	snprintf(text + at, SOUND_TEXT - at, "%s", more);
}

/* First letters of the syllables when a word is pinyin through and through, else its own. */
static void append_initials(char *text, const char *word)
{
	char first[WORD_MAX];
	reading_initials(word, first, sizeof(first));
	append(text, first);
}

/* The n-th combination of readings: like the wheels of a counter. */
static void make_forms(const struct group *g, size_t n, struct forms *f)
{
	*f = (struct forms){ .joined = "" };
	for (size_t i = 0; i < g->count; i++) {
		const struct unit *u = &g->unit[i];
		const char *said = u->word;
		if (!u->word[0]) {
			said = u->readings.text[n % u->readings.count];
			n /= u->readings.count;
		}
		if (i == g->family)
			append(f->apart, " ");
		append(f->joined, said);
		append(f->apart, said);
		if (u->word[0]) {
			append_initials(f->initials, said);
		} else {
			char first[2] = { said[0], '\0' };
			append(f->initials, first);
		}
	}
}

static size_t combinations(const struct group *g)
{
	size_t n = 1;
	for (size_t i = 0; i < g->count && n < VARIANTS_MAX; i++)
		if (g->unit[i].readings.count)
			n *= g->unit[i].readings.count;
	return n < VARIANTS_MAX ? n : VARIANTS_MAX;
}

static void add_sound(struct name_sounds *out, const char *mark, const char *text)
{
	char whole[SOUND_TEXT];
	if (!text[0] || out->count == SOUNDS_MAX)
		return;
	snprintf(whole, sizeof(whole), "%s%.*s", mark, SOUND_TEXT - 2, text);
	for (size_t i = 0; i < out->count; i++)
		if (!strcmp(out->text[i], whole))
			return;
	memcpy(out->text[out->count++], whole, sizeof(whole));
}

/* As it is written, nothing between the characters: 张^三 and 张三 are one. Not when that does not fit. */
static void add_written(const struct group *g, struct name_sounds *out)
{
	struct buf b;
	buf_init(&b, SOUND_TEXT - 2);
	for (size_t i = 0; i < g->count; i++) {
		if (g->unit[i].word[0])
			buf_add_str(&b, g->unit[i].word);
		else
			utf8_add(&b, g->unit[i].readings.c);
	}
	if (!buf_err(&b))
		add_sound(out, "", buf_cstr(&b));
	buf_fini(&b);
}

static void add_group(const struct group *g, bool is_latin, struct name_sounds *out)
{
	struct forms f;
	if (g->has_han)
		add_written(g, out);
	for (size_t n = 0, all = combinations(g); n < all; n++) {
		make_forms(g, n, &f);
		add_sound(out, "", f.joined);
		add_sound(out, "", f.apart);
		add_sound(out, "", f.initials);
		if (is_latin) {
			add_sound(out, "=", f.joined);
			add_sound(out, "=", f.apart);
		}
	}
}

static bool has_han(struct bytes t)
{
	while (t.len)
		if (han_is(utf8_take(&t)))
			return true;
	return false;
}

bool name_sounds(const char *folded, struct name_sounds *out)
{
	struct group g;
	struct buf bare;
	out->count = 0;
	buf_init(&bare, 1 << 16);
	text_fold_bare(folded, &bare);
	struct bytes t = bytes_str(buf_cstr(&bare));
	bool is_latin = !has_han(t);
	while (t.len) {
		const uint8_t *end = memchr(t.p, '=', t.len);
		size_t len = end ? (size_t)(end - t.p) : t.len;
		read_group(bytes_of(t.p, len), &g);
		if (!g.is_foreign && g.count) {
			read_aloud(&g);
			add_group(&g, is_latin, out);
		}
		t.p += end ? len + 1 : len;
		t.len -= end ? len + 1 : len;
	}
	bool is_whole = buf_err(&bare) != ERR_NOMEM;
	buf_fini(&bare);
	return is_whole;
}

/* ---- query values ---- */

static void add_pattern(struct name_sound_key *out, const char *text)
{
	for (size_t i = 0; i < out->count; i++)
		if (!strcmp(out->pattern[i], text))
			return;
	if (out->count < SOUND_PATTERNS)
		snprintf(out->pattern[out->count++], SOUND_TEXT, "%s", text);
}

/* Letters: words apart once, behind the family name; single letters are initials and stand together. */
static void key_of_letters(struct bytes t, struct name_sound_key *out)
{
	char words[SOUND_TEXT] = "", joined[SOUND_TEXT] = "";
	size_t n = 0, word = 0, longest = 0, count = 0;
	bool opens = true, has_word = false;
	for (size_t i = 0; i < t.len; i++) {
		uint8_t c = t.p[i];
		if (is_gap(c)) {
			opens = true;
			continue;
		}
		if (is_silent(c))
			continue;
		if (!is_letter(c) && c != '*' && c != '?')
			return;
		if (n + 2 >= SOUND_TEXT)
			return;
		if (opens) {
			word = 0;
			if (count++ == 1)
				words[n++] = ' ';
		}
		opens = false;
		word += c != '*';
		longest = word > longest ? word : longest;
		has_word |= is_letter(c);
		words[n++] = (char)c;
	}
	size_t before = strcspn(words, "*?"), letters = 0;
	for (size_t i = 0; i < before; i++)
		letters += is_letter((uint8_t)words[i]);
	if (letters < 2 || !has_word)
		return;
	if (count > 1 && longest == 1) {
		for (size_t i = 0, k = 0; words[i]; i++)
			if (words[i] != ' ')
				joined[k++] = words[i];
		add_pattern(out, joined);
		return;
	}
	add_pattern(out, words);
}

/* As written, without what stands between the characters. */
static void key_as_written(struct bytes t, struct name_sound_key *out)
{
	struct buf b;
	buf_init(&b, SOUND_TEXT - 2);
	while (t.len) {
		uint32_t c = utf8_take(&t);
		if (!is_gap(c) && !is_silent(c))
			utf8_add(&b, c);
	}
	if (!buf_err(&b))
		add_pattern(out, buf_cstr(&b));
	buf_fini(&b);
}

/* Han: as written; and the readings of what stands before the first wildcard, and anything behind it. */
static void key_of_han(struct bytes t, struct name_sound_key *out)
{
	struct group g;
	struct forms f;
	size_t len = 0;
	while (len < t.len && t.p[len] != '*' && t.p[len] != '?')
		len++;
	read_group(bytes_of(t.p, len), &g);
	for (size_t i = 0; i < g.count; i++)
		if (g.unit[i].word[0])
			return;
	if (g.is_foreign || !g.count)
		return;
	read_aloud(&g);
	key_as_written(t, out);
	for (size_t n = 0, all = combinations(&g); n < all; n++) {
		char text[SOUND_TEXT];
		make_forms(&g, n, &f);
		/* A caret at the wildcard: nothing more of the family name. */
		bool is_whole_family = len < t.len && len && t.p[len - 1] == '^';
		snprintf(text, sizeof(text), "=%.*s%s%s", SOUND_TEXT - 4, g.has_caret && !is_whole_family ? f.apart : f.joined, is_whole_family ? " " : "", len < t.len ? "*" : "");
		add_pattern(out, text);
	}
}

void name_sound_key(const char *key, struct name_sound_key *out)
{
	struct buf bare;
	out->count = 0;
	if (strlen(key) > 4 * SOUND_TEXT)
		return;
	buf_init(&bare, 1 << 16);
	text_fold_bare(key, &bare);
	const char *s = buf_cstr(&bare);
	s += strspn(s, "* ^");
	if (!strchr(s, '=') && *s != '?') {
		if (has_han(bytes_str(s)))
			key_of_han(bytes_str(s), out);
		else
			key_of_letters(bytes_str(s), out);
	}
	buf_fini(&bare);
}

bool name_sound_matches(const struct name_sound_key *key, const char *folded)
{
	struct name_sounds s;
	if (!name_sounds(folded, &s))
		return false;
	for (size_t i = 0; i < key->count; i++)
		for (size_t k = 0; k < s.count; k++)
			if (match_wildcard(key->pattern[i], s.text[k]))
				return true;
	return false;
}
