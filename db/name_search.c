#include "db/name_search.h"

#include <stdio.h>

#include "pacs/dicom/match.h"
#include "pacs/dicom/name_sound.h"

/* Sounds are letters, Han characters, blanks and `=`; nothing in them needs an escape. */
static void on_sounds(sqlite3_context *c, int n, sqlite3_value **v)
{
	const unsigned char *name = sqlite3_value_text(v[0]);
	char json[2 + SOUNDS_MAX * (SOUND_TEXT + 3)];
	struct name_sounds s;
	size_t len = 0;

	(void)n;
	if (!name_sounds(name ? (const char *)name : "", &s)) {
		sqlite3_result_error_nomem(c);
		return;
	}
	json[len++] = '[';
	for (size_t i = 0; i < s.count; i++)
		len += (size_t)snprintf(json + len, sizeof(json) - len, "%s\"%s\"", i ? "," : "", s.text[i]);
	json[len++] = ']';
	sqlite3_result_text64(c, json, len, SQLITE_TRANSIENT, SQLITE_UTF8);
}

/* dicom_sound_first(key, i, folded name, sound): of all pairs of the key's patterns and the name's sounds that fit, this is
 * the first one. So of the rows that one patient has in name_sound, one counts. */
static void on_first(sqlite3_context *c, int n, sqlite3_value **v)
{
	const unsigned char *key = sqlite3_value_text(v[0]), *name = sqlite3_value_text(v[2]), *sound = sqlite3_value_text(v[3]);
	struct name_sound_key k;
	struct name_sounds s;

	(void)n;
	if (!key || !name || !sound || !name_sounds((const char *)name, &s)) {
		sqlite3_result_error_nomem(c);
		return;
	}
	name_sound_key((const char *)key, &k);
	for (size_t i = 0; i < k.count; i++)
		for (size_t j = 0; j < s.count; j++)
			if (match_wildcard(k.pattern[i], s.text[j])) {
				sqlite3_result_int(c, sqlite3_value_int64(v[1]) == (int64_t)i && !strcmp((const char *)sound, s.text[j]));
				return;
			}
	sqlite3_result_int(c, 0);
}

enum err name_search_add_first(sqlite3 *db, struct why *why)
{
	if (sqlite3_create_function(db, "dicom_sound_first", 4, SQLITE_UTF8 | SQLITE_DETERMINISTIC, NULL, on_first, NULL, NULL))
		return sql_fail(db, why, "adding the function of first sounds");
	return ERR_OK;
}

enum err name_search_add_function(sqlite3 *db, struct why *why)
{
	int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS;

	if (sqlite3_create_function(db, "dicom_sounds", 1, flags, NULL, on_sounds, NULL, NULL))
		return sql_fail(db, why, "adding the function of sounds");
	return ERR_OK;
}

bool name_search_has_sounds(const char *key)
{
	struct name_sound_key k;

	name_sound_key(key, &k);
	return k.count > 0;
}

/* "s.sound fits the pattern", by the index. */
static void add_pattern(struct sql_text *t, const char *pattern)
{
	const char *copy = arena_strn(t->arena, pattern, strlen(pattern));

	if (!copy) {
		t->err = ERR_NOMEM;
	} else if (!strpbrk(copy, "*?")) {
		buf_add_str(&t->sql, "s.sound=");
		sql_add_bind(t, copy);
	} else {
		sql_prefix(t, "s.sound", copy);
		buf_add_str(&t->sql, " AND dicom_wildcard(");
		sql_add_bind(t, copy);
		buf_add_str(&t->sql, ",s.sound)");
	}
}

void name_search_sounds(struct sql_text *t, const char *key, const char *before, const char *behind)
{
	struct name_sound_key k;

	name_sound_key(key, &k);
	for (size_t i = 0; i < k.count; i++) {
		buf_printf(&t->sql, "%sSELECT s.patient FROM name_sound s WHERE ", i ? " UNION ALL " : before);
		add_pattern(t, k.pattern[i]);
	}
	if (k.count)
		buf_add_str(&t->sql, behind);
}

void name_search_others(struct sql_text *t, const char *key, const char *folded)
{
	struct name_sound_key k;

	name_sound_key(key, &k);
	for (size_t i = 0; i < k.count; i++) {
		buf_add_str(&t->sql, " UNION ALL SELECT q.id AS id FROM name_sound s CROSS JOIN patient q ON q.id=s.patient WHERE ");
		add_pattern(t, k.pattern[i]);
		buf_add_str(&t->sql, " AND NOT dicom_name(");
		sql_add_bind(t, folded);
		buf_add_str(&t->sql, ",q.name_fold) AND dicom_sound_first(");
		sql_add_bind(t, key);
		buf_printf(&t->sql, ",%zu,q.name_fold,s.sound)", i);
	}
}
