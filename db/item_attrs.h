/* item_attrs - the attributes of a work item as a data set: what may be set, what a final state needs,
 * and the new item that takes an old one's place (PS3.4 table CC.2.5-3). Pure.
 *
 * The data set of an item is UTF-8 throughout and never holds the Transaction UID. State and modification
 * time are laid over it from the row when it is read.
 */
#ifndef DB_ITEM_ATTRS_H
#define DB_ITEM_ATTRS_H

#include "db/item_state.h"
#include "pacs/dicom/dataset.h"

#define TAG_TRANSACTION_UID TAG(0x0008, 0x1195)
#define TAG_REFERENCED_SOP_CLASS TAG(0x0008, 0x1150)
#define TAG_REFERENCED_SOP_INSTANCE TAG(0x0008, 0x1155)
#define TAG_REFERENCED_SOPS TAG(0x0008, 0x1199)
#define TAG_STEP_COMMENTS TAG(0x0040, 0x0400)
#define TAG_STEP_START TAG(0x0040, 0x4005)
#define TAG_STEP_MODIFIED TAG(0x0040, 0x4010)
#define TAG_STEP_EXPECTED TAG(0x0040, 0x4011)
#define TAG_WORKITEM_CODE TAG(0x0040, 0x4018)
#define TAG_PERFORMED_WORKITEM TAG(0x0040, 0x4019)
#define TAG_INPUT_INFORMATION TAG(0x0040, 0x4021)
#define TAG_PERFORMED_STATION TAG(0x0040, 0x4028)
#define TAG_OUTPUT_INFORMATION TAG(0x0040, 0x4033)
#define TAG_INPUT_READINESS TAG(0x0040, 0x4041)
#define TAG_PERFORMED_START TAG(0x0040, 0x4050)
#define TAG_PERFORMED_END TAG(0x0040, 0x4051)
#define TAG_CANCELLATION_TIME TAG(0x0040, 0x4052)
#define TAG_REFERENCED_REQUEST TAG(0x0040, 0xA370)
#define TAG_TYPE_OF_INSTANCES TAG(0x0040, 0xE020)
#define TAG_DICOM_RETRIEVAL TAG(0x0040, 0xE021)
#define TAG_STEP_STATE TAG(0x0074, 0x1000)
#define TAG_STEP_PROGRESS TAG(0x0074, 0x1002)
#define TAG_DISCONTINUATION_REASON TAG(0x0074, 0x100E)
#define TAG_CANCELLATION_REASON TAG(0x0074, 0x1238)
#define TAG_STEP_PRIORITY TAG(0x0074, 0x1200)
#define TAG_WORKLIST_LABEL TAG(0x0074, 0x1202)
#define TAG_STEP_LABEL TAG(0x0074, 0x1204)
#define TAG_PERFORMED_PROCEDURE TAG(0x0074, 0x1216)
#define TAG_REPLACED_STEP TAG(0x0074, 0x1224)
#define TAG_CODE_VALUE TAG(0x0008, 0x0100)
#define TAG_CODE_SCHEME TAG(0x0008, 0x0102)
#define TAG_CODE_MEANING TAG(0x0008, 0x0104)

/* Discontinuation reasons that mean something to the manager (CID 9303). */
#define REASON_NEEDS_SPECIALIST "110532"

/* One code item at the end of a sequence. */
enum err item_attrs_add_code(struct dataset *ds, uint32_t sequence, const char *value, const char *scheme, const char *meaning) MUST_USE;

/* Lays the modifications of an N-SET (UTF-8, Transaction UID taken out) over `item`.
 * ERR_DENIED: an attribute that a performer may not set; ERR_FORMAT: a value that is not allowed. Nothing is changed then. */
enum err item_attrs_set(struct dataset *item, const struct dataset *changes, struct why *why) MUST_USE;

/* The requirements of a final state; ERR_CONFLICT names the first attribute that is missing. */
enum err item_attrs_check_final(const struct dataset *item, enum item_state final, struct why *why) MUST_USE;

/* Code value of the first discontinuation reason, "" if none; in the data set's arena. */
const char *item_attrs_reason(const struct dataset *item);

/* A copy of `old` as a new, unread item: nothing performed, replacing `old_uid`. Same arena rules as dataset_copy(). */
enum err item_attrs_reissue(const struct dataset *old, const char *old_uid, const char *new_uid, struct dataset *out) MUST_USE;
/* Names one more item that `ds` replaces. */
enum err item_attrs_add_replaced(struct dataset *ds, const char *old_uid) MUST_USE;

#endif
