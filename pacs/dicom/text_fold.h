/* text_fold - one form for texts that people take for the same, for searching. Pure; ICU's tables (NFKC_Casefold) and
 * those of han.h are constant and shared.
 *
 * Folded away: case, full and half width and other compatibility forms, how accents are composed, signs without
 * width, traditional characters (張 is 张), runs of blanks, blanks and carets at the end of a component group. Accents
 * stay. Bytes that are no UTF-8 stay as they are. Folding twice is folding once.
 */
#ifndef PACS_DICOM_TEXT_FOLD_H
#define PACS_DICOM_TEXT_FOLD_H

#include "pacs/base/buf.h"

/* Appends. `=` separates component groups. An error is the buffer's. */
void text_fold(const char *utf8, struct buf *out);
/* The same into memory of the caller; false: does not fit, out is "". */
bool text_fold_into(const char *utf8, char *out, size_t cap);
/* Folds, and takes accents off: "jerome". */
void text_fold_bare(const char *utf8, struct buf *out);

#endif
