/* media_file - what a file is, by its first bytes: an object of ours to be, a directory, an archive, or something else. Pure.
 *
 * Names tell nothing here. A file with "DICM" or a meta group is taken as an object whatever is wrong behind it: ingest keeps what it
 * cannot read. A bare data set has only its elements to show, so it must begin like one, read well as far as the bytes at hand go,
 * and have a SOP class and a SOP instance that are legal UIDs.
 */
#ifndef PACS_MEDIA_MEDIA_FILE_H
#define PACS_MEDIA_MEDIA_FILE_H

#include "pacs/dicom/part10.h"

enum { MEDIA_HEAD = 128 << 10 };         /* bytes that are enough: SOP class and instance stand at the front of each data set */

enum media_kind {
	MEDIA_OBJECT,            /* meta, ts are filled */
	MEDIA_DIRECTORY,         /* a DICOMDIR */
	MEDIA_ZIP,
	MEDIA_NO_SYNTAX,         /* DICOM in a transfer syntax that is not known: meta.transfer_syntax */
	MEDIA_NO_CLASS,          /* DICOM without a SOP class */
	MEDIA_OTHER,
};
struct media_file {
	struct part10 meta;              /* as the kept file's shall be: UIDs of the data set where it has them, its true syntax; dataset_at of this file */
	const struct ts *ts;
	bool is_bare;                    /* no meta group */
};

#define UID_MEDIA_DIRECTORY "1.2.840.10008.1.3.10"

/* head: MEDIA_HEAD bytes, or all there are. */
enum media_kind media_recognise(struct bytes head, struct media_file *out);

#endif
