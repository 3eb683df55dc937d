/* export - studies out of a node, as a file set on a medium, a folder or a zip archive; de-identified when asked.
 *
 * Reads index.db and the stored files only; the node may run or not. What goes out is what the node would send: the same source
 * (pacs/send/source.h) corrects patients who were updated or merged, and transcodes. Names are those of PS3.10 section 8: P00001/S00001/E00001/I0000001.
 *
 * De-identified, each file is read again after it was written and searched for what the original said of the patient
 * (pacs/media/deid_check.h): one hit, and that image is left out and told.
 */
#ifndef PACS_EXPORT_H
#define PACS_EXPORT_H

#include "conf/conf.h"
#include "db/index.h"
#include "pacs/media/deid.h"

struct export_options {
	const char *to;
	const char *studies;             /* UIDs with commas between, or NULL: the filter's */
	struct index_study_filter filter;
	const char *modality;            /* only series of it; NULL all */
	bool is_zip, with_dicomdir;
	const struct ts *ts;             /* NULL: as stored */
	bool is_deid;
	struct deid_options deid;
	bool has_key;                    /* pseudonyms are made from it, else counted */
	const char *subject;             /* name and ID of the one patient, or what stands before a number; NULL */
	const char *map;                 /* a file of old and new, mode 0600; NULL none */
	/* From time to time. False: stop. */
	bool (*on_progress)(void *arg, uint64_t done, uint64_t all, uint64_t bytes);
	void *arg;
};

enum { EXPORT_REASONS = 24 };
struct export_result {
	uint64_t objects, bytes;
	unsigned patients, studies, series;
	uint64_t kept_syntax;            /* could not be transcoded, went out as stored */
	uint64_t refused, bad;           /* not fit to be de-identified; missing or damaged here */
	struct { char why[120]; uint64_t count; bool is_bad; } reasons[EXPORT_REASONS];
};

/* ERR_EXISTS: the target; ERR_NOT_FOUND: no such study, or nothing that may go out; ERR_FULL; ERR_CANCELLED. After any error nothing is
 * left at the target. *out tells what there was until then. */
enum err export_run(const struct conf *conf, const struct export_options *o, struct export_result *out, struct why *why) MUST_USE;

#endif
