/* stored_kinds - in which transfer syntaxes objects of a SOP class stand here, by the latest ones.
 *
 * A requestor of C-GET often proposes one context for a class with many syntaxes, and one of them is chosen before anybody
 * knows what will be asked for. The one that most of the latest objects of the class have needs no codec for them.
 *
 * Read by a reader at the start and each minute after it, and told of each object that is stored meanwhile.
 * Memory   BOUND_RETRIEVE_KINDS entries at most.
 * Threads  the loop's.
 */
#ifndef STORESCP_STORED_KINDS_H
#define STORESCP_STORED_KINDS_H

#include "pacs/ul/negotiate.h"
#include "storescp/readers.h"

struct stored_kinds;

enum err stored_kinds_start(struct loop *l, struct readers *r, struct stored_kinds **out, struct why *why) MUST_USE;
/* Before readers_close(); work under way ends by itself. */
void     stored_kinds_stop(struct stored_kinds **k);
/* An object was stored. */
void     stored_kinds_note(struct stored_kinds *k, const struct uid *sop_class, const struct uid *ts);
/* Of the proposed syntaxes the one to send in: the commonest that is stored, else a plain one, which everything can be
 * decoded to; NULL: neither is proposed. */
const struct ts *stored_kinds_pick(const struct stored_kinds *k, const struct negotiate_context *pc);

#endif
