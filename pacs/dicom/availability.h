/* availability - the data set of an instance availability notification (PS3.4 annex R, PS3.3 C.4.23): built one instance
 * after another, and read as a summary. Pure.
 *
 *   (0008,1111) empty: we know of no performed procedure step        (0020,000D) Study Instance UID
 *   (0008,1115) > (0020,000E) Series Instance UID
 *                 (0008,1199) > (0008,1150) class, (0008,1155) instance, (0008,0056) availability, (0008,0054) Retrieve AE Title
 *
 * Nothing else may be in it (R.3.2.1.2: no patient, no procedure).
 */
#ifndef PACS_DICOM_AVAILABILITY_H
#define PACS_DICOM_AVAILABILITY_H

#include "pacs/dicom/dataset.h"

/* ---- building ---- */
struct availability { struct dataset *ds, *series; const char *last_series; unsigned count; };
enum err availability_begin(struct availability *a, struct arena *arena, const char *study_uid) MUST_USE;
/* Instances of one series come one after another; the strings are copied. ONLINE, at our own AE title. */
enum err availability_add(struct availability *a, const char *series_uid, const char *sop_class, const char *sop_instance, const char *retrieve_aet) MUST_USE;

/* ---- reading ---- */
struct availability_summary {
	struct uid study_uid;
	unsigned series, instances;
	char availability[17], retrieve_aet[BOUND_AET + 1];      /* of all instances; "mixed" when they differ */
};
/* *status when it cannot be taken: 0120 an attribute is missing, 0106 a value cannot be, C000 unreadable, 0213 too large. */
enum err availability_read(struct bytes data, enum ds_encoding enc, struct availability_summary *out, uint16_t *status, struct why *why) MUST_USE;

#endif
