#include <stdlib.h>
#include <string.h>

#include "db/index.h"
#include "pacs/command.h"
#include "pacs/dicom/charset_detect.h"
#include "pacs/dicom/match.h"
#include "pacs/output.h"

enum {
	TERMS_MAX = 16,          /* sets that one sender's text is found in */
	ADVICE = 256,
};

/* What is known of one sender while its rows come. */
struct sender {
	const struct conf *conf;
	json_t *cases;                   /* borrowed: in `row` */
	json_t *row;                     /* owned */
	char calling[BOUND_AET + 1];
	uint64_t objects, studies, ascii, right, undeclared, false_, unknown, by_sender, detected, latin1;
	struct { char found[24]; uint64_t objects; } wrong[TERMS_MAX];   /* not as declared, by the set they are in */
	size_t wrong_count;
};

struct report { const struct conf *conf; json_t *senders; struct sender now; };

/* ---- advice ---- */

static const struct conf_node *node_of(const struct sender *s)
{
	return conf_node_by_aet(s->conf, s->calling);
}

static bool says_charset(const struct sender *s, const char *found)
{
	const struct conf_node *n = node_of(s);
	const char *set = n && n->charset[0] ? n->charset : s->conf->charset;
	char name[24];
	charset_name(set, name);
	return set[0] && !strcmp(name, found);
}

static void advise(const struct sender *s, char out[ADVICE])
{
	const struct conf_node *n = node_of(s);
	uint64_t wrong = 0;
	size_t most = 0;
	out[0] = '\0';
	for (size_t i = 0; i < s->wrong_count; i++) {
		wrong += s->wrong[i].objects;
		most = s->wrong[i].objects > s->wrong[most].objects ? i : most;
	}
	if (s->latin1) {
		snprintf(out, ADVICE, "%llu objects could be read as Latin-1 only: look at an example, and tell the maker of the device", (unsigned long long)s->latin1);
		return;
	}
	if (!wrong)
		return;
	const char *found = s->wrong[most].found, *term = !strcmp(found, "Big5") ? "BIG5" : found;
	if (s->wrong[most].objects * 10 < wrong * 9)
		snprintf(out, ADVICE, "it sends text in several sets: leave its charset empty, each object is looked at");
	else if (says_charset(s, found))
		snprintf(out, ADVICE, "nothing to do here: %s is set for it; its own configuration should declare it", found);
	else if (n)
		snprintf(out, ADVICE, "set charset = \"%s\" for node %s in pacs.conf, or let the device declare %s", term, n->name, found);
	else
		snprintf(out, ADVICE, "add a node for it (pacs node accept %s) with charset = \"%s\" in pacs.conf, or let the device declare %s", s->calling, term, found);
}

/* ---- rows ---- */

static void end_sender(struct report *r)
{
	struct sender *s = &r->now;
	char advice[ADVICE];
	if (!s->row)
		return;
	advise(s, advice);
	const struct { const char *key; uint64_t n; } counts[] = {
		{ "studies", s->studies }, { "objects", s->objects }, { "ascii", s->ascii }, { "right", s->right }, { "undeclared", s->undeclared }, { "false", s->false_ },
		{ "not_known", s->unknown }, { "by_sender_default", s->by_sender }, { "by_detection", s->detected }, { "by_latin1", s->latin1 },
	};
	for (size_t i = 0; i < NELEM(counts); i++)
		json_object_set_new(s->row, counts[i].key, json_integer((json_int_t)counts[i].n));
	json_object_set_new(s->row, "advice", json_string(advice));
	json_array_append_new(r->senders, s->row);
	s->row = NULL;
}

static void begin_sender(struct report *r, const char *calling)
{
	end_sender(r);
	r->now = (struct sender){ .conf = r->conf, .row = json_object(), .cases = json_array() };
	snprintf(r->now.calling, sizeof(r->now.calling), "%s", calling);
	json_object_set_new(r->now.row, "sender", output_text(calling));
	json_object_set_new(r->now.row, "cases", r->now.cases);
}

static void count_wrong(struct sender *s, const struct index_text *t)
{
	size_t i = 0;
	while (i < s->wrong_count && strcmp(s->wrong[i].found, t->found))
		i++;
	if (i == TERMS_MAX)
		return;
	if (i == s->wrong_count)
		snprintf(s->wrong[s->wrong_count++].found, sizeof(s->wrong[i].found), "%s", t->found);
	s->wrong[i].objects += t->objects;
}

static bool add_row(void *arg, const struct index_text *t)
{
	struct report *r = arg;
	struct sender *s = &r->now;
	char day[12];
	if (!s->row || strcmp(s->calling, t->calling))
		begin_sender(r, t->calling);
	bool is_ascii = !strcmp(t->how, "ascii"), is_wrong = !strcmp(t->said, "nothing") || !strcmp(t->said, "false");
	s->objects += t->objects;
	s->studies += t->studies;
	s->ascii += is_ascii ? t->objects : 0;
	s->right += !is_ascii && !strcmp(t->said, "right") ? t->objects : 0;
	s->undeclared += !strcmp(t->said, "nothing") ? t->objects : 0;
	s->false_ += !strcmp(t->said, "false") ? t->objects : 0;
	s->unknown += !is_ascii && !t->said[0] ? t->objects : 0;
	s->by_sender += !strcmp(t->how, "sender") ? t->objects : 0;
	s->detected += !strcmp(t->how, "detected") ? t->objects : 0;
	s->latin1 += !strcmp(t->how, "latin1") ? t->objects : 0;
	if (is_wrong)
		count_wrong(s, t);
	snprintf(day, sizeof(day), "%d", t->last_day);
	json_array_append_new(s->cases, json_pack("{s:s,s:s,s:s,s:s,s:I,s:I,s:s,s:s}", "declaration", t->said, "declared", t->declared, "found", t->found, "how", t->how,
	                                          "studies", (json_int_t)t->studies, "objects", (json_int_t)t->objects, "last_day", day, "example_study", t->study_uid.s));
	return true;
}

/* ---- for people: one line for each sender and case, then the advice ---- */

static json_t *lines_of(const json_t *senders)
{
	static const struct { const char *said, *shown; } words[] = { { "right", "right" }, { "nothing", "missing" }, { "false", "false" }, { "", "not known" } };
	json_t *lines = json_array(), *sender, *one;
	size_t i, k;
	json_array_foreach(senders, i, sender)
		json_array_foreach(json_object_get(sender, "cases"), k, one) {
			json_t *line = json_copy(one);
			const char *said = json_string_value(json_object_get(one, "declaration"));
			bool is_ascii = !strcmp(json_string_value(json_object_get(one, "how")), "ascii");
			for (size_t w = 0; w < NELEM(words); w++)
				if (!strcmp(words[w].said, said))
					json_object_set_new(line, "declaration", json_string(is_ascii ? "-" : words[w].shown));
			json_object_set(line, "sender", json_object_get(sender, "sender"));
			if (is_ascii)
				json_object_set_new(line, "found", json_string("ASCII"));
			json_array_append_new(lines, line);
		}
	return lines;
}

static enum exit_code tell(const struct app *app, json_t *senders)
{
	static const struct column columns[] = {
		{ "SENDER", "sender", COLUMN_TEXT }, { "DECLARATION", "declaration", COLUMN_TEXT }, { "DECLARED", "declared", COLUMN_TEXT }, { "TEXT IS", "found", COLUMN_TEXT },
		{ "READ BY", "how", COLUMN_TEXT }, { "STUDIES", "studies", COLUMN_NUMBER }, { "OBJECTS", "objects", COLUMN_NUMBER }, { "LAST", "last_day", COLUMN_TEXT },
		{ "EXAMPLE STUDY", "example_study", COLUMN_TEXT },
	};
	json_t *sender;
	size_t i;
	if (app->json)
		return output_json(senders);
	enum exit_code code = output_rows(app, lines_of(senders), columns, NELEM(columns), "No objects.");
	json_array_foreach(senders, i, sender) {
		const char *advice = json_string_value(json_object_get(sender, "advice"));
		if (advice && *advice)
			printf("%s: %s\n", json_string_value(json_object_get(sender, "sender")), advice);
	}
	json_decref(senders);
	return code;
}

enum exit_code check_text(const struct app *app, const char *sender, const char *since)
{
	enum exit_code code;
	struct index_reader *ix = NULL;
	struct report r = { .conf = NULL };
	struct conf *conf;
	struct why why;
	char day[32] = "";
	if (since) {
		match_normalise(VR_DA, since, day);
		if (!day[0]) {
			say_error("--since is \"%s\", expected a day as YYYYMMDD", since);
			return EXIT_USAGE;
		}
	}
	if (!app_conf(app, &conf, &code))
		return code;
	r.conf = conf;
	r.senders = json_array();
	enum err e = index_reader_open(conf->dir, &ix, &why);
	if (!e)
		e = index_text_list(ix, sender ? sender : "", atoi(day), add_row, &r, &why);
	end_sender(&r);
	index_reader_close(&ix);
	if (e)
		json_decref(r.senders);
	code = e ? say_failure(e, &why) : tell(app, r.senders);
	conf_unref(&conf);
	return code;
}
