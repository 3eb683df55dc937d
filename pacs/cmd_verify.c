#include <signal.h>
#include <string.h>
#include <time.h>

#include "pacs/base/clock.h"
#include "pacs/base/table.h"
#include "pacs/command.h"
#include "pacs/output.h"
#include "pacs/progress.h"
#include "pacs/repair.h"

enum { KEPT_FINDINGS = 100000 };         /* in memory, for --json; a folder with more has another problem */

struct run {
	const struct app *app;
	const struct conf *conf;
	struct progress progress;
	bool repair;
	uint64_t repaired;
	json_t *findings;                /* --json */
};

/* Ctrl-C ends a survey after the file in hand, and what was found is told. A signal has no other way to tell. */
static volatile sig_atomic_t interrupted;
static void on_interrupt(int sig) { (void)sig; interrupted = 1; }

static void on_finding(void *arg, const struct verify_finding *f)
{
	struct run *r = arg;
	char did[256] = "";
	if (r->repair && repair_finding(r->conf, f, did, sizeof(did)))
		r->repaired++;
	if (r->app->json) {
		if (json_array_size(r->findings) < KEPT_FINDINGS)
			json_array_append_new(r->findings, json_pack("{s:s,s:b,s:o,s:s,s:s,s:s,s:s,s:s}", "fault", verify_fault_name(f->fault), "damage", (int)verify_is_damage(f->fault),
			                                             "file", output_text(f->path), "sop_instance", f->sop_uid, "study", f->study_uid, "calling", f->calling,
			                                             "why", f->why.text, "did", did));
		return;
	}
	progress_clear(&r->progress);
	printf("%-15s %s%s%s: %s%s%s\n", verify_fault_name(f->fault), f->path, *f->path && *f->sop_uid ? ", image " : "", f->sop_uid, f->why.text,
	       *did ? "; " : "", did);
}

static bool on_progress(void *arg, const struct verify_progress *p)
{
	struct run *r = arg;
	progress_show(&r->progress, p->files, p->all_files, p->bytes);
	return !interrupted;
}

static enum exit_code result(const struct run *r, const struct verify_progress *p, bool is_whole, uint64_t ms)
{
	uint64_t all = 0, damage = 0;
	json_t *counts = json_object();
	for (unsigned f = 0; f < VERIFY_FAULTS; f++) {
		all += p->faults[f];
		damage += verify_is_damage(f) ? p->faults[f] : 0;
		if (p->faults[f])
			json_object_set_new(counts, verify_fault_name(f), json_integer((json_int_t)p->faults[f]));
	}
	enum exit_code code = all ? EXIT_DAMAGE : is_whole ? EXIT_DONE : EXIT_FAILED;
	if (r->app->json) {
		enum exit_code written = output_json(json_pack("{s:b,s:I,s:I,s:I,s:I,s:I,s:I,s:o,s:O}", "complete", (int)is_whole, "images", (json_int_t)p->files,
		                                               "bytes", (json_int_t)p->bytes, "ms", (json_int_t)ms, "found", (json_int_t)all, "damage", (json_int_t)damage,
		                                               "repaired", (json_int_t)r->repaired, "counts", counts, "findings", r->findings));
		return written ? written : code;
	}
	json_decref(counts);
	printf("%llu images, %s read in %.1f s%s: ", (unsigned long long)p->files, size_text(p->bytes).s, (double)ms / 1e3, is_whole ? "" : ", not all");
	if (!all)
		puts("all is as it should be");
	else
		printf("%llu findings, %llu of them damage%s\n", (unsigned long long)all, (unsigned long long)damage,
		       r->repair ? "; see what was done above" : "; --repair mends what can be mended (the node must run)");
	return code;
}

/* ---- what is known to be damaged ---- */

static bool add_damage(void *arg, const struct survey_damage *d)
{
	return !json_array_append_new(arg, json_pack("{s:I,s:s,s:s,s:o,s:s}", "found", (json_int_t)d->found_ms, "sop_instance", d->what.sop_uid.s,
	                                             "study", d->what.study_uid.s, "calling", output_text(d->calling), "what", d->text));
}

static enum exit_code list_damaged(const struct app *app, struct index_reader *ix)
{
	static const struct column columns[] = {
		{ "FOUND", "found", COLUMN_TIME }, { "SENDER", "calling", COLUMN_TEXT }, { "STUDY UID", "study", COLUMN_TEXT },
		{ "SOP INSTANCE UID", "sop_instance", COLUMN_TEXT }, { "WHAT", "what", COLUMN_TEXT },
	};
	struct survey *s = NULL;
	struct why why = { "" };
	json_t *rows = json_array();
	enum err e = survey_open(ix, &s, &why);
	if (!e)
		e = survey_damaged(s, add_damage, rows, &why);
	survey_close(&s);
	size_t n = json_array_size(rows);
	if (e) {
		json_decref(rows);
		return say_failure(e, &why);
	}
	enum exit_code code = output_rows(app, rows, columns, NELEM(columns), "No image is known to be damaged.");
	return code ? code : n ? EXIT_DAMAGE : EXIT_DONE;
}

/* ---- the command ---- */

/* "20261125": from the first moment of that day on, local time. */
static bool read_day(const char *text, int64_t *ms)
{
	struct tm tm = { .tm_isdst = -1 };
	const char *end = text ? strptime(text, "%Y%m%d", &tm) : NULL;
	if (!text)
		return true;
	time_t t = end && !*end && strlen(text) == 8 ? mktime(&tm) : -1;
	if (t == -1) {
		say_error("--since is \"%s\", expected a day as YYYYMMDD", text);
		return false;
	}
	*ms = (int64_t)t * 1000;
	return true;
}

static enum exit_code survey(const struct app *app, const struct conf *conf, struct index_reader *ix, int64_t since_ms, unsigned long rate, unsigned long young_s, bool repair)
{
	struct run r = { .app = app, .conf = conf, .repair = repair, .findings = app->json ? json_array() : NULL };
	struct verify_options o = { .dir = conf->dir, .rate = (uint64_t)rate * 1000000, .since_ms = since_ms, .young_s = (unsigned)young_s, .on_finding = on_finding, .on_progress = on_progress, .arg = &r };
	struct verify_progress p;
	struct why why = { "" };
	struct sigaction act = { .sa_handler = on_interrupt };
	sigaction(SIGINT, &act, NULL);
	uint64_t started = clock_mono_ns();
	progress_init(&r.progress, "verifying");
	enum err e = verify_run(ix, &o, &p, &why);
	progress_clear(&r.progress);
	enum exit_code code = EXIT_FAILED;
	if (e && e != ERR_CANCELLED)
		say_failure(e, &why);
	else
		code = result(&r, &p, !e, (clock_mono_ns() - started) / 1000000);
	json_decref(r.findings);
	return code;
}

enum exit_code cmd_verify(struct app *app, int argc, char **argv)
{
	const char *since = NULL, *rate_text = NULL, *young = NULL;
	bool repair = false;
	unsigned long rate = 0, young_s = VERIFY_YOUNG_S;
	int64_t since_ms = 0;
	const struct arg_option options[] = { { "--since", &since, NULL }, { "--rate", &rate_text, NULL }, { "--young", &young, NULL }, { "--repair", NULL, &repair } };
	if (!args_read(app, argc, argv, options, NELEM(options)) || !args_want_words(app, "verify", 0, 1) ||
	    !args_number("--rate", rate_text, 1, 100000, &rate) || !args_number("--young", young, 0, 86400, &young_s) || !read_day(since, &since_ms))
		return EXIT_USAGE;
	if (app->word_count && strcmp(app->words[0], "damaged")) {
		say_error("verify knows only damaged, not \"%s\"; see `pacs help verify`", app->words[0]);
		return EXIT_USAGE;
	}
	enum exit_code code;
	struct conf *conf;
	if (!app_conf(app, &conf, &code))
		return code;
	struct index_reader *ix = NULL;
	struct why why;
	enum err e = index_reader_open(conf->dir, &ix, &why);
	code = e ? say_failure(e, &why) : app->word_count ? list_damaged(app, ix) : survey(app, conf, ix, since_ms, rate, young_s, repair);
	index_reader_close(&ix);
	conf_unref(&conf);
	return code;
}
