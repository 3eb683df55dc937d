/* sql_match - the matching rules of pacs/dicom/match.h as SQL functions.
 *
 * So a query's conditions are exact inside the database, and indexes narrow the rows first:
 *   dicom_wildcard(pattern, text)     * and ?, by characters
 *   dicom_name(key, text)             PN rules; both sides folded by the caller or not at all
 *   dicom_number(key, text)           IS, DS: equal as numbers; false when either is none
 *   dicom_some_line(part, pattern, lines), dicom_some_name(...)    one of the lines fits the pattern; part: what must
 *                                     stand in it
 *   dicom_fuzzy(key, names)           match_fuzzy(), both folded
 *   dicom_zone_date(date, time, minutes), dicom_zone_time(...)    match_shift()
 * and for the triggers of the index's writer:
 *   dicom_fold(text)                  text_fold()
 */
#ifndef DB_SQL_MATCH_H
#define DB_SQL_MATCH_H

#include "db/sql.h"

enum err sql_match_add(sqlite3 *db, struct why *why) MUST_USE;
enum err sql_match_add_fold(sqlite3 *db, struct why *why) MUST_USE;
/* IS and DS values as numbers: "1", "01" and "+1.0" are equal. */
bool sql_match_number(const char *key, const char *text);

#endif
