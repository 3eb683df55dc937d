/* coerce - a data set on its way out with other attributes than it is kept with: those of its patient, and what a person corrected
 * (PS3.3 C.12.1.1.9). Pure.
 *
 * Only the head is rewritten: everything up to (0400,0561), which is all that comes before the elements of large groups and pixel
 * data. What was replaced stands in a new item of the Original Attributes Sequence. The rest of the data set follows as it is.
 *
 * A name that the data set's character set cannot write makes all its text UTF-8; then the head is everything before pixel data.
 */
#ifndef PACS_DICOM_COERCE_H
#define PACS_DICOM_COERCE_H

#include "pacs/dicom/dataset.h"

/* UTF-8, with backslashes between several values; "" empties one that is there. Tags below (0400,0561), of a text VR or a UID. */
struct coerce_value { uint32_t tag; const char *text; };
struct coerce_patient {
	char patient_id[257], issuer[257], name[1025], birth_date[9], sex[17];   /* UTF-8; "" keeps what is there, but for issuer beside a new ID */
	char when[40];                   /* DT of the modification */
	char by[65];                     /* modifying system */
	const char *reason;              /* COERCE or CORRECT; NULL: COERCE */
	const struct coerce_value *values;       /* besides the patient's; borrowed */
	size_t value_count;
};

/* `raw` begins at the data set's first byte and may end anywhere. *out gets the new head, *used how many bytes of raw it stands for.
 * ERR_MORE: the head is not whole in raw; is_whole says that raw is all there is. ERR_EXISTS: every value is right already, nothing was
 * written. ERR_FORMAT, ERR_LIMIT, ERR_NOMEM: it cannot be done. sender_charset: of data sets that do not say theirs. */
enum err coerce_head(struct bytes raw, bool is_whole, enum ds_encoding enc, const char *sender_charset, const struct coerce_patient *p,
                     struct buf *out, size_t *used, struct why *why) MUST_USE;

/* Where the first top-level element stands whose tag is at least `limit`; raw.len when none does and raw is whole. ERR_MORE, ERR_FORMAT. */
enum err coerce_boundary(struct bytes raw, bool is_whole, enum ds_encoding enc, uint32_t limit, size_t *at, struct why *why) MUST_USE;

#endif
