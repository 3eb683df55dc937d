#include "pacs/ctl/commit_json.h"

#include <stdlib.h>
#include <string.h>

static bool take(const json_t *from, struct uid *out)
{
	const char *s = json_string_value(from);
	if (!s || !uid_is_legal(s))
		return false;
	memcpy(out->s, s, strlen(s) + 1);
	return true;
}

enum err commit_json_read(const json_t *body, bool has_reasons, struct commit_refs *out)
{
	const json_t *refs = json_object_get(body, "refs");
	size_t each = has_reasons ? 3 : 2, n = json_array_size(refs) / each;
	*out = (struct commit_refs){ 0 };
	if (!take(json_object_get(body, "transaction"), &out->transaction) || !n || json_array_size(refs) % each)
		return ERR_USAGE;
	if (n > BOUND_COMMIT_REFS)
		return ERR_LIMIT;
	out->refs = calloc(n, sizeof(*out->refs));
	if (!out->refs)
		return ERR_NOMEM;
	for (size_t i = 0; i < n; i++) {
		struct commit_ref *r = &out->refs[out->count++];
		json_int_t reason = has_reasons ? json_integer_value(json_array_get(refs, i * each + 2)) : 0;
		if (!take(json_array_get(refs, i * each), &r->sop_class) || !take(json_array_get(refs, i * each + 1), &r->sop_instance) || reason < 0 || reason > UINT16_MAX)
			return ERR_USAGE;
		r->reason = (uint16_t)reason;
	}
	return ERR_OK;
}

json_t *commit_json_write(const struct commit_refs *r, bool with_reasons)
{
	json_t *refs = json_array();
	int failed = !refs;
	for (size_t i = 0; i < r->count && !failed; i++) {
		failed |= json_array_append_new(refs, json_string(r->refs[i].sop_class.s));
		failed |= json_array_append_new(refs, json_string(r->refs[i].sop_instance.s));
		if (with_reasons)
			failed |= json_array_append_new(refs, json_integer(r->refs[i].reason));
	}
	if (failed) {
		json_decref(refs);
		return NULL;
	}
	return json_pack("{s:s,s:o}", "transaction", r->transaction.s, "refs", refs);
}
