/* order_worklist - an order as an answer of the modality worklist (PS3.4 table K.6-1): every attribute of the model that this
 * product can know, in UTF-8. Matching and picking what was asked for is the caller's. Pure.
 */
#ifndef PACS_ORDERS_ORDER_WORKLIST_H
#define PACS_ORDERS_ORDER_WORKLIST_H

#include "pacs/dicom/dataset.h"
#include "pacs/orders/order.h"

#define TAG_STEP_SEQUENCE TAG(0x0040, 0x0100)
#define TAG_STEP_AET TAG(0x0040, 0x0001)
#define TAG_STEP_START_DATE TAG(0x0040, 0x0002)
#define TAG_STEP_START_TIME TAG(0x0040, 0x0003)
#define TAG_STEP_ID TAG(0x0040, 0x0009)
#define TAG_STEP_STATUS TAG(0x0040, 0x0020)
#define TAG_PROCEDURE_ID TAG(0x0040, 0x1001)
#define TAG_PROCEDURE_REASON TAG(0x0040, 0x1002)
#define TAG_PROCEDURE_PRIORITY TAG(0x0040, 0x1003)
#define TAG_PROCEDURE_DESCRIPTION TAG(0x0032, 0x1060)
#define TAG_REQUESTING_PHYSICIAN TAG(0x0032, 0x1032)
#define TAG_REQUESTING_SERVICE TAG(0x0032, 0x1033)

enum err order_to_worklist(const struct order *o, enum order_state state, struct dataset *out) MUST_USE;

#endif
