/* query_keys - the attributes that the index itself can match and return (PS3.4 C.6). A table. */
#ifndef DB_QUERY_KEYS_H
#define DB_QUERY_KEYS_H

#include "db/query.h"

enum query_level { QUERY_PATIENT, QUERY_STUDY, QUERY_SERIES, QUERY_IMAGE, QUERY_LEVEL_COUNT };

enum attribute_kind {
	ATTRIBUTE_TEXT,              /* matched by its VR */
	ATTRIBUTE_UNIQUE,            /* the unique key of its level */
	ATTRIBUTE_NUMBER,            /* an integer column; 0 = unknown */
	ATTRIBUTE_SET,               /* several values; an entity matches when any of them does */
	ATTRIBUTE_COUNTER,           /* computed; returned, never matched */
};

struct attribute {
	uint32_t tag;
	vr_t vr;
	enum query_level level;
	enum attribute_kind kind;
	const char *value;           /* SQL over the aliases p, st, se, i */
	const char *match;           /* SQL to compare with the key, when it is not the value:
	                              * PN: the folded column; SET: an EXISTS with %s for the condition on `m` */
};

const struct attribute *attribute_find(uint32_t tag);
const struct attribute *attribute_unique(enum query_level level);
const char *query_level_name(enum query_level level);    /* "PATIENT" */
/* From (0008,0052). ERR_MISMATCH: missing, unknown, or not in this root. */
enum err query_level_read(const struct dataset *identifier, enum query_root root, enum query_level *out, struct why *why) MUST_USE;

#endif
