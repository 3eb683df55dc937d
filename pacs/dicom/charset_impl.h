/* charset_impl - what the files of charset share; nobody else includes it. */
#ifndef PACS_DICOM_CHARSET_IMPL_H
#define PACS_DICOM_CHARSET_IMPL_H

#include "pacs/dicom/charset.h"
#include "pacs/dicom/charset_set.h"

/* Does ISO 2022 go back to the first declared set at this character? */
bool charset_is_reset(vr_t vr, uint8_t c);
/* Appends `raw` as UTF-8; false, with nothing appended, when it is no text in those sets. */
bool charset_decode(const struct charset_list *l, vr_t vr, struct bytes raw, struct buf *out);
/* Without the padding at its end, and, but in paragraphs, without blanks in front. */
struct bytes charset_strip(vr_t vr, struct bytes v);
/* What was appended behind `from` loses a mark of UTF-8 in front, and every NUL: one inside a value would end it for all behind us. */
void charset_tidy(struct buf *out, size_t from);

#endif
