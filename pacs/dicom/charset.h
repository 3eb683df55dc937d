/* charset - Specific Character Set (PS3.3 C.12.1.1.2, PS3.5 section 6.1) to UTF-8 and back.
 *
 * iconv holds the tables; this room holds DICOM's rules: ISO 2022 escapes and where they reset,
 * the trail bytes of GBK and GB18030 that look like delimiters, wrong or missing declarations.
 */
#ifndef PACS_DICOM_CHARSET_H
#define PACS_DICOM_CHARSET_H

#include "pacs/base/buf.h"
#include "pacs/dicom/tag.h"

/* How one value was read. */
enum charset_how { CHARSET_ASCII, CHARSET_DECLARED, CHARSET_SENDER, CHARSET_DETECTED, CHARSET_LATIN1 };

/* Appends the text of `raw` (one whole element value, all its values) to `out` as UTF-8, padding stripped.
 * Order: `declared` ((0008,0005) as it stands, "" if absent) when it decodes without error; else
 * `sender_default` (a defined term, may be NULL); else UTF-8 if valid; else GB18030 if valid; else Latin-1.
 * A single-byte set can hardly fail: where the sender's default is Chinese and all the high bytes stand in
 * pairs of GB 2312, the sender's default goes first.
 * Separators stay as they are: backslash between values, ^ and = in PN; a 5C that is the second
 * byte of a character is part of that character. Never fails for bad text; buf errors are sticky. */
enum charset_how charset_to_utf8(const char *declared, const char *sender_default, vr_t vr, struct bytes raw, struct buf *out);

/* UTF-8 to the declared sets: every one that can be read, with the escapes of PS3.5 section 6.1.2.5 where it names several (the
 * first that has a character is taken). ERR_UNSUPPORTED: none has one of the characters; nothing is appended. */
enum err charset_from_utf8(const char *declared, vr_t vr, const char *utf8, struct buf *out, struct why *why) MUST_USE;

bool charset_is_known(const char *declared);
bool utf8_is_valid(struct bytes b);
bool text_is_ascii(struct bytes b);

#endif
