#include <stdio.h>

#include "router/jobs.h"

static bool is_refusal_of_room(uint16_t status)
{
	return (status & 0xFF00) == STATUS_OUT_OF_RESOURCES || status == 0x0213;
}

static struct jobs_verdict judge_status(const struct send_result *res)
{
	struct jobs_verdict v = { .event = JOB_REFUSED };
	const char *colon = res->comment[0] ? ": " : "";
	if (dimse_status_is_done(res->status))
		v.event = JOB_DELIVERED;
	else if (dimse_status_is_transient(res->status) && res->status != STATUS_NO_SOP_CLASS)
		v.event = JOB_FAILED;
	v.is_full = is_refusal_of_room(res->status);
	if (res->status != STATUS_SUCCESS)
		snprintf(v.why, sizeof(v.why), "the far end answered %04X%s%.100s", res->status, colon, res->comment);
	return v;
}

struct jobs_verdict jobs_judge(const struct send_result *res, bool has_closed)
{
	struct jobs_verdict v = { .event = JOB_FAILED };
	if (res->err == ERR_OK)
		return judge_status(res);
	/* Not begun, so not to blame; one that was on the wire may be what the far end chokes on, and steps aside. */
	if (res->err == ERR_CANCELLED || (has_closed && res->err == ERR_CLOSED && !res->bytes))
		v.event = JOB_GIVE_BACK;
	else if (res->err == ERR_UNSUPPORTED || res->err == ERR_MISMATCH || res->err == ERR_FORMAT)
		v.event = JOB_REFUSED;
	if (v.event != JOB_GIVE_BACK)
		snprintf(v.why, sizeof(v.why), "%.160s", res->comment[0] ? res->comment : err_name(res->err));
	return v;
}
