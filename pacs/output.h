/* output - rows of a command's answer: made once as JSON, shown as a table or as they are. */
#ifndef PACS_OUTPUT_H
#define PACS_OUTPUT_H

#include "pacs/command.h"

enum column_kind { COLUMN_TEXT, COLUMN_NUMBER, COLUMN_SIZE, COLUMN_TIME };   /* SIZE in bytes, TIME in wall milliseconds */
struct column {
	const char *head, *key;
	enum column_kind kind;
};

/* Takes the reference to `rows` (an array of objects; NULL: no memory). With nothing in it a person is told `when_empty`. */
enum exit_code output_rows(const struct app *app, json_t *rows, const struct column *columns, size_t count, const char *when_empty);
/* One value as it is, indented; takes the reference. */
enum exit_code output_json(json_t *value);
/* A string from the network: what is no UTF-8 becomes ?, so that JSON can hold it. */
json_t *output_text(const char *s);
/* "2026-03-01 08:15:30", local time; "-" for 0. */
struct time_text { char s[24]; };
struct time_text time_text(int64_t wall_ms);

#endif
