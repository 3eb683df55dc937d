/* retrieve_select - a retrieval's work on a reader: which instances, and what is needed to send the next ones. */
#ifndef STORESCP_RETRIEVE_SELECT_H
#define STORESCP_RETRIEVE_SELECT_H

#include "storescp/retrieve.h"

/* Work functions for readers_run(); the argument is the retrieve. */
void retrieve_select_work(void *arg, struct index_reader *ix);
void retrieve_batch_work(void *arg, struct index_reader *ix);
/* False: max are in it, or no memory. */
bool picks_add(struct picks *p, struct pick pick, size_t max);

#endif
