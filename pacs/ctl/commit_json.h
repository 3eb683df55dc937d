/* commit_json - references of storage commitment on the local sockets. Pure.
 *
 *   {"transaction":U,"refs":[class,instance,...]}            without reasons
 *   {"transaction":U,"refs":[class,instance,reason,...]}     with them; reason 0: committed
 */
#ifndef PACS_CTL_COMMIT_JSON_H
#define PACS_CTL_COMMIT_JSON_H

#include <jansson.h>

#include "pacs/dicom/commitment.h"

/* ERR_USAGE: not such a body; ERR_LIMIT; ERR_NOMEM. *out is to be freed in every case. */
enum err commit_json_read(const json_t *body, bool has_reasons, struct commit_refs *out) MUST_USE;
/* A new object with these two fields; NULL: no memory. */
json_t *commit_json_write(const struct commit_refs *refs, bool with_reasons) MUST_USE;

#endif
