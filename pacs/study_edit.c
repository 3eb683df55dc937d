#include "pacs/study_edit.h"

#include <pwd.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "db/edit_look.h"
#include "pacs/ask.h"
#include "pacs/base/clock.h"
#include "pacs/base/table.h"
#include "pacs/output.h"

enum { APPLIED_MS = 30000, BUSY_MS = 10000, LOOK_MS = 20 };

struct options {
	const char *series, *instance, *into, *reason;
	bool new, patient, force, yes;
};

struct editing {
	const struct app *app;
	const struct conf *conf;
	struct index_reader *ix;
	struct options o;
	struct uid study;                /* of the first word */
};

bool study_edit_is(int argc, char **argv)
{
	static const char *const words[] = { "tag", "merge", "split", "delete", "edits", "revert" };
	int i = 1;
	while (i < argc && argv[i][0] == '-')
		i++;
	for (size_t k = 0; i < argc && k < NELEM(words); k++)
		if (!strcmp(argv[i], words[k]))
			return true;
	return false;
}

/* ---- which study ---- */

struct found { struct uid study; unsigned n; };

static bool note_study(void *arg, const struct index_study *s)
{
	struct found *f = arg;
	f->study = s->study_uid;
	return ++f->n < 2;
}

/* A Study UID, or an accession number that only one study has. */
static enum err find_study(struct editing *x, const char *word, struct uid *out, struct why *why)
{
	struct index_study s;
	struct found f = { .n = 0 };
	const struct index_study_filter by_accession = { .accession = word };
	enum err e = index_study_get(x->ix, word, &s, why);
	if (!e) {
		*out = s.study_uid;
		return e;
	}
	if (e == ERR_NOT_FOUND)
		e = index_study_list(x->ix, &by_accession, 2, note_study, &f, why);
	if (e)
		return e;
	*out = f.study;
	if (f.n > 1)
		return fail(why, ERR_CONFLICT, "accession number %s is of several studies; give the Study UID (`pacs study list --accession %s`)", word, word);
	return f.n ? ERR_OK : fail(why, ERR_NOT_FOUND, "there is no study with the UID or accession number %s here; `pacs study list` shows what there is", word);
}

/* ---- asking, and waiting ---- */

static void pause_ms(unsigned ms)
{
	nanosleep(&(struct timespec){ .tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000 }, NULL);
}

/* An earlier change that is on its way is waited for. */
static enum err ask_router(const struct editing *x, json_t *body, json_t **answer, struct why *why)
{
	int64_t until = clock_wall_ms() + BUSY_MS;
	enum err e;
	do {
		e = ask(x->conf, "router", json_incref(body), answer, why);
		if (e == ERR_BUSY)
			pause_ms(5 * LOOK_MS);
	} while (e == ERR_BUSY && clock_wall_ms() < until);
	json_decref(body);
	return e;
}

static bool wait_applied(const struct editing *x, int64_t seq)
{
	int64_t until = clock_wall_ms() + APPLIED_MS, applied = 0;
	while (!edit_look_applied(x->ix, &applied, NULL) && applied < seq && clock_wall_ms() < until)
		pause_ms(LOOK_MS);
	return applied >= seq;
}

static enum exit_code run(const struct editing *x, json_t *body, const char *done)
{
	json_t *answer = NULL;
	struct why why = { "" };
	const struct passwd *user = getpwuid(getuid());
	json_object_set_new(body, "op", json_string("study.edit"));
	json_object_set_new(body, "who", json_string(user ? user->pw_name : "unknown"));
	json_object_set_new(body, "reason", output_text(x->o.reason ? x->o.reason : ""));
	enum err e = ask_router(x, body, &answer, &why);
	if (e)
		return say_failure(e, &why);
	int64_t seq = json_integer_value(json_object_get(answer, "seq"));
	const char *made = json_string_value(json_object_get(answer, "study"));
	bool applied = wait_applied(x, seq);
	enum exit_code code = EXIT_DONE;
	if (x->app->json)
		code = output_json(json_pack("{s:I,s:s,s:b}", "edit", (json_int_t)seq, "study", made && made[0] ? made : x->study.s, "applied", (int)applied));
	else
		printf("edit %lld: %s%s%s%s\n", (long long)seq, done, made && made[0] ? "; the new study is " : "", made ? made : "",
		       applied ? "" : "; it is noted, and takes effect when storescp runs again");
	json_decref(answer);
	return code;
}

/* "UID,UID" as a list. */
static json_t *list_of(const char *text)
{
	json_t *list = json_array();
	for (const char *p = text; p && *p; ) {
		size_t n = strcspn(p, ",");
		if (n)
			json_array_append_new(list, json_stringn(p, n));
		p += n + (p[n] == ',');
	}
	return list;
}

/* ---- the kinds ---- */

static json_t *pair_of(const char *word)
{
	const char *equal = strchr(word, '=');
	return equal ? json_pack("[s%,o]", word, (size_t)(equal - word), output_text(equal + 1)) : NULL;
}

static enum exit_code tag(const struct editing *x)
{
	char done[128];
	json_t *values = json_array();
	for (unsigned i = 2; i < x->app->word_count; i++) {
		json_t *pair = pair_of(x->app->words[i]);
		if (!pair) {
			json_decref(values);
			say_error("\"%s\" is no KEY=VALUE, as StudyDescription=\"CT head\"", x->app->words[i]);
			return EXIT_USAGE;
		}
		json_array_append_new(values, pair);
	}
	snprintf(done, sizeof(done), "%zu attribute%s of study %.64s", json_array_size(values), json_array_size(values) == 1 ? "" : "s", x->study.s);
	return run(x, json_pack("{s:s,s:s,s:b,s:s,s:s,s:o}", "kind", "tag", "study", x->study.s, "patient", (int)x->o.patient, "series", x->o.series ? x->o.series : "",
	                        "instance", x->o.instance ? x->o.instance : "", "values", values), done);
}

static enum exit_code merge(struct editing *x)
{
	char done[128];
	json_t *from = json_array();
	for (unsigned i = 2; i < x->app->word_count; i++) {
		struct uid uid;
		struct why why = { "" };
		enum err e = find_study(x, x->app->words[i], &uid, &why);
		if (e) {
			json_decref(from);
			return say_failure(e, &why);
		}
		json_array_append_new(from, json_string(uid.s));
	}
	snprintf(done, sizeof(done), "%zu stud%s merged into %.64s", json_array_size(from), json_array_size(from) == 1 ? "y" : "ies", x->study.s);
	return run(x, json_pack("{s:s,s:s,s:b,s:o}", "kind", "merge", "study", x->study.s, "patient", (int)x->o.patient, "from", from), done);
}

static enum exit_code split(const struct editing *x)
{
	struct uid into = { "" };
	struct why why = { "" };
	if (x->o.new == (x->o.into != NULL)) {
		say_error("say where to: --new makes a study, --into STUDY takes one that is here");
		return EXIT_USAGE;
	}
	enum err e = x->o.into ? find_study((struct editing *)(uintptr_t)x, x->o.into, &into, &why) : ERR_OK;
	if (e)
		return say_failure(e, &why);
	return run(x, json_pack("{s:s,s:s,s:s,s:o,s:o}", "kind", "split", "study", x->study.s, "into", into.s, "series", list_of(x->o.series),
	                        "instances", list_of(x->o.instance)), "the study is split");
}

static bool confirm(const char *what)
{
	char answer[16] = "";
	fprintf(stderr, "%s? This cannot be taken back. Type yes: ", what);
	return fgets(answer, sizeof(answer), stdin) && !strcmp(answer, "yes\n");
}

static enum exit_code delete(const struct editing *x)
{
	char what[400];
	struct index_study s;
	struct why why = { "" };
	json_t *series = list_of(x->o.series), *instances = list_of(x->o.instance);
	size_t n = json_array_size(series) + json_array_size(instances);
	enum err e = index_study_get(x->ix, x->study.s, &s, &why);
	if (!e && n)
		snprintf(what, sizeof(what), "delete %zu %s of study %.64s (%u series, %u images, %s, from %.16s)", n, json_array_size(series) ? "series" : n == 1 ? "image" : "images",
		         s.study_uid.s, s.series, s.instances, s.study_date, s.calling);
	else if (!e)
		snprintf(what, sizeof(what), "delete %u series, %u images (%s) of study %.64s (%s, %s, from %.16s)", s.series, s.instances, size_text(s.bytes).s,
		         s.study_uid.s, s.modalities, s.study_date, s.calling);
	bool may_ask = isatty(STDIN_FILENO);
	if (e || (!x->o.yes && (!may_ask || !confirm(what)))) {
		json_decref(series);
		json_decref(instances);
		if (e)
			return say_failure(e, &why);
		say_error(may_ask ? "nothing was deleted" : "nothing was deleted: there is no terminal to ask on; --yes deletes without asking");
		return may_ask ? EXIT_FAILED : EXIT_USAGE;
	}
	return run(x, json_pack("{s:s,s:s,s:b,s:o,s:o}", "kind", "delete", "study", x->study.s, "force", (int)x->o.force, "series", series, "instances", instances), "deleted");
}

static enum exit_code revert(const struct editing *x)
{
	unsigned long target = 0;
	char done[64];
	if (!args_number("the edit", x->app->words[1], 1, 1UL << 62, &target))
		return EXIT_USAGE;
	snprintf(done, sizeof(done), "edit %lu is taken back", target);
	return run(x, json_pack("{s:s,s:I}", "kind", "revert", "target", (json_int_t)target), done);
}

static enum exit_code dispatch(struct editing *x)
{
	const char *what = x->app->words[0], *word = x->app->word_count > 1 ? x->app->words[1] : NULL;
	struct why why = { "" };
	if (!strcmp(what, "revert"))
		return revert(x);
	if (!strcmp(what, "edits") && !word)
		return study_edits_list(x->app, x->conf->dir, NULL);
	enum err e = find_study(x, word, &x->study, &why);
	/* A study that is no more has edits too. */
	if (!strcmp(what, "edits") && (!e || e == ERR_NOT_FOUND))
		return study_edits_list(x->app, x->conf->dir, e ? word : x->study.s);
	if (e)
		return say_failure(e, &why);
	return !strcmp(what, "tag") ? tag(x) : !strcmp(what, "merge") ? merge(x) : !strcmp(what, "split") ? split(x) : delete(x);
}

/* How many words each takes, its own included. */
static const struct { const char *name; unsigned min, max; } forms[] = {
	{ "tag", 3, ARGS_MAX }, { "merge", 3, ARGS_MAX }, { "split", 2, 2 }, { "delete", 2, 2 }, { "edits", 1, 2 }, { "revert", 2, 2 },
};

enum exit_code study_edit(struct app *app, int argc, char **argv)
{
	struct editing x = { .app = app };
	const struct arg_option options[] = {
		{ "--series", &x.o.series, NULL }, { "--instance", &x.o.instance, NULL }, { "--into", &x.o.into, NULL }, { "--reason", &x.o.reason, NULL },
		{ "--new", NULL, &x.o.new }, { "--patient", NULL, &x.o.patient }, { "--force", NULL, &x.o.force }, { "--yes", NULL, &x.o.yes },
	};
	size_t k = 0;
	if (!args_read(app, argc, argv, options, NELEM(options)))
		return EXIT_USAGE;
	while (k < NELEM(forms) - 1 && strcmp(forms[k].name, app->words[0]))
		k++;
	if (!args_want_words(app, "study", forms[k].min, forms[k].max))
		return EXIT_USAGE;
	enum exit_code code;
	struct conf *conf;
	struct why why = { "" };
	if (!app_conf(app, &conf, &code))
		return code;
	x.conf = conf;
	enum err e = index_reader_open(conf->dir, &x.ix, &why);
	code = e ? say_failure(e, &why) : dispatch(&x);
	index_reader_close(&x.ix);
	conf_unref(&conf);
	return code;
}
