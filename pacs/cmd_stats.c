#include <string.h>

#include "db/stats.h"
#include "pacs/command.h"
#include "pacs/output.h"

static bool add_row(void *arg, const struct stats_row *s)
{
	return !json_array_append_new(arg, json_pack("{s:s,s:o,s:o,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I}", "month", s->month, "site", output_text(s->site),
	                                             "modality", output_text(s->modality), "studies", (json_int_t)s->studies, "images", (json_int_t)s->images,
	                                             "bytes", (json_int_t)s->bytes, "image_bytes", (json_int_t)(s->images ? s->bytes / s->images : 0),
	                                             "largest_study", (json_int_t)s->largest, "text_troubles", (json_int_t)s->text_troubles, "late", (json_int_t)s->late,
	                                             "conflicts", (json_int_t)s->conflicts, "quarantined", (json_int_t)s->quarantined, "damaged", (json_int_t)s->damaged,
	                                             "held_jobs", (json_int_t)s->held));
}

static bool is_month(const char *s)
{
	return strlen(s) == 7 && s[4] == '-' && strspn(s, "0123456789") == 4 && strspn(s + 5, "0123456789") == 2;
}

static enum exit_code show(const struct app *app, struct index_reader *ix, const char *dir, unsigned by, const struct stats_filter *f)
{
	static const struct column all[] = {
		{ "MONTH", "month", COLUMN_TEXT }, { "SITE", "site", COLUMN_TEXT }, { "MODALITY", "modality", COLUMN_TEXT },
		{ "STUDIES", "studies", COLUMN_NUMBER }, { "IMAGES", "images", COLUMN_NUMBER }, { "SIZE", "bytes", COLUMN_SIZE },
		{ "AN IMAGE", "image_bytes", COLUMN_SIZE }, { "LARGEST STUDY", "largest_study", COLUMN_SIZE }, { "TEXT GUESSED", "text_troubles", COLUMN_NUMBER },
		{ "LATE", "late", COLUMN_NUMBER }, { "CONFLICTS", "conflicts", COLUMN_NUMBER }, { "QUARANTINE", "quarantined", COLUMN_NUMBER }, { "DAMAGED", "damaged", COLUMN_NUMBER },
		{ "FAILED JOBS", "held_jobs", COLUMN_NUMBER },
	};
	struct column columns[NELEM(all)];
	size_t n = 0;
	for (size_t i = 0; i < NELEM(all); i++)
		if (i < 3 ? by & 1u << i : i < 10 || !(by & STATS_MODALITY))
			columns[n++] = all[i];
	struct why why = { "" };
	json_t *rows = json_array();
	enum err e = stats_read(ix, dir, by, f, add_row, rows, &why);
	if (!e)
		return output_rows(app, rows, columns, n, "Nothing was received.");
	json_decref(rows);
	return say_failure(e, &why);
}

enum exit_code cmd_stats(struct app *app, int argc, char **argv)
{
	struct stats_filter f = { NULL, NULL };
	const struct arg_option options[] = { { "--month", &f.month, NULL }, { "--site", &f.site, NULL } };
	static const char *const words[] = { "month", "site", "modality" };
	unsigned by = 0;
	if (!args_read(app, argc, argv, options, NELEM(options)) || !args_want_words(app, "stats", 0, 3))
		return EXIT_USAGE;
	for (unsigned w = 0; w < app->word_count; w++) {
		unsigned i = 0;
		while (i < NELEM(words) && strcmp(words[i], app->words[w]))
			i++;
		if (i == NELEM(words)) {
			say_error("stats knows month, site and modality, not \"%s\"; see `pacs help stats`", app->words[w]);
			return EXIT_USAGE;
		}
		by |= 1u << i;
	}
	if (f.month && !is_month(f.month)) {
		say_error("--month is \"%s\", expected YYYY-MM", f.month);
		return EXIT_USAGE;
	}
	enum exit_code code;
	struct conf *conf;
	if (!app_conf(app, &conf, &code))
		return code;
	struct index_reader *ix = NULL;
	struct why why = { "" };
	enum err e = index_reader_open(conf->dir, &ix, &why);
	code = e ? say_failure(e, &why) : show(app, ix, conf->dir, by ? by : STATS_MONTH | STATS_SITE, &f);
	index_reader_close(&ix);
	conf_unref(&conf);
	return code;
}
