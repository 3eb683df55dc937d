#include "db/sql_match.h"

#include <stdlib.h>

#include "pacs/base/bounds.h"
#include "pacs/dicom/match.h"
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

enum err sql_match_add(sqlite3 *db, struct why *why)
{
	static const struct { const char *name; void (*fn)(sqlite3_context *c, int n, sqlite3_value **v); } functions[] = {
		{ "dicom_wildcard", on_wildcard }, { "dicom_name", on_name }, { "dicom_number", on_number },
	};

	for (size_t i = 0; i < NELEM(functions); i++)
		if (sqlite3_create_function(db, functions[i].name, 2, SQLITE_UTF8 | SQLITE_DETERMINISTIC, NULL, functions[i].fn, NULL, NULL))
			return sql_fail(db, why, "adding the matching functions");
	return ERR_OK;
}
