/* lock - the Transaction UIDs of what this user has claimed: one small file for each item, mode 0600, below
 * $XDG_STATE_HOME/viewer-cli (~/.local/state/viewer-cli). Who has the file can finish the item; nobody else can.
 *
 *   UID.json   {"item":U,"transaction":T,"claimed_at":DT,"called":AE,"node":"host:port"}
 */
#ifndef VIEWER_CLI_LOCK_H
#define VIEWER_CLI_LOCK_H

#include "pacs/dicom/uid.h"

struct lock {
	struct uid item, transaction;
	char claimed_at[40];             /* DICOM DT */
	char called[BOUND_AET + 1];
};

/* Written and synced before the claim is sent, so that a claim that succeeds is never without its key. */
enum err lock_save(const struct lock *l, const char *node, struct why *why) MUST_USE;
enum err lock_load(const char *item, struct lock *out, struct why *why) MUST_USE;      /* ERR_NOT_FOUND */
/* The only one that is kept for this node. ERR_NOT_FOUND: none; ERR_CONFLICT: several. */
enum err lock_only(const char *called, struct lock *out, struct why *why) MUST_USE;
void     lock_remove(const char *item);

#endif
