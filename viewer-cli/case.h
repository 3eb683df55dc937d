/* case - what a reader does with one work item: claims it, brings its images, ends it. Each waits for the network.
 *
 * Shared by the commands and by `read`. Nothing here prints.
 */
#ifndef VIEWER_CLI_CASE_H
#define VIEWER_CLI_CASE_H

#include "viewer-cli/work.h"

/* Claims an item; its key is on disk before it is asked for. ERR_CONFLICT with *status 0xC302: somebody else was faster.
 * ERR_EXISTS: it was claimed from here before. */
enum err case_claim(struct work_client *w, const struct viewer_options *o, const char *uid, uint16_t *status, struct why *why) MUST_USE;

/* Completes it, or gives it back for a reason (a word of `release`, or any text; NULL: rejected). The item and its key:
 * o->args[0] and o->transaction where they are given, else the only one that is claimed here. *done gets its UID. */
enum err case_complete(const struct viewer_options *o, struct uid *done, struct why *why) MUST_USE;
enum err case_release(const struct viewer_options *o, struct uid *done, struct why *why) MUST_USE;

/* ---- images ---- */
struct pull_count { unsigned all, stored, missing, refused, failed; uint64_t bytes; };
struct pull_job {
	const struct viewer_options *o;  /* the node; images go to o->out_dir */
	const char *item, *study;        /* one of both */
	/* After each image, and for each that was refused; by the thread that waits. May be NULL. */
	void (*progress)(void *arg, const struct pull_count *count);
	void (*refused)(void *arg, const char *sop, const struct why *why);
	void *arg;
};
/* ERR_OK is no promise that none is missing: see count. ERR_CANCELLED: o->cancel became true. */
enum err case_pull(const struct pull_job *job, struct pull_count *count, struct why *why) MUST_USE;

#endif
