/* ingest_retire - the owner's part of retention: holds, and studies that go. Between two rounds, like a repair (ingest_repair.h).
 *
 * Order of going: what needs the study is asked once more; then rows out, files into garbage and the trail in one transaction; then the
 * files are unlinked and forgotten. A crash in between leaves garbage rows, which the next start empties. So no row ever
 * names a file that is gone, and no file that is gone was not named.
 */
#ifndef PACS_STORE_INGEST_RETIRE_H
#define PACS_STORE_INGEST_RETIRE_H

#include "pacs/store/ingest.h"

struct ingest_repair;
enum err ingest_retire(struct ingest *g, struct ingest_repair *r) MUST_USE;      /* REPAIR_RETIRE, _HOLD, _UNHOLD */

#endif
