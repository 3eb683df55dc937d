/* query_impl - what the files of query share. Not a contract for anybody else. */
#ifndef DB_QUERY_IMPL_H
#define DB_QUERY_IMPL_H

#include "db/query.h"
#include "db/query_keys.h"
#include "db/sql.h"
#include "pacs/dicom/charset_detect.h"
#include "pacs/dicom/match.h"

/* One key of the identifier, or of an item of a sequence key. */
struct key {
	struct key *next;
	uint32_t tag;
	vr_t vr;                             /* UN: a private one whose VR the identifier does not tell */
	const char *text;                    /* UTF-8, stripped; "" = universal */
	const struct attribute *attribute;   /* NULL: not in the index */
	enum key_way {
		KEY_COLUMN,                  /* matched and returned by the index */
		KEY_LOWER,                   /* of a level below: matched (relational), returned empty */
		KEY_HEADER,                  /* matched and returned by an instance's header */
		KEY_CREATOR,                 /* a private creator: returned as it came */
		KEY_UNSUPPORTED,             /* returned empty, not matched */
	} way;
	bool is_fuzzy, is_empty;             /* compared as fuzzy semantic matching does; matches no value only */
	bool is_joined;                      /* a time that the key of its date takes care of */
	const struct key *time;              /* of a date: the key that makes one interval of it */
	const char *creator;                 /* of a private key; NULL when the identifier has none */
	struct key *items;                   /* of a sequence key: what its one item asks for; NULL: all */
	int column;                          /* of the statement, for KEY_COLUMN */
};

struct keys {
	enum query_root root;
	enum query_level level;
	bool relational;
	struct key *first, **end;
	const char *charset;                 /* of the answers; "" none is known */
	bool pinyin;                         /* patient names are looked for by their sound too */
	bool is_zoned;                       /* answers tell their zone */
	char zone[6];                        /* "+0800": theirs */
	int shift;                           /* minutes from the archive's local time to the zone's */
};

/* Reads the identifier; texts in `a`. Adds the unique keys down to the level when they are not asked for. */
enum err query_keys_read(struct keys *k, struct arena *a, const struct dataset *identifier, const struct query_options *o, struct why *why) MUST_USE;

/* It has a value to be compared, and goes this way. */
bool     key_is_condition(const struct key *k, enum key_way way);
/* The zone and the pairs of date and time, once the keys are read (query_time.c). ERR_MISMATCH. */
enum err query_keys_time(struct keys *k, const struct dataset *identifier, const struct query_options *o, struct why *why) MUST_USE;
/* The time that belongs to a date, or the date of a time: 0 none. */
uint32_t query_time_of(uint32_t date_tag);
uint32_t query_date_of(uint32_t time_tag);

/* ---- query_sql.c: a statement being written ---- */
enum { SQL_TEXT_MAX = 1 << 20, SQL_BINDS_MAX = 4096 };
struct sql_bind { const char *text; };       /* in the arena */
struct sql_text {
	struct arena *arena;
	struct buf sql;
	struct sql_bind *binds;              /* in the arena, doubled as needed */
	unsigned bind_count, bind_cap;
	enum err err;                        /* sticky: ERR_NOMEM, ERR_LIMIT */
	bool pinyin;                         /* patient names are looked for by their sound too */
};
void     sql_text_init(struct sql_text *t, struct arena *a);
void     sql_text_fini(struct sql_text *t);
/* Prepares and binds; the bound texts must outlive the statement. */
enum err sql_text_prepare(struct sql_text *t, sqlite3 *db, sqlite3_stmt **out, struct why *why) MUST_USE;
/* `expr` fulfils the key (one condition, in brackets). ERR_MISMATCH: the key's text is senseless. */
enum err sql_condition(struct sql_text *t, const struct key *k, struct why *why) MUST_USE;
/* The PN `expr` has this name. */
void     sql_name(struct sql_text *t, const char *expr, const char *key);
/* A parameter and its text, which must be in the arena or static. */
void     sql_add_bind(struct sql_text *t, const char *text);
/* `expr` begins as the pattern does: a range that an index answers. Nothing but "1" when it begins with a wildcard. */
void     sql_prefix(struct sql_text *t, const char *expr, const char *pattern);
/* `expr` lies in the range that the key of a date or time names; wide: a date's range with a day more at each end. */
enum err sql_range(struct sql_text *t, const char *expr, const struct key *k, struct why *why) MUST_USE;
enum err sql_range_wide(struct sql_text *t, const char *expr, const struct key *k, struct why *why) MUST_USE;
/* The whole SELECT of a C-FIND; sets each key's column. Column 0 is the instance whose header answers (0 if none asked). */
enum err sql_find(struct sql_text *t, const struct keys *k, sqlite3 *db, struct why *why) MUST_USE;
/* A key of the levels that the index has, whole: with its zone and its time. */
enum err sql_key(struct sql_text *t, const struct keys *all, const struct key *k, struct why *why) MUST_USE;
/* The column's expression as it is returned. */
void     sql_value(struct sql_text *t, const struct keys *all, const struct key *k);
/* text_fold() in the arena; NULL: no memory. */
const char *query_folded(struct arena *a, const char *text);

/* ---- query_header.c: keys that the stored header answers ---- */
struct answer_value {
	uint32_t tag;
	vr_t vr;
	const char *text;                    /* UTF-8; NULL: raw or items */
	const struct element *raw;           /* binary: copied as it is */
	struct answer_item *items;           /* SQ */
};
struct answer_item {
	struct answer_item *next;
	struct answer_value *v;
	size_t n;
};
struct header {
	const struct dataset *ds;            /* NULL: there is none that can be read */
	struct charset_verdict text;         /* how to read it */
	int shift;                           /* minutes from its own zone to the answer's; 0 when it tells none */
};
void     header_init(struct header *h, const struct dataset *ds, const struct keys *k, const char *sender);
/* One match of a key with its element. */
bool     header_matches(const struct header *h, const struct key *k, struct arena *a);
/* What is returned for it, in `a`; raw elements are lent by the header. ERR_NOMEM. */
enum err header_value(const struct header *h, const struct key *k, struct arena *a, struct answer_value *out) MUST_USE;
bool     key_matches_text(const struct key *k, const char *text);

/* ---- query_answer.c ---- */
/* Values to a data set in the character set that holds them: ASCII, else `charset`, else UTF-8. */
enum err query_answer_build(struct arena *a, const struct answer_value *v, size_t n, const char *charset, struct dataset **out, struct why *why) MUST_USE;

/* A backslash-separated list, cut in place: the next value or NULL. */
char *list_next(char **rest);

#endif
