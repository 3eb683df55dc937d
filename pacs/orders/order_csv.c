#include "pacs/orders/order_csv.h"

#include <stdio.h>

#include "pacs/base/bounds.h"
#include "pacs/base/buf.h"
#include "pacs/dicom/charset.h"

enum { COLUMNS = 128, CELL = 8192, LAST_NAME = 60 };

struct reader {
	struct bytes left;
	unsigned line;                   /* of what comes next */
	char separator;
	bool is_row_over;                /* the last cell ended its line */
	char cell[CELL];
};

/* One cell into r->cell. A quote inside an unquoted cell stands for itself. */
static enum err next_cell(struct reader *r, struct why *why)
{
	unsigned begun = r->line;
	bool is_quoted = r->left.len && *r->left.p == '"', is_open = is_quoted;
	size_t n = 0, at = is_quoted;
	for (; at < r->left.len; at++) {
		char c = (char)r->left.p[at];
		if (is_open && c == '"' && at + 1 < r->left.len && r->left.p[at + 1] == '"') {
			at++;
		} else if (is_open && c == '"') {
			is_open = false;
			continue;
		} else if (!is_open && (c == r->separator || c == '\n')) {
			break;
		}
		r->line += c == '\n';
		if (n == sizeof(r->cell) - 1)
			return fail(why, ERR_LIMIT, "line %u: a cell of over %d bytes", begun, CELL - 1);
		r->cell[n++] = c;
	}
	if (is_open)
		return fail(why, ERR_FORMAT, "line %u: a cell begins with a quote that is never closed", begun);
	while (!is_quoted && n && r->cell[n - 1] == '\r')
		n--;
	r->cell[n] = '\0';
	r->is_row_over = at == r->left.len || r->left.p[at] == '\n';
	r->line += at < r->left.len && r->is_row_over;
	at += at < r->left.len;
	r->left = bytes_of(r->left.p + at, r->left.len - at);
	return ERR_OK;
}

/* Of comma, semicolon and tab the one that stands most often in the first line. */
static char separator_of(struct bytes text)
{
	static const char candidates[] = ",;\t";
	unsigned count[3] = { 0 }, best = 0;
	for (size_t i = 0; i < text.len && text.p[i] != '\n'; i++)
		for (unsigned k = 0; k < 3; k++)
			count[k] += text.p[i] == candidates[k];
	for (unsigned k = 1; k < 3; k++)
		if (count[k] > count[best])
			best = k;
	return candidates[best];
}

static enum err read_names(struct reader *r, const struct order_field *columns[COLUMNS], size_t *n, struct why *why)
{
	*n = 0;
	do {
		enum err e = next_cell(r, why);
		if (e)
			return e;
		char *name = r->cell;
		while (*name == ' ')
			name++;
		name[strcspn(name, " \r")] = '\0';
		if (*n == COLUMNS)
			return fail(why, ERR_LIMIT, "line 1: over %d columns", COLUMNS);
		columns[*n] = order_field_find(name);
		if (!columns[*n])
			return fail(why, ERR_FORMAT, "line 1: \"%.*s\" is no field of an order; `pacs help order` names them", LAST_NAME, name);
		for (size_t i = 0; i < *n; i++)
			if (columns[i] == columns[*n])
				return fail(why, ERR_FORMAT, "line 1: \"%s\" stands twice", columns[i]->name);
		(*n)++;
	} while (!r->is_row_over);
	return ERR_OK;
}

/* *is_empty: nothing stood in the line. */
static enum err read_row(struct reader *r, const struct order_field *const columns[], size_t n, struct order *out, bool *is_empty, struct why *why)
{
	unsigned line = r->line;
	struct why cause = { "" };
	memset(out, 0, sizeof(*out));
	*is_empty = true;
	for (size_t i = 0; i == 0 || !r->is_row_over; i++) {
		enum err e = next_cell(r, why);
		if (e)
			return e;
		*is_empty = *is_empty && !r->cell[strspn(r->cell, " ")];
		if (i >= n && r->cell[0])
			return fail(why, ERR_FORMAT, "line %u: over %zu cells, the first line names %zu", line, n, n);
		if (i < n && (e = order_set(out, columns[i], r->cell, &cause)))
			return fail(why, e, "line %u: %.280s", line, cause.text);
	}
	enum err e = *is_empty ? ERR_OK : order_check(out, &cause);
	return e ? fail(why, e, "line %u: %.280s", line, cause.text) : ERR_OK;
}

static enum err read_all(struct bytes text, bool (*fn)(void *arg, const struct order *o, unsigned line), void *arg, struct why *why)
{
	struct reader r = { .left = text, .line = 1, .separator = separator_of(text) };
	const struct order_field *columns[COLUMNS];
	size_t n;
	struct order o;
	enum err e = read_names(&r, columns, &n, why);
	while (!e && r.left.len) {
		unsigned line = r.line;
		bool is_empty;
		e = read_row(&r, columns, n, &o, &is_empty, why);
		if (!e && !is_empty && !fn(arg, &o, line))
			return ERR_CANCELLED;
	}
	return e;
}

enum err order_csv_read(struct bytes text, bool (*fn)(void *arg, const struct order *o, unsigned line), void *arg, struct why *why)
{
	if (text.len >= 3 && !memcmp(text.p, "\357\273\277", 3))
		text = bytes_of(text.p + 3, text.len - 3);
	if (!text.len)
		return fail(why, ERR_FORMAT, "the file is empty; its first line must name the fields");
	if (utf8_is_valid(text))
		return read_all(text, fn, arg, why);
	struct buf utf8;
	buf_init(&utf8, 4 * text.len + 16);
	charset_to_utf8("GB18030", NULL, VR_UT, text, &utf8);
	enum err e = buf_err(&utf8) ? fail(why, buf_err(&utf8), "no memory for the file's text") : read_all(buf_view(&utf8), fn, arg, why);
	buf_fini(&utf8);
	return e;
}
