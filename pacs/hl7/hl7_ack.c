#include "pacs/hl7/hl7_ack.h"

#include <stdlib.h>

#include "pacs/base/bounds.h"
#include "pacs/dicom/charset.h"

/* Text with our separators escaped: what a peer sent may hold anything. */
static void add_text(struct buf *b, const char *s)
{
	for (; *s; s++) {
		const char *escaped = *s == '|' ? "\\F\\" : *s == '^' ? "\\S\\" : *s == '~' ? "\\R\\" : *s == '\\' ? "\\E\\" : *s == '&' ? "\\T\\" : NULL;
		if (escaped)
			buf_add_str(b, escaped);
		else
			buf_add_byte(b, (uint8_t)*s < ' ' ? ' ' : (uint8_t)*s);
	}
}

static void add_field(struct buf *b, const char *s)
{
	buf_add_byte(b, '|');
	add_text(b, s);
}

/* A field of the message's header with its components, as they stood. */
static void copy_party(struct buf *b, const struct hl7 *m, const struct hl7_segment *msh, unsigned field)
{
	buf_add_byte(b, '|');
	for (unsigned c = 1, blank = 0; m && c <= 3; c++) {
		const char *part = hl7_get(m, msh, field, 0, c, 1);
		blank += c > 1;
		if (!part[0])
			continue;
		for (; blank; blank--)
			buf_add_byte(b, '^');
		add_text(b, part);
	}
}

static void add_header(struct buf *b, const struct hl7 *m, const struct hl7_segment *msh, const struct hl7_answer *a, const char *version)
{
	buf_add_str(b, "MSH|^~\\&");
	copy_party(b, m, msh, 5);        /* who was called answers */
	copy_party(b, m, msh, 6);
	copy_party(b, m, msh, 3);
	copy_party(b, m, msh, 4);
	add_field(b, a->now);
	const char *event = m ? hl7_get(m, msh, 9, 0, 2, 1) : "";
	buf_add_str(b, "||ACK");
	if (event[0]) {
		buf_add_byte(b, '^');
		add_text(b, event);
	}
	add_field(b, a->id);
	const char *processing = m ? hl7_get(m, msh, 11, 0, 1, 1) : "";
	add_field(b, processing[0] ? processing : "P");
	add_field(b, version);
	buf_add_str(b, "||||||");
	buf_add_str(b, hl7_charset_name(a->charset));
	buf_add_byte(b, '\r');
}

static const char *name_of_code(unsigned code)
{
	static const struct { unsigned code; const char *name; } names[] = {
		{ HL7_SEQUENCE, "Segment sequence error" }, { HL7_MISSING, "Required field missing" }, { HL7_TYPE, "Data type error" },
		{ HL7_VALUE, "Table value not found" }, { HL7_NO_MESSAGE, "Unsupported message type" }, { HL7_NO_EVENT, "Unsupported event code" },
		{ HL7_NO_PROCESSING, "Unsupported processing id" }, { HL7_NO_VERSION, "Unsupported version id" }, { HL7_UNKNOWN_KEY, "Unknown key identifier" },
		{ HL7_INTERNAL, "Application internal error" } };
	for (size_t i = 0; i < NELEM(names); i++)
		if (names[i].code == code)
			return names[i].name;
	return "";
}

/* Up to version 2.4 all of it stands in ERR-1; from 2.5 on place, code, severity and words have fields of their own. */
static void add_error(struct buf *b, const struct hl7_answer *a, const char *version)
{
	const struct hl7_fault *f = &a->fault;
	bool is_old = version[0] == '2' && version[1] == '.' && version[2] >= '1' && version[2] <= '4';
	if (!f->code)
		return;
	buf_add_str(b, is_old ? "ERR|" : "ERR||");
	if (f->segment[0])
		buf_printf(b, "%s^%u", f->segment, f->number ? f->number : 1);
	if (f->segment[0] && f->field)
		buf_printf(b, "^%u", f->field);
	if (is_old) {
		buf_add_str(b, f->segment[0] && f->field ? "^" : f->segment[0] ? "^^" : "^^^");
		buf_printf(b, "%u&%s&HL70357", f->code, name_of_code(f->code));
	} else {
		buf_printf(b, "|%u^%s^HL70357|E||||", f->code, name_of_code(f->code));
		add_text(b, a->text);
	}
	buf_add_byte(b, '\r');
}

enum err hl7_ack(const struct hl7 *m, const struct hl7_answer *a, struct buf *out)
{
	const struct hl7_segment *msh = m ? hl7_find(m, "MSH", 0) : NULL;
	const char *version = m ? hl7_get(m, msh, 12, 0, 1, 1) : "";
	struct buf b;
	buf_init(&b, BOUND_HL7_MESSAGE);
	add_header(&b, m, msh, a, version[0] ? version : "2.5");
	buf_add_str(&b, "MSA|");
	buf_add_str(&b, a->code);
	add_field(&b, m ? hl7_get(m, msh, 10, 0, 1, 1) : "");
	add_field(&b, a->text);
	buf_add_byte(&b, '\r');
	add_error(&b, a, version[0] ? version : "2.5");
	enum err e = buf_err(&b);
	/* What the sender's set cannot write is told in UTF-8 rather than not at all. */
	if (!e && (!a->charset[0] || charset_from_utf8(a->charset, VR_UT, buf_cstr(&b), out, NULL)))
		buf_add(out, b.p, b.len);
	buf_fini(&b);
	return e ? e : buf_err(out);
}
