#include "db/sql_match.h"

#include <stdlib.h>

#include "pacs/base/bounds.h"
#include "pacs/dicom/match.h"
#include "pacs/dicom/match_fuzzy.h"
#include "pacs/dicom/text_fold.h"

static const char *arg_text(sqlite3_value *v)
{
	const unsigned char *s = sqlite3_value_text(v);

	return s ? (const char *)s : "";
}

static void on_wildcard(sqlite3_context *c, int n, sqlite3_value **v)
{
	(void)n;
	sqlite3_result_int(c, match_wildcard(arg_text(v[0]), arg_text(v[1])));
}

static void on_name(sqlite3_context *c, int n, sqlite3_value **v)
{
	(void)n;
	sqlite3_result_int(c, match_name(arg_text(v[0]), arg_text(v[1])));
}

static bool number_of(const char *s, double *out)
{
	char *end;

	*out = strtod(s, &end);
	while (*end == ' ')
		end++;
	return end != s && !*end;
}

bool sql_match_number(const char *key, const char *text)
{
	double a, b;

	return number_of(key, &a) && number_of(text, &b) && a == b;
}

static void on_number(sqlite3_context *c, int n, sqlite3_value **v)
{
	(void)n;
	sqlite3_result_int(c, sql_match_number(arg_text(v[0]), arg_text(v[1])));
}

/* The line around `at`, as text of its own in `line`; false when it is too long for one, which then counts as fitting. */
static bool take_line(const char *text, const char *end, const char *at, char *line, size_t cap, const char **behind)
{
	const char *from = at, *to = memchr(at, '\n', (size_t)(end - at));

	while (from > text && from[-1] != '\n')
		from--;
	if (!to)
		to = end;
	*behind = to;
	if ((size_t)(to - from) >= cap)
		return false;
	memcpy(line, from, (size_t)(to - from));
	line[to - from] = 0;
	return true;
}

/* (part, pattern, lines): the part finds the lines fast, the pattern decides. */
static void some_line(sqlite3_context *c, sqlite3_value **v, bool (*fits)(const char *pattern, const char *text))
{
	const char *part = arg_text(v[0]), *pattern = arg_text(v[1]), *text = arg_text(v[2]), *at;
	size_t part_len = (size_t)sqlite3_value_bytes(v[0]);
	const char *end = text + sqlite3_value_bytes(v[2]);
	char line[1024];

	for (const char *p = text; p < end && (at = memmem(p, (size_t)(end - p), part, part_len)); )
		if (!take_line(text, end, at, line, sizeof(line), &p) || fits(pattern, line)) {
			sqlite3_result_int(c, 1);
			return;
		}
	sqlite3_result_int(c, 0);
}

static void on_some_line(sqlite3_context *c, int n, sqlite3_value **v)
{
	(void)n;
	some_line(c, v, match_wildcard);
}

static void on_some_name(sqlite3_context *c, int n, sqlite3_value **v)
{
	(void)n;
	some_line(c, v, match_name);
}

static void on_fold(sqlite3_context *c, int n, sqlite3_value **v)
{
	struct buf folded;

	(void)n;
	buf_init(&folded, BOUND_ELEMENT);
	text_fold(arg_text(v[0]), &folded);
	if (buf_err(&folded))
		sqlite3_result_error_nomem(c);
	else
		sqlite3_result_text64(c, buf_cstr(&folded), folded.len, SQLITE_TRANSIENT, SQLITE_UTF8);
	buf_fini(&folded);
}

enum err sql_match_add_fold(sqlite3 *db, struct why *why)
{
	if (sqlite3_create_function(db, "dicom_fold", 1, SQLITE_UTF8 | SQLITE_DETERMINISTIC, NULL, on_fold, NULL, NULL))
		return sql_fail(db, why, "adding the folding function");
	return ERR_OK;
}

static void on_fuzzy(sqlite3_context *c, int n, sqlite3_value **v)
{
	(void)n;
	sqlite3_result_int(c, match_fuzzy(arg_text(v[0]), arg_text(v[1])));
}

static void on_zone_date(sqlite3_context *c, int n, sqlite3_value **v)
{
	char date[9], time[14];

	(void)n;
	match_shift(arg_text(v[0]), arg_text(v[1]), sqlite3_value_int(v[2]), date, time);
	sqlite3_result_text(c, date, -1, SQLITE_TRANSIENT);
}

static void on_zone_time(sqlite3_context *c, int n, sqlite3_value **v)
{
	char date[9], time[14];

	(void)n;
	match_shift(arg_text(v[0]), arg_text(v[1]), sqlite3_value_int(v[2]), date, time);
	sqlite3_result_text(c, time, -1, SQLITE_TRANSIENT);
}

enum err sql_match_add(sqlite3 *db, struct why *why)
{
	static const struct { const char *name; int args; void (*fn)(sqlite3_context *c, int n, sqlite3_value **v); } functions[] = {
		{ "dicom_wildcard", 2, on_wildcard }, { "dicom_name", 2, on_name }, { "dicom_number", 2, on_number }, { "dicom_some_line", 3, on_some_line }, { "dicom_some_name", 3, on_some_name },
		{ "dicom_fuzzy", 2, on_fuzzy }, { "dicom_zone_date", 3, on_zone_date }, { "dicom_zone_time", 3, on_zone_time },
	};

	for (size_t i = 0; i < NELEM(functions); i++)
		if (sqlite3_create_function(db, functions[i].name, functions[i].args, SQLITE_UTF8 | SQLITE_DETERMINISTIC, NULL, functions[i].fn, NULL, NULL))
			return sql_fail(db, why, "adding the matching functions");
	return sql_match_add_fold(db, why);
}
