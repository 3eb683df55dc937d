/* name_search - patients by the sound of their names (pacs/dicom/name_sound.h), through the table name_sound. */
#ifndef DB_NAME_SEARCH_H
#define DB_NAME_SEARCH_H

#include "db/query_impl.h"

/* dicom_sounds(folded name): its sounds as a JSON array, for the triggers of the index's writer. */
enum err name_search_add_function(sqlite3 *db, struct why *why) MUST_USE;
/* dicom_sound_first(), for the readers. */
enum err name_search_add_first(sqlite3 *db, struct why *why) MUST_USE;
/* Is this key, of a patient's name, to be read as a sound? */
bool     name_search_has_sounds(const char *key);
/* Writes `before`, a SELECT of the patients whose names sound like the key, and `behind`; nothing when the key is not to be
 * read as a sound. */
void     name_search_sounds(struct sql_text *t, const char *key, const char *before, const char *behind);
/* The same for a plan that begins with them: a SELECT of patient AS id for each pattern, " UNION ALL " before each, row by row
 * as they are read. A patient comes once, and not at all when the name `folded` finds him as it is written (dicom_name). */
void     name_search_others(struct sql_text *t, const char *key, const char *folded);

#endif
