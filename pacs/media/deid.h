/* deid - a data set without its patient (PS3.15 annex E, Basic Application Level Confidentiality Profile with options). Pure.
 *
 * Fails closed: what is not known goes (deid_table.h). Pixel data is not looked at; what may show text is refused (deid_refusal()).
 *
 * UIDs      2.25 with the first 128 bits of HMAC-SHA256(key, old UID), so that the same UID becomes the same everywhere the key is used.
 * Dates     moved by a number of whole days that is the subject's: 366 to 4,017 days back, from HMAC-SHA256(key, patient).
 * Types     attributes of type 1 and 2 stay there, with a dummy or empty.
 */
#ifndef PACS_MEDIA_DEID_H
#define PACS_MEDIA_DEID_H

#include "pacs/dicom/dataset.h"
#include "pacs/media/deid_table.h"

struct deid_options {
	unsigned retain;         /* bits of deid_table.h */
	bool accept_burned_in;
	uint8_t key[32];
};

struct deid_subject {
	char name[65], id[65];
	int days;                /* that dates are moved by, negative */
};

/* What stands where a text must not be empty. */
#define DEID_DUMMY "ANONYMIZED"

/* "uids", "device" ...; false: no such option. */
bool deid_retain_parse(const char *name, unsigned *bit);
extern const char deid_retain_names[];

/* Why this object must not go out de-identified, a static text; NULL: it may. rest: the elements behind the header are known to be whole. */
const char *deid_refusal(const struct dataset *ds, const struct deid_options *o);

/* From a secret of any length. */
void deid_key_of(struct bytes secret, uint8_t out[32]);
void deid_uid(const struct deid_options *o, const char *old, struct uid *out);
/* A pseudonym and the days of one patient. */
void deid_subject_of(const struct deid_options *o, const char *patient_key, char pseudonym[20], int *days);

/* Changes ds in place. ERR_NOMEM, ERR_LIMIT. */
enum err deid_apply(struct dataset *ds, const struct deid_options *o, const struct deid_subject *s) MUST_USE;

#endif
