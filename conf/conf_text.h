/* conf_text - the text of a pacs.conf as tokens with their places, for editing it and leaving the rest as it is. Pure.
 *
 * Knows what libconfuse's scanner knows: comments (# // and block comments), strings in "" and '', and { } = + ( ) ,
 */
#ifndef PACS_CONF_CONF_TEXT_H
#define PACS_CONF_CONF_TEXT_H

#include <stdbool.h>
#include <stddef.h>

struct conf_token {
	char kind;               /* 'w' word or string, or the sign itself; 0 at the end */
	size_t from, to;         /* bytes [from, to) of the text, quotes included */
};
/* The next token at or behind `at`. */
struct conf_token conf_token_next(const char *text, size_t at);
/* The word or the string without its quotes is this one. */
bool conf_token_is(const char *text, struct conf_token t, const char *word);

/* Where `kind "name" { ... }` stands, from the word to behind its brace; false: nowhere. name NULL: the first of its kind. */
bool conf_text_find_section(const char *text, const char *kind, const char *name, size_t *from, size_t *to);
/* Where the value of a global option stands, if it is set. */
bool conf_text_find_value(const char *text, const char *option, size_t *from, size_t *to);
/* Every { has its }. */
bool conf_text_is_closed(const char *text);

#endif
