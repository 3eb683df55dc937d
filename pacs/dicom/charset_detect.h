/* charset_detect - in which set a whole header's text is written, whatever (0008,0005) says. Pure.
 *
 * One value can be read in many sets without an error; all of a header together can hardly be. So every set that comes
 * into question (the declared, the sender's, UTF-8, GB18030, Big5, Latin-1) reads all the text, and the reading that is
 * the likeliest as Chinese or European text wins. What a reading costs is counted in tenths of the natural logarithm of
 * its chance: a common hanzi 8.3 (one of 3,755), a letter 4, an accent beside another or a lone hanzi inside a
 * word of small letters more. A declaration is a head start, the greater the less a sender writes it by mistake: none
 * for Latin-1, which is what many devices say whatever they send.
 *
 * Costs some microseconds when there is text beyond ASCII, and nothing much else.
 */
#ifndef PACS_DICOM_CHARSET_DETECT_H
#define PACS_DICOM_CHARSET_DETECT_H

#include "pacs/dicom/charset.h"
#include "pacs/dicom/dataset.h"

/* What the declaration is worth. */
enum charset_said {
	CHARSET_SAID_RIGHT,          /* text is as declared; also when there is nothing but ASCII */
	CHARSET_SAID_NOTHING,        /* text beyond ASCII, and none or only ASCII declared */
	CHARSET_SAID_FALSE,          /* it is in another set than declared, or the term is unknown */
};

struct charset_verdict {
	enum charset_how how;        /* of the header's text as a whole; CHARSET_ASCII: all of it is ASCII */
	enum charset_said said;
	char term[160];              /* to read the values with; what was declared, where that is right */
	bool no_memory;              /* the text could not be looked at: the verdict is worth nothing */
	char found[24], declared[24];    /* the sets by one name each: "GB18030", "ISO 2022 IR 58"; "" ASCII; declared may be "unknown" */
};

/* The text of `ds` and of its items that declare no set of their own. `declared` "" or what holds from outside, when ds has no
 * (0008,0005) itself; sender may be NULL. */
void charset_judge(const struct dataset *ds, const char *declared, const char *sender, struct charset_verdict *out);
/* The same of one run of text: values, a line feed behind each. */
void charset_judge_text(struct bytes text, const char *declared, const char *sender, struct charset_verdict *out);

/* As charset_to_utf8(), in the set of the verdict. A character that was cut at the end of the value is left out; a value that
 * cannot be read in this set is read on its own, and the return value says how. */
enum charset_how charset_read(const struct charset_verdict *v, vr_t vr, struct bytes raw, struct buf *out);

/* The last set of a list beyond ASCII, in its proper spelling; "" ASCII, "unknown". */
void charset_name(const char *declared, char out[24]);

#endif
