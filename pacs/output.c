#include "pacs/output.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "pacs/base/table.h"

struct time_text time_text(int64_t wall_ms)
{
	struct time_text t = { "-" };
	struct tm tm;
	time_t s = (time_t)(wall_ms / 1000);
	if (wall_ms > 0 && localtime_r(&s, &tm))
		strftime(t.s, sizeof(t.s), "%Y-%m-%d %H:%M:%S", &tm);
	return t;
}

json_t *output_text(const char *s)
{
	json_t *v = json_string(s);
	char *copy = v ? NULL : strdup(s);
	if (v || !copy)
		return v;
	for (char *c = copy; *c; c++)
		if ((unsigned char)*c >= 0x80)
			*c = '?';
	v = json_string(copy);
	free(copy);
	return v;
}

static void add_cell(struct table *t, const struct column *c, const json_t *v)
{
	long long n = (long long)json_integer_value(v);
	if (json_is_string(v))
		table_cell(t, json_string_value(v));
	else if (json_is_boolean(v))
		table_cell(t, json_is_true(v) ? "yes" : "no");
	else if (!json_is_integer(v))
		table_cell(t, "");
	else if (c->kind == COLUMN_SIZE)
		table_cell(t, size_text((uint64_t)n).s);
	else if (c->kind == COLUMN_TIME)
		table_cell(t, time_text(n).s);
	else
		table_cellf(t, "%lld", n);
}

static enum err print_table(const json_t *rows, const struct column *columns, size_t count)
{
	char heads[512] = "";
	size_t at = 0;
	for (size_t i = 0; i < count && at < sizeof(heads); i++)
		at += (size_t)snprintf(heads + at, sizeof(heads) - at, "%s%s%s", i ? "|" : "",
		                       columns[i].kind == COLUMN_NUMBER || columns[i].kind == COLUMN_SIZE ? ">" : "", columns[i].head);
	struct table t;
	table_init(&t, heads);
	for (size_t r = 0; r < json_array_size(rows); r++)
		for (size_t i = 0; i < count; i++)
			add_cell(&t, &columns[i], json_object_get(json_array_get(rows, r), columns[i].key));
	struct winsize w = { 0 };
	if (!isatty(STDOUT_FILENO) || ioctl(STDOUT_FILENO, TIOCGWINSZ, &w))
		w.ws_col = 0;
	enum err e = table_print(&t, stdout, w.ws_col);
	table_fini(&t);
	return e;
}

enum exit_code output_json(json_t *value)
{
	int r = value ? json_dumpf(value, stdout, JSON_INDENT(2) | JSON_ENCODE_ANY) : -1;
	json_decref(value);
	if (!r)
		putchar('\n');
	if (!r && !fflush(stdout))
		return EXIT_DONE;
	say_error("the answer could not be written");
	return EXIT_FAILED;
}

enum exit_code output_rows(const struct app *app, json_t *rows, const struct column *columns, size_t count, const char *when_empty)
{
	if (!rows) {
		say_error("no memory for the answer");
		return EXIT_FAILED;
	}
	if (app->json)
		return output_json(rows);
	enum err e = ERR_OK;
	if (json_array_size(rows))
		e = print_table(rows, columns, count);
	else
		puts(when_empty);
	json_decref(rows);
	if (!e && !fflush(stdout))
		return EXIT_DONE;
	say_error("the answer could not be written");
	return EXIT_FAILED;
}
