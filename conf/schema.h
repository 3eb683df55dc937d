/* schema - every option of pacs.conf in three tables: of the node itself, of a `node`, of a `route`.
 *
 * Loading, the checks, the messages and the commented sample file all follow from these rows. Pure.
 */
#ifndef PACS_CONF_SCHEMA_H
#define PACS_CONF_SCHEMA_H

#include "conf/conf.h"

enum option_kind {
	OPTION_TEXT,             /* char[size] */
	OPTION_NAME,             /* char[size]: letters, digits, - _ */
	OPTION_AET,              /* char[size]: an AE title */
	OPTION_COUNT,            /* unsigned, min..max */
	OPTION_SIZE,             /* unsigned long, min..max, times `unit` */
	OPTION_WORD,             /* int: the place in `words` */
	OPTION_YES,              /* bool: the place in `words`, no and yes when NULL */
	OPTION_UIDS,             /* a list of UIDs; kept by conf.c */
};

struct option {
	const char *name;
	enum option_kind kind;
	size_t offset, size;
	unsigned long min, max, unit;
	const char *const *words;    /* ends with NULL */
	size_t given_offset;         /* a bool that says it was given; 0: none */
	const char *preset;          /* as it would stand in the file; NULL: must be given */
	const char *says;            /* lines for the sample file, each ended by \n but the last */
};

struct option_table { const char *section; const struct option *rows; size_t count; };
extern const struct option_table conf_schema, conf_node_schema, conf_route_schema, conf_retention_schema;

const struct option *option_find(const struct option_table *t, const char *name);
/* The known name that looks most like this one; NULL when none does. */
const char *option_guess(const struct option_table *t, const char *name);
/* Checks the text and puts the value into the struct at `target` (NULL: only checks). The why says what was seen and expected. */
enum err option_set(const struct option *o, const char *text, void *target, struct why *why) MUST_USE;
bool conf_name_is_legal(const char *s);      /* of a node or route */
bool conf_aet_is_legal(const char *s);

#endif
