#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pacs/output.h"
#include "pacs/pixels_check.h"

struct run {
	const struct app *app;
	const struct conf *conf;
	struct worker worker;
	struct index_reader *studies, *instances;        /* two connections: one is in the middle of a list */
	json_t *bad;
	json_int_t count[PIXELS_BAD + 1];
	enum err err;
	struct why why;
};

static bool on_instance(void *arg, const struct index_instance *i)
{
	struct run *run = arg;
	struct why why = { "" };
	enum pixels_found found = pixels_check(&run->worker, run->conf->dir, i, &why);
	run->count[found]++;
	if (found == PIXELS_BAD)
		json_array_append_new(run->bad, json_pack("{s:s,s:s,s:I,s:s}", "sop_instance", i->sop_uid.s, "syntax", uid_name(i->ts.s), "object",
		                                          (json_int_t)i->oid, "why", why.text));
	return true;
}

static bool on_study(void *arg, const struct index_study *s)
{
	struct run *run = arg;
	run->err = index_study_instances(run->instances, s->study_uid.s, on_instance, run, &run->why);
	return !run->err;
}

static enum exit_code tell(struct run *run)
{
	static const struct column columns[] = {
		{ "OBJECT", "object", COLUMN_NUMBER }, { "SYNTAX", "syntax", COLUMN_TEXT }, { "SOP INSTANCE UID", "sop_instance", COLUMN_TEXT }, { "WHY", "why", COLUMN_TEXT },
	};
	const json_int_t *n = run->count;
	bool is_good = n[PIXELS_BAD] == 0;
	if (run->app->json) {
		output_json(json_pack("{s:I,s:I,s:I,s:I,s:o}", "equal", n[PIXELS_EQUAL], "decode", n[PIXELS_DECODE], "no_image", n[PIXELS_NONE],
		                      "bad", n[PIXELS_BAD], "objects", run->bad));
		return is_good ? EXIT_DONE : EXIT_FAILED;
	}
	printf("%lld decode to the samples that were compressed, %lld decode and have their bytes, %lld hold no image that is decoded here, %lld are bad\n",
	       (long long)n[PIXELS_EQUAL], (long long)n[PIXELS_DECODE], (long long)n[PIXELS_NONE], (long long)n[PIXELS_BAD]);
	if (is_good) {
		json_decref(run->bad);
		return EXIT_DONE;
	}
	output_rows(run->app, run->bad, columns, NELEM(columns), "");
	return EXIT_FAILED;
}

static enum exit_code check_all(struct run *run, const char *study)
{
	char self[4096], program[sizeof(self) + 16];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	self[n > 0 ? n : 0] = '\0';
	char *slash = strrchr(self, '/');
	snprintf(program, sizeof(program), "%.*s/xcode-worker", slash ? (int)(slash - self) : 1, slash ? self : ".");
	const struct xcode_limits limits = { .workers = 1, .memory_bytes = (uint64_t)run->conf->worker_memory_mb << 20,
	                                     .timeout_s = run->conf->worker_timeout_s, .is_background = true };
	run->bad = json_array();
	worker_init(&run->worker, program, &limits);
	run->err = index_reader_open(run->conf->dir, &run->studies, &run->why);
	if (!run->err)
		run->err = index_reader_open(run->conf->dir, &run->instances, &run->why);
	if (!run->err && study)
		run->err = index_study_instances(run->instances, study, on_instance, run, &run->why);
	else if (!run->err) {
		const struct index_study_filter all = { .patient_id = "", .accession = "", .from_date = "", .to_date = "" };
		enum err e = index_study_list(run->studies, &all, INT32_MAX, on_study, run, &run->why);
		run->err = run->err ? run->err : e;
	}
	worker_stop(&run->worker);
	worker_fini(&run->worker);
	index_reader_close(&run->studies);
	index_reader_close(&run->instances);
	if (!run->err)
		return tell(run);
	json_decref(run->bad);
	return say_failure(run->err, &run->why);
}

enum exit_code cmd_pixels(struct app *app, int argc, char **argv)
{
	const char *study = NULL;
	const struct arg_option options[] = { { "--study", &study, NULL } };
	enum exit_code code;
	struct conf *conf;
	if (!args_read(app, argc, argv, options, NELEM(options)) || !args_want_words(app, "pixels", 0, 0))
		return EXIT_USAGE;
	if (!app_conf(app, &conf, &code))
		return code;
	struct run run = { .app = app, .conf = conf };
	code = check_all(&run, study);
	conf_unref(&conf);
	return code;
}
