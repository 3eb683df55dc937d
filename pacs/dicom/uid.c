#include "pacs/dicom/uid.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

#include "pacs/dicom/sop_table.h"

#define T(suffix) "1.2.840.10008.1.2" suffix
#define NATIVE(suffix, name, is_explicit, is_big) { T(suffix), name, is_explicit, is_big, false, false, TS_REVERSIBLE }
#define ENCAPS(suffix, name, lossy) { T(suffix), name, true, false, false, true, lossy }

/* PS3.6 annex A.1. JPIP (.4.94, .4.95, .4.204, .4.205) refers to pixels elsewhere, MIME and XML
 * (.6.1, .6.2) are no data sets, SMPTE (.7.x) never stands in a file: not here, so refused. */
static const struct ts syntaxes[] = {
	NATIVE("", "Implicit VR Little Endian", false, false),
	NATIVE(".1", "Explicit VR Little Endian", true, false),
	NATIVE(".2", "Explicit VR Big Endian", true, true),
	{ TS_DEFLATED_LE, "Deflated Explicit VR Little Endian", true, false, true, false, TS_REVERSIBLE },
	{ "1.2.840.10008.1.20", "Papyrus 3 Implicit VR Little Endian", false, false, false, false, TS_REVERSIBLE },
	ENCAPS(".1.98", "Encapsulated Uncompressed Explicit VR Little Endian", TS_REVERSIBLE),
	ENCAPS(".4.50", "JPEG Baseline (Process 1)", TS_LOSSY),
	ENCAPS(".4.51", "JPEG Extended (Process 2 and 4)", TS_LOSSY),
	ENCAPS(".4.52", "JPEG Extended (Process 3 and 5)", TS_LOSSY),
	ENCAPS(".4.53", "JPEG Spectral Selection (Process 6 and 8)", TS_LOSSY),
	ENCAPS(".4.54", "JPEG Spectral Selection (Process 7 and 9)", TS_LOSSY),
	ENCAPS(".4.55", "JPEG Full Progression (Process 10 and 12)", TS_LOSSY),
	ENCAPS(".4.56", "JPEG Full Progression (Process 11 and 13)", TS_LOSSY),
	ENCAPS(".4.57", "JPEG Lossless (Process 14)", TS_REVERSIBLE),
	ENCAPS(".4.58", "JPEG Lossless (Process 15)", TS_REVERSIBLE),
	ENCAPS(".4.59", "JPEG Extended, Hierarchical (Process 16 and 18)", TS_LOSSY),
	ENCAPS(".4.60", "JPEG Extended, Hierarchical (Process 17 and 19)", TS_LOSSY),
	ENCAPS(".4.61", "JPEG Spectral Selection, Hierarchical (Process 20 and 22)", TS_LOSSY),
	ENCAPS(".4.62", "JPEG Spectral Selection, Hierarchical (Process 21 and 23)", TS_LOSSY),
	ENCAPS(".4.63", "JPEG Full Progression, Hierarchical (Process 24 and 26)", TS_LOSSY),
	ENCAPS(".4.64", "JPEG Full Progression, Hierarchical (Process 25 and 27)", TS_LOSSY),
	ENCAPS(".4.65", "JPEG Lossless, Hierarchical (Process 28)", TS_REVERSIBLE),
	ENCAPS(".4.66", "JPEG Lossless, Hierarchical (Process 29)", TS_REVERSIBLE),
	ENCAPS(".4.70", "JPEG Lossless, First-Order Prediction (Process 14 SV1)", TS_REVERSIBLE),
	ENCAPS(".4.80", "JPEG-LS Lossless", TS_REVERSIBLE),
	ENCAPS(".4.81", "JPEG-LS Near-Lossless", TS_LOSSY),
	ENCAPS(".4.90", "JPEG 2000 (Lossless Only)", TS_REVERSIBLE),
	ENCAPS(".4.91", "JPEG 2000", TS_EITHER),
	ENCAPS(".4.92", "JPEG 2000 Part 2 (Lossless Only)", TS_REVERSIBLE),
	ENCAPS(".4.93", "JPEG 2000 Part 2", TS_EITHER),
	ENCAPS(".4.100", "MPEG2 Main Profile / Main Level", TS_LOSSY),
	ENCAPS(".4.100.1", "MPEG2 Main Profile / Main Level, Fragmentable", TS_LOSSY),
	ENCAPS(".4.101", "MPEG2 Main Profile / High Level", TS_LOSSY),
	ENCAPS(".4.101.1", "MPEG2 Main Profile / High Level, Fragmentable", TS_LOSSY),
	ENCAPS(".4.102", "MPEG-4 AVC/H.264 High Profile / Level 4.1", TS_LOSSY),
	ENCAPS(".4.102.1", "MPEG-4 AVC/H.264 High Profile / Level 4.1, Fragmentable", TS_LOSSY),
	ENCAPS(".4.103", "MPEG-4 AVC/H.264 BD-compatible / Level 4.1", TS_LOSSY),
	ENCAPS(".4.103.1", "MPEG-4 AVC/H.264 BD-compatible / Level 4.1, Fragmentable", TS_LOSSY),
	ENCAPS(".4.104", "MPEG-4 AVC/H.264 High Profile / Level 4.2, 2D Video", TS_LOSSY),
	ENCAPS(".4.104.1", "MPEG-4 AVC/H.264 High Profile / Level 4.2, 2D Video, Fragmentable", TS_LOSSY),
	ENCAPS(".4.105", "MPEG-4 AVC/H.264 High Profile / Level 4.2, 3D Video", TS_LOSSY),
	ENCAPS(".4.105.1", "MPEG-4 AVC/H.264 High Profile / Level 4.2, 3D Video, Fragmentable", TS_LOSSY),
	ENCAPS(".4.106", "MPEG-4 AVC/H.264 Stereo High Profile / Level 4.2", TS_LOSSY),
	ENCAPS(".4.106.1", "MPEG-4 AVC/H.264 Stereo High Profile / Level 4.2, Fragmentable", TS_LOSSY),
	ENCAPS(".4.107", "HEVC/H.265 Main Profile / Level 5.1", TS_LOSSY),
	ENCAPS(".4.108", "HEVC/H.265 Main 10 Profile / Level 5.1", TS_LOSSY),
	ENCAPS(".4.110", "JPEG XL Lossless", TS_REVERSIBLE),
	/* Gives back the very JPEG it was made from, and that one was lossy. */
	ENCAPS(".4.111", "JPEG XL JPEG Recompression", TS_LOSSY),
	ENCAPS(".4.112", "JPEG XL", TS_EITHER),
	ENCAPS(".4.201", "High-Throughput JPEG 2000 (Lossless Only)", TS_REVERSIBLE),
	ENCAPS(".4.202", "High-Throughput JPEG 2000 with RPCL Options (Lossless Only)", TS_REVERSIBLE),
	ENCAPS(".4.203", "High-Throughput JPEG 2000", TS_EITHER),
	ENCAPS(".5", "RLE Lossless", TS_REVERSIBLE),
	ENCAPS(".8.1", "Deflated Image Frame Compression", TS_REVERSIBLE),
};

/* Names for logs and listings: what is neither a syntax nor a storage class. */
static const struct sop_class others[] = {
	{ UID_APPLICATION_CONTEXT, "DICOM Application Context" },
	{ UID_VERIFICATION, "Verification" },
	{ UID_PATIENT_ROOT_FIND, "Patient Root Query/Retrieve - FIND" },
	{ UID_PATIENT_ROOT_MOVE, "Patient Root Query/Retrieve - MOVE" },
	{ UID_PATIENT_ROOT_GET, "Patient Root Query/Retrieve - GET" },
	{ UID_STUDY_ROOT_FIND, "Study Root Query/Retrieve - FIND" },
	{ UID_STUDY_ROOT_MOVE, "Study Root Query/Retrieve - MOVE" },
	{ UID_STUDY_ROOT_GET, "Study Root Query/Retrieve - GET" },
	{ UID_UPS_PUSH, "Unified Procedure Step - Push" },
	{ UID_UPS_WATCH, "Unified Procedure Step - Watch" },
	{ UID_UPS_PULL, "Unified Procedure Step - Pull" },
	{ UID_UPS_EVENT, "Unified Procedure Step - Event" },
	{ UID_WORKLIST_FIND, "Modality Worklist - FIND" },
	{ UID_MPPS, "Modality Performed Procedure Step" },
	{ UID_UPS_QUERY, "Unified Procedure Step - Query" },
};

const struct ts *ts_find(const char *uid)
{
	for (size_t i = 0; i < NELEM(syntaxes); i++)
		if (!strcmp(syntaxes[i].uid, uid))
			return &syntaxes[i];
	return NULL;
}

const struct ts *ts_table(size_t *count)
{
	*count = NELEM(syntaxes);
	return syntaxes;
}

const struct sop_class *sop_storage_table(size_t *count)
{
	*count = sop_table_count;
	return sop_table;
}

static int compare_class(const void *key, const void *entry)
{
	return strcmp(key, ((const struct sop_class *)entry)->uid);
}

const struct sop_class *sop_storage_find(const char *uid)
{
	return bsearch(uid, sop_table, sop_table_count, sizeof(*sop_table), compare_class);
}

const char *uid_name(const char *uid)
{
	const struct ts *ts = ts_find(uid);
	if (ts)
		return ts->name;
	const struct sop_class *class = sop_storage_find(uid);
	if (class)
		return class->name;
	for (size_t i = 0; i < NELEM(others); i++)
		if (!strcmp(others[i].uid, uid))
			return others[i].name;
	return uid;
}

enum err uid_take(struct uid *out, struct bytes raw)
{
	const uint8_t *nul = raw.len ? memchr(raw.p, '\0', raw.len) : NULL;
	if (nul)
		raw.len = (size_t)(nul - raw.p);
	while (raw.len && raw.p[raw.len - 1] == ' ')
		raw.len--;
	*out = (struct uid){ "" };
	if (raw.len > BOUND_UID)
		return ERR_LIMIT;
	if (raw.len)
		memcpy(out->s, raw.p, raw.len);
	return ERR_OK;
}

bool uid_is_legal(const char *s)
{
	size_t len = strlen(s);
	if (len == 0 || len > BOUND_UID)
		return false;
	for (const char *p = s; ; p++) {
		size_t digits = strspn(p, "0123456789");
		if (digits == 0 || (digits > 1 && *p == '0'))
			return false;
		p += digits;
		if (*p != '.')
			return *p == '\0';
	}
}

/* Divides the big-endian 128-bit number by ten in place; the remainder. */
static unsigned divide_by_ten(uint8_t n[16])
{
	unsigned rest = 0;
	for (int i = 0; i < 16; i++) {
		unsigned v = rest << 8 | n[i];
		n[i] = (uint8_t)(v / 10);
		rest = v % 10;
	}
	return rest;
}

static void write_uuid(uint8_t n[16], unsigned version, struct uid *out)
{
	n[6] = (uint8_t)(version << 4 | (n[6] & 0x0F));
	n[8] = (uint8_t)(0x80 | (n[8] & 0x3F));     /* the variant of RFC 4122 */

	/* 2^128 has 39 digits. */
	char digits[40];
	size_t at = sizeof(digits) - 1;
	digits[at] = '\0';
	do
		digits[--at] = (char)('0' + divide_by_ten(n));
	while (memcmp(n, (uint8_t[16]){ 0 }, 16) != 0);
	*out = (struct uid){ "2.25." };
	memcpy(out->s + 5, digits + at, sizeof(digits) - at);
}

enum err uid_new(struct uid *out)
{
	uint8_t n[16];
	ssize_t got;
	do
		got = getrandom(n, sizeof(n), 0);
	while (got < 0 && errno == EINTR);
	if (got != (ssize_t)sizeof(n))
		return ERR_IO;
	write_uuid(n, 4, out);
	return ERR_OK;
}

void uid_of_digest(const uint8_t digest[16], struct uid *out)
{
	uint8_t n[16];
	memcpy(n, digest, sizeof(n));
	write_uuid(n, 8, out);
}
