#include "pacs/store/edit_json.h"

#include <stdlib.h>
#include <string.h>

static json_t *rule_to_json(const struct edit_rule *r)
{
	char tag[16];
	json_t *o = json_pack("{s:s}", "study", r->study.s);
	const struct { const char *key, *value; } texts[] = {
		{ "series", r->series.s }, { "instance", r->sop.s }, { "to_study", r->to_study.s }, { "to_series", r->to_series.s } };
	for (size_t i = 0; o && i < NELEM(texts); i++)
		if (texts[i].value[0])
			json_object_set_new(o, texts[i].key, json_string(texts[i].value));
	if (o && r->tag) {
		const struct dict_entry *d = dict_find(r->tag);
		snprintf(tag, sizeof(tag), "%04x,%04x", TAG_GROUP(r->tag), TAG_ELEMENT(r->tag));
		json_object_set_new(o, "tag", json_string(tag));
		json_object_set_new(o, "keyword", json_string(d ? d->keyword : ""));
		json_object_set_new(o, "value", json_string(r->value));
	}
	return o;
}

json_t *edit_to_json(const struct edit *e)
{
	json_t *rules = json_array();
	for (size_t i = 0; rules && i < e->count; i++)
		json_array_append_new(rules, rule_to_json(&e->rules[i]));
	return json_pack("{s:s,s:s,s:s,s:I,s:I,s:o}", "kind", edit_kind_name(e->kind), "who", e->who, "reason", e->reason,
	                 "target", (json_int_t)e->target, "max_oid", (json_int_t)e->max_oid, "rules", rules);
}

/* ---- back ---- */

static bool take(const json_t *o, const char *key, char *out, size_t size)
{
	const json_t *v = json_object_get(o, key);
	const char *s = json_string_value(v);
	if (v && (!s || strlen(s) >= size))
		return false;
	snprintf(out, size, "%s", s ? s : "");
	return true;
}

static bool rule_from_json(const json_t *o, struct edit_rule *r)
{
	char tag[16];
	unsigned group = 0, element = 0;
	bool ok = take(o, "study", r->study.s, sizeof(r->study.s)) && take(o, "series", r->series.s, sizeof(r->series.s)) &&
	          take(o, "instance", r->sop.s, sizeof(r->sop.s)) && take(o, "to_study", r->to_study.s, sizeof(r->to_study.s)) &&
	          take(o, "to_series", r->to_series.s, sizeof(r->to_series.s)) && take(o, "tag", tag, sizeof(tag)) &&
	          take(o, "value", r->value, sizeof(r->value));
	if (ok && tag[0] && sscanf(tag, "%4x,%4x", &group, &element) != 2)
		return false;
	r->tag = TAG(group, element);
	return ok && r->study.s[0];
}

struct edit *edit_from_json(const json_t *o)
{
	const json_t *rules = json_object_get(o, "rules"), *one;
	const char *kind = json_string_value(json_object_get(o, "kind"));
	struct edit *e = kind ? edit_new(json_array_size(rules)) : NULL;
	size_t i;
	if (!e)
		return NULL;
	bool ok = edit_kind_parse(kind, &e->kind) && take(o, "who", e->who, sizeof(e->who)) && take(o, "reason", e->reason, sizeof(e->reason));
	e->target = json_integer_value(json_object_get(o, "target"));
	e->max_oid = (uint64_t)json_integer_value(json_object_get(o, "max_oid"));
	json_array_foreach(rules, i, one)
		ok = ok && rule_from_json(one, &e->rules[i]);
	if (ok && (e->kind == EDIT_REVERT ? e->target > 0 : e->count > 0))
		return e;
	free(e);
	return NULL;
}
