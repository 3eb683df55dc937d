/* complete - studies that are complete: the event, and the notify jobs that routes make of it.
 *
 *   arrival --(plan's transaction)--> study_quiet --`quiet` seconds of silence--> complete_study("quiet")
 *   MPPS completed, expected count reached, ... ------------------------------> complete_study(their cause)
 *
 * The event and its jobs are one transaction (db/study_event.h). Late images make another event when it is quiet again.
 */
#ifndef ROUTER_COMPLETE_H
#define ROUTER_COMPLETE_H

#include "router/router.h"

enum err complete_start(struct router *r, struct why *why) MUST_USE;
void     complete_stop(struct router *r);
void     complete_wake(struct router *r);        /* a quiet time has begun; or complete_study() has been called: its jobs go out */

/* Work thread, in a transaction. Whoever knows that the study has all its images says so; cause: a word of at most 16 letters.
 * *is_new: an event was made; false: it was known with as many images, or there is no such study. */
enum err complete_study(const struct conf *conf, struct work *w, struct index_reader *ix, const char *study_uid, const char *cause,
                        int64_t now_ms, bool *is_new, struct why *why) MUST_USE;

#endif
