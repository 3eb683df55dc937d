/* command - what every `pacs` command shares: its row in the table, its arguments, its way of speaking, its exit code.
 *
 * A command answers on stdout: a table for people, with --json one JSON value for programs. Everything that went
 * wrong is said on stderr, in a sentence that tells what to do next.
 */
#ifndef PACS_COMMAND_H
#define PACS_COMMAND_H

#include <jansson.h>
#include <stdio.h>

#include "conf/conf.h"

/* Exit codes, for scripts and probes. */
enum exit_code {
	EXIT_DONE = 0,
	EXIT_FAILED = 1,             /* it was tried and did not succeed */
	EXIT_USAGE = 2,              /* the command line cannot be understood */
	EXIT_NOT_RUNNING = 3,        /* the node, or a part of it, does not run */
	EXIT_DAMAGE = 4,             /* it was looked, and not all is as it should be */
	EXIT_CONFIG = 78,            /* configuration, data folder or database: trying again would not help */
};

enum { ARGS_MAX = 1024 };        /* a shell's wildcard may stand for many files */

struct app {
	const char *dir;             /* -C, else . */
	bool json;
	const char *words[ARGS_MAX]; /* what stands behind the command, without options */
	unsigned word_count;
};

/* An option of one command: takes a value, or is a flag. */
struct arg_option {
	const char *name;            /* "--port" */
	const char **value;
	bool *flag;
};

struct command {
	const char *name;
	const char *synopsis;        /* behind "pacs [-C DIR]" */
	const char *summary;         /* one line */
	const char *help;            /* the rest, for `pacs help NAME` */
	enum exit_code (*run)(struct app *app, int argc, char **argv);   /* argv[0] is the command's name */
};
extern const struct command commands[];
extern const size_t command_count;
const struct command *command_find(const char *name);

/* Fills app->words; -C, --json and the given options may stand anywhere. false: said on stderr, exit EXIT_USAGE. */
bool args_read(struct app *app, int argc, char **argv, const struct arg_option *options, size_t count);
/* min..max words behind the command, else says the synopsis. */
bool args_want_words(const struct app *app, const char *command, unsigned min, unsigned max);
/* A whole number in its range; else says so and false. NULL text leaves *out. */
bool args_number(const char *option, const char *text, unsigned long min, unsigned long max, unsigned long *out);

/* "pacs NAME: sentence" on stderr. */
void say_error(const char *fmt, ...) PRINTF(1, 2);
/* The same, and the exit code that belongs to the error. */
enum exit_code say_failure(enum err e, const struct why *why);
/* Loads pacs.conf; says what is wrong. */
bool app_conf(const struct app *app, struct conf **out, enum exit_code *code);

enum exit_code cmd_verify(struct app *app, int argc, char **argv);
enum exit_code cmd_backup(struct app *app, int argc, char **argv);
enum exit_code cmd_restore(struct app *app, int argc, char **argv);
enum exit_code cmd_rebuild(struct app *app, int argc, char **argv);
enum exit_code cmd_stats(struct app *app, int argc, char **argv);
enum exit_code cmd_retention(struct app *app, int argc, char **argv);
enum exit_code cmd_scrub(struct app *app, int argc, char **argv);
enum exit_code cmd_export(struct app *app, int argc, char **argv);
enum exit_code cmd_import(struct app *app, int argc, char **argv);
enum exit_code cmd_init(struct app *app, int argc, char **argv);
enum exit_code cmd_serve(struct app *app, int argc, char **argv);
enum exit_code cmd_wait(struct app *app, int argc, char **argv);
enum exit_code cmd_status(struct app *app, int argc, char **argv);
enum exit_code cmd_reload(struct app *app, int argc, char **argv);
enum exit_code cmd_node(struct app *app, int argc, char **argv);
enum exit_code cmd_route(struct app *app, int argc, char **argv);
enum exit_code cmd_study(struct app *app, int argc, char **argv);
enum exit_code cmd_queue(struct app *app, int argc, char **argv);
enum exit_code cmd_worklist(struct app *app, int argc, char **argv);
enum exit_code cmd_order(struct app *app, int argc, char **argv);
enum exit_code cmd_check(struct app *app, int argc, char **argv);
enum exit_code cmd_demo(struct app *app, int argc, char **argv);
enum exit_code cmd_commitment(struct app *app, int argc, char **argv);
enum exit_code cmd_notice(struct app *app, int argc, char **argv);
enum exit_code cmd_pixels(struct app *app, int argc, char **argv);
enum exit_code cmd_help(struct app *app, int argc, char **argv);

/* `pacs check text`: what senders declare of their text. NULL: all senders, ever. */
enum exit_code check_text(const struct app *app, const char *sender, const char *since);

#endif
