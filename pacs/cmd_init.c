#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "conf/schema.h"
#include "pacs/command.h"
#include "pacs/folder.h"
#include "pacs/output.h"

/* Without --aet a node is called by its level: CLINIC1. */
static void default_aet(char out[BOUND_AET + 1], enum conf_level level)
{
	snprintf(out, BOUND_AET + 1, "%.12s1", conf_level_name(level));
	for (char *s = out; *s; s++)
		*s = (char)toupper((unsigned char)*s);
}

static bool read_level(const char *text, enum conf_level *out)
{
	const struct option *o = option_find(&conf_schema, "level");
	struct conf c = { 0 };
	struct why why;
	if (!text)
		return true;
	if (option_set(o, text, &c, &why)) {
		say_error("--%s", why.text);
		return false;
	}
	*out = c.level;
	return true;
}

enum exit_code cmd_init(struct app *app, int argc, char **argv)
{
	const char *aet = NULL, *level_text = NULL, *port_text = NULL;
	const struct arg_option options[] = { { "--aet", &aet, NULL }, { "--level", &level_text, NULL }, { "--port", &port_text, NULL } };
	if (!args_read(app, argc, argv, options, NELEM(options)) || !args_want_words(app, "init", 1, 1))
		return EXIT_USAGE;
	enum conf_level level = LEVEL_CLINIC;
	unsigned long port = 11112;
	char own_aet[BOUND_AET + 1];
	if (!read_level(level_text, &level) || !args_number("--port", port_text, 1, 65535, &port))
		return EXIT_USAGE;
	default_aet(own_aet, level);
	if (aet && !conf_aet_is_legal(aet)) {
		say_error("--aet is \"%s\", expected an AE title: 1 to %d ASCII characters, no backslash, no blank at the ends", aet, BOUND_AET);
		return EXIT_USAGE;
	}
	struct why why;
	const char *dir = app->words[0];
	enum err e = folder_make(dir, aet ? aet : own_aet, level, (unsigned)port, &why);
	if (e)
		return say_failure(e, &why);
	if (app->json)
		return output_json(json_pack("{s:s,s:s,s:s,s:i}", "dir", dir, "aet", aet ? aet : own_aet, "level", conf_level_name(level), "port", (int)port));
	printf("%s is a data folder now: %s, %s, port %lu.\n"
	       "Next: read %s/pacs.conf, then start the node: pacs -C %s serve\n", dir, aet ? aet : own_aet, conf_level_name(level), port, dir, dir);
	return EXIT_DONE;
}
