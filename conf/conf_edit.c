#include "conf/conf_edit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "conf/conf_parse.h"
#include "conf/conf_text.h"
#include "conf/schema.h"
#include "pacs/base/durable.h"

static enum err lock(struct conf_edit *e, struct why *why)
{
	char path[PATH_MAX + 16];
	snprintf(path, sizeof(path), "%s/run/conf.lock", e->dir);
	e->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (e->lock_fd < 0)
		return fail_errno(why, ERR_IO, "opening %s", path);
	while (flock(e->lock_fd, LOCK_EX))
		if (errno != EINTR)
			return fail_errno(why, ERR_IO, "locking %s", path);
	return ERR_OK;
}

enum err conf_edit_open(struct conf_edit *e, const char *dir, struct why *why)
{
	*e = (struct conf_edit){ .lock_fd = -1 };
	buf_init(&e->text, CONF_TEXT_MAX);
	char *text = NULL;
	size_t len = 0;
	enum err r = conf_load(dir, &e->conf, why);
	if (r)
		return r;
	snprintf(e->dir, sizeof(e->dir), "%s", e->conf->dir);
	conf_unref(&e->conf);
	int n = snprintf(e->path, sizeof(e->path), "%s/pacs.conf", e->dir);
	if (n < 0 || (size_t)n >= sizeof(e->path))
		return fail(why, ERR_LIMIT, "the path of the data folder is too long: %s", dir);
	/* Read again under the lock: what another editor wrote meanwhile must not be lost. */
	if (!(r = lock(e, why)) && !(r = durable_slurp(e->path, CONF_TEXT_MAX, &text, &len, why)))
		r = conf_parse(e->dir, text, len, NULL, NULL, &e->conf, why);
	if (!r) {
		buf_add(&e->text, text, len);
		if ((r = buf_err(&e->text)))
			fail(why, r, "no memory for %s", e->path);
	}
	free(text);
	if (r)
		conf_edit_close(e);
	return r;
}

void conf_edit_close(struct conf_edit *e)
{
	conf_unref(&e->conf);
	buf_fini(&e->text);
	if (e->lock_fd >= 0)
		close(e->lock_fd);
	e->lock_fd = -1;
}

/* Puts `with` in the place of [from, to). */
static enum err replace(struct conf_edit *e, size_t from, size_t to, const char *with, struct why *why)
{
	struct buf b;
	buf_init(&b, CONF_TEXT_MAX);
	buf_add(&b, e->text.p, from);
	buf_add_str(&b, with);
	buf_add(&b, e->text.p + to, e->text.len - to);
	enum err r = buf_err(&b);
	if (r) {
		buf_fini(&b);
		return fail(why, r, "the new text of %s does not fit", e->path);
	}
	buf_fini(&e->text);
	e->text = b;
	return ERR_OK;
}

/* A value in quotes, unless it is a plain number or word of ours. */
static void add_value(struct buf *b, const char *v)
{
	if (*v && strspn(v, "abcdefghijklmnopqrstuvwxyz0123456789-") == strlen(v)) {
		buf_add_str(b, v);
		return;
	}
	buf_add_byte(b, '"');
	for (; *v; v++) {
		if (*v == '"' || *v == '\\' || *v == '$')        /* $ would begin ${NAME} */
			buf_add_byte(b, '\\');
		buf_add_byte(b, (uint8_t)*v);
	}
	buf_add_byte(b, '"');
}

enum err conf_edit_add_section(struct conf_edit *e, const char *kind, const char *name, const struct conf_pair *pairs, size_t count, struct why *why)
{
	size_t from, to;
	if (!conf_name_is_legal(name))
		return fail(why, ERR_USAGE, "\"%.60s\" cannot be the name of a %s: letters, digits, - and _, 1 to 32 of them", name, kind);
	if (conf_text_find_section(buf_cstr(&e->text), kind, name, &from, &to))
		return fail(why, ERR_EXISTS, "there is a %s \"%s\" already; remove it first: pacs %s remove %s", kind, name, kind, name);
	struct buf b;
	buf_init(&b, 65536);
	if (e->text.len && e->text.p[e->text.len - 1] != '\n')
		buf_add_byte(&b, '\n');
	buf_printf(&b, "\n%s \"%s\" {\n", kind, name);
	for (size_t i = 0; i < count; i++) {
		if (!pairs[i].value)
			continue;
		buf_printf(&b, "\t%s = ", pairs[i].name);
		add_value(&b, pairs[i].value);
		buf_add_byte(&b, '\n');
	}
	buf_add_str(&b, "}\n");
	enum err r = buf_err(&b);
	r = r ? fail(why, r, "a %s of so many bytes", kind) : replace(e, e->text.len, e->text.len, buf_cstr(&b), why);
	buf_fini(&b);
	return r;
}

/* The section's lines, with the empty line before them; what else stands on its lines stays. */
enum err conf_edit_remove_section(struct conf_edit *e, const char *kind, const char *name, struct why *why)
{
	const char *text = buf_cstr(&e->text);
	size_t from, to;
	if (!conf_text_find_section(text, kind, name, &from, &to))
		return fail(why, ERR_NOT_FOUND, "there is no %s \"%.60s\"; pacs %s list shows all", kind, name, kind);
	while (text[to] == ' ' || text[to] == '\t')
		to++;
	if (text[to] == '\n') {
		to++;
		while (from && (text[from - 1] == ' ' || text[from - 1] == '\t'))
			from--;
		if (from >= 2 && text[from - 1] == '\n' && text[from - 2] == '\n')
			from--;
	}
	return replace(e, from, to, "", why);
}

/* Where a commented line shows the option ("#accept = known"), the new line goes under it. */
static size_t place_for(const char *text, const char *option)
{
	size_t n = strlen(option);
	for (size_t at = 0; text[at]; ) {
		size_t line = strcspn(text + at, "\n");
		const char *s = text + at;
		if (*s == '#') {
			s += 1 + strspn(s + 1, " ");
			if (!strncmp(s, option, n) && s[n + strspn(s + n, " ")] == '=')
				return at + line + (text[at + line] == '\n');
		}
		at += line + (text[at + line] == '\n');
	}
	return 0;
}

enum err conf_edit_set(struct conf_edit *e, const char *option, const char *value, struct why *why)
{
	const char *text = buf_cstr(&e->text);
	struct buf b;
	buf_init(&b, 4096);
	size_t from, to;
	if (conf_text_find_value(text, option, &from, &to)) {
		add_value(&b, value);
	} else {
		from = to = place_for(text, option);
		buf_printf(&b, "%s%s = ", from && text[from - 1] != '\n' ? "\n" : "", option);
		add_value(&b, value);
		buf_add_byte(&b, '\n');
	}
	enum err r = buf_err(&b);
	r = r ? fail(why, r, "a value for %s of %zu bytes", option, strlen(value)) : replace(e, from, to, buf_cstr(&b), why);
	buf_fini(&b);
	return r;
}

enum err conf_edit_save(struct conf_edit *e, struct why *why)
{
	struct conf *now;
	const char *text = buf_cstr(&e->text);
	enum err r = conf_parse(e->dir, text, strlen(text), NULL, NULL, &now, why);
	if (r)
		return r;
	conf_unref(&e->conf);
	e->conf = now;
	return durable_replace(e->path, text, strlen(text), 0644, why);
}
