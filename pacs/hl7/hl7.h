/* hl7 - one HL7 version 2 message as segments, fields, components (HL7 v2.x chapter 2). Pure: bytes in, structure out.
 *
 * Separators  come from MSH-1 and MSH-2, whatever they are, as long as they differ; missing ones are those of ~ \ and &.
 * Segments    end with CR; LF and CR LF are understood too. Empty lines are passed over.
 * Text        hl7_decode() first: the whole message is brought to UTF-8 by MSH-18, because in GB18030 and GBK the second byte
 *             of a character can be | ^ ~ or a backslash, and no parser may see those.
 * Escapes     \F\ \S\ \R\ \E\ \T\ \Xhh..\ and \.br\ (a blank) are resolved, highlighting is dropped.
 * "" (two quotes) means "delete" in HL7; it reads as empty here, for no field of ours is deleted by a message.
 *
 * Memory      everything in the caller's arena. Limits: BOUND_HL7_MESSAGE, BOUND_HL7_SEGMENTS.
 */
#ifndef PACS_HL7_HL7_H
#define PACS_HL7_HL7_H

#include "pacs/base/arena.h"
#include "pacs/base/buf.h"

struct hl7_segment {
	char name[4];
	struct bytes text;               /* the whole segment, in the arena */
};
struct hl7 {
	struct arena *arena;             /* borrowed */
	char field, component, repetition, escape, sub;
	struct hl7_segment *segments;
	unsigned count;
};

/* To UTF-8. By MSH-18 where it names a set we know; else UTF-8 where the bytes are that; else `fallback` (a DICOM defined term,
 * "" none), else GB18030. *term is what it was read as, as a DICOM term ("ISO_IR 192", "GB18030", ...). */
enum err hl7_decode(struct bytes raw, const char *fallback, struct buf *utf8, char term[32]) MUST_USE;
/* The DICOM term for a name of HL7 table 0211 or one that is seen in the field; NULL unknown. And back, for MSH-18. */
const char *hl7_charset_term(const char *name);
const char *hl7_charset_name(const char *term);

/* ERR_FORMAT: does not begin with MSH, separators that are none, a segment name that is none. ERR_LIMIT, ERR_NOMEM.
 * The arena keeps a copy of the text. */
enum err hl7_parse(struct arena *a, struct bytes utf8, struct hl7 *out, struct why *why) MUST_USE;

/* The n-th segment of this name (from 0), or NULL. */
const struct hl7_segment *hl7_find(const struct hl7 *m, const char *name, unsigned n);
/* Field, repetition from 0, component and subcomponent from 1 (0: the whole with its separators replaced by blanks), unescaped,
 * trimmed; "" when there is none. MSH-1 is the field separator itself, as the standard counts. */
const char *hl7_get(const struct hl7 *m, const struct hl7_segment *s, unsigned field, unsigned rep, unsigned component, unsigned sub);
unsigned hl7_repetitions(const struct hl7 *m, const struct hl7_segment *s, unsigned field);      /* 0: empty */

#endif
