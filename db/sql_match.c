#include "db/sql_match.h"

#include <stdlib.h>

#include "pacs/base/bounds.h"
#include "pacs/dicom/charset.h"
#include "pacs/dicom/match.h"
#include "pacs/dicom/match_fuzzy.h"

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

static void on_within(sqlite3_context *c, int n, sqlite3_value **v)
{
	const char *part = arg_text(v[0]), *text = arg_text(v[1]);
	size_t part_len = (size_t)sqlite3_value_bytes(v[0]), len = (size_t)sqlite3_value_bytes(v[1]);

	(void)n;
	sqlite3_result_int(c, !part_len || memmem(text, len, part, part_len) != NULL);
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
		{ "dicom_wildcard", 2, on_wildcard }, { "dicom_name", 2, on_name }, { "dicom_number", 2, on_number }, { "dicom_within", 2, on_within },
		{ "dicom_fuzzy", 2, on_fuzzy }, { "dicom_zone_date", 3, on_zone_date }, { "dicom_zone_time", 3, on_zone_time },
	};

	for (size_t i = 0; i < NELEM(functions); i++)
		if (sqlite3_create_function(db, functions[i].name, functions[i].args, SQLITE_UTF8 | SQLITE_DETERMINISTIC, NULL, functions[i].fn, NULL, NULL))
			return sql_fail(db, why, "adding the matching functions");
	return sql_match_add_fold(db, why);
}
