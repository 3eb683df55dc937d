/* repair - a finding of pacs/store/verify.h brought before storescp, which looks again and mends it. */
#ifndef PACS_REPAIR_H
#define PACS_REPAIR_H

#include "conf/conf.h"
#include "pacs/store/verify.h"

/* did: what was done, or why nothing ("" when there is nothing that a program can do). false: the finding stands as it was. */
bool repair_finding(const struct conf *conf, const struct verify_finding *f, char *did, size_t cap);

#endif
