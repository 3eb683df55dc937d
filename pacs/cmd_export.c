#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "pacs/base/clock.h"
#include "pacs/base/durable.h"
#include "pacs/base/table.h"
#include "pacs/command.h"
#include "pacs/dicom/recipe.h"
#include "pacs/export.h"
#include "pacs/output.h"
#include "pacs/progress.h"

enum { PLAIN_S = 10, KEY_LEAST = 16, KEY_MOST = 4096 };

/* Ctrl-C: nothing is left of the export. A signal has no other way to tell. */
static volatile sig_atomic_t interrupted;
static void on_interrupt(int sig) { (void)sig; interrupted = 1; }

static bool on_progress(void *arg, uint64_t done, uint64_t all, uint64_t bytes)
{
	progress_show(arg, done, all, bytes);
	return !interrupted;
}

/* ---- what was asked for ---- */

struct words {
	const char *study, *accession, *patient_id, *from, *to, *modality, *ts, *retain, *subject, *key, *map;
	bool all, is_zip, with_dicomdir, is_deid, accept;
};

static bool read_syntax(const char *text, const struct ts **out)
{
	struct recipe r;
	struct why why;
	*out = NULL;
	if (!text || !strcmp(text, "keep"))
		return true;
	if (!strcmp(text, "explicit") || !strcmp(text, "implicit")) {
		*out = ts_find(*text == 'e' ? TS_EXPLICIT_LE : TS_IMPLICIT_LE);
		return true;
	}
	if (recipe_parse(text, &r, &why))
		say_error("--ts: %s; explicit and implicit are the uncompressed ones", why.text);
	else if (r.is_lossy)
		say_error("--ts %s is lossy: an export is what the archive has, in a reversible syntax", text);
	else
		*out = r.ts;
	return *out != NULL;
}

static bool read_retain(const char *text, unsigned *out)
{
	for (const char *at = text ? text : ""; *at; ) {
		char name[40] = "";
		size_t len = strcspn(at, ",");
		unsigned bit;
		if (len < sizeof(name))
			memcpy(name, at, len);
		if (!deid_retain_parse(name, &bit)) {
			say_error("--retain does not know \"%.*s\"; it knows %s", (int)len, at, deid_retain_names);
			return false;
		}
		*out |= bit;
		at += len + (at[len] == ',');
	}
	if ((*out & DEID_DATES) && (*out & DEID_MODIFIED_DATES)) {
		say_error("--retain dates and modified-dates exclude each other: dates stay as they are, or are moved");
		return false;
	}
	return true;
}

static bool read_key(const char *path, uint8_t out[32])
{
	char *text = NULL;
	size_t len = 0;
	struct why why;
	if (!path)
		return getrandom(out, 32, 0) == 32;
	if (durable_slurp(path, KEY_MOST, &text, &len, &why)) {
		say_error("--key: %s", why.text);
		return false;
	}
	bool is_long = len >= KEY_LEAST;
	if (is_long)
		deid_key_of(bytes_of(text, len), out);
	else
		say_error("--key %s has %zu bytes, expected %d to %d that nobody can guess: head -c 32 /dev/urandom > %s", path, len, KEY_LEAST, KEY_MOST, path);
	free(text);
	return is_long;
}

/* It becomes PN and LO: what all readers can write. */
static bool is_subject(const char *s)
{
	size_t n = s ? strlen(s) : 1;
	for (const char *c = s; c && *c; c++)
		if (*c < ' ' || *c > '~' || *c == '\\' || *c == '=')
			n = 0;
	if (n && n <= 50)
		return true;
	say_error("--subject is \"%s\", expected 1 to 50 ASCII characters without \\ and =", s);
	return false;
}

static bool read_words(const struct words *w, struct export_options *o)
{
	bool is_picked = w->study || w->accession || w->patient_id || w->from || w->to || w->modality;
	if (is_picked == w->all) {
		say_error(is_picked ? "--all and a choice of studies exclude each other" : "which studies? --study, --accession, --patient-id, --from, --to, --modality, or --all");
		return false;
	}
	if (w->study && (w->accession || w->patient_id || w->from || w->to)) {
		say_error("--study names studies; --accession, --patient-id, --from and --to look for them: use one of the two");
		return false;
	}
	if (!w->is_deid && (w->retain || w->subject || w->key || w->map || w->accept)) {
		say_error("--retain, --subject, --key, --map and --accept-burned-in are of --deidentify, which is not there");
		return false;
	}
	o->studies = w->study;
	o->filter = (struct index_study_filter){ .patient_id = w->patient_id, .accession = w->accession, .from_date = w->from, .to_date = w->to };
	o->modality = w->modality;
	o->is_zip = w->is_zip;
	o->with_dicomdir = w->with_dicomdir;
	o->is_deid = w->is_deid;
	o->deid.accept_burned_in = w->accept;
	o->subject = w->subject;
	o->map = w->map;
	o->has_key = w->key != NULL;
	return is_subject(w->subject) && read_syntax(w->ts, &o->ts) && read_retain(w->retain, &o->deid.retain) && read_key(w->key, o->deid.key);
}

/* ---- what came of it ---- */

static json_t *reasons_of(const struct export_result *r)
{
	json_t *rows = json_array();
	for (size_t i = 0; i < EXPORT_REASONS && r->reasons[i].count; i++)
		json_array_append_new(rows, json_pack("{s:I,s:s,s:o}", "images", (json_int_t)r->reasons[i].count, "kind", r->reasons[i].is_bad ? "damaged" : "not fit", "why",
		                                      output_text(r->reasons[i].why)));
	return rows;
}

static enum exit_code report(const struct app *app, const struct export_options *o, const struct export_result *r, uint64_t ms)
{
	static const struct column columns[] = { { "LEFT OUT", "images", COLUMN_NUMBER }, { "KIND", "kind", COLUMN_TEXT }, { "WHY", "why", COLUMN_TEXT } };
	enum exit_code code = r->refused || r->bad ? EXIT_DAMAGE : EXIT_DONE, written = EXIT_DONE;
	if (app->json) {
		written = output_json(json_pack("{s:s,s:I,s:I,s:i,s:i,s:i,s:I,s:I,s:I,s:I,s:b,s:o}", "to", o->to, "images", (json_int_t)r->objects, "bytes", (json_int_t)r->bytes, "patients", (int)r->patients,
		                                "studies", (int)r->studies, "series", (int)r->series, "kept_syntax", (json_int_t)r->kept_syntax, "refused", (json_int_t)r->refused, "bad", (json_int_t)r->bad,
		                                "ms", (json_int_t)ms, "deidentified", (int)o->is_deid, "left_out", reasons_of(r)));
		return written ? written : code;
	}
	printf("%s: %llu images of %u studies and %u patients, %s in %.1f s%s\n", o->to, (unsigned long long)r->objects, r->studies, r->patients, size_text(r->bytes).s, (double)ms / 1e3,
	       o->is_deid ? ", de-identified" : "");
	if (r->kept_syntax)
		printf("%llu images went out as they are stored: they cannot be written in the syntax asked for\n", (unsigned long long)r->kept_syntax);
	if (r->refused || r->bad)
		written = output_rows(app, reasons_of(r), columns, NELEM(columns), "");
	return written ? written : code;
}

/* ---- the command ---- */

static enum exit_code run(const struct app *app, struct export_options *o)
{
	enum exit_code code;
	struct conf *conf;
	if (!app_conf(app, &conf, &code))
		return code;
	struct progress p;
	struct export_result r;
	struct why why = { "" };
	sigaction(SIGINT, &(struct sigaction){ .sa_handler = on_interrupt }, NULL);
	sigaction(SIGTERM, &(struct sigaction){ .sa_handler = on_interrupt }, NULL);
	progress_init(&p, "exporting");
	p.plain_s = PLAIN_S;
	o->on_progress = on_progress;
	o->arg = &p;
	uint64_t started = clock_mono_ns();
	enum err e = export_run(conf, o, &r, &why);
	progress_clear(&p);
	if (e && (r.refused || r.bad) && !app->json)
		report(app, o, &r, (clock_mono_ns() - started) / 1000000);
	code = e ? say_failure(e, &why) : report(app, o, &r, (clock_mono_ns() - started) / 1000000);
	conf_unref(&conf);
	return code;
}

enum exit_code cmd_export(struct app *app, int argc, char **argv)
{
	struct words w = { .study = NULL };
	const struct arg_option options[] = {
		{ "--study", &w.study, NULL }, { "--accession", &w.accession, NULL }, { "--patient-id", &w.patient_id, NULL }, { "--from", &w.from, NULL }, { "--to", &w.to, NULL },
		{ "--modality", &w.modality, NULL }, { "--all", NULL, &w.all }, { "--zip", NULL, &w.is_zip }, { "--dicomdir", NULL, &w.with_dicomdir }, { "--ts", &w.ts, NULL },
		{ "--deidentify", NULL, &w.is_deid }, { "--retain", &w.retain, NULL }, { "--subject", &w.subject, NULL }, { "--key", &w.key, NULL }, { "--map", &w.map, NULL },
		{ "--accept-burned-in", NULL, &w.accept },
	};
	struct export_options o = { .to = NULL };
	if (!args_read(app, argc, argv, options, NELEM(options)) || !args_want_words(app, "export", 1, 1) || !read_words(&w, &o))
		return EXIT_USAGE;
	o.to = app->words[0];
	return run(app, &o);
}
