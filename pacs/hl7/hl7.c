#include "pacs/hl7/hl7.h"

#include <ctype.h>

#include "pacs/base/bounds.h"
#include "pacs/dicom/utf8.h"

/* ---- cutting ---- */

static bool is_separator(int c)
{
	return c > ' ' && c < 0x7F && !isalnum(c);
}

/* MSH|^~\& : the field separator, then up to four (a fifth, for truncation, is passed over). */
static enum err read_separators(struct bytes t, struct hl7 *out, struct why *why)
{
	if (t.len < 4 || memcmp(t.p, "MSH", 3))
		return fail(why, ERR_FORMAT, "the message does not begin with MSH");
	out->field = (char)t.p[3];
	char *const into[] = { &out->component, &out->repetition, &out->escape, &out->sub };
	static const char usual[] = "^~\\&";
	size_t n = 4;
	if (!is_separator(out->field))
		return fail(why, ERR_FORMAT, "MSH-1 is the character %02x, expected a separator like |", t.p[3]);
	for (size_t i = 0; i < NELEM(into); i++) {
		bool is_there = n < t.len && t.p[n] != (uint8_t)out->field && t.p[n] != '\r' && t.p[n] != '\n';
		*into[i] = is_there ? (char)t.p[n] : usual[i];
		n += is_there;
		for (size_t k = 0; k < i; k++)
			if (*into[k] == *into[i])
				return fail(why, ERR_FORMAT, "MSH-2 names the separator %02x twice", (uint8_t)*into[i]);
		if (!is_separator(*into[i]) || *into[i] == out->field)
			return fail(why, ERR_FORMAT, "MSH-2 has the character %02x, expected four different separators like ^~\\&", (uint8_t)*into[i]);
	}
	return ERR_OK;
}

static bool is_end(uint8_t c)
{
	return c == '\r' || c == '\n';
}

static enum err add_segment(struct hl7 *m, struct bytes line, struct why *why)
{
	struct hl7_segment *s = &m->segments[m->count];
	if (m->count == BOUND_HL7_SEGMENTS)
		return fail(why, ERR_LIMIT, "over %d segments", BOUND_HL7_SEGMENTS);
	for (size_t i = 0; i < 3; i++)
		if (line.len < 3 || !(isupper(line.p[i]) || isdigit(line.p[i])))
			return fail(why, ERR_FORMAT, "line %u is no segment: three capital letters or digits were expected", m->count + 1);
	if (line.len > 3 && line.p[3] != (uint8_t)m->field)
		return fail(why, ERR_FORMAT, "segment %.3s: the field separator was expected behind the name", (const char *)line.p);
	memcpy(s->name, line.p, 3);
	s->name[3] = '\0';
	s->text = line;
	m->count++;
	return ERR_OK;
}

static unsigned count_lines(struct bytes t)
{
	unsigned n = 1;
	for (size_t i = 0; i < t.len && n < BOUND_HL7_SEGMENTS; i++)
		n += is_end(t.p[i]);
	return n;
}

enum err hl7_parse(struct arena *a, struct bytes utf8, struct hl7 *out, struct why *why)
{
	*out = (struct hl7){ .arena = a };
	while (utf8.len && *utf8.p <= ' ') {
		utf8.p++;
		utf8.len--;
	}
	if (utf8.len > BOUND_HL7_MESSAGE * 3)
		return fail(why, ERR_LIMIT, "a message of %zu bytes, limit %d", utf8.len, BOUND_HL7_MESSAGE);
	enum err e = read_separators(utf8, out, why);
	if (e)
		return e;
	struct bytes t = arena_bytes(a, utf8);
	out->segments = arena_alloc(a, count_lines(utf8) * sizeof(*out->segments));
	if (!t.p || !out->segments)
		return fail(why, ERR_NOMEM, "no memory for a message of %zu bytes", utf8.len);
	for (size_t at = 0, end; !e && at < t.len; at = end + 1) {
		for (end = at; end < t.len && !is_end(t.p[end]); end++)
			;
		if (end > at)
			e = add_segment(out, bytes_of(t.p + at, end - at), why);
	}
	return e;
}

const struct hl7_segment *hl7_find(const struct hl7 *m, const char *name, unsigned n)
{
	for (unsigned i = 0; i < m->count; i++)
		if (!strcmp(m->segments[i].name, name) && n-- == 0)
			return &m->segments[i];
	return NULL;
}

/* ---- reading ---- */

/* Piece n (from 0) of t; empty beyond the end. */
static struct bytes piece(struct bytes t, char separator, unsigned n)
{
	for (; ; n--) {
		const uint8_t *end = t.len ? memchr(t.p, separator, t.len) : NULL;
		size_t len = end ? (size_t)(end - t.p) : t.len;
		if (!n)
			return bytes_of(t.p, len);
		if (!end)
			return (struct bytes){ 0 };
		t = bytes_of(end + 1, t.len - len - 1);
	}
}

static struct bytes field_of(const struct hl7 *m, const struct hl7_segment *s, unsigned field)
{
	bool is_header = !strcmp(s->name, "MSH");
	if (is_header && field == 1)
		return bytes_of(s->text.p + 3, s->text.len > 3);
	return piece(s->text, m->field, is_header ? field - 1 : field);
}

unsigned hl7_repetitions(const struct hl7 *m, const struct hl7_segment *s, unsigned field)
{
	struct bytes f = s ? field_of(m, s, field) : (struct bytes){ 0 };
	unsigned n = f.len > 0;
	for (size_t i = 0; i < f.len; i++)
		n += f.p[i] == (uint8_t)m->repetition;
	return n;
}

static int hex_digit(uint8_t c)
{
	return isdigit(c) ? c - '0' : isxdigit(c) ? tolower(c) - 'a' + 10 : -1;
}

/* What stands between two escape characters. Hex bytes stand for themselves only while they are ASCII text: what else they
 * are was lost when the message became UTF-8. */
static size_t unescape(const struct hl7 *m, struct bytes in, char *out)
{
	if (in.len == 1) {
		switch (*in.p) {
		case 'F': *out = m->field; return 1;
		case 'S': *out = m->component; return 1;
		case 'R': *out = m->repetition; return 1;
		case 'E': *out = m->escape; return 1;
		case 'T': *out = m->sub; return 1;
		default: return 0;
		}
	}
	if (in.len >= 3 && !memcmp(in.p, ".br", 3)) {
		*out = ' ';
		return 1;
	}
	size_t n = 0;
	for (size_t i = 1; *in.p == 'X' && i + 1 < in.len; i += 2) {
		int hi = hex_digit(in.p[i]), lo = hex_digit(in.p[i + 1]), c = hi < 0 || lo < 0 ? '?' : hi << 4 | lo;
		out[n++] = c < ' ' ? ' ' : c > 0x7E ? '?' : (char)c;
	}
	return n;
}

/* Never longer than what stood there. */
static const char *plain(const struct hl7 *m, struct bytes t, bool is_whole)
{
	char *out = arena_alloc(m->arena, t.len + 1);
	size_t n = 0;
	if (!out)
		return "";
	for (size_t i = 0; i < t.len; i++) {
		const uint8_t *end = t.p[i] == (uint8_t)m->escape ? memchr(t.p + i + 1, m->escape, t.len - i - 1) : NULL;
		if (end && end > t.p + i + 1) {
			n += unescape(m, bytes_of(t.p + i + 1, (size_t)(end - t.p) - i - 1), out + n);
			i = (size_t)(end - t.p);
		} else {
			bool is_mark = is_whole && (t.p[i] == (uint8_t)m->component || t.p[i] == (uint8_t)m->sub || t.p[i] == (uint8_t)m->repetition);
			out[n++] = is_mark || t.p[i] < ' ' ? ' ' : (char)t.p[i];
		}
	}
	while (n && out[n - 1] == ' ')
		n--;
	out[n] = '\0';
	while (*out == ' ')
		out++;
	return strcmp(out, "\"\"") ? out : "";
}

const char *hl7_get(const struct hl7 *m, const struct hl7_segment *s, unsigned field, unsigned rep, unsigned component, unsigned sub)
{
	if (!s)
		return "";
	struct bytes t = field_of(m, s, field);
	/* The separators themselves are not separated. */
	if (!strcmp(s->name, "MSH") && field <= 2)
		return rep || component > 1 ? "" : arena_strn(m->arena, (const char *)t.p, t.len);
	t = piece(t, m->repetition, rep);
	if (component)
		t = piece(t, m->component, component - 1);
	if (component && sub)
		t = piece(t, m->sub, sub - 1);
	return t.len ? plain(m, t, !component || !sub) : "";
}
