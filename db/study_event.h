/* study_event - "this study is complete", as a durable event; and the notices that others send us (PS3.4 annex R).
 *
 *   arrival --study_event_note()--> study_quiet --quiet time--> study_event_add() --> jobs (JOB_NOTIFY), whoever reads events
 *                                        MPPS completed, ... --> the same
 *
 * The quiet time is a row with the last arrival, so a restart loses nothing. An event says of how many instances the study was
 * complete; the same study with no more instances makes no second event, whoever says it, so causes may come in any order.
 *
 * Threads  the one that writes work.db, inside its transaction; the lists: any reader.
 */
#ifndef DB_STUDY_EVENT_H
#define DB_STUDY_EVENT_H

#include "db/work.h"

struct study_quiet { struct uid study_uid; int64_t last_arrival_ms; };
/* An image of the study came: its quiet time begins again. */
enum err study_event_note(struct work *w, const char *study_uid, int64_t now_ms, struct why *why) MUST_USE;
/* The study that has been quiet longest; ERR_END: none waits. */
enum err study_event_first(struct work *w, struct study_quiet *out, struct why *why) MUST_USE;
enum err study_event_quiet_done(struct work *w, const char *study_uid, struct why *why) MUST_USE;

struct study_event {
	int64_t id;                      /* rising; what a JOB_NOTIFY has as its instance */
	struct uid uid;                  /* SOP Instance UID of its notification */
	struct uid study_uid;
	char cause[17];                  /* "quiet", "mpps", ... */
	unsigned instances;
	int64_t at_ms;
};
/* ERR_EXISTS: an event of this study says as many instances or more; *id is that one. */
enum err study_event_add(struct work *w, const char *study_uid, const char *cause, unsigned instances, int64_t now_ms, int64_t *id, struct why *why) MUST_USE;
enum err study_event_get(struct work *w, int64_t id, struct study_event *out, struct why *why) MUST_USE;      /* ERR_NOT_FOUND */
/* Newest first. */
enum err study_event_list(struct work_reader *r, unsigned limit, bool (*fn)(void *arg, const struct study_event *e), void *arg, struct why *why) MUST_USE;

/* ---- notices ---- */
struct notice {
	struct uid uid, study_uid;
	char calling[BOUND_AET + 1], retrieve_aet[BOUND_AET + 1], availability[17];      /* of its instances; "mixed" when not all the same */
	unsigned series, instances;
	int64_t at_ms;
};
/* ERR_EXISTS: this notice is kept already. The oldest beyond BOUND_NOTICES go. */
enum err notice_add(struct work *w, const struct notice *n, struct why *why) MUST_USE;
enum err notice_list(struct work_reader *r, unsigned limit, bool (*fn)(void *arg, const struct notice *n), void *arg, struct why *why) MUST_USE;

#endif
