/* work - the work item requests of a reader: UPS Pull over one association (PS3.4 annex CC).
 *
 * Statuses that are refusals come back as ERR_CONFLICT with the node's words in why.
 */
#ifndef VIEWER_CLI_WORK_H
#define VIEWER_CLI_WORK_H

#include "db/item_attrs.h"
#include "viewer-cli/exchange.h"
#include "viewer-cli/viewer.h"

struct work_client;
enum err work_client_open(const struct viewer_options *o, struct work_client **out, struct why *why) MUST_USE;
void     work_client_close(struct work_client **w);

/* What a list shows of an item; UTF-8. */
struct work_entry {
	struct uid uid, study;
	char state[17], priority[17], label[65], group[65], readiness[17];
	char patient[321], patient_id[65], birth_date[9], sex[17];
	char modality[129], study_date[9], description[65], accession[17], comments[256];
	char start[33], expected[33];    /* DICOM DT */
	unsigned images;
};
struct work_filter { const char *state, *group, *patient, *readiness; };     /* NULL or "": any */
/* Most urgent first, then the one that is due first. *out is the caller's to free. */
enum err work_client_list(struct work_client *w, const struct work_filter *f, struct work_entry **out, size_t *n, struct why *why) MUST_USE;

enum err work_client_get(struct work_client *w, const char *uid, const uint32_t *tags, unsigned count, struct arena *a, struct dataset **out, struct why *why) MUST_USE;
enum err work_client_set(struct work_client *w, const char *uid, const struct dataset *changes, struct why *why) MUST_USE;
/* *status 0xC302 with ERR_CONFLICT: somebody else was faster. */
enum err work_client_state(struct work_client *w, const char *uid, const char *state, const char *transaction, uint16_t *status, struct why *why) MUST_USE;

#endif
