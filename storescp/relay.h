/* relay - requests that the router decides, because it alone writes work.db: asked over its local socket, and answered with the
 * DIMSE status that comes back.
 *
 *   -> {"op":..., ...}          <- {"ok":true,"status":N,"comment":"...","error_id":N}      error_id may be left out
 *
 * So an answer of success means that it is on the router's disk. No router, or none in time: 0110, try again.
 */
#ifndef STORESCP_RELAY_H
#define STORESCP_RELAY_H

#include <jansson.h>

#include "pacs/dicom/dataset.h"
#include "storescp/service.h"

/* Takes the reference to body (NULL: it could not be made, and the answer is A700). created (may be NULL): the SOP Instance
 * UID that an N-CREATE gave to the new instance, said in a successful answer. */
void relay_to_router(struct session *s, uint8_t context_id, const struct dimse *rq, json_t *body, const struct uid *created);

/* A data set as explicit VR little endian in hex; NULL: over the bound of a request, or no memory. */
json_t *relay_dataset(const struct dataset *ds);

#endif
