/* mpps - the rules of a modality performed procedure step (PS3.4 annex F.7): what N-CREATE needs, what N-SET may change, what a
 * final state needs. Pure; data sets are UTF-8.
 *
 * Strict where the state of a step depends on it (types 1 and the status), tolerant where only the form is wrong: an attribute of
 * type 2 that is left out is taken as empty, and a value that N-SET may not change is taken when it is what stands there already.
 */
#ifndef PACS_ORDERS_MPPS_H
#define PACS_ORDERS_MPPS_H

#include "pacs/dicom/dataset.h"

#define TAG_MPPS_STATUS TAG(0x0040, 0x0252)
#define TAG_MPPS_STEPS TAG(0x0040, 0x0270)       /* Scheduled Step Attributes Sequence */
#define TAG_MPPS_SERIES TAG(0x0040, 0x0340)      /* Performed Series Sequence */
#define TAG_MPPS_REASON TAG(0x0040, 0x0281)      /* Discontinuation Reason Code Sequence */

enum mpps_state { MPPS_IN_PROGRESS, MPPS_COMPLETED, MPPS_DISCONTINUED, MPPS_STATES };     /* kept on disk */
const char *mpps_state_name(enum mpps_state s);

enum { MPPS_OK = 0x0000, MPPS_NO_ATTRIBUTE = 0x0105, MPPS_BAD_VALUE = 0x0106, MPPS_FAILED = 0x0110, MPPS_EXISTS = 0x0111,
       MPPS_NO_INSTANCE = 0x0112, MPPS_MISSING = 0x0120, MPPS_MISSING_VALUE = 0x0121,
       MPPS_ID_FINAL = 0xA710 };                 /* error ID with 0110: may no longer be updated */

/* The status to answer; why says the words of a refusal. */
uint16_t mpps_check_create(const struct dataset *ds, struct why *why);
/* Lays the changes over the step, which is IN PROGRESS; *state: after it. A refusal leaves `step` in no usable state: drop it.
 * MPPS_FAILED also when memory ran out. */
uint16_t mpps_set(struct dataset *step, const struct dataset *changes, enum mpps_state *state, struct why *why);

/* The n-th scheduled step that it serves; NULL: no more. Any text may be "". */
struct mpps_step { const char *study_uid, *accession, *step_id, *procedure_id; };
bool     mpps_step(const struct dataset *ds, unsigned n, struct mpps_step *out);
/* Every image and other object that it names. false from fn stops. */
void     mpps_images(const struct dataset *ds, bool (*fn)(void *arg, const char *sop_uid), void *arg);
/* "code meaning" of the discontinuation reason, "" none. */
const char *mpps_reason(const struct dataset *ds);

#endif
