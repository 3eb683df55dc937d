/* edit_value - which attributes a person may correct in kept studies, and which values they may have. Pure.
 *
 * May be corrected: attributes of the dictionary with a text VR, before (0400,0561) Original Attributes Sequence, which is as far as
 * coerce.h rewrites a head. Never: UIDs (merge and split change those that may change), what describes the samples (group 0028), the
 * character set, private attributes, sequences and binary values.
 *
 * A value is UTF-8, with backslashes between several; it is checked against VR and multiplicity (PS3.5 6.2, PS3.6) and comes back in the
 * form in which it is kept: blanks at its ends gone, numbers without signs and zeros that mean nothing. "" is allowed and empties.
 */
#ifndef PACS_DICOM_EDIT_VALUE_H
#define PACS_DICOM_EDIT_VALUE_H

#include "pacs/dicom/tag.h"

enum { EDIT_VALUE_MAX = 1024 };          /* bytes */

/* "StudyDescription" or "(0008,1030)" or "0008,1030". ERR_NOT_FOUND: no such attribute. */
enum err edit_tag_parse(const char *text, uint32_t *tag, struct why *why) MUST_USE;
/* ERR_DENIED: this one may not be corrected; why says the reason. */
enum err edit_tag_allowed(uint32_t tag, struct why *why) MUST_USE;
/* ERR_FORMAT: not a value of this attribute, in words. */
enum err edit_value_check(uint32_t tag, const char *text, char out[EDIT_VALUE_MAX + 1], struct why *why) MUST_USE;

#endif
