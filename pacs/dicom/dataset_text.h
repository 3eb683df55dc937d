/* dataset_text - the text of a whole data set from and to UTF-8, items included. Pure. */
#ifndef PACS_DICOM_DATASET_TEXT_H
#define PACS_DICOM_DATASET_TEXT_H

#include "pacs/dicom/dataset.h"

/* All text of a data set to UTF-8, in place, items with a character set of their own included; (0008,0005) goes. */
enum err dataset_to_utf8(struct dataset *ds, const char *sender_default) MUST_USE;
/* Says ISO_IR 192 when there is any text beyond ASCII. */
enum err dataset_say_charset(struct dataset *ds) MUST_USE;
/* UTF-8 text to this set, in place, and (0008,0005) says so; nothing but ASCII needs no set. "", an unknown one or one that lacks a
 * character of it: ISO_IR 192. */
enum err dataset_from_utf8(struct dataset *ds, const char *charset) MUST_USE;

#endif
