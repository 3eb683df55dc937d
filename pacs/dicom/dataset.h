/* dataset - a small data set in memory: identifiers, headers, work items. Never pixel data.
 *
 * Memory   everything lives in the caller's arena and dies with it. Parsed values are copied into
 *          the arena, so the raw bytes may go.
 * Order    elements stand in ascending tag order; a duplicate tag: the last one wins.
 * Values   raw bytes without decoding of text; numbers are little endian whatever was read.
 *          Padding of text is kept; the accessors strip it.
 * Limits   BOUND_DEPTH, BOUND_DATASET_NODES.
 */
#ifndef PACS_DICOM_DATASET_H
#define PACS_DICOM_DATASET_H

#include "pacs/base/arena.h"
#include "pacs/base/buf.h"
#include "pacs/dicom/tag.h"
#include "pacs/dicom/uid.h"

struct dataset;
struct item {
	struct item *next;
	struct dataset *ds;
};
struct element {
	struct element *next;
	uint32_t tag;
	vr_t vr;
	struct bytes value;          /* empty for SQ */
	struct item *items;          /* SQ only; NULL = no items */
};
struct dataset {
	struct arena *arena;         /* borrowed */
	struct element *first, *last;
	size_t nodes;                /* in the whole tree; kept at the root only */
};

enum ds_encoding { DS_IMPLICIT_LE, DS_EXPLICIT_LE, DS_EXPLICIT_BE };
/* Of the data set itself; deflated and encapsulated syntaxes are explicit LE inside. */
enum ds_encoding ds_encoding_of(const struct ts *ts);

struct dataset *dataset_new(struct arena *a);    /* NULL: out of arena */

/* Tolerant as dicom-notes section 13 asks: odd lengths, undefined lengths anywhere, missing
 * delimiters, UN of undefined length (implicit LE inside), group lengths dropped, unknown VRs read
 * as UN. Stops without error at pixel data (7FE0,0010/0008/0009).
 * ERR_FORMAT  truncated or senseless; *out then still holds what was read before it.
 * ERR_LIMIT   too deep, too many elements. ERR_NOMEM arena full. */
enum err dataset_parse(struct arena *a, struct bytes raw, enum ds_encoding enc, struct dataset **out, struct why *why) MUST_USE;
/* Sequences and items are written with defined lengths; a short-VR value over 65,534 bytes as UN. */
enum err dataset_write(const struct dataset *ds, enum ds_encoding enc, struct buf *out) MUST_USE;

struct element *dataset_find(const struct dataset *ds, uint32_t tag);      /* lent; NULL if absent */
bool dataset_has(const struct dataset *ds, uint32_t tag);

/* The whole value as NUL-ended text in the arena, padding stripped (leading blanks too, except in
 * ST LT UT); "" when absent, empty or out of arena. No charset decoding: see dicom/charset.h. */
const char *dataset_str(const struct dataset *ds, uint32_t tag);
/* The value with index n of a backslash-separated ASCII VR; "" beyond the end. */
const char *dataset_str_n(const struct dataset *ds, uint32_t tag, unsigned n);
/* Numbers: US SS UL SL AT by VR, IS DS by text. False when absent or not a number. */
bool dataset_int(const struct dataset *ds, uint32_t tag, int64_t *out);
bool dataset_double_n(const struct dataset *ds, uint32_t tag, unsigned n, double *out);
struct dataset *dataset_item(const struct dataset *ds, uint32_t sequence, unsigned n);   /* NULL beyond the end */

/* Setting replaces what was there; the VR comes from the dictionary when vr is 0. Values are copied
 * and padded. ERR_NOMEM / ERR_LIMIT. */
enum err dataset_put(struct dataset *ds, uint32_t tag, vr_t vr, struct bytes value) MUST_USE;
enum err dataset_put_str(struct dataset *ds, uint32_t tag, const char *text) MUST_USE;
enum err dataset_put_us(struct dataset *ds, uint32_t tag, uint16_t v) MUST_USE;
/* Appends an item to a sequence (made if absent) and lends its data set. */
struct dataset *dataset_add_item(struct dataset *ds, uint32_t sequence);
enum err dataset_put_empty_sequence(struct dataset *ds, uint32_t sequence) MUST_USE;
void     dataset_remove(struct dataset *ds, uint32_t tag);
/* A deep copy of one element (sequence or not) into another data set. */
enum err dataset_copy(struct dataset *to, const struct element *el) MUST_USE;

#endif
