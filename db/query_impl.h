/* query_impl - what the files of query share. Not a contract for anybody else. */
#ifndef DB_QUERY_IMPL_H
#define DB_QUERY_IMPL_H

#include "db/query.h"
#include "db/query_keys.h"
#include "db/sql.h"
#include "pacs/dicom/match.h"

/* One key of the identifier. */
struct key {
	struct key *next;
	uint32_t tag;
	vr_t vr;
	const char *text;                    /* UTF-8, stripped; "" = universal */
	const struct attribute *attribute;   /* NULL: not in the index */
	enum key_way {
		KEY_COLUMN,                  /* matched and returned by the index */
		KEY_LOWER,                   /* of a level below: matched (relational), returned empty */
		KEY_HEADER,                  /* matched and returned by the instance's header */
		KEY_UNSUPPORTED,             /* returned empty, not matched */
	} way;
	int column;                          /* of the statement, for KEY_COLUMN */
};

struct keys {
	enum query_root root;
	enum query_level level;
	bool relational;
	struct key *first, **end;
	const char *charset;                 /* of the answers; "" none is known */
};

/* Reads the identifier; texts in `a`. Adds the unique keys down to the level when they are not asked for. */
enum err query_keys_read(struct keys *k, struct arena *a, const struct dataset *identifier, const struct query_options *o, struct why *why) MUST_USE;

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
/* Writes a parameter and remembers its text, which must be in the arena or static. */
void     sql_text_bind(struct sql_text *t, const char *text);
/* `expr` lies in the range of what begins as the pattern does before its first wildcard, and AND; nothing when it begins with one. */
void     sql_text_prefix(struct sql_text *t, const char *expr, const char *pattern);
/* Prepares and binds; the bound texts must outlive the statement. */
enum err sql_text_prepare(struct sql_text *t, sqlite3 *db, sqlite3_stmt **out, struct why *why) MUST_USE;
/* `expr` fulfils the key (one condition, in brackets). ERR_MISMATCH: the key's text is senseless. */
enum err sql_condition(struct sql_text *t, const struct key *k, struct why *why) MUST_USE;
/* The PN `expr` has this name; for "p.name_fold" by the index. */
void     sql_name(struct sql_text *t, const char *expr, const char *key);
/* FROM clause of a level with all the levels above it. */
void     sql_from(struct sql_text *t, enum query_level level);
/* The whole SELECT of a C-FIND; sets each key's column. Column 0 is the instance whose header answers (0 if none asked). */
enum err sql_find(struct sql_text *t, const struct keys *k, struct why *why) MUST_USE;

/* ---- query_header.c: keys that the stored header answers ---- */
/* The element's text in UTF-8, "" when absent; in `a`. */
const char *header_text(const struct dataset *header, const struct key *k, const char *sender_charset, struct arena *a);
bool     key_matches_text(const struct key *k, const char *text);

/* ---- query_answer.c ---- */
struct answer_value { uint32_t tag; vr_t vr; const char *text; };
/* Values to a data set in the character set that holds them: ASCII, else `charset`, else UTF-8. */
enum err query_answer_build(struct arena *a, const struct answer_value *v, size_t n, const char *charset, struct dataset **out, struct why *why) MUST_USE;

/* A backslash-separated list, cut in place: the next value or NULL. */
char *list_next(char **rest);

#endif
