/* control_patient - patient updates and merges, and corrections by people, that the router hands over from its journal.
 *
 *   patient.apply {after, changes: [{seq, at, merge, patient_id, issuer, name, birth_date, sex, old_id, old_issuer, message} or
 *                                  {seq, at, edit: {...}}]}, see pacs/store/edit_json.h
 *        -> {seq, patients}: the last change that is applied now. Nothing is done when `after` is not the last one before; so an empty
 *           list asks.
 */
#ifndef STORESCP_CONTROL_PATIENT_H
#define STORESCP_CONTROL_PATIENT_H

#include "pacs/ctl/ctl.h"
#include "storescp/service.h"

void     control_patient_apply(struct server *sv, struct ctl_request *rq, const json_t *body);

#endif
