/* priors - the earlier studies of a patient, asked by C-FIND. */
#ifndef VIEWER_CLI_PRIORS_H
#define VIEWER_CLI_PRIORS_H

#include "viewer-cli/work.h"

enum { PRIORS_MAX = 4 };

/* Newest first, at most PRIORS_MAX; the item's own study left out. The same patient ID is not enough: birth date or name must be
 * the item's too, for numbers are given twice. */
enum err priors_find(const struct viewer_options *o, const struct work_entry *e, struct uid out[PRIORS_MAX], unsigned *n, struct why *why) MUST_USE;

#endif
