/* dicomdir_write - the directory of a file set (PS3.3 annex F), record by record. Pure.
 *
 * Objects come in the order of their records: those of a patient one after the other, in them those of a study, in them those of a
 * series. Each has its keys from its own header. Where a header lacks a key that a directory must have (type 1) the directory gets a
 * value that says so ("UNKNOWN", 19000101, 0; NOID-00001 and so on for patients without an ID, so that no reader takes two for one); the files are never changed for it.
 *
 * Ours and not DCMTK's DicomDirInterface: that takes what a physical profile names, and neither HTJ2K nor JPEG XL at all.
 *
 * Memory   the directory itself, some 500 bytes an image. A record is written once; its links are filled in when what they lead to comes.
 */
#ifndef PACS_MEDIA_DICOMDIR_WRITE_H
#define PACS_MEDIA_DICOMDIR_WRITE_H

#include "pacs/base/buf.h"
#include "pacs/dicom/dataset.h"

struct dicomdir_writer {
	struct buf out;                  /* owned */
	size_t root_at, last_at;         /* of the values of (0004,1200) and (0004,1202) */
	size_t records_at;               /* of the length of (0004,1220) */
	struct { size_t at; char key[1600]; } open[4];        /* the last record of each level, 0 none: patient, study, series, object; and its key */
	unsigned patients;
	enum err err;
};

struct dicomdir_object {
	const struct dataset *header;
	const char *file_id;             /* components with \ between */
	const char *ts;
	const char *sop_class;           /* where the header has none */
	const char *patient;             /* whoever has another one is another patient, whatever the headers say */
};

enum err dicomdir_write_begin(struct dicomdir_writer *w, const char *file_set_id) MUST_USE;
/* ERR_FORMAT: no SOP class, instance, study or series UID. */
enum err dicomdir_write_add(struct dicomdir_writer *w, const struct dicomdir_object *o, struct why *why) MUST_USE;
/* The whole file, lent until fini. */
enum err dicomdir_write_end(struct dicomdir_writer *w, struct bytes *out) MUST_USE;
void     dicomdir_write_fini(struct dicomdir_writer *w);

#endif
