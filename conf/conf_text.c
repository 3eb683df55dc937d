#include "conf/conf_text.h"

#include <string.h>

static size_t skip_comment(const char *text, size_t at)
{
	const char *s = text + at;
	if (*s == '#' || (s[0] == '/' && s[1] == '/'))
		return at + strcspn(s, "\n");
	if (s[0] == '/' && s[1] == '*') {
		const char *end = strstr(s + 2, "*/");
		return end ? (size_t)(end + 2 - text) : at + strlen(s);
	}
	return at;
}

static size_t skip_string(const char *text, size_t at)
{
	char quote = text[at++];
	while (text[at] && text[at] != quote)
		at += text[at] == '\\' && text[at + 1] ? 2 : 1;
	return text[at] ? at + 1 : at;
}

struct conf_token conf_token_next(const char *text, size_t at)
{
	for (;;) {
		at += strspn(text + at, " \t\r\n");
		size_t behind = skip_comment(text, at);
		if (behind == at)
			break;
		at = behind;
	}
	char c = text[at];
	if (!c)
		return (struct conf_token){ 0, at, at };
	if (strchr("{}=+(),", c))
		return (struct conf_token){ c, at, at + 1 };
	if (c == '"' || c == '\'')
		return (struct conf_token){ 'w', at, skip_string(text, at) };
	size_t n = strcspn(text + at, "\"' \t\r\n{}=+(),#");
	return (struct conf_token){ 'w', at, at + (n ? n : 1) };
}

bool conf_token_is(const char *text, struct conf_token t, const char *word)
{
	size_t from = t.from, to = t.to, n = strlen(word);
	if (t.kind != 'w')
		return false;
	if (text[from] == '"' || text[from] == '\'') {
		from++;
		to--;
	}
	return to >= from && to - from == n && !memcmp(text + from, word, n);
}

/* Behind the } that belongs to the { at `at`. */
static size_t behind_brace(const char *text, size_t at)
{
	int depth = 0;
	for (;;) {
		struct conf_token t = conf_token_next(text, at);
		at = t.to;
		if (t.kind == '{')
			depth++;
		if (!t.kind || (t.kind == '}' && --depth <= 0))
			return at;
	}
}

bool conf_text_find_section(const char *text, const char *kind, const char *name, size_t *from, size_t *to)
{
	for (size_t at = 0;;) {
		struct conf_token word = conf_token_next(text, at);
		if (!word.kind)
			return false;
		if (word.kind == '{') {
			at = behind_brace(text, word.from);
			continue;
		}
		at = word.to;
		struct conf_token title = conf_token_next(text, at), brace = conf_token_next(text, title.to);
		if (!conf_token_is(text, word, kind) || title.kind != 'w' || brace.kind != '{' || (name && !conf_token_is(text, title, name)))
			continue;
		*from = word.from;
		*to = behind_brace(text, brace.from);
		return true;
	}
}

bool conf_text_find_value(const char *text, const char *option, size_t *from, size_t *to)
{
	for (size_t at = 0;;) {
		struct conf_token word = conf_token_next(text, at);
		if (!word.kind)
			return false;
		at = word.kind == '{' ? behind_brace(text, word.from) : word.to;
		struct conf_token sign = conf_token_next(text, word.to), value = conf_token_next(text, sign.to);
		if (!conf_token_is(text, word, option) || sign.kind != '=' || value.kind != 'w')
			continue;
		*from = value.from;
		*to = value.to;
		return true;
	}
}

bool conf_text_is_closed(const char *text)
{
	long depth = 0;
	for (struct conf_token t = conf_token_next(text, 0); t.kind; t = conf_token_next(text, t.to))
		depth += t.kind == '{' ? 1 : t.kind == '}' ? -1 : 0;
	return depth == 0;
}
