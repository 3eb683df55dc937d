/* release and complete: what the final state requires (N-SET), then the change of state (N-ACTION). */
#include <stdio.h>
#include <string.h>

#include "pacs/base/clock.h"
#include "viewer-cli/case.h"
#include "viewer-cli/lock.h"

#define TAG_CANCELLATION_REASON TAG(0x0074, 0x1238)

/* PS3.16 CID 9303. */
static const struct reason { const char *word, *code, *meaning; } reasons[] = {
	{ "rejected", "110530", "Assignment rejected by assigned resource" },
	{ "quality", "110531", "Insufficient quality" },
	{ "specialist", REASON_NEEDS_SPECIALIST, "Requires specialist expertise" },
	{ "incomplete", "110523", "Object set incomplete" },
};

/* A word or code of the table; any other text goes along as text. */
static const struct reason *find_reason(const char *given)
{
	for (size_t i = 0; given && i < NELEM(reasons); i++)
		if (strcmp(reasons[i].word, given) == 0 || strcmp(reasons[i].code, given) == 0)
			return &reasons[i];
	return &reasons[0];
}

static enum err fill_release(struct dataset *ds, const struct viewer_options *o, const struct lock *lock)
{
	const struct reason *r = find_reason(o->reason);
	struct dataset *progress = dataset_add_item(ds, TAG_STEP_PROGRESS);
	enum err e = progress ? dataset_put_str(progress, TAG_CANCELLATION_TIME, clock_dt(clock_wall_ms()).s) : ERR_NOMEM;

	(void)lock;
	if (!e && o->reason)
		e = dataset_put_str(progress, TAG_CANCELLATION_REASON, o->reason);
	return e ? e : item_attrs_add_code(progress, TAG_DISCONTINUATION_REASON, r->code, "DCM", r->meaning);
}

static enum err fill_complete(struct dataset *ds, const struct viewer_options *o, const struct lock *lock)
{
	struct clock_text now = clock_dt(clock_wall_ms());
	struct dataset *done = dataset_add_item(ds, TAG_PERFORMED_PROCEDURE);
	enum err e = done ? item_attrs_add_code(done, TAG_PERFORMED_STATION, o->calling, "99PACS", o->calling) : ERR_NOMEM;

	if (!e)
		e = dataset_put_str(done, TAG_PERFORMED_START, lock->claimed_at[0] ? lock->claimed_at : now.s);
	if (!e)
		e = dataset_put_str(done, TAG_PERFORMED_END, now.s);
	if (!e)
		e = item_attrs_add_code(done, TAG_PERFORMED_WORKITEM, "110005", "DCM", "Interpretation");
	return e ? e : dataset_put_empty_sequence(done, TAG_OUTPUT_INFORMATION);
}

typedef enum err fill_fn(struct dataset *ds, const struct viewer_options *o, const struct lock *lock);

static enum err send_changes(struct work_client *w, const struct viewer_options *o, const struct lock *lock, fill_fn *fill, struct why *why)
{
	struct arena a;

	arena_init(&a, 1 << 18);
	struct dataset *ds = dataset_new(&a);
	enum err e = ds ? dataset_put_str(ds, TAG_SPECIFIC_CHARACTER_SET, "ISO_IR 192") : ERR_NOMEM;
	if (!e)
		e = dataset_put_str(ds, TAG_TRANSACTION_UID, lock->transaction.s);
	if (!e)
		e = fill(ds, o, lock);
	if (e)
		fail(why, e, "no memory for the request");
	else
		e = work_client_set(w, lock->item.s, ds, why);
	arena_fini(&a);
	return e;
}

/* The item that is meant and the key to it. */
static enum err find_lock(const struct viewer_options *o, struct lock *out, struct why *why)
{
	*out = (struct lock){ .called = "" };
	if (o->transaction && o->count == 0)
		return fail(why, ERR_USAGE, "--transaction needs the UID of the item");
	if (o->count == 0)
		return lock_only(o->called, out, why);
	enum err e = lock_load(o->args[0], out, why);
	if (o->transaction) {            /* overrides whatever is kept here */
		e = uid_take(&out->transaction, bytes_str(o->transaction));
		if (!e)
			e = uid_take(&out->item, bytes_str(o->args[0]));
	}
	return e;
}

static enum err finish(const struct viewer_options *o, enum item_state to, fill_fn *fill, struct uid *done, struct why *why)
{
	struct work_client *w = NULL;
	struct lock lock;
	uint16_t status;

	enum err e = find_lock(o, &lock, why);
	if (!e)
		e = work_client_open(o, &w, why);
	if (!e)
		e = send_changes(w, o, &lock, fill, why);
	if (!e)
		e = work_client_state(w, lock.item.s, item_state_name(to), lock.transaction.s, &status, why);
	work_client_close(&w);
	if (e)
		return e;
	lock_remove(lock.item.s);
	*done = lock.item;
	return ERR_OK;
}

enum err case_release(const struct viewer_options *o, struct uid *done, struct why *why)
{
	return finish(o, ITEM_CANCELED, fill_release, done, why);
}

enum err case_complete(const struct viewer_options *o, struct uid *done, struct why *why)
{
	return finish(o, ITEM_COMPLETED, fill_complete, done, why);
}

static int command(const struct viewer_options *o, enum err (*run)(const struct viewer_options *, struct uid *, struct why *), const char *said)
{
	struct why why = { "" };
	struct uid done;

	if (run(o, &done, &why))
		return viewer_fail("not %s: %s", said, why.text);
	printf("%s %s\n", said, done.s);
	return VIEWER_OK;
}

int viewer_release(const struct viewer_options *o)
{
	if (o->count > 1)
		return viewer_help("release"), VIEWER_USAGE;
	return command(o, case_release, "released");
}

int viewer_complete(const struct viewer_options *o)
{
	if (o->count > 1)
		return viewer_help("complete"), VIEWER_USAGE;
	return command(o, case_complete, "completed");
}
