#include "viewer-cli/work.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ARENA = 64 << 20, ACTION_CHANGE_STATE = 1 };

struct work_client {
	struct client *client;
	const struct assoc_context *pc;
	struct arena arena;              /* of one request and its answer */
};

enum err work_client_open(const struct viewer_options *o, struct work_client **out, struct why *why)
{
	const char *ts[] = { TS_EXPLICIT_LE, TS_IMPLICIT_LE };
	struct negotiate_context context = { .id = 1, .abstract_syntax = UID_UPS_PULL, .ts = ts, .ts_count = NELEM(ts) };
	struct assoc_request rq = { .contexts = &context, .context_count = 1 };
	struct client_peer peer = { o->host, o->port, o->called, o->calling, o->cancel };
	struct work_client *w = calloc(1, sizeof(*w));

	if (!w)
		return fail(why, ERR_NOMEM, "no memory");
	arena_init(&w->arena, ARENA);
	enum err e = client_open(&peer, &rq, &w->client, why);
	if (!e && !(w->pc = client_context(w->client, UID_UPS_PULL)))
		e = fail(why, ERR_UNSUPPORTED, "%s keeps no work list (UPS Pull refused)", o->called);
	*out = w;
	if (e)
		work_client_close(out);
	return e;
}

void work_client_close(struct work_client **w)
{
	if (!*w)
		return;
	client_close(&(*w)->client);
	arena_fini(&(*w)->arena);
	free(*w);
	*w = NULL;
}

/* ---- C-FIND ---- */

static const uint32_t list_keys[] = {
	TAG_SOP_INSTANCE_UID, TAG_STUDY_DATE, TAG_ACCESSION_NUMBER, TAG_MODALITIES_IN_STUDY, TAG(0x0008, 0x1030), TAG_PATIENT_NAME, TAG_PATIENT_ID,
	TAG(0x0010, 0x0030), TAG(0x0010, 0x0040), TAG_STUDY_UID, TAG_STEP_COMMENTS, TAG_STEP_START, TAG_STEP_EXPECTED, TAG_INPUT_INFORMATION,
	TAG_INPUT_READINESS, TAG_STEP_STATE, TAG_STEP_PRIORITY, TAG_WORKLIST_LABEL, TAG_STEP_LABEL,
};

static void take(const struct dataset *ds, uint32_t tag, char *out, size_t size)
{
	snprintf(out, size, "%s", client_text(ds, tag));
}

static unsigned count_images(const struct dataset *ds)
{
	const struct dataset *series;
	unsigned images = 0;

	for (unsigned i = 0; (series = dataset_item(ds, TAG_INPUT_INFORMATION, i)); i++) {
		const struct element *refs = dataset_find(series, TAG_REFERENCED_SOPS);
		for (const struct item *it = refs ? refs->items : NULL; it; it = it->next)
			images++;
	}
	return images;
}

static void read_entry(const struct dataset *ds, struct work_entry *e)
{
	take(ds, TAG_SOP_INSTANCE_UID, e->uid.s, sizeof(e->uid.s));
	take(ds, TAG_STUDY_UID, e->study.s, sizeof(e->study.s));
	take(ds, TAG_STEP_STATE, e->state, sizeof(e->state));
	take(ds, TAG_STEP_PRIORITY, e->priority, sizeof(e->priority));
	take(ds, TAG_STEP_LABEL, e->label, sizeof(e->label));
	take(ds, TAG_WORKLIST_LABEL, e->group, sizeof(e->group));
	take(ds, TAG_INPUT_READINESS, e->readiness, sizeof(e->readiness));
	take(ds, TAG_PATIENT_NAME, e->patient, sizeof(e->patient));
	take(ds, TAG_PATIENT_ID, e->patient_id, sizeof(e->patient_id));
	take(ds, TAG(0x0010, 0x0030), e->birth_date, sizeof(e->birth_date));
	take(ds, TAG(0x0010, 0x0040), e->sex, sizeof(e->sex));
	take(ds, TAG_MODALITIES_IN_STUDY, e->modality, sizeof(e->modality));
	take(ds, TAG_STUDY_DATE, e->study_date, sizeof(e->study_date));
	take(ds, TAG(0x0008, 0x1030), e->description, sizeof(e->description));
	take(ds, TAG_ACCESSION_NUMBER, e->accession, sizeof(e->accession));
	take(ds, TAG_STEP_COMMENTS, e->comments, sizeof(e->comments));
	take(ds, TAG_STEP_START, e->start, sizeof(e->start));
	take(ds, TAG_STEP_EXPECTED, e->expected, sizeof(e->expected));
	e->images = count_images(ds);
}

struct listing {
	struct work_entry *entries;
	size_t n, cap;
	bool no_memory;
};

static void add_entry(void *arg, const struct dataset *answer)
{
	struct listing *l = arg;

	if (l->n == l->cap) {
		size_t cap = l->cap ? 2 * l->cap : 32;
		struct work_entry *grown = realloc(l->entries, cap * sizeof(*grown));
		if (!grown) {
			l->no_memory = true;
			return;
		}
		l->entries = grown;
		l->cap = cap;
	}
	l->entries[l->n] = (struct work_entry){ .images = 0 };
	read_entry(answer, &l->entries[l->n++]);
}

static int rank(const struct work_entry *e)
{
	return strcmp(e->priority, "HIGH") == 0 ? 0 : strcmp(e->priority, "LOW") == 0 ? 2 : 1;
}

static int more_urgent(const void *a, const void *b)
{
	const struct work_entry *x = a, *y = b;

	if (rank(x) != rank(y))
		return rank(x) - rank(y);
	int by_due = strcmp(x->expected, y->expected);
	return by_due ? by_due : strcmp(x->start, y->start);
}

static enum err put_filter(struct dataset *keys, uint32_t tag, const char *value)
{
	return value && value[0] ? dataset_put_str(keys, tag, value) : ERR_OK;
}

static enum err make_keys(struct dataset *keys, const struct work_filter *f)
{
	enum err e = dataset_put_str(keys, TAG_SPECIFIC_CHARACTER_SET, "ISO_IR 192");

	for (size_t i = 0; i < NELEM(list_keys) && !e; i++) {
		const struct dict_entry *d = dict_find(list_keys[i]);
		bool is_sequence = d && d->vr == VR_SQ;
		e = is_sequence ? dataset_put_empty_sequence(keys, list_keys[i]) : dataset_put_str(keys, list_keys[i], "");
	}
	if (!e)
		e = put_filter(keys, TAG_STEP_STATE, f->state);
	if (!e)
		e = put_filter(keys, TAG_WORKLIST_LABEL, f->group);
	if (!e)
		e = put_filter(keys, TAG_PATIENT_NAME, f->patient);
	if (!e)
		e = put_filter(keys, TAG_INPUT_READINESS, f->readiness);
	return e;
}

enum err work_client_list(struct work_client *w, const struct work_filter *f, struct work_entry **out, size_t *n, struct why *why)
{
	struct arena_mark mark = arena_mark(&w->arena);
	struct dataset *keys = dataset_new(&w->arena);
	struct listing l = { .n = 0 };
	uint16_t status = 0;
	enum err e = keys ? make_keys(keys, f) : ERR_NOMEM;

	if (e)
		fail(why, e, "no memory for a query");
	else
		e = client_find(w->client, w->pc, UID_UPS_PUSH, keys, &w->arena, add_entry, &l, &status, why);
	arena_release(&w->arena, mark);
	if (!e && status != STATUS_SUCCESS)
		e = fail(why, ERR_CONFLICT, "the node answered the query with %04x", status);
	if (!e && l.no_memory)
		e = fail(why, ERR_NOMEM, "no memory for %zu items", l.n);
	if (e) {
		free(l.entries);
		return e;
	}
	if (l.n)
		qsort(l.entries, l.n, sizeof(*l.entries), more_urgent);
	*out = l.entries;
	*n = l.n;
	return ERR_OK;
}

/* ---- N-GET, N-SET, N-ACTION ---- */

static enum err request(uint16_t field, const char *uid, struct dimse *rq, struct why *why)
{
	*rq = (struct dimse){ .field = field };
	if (!uid_is_legal(uid))
		return fail(why, ERR_FORMAT, "\"%s\" is not the UID of a work item", uid);
	enum err e = uid_take(&rq->sop_class, bytes_str(UID_UPS_PUSH));
	return e ? e : uid_take(&rq->sop_instance, bytes_str(uid));
}

static enum err judge(const struct dimse *rsp, const char *uid, struct why *why)
{
	const char *words = rsp->error_comment[0] ? rsp->error_comment : ups_status_text(rsp->status);

	if (dimse_status_is_done(rsp->status))
		return ERR_OK;
	return fail(why, ERR_CONFLICT, "%s: %s (%04x)", uid, words[0] ? words : "refused", rsp->status);
}

enum err work_client_get(struct work_client *w, const char *uid, const uint32_t *tags, unsigned count, struct arena *a, struct dataset **out, struct why *why)
{
	struct dimse rq, rsp;
	enum err e = request(DIMSE_N_GET_RQ, uid, &rq, why);

	for (unsigned i = 0; i < count && i < NELEM(rq.attributes); i++)
		rq.attributes[rq.attribute_count++] = tags[i];
	if (!e)
		e = client_call(w->client, w->pc, &rq, NULL, a, &rsp, out, why);
	if (!e)
		e = judge(&rsp, uid, why);
	if (!e && !*out)
		e = fail(why, ERR_FORMAT, "%s: the node's answer has no attributes", uid);
	return e;
}

static enum err call(struct work_client *w, struct dimse *rq, const struct dataset *ds, uint16_t *status, struct why *why)
{
	struct arena_mark mark = arena_mark(&w->arena);
	struct dimse rsp;
	enum err e = client_call(w->client, w->pc, rq, ds, &w->arena, &rsp, NULL, why);

	arena_release(&w->arena, mark);
	if (e)
		return e;
	*status = rsp.status;
	return judge(&rsp, rq->sop_instance.s, why);
}

enum err work_client_set(struct work_client *w, const char *uid, const struct dataset *changes, struct why *why)
{
	struct dimse rq;
	uint16_t status;
	enum err e = request(DIMSE_N_SET_RQ, uid, &rq, why);

	return e ? e : call(w, &rq, changes, &status, why);
}

enum err work_client_state(struct work_client *w, const char *uid, const char *state, const char *transaction, uint16_t *status, struct why *why)
{
	struct dimse rq;
	struct arena a;
	enum err e = request(DIMSE_N_ACTION_RQ, uid, &rq, why);

	*status = 0;
	if (e)
		return e;
	rq.action_type = ACTION_CHANGE_STATE;
	rq.present = DIMSE_HAS_ACTION_TYPE;
	arena_init(&a, 1 << 16);
	struct dataset *ds = dataset_new(&a);
	e = ds ? dataset_put_str(ds, TAG_TRANSACTION_UID, transaction) : ERR_NOMEM;
	if (!e)
		e = dataset_put_str(ds, TAG_STEP_STATE, state);
	if (e)
		fail(why, e, "no memory");
	else
		e = call(w, &rq, ds, status, why);
	arena_fini(&a);
	return e;
}
