#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "db/retain.h"
#include "pacs/ask.h"
#include "pacs/base/clock.h"
#include "pacs/base/table.h"
#include "pacs/command.h"
#include "pacs/output.h"

struct run {
	const struct conf *conf;
	struct index_reader *ix;
	uint64_t *used;                      /* bytes of each class, owned */
	json_t *rows;
	bool all, apply;
	uint64_t go, go_bytes, kept, failed;
	const char *who;
	struct why why;
	enum err err;
};

static const struct conf_retention *class_of(const struct run *r, const struct retain_study *s)
{
	const struct conf_facts facts = { .calling = s->calling, .modality = s->modalities, .body_part = "", .level = "" };
	return conf_retention_of(r->conf, &facts);
}

static bool add_up(void *arg, const struct retain_study *s)
{
	struct run *r = arg;
	const struct conf_retention *c = class_of(r, s);
	if (c)
		r->used[c - r->conf->retentions] += s->bytes;
	return true;
}

/* Why policy lets it go; false: it does not. */
static bool may_go(const struct run *r, const struct retain_study *s, const struct conf_retention *c, char *why, size_t cap)
{
	int days = -1;
	long long age = (long long)((clock_wall_ms() - s->last_received_ms) / 86400000);
	uint64_t used = r->used[c - r->conf->retentions], quota = (uint64_t)c->quota_mb * 1000000;
	if (conf_retention_days(c->keep, &days))
		return false;                /* checked when it was read; kept when in doubt */
	if (days >= 0 && age > days) {
		snprintf(why, cap, "%lld days old, kept for %s", age, c->keep);
		return true;
	}
	if (!quota || used <= quota)
		return false;
	snprintf(why, cap, "the class has %s, quota %s", size_text(used).s, size_text(quota).s);
	return true;
}

static enum err apply(struct run *r, const struct retain_study *s, const struct conf_retention *c, const char *reason, struct why *why)
{
	return ask(r->conf, "storescp", json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:I}", "op", "repair", "what", "retire", "study", s->study_uid.s, "class", c->name,
	                                          "reason", reason, "who", r->who, "last", (json_int_t)s->last_received_ms), NULL, why);
}

static bool add_row(struct run *r, const struct retain_study *s, const struct conf_retention *c, const char *verdict, const char *why)
{
	return !json_array_append_new(r->rows, json_pack("{s:s,s:s,s:o,s:o,s:I,s:I,s:I,s:s,s:s}", "study", s->study_uid.s, "class", c ? c->name : "", "calling", output_text(s->calling),
	                                                 "modalities", output_text(s->modalities), "images", (json_int_t)s->instances, "bytes", (json_int_t)s->bytes,
	                                                 "last_received", (json_int_t)s->last_received_ms, "verdict", verdict, "why", why));
}

static bool look(void *arg, const struct retain_study *s)
{
	struct run *r = arg;
	const struct conf_retention *c = class_of(r, s);
	struct retain_need need = { "" };
	char policy[161] = "", text[360];
	if (!c || !may_go(r, s, c, policy, sizeof(policy))) {
		r->kept++;
		return !r->all || add_row(r, s, c, "kept", c ? "not old enough, and within the quota" : "no retention section is for it");
	}
	r->err = retain_need(r->conf->dir, r->ix, s->study_uid.s, &need, &r->why);
	if (r->err)
		return false;
	if (s->hold[0] || need.text[0]) {
		r->kept++;
		snprintf(text, sizeof(text), "%s%s", s->hold[0] ? "held: " : "", s->hold[0] ? s->hold : need.text);
		return add_row(r, s, c, "kept", text);
	}
	struct why why = { "" };
	if (r->apply && apply(r, s, c, policy, &why)) {
		r->failed++;
		return add_row(r, s, c, "kept", why.text);
	}
	r->go++;
	r->go_bytes += s->bytes;
	r->used[c - r->conf->retentions] -= s->bytes;
	return add_row(r, s, c, r->apply ? "removed" : "would go", policy);
}

static enum exit_code report(const struct app *app, struct run *r)
{
	static const struct column columns[] = {
		{ "VERDICT", "verdict", COLUMN_TEXT }, { "CLASS", "class", COLUMN_TEXT }, { "FROM", "calling", COLUMN_TEXT }, { "MOD", "modalities", COLUMN_TEXT },
		{ "LAST IMAGE", "last_received", COLUMN_TIME }, { "IMAGES", "images", COLUMN_NUMBER }, { "SIZE", "bytes", COLUMN_SIZE }, { "WHY", "why", COLUMN_TEXT },
		{ "STUDY UID", "study", COLUMN_TEXT },
	};
	enum exit_code code = output_rows(app, r->rows, columns, NELEM(columns), "Nothing is old enough to go, and no quota is passed.");
	if (!app->json && !code)
		printf("%llu studies %s, %s; %llu stay%s\n", (unsigned long long)r->go, r->apply ? "were removed" : "would go", size_text(r->go_bytes).s,
		       (unsigned long long)r->kept, r->apply || !r->go ? "" : "; --apply removes them");
	return code ? code : r->failed ? EXIT_FAILED : EXIT_DONE;
}

static enum exit_code run(const struct app *app, const struct conf *conf, bool all, bool do_apply, const char *who)
{
	struct run r = { .conf = conf, .all = all, .apply = do_apply, .who = who, .rows = json_array(), .used = calloc(conf->retention_count + 1, sizeof(*r.used)) };
	enum exit_code code;
	enum err e = r.rows && r.used ? index_reader_open(conf->dir, &r.ix, &r.why) : ERR_NOMEM;
	if (!e)
		e = retain_list(r.ix, add_up, &r, &r.why);
	if (!e)
		e = retain_list(r.ix, look, &r, &r.why);
	e = e ? e : r.err;
	if (e) {
		json_decref(r.rows);
		code = say_failure(e, &r.why);
	} else {
		code = report(app, &r);
	}
	index_reader_close(&r.ix);
	free(r.used);
	return code;
}

static enum exit_code hold(const struct conf *conf, const char *study, const char *reason, const char *who)
{
	struct why why;
	json_t *answer = NULL;
	enum err e = ask(conf, "storescp", json_pack("{s:s,s:s,s:s,s:s,s:s}", "op", "repair", "what", reason ? "hold" : "unhold", "study", study, "reason", reason ? reason : "",
	                                             "who", who), &answer, &why);
	if (!e)
		printf("%s: %s\n", study, json_string_value(json_object_get(answer, "did")));
	json_decref(answer);
	return e ? say_failure(e, &why) : EXIT_DONE;
}

enum exit_code cmd_retention(struct app *app, int argc, char **argv)
{
	const char *reason = NULL;
	bool all = false, do_apply = false;
	const struct arg_option options[] = { { "--reason", &reason, NULL }, { "--all", NULL, &all }, { "--apply", NULL, &do_apply } };
	if (!args_read(app, argc, argv, options, NELEM(options)) || !args_want_words(app, "retention", 0, 2))
		return EXIT_USAGE;
	const char *what = app->word_count ? app->words[0] : "";
	bool is_hold = !strcmp(what, "hold"), is_unhold = !strcmp(what, "unhold");
	if (*what && ((!is_hold && !is_unhold) || app->word_count != 2 || (is_hold && (!reason || !*reason)))) {
		say_error("the forms are: retention; retention hold STUDY --reason R; retention unhold STUDY; see `pacs help retention`");
		return EXIT_USAGE;
	}
	const struct passwd *user = getpwuid(getuid());
	const char *who = user ? user->pw_name : "unknown";
	enum exit_code code;
	struct conf *conf;
	if (!app_conf(app, &conf, &code))
		return code;
	code = *what ? hold(conf, app->words[1], is_hold ? reason : NULL, who) : run(app, conf, all, do_apply, who);
	conf_unref(&conf);
	return code;
}
