/* name_search - patients by the sound of their names (pacs/dicom/name_sound.h), through the table name_sound. */
#ifndef DB_NAME_SEARCH_H
#define DB_NAME_SEARCH_H

#include "db/query_impl.h"

/* dicom_sounds(folded name): its sounds as a JSON array, for the triggers of the index's writer. */
enum err name_search_add_function(sqlite3 *db, struct why *why) MUST_USE;
/* Writes `before`, a SELECT of the patients whose names sound like the key, and `behind`; nothing when the key is not to be
 * read as a sound. */
void     name_search_sounds(struct sql_text *t, const char *key, const char *before, const char *behind);

#endif
