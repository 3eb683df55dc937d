#include "pacs/command.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static const struct arg_option *option_named(const struct arg_option *options, size_t count, const char *arg, size_t len)
{
	for (size_t i = 0; i < count; i++)
		if (strlen(options[i].name) == len && !memcmp(options[i].name, arg, len))
			return &options[i];
	return NULL;
}

/* One option at argv[i]; how many words it took, 0: a mistake that was said. */
static int read_option(struct app *app, int i, int argc, char **argv, const struct arg_option *options, size_t count)
{
	const struct arg_option common[] = { { "-C", &app->dir, NULL }, { "--json", NULL, &app->json } };
	const char *arg = argv[i];
	size_t len = strcspn(arg, "=");
	const struct arg_option *o = option_named(options, count, arg, len);
	if (!o)
		o = option_named(common, NELEM(common), arg, len);
	if (!o) {
		say_error("there is no option %.*s here; `pacs help %s` shows what there is", (int)len, arg, argv[0]);
		return 0;
	}
	if (o->flag) {
		*o->flag = true;
		return 1;
	}
	if (arg[len] == '=') {
		*o->value = arg + len + 1;
		return 1;
	}
	if (i + 1 >= argc) {
		say_error("%s needs a value behind it; see `pacs help %s`", arg, argv[0]);
		return 0;
	}
	*o->value = argv[i + 1];
	return 2;
}

bool args_read(struct app *app, int argc, char **argv, const struct arg_option *options, size_t count)
{
	bool are_words = false;
	for (int i = 1; i < argc; ) {
		if (!are_words && !strcmp(argv[i], "--")) {
			are_words = true;
			i++;
		} else if (!are_words && argv[i][0] == '-' && argv[i][1]) {
			int n = read_option(app, i, argc, argv, options, count);
			if (!n)
				return false;
			i += n;
		} else if (app->word_count < ARGS_MAX) {
			app->words[app->word_count++] = argv[i++];
		} else {
			say_error("too many words; see `pacs help %s`", argv[0]);
			return false;
		}
	}
	return true;
}

bool args_want_words(const struct app *app, const char *command, unsigned min, unsigned max)
{
	if (app->word_count >= min && app->word_count <= max)
		return true;
	const struct command *c = command_find(command);
	say_error("%s; the command is: pacs [-C DIR] %s", app->word_count < min ? "something is missing" : "there is a word too many", c ? c->synopsis : command);
	return false;
}

bool args_number(const char *option, const char *text, unsigned long min, unsigned long max, unsigned long *out)
{
	if (!text)
		return true;
	char *end;
	errno = 0;
	unsigned long v = strtoul(text, &end, 10);
	if (!isdigit((unsigned char)*text) || *end || errno || v < min || v > max) {
		say_error("%s is \"%s\", expected a number from %lu to %lu", option, text, min, max);
		return false;
	}
	*out = v;
	return true;
}

void say_error(const char *fmt, ...)
{
	va_list ap;
	fputs("pacs: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}

enum exit_code say_failure(enum err e, const struct why *why)
{
	say_error("%s", why->text[0] ? why->text : err_name(e));
	static const struct { enum err e; enum exit_code code; } table[] = {
		{ ERR_USAGE, EXIT_USAGE }, { ERR_CLOSED, EXIT_NOT_RUNNING }, { ERR_CONFIG, EXIT_CONFIG }, { ERR_VERSION, EXIT_CONFIG },
	};
	for (size_t i = 0; i < NELEM(table); i++)
		if (table[i].e == e)
			return table[i].code;
	return EXIT_FAILED;
}

bool app_conf(const struct app *app, struct conf **out, enum exit_code *code)
{
	struct why why = { "" };
	enum err e = conf_load(app->dir, out, &why);
	if (!e)
		return true;
	say_failure(e, &why);
	*code = EXIT_CONFIG;
	return false;
}
