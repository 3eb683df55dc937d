/* compress - the jobs that make a stored image smaller without changing it.
 *
 *   look up -> open the object, create the output in DIR/spool (pool) -> worker (pacs/xcode: encodes, decodes again,
 *   compares each sample) -> fdatasync (pool) -> ask storescp to swap the files -> report
 *
 * The original is only read. storescp, the owner of the index and the store, swaps in one transaction, and only when the
 * object is still the one that was compressed. A crash at any point leaves the original or the new file, and the job is done again;
 * the output's name is never used twice, and what an earlier run left is removed at start.
 *
 * A job's destination is the name of its codec (pacs/dicom/recipe.h); each codec's jobs are a queue, and when one is
 * empty the next is asked.
 *
 * Done without a swap, with a note: the image is compressed already, has no pixels, or does not get smaller.
 * A worker that died, hung, had or needs too little memory, could not read the image or whose output was not equal: tried
 * once more, then held; the original stays.
 *
 * Threads  loop thread; files on the pool.
 */
#ifndef ROUTER_COMPRESS_H
#define ROUTER_COMPRESS_H

#include "router/router.h"

enum err compress_start(struct router *r, struct why *why) MUST_USE;
/* No new ones begin; quiet() comes on the loop when none is under way. r->xcode must be freed by the caller to cut them short. */
void     compress_stop(struct router *r, void (*quiet)(struct router *r));
void     compress_fini(struct router *r);
void     compress_wake(struct router *r);

struct compress_state { unsigned running; uint64_t done, bytes_in, bytes_out; };
struct compress_state compress_now(const struct router *r);

#endif
