#include <string.h>

#include "conf/conf_sample.h"
#include "pacs/command.h"

static void list(void)
{
	printf("pacs [-C DIR] COMMAND runs and administers a node. DIR is its data folder (default: this one).\n\n");
	for (size_t i = 0; i < command_count; i++)
		printf("  %-12s%s\n", commands[i].name, commands[i].summary);
	printf("\npacs help COMMAND says more. With --json every command answers for programs.\n"
	       "Exit codes: 0 done, 1 failed, 2 the command line is wrong, 3 the node does not run, 4 not all is as it should be, 78 configuration or folder is wrong.\n"
	       "First steps: pacs init DIR; pacs -C DIR serve; and in another terminal: pacs -C DIR status\n");
}

static enum exit_code show_conf(void)
{
	struct buf b;
	buf_init(&b, 1 << 20);
	conf_sample(&b, "CLINIC1", LEVEL_CLINIC, 11112);
	fputs(buf_cstr(&b), stdout);
	buf_fini(&b);
	return EXIT_DONE;
}

enum exit_code cmd_help(struct app *app, int argc, char **argv)
{
	if (!args_read(app, argc, argv, NULL, 0) || !args_want_words(app, "help", 0, 1))
		return EXIT_USAGE;
	if (!app->word_count) {
		list();
		return EXIT_DONE;
	}
	const char *name = app->words[0];
	if (!strcmp(name, "conf") || !strcmp(name, "pacs.conf"))
		return show_conf();
	const struct command *c = command_find(name);
	if (!c) {
		say_error("there is no command \"%s\"; `pacs help` lists them", name);
		return EXIT_USAGE;
	}
	printf("pacs [-C DIR] %s\n%s%s\n%s", c->synopsis, "        ", c->summary, c->help[0] ? "\n" : "");
	fputs(c->help, stdout);
	return EXIT_DONE;
}
