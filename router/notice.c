/* Notices that storescp was given (N-CREATE of an instance availability notification):
 *
 *   {"op":"notice","uid":U,"calling":AE,"study":U,"series":N,"instances":N,"availability":TEXT,"retrieve":AE}
 */
#include <stdio.h>
#include <stdlib.h>

#include "pacs/base/clock.h"
#include "pacs/base/log.h"
#include "db/study_event.h"
#include "pacs/ul/dimse.h"
#include "router/commit.h"

struct noting { struct ctl_request *rq; struct notice notice; };

static enum err note_work(void *arg, struct work *w, struct index_reader *ix, struct why *why)
{
	struct noting *n = arg;
	(void)ix;
	return notice_add(w, &n->notice, why);
}

static void note_done(void *arg, enum err e, const struct why *why)
{
	struct noting *n = arg;
	log_event(e ? LOG_WARN : LOG_INFO, "notice", "calling", n->notice.calling, "study", n->notice.study_uid.s, "instances", log_num(n->notice.instances).s,
	          "availability", n->notice.availability, "error", e ? err_name(e) : NULL, "why", e && e != ERR_EXISTS ? why->text : NULL, NULL);
	ctl_answer(n->rq, json_pack("{s:i,s:s}", "status", e == ERR_EXISTS ? 0x0111 : e ? STATUS_PROCESSING_FAILURE : STATUS_SUCCESS,
	           "comment", e == ERR_EXISTS ? "this notification was taken before" : e ? "the notification cannot be kept" : ""));
	free(n);
}

void notice_ctl(struct router *r, struct ctl_request *rq, const json_t *body)
{
	const char *uid, *calling, *study, *availability, *retrieve;
	int series, instances;
	json_t *b = json_copy((json_t *)(uintptr_t)body);        /* unpacking needs it not const */
	struct noting *n = calloc(1, sizeof(*n));
	bool is_good = b && n && !json_unpack(b, "{s:s,s:s,s:s,s:i,s:i,s:s,s:s}", "uid", &uid, "calling", &calling, "study", &study, "series", &series,
	                                      "instances", &instances, "availability", &availability, "retrieve", &retrieve);
	if (is_good) {
		n->rq = rq;
		snprintf(n->notice.uid.s, sizeof(n->notice.uid.s), "%s", uid);
		snprintf(n->notice.study_uid.s, sizeof(n->notice.study_uid.s), "%s", study);
		snprintf(n->notice.calling, sizeof(n->notice.calling), "%s", calling);
		snprintf(n->notice.availability, sizeof(n->notice.availability), "%s", availability);
		snprintf(n->notice.retrieve_aet, sizeof(n->notice.retrieve_aet), "%s", retrieve);
		n->notice.series = (unsigned)series;
		n->notice.instances = (unsigned)instances;
		n->notice.at_ms = clock_wall_ms();
	}
	json_decref(b);
	if (is_good && !work_run(r->work, note_work, note_done, n))
		return;
	free(n);
	ctl_refuse(rq, is_good ? ERR_NOMEM : ERR_USAGE, is_good ? "no memory" : "notice needs uid, calling, study, series, instances, availability, retrieve");
}
