#include "storescp/mwl.h"

#include <stdio.h>

#include "pacs/base/clock.h"
#include "pacs/dicom/match.h"
#include "pacs/orders/order_worklist.h"

enum { OPEN = 1u << ORDER_SCHEDULED | 1u << ORDER_STARTED };

/* Who asks for one patient or request means it, however old it is. */
static bool names_one(const struct dataset *keys)
{
	static const uint32_t tags[] = { TAG_ACCESSION_NUMBER, TAG_PATIENT_NAME, TAG_PATIENT_ID, TAG_PROCEDURE_ID, TAG_STUDY_UID };
	for (size_t i = 0; i < NELEM(tags); i++)
		if (match_kind(VR_LO, dataset_str(keys, tags[i])) != MATCH_UNIVERSAL)
			return true;
	return false;
}

static enum err read_when(const struct dataset *step, struct mwl_query *q, int64_t forget_ms)
{
	const char *date = dataset_str(step, TAG_STEP_START_DATE), *time = dataset_str(step, TAG_STEP_START_TIME);
	char lo[32], hi[32];
	if (!date[0] || match_kind(VR_DA, date) == MATCH_UNIVERSAL) {
		if (forget_ms)
			snprintf(q->from, sizeof(q->from), "%.8s", clock_da(forget_ms).s);
		return ERR_OK;
	}
	enum err e = match_range(VR_DA, date, q->from, q->to);
	if (e || match_kind(VR_DA, date) != MATCH_RANGE || match_kind(VR_TM, time) != MATCH_RANGE)
		return e;
	e = match_range(VR_TM, time, lo, hi);
	if (e)
		return e;
	q->is_combined = true;
	if (q->from[0])
		snprintf(q->first, sizeof(q->first), "%s%s", q->from, lo);
	if (q->to[0])
		snprintf(q->last, sizeof(q->last), "%s%s", q->to, hi[0] ? hi : "9");
	return ERR_OK;
}

/* The same keys, without values where the query decides itself. */
static enum err copy_keys(const struct dataset *keys, const struct mwl_query *q, struct dataset *out)
{
	enum err e = ERR_OK;
	for (const struct element *el = keys->first; !e && el; el = el->next)
		e = dataset_copy(out, el);
	struct dataset *step = dataset_item(out, TAG_STEP_SEQUENCE, 0);
	const struct { bool is_decided; uint32_t tag; } decided[] = { { q->is_combined, TAG_STEP_START_DATE }, { q->is_combined, TAG_STEP_START_TIME } };
	for (size_t i = 0; !e && step && i < NELEM(decided); i++)
		if (decided[i].is_decided)
			e = dataset_put_str(step, decided[i].tag, "");
	return e;
}

enum err mwl_query_read(const struct dataset *keys, const char *calling, int64_t forget_ms, struct mwl_query *q, struct dataset **match)
{
	static const struct dataset nothing;
	const struct dataset *step = dataset_item(keys, TAG_STEP_SEQUENCE, 0);
	memset(q, 0, sizeof(*q));
	if (names_one(keys))
		forget_ms = 0;
	*match = dataset_new(keys->arena);
	if (!*match)
		return ERR_NOMEM;
	step = step ? step : &nothing;
	const char *aet = step->first ? dataset_str(step, TAG_STEP_AET) : "", *status = step->first ? dataset_str(step, TAG_STEP_STATUS) : "";
	q->asks_aet = aet[0] && !strpbrk(aet, "*?\\");
	snprintf(q->aet, sizeof(q->aet), "%.16s", q->asks_aet ? aet : calling);
	q->filter.states = status[0] && strcmp(status, "*") ? 0 : OPEN;
	enum err e = step->first ? read_when(step, q, forget_ms) : ERR_OK;
	if (!step->first && forget_ms)
		snprintf(q->from, sizeof(q->from), "%.8s", clock_da(forget_ms).s);
	q->filter.from = q->from;
	q->filter.to = q->to;
	return e ? e : copy_keys(keys, q, *match);
}

bool mwl_query_takes(const struct mwl_query *q, struct order_row *row)
{
	char moment[64];
	snprintf(moment, sizeof(moment), "%s%s", row->o.date, row->o.time);
	if (!row->o.station_aet[0])
		memcpy(row->o.station_aet, q->aet, sizeof(q->aet));
	return !q->is_combined || ((!q->first[0] || strncmp(moment, q->first, strlen(moment)) >= 0) && (!q->last[0] || strcmp(moment, q->last) <= 0));
}
