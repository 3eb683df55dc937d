/* The request patient.apply of the local socket. */
#include "storescp/control_patient.h"

#include <stdio.h>
#include <stdlib.h>

#include "pacs/store/edit_json.h"

enum { CHANGES_MAX = 200 };

struct apply {
	struct ingest_patients patients;
	struct ctl_request *rq;
	size_t count;
	struct index_patient_change changes[];
};

static void give_up(struct apply *a)
{
	for (size_t i = 0; i < a->count; i++)
		free(a->changes[i].edit);
	free(a);
}

static void applied(void *arg, struct ingest_patients *p)
{
	struct apply *a = arg;
	if (p->err)
		ctl_refuse(a->rq, p->err, p->why.text);
	else
		ctl_answer(a->rq, json_pack("{s:I,s:i}", "seq", (json_int_t)p->seq, "patients", (int)p->touched));
	give_up(a);
}

static void take(const json_t *from, const char *key, char *out, size_t size)
{
	const char *s = json_string_value(json_object_get(from, key));
	snprintf(out, size, "%s", s ? s : "");
}

static bool read_change(const json_t *from, struct index_patient_change *c)
{
	c->seq = json_integer_value(json_object_get(from, "seq"));
	c->at_ms = json_integer_value(json_object_get(from, "at"));
	c->is_merge = json_is_true(json_object_get(from, "merge"));
	take(from, "patient_id", c->patient_id, sizeof(c->patient_id));
	take(from, "issuer", c->issuer, sizeof(c->issuer));
	take(from, "name", c->name, sizeof(c->name));
	take(from, "birth_date", c->birth_date, sizeof(c->birth_date));
	take(from, "sex", c->sex, sizeof(c->sex));
	take(from, "old_id", c->old_id, sizeof(c->old_id));
	take(from, "old_issuer", c->old_issuer, sizeof(c->old_issuer));
	take(from, "message", c->message, sizeof(c->message));
	const json_t *edit = json_object_get(from, "edit");
	c->edit = edit ? edit_from_json(edit) : NULL;
	if (edit)
		return c->seq > 0 && c->edit;
	return c->seq > 0 && c->patient_id[0] && (!c->is_merge || c->old_id[0]);
}

void control_patient_apply(struct server *sv, struct ctl_request *rq, const json_t *body)
{
	const json_t *list = json_object_get(body, "changes");
	size_t n = json_array_size(list);
	struct apply *a = n <= CHANGES_MAX ? calloc(1, sizeof(*a) + n * sizeof(a->changes[0])) : NULL;
	if (!a) {
		ctl_refuse(rq, n > CHANGES_MAX ? ERR_LIMIT : ERR_NOMEM, "patient.apply takes at most 200 changes");
		return;
	}
	a->count = n;
	for (size_t i = 0; i < n; i++)
		if (!read_change(json_array_get(list, i), &a->changes[i]) || (i && a->changes[i].seq <= a->changes[i - 1].seq)) {
			give_up(a);
			ctl_refuse(rq, ERR_USAGE, "patient.apply: each change needs a rising seq and patient_id, a merge old_id, or an edit");
			return;
		}
	a->rq = rq;
	a->patients = (struct ingest_patients){ .changes = a->changes, .count = n, .after = json_integer_value(json_object_get(body, "after")), .done = applied, .arg = a };
	ingest_patients(sv->ingest, &a->patients);
}
