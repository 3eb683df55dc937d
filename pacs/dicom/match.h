/* match - the matching rules of PS3.4 C.2.2.2 on UTF-8 text. Pure. */
#ifndef PACS_DICOM_MATCH_H
#define PACS_DICOM_MATCH_H

#include "pacs/base/err.h"
#include "pacs/dicom/tag.h"

enum match_kind { MATCH_UNIVERSAL, MATCH_SINGLE, MATCH_WILDCARD, MATCH_UID_LIST, MATCH_RANGE };

/* What kind of key this is, for a VR and its (UTF-8, stripped) text. `*` alone is universal. */
enum match_kind match_kind(vr_t vr, const char *key);

/* * = any run, ? = one character (not byte). Case-sensitive. */
bool match_wildcard(const char *pattern, const char *text);
/* PN: case-insensitive; a key without `=` matches any component group; trailing ^ insignificant; wildcards allowed. */
bool match_name(const char *key, const char *name);

/* DA, TM, DT ranges, normalised for comparing as text: DA "YYYYMMDD", TM "HHMMSS.FFFFFF", DT in full.
 * lo / hi are "" when open. A single value gives lo == its start, hi == its end ("10" = 10:00:00..10:59:59.999999).
 * Accepts 2026.03.01, 2026-03-01 and 10:22:11. ERR_FORMAT: not a date or time. */
enum err match_range(vr_t vr, const char *key, char lo[32], char hi[32]) MUST_USE;
/* A date and a time of day in normal form, so many minutes later. Without a time the date stays; without a date the
 * time goes round. */
void     match_shift(const char *date, const char *time, int minutes, char date_out[9], char time_out[14]);
/* One stored date or time in the same normal form, "" when it cannot be read. */
void     match_normalise(vr_t vr, const char *value, char out[32]);

#endif
