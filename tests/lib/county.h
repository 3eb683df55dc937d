/* county - fifteen years of a county that does not exist: its studies, one after another, from a number.
 *
 * Pure: study n of a seed is the same wherever it is asked for, so a benchmark that fills an index and a
 * benchmark that queries it agree without a list between them. Everybody and everything is made up.
 *
 * What it looks like: 25 sites send DR and ultrasound, some CR, CT and mammography, in the order of their dates.
 * Two studies of five are of a patient who was there before. Names are written as the site's machines do:
 * pinyin with Han, Han alone, pinyin alone; in GB18030, in UTF-8, undeclared. Three sites of ten make UIDs of random
 * numbers (2.25.), which scatter over an index; the others count upwards below a prefix of the machine's.
 */
#ifndef TESTS_LIB_COUNTY_H
#define TESTS_LIB_COUNTY_H

#include "pacs/base/buf.h"
#include "pacs/dicom/dataset.h"

struct county {
	uint64_t seed;
	unsigned long studies;                   /* over which the fifteen years are spread */
	unsigned mean_images;                    /* of a study */
};

struct county_study {
	unsigned long number, patient;
	unsigned site, images;
	const char *modality, *sop_class, *body_part, *description, *charset;    /* charset: of the header, "" undeclared */
	char patient_id[17], name[128], pinyin[64], birth_date[9], sex[2];       /* name: UTF-8, as the site writes it */
	char study_uid[65], date[9], time[14], accession[17], study_id[17], referring[128], institution[65], station[17], calling[17];
};

void county_study(const struct county *c, unsigned long n, struct county_study *out);
void county_series_uid(const struct county *c, const struct county_study *s, char out[65]);
void county_sop_uid(const struct county *c, const struct county_study *s, unsigned image, char out[65]);
/* The headers of its images as its machine writes them, everything before pixel data, explicit LE, one behind the
 * other; ends[i] is where the one of image i ends in *out. ERR_NOMEM, ERR_LIMIT. */
enum { COUNTY_IMAGES_MAX = 512 };
enum err county_headers(const struct county *c, const struct county_study *s, struct buf *out, size_t *ends) MUST_USE;

#endif
