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

static enum exit_code show_codecs(void)
{
	fputs("How pixel data can be encoded, by names for `pacs route add --action compress --codec` and `pacs node add --codec`:\n\n"
	      "  keep               as it is\n"
	      "  jpegls             JPEG-LS, reversible: smallest on most DR and ultrasound, fast (the default of a compress route)\n"
	      "  jpeg2000           JPEG 2000, reversible: as small, read by nearly everybody, slow\n"
	      "  htj2k              High-Throughput JPEG 2000, reversible, RPCL: fastest, a little larger; few read it yet\n"
	      "  htj2k-any          the same without tile-part lengths (transfer syntax .201)\n"
	      "  jpeg-lossless      lossless JPEG, process 14 SV1: larger, read by the oldest programs\n"
	      "  rle, deflated      hardly smaller; for those who read nothing else\n\n"
	      "Lossy, only for a node that images go to; what is kept here stays as it is, and what goes out is another, derived object:\n\n"
	      "  jpeg:N             JPEG baseline of 8 bits, quality 1 to 100 (90)\n"
	      "  jpeg12:N           JPEG extended of 8 or 12 bits, quality 1 to 100 (90)\n"
	      "  jpegls-near:N      JPEG-LS, no sample off by more than N (2)\n"
	      "  jpeg2000-lossy:N   JPEG 2000, one byte for N (10)\n"
	      "  htj2k-lossy:N      High-Throughput JPEG 2000, quantised in steps of N grey levels (2)\n\n"
	      "Every compressed image is decoded again and compared before it is used. Images of a kind that a codec does not take,\n"
	      "those that are compressed already, and those that would not get smaller stay as they are.\n", stdout);
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
	if (!strcmp(name, "codecs"))
		return show_codecs();
	const struct command *c = command_find(name);
	if (!c) {
		say_error("there is no command \"%s\"; `pacs help` lists them", name);
		return EXIT_USAGE;
	}
	printf("pacs [-C DIR] %s\n%s%s\n%s", c->synopsis, "        ", c->summary, c->help[0] ? "\n" : "");
	fputs(c->help, stdout);
	return EXIT_DONE;
}
