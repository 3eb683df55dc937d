/* pacs - runs and administers a node: pacs [-C DIR] COMMAND. See `pacs help`. */
#include <signal.h>
#include <string.h>

#include "pacs/command.h"

/* What may stand before the command; how many words, or -1: a mistake that was said. */
static int read_leading(struct app *app, int argc, char **argv)
{
	int i = 1;
	while (i < argc && argv[i][0] == '-') {
		if (!strcmp(argv[i], "--json")) {
			app->json = true;
			i++;
		} else if (!strcmp(argv[i], "-C") && i + 1 < argc) {
			app->dir = argv[i + 1];
			i += 2;
		} else if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h")) {
			return i;
		} else {
			say_error("%s cannot stand there; the form is: pacs [-C DIR] COMMAND; `pacs help` lists the commands", argv[i]);
			return -1;
		}
	}
	return i;
}

static bool asks_for_help(int argc, char **argv)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--"); i++)
		if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h"))
			return true;
	return false;
}

int main(int argc, char **argv)
{
	struct app app = { .dir = "." };
	char *help[] = { (char[]){ "help" }, NULL, NULL };
	signal(SIGPIPE, SIG_IGN);        /* `pacs study list | head` ends with a failed write, not a kill */
	int at = read_leading(&app, argc, argv);
	if (at < 0)
		return EXIT_USAGE;
	if (at >= argc || argv[at][0] == '-') {
		enum exit_code code = cmd_help(&app, 1, help);
		return at >= argc ? EXIT_USAGE : (int)code;
	}
	const struct command *c = command_find(argv[at]);
	if (!c) {
		say_error("there is no command \"%s\"; `pacs help` lists them", argv[at]);
		return EXIT_USAGE;
	}
	if (asks_for_help(argc - at, argv + at)) {
		help[1] = argv[at];
		return (int)cmd_help(&app, 2, help);
	}
	return (int)c->run(&app, argc - at, argv + at);
}
