/* match_fuzzy - person names that are alike enough (PS3.4 C.2.2.2.1.1, fuzzy semantic matching). Pure.
 *
 * Each word of the key must be the beginning of some word of the name, in any component group and any order, where
 * delimiters inside the name do not count: "san zhang", "zhangsan" and "zha s" find ZHANG^SAN, and the two characters
 * of Han find the name that has a caret between them. Both sides are folded (text_fold()), so case and width do not count
 * either. Wildcards in the key are passed over: a beginning is enough anyway. A key without a word matches everything.
 */
#ifndef PACS_DICOM_MATCH_FUZZY_H
#define PACS_DICOM_MATCH_FUZZY_H

#include <stdbool.h>

/* `names`: one, or several with a line feed between them; true when one of them matches. */
bool match_fuzzy(const char *key, const char *names);

#endif
