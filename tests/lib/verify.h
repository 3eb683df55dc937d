/* verify - what must be true of two nodes after a crash test. Reads their folders and databases.
 * Each function prints "# ..." lines for what is wrong, at most a handful, and says whether all is well. */
#ifndef TESTS_LIB_VERIFY_H
#define TESTS_LIB_VERIFY_H

#include "pacs/dicom/uid.h"

struct verify_acked { struct uid sop; };

/* Waits until the county's index holds every acknowledged image, or the deadline. */
bool verify_drained(const char *clinic, const char *county, const struct verify_acked *acked, size_t n, unsigned deadline_s, struct why *why);
/* Every image has a row and a whole file. */
bool verify_kept(const char *dir, const struct verify_acked *acked, size_t n);
/* Every file in store/ has a row, every row's file is there, spool/ is empty. */
bool verify_no_orphans(const char *dir);
/* Every image's study has a work item, or gets it before the deadline (its quiet time may run). */
bool verify_listed(const char *dir, const struct verify_acked *acked, size_t n, unsigned deadline_s);

#endif
