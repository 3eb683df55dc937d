#include "pacs/ctl/ctl_line.h"

#include <stdlib.h>
#include <string.h>

enum err ctl_line_add(struct buf *out, json_t *object)
{
	char *text = object ? json_dumps(object, JSON_COMPACT) : NULL;
	json_decref(object);
	if (!text)
		return ERR_NOMEM;
	buf_add_str(out, text);
	buf_add_byte(out, '\n');
	free(text);
	return buf_err(out);
}

static enum err err_of_name(const char *name)
{
	for (int e = ERR_OK + 1; e < ERR_COUNT; e++)
		if (!strcmp(name, err_name((enum err)e)))
			return (enum err)e;
	return ERR_PROTO;
}

enum err ctl_line_answer(const char *line, size_t len, json_t **answer, struct why *why)
{
	json_error_t je;
	json_t *a = json_loadb(line, len, JSON_REJECT_DUPLICATES, &je);
	const json_t *ok = json_object_get(a, "ok");
	if (json_is_true(ok)) {
		*answer = a;
		return ERR_OK;
	}
	enum err e;
	if (json_is_false(ok)) {
		const char *name = json_string_value(json_object_get(a, "error"));
		const char *message = json_string_value(json_object_get(a, "message"));
		e = fail(why, err_of_name(name ? name : ""), "%s", message ? message : "refused without a reason");
	} else {
		e = fail(why, ERR_PROTO, "an answer of %zu bytes on a local socket is no answer: %s", len, a ? "it has no \"ok\"" : je.text);
	}
	json_decref(a);
	return e;
}
