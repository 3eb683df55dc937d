#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "pacs/backup.h"
#include "pacs/base/durable.h"
#include "pacs/base/table.h"
#include "pacs/command.h"
#include "pacs/output.h"
#include "pacs/progress.h"

/* Ctrl-C: the copy stops; what was copied is there for the next one. A signal has no other way to tell. */
static volatile sig_atomic_t interrupted;
static void on_interrupt(int sig) { (void)sig; interrupted = 1; }

enum { NAMED_MOST = 100 };               /* of what is missing; who has lost a folder does not read a million lines */

struct telling { struct progress progress; uint64_t bad; };

static bool on_progress(void *arg, uint64_t done, uint64_t all, uint64_t bytes)
{
	struct telling *t = arg;
	progress_show(&t->progress, done, all, bytes);
	return !interrupted;
}

static void on_bad(void *arg, const char *path, const char *why)
{
	struct telling *t = arg;
	if (++t->bad > NAMED_MOST)
		return;
	progress_clear(&t->progress);
	say_error("%s: %s", path, why);
}

static void catch_interrupt(void)
{
	sigaction(SIGINT, &(struct sigaction){ .sa_handler = on_interrupt }, NULL);
	sigaction(SIGTERM, &(struct sigaction){ .sa_handler = on_interrupt }, NULL);
}

static enum exit_code report(const struct app *app, const struct backup_result *r, const char *sentence, const char *where)
{
	enum exit_code code = r->bad ? EXIT_DAMAGE : EXIT_DONE;
	if (app->json) {
		enum exit_code e = output_json(json_pack("{s:s,s:I,s:I,s:I,s:I,s:I,s:i}", "generation", r->generation, "objects", (json_int_t)r->objects, "bytes", (json_int_t)r->bytes,
		                                         "copied", (json_int_t)r->copied, "copied_bytes", (json_int_t)r->copied_bytes, "bad", (json_int_t)r->bad, "removed", (int)r->removed));
		return e ? e : code;
	}
	printf("%s %s %s: %llu objects, %s; %llu of them copied now, %s\n", r->generation, sentence, where, (unsigned long long)r->objects, size_text(r->bytes).s,
	       (unsigned long long)r->copied, size_text(r->copied_bytes).s);
	if (r->removed)
		printf("%u old generation%s removed\n", r->removed, r->removed == 1 ? "" : "s");
	if (r->bad)
		say_error("%llu objects are missing or damaged (%s named above); `pacs verify` tells more", (unsigned long long)r->bad,
		          r->bad > NAMED_MOST ? "some of them" : "they are");
	return code;
}

static enum exit_code list(const struct app *app, const char *to)
{
	static const struct column columns[] = {
		{ "GENERATION", "generation", COLUMN_TEXT }, { "MADE", "made", COLUMN_TIME }, { "NODE", "aet", COLUMN_TEXT },
		{ "OBJECTS", "objects", COLUMN_NUMBER }, { "SIZE", "bytes", COLUMN_SIZE }, { "BAD", "bad", COLUMN_NUMBER }, { "FAULT", "why", COLUMN_TEXT },
	};
	struct why why = { "" };
	json_t *rows = backup_list(to, &why);
	return rows ? output_rows(app, rows, columns, NELEM(columns), "No backup has been finished there.") : say_failure(ERR_NOT_FOUND, &why);
}

static enum exit_code restore(const struct app *app, const char *from, const char *generation, const char *dir, const char *sentence)
{
	struct telling t = { .bad = 0 };
	struct restore_options o = { .from = from, .generation = generation, .dir = dir, .on_progress = on_progress, .on_bad = on_bad, .arg = &t };
	struct backup_result r;
	struct why why = { "" };
	catch_interrupt();
	progress_init(&t.progress, dir ? "restoring" : "checking");
	enum err e = restore_run(&o, &r, &why);
	progress_clear(&t.progress);
	return e ? say_failure(e, &why) : report(app, &r, sentence, dir ? dir : from);
}

static enum exit_code backup(const struct app *app, struct backup_options *o)
{
	enum exit_code code;
	struct conf *conf;
	struct backup_result r;
	struct telling t = { .bad = 0 };
	struct why why = { "" };
	if (!app_conf(app, &conf, &code))
		return code;
	catch_interrupt();
	progress_init(&t.progress, "backing up");
	o->on_progress = on_progress;
	o->on_bad = on_bad;
	o->arg = &t;
	enum err e = backup_run(conf, o, &r, &why);
	progress_clear(&t.progress);
	code = e ? say_failure(e, &why) : report(app, &r, "is whole in", o->to);
	conf_unref(&conf);
	return code;
}

/* Absolute; made when it is to be. */
static bool folder(const char *path, bool make, char out[PATH_MAX])
{
	struct why why = { "" };
	if (make && durable_mkdirs(path, &why)) {
		say_error("%s", why.text);
		return false;
	}
	if (realpath(path, out))
		return true;
	say_error("there is no folder %s", path);
	return false;
}

enum exit_code cmd_backup(struct app *app, int argc, char **argv)
{
	const char *keep = NULL, *rate = NULL, *generation = NULL;
	bool link = false;
	unsigned long keep_n = 14, rate_mb = 0;
	char to[PATH_MAX];
	const struct arg_option options[] = { { "--keep", &keep, NULL }, { "--rate", &rate, NULL }, { "--link", NULL, &link }, { "--generation", &generation, NULL } };
	if (!args_read(app, argc, argv, options, NELEM(options)) || !args_want_words(app, "backup", 1, 2) || !args_number("--keep", keep, 1, 10000, &keep_n) ||
	    !args_number("--rate", rate, 1, 100000, &rate_mb))
		return EXIT_USAGE;
	const char *what = app->word_count == 2 ? app->words[0] : "";
	bool is_list = !strcmp(what, "list"), is_verify = !strcmp(what, "verify");
	if (*what && !is_list && !is_verify) {
		say_error("backup knows list and verify, not \"%s\"; see `pacs help backup`", what);
		return EXIT_USAGE;
	}
	if (!folder(app->words[app->word_count - 1], !*what, to))
		return EXIT_FAILED;
	if (is_list)
		return list(app, to);
	if (is_verify)
		return restore(app, to, generation, NULL, "can be restored from");
	return backup(app, &(struct backup_options){ .to = to, .keep = (unsigned)keep_n, .rate = (uint64_t)rate_mb * 1000000, .link = link });
}

enum exit_code cmd_restore(struct app *app, int argc, char **argv)
{
	const char *generation = NULL;
	char from[PATH_MAX], dir[PATH_MAX];
	const struct arg_option options[] = { { "--generation", &generation, NULL } };
	if (!args_read(app, argc, argv, options, NELEM(options)) || !args_want_words(app, "restore", 2, 2))
		return EXIT_USAGE;
	if (!folder(app->words[0], false, from) || !folder(app->words[1], true, dir))
		return EXIT_FAILED;
	return restore(app, from, generation, dir, "was restored to");
}
