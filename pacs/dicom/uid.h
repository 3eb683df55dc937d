/* uid - unique identifiers: the tables of PS3.6 annex A that the product knows, and making new ones.
 *
 * Pure tables, no state. Lookups take a NUL-ended string without padding.
 */
#ifndef PACS_DICOM_UID_H
#define PACS_DICOM_UID_H

#include "pacs/base/bytes.h"
#include "pacs/base/err.h"
#include "pacs/base/bounds.h"

/* A UID as text; s is always NUL-ended. */
struct uid { char s[BOUND_UID + 1]; };

#define UID_APPLICATION_CONTEXT "1.2.840.10008.3.1.1.1"
#define UID_VERIFICATION "1.2.840.10008.1.1"
#define UID_PATIENT_ROOT_FIND "1.2.840.10008.5.1.4.1.2.1.1"
#define UID_PATIENT_ROOT_MOVE "1.2.840.10008.5.1.4.1.2.1.2"
#define UID_PATIENT_ROOT_GET "1.2.840.10008.5.1.4.1.2.1.3"
#define UID_STUDY_ROOT_FIND "1.2.840.10008.5.1.4.1.2.2.1"
#define UID_STUDY_ROOT_MOVE "1.2.840.10008.5.1.4.1.2.2.2"
#define UID_STUDY_ROOT_GET "1.2.840.10008.5.1.4.1.2.2.3"
#define UID_WORKLIST_FIND "1.2.840.10008.5.1.4.31"
#define UID_MPPS "1.2.840.10008.3.1.2.3.3"
#define UID_UPS_PUSH "1.2.840.10008.5.1.4.34.6.1"
#define UID_UPS_WATCH "1.2.840.10008.5.1.4.34.6.2"
#define UID_UPS_PULL "1.2.840.10008.5.1.4.34.6.3"
#define UID_UPS_EVENT "1.2.840.10008.5.1.4.34.6.4"
#define UID_UPS_QUERY "1.2.840.10008.5.1.4.34.6.5"

#define UID_COMMITMENT "1.2.840.10008.1.20.1"
#define UID_COMMITMENT_INSTANCE "1.2.840.10008.1.20.1.1"         /* well-known: the one instance of it */
#define UID_AVAILABILITY "1.2.840.10008.5.1.4.33"                /* instance availability notification */

#define TS_IMPLICIT_LE "1.2.840.10008.1.2"
#define TS_EXPLICIT_LE "1.2.840.10008.1.2.1"
#define TS_EXPLICIT_BE "1.2.840.10008.1.2.2"
#define TS_DEFLATED_LE "1.2.840.10008.1.2.1.99"
#define TS_JPEG_BASELINE "1.2.840.10008.1.2.4.50"
#define TS_JPEG_EXTENDED "1.2.840.10008.1.2.4.51"
#define TS_JPEG_LOSSLESS "1.2.840.10008.1.2.4.57"
#define TS_JPEG_LOSSLESS_SV1 "1.2.840.10008.1.2.4.70"
#define TS_JPEGLS_LOSSLESS "1.2.840.10008.1.2.4.80"
#define TS_JPEGLS_NEAR "1.2.840.10008.1.2.4.81"
#define TS_J2K_LOSSLESS "1.2.840.10008.1.2.4.90"
#define TS_J2K "1.2.840.10008.1.2.4.91"
#define TS_HTJ2K_LOSSLESS "1.2.840.10008.1.2.4.201"
#define TS_HTJ2K_LOSSLESS_RPCL "1.2.840.10008.1.2.4.202"
#define TS_HTJ2K "1.2.840.10008.1.2.4.203"
#define TS_RLE "1.2.840.10008.1.2.5"
#define TS_ENCAPSULATED "1.2.840.10008.1.2.1.98"
#define TS_DEFLATED_FRAME "1.2.840.10008.1.2.8.1"

/* Ours (2.25 root, PS3.5 annex B.2): item 52 and (0002,0012), item 55 and (0002,0013). */
#define IMPLEMENTATION_CLASS_UID "2.25.137482901728364950173648201937465820"
#define IMPLEMENTATION_VERSION "COUNTYPACS_01"

enum ts_lossy { TS_REVERSIBLE, TS_LOSSY, TS_EITHER };
struct ts {
	const char *uid, *name;
	bool is_explicit, is_big_endian, is_deflated, is_encapsulated;
	enum ts_lossy lossy;
};
/* Every transfer syntax of PS3.6 that can stand in a file, retired ones too; NULL when unknown
 * or one that has no pixel data in the file (JPIP: refused). */
const struct ts *ts_find(const char *uid);
const struct ts *ts_table(size_t *count);

struct sop_class { const char *uid, *name; };
/* Storage classes, standard ones and the retired that still arrive. */
const struct sop_class *sop_storage_table(size_t *count);
const struct sop_class *sop_storage_find(const char *uid);
/* A name for any UID in either table or the defines above, else the UID itself. */
const char *uid_name(const char *uid);

/* Copies up to the first NUL, without trailing blanks; ERR_LIMIT when over 64 remain. Empty is ERR_OK. */
enum err uid_take(struct uid *out, struct bytes raw);
/* Digits and dots, 1..64, no empty component, no leading zero (PS3.5 section 9.1). */
bool     uid_is_legal(const char *s);
/* "2.25." and a random 122-bit number (UUID v4), from the kernel's random source. */
enum err uid_new(struct uid *out) MUST_USE;
/* "2.25." and these 128 bits, marked as a UUID of version 8 (a digest: RFC 9562 section 5.8). The same bits, the same UID. */
void     uid_of_digest(const uint8_t digest[16], struct uid *out);

#endif
