/* table - rows of text in columns as wide as what stands in them, on a terminal.
 *
 * Widths are those a terminal gives: two columns for a Chinese character, none for a combining mark.
 * Control characters in a cell are shown as dots, so that no name from a modality can steer a terminal.
 * Memory: all cells are copied; one table, freed whole. A failed allocation is told by table_print().
 */
#ifndef PACS_BASE_TABLE_H
#define PACS_BASE_TABLE_H

#include <stdio.h>

#include "pacs/base/buf.h"

enum { TABLE_COLUMNS_MAX = 16 };

struct table {
	unsigned columns;
	unsigned right;          /* bit n: column n is numbers, flush right */
	struct buf cells;        /* one after the other, each NUL-ended; the first row is the heads */
	unsigned filled;         /* cells in the last row */
	size_t rows;             /* without the heads */
};

/* heads: one string, columns separated by '|', a '>' before a head makes its column flush right: "NAME|>SIZE". */
void     table_init(struct table *t, const char *heads);
void     table_fini(struct table *t);
void     table_cell(struct table *t, const char *text);                    /* NULL is "" */
void     table_cellf(struct table *t, const char *fmt, ...) PRINTF(2, 3);
/* Columns are two blanks apart, and nothing trails. max_width > 0: lines are cut there, with an ellipsis. */
enum err table_print(const struct table *t, FILE *out, unsigned max_width) MUST_USE;

/* Columns that a terminal gives this UTF-8 text; a byte that is no UTF-8 counts as one. */
unsigned text_width(const char *utf8);
/* Appends text without control characters and bad UTF-8, padded with blanks (right: in front) or cut to `width` columns. */
void     text_fit(struct buf *out, const char *utf8, unsigned width, bool right);
/* "13.4 MB", "512 B". */
struct size_text { char s[24]; };
struct size_text size_text(uint64_t bytes);

#endif
