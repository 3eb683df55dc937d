/* Character sets of HL7 messages. */
#include <strings.h>

#include "pacs/dicom/charset.h"
#include "pacs/hl7/hl7.h"

/* HL7 table 0211, and how hospital systems spell it. The first row of a term is the one that we write. */
static const struct { const char *name, *term; } names[] = {
	{ "GB 18030-2000", "GB18030" }, { "GB18030-2000", "GB18030" }, { "GB18030", "GB18030" }, { "GB 18030", "GB18030" }, { "GBK", "GBK" },
	{ "GB2312", "GBK" }, { "UNICODE UTF-8", "ISO_IR 192" }, { "UTF-8", "ISO_IR 192" }, { "UTF8", "ISO_IR 192" }, { "UNICODE", "ISO_IR 192" },
	{ "ASCII", "" }, { "8859/1", "ISO_IR 100" }, { "8859/2", "ISO_IR 101" }, { "8859/5", "ISO_IR 144" },
};

const char *hl7_charset_term(const char *name)
{
	for (size_t i = 0; i < NELEM(names); i++)
		if (!strcasecmp(names[i].name, name))
			return names[i].term;
	return NULL;
}

const char *hl7_charset_name(const char *term)
{
	for (size_t i = 0; i < NELEM(names); i++)
		if (!strcmp(names[i].term, term))
			return names[i].name;
	return "";
}

/* Field 18 of the first line, its first repetition. Good enough on raw bytes: where a trail byte looks like a separator, what is
 * found is no name of a set, and the second look, at decoded text, finds it. */
static const char *find_term(struct bytes t)
{
	char name[32];
	unsigned fields = 1;
	size_t at = 3, n = 0;
	while (t.len && *t.p <= ' ')
		t = bytes_of(t.p + 1, t.len - 1);
	if (t.len < 9 || memcmp(t.p, "MSH", 3))
		return NULL;
	for (; at < t.len && fields < 18 && t.p[at] != '\r' && t.p[at] != '\n'; at++)
		fields += t.p[at] == t.p[3];
	for (; fields == 18 && at < t.len && n < sizeof(name) - 1 && t.p[at] != t.p[3] && t.p[at] != '\r' && t.p[at] != '\n' && t.p[at] != t.p[5]; at++)
		name[n++] = (char)t.p[at];
	name[n] = '\0';
	return n ? hl7_charset_term(name) : NULL;
}

static enum err decode(struct bytes raw, const char *term, struct buf *utf8)
{
	buf_reset(utf8);
	/* Appends without judging: charset_to_utf8() falls back by itself where the term is false. VR UT keeps line ends. */
	charset_to_utf8(term, "GB18030", VR_UT, raw, utf8);
	return buf_err(utf8);
}

enum err hl7_decode(struct bytes raw, const char *fallback, struct buf *utf8, char term[32])
{
	const char *found = find_term(raw);
	bool is_utf8 = utf8_is_valid(raw);
	const char *use = found && found[0] ? found : is_utf8 ? "ISO_IR 192" : fallback && fallback[0] ? fallback : "GB18030";
	enum err e = decode(raw, use, utf8);
	if (!e && !found && !is_utf8) {
		found = find_term(buf_view(utf8));
		if (found && found[0] && strcmp(found, use))
			e = decode(raw, use = found, utf8);
	}
	size_t n = strlen(use);
	memcpy(term, use, n < 31 ? n + 1 : 31);
	term[31] = '\0';
	return e;
}
