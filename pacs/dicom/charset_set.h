/* charset_set - the coded character sets that (0008,0005) can name, and iconv behind them.
 * For the charset files alone. Calls that convert must hold the lock: one converter per set is kept
 * open for the whole process, since opening one loads a library. */
#ifndef PACS_DICOM_CHARSET_SET_H
#define PACS_DICOM_CHARSET_SET_H

#include "pacs/base/buf.h"

enum set_kind {
	SET_ASCII,
	SET_SINGLE,          /* one byte, in G1 */
	SET_SHIFTED,         /* JIS X 0201; Shift JIS, which stands where it is declared, is read too */
	SET_PAIRS_G1,        /* two bytes from 80 up */
	SET_PAIRS_G0,        /* two bytes 21 to 7E */
	SET_WHOLE,           /* without escapes, a value is converted in one piece */
};
struct charset_set {
	const char *term;            /* the defined term without "ISO_IR " or "ISO 2022 IR " */
	enum set_kind kind;
	const char *decoder, *encoder;   /* iconv's names; NULL: UTF-8 itself */
	const char *escape;          /* after ESC; NULL: none */
};

/* By one defined term, in any spelling that has been seen; NULL: unknown. Empty is ASCII. */
const struct charset_set *set_find(struct bytes term);
/* The set that the bytes after an ESC designate; *len of them. NULL: unknown. */
const struct charset_set *set_of_escape(struct bytes after, size_t *len);

/* (0008,0005) taken apart. */
enum { SETS_MAX = 8 };
struct charset_list {
	const struct charset_set *set[SETS_MAX];
	size_t count;                /* at least 1 */
	bool has_unknown;
};
struct charset_list set_list(const char *declared);
const struct charset_set *set_list_kind(const struct charset_list *l, enum set_kind kind);      /* the first of a kind, or NULL */

void set_lock(void);
void set_unlock(void);
/* Append the conversion; false, with nothing appended, when `in` has anything that cannot be converted. */
bool set_decode(const struct charset_set *s, struct bytes in, struct buf *out);
bool set_encode(const struct charset_set *s, struct bytes utf8, struct buf *out);

#endif
