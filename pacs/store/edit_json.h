/* edit_json - an entry of the journal of changes as JSON: from the router to storescp, and for `pacs study edits --json`. */
#ifndef PACS_STORE_EDIT_JSON_H
#define PACS_STORE_EDIT_JSON_H

#include <jansson.h>

#include "db/edit.h"

/* NULL: no memory. */
json_t *edit_to_json(const struct edit *e);
/* NULL: none, or not one; also no memory. free() it. */
struct edit *edit_from_json(const json_t *o);

#endif
