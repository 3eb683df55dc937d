#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include "pacs/base/clock.h"
#include "viewer-cli/case.h"
#include "viewer-cli/lock.h"

static enum err make_key(const struct viewer_options *o, const char *uid, struct lock *out, struct why *why)
{
	char node[300];

	snprintf(out->claimed_at, sizeof(out->claimed_at), "%s", clock_dt(clock_wall_ms()).s);
	snprintf(out->called, sizeof(out->called), "%s", o->called);
	snprintf(node, sizeof(node), "%s:%u", o->host, o->port);
	enum err e = uid_take(&out->item, bytes_str(uid));
	if (!e)
		e = uid_new(&out->transaction);
	return e ? fail(why, e, "no Transaction UID: %s", err_name(e)) : lock_save(out, node, why);
}

/* The key is on disk before the claim is asked for. It goes again only when the node has said no: when the answer is
 * lost the claim may stand, and the key is what gives it back. So one that is there from before is tried again. */
enum err case_claim(struct work_client *w, const struct viewer_options *o, const char *uid, uint16_t *status, struct why *why)
{
	struct lock lock = { .called = "" };
	bool had_key = lock_load(uid, &lock, NULL) == ERR_OK;
	enum err e = had_key ? ERR_OK : make_key(o, uid, &lock, why);

	*status = 0;
	if (!e)
		e = work_client_state(w, uid, item_state_name(ITEM_IN_PROGRESS), lock.transaction.s, status, why);
	if (e == ERR_CONFLICT && !had_key)
		lock_remove(uid);
	else if (e == ERR_CONFLICT && *status == UPS_IN_PROGRESS)
		return fail(why, ERR_EXISTS, "%s was claimed from here before; `complete` and `release` work", uid);
	return e;
}

/* The most urgent that is ready; when another reader is faster, the next one. */
static enum err claim_next(struct work_client *w, const struct viewer_options *o, struct uid *got, struct why *why)
{
	struct work_filter f = { .state = "SCHEDULED", .readiness = "READY", .group = o->group };
	struct work_entry *entries = NULL;
	size_t n = 0;
	uint16_t status = UPS_IN_PROGRESS;
	enum err e = work_client_list(w, &f, &entries, &n, why);

	if (!e && n == 0)
		e = fail(why, ERR_NOT_FOUND, "there is nothing to claim");
	for (size_t i = 0; i < n && status == UPS_IN_PROGRESS; i++) {
		e = case_claim(w, o, entries[i].uid.s, &status, why);
		*got = entries[i].uid;
	}
	free(entries);
	return e;
}

int viewer_claim(const struct viewer_options *o)
{
	struct work_client *w = NULL;
	struct why why = { "" };
	struct uid got = { "" };
	uint16_t status;

	if (o->count > 1)
		return viewer_help("claim"), VIEWER_USAGE;
	enum err e = work_client_open(o, &w, &why);
	if (!e && o->count == 1) {
		e = case_claim(w, o, o->args[0], &status, &why);
		snprintf(got.s, sizeof(got.s), "%s", o->args[0]);
	} else if (!e) {
		e = claim_next(w, o, &got, &why);
	}
	work_client_close(&w);
	if (e)
		return viewer_fail("not claimed: %s", why.text);
	printf("claimed %s\n", got.s);
	return VIEWER_OK;
}
