#include "db/name_search.h"

#include <stdio.h>

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

enum err name_search_add_function(sqlite3 *db, struct why *why)
{
	int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS;

	if (sqlite3_create_function(db, "dicom_sounds", 1, flags, NULL, on_sounds, NULL, NULL))
		return sql_fail(db, why, "adding the function of sounds");
	return ERR_OK;
}

void name_search_sounds(struct sql_text *t, const char *key, const char *before, const char *behind)
{
	struct name_sound_key k;

	name_sound_key(key, &k);
	for (size_t i = 0; i < k.count; i++) {
		const char *pattern = arena_strn(t->arena, k.pattern[i], strlen(k.pattern[i]));
		if (!pattern) {
			t->err = ERR_NOMEM;
			return;
		}
		buf_printf(&t->sql, "%sSELECT s.patient FROM name_sound s WHERE ", i ? " UNION ALL " : before);
		if (!strpbrk(pattern, "*?")) {
			buf_add_str(&t->sql, "s.sound=");
			sql_text_bind(t, pattern);
			continue;
		}
		sql_text_prefix(t, "s.sound", pattern);
		buf_add_str(&t->sql, "dicom_wildcard(");
		sql_text_bind(t, pattern);
		buf_add_str(&t->sql, ",s.sound)");
	}
	if (k.count)
		buf_add_str(&t->sql, behind);
}
