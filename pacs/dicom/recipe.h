/* recipe - how pixel data shall be encoded, as pacs.conf and commands name it: "jpeg2000", "jpeg:90". Pure.
 *
 * The level means what the codec can promise; 0 is reversible, and a name that is lossy has a preset:
 *   jpeg, jpeg12     quality 1 to 100                     preset 90
 *   jpegls-near      largest error of a sample, 1 to 255  preset 2
 *   jpeg2000-lossy   native bytes for each coded one, 2 to 200  preset 10
 *   htj2k-lossy      quantisation step in grey levels, 1 to 255  preset 2
 * What is lossy is never a default of anything: it has to be named.
 */
#ifndef PACS_DICOM_RECIPE_H
#define PACS_DICOM_RECIPE_H

#include "pacs/dicom/uid.h"

/* What a compression without a name means: measured on DR and ultrasound, docs/benchmarks.md. */
#define RECIPE_DEFAULT "jpegls"

struct recipe {
	const struct ts *ts;     /* NULL: keep as it is */
	unsigned level;          /* of a lossy codec; 0 otherwise */
	bool is_lossy;
};

/* ERR_CONFIG: what was seen, and which names there are. */
enum err recipe_parse(const char *text, struct recipe *out, struct why *why) MUST_USE;
/* The names of the reversible ones that make files smaller, "jpeg2000" first; NULL beyond the last. */
const char *recipe_reversible(unsigned n);
#endif
