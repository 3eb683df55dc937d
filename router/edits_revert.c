/* May an entry be taken back? */
#include "router/edits.h"

#include <stdlib.h>
#include <string.h>

#include "db/edit_follow.h"
#include "db/patients.h"

enum { STUDIES = 2 * BOUND_EDIT_RULES, PAGE = 16 };

static bool meet(const struct edit *a, const struct edit *b)
{
	struct uid *x = calloc(2 * STUDIES, sizeof(*x)), *y = x ? x + STUDIES : NULL;
	bool found = !x;
	size_t n = x ? edit_studies(a, x, STUDIES) : 0, m = x ? edit_studies(b, y, STUDIES) : 0;
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < m; k++)
			found |= !strcmp(x[i].s, y[k].s);
	free(x);
	return found;
}

/* Later corrections of the same studies, which count. */
static enum err stands_on(struct edit_request *q, const struct edit *target, int64_t seq, struct why *why)
{
	struct index_patient_change c[PAGE];
	int64_t after = seq, by = 0;
	size_t n = 0;
	enum err e = ERR_OK;
	do {
		e = patients_edits_after(q->work, after, c, PAGE, &n, why);
		for (size_t i = 0; !e && i < n; i++) {
			const struct edit *later = c[i].edit;
			after = c[i].seq;
			if (!later || later->kind == EDIT_REVERT || later->kind == EDIT_DELETE || !meet(target, later))
				continue;
			e = patients_reverted_by(q->work, after, &by, why);
			if (!e && !by)
				e = fail(why, ERR_CONFLICT, "edit %lld (%s) was made on the same study afterwards; revert that one first", (long long)after, edit_kind_name(later->kind));
		}
		patients_free(c, n);
	} while (!e && n);
	return e;
}

enum err edits_check_revert(struct edit_request *q, struct why *why)
{
	int64_t seq = json_integer_value(json_object_get(q->body, "target")), by = 0;
	struct edit *target = NULL;
	enum err e = edit_get(q->work, "patient_journal", seq, &target, why);
	if (e == ERR_NOT_FOUND)
		return fail(why, e, "there is no edit %lld; `pacs study edits` lists them", (long long)seq);
	if (!e && !target)
		e = fail(why, ERR_DENIED, "entry %lld is a patient update or merge by HL7: the hospital's system takes it back", (long long)seq);
	else if (!e && target->kind != EDIT_TAG && target->kind != EDIT_MERGE && target->kind != EDIT_SPLIT)
		e = fail(why, ERR_DENIED, "edit %lld is a %s, which cannot be taken back%s", (long long)seq, edit_kind_name(target->kind),
		         target->kind == EDIT_DELETE ? ": its images must be sent again" : "");
	if (!e)
		e = patients_reverted_by(q->work, seq, &by, why);
	if (!e && by)
		e = fail(why, ERR_CONFLICT, "edit %lld was taken back already, by edit %lld", (long long)seq, (long long)by);
	if (!e)
		e = stands_on(q, target, seq, why);
	if (!e)
		e = edits_begin(q, EDIT_REVERT, 0, why);
	if (!e)
		q->made->target = seq;
	free(target);
	return e;
}
