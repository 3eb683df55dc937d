/* pull_file - one image on its way into a directory: DIR/SOPUID.dcm, written as SOPUID.dcm.part until it is whole and synced. */
#ifndef VIEWER_CLI_PULL_FILE_H
#define VIEWER_CLI_PULL_FILE_H

#include "pacs/dicom/uid.h"
#include "pacs/ul/dimse.h"

struct pull_file;
/* store: the C-STORE request that announces it. */
enum err pull_file_begin(const char *dir, const struct dimse *store, const struct ts *ts, const char *source_aet, struct pull_file **out, struct why *why) MUST_USE;
/* An error is kept until the end. */
void     pull_file_write(struct pull_file *f, struct bytes piece);
/* Syncs and gives it its name; an image pulled before is replaced. *f is NULL afterwards; on error the part is gone. */
enum err pull_file_end(struct pull_file **f, struct why *why) MUST_USE;
void     pull_file_discard(struct pull_file **f);

#endif
