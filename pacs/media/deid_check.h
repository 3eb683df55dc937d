/* deid_check - is anything of the patient left in what was written? Pure.
 *
 * The proof beside the table: names, IDs, addresses and the birth date of the object as it was are searched for in the object as it
 * is written, as the bytes they had, in UTF-8, in GB 18030 and, where they are ASCII, in UTF-16; ASCII letters in any case.
 *
 * What is too short to mean anything (under four bytes; digits alone: under six) counts only as a whole value. A name's single component is
 * not looked for in codes (CS), in the dummies and (0012,0063) that deid_apply() itself writes, digits alone not in numbers, in made UIDs (2.25.), nor the birth date in dates.
 */
#ifndef PACS_MEDIA_DEID_CHECK_H
#define PACS_MEDIA_DEID_CHECK_H

#include "pacs/dicom/dataset.h"

enum { DEID_NEEDLES = 400, DEID_NEEDLE_MAX = 128 };
struct deid_needle {
	uint32_t tag;                    /* whose value it was */
	uint8_t bytes[DEID_NEEDLE_MAX], len;
	bool is_part;                    /* one component of a name */
	bool is_whole;                   /* counts as a whole value only */
	bool is_digits, is_date;
};
struct deid_needles {
	size_t count;
	bool is_over;                    /* there were more than that: nothing can be proved */
	struct deid_needle of[DEID_NEEDLES];
};

/* Of an object as it was; more of them are added. sender_charset: for text that declares none. */
void deid_needles_add(struct deid_needles *n, const struct dataset *original, const char *sender_charset);
/* One value by hand (UTF-8): the index's patient. */
void deid_needles_add_text(struct deid_needles *n, uint32_t tag, const char *text);

/* Where one stands in a data set: its tag, and whose value it is. False: nowhere. */
bool deid_find(const struct deid_needles *n, const struct dataset *ds, uint32_t *at, uint32_t *whose);
/* In other bytes (pixel data): those of six bytes and more. The caller overlaps its pieces by DEID_NEEDLE_MAX. */
bool deid_find_bytes(const struct deid_needles *n, struct bytes b, uint32_t *whose);

#endif
