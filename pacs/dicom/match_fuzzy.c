#include "pacs/dicom/match_fuzzy.h"

#include <string.h>

static bool is_gap(char c)
{
	return c == '^' || c == '=' || c == ' ' || c == ',' || c == '*' || c == '?';
}

/* The word stands at `at`, gaps of the name passed over but none where a group ends. */
static bool begins(const char *at, const char *end, const char *word, size_t len)
{
	while (len && at < end) {
		if (*at != '=' && is_gap(*at)) {
			at++;
			continue;
		}
		if (*at != *word)
			return false;
		at++;
		word++;
		len--;
	}
	return !len;
}

static bool has_word(const char *name, const char *end, const char *word, size_t len)
{
	bool is_start = true;

	for (const char *p = name; p < end; p++) {
		if (is_start && *p == *word && begins(p, end, word, len))
			return true;
		is_start = is_gap(*p);
	}
	return false;
}

static bool one_name(const char *key, const char *name, const char *end)
{
	while (*key) {
		size_t len = 0;
		while (key[len] && !is_gap(key[len]))
			len++;
		if (len && !has_word(name, end, key, len))
			return false;
		key += len + (key[len] != 0);
	}
	return true;
}

bool match_fuzzy(const char *key, const char *names)
{
	for (;;) {
		const char *end = names + strcspn(names, "\n");
		if (one_name(key, names, end))
			return true;
		if (!*end)
			return false;
		names = end + 1;
	}
}
