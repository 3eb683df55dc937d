#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "conf/schema.h"
#include "pacs/base/clock.h"
#include "pacs/base/table.h"
#include "pacs/command.h"
#include "pacs/import.h"
#include "pacs/output.h"
#include "pacs/progress.h"

enum { AT_ONCE = 24, PLAIN_S = 10 };

/* Ctrl-C: what is on the way comes to its end, then the table is told. A signal has no other way to tell. */
static volatile sig_atomic_t interrupted;
static void on_interrupt(int sig) { (void)sig; interrupted = 1; }

static bool on_progress(void *arg, const struct import_result *r)
{
	/* Archives have more files than one, so there may be more done than there were. */
	progress_show(arg, r->files, r->files < r->all ? r->all : 0, r->bytes);
	return !interrupted;
}

/* ---- the table ---- */

static json_t *first_of(const struct import_result *r, unsigned o)
{
	json_t *list = json_array();
	for (uint64_t i = 0; i < r->count[o] && i < IMPORT_FIRST; i++)
		json_array_append_new(list, json_pack("{s:o,s:o}", "name", output_text(r->first[o][i].name), "why", output_text(r->first[o][i].why)));
	return list;
}

static json_t *rows_of(const struct import_result *r)
{
	json_t *rows = json_array();
	for (unsigned o = 0; o < IMPORT_OUTCOMES; o++)
		if (r->count[o])
			json_array_append_new(rows, json_pack("{s:s,s:I,s:o}", "outcome", import_outcome_name(o), "count", (json_int_t)r->count[o], "first", first_of(r, o)));
	return rows;
}

/* Of the good ones nobody wants to see names. */
static enum exit_code print_rows(const struct app *app, const struct import_result *r)
{
	static const struct column columns[] = { { "OUTCOME", "outcome", COLUMN_TEXT }, { "FILES", "count", COLUMN_NUMBER }, { "FOR EXAMPLE", "name", COLUMN_TEXT }, { "WHY", "why", COLUMN_TEXT } };
	json_t *rows = json_array();
	for (unsigned o = 0; o < IMPORT_OUTCOMES; o++) {
		bool is_good = import_outcome_grade(o) == IMPORT_GOOD;
		for (uint64_t i = 0; i < r->count[o] && i < (is_good ? 1 : IMPORT_FIRST); i++)
			json_array_append_new(rows, json_pack("{s:s,s:o,s:o,s:o}", "outcome", i ? "" : import_outcome_name(o), "count", i ? json_string("") : json_integer((json_int_t)r->count[o]),
			                                      "name", output_text(is_good ? "" : r->first[o][i].name), "why", output_text(is_good ? "" : r->first[o][i].why)));
	}
	return output_rows(app, rows, columns, NELEM(columns), "There are no files.");
}

static enum exit_code code_of(enum err e, const struct import_result *r)
{
	uint64_t grades[IMPORT_BAD + 1] = { 0 };
	for (unsigned o = 0; o < IMPORT_OUTCOMES; o++)
		grades[import_outcome_grade(o)] += r->count[o];
	return e || grades[IMPORT_BAD] ? EXIT_FAILED : grades[IMPORT_ODD] ? EXIT_DAMAGE : EXIT_DONE;
}

static enum exit_code report(const struct app *app, const struct import_options *o, enum err e, const struct why *why, const struct import_result *r, uint64_t ms)
{
	enum exit_code code = code_of(e, r), written;
	if (app->json) {
		written = output_json(json_pack("{s:b,s:b,s:I,s:I,s:I,s:I,s:o,s:s}", "complete", !e, "dry_run", (int)o->is_dry, "files", (json_int_t)r->files, "bytes", (json_int_t)r->bytes,
		                                "ms", (json_int_t)ms, "from_journal", (json_int_t)r->from_journal, "outcomes", rows_of(r), "why", e ? why->text : ""));
	} else {
		written = print_rows(app, r);
		printf("%llu files looked at, %s copied in %.1f s%s\n", (unsigned long long)r->files, size_text(r->bytes).s, (double)ms / 1e3, e ? ", not all" : "");
	}
	if (e == ERR_CANCELLED)
		say_error("stopped before the end; the same command goes on where this one was");
	else if (e)
		return say_failure(e, why);
	return written ? written : code;
}

/* ---- the command ---- */

enum exit_code cmd_import(struct app *app, int argc, char **argv)
{
	const char *calling = "IMPORT", *rate = NULL;
	bool is_dry = false, with_unnamed = false;
	unsigned long rate_mb = 0;
	const struct arg_option options[] = { { "--calling", &calling, NULL }, { "--rate", &rate, NULL }, { "--dry-run", NULL, &is_dry }, { "--unnamed", NULL, &with_unnamed } };
	if (!args_read(app, argc, argv, options, NELEM(options)) || !args_want_words(app, "import", 1, ARGS_MAX) || !args_number("--rate", rate, 1, 100000, &rate_mb))
		return EXIT_USAGE;
	if (!conf_aet_is_legal(calling)) {
		say_error("--calling is \"%s\", expected an AE title: 1 to 16 characters, no backslash", calling);
		return EXIT_USAGE;
	}
	enum exit_code code;
	struct conf *conf;
	if (!app_conf(app, &conf, &code))
		return code;
	struct progress p;
	struct import_options o = { .paths = app->words, .path_count = app->word_count, .calling = calling, .rate = (uint64_t)rate_mb * 1000000, .at_once = AT_ONCE,
	                            .is_dry = is_dry, .with_unnamed = with_unnamed, .on_progress = on_progress, .arg = &p };
	struct import_result *r = calloc(1, sizeof(*r));
	struct why why = { "" };
	sigaction(SIGINT, &(struct sigaction){ .sa_handler = on_interrupt }, NULL);
	sigaction(SIGTERM, &(struct sigaction){ .sa_handler = on_interrupt }, NULL);
	progress_init(&p, is_dry ? "looking" : "importing");
	p.plain_s = PLAIN_S;
	uint64_t started = clock_mono_ns();
	enum err e = r ? import_run(conf, &o, r, &why) : fail(&why, ERR_NOMEM, "no memory");
	progress_clear(&p);
	bool has_begun = r && (!e || r->files || e == ERR_CANCELLED);
	code = has_begun ? report(app, &o, e, &why, r, (clock_mono_ns() - started) / 1000000) : say_failure(e, &why);
	free(r);
	conf_unref(&conf);
	return code;
}
