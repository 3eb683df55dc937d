#include "pacs/base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "pacs/base/clock.h"

/* Set once in main() before any thread: what every line says about its process. */
static const char *program = "pacs";
static enum log_level ceiling = LOG_INFO;

static const char *const level_names[] = { "error", "warn", "info", "debug" };

void log_init(const char *prog, enum log_level level)
{
	program = prog;
	ceiling = level;
}

bool log_level_parse(const char *s, enum log_level *out)
{
	for (unsigned i = 0; i < NELEM(level_names); i++)
		if (!strcmp(s, level_names[i])) {
			*out = (enum log_level)i;
			return true;
		}
	return false;
}

struct log_text log_num(long long v)
{
	struct log_text t;
	snprintf(t.s, sizeof(t.s), "%lld", v);
	return t;
}

struct line { char s[2048]; size_t len; };

static void put(struct line *l, const char *s, size_t n)
{
	size_t room = sizeof(l->s) - 1 - l->len;     /* one byte is kept for the newline */
	if (n > room)
		n = room;
	memcpy(l->s + l->len, s, n);
	l->len += n;
}

static void put_str(struct line *l, const char *s)
{
	put(l, s, strlen(s));
}

static bool is_plain(const char *v)
{
	if (!*v)
		return false;
	for (; *v; v++)
		if ((unsigned char)*v <= ' ' || *v == '"' || *v == '\\' || *v == '=' || *v == 0x7f)
			return false;
	return true;
}

static void put_value(struct line *l, const char *v)
{
	if (is_plain(v)) {
		put_str(l, v);
		return;
	}
	put_str(l, "\"");
	for (; *v; v++) {
		char esc[8];
		unsigned char c = (unsigned char)*v;
		if (c < ' ' || c == 0x7f)
			snprintf(esc, sizeof(esc), "\\x%02x", c);
		else
			snprintf(esc, sizeof(esc), c == '"' || c == '\\' ? "\\%c" : "%c", c);
		put_str(l, esc);
	}
	put_str(l, "\"");
}

void log_event(enum log_level level, const char *event, ...)
{
	if (level == LOG_NONE || level > ceiling)
		return;
	struct line l = { .len = 0 };
	put_str(&l, clock_iso(clock_wall_ms()).s);
	put_str(&l, " level=");
	put_str(&l, level_names[level]);
	put_str(&l, " prog=");
	put_str(&l, program);
	put_str(&l, " event=");
	put_value(&l, event);

	va_list ap;
	va_start(ap, event);
	for (const char *key; (key = va_arg(ap, const char *)); ) {
		const char *value = va_arg(ap, const char *);
		if (!value)
			continue;
		put_str(&l, " ");
		put_str(&l, key);
		put_str(&l, "=");
		put_value(&l, value);
	}
	va_end(ap);
	l.s[l.len++] = '\n';
	/* A log that cannot be written must not stop an image. */
	ssize_t ignored = write(STDERR_FILENO, l.s, l.len);
	(void)ignored;
}
