/* A request for a correction becomes an entry of the journal, or is refused in words. */
#include "router/edits.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "db/edit_follow.h"
#include "db/edit_look.h"
#include "db/need.h"

static const char *text(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));
	return s ? s : "";
}

static bool take_uid(const char *s, struct uid *out)
{
	if (!s || !s[0] || strlen(s) >= sizeof(out->s))
		return false;
	snprintf(out->s, sizeof(out->s), "%s", s);
	return true;
}

enum err edits_begin(struct edit_request *q, enum edit_kind kind, size_t rules, struct why *why)
{
	q->made = edit_new(rules);
	if (!q->made)
		return fail(why, rules > BOUND_EDIT_RULES ? ERR_LIMIT : ERR_NOMEM, "%zu attributes, series or images in one correction; at most %d", rules, BOUND_EDIT_RULES);
	q->made->kind = kind;
	snprintf(q->made->who, sizeof(q->made->who), "%s", text(q->body, "who"));
	snprintf(q->made->reason, sizeof(q->made->reason), "%s", text(q->body, "reason"));
	return ERR_OK;
}

/* The study, and what of it: series and sop may be "". */
static enum err look(struct edit_request *q, const char *series, const char *sop, struct uid *study, struct edit_scope *scope, struct why *why)
{
	const char *uid = text(q->body, "study");
	if (!take_uid(uid, study))
		return fail(why, ERR_USAGE, "a Study Instance UID is missing");
	enum err e = edit_look_scope(q->ix, uid, series, sop, scope, why);
	if (e || scope->images)
		return e;
	if (series[0] || sop[0])
		return fail(why, ERR_NOT_FOUND, "study %s has no %s %s; `pacs study show` lists what it has", uid, series[0] ? "series" : "image", series[0] ? series : sop);
	return fail(why, ERR_NOT_FOUND, "there is no study %s here; `pacs study list` shows what there is", uid);
}

/* ---- tag ---- */

/* What all images of a study have in common is never said of some of them; PS3.3 A.1.2: patient, study, series. */
static enum err check_level(uint32_t tag, const char *series, const char *sop, struct why *why)
{
	static const uint32_t of_study[] = { TAG_STUDY_DATE, TAG_STUDY_TIME, TAG_ACCESSION_NUMBER, TAG(0x0008, 0x0090), TAG(0x0008, 0x1030), TAG(0x0020, 0x0010) };
	static const uint32_t of_series[] = { TAG_MODALITY, TAG(0x0020, 0x0011), TAG(0x0008, 0x103E), TAG(0x0008, 0x0021), TAG(0x0008, 0x0031), TAG(0x0018, 0x0015),
	                                      TAG(0x0018, 0x1030), TAG(0x0008, 0x1010), TAG(0x0008, 0x0080) };
	const struct dict_entry *d = dict_find(tag);
	bool is_of_study = TAG_GROUP(tag) == 0x0010, is_of_series = false;
	for (size_t i = 0; i < NELEM(of_study); i++)
		is_of_study |= of_study[i] == tag;
	for (size_t i = 0; i < NELEM(of_series); i++)
		is_of_series |= of_series[i] == tag;
	if ((series[0] || sop[0]) && is_of_study)
		return fail(why, ERR_DENIED, "%s is one for the whole study: leave --series and --instance out, or split the study first", d ? d->keyword : "it");
	if (sop[0] && is_of_series)
		return fail(why, ERR_DENIED, "%s is one for the whole series: use --series, or split the series first", d ? d->keyword : "it");
	return ERR_OK;
}

struct tags {
	struct edit_request *q;
	struct uid study, series, sop;
	const char *patient[EDIT_PATIENT_TAGS];
	char patient_values[EDIT_PATIENT_TAGS][EDIT_VALUE_MAX + 1];
	bool has_patient;
	size_t n;
};

static enum err read_tag(struct tags *t, const json_t *pair, struct why *why)
{
	const char *key = json_string_value(json_array_get(pair, 0)), *value = json_string_value(json_array_get(pair, 1));
	char kept[EDIT_VALUE_MAX + 1];
	uint32_t tag = 0;
	if (!key || !value)
		return fail(why, ERR_USAGE, "an attribute is given as KEY=VALUE");
	enum err e = edit_tag_parse(key, &tag, why);
	if (!e)
		e = edit_tag_allowed(tag, why);
	if (!e)
		e = check_level(tag, t->series.s, t->sop.s, why);
	if (!e)
		e = edit_value_check(tag, value, kept, why);
	if (e)
		return e;
	int place = edits_patient_place(tag);
	if (place >= 0) {
		memcpy(t->patient_values[place], kept, sizeof(kept));
		t->patient[place] = t->patient_values[place];
		t->has_patient = true;
		return ERR_OK;
	}
	for (size_t i = 0; i < t->n; i++)
		if (t->q->made->rules[i].tag == tag)
			return fail(why, ERR_USAGE, "%s is given twice", key);
	struct edit_rule *r = &t->q->made->rules[t->n++];
	*r = (struct edit_rule){ .study = t->study, .series = t->series, .sop = t->sop, .tag = tag };
	memcpy(r->value, kept, sizeof(r->value));
	return ERR_OK;
}

static enum err check_tag(struct edit_request *q, struct why *why)
{
	const json_t *values = json_object_get(q->body, "values");
	const char *series = text(q->body, "series"), *sop = text(q->body, "instance");
	struct edit_scope scope;
	size_t i, n = 0, room = json_array_size(values) < BOUND_EDIT_RULES - EDIT_PATIENT_TAGS ? BOUND_EDIT_RULES : BOUND_EDIT_RULES + 1;
	json_t *pair;
	struct tags *t = calloc(1, sizeof(*t));
	if (!t)
		return fail(why, ERR_NOMEM, "no memory");
	t->q = q;
	enum err e = !json_array_size(values) ? fail(why, ERR_USAGE, "no attribute is given: KEY=VALUE, as StudyDescription=\"CT head\"")
	             : series[0] && sop[0] ? fail(why, ERR_USAGE, "--series and --instance exclude each other") : ERR_OK;
	if (!e)
		e = look(q, series, sop, &t->study, &scope, why);
	if (!e)
		e = edits_begin(q, EDIT_TAG, room, why);
	snprintf(t->series.s, sizeof(t->series.s), "%s", series);
	snprintf(t->sop.s, sizeof(t->sop.s), "%s", sop);
	json_array_foreach(values, i, pair)
		e = e ? e : read_tag(t, pair, why);
	if (!e && t->has_patient) {
		e = edits_patient_rules(q->ix, t->study.s, t->patient, json_is_true(json_object_get(q->body, "patient")), &q->made->rules[t->n], room - t->n, &n, why);
		t->n += n;
	}
	if (!e)
		q->made->count = t->n;
	free(t);
	return e;
}

/* ---- merge ---- */

static enum err merge_one(struct edit_request *q, const char *from, const struct uid *into, size_t *n, struct why *why)
{
	struct edit_scope scope;
	struct edit_rule *r = &q->made->rules[*n];
	struct uid uid;
	bool is_same = false, may_differ = json_is_true(json_object_get(q->body, "patient"));
	if (!take_uid(from, &uid) || !strcmp(from, into->s))
		return fail(why, ERR_USAGE, "a study cannot be merged into itself");
	for (size_t i = 0; i < *n; i++)
		if (!strcmp(q->made->rules[i].study.s, from))
			return fail(why, ERR_USAGE, "study %s is given twice", from);
	enum err e = edit_look_scope(q->ix, from, "", "", &scope, why);
	if (!e && !scope.images)
		return fail(why, ERR_NOT_FOUND, "there is no study %s here; `pacs study list` shows what there is", from);
	if (!e)
		e = edits_patient_of(q->ix, from, into->s, r, &is_same, why);
	if (!e && !is_same && !may_differ)
		return fail(why, ERR_CONFLICT, "study %s is another patient's than study %s. If it is the same person after all, say --patient, "
		            "and it becomes that one's; else nothing is to be merged", from, into->s);
	if (e)
		return e;
	*n += is_same ? 0 : EDIT_PATIENT_TAGS;
	q->made->rules[(*n)++] = (struct edit_rule){ .study = uid, .to_study = *into };
	return ERR_OK;
}

static enum err check_merge(struct edit_request *q, struct why *why)
{
	const json_t *from = json_object_get(q->body, "from");
	struct edit_scope scope;
	struct uid into;
	size_t n = 0;
	enum err e = json_array_size(from) ? look(q, "", "", &into, &scope, why) : fail(why, ERR_USAGE, "no study is given that becomes part of the first");
	if (!e)
		e = edits_begin(q, EDIT_MERGE, json_array_size(from) * (EDIT_PATIENT_TAGS + 1), why);
	for (size_t i = 0; !e && i < json_array_size(from); i++)
		e = merge_one(q, json_string_value(json_array_get(from, i)), &into, &n, why);
	if (!e)
		q->made->count = n;
	return e;
}

/* ---- split ---- */

/* Where it goes: a study of the same patient, or a new one. */
static enum err target_of(struct edit_request *q, const struct uid *study, struct uid *to, struct why *why)
{
	const char *into = text(q->body, "into");
	struct edit_scope scope;
	struct edit_rule unused[EDIT_PATIENT_TAGS];
	bool is_same = false;
	if (!into[0]) {
		enum err e = uid_new(to);
		q->study = *to;
		return e ? fail(why, e, "no UID for a new study") : ERR_OK;
	}
	if (!take_uid(into, to) || !strcmp(into, study->s))
		return fail(why, ERR_USAGE, "--into names the study itself");
	enum err e = edit_look_scope(q->ix, into, "", "", &scope, why);
	if (!e && !scope.images)
		return fail(why, ERR_NOT_FOUND, "there is no study %s here; --new makes one", into);
	if (!e)
		e = edits_patient_of(q->ix, study->s, into, unused, &is_same, why);
	if (!e && !is_same)
		return fail(why, ERR_CONFLICT, "study %s is another patient's: split with --new, then give the new study its patient with `pacs study tag`", into);
	return e;
}

/* Images go into a new series, one for each that they come from. */
static enum err series_for(struct edit_request *q, size_t n, const struct uid *from, struct uid *series_of, struct uid *out, struct why *why)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(series_of[i].s, from->s)) {
			*out = q->made->rules[i].to_series;
			return ERR_OK;
		}
	enum err e = uid_new(out);
	return e ? fail(why, e, "no UID for a new series") : ERR_OK;
}

static enum err split_one(struct edit_request *q, const char *uid, bool is_series, const struct uid *to, size_t n, struct uid *series_of, struct why *why)
{
	struct edit_rule *r = &q->made->rules[n];
	struct edit_scope scope;
	struct uid what;
	if (!take_uid(uid, &what))
		return fail(why, ERR_USAGE, "a UID is missing");
	for (size_t i = 0; i < n; i++)
		if (!strcmp(is_series ? q->made->rules[i].series.s : q->made->rules[i].sop.s, uid))
			return fail(why, ERR_USAGE, "%s is given twice", uid);
	enum err e = look(q, is_series ? uid : "", is_series ? "" : uid, &r->study, &scope, why);
	r->to_study = *to;
	if (is_series) {
		r->series = what;
		return e;
	}
	r->sop = what;
	series_of[n] = scope.series;
	return e ? e : series_for(q, n, &scope.series, series_of, &r->to_series, why);
}

static enum err check_split(struct edit_request *q, struct why *why)
{
	const json_t *series = json_object_get(q->body, "series"), *sops = json_object_get(q->body, "instances"), *list = json_array_size(series) ? series : sops;
	struct edit_scope scope;
	struct uid study, to = { "" };
	size_t n = json_array_size(list);
	if (!n || (json_array_size(series) && json_array_size(sops)))
		return fail(why, ERR_USAGE, "split needs --series or --instance, one or several of one kind");
	enum err e = look(q, "", "", &study, &scope, why);
	if (!e)
		e = edits_begin(q, EDIT_SPLIT, n, why);
	if (!e)
		e = target_of(q, &study, &to, why);
	struct uid *series_of = e ? NULL : calloc(n, sizeof(*series_of));
	if (!e && !series_of)
		e = fail(why, ERR_NOMEM, "no memory");
	for (size_t i = 0; !e && i < n; i++)
		e = split_one(q, json_string_value(json_array_get(list, i)), list == series, &to, i, series_of, why);
	free(series_of);
	return e;
}

/* ---- delete ---- */

static enum err check_needed(struct edit_request *q, const struct uid *study, const struct edit_scope *scope, struct why *why)
{
	struct need need;
	if (scope->is_held)
		return fail(why, ERR_CONFLICT, "study %s is held; `pacs retention unhold` lifts that", study->s);
	if (json_is_true(json_object_get(q->body, "force")))
		return ERR_OK;
	enum err e = need_of_study(q->work, q->ix, study->s, &need, why);
	if (e || !need.what)
		return e;
	return fail(why, ERR_CONFLICT, "study %s is %s. Wait for that, or say --force: its jobs and reading work end then", study->s, need_text(need.what).s);
}

static enum err check_delete(struct edit_request *q, struct why *why)
{
	const json_t *series = json_object_get(q->body, "series"), *sops = json_object_get(q->body, "instances"), *list = json_array_size(series) ? series : sops;
	size_t n = json_array_size(list) ? json_array_size(list) : 1;
	struct edit_scope scope;
	struct uid study;
	if (json_array_size(series) && json_array_size(sops))
		return fail(why, ERR_USAGE, "delete takes --series or --instance, not both");
	if (!text(q->body, "reason")[0])
		return fail(why, ERR_USAGE, "delete needs --reason: it stays on record who deleted what and why");
	enum err e = look(q, "", "", &study, &scope, why);
	if (!e)
		e = check_needed(q, &study, &scope, why);
	if (!e)
		e = edits_begin(q, EDIT_DELETE, n, why);
	for (size_t i = 0; !e && i < n; i++) {
		struct edit_rule *r = &q->made->rules[i];
		const char *uid = json_string_value(json_array_get(list, i));
		r->study = study;
		if (json_array_size(list) && !take_uid(uid, list == series ? &r->series : &r->sop))
			e = fail(why, ERR_USAGE, "a UID is missing");
		if (!e)
			e = look(q, r->series.s, r->sop.s, &study, &scope, why);
	}
	return e ? e : edit_look_max_oid(q->ix, &q->made->max_oid, why);
}

enum err edits_check(struct edit_request *q, struct why *why)
{
	static enum err (*const check[EDIT_KINDS])(struct edit_request *, struct why *) = {
		[EDIT_TAG] = check_tag, [EDIT_MERGE] = check_merge, [EDIT_SPLIT] = check_split, [EDIT_DELETE] = check_delete, [EDIT_REVERT] = edits_check_revert,
	};
	enum edit_kind kind;
	if (!edit_kind_parse(text(q->body, "kind"), &kind) || !text(q->body, "who")[0])
		return fail(why, ERR_USAGE, "study.edit needs kind (tag, merge, split, delete, revert) and who");
	return check[kind](q, why);
}
