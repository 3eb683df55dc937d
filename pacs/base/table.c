#include "pacs/base/table.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* One character of UTF-8; *len is the bytes it took. -1: no UTF-8, one byte. */
static int32_t decode(const char *text, size_t *len)
{
	const uint8_t *s = (const uint8_t *)text;
	static const struct { uint8_t mask, is; uint32_t least; } forms[] = {
		{ 0x80, 0x00, 0 }, { 0xE0, 0xC0, 0x80 }, { 0xF0, 0xE0, 0x800 }, { 0xF8, 0xF0, 0x10000 },
	};
	*len = 1;
	for (size_t n = 0; n < NELEM(forms); n++) {
		if ((s[0] & forms[n].mask) != forms[n].is)
			continue;
		uint32_t c = s[0] & (uint8_t)~forms[n].mask;
		for (size_t i = 1; i <= n; i++) {
			if ((s[i] & 0xC0) != 0x80)
				return -1;
			c = c << 6 | (s[i] & 0x3F);
		}
		if (c < forms[n].least || c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF))
			return -1;
		*len = n + 1;
		return (int32_t)c;
	}
	return -1;
}

/* Unicode: East_Asian_Width W and F, and the combining marks that names and messages hold. The C library's
 * wcwidth() answers only in a UTF-8 locale, and a service often runs without one. */
static unsigned char_width(int32_t c)
{
	static const struct { int32_t from, to; } none[] = {
		{ 0x0300, 0x036F }, { 0x0483, 0x0489 }, { 0x0591, 0x05BD }, { 0x064B, 0x065F }, { 0x200B, 0x200F }, { 0x202A, 0x202E },
		{ 0x2060, 0x206F }, { 0x20D0, 0x20FF }, { 0x302A, 0x302D }, { 0x3099, 0x309A }, { 0xFE00, 0xFE0F }, { 0xFE20, 0xFE2F }, { 0xFEFF, 0xFEFF },
		{ 0xE0100, 0xE01EF },
	}, wide[] = {
		{ 0x1100, 0x115F }, { 0x2E80, 0x303E }, { 0x3041, 0x33FF }, { 0x3400, 0x4DBF }, { 0x4E00, 0x9FFF }, { 0xA000, 0xA4CF },
		{ 0xA960, 0xA97F }, { 0xAC00, 0xD7A3 }, { 0xF900, 0xFAFF }, { 0xFE10, 0xFE19 }, { 0xFE30, 0xFE6F }, { 0xFF00, 0xFF60 }, { 0xFFE0, 0xFFE6 },
		{ 0x1F300, 0x1F64F }, { 0x1F900, 0x1F9FF }, { 0x20000, 0x3FFFD },
	};
	for (size_t i = 0; i < NELEM(none); i++)
		if (c >= none[i].from && c <= none[i].to)
			return 0;
	for (size_t i = 0; i < NELEM(wide); i++)
		if (c >= wide[i].from && c <= wide[i].to)
			return 2;
	return 1;
}

unsigned text_width(const char *utf8)
{
	unsigned width = 0;
	for (size_t len; *utf8; utf8 += len) {
		int32_t c = decode(utf8, &len);
		width += c < 0 ? 1 : char_width(c);
	}
	return width;
}

static bool is_control(int32_t c)
{
	return c < 0 || c < 0x20 || (c >= 0x7F && c < 0xA0) || (c >= 0x200E && c <= 0x200F) || (c >= 0x202A && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069);
}

static void pad(struct buf *out, unsigned n)
{
	while (n--)
		buf_add_byte(out, ' ');
}

void text_fit(struct buf *out, const char *utf8, unsigned width, bool right)
{
	unsigned whole = text_width(utf8), used = 0;
	bool is_cut = whole > width;
	unsigned room = is_cut && width ? width - 1 : width;
	if (right && !is_cut)
		pad(out, width - whole);
	for (size_t len; *utf8; utf8 += len) {
		int32_t c = decode(utf8, &len);
		unsigned w = c < 0 ? 1 : char_width(c);
		if (used + w > room)
			break;
		used += w;
		if (is_control(c) && w)
			buf_add_byte(out, '.');
		else if (!is_control(c))
			buf_add(out, utf8, len);
	}
	if (is_cut && width) {
		buf_add_str(out, "…");
		used++;
	}
	if (!right || is_cut)
		pad(out, width > used ? width - used : 0);
}

struct size_text size_text(uint64_t bytes)
{
	static const char *const units[] = { "B", "kB", "MB", "GB", "TB" };
	struct size_text t;
	double v = (double)bytes;
	size_t u = 0;
	while (v >= 1000 && u + 1 < NELEM(units)) {
		v /= 1000;
		u++;
	}
	snprintf(t.s, sizeof(t.s), u ? "%.1f %s" : "%.0f %s", v, units[u]);
	return t;
}

void table_init(struct table *t, const char *heads)
{
	*t = (struct table){ .columns = 1 };
	buf_init(&t->cells, 64 << 20);
	for (const char *s = heads; *s; s++)
		t->columns += *s == '|';
	if (t->columns > TABLE_COLUMNS_MAX)
		t->columns = TABLE_COLUMNS_MAX;
	for (unsigned i = 0; i < t->columns; i++) {
		size_t n = strcspn(heads, "|");
		bool right = *heads == '>';
		t->right |= right ? 1u << i : 0;
		buf_add(&t->cells, heads + right, n - right);
		buf_add_byte(&t->cells, 0);
		heads += n + (heads[n] == '|');
	}
}

void table_fini(struct table *t)
{
	buf_fini(&t->cells);
}

void table_cell(struct table *t, const char *text)
{
	if (!t->filled)
		t->rows++;
	t->filled = (t->filled + 1) % t->columns;
	buf_add_str(&t->cells, text ? text : "");
	buf_add_byte(&t->cells, 0);
}

void table_cellf(struct table *t, const char *fmt, ...)
{
	char text[512];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	table_cell(t, text);
}

static const char *cell_after(const char *cell)
{
	return cell + strlen(cell) + 1;
}

static void measure(const struct table *t, unsigned widths[TABLE_COLUMNS_MAX])
{
	const char *cell = (const char *)t->cells.p;
	for (size_t row = 0; row <= t->rows; row++)
		for (unsigned i = 0; i < t->columns; i++, cell = cell_after(cell)) {
			unsigned w = text_width(cell);
			if (w > widths[i])
				widths[i] = w;
		}
}

static enum err print_line(const struct buf *line, FILE *out, unsigned max_width)
{
	struct buf shown;
	buf_init(&shown, line->max);
	size_t n = line->len;
	while (n && line->p[n - 1] == ' ')
		n--;
	char *text = strndup((const char *)line->p, n);
	if (text) {
		unsigned w = text_width(text);
		text_fit(&shown, text, max_width && max_width < w ? max_width : w, false);
	}
	enum err e = text ? buf_err(&shown) : ERR_NOMEM;
	if (!e)
		fprintf(out, "%s\n", buf_cstr(&shown));
	free(text);
	buf_fini(&shown);
	return e;
}

enum err table_print(const struct table *t, FILE *out, unsigned max_width)
{
	unsigned widths[TABLE_COLUMNS_MAX] = { 0 };
	if (buf_err(&t->cells) || t->filled)
		return t->filled ? ERR_USAGE : buf_err(&t->cells);
	measure(t, widths);
	const char *cell = (const char *)t->cells.p;
	struct buf line;
	buf_init(&line, 1 << 20);
	enum err e = ERR_OK;
	for (size_t row = 0; row <= t->rows && !e; row++) {
		buf_reset(&line);
		for (unsigned i = 0; i < t->columns; i++, cell = cell_after(cell)) {
			if (i)
				pad(&line, 2);
			text_fit(&line, cell, widths[i], t->right >> i & 1);
		}
		e = buf_err(&line) ? buf_err(&line) : print_line(&line, out, max_width);
	}
	buf_fini(&line);
	return e;
}
