#include "storescp/accept.h"

#include <string.h>

#include "storescp/commitment.h"

/* Reject codes of PS3.8 section 9.3.4. */
enum { PERMANENT = 1, TRANSIENT = 2, BY_USER = 1, BY_PRESENTATION = 3,
       CALLING_UNKNOWN = 3, CALLED_UNKNOWN = 7, APPLICATION_CONTEXT = 2, LOCAL_LIMIT = 2 };

static const char *reject(struct assoc_answer *ans, uint8_t result, uint8_t source, uint8_t reason, const char *because)
{
	ans->accept = false;
	ans->rj_result = result;
	ans->rj_source = source;
	ans->rj_reason = reason;
	return because;
}

static bool is_in(const char *uid, const char *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(uid, list[i]))
			return true;
	return false;
}

static bool is_storage(const struct conf *conf, const char *uid)
{
	if (sop_storage_find(uid))
		return true;
	for (size_t i = 0; i < conf->storage_class_count; i++)
		if (!strcmp(conf->storage_classes[i], uid))
			return true;
	return false;
}

static const char *const find_classes[] = { UID_PATIENT_ROOT_FIND, UID_STUDY_ROOT_FIND };
static const char *const order_classes[] = { UID_WORKLIST_FIND, UID_MPPS };
static const char *const move_classes[] = { UID_PATIENT_ROOT_MOVE, UID_STUDY_ROOT_MOVE };
static const char *const get_classes[] = { UID_PATIENT_ROOT_GET, UID_STUDY_ROOT_GET };

static bool is_service(const char *uid)
{
	return !strcmp(uid, UID_VERIFICATION) || is_in(uid, find_classes, NELEM(find_classes)) ||
	       is_in(uid, move_classes, NELEM(move_classes)) || is_in(uid, get_classes, NELEM(get_classes)) || ups_is_sop_class(uid) ||
	       is_in(uid, order_classes, NELEM(order_classes)) ||
	       commitment_is_sop_class(uid) || availability_is_sop_class(uid);
}

bool accept_serves(const char *uid, uint16_t field)
{
	switch (field) {
	case DIMSE_C_ECHO_RQ:
		return !strcmp(uid, UID_VERIFICATION);
	case DIMSE_C_STORE_RQ:
		return !is_service(uid);
	case DIMSE_C_FIND_RQ:
		return is_in(uid, find_classes, NELEM(find_classes)) || ups_is_sop_class(uid);
	case DIMSE_C_MOVE_RQ:
		return is_in(uid, move_classes, NELEM(move_classes));
	case DIMSE_C_GET_RQ:
		return is_in(uid, get_classes, NELEM(get_classes));
	default:
		return ups_is_sop_class(uid);
	}
}

/* Storage: the first proposed syntax that we can keep, for that is what the sender has or likes best;
 * big endian only when nothing else is offered, for every later reader would have to swap it. */
static const struct ts *pick_storage(const struct negotiate_context *pc)
{
	const struct ts *big = NULL;
	for (unsigned i = 0; i < pc->ts_count; i++) {
		const struct ts *ts = ts_find(pc->ts[i]);
		if (ts && !ts->is_big_endian)
			return ts;
		if (ts && !big)
			big = ts;
	}
	return big;
}

/* Everything else is small data sets that we read and write ourselves. */
static const struct ts *pick_plain(const struct negotiate_context *pc)
{
	static const char *const liked[] = { TS_EXPLICIT_LE, TS_IMPLICIT_LE, TS_EXPLICIT_BE };
	for (size_t k = 0; k < NELEM(liked); k++)
		for (unsigned i = 0; i < pc->ts_count; i++)
			if (!strcmp(pc->ts[i], liked[k]))
				return ts_find(liked[k]);
	return NULL;
}

/* What pick() needs to know. */
struct choice { const struct server *server; const struct assoc_request *rq; };

/* The requestor would store what we send it: C-GET. */
static bool is_for_getting(const struct assoc_request *rq, const char *sop_class)
{
	for (unsigned i = 0; i < rq->role_count; i++)
		if (rq->roles[i].scp && !strcmp(rq->roles[i].sop_class, sop_class))
			return true;
	return false;
}

static const struct ts *pick(void *arg, const struct negotiate_context *pc, uint8_t *result, bool *as_scu)
{
	const struct choice *choice = arg;
	const struct server *sv = choice->server;
	bool storage = is_storage(sv->conf, pc->abstract_syntax);
	/* C-GET: we send, the requestor stores. Commitment: we asked, and the requestor reports (PS3.4 J.3.3.1.3). */
	*as_scu = storage || commitment_is_sop_class(pc->abstract_syntax);
	if (!storage && !is_service(pc->abstract_syntax)) {
		*result = CONTEXT_ABSTRACT_SYNTAX;
		return NULL;
	}
	const struct ts *ts = !storage ? pick_plain(pc) : is_for_getting(choice->rq, pc->abstract_syntax) ? stored_kinds_pick(sv->kinds, pc) : NULL;
	if (!ts && storage)
		ts = pick_storage(pc);
	if (!ts)
		*result = CONTEXT_TRANSFER_SYNTAX;
	return ts;
}

/* The bytes of item 56, from the first on. Of C-FIND (PS3.4 table C.5-1) all are granted but the fifth: a view of
 * enhanced multi-frame images as classic ones, or the other way round, would need objects that are not stored here. Of
 * C-MOVE and C-GET (C.5.2.1) the first. */
enum { RELATIONAL, COMBINED, FUZZY, ZONE, VIEW, EMPTY, MULTIPLE, EXTENDED_BYTES };
static const bool granted_find[EXTENDED_BYTES] = { [RELATIONAL] = true, [COMBINED] = true, [FUZZY] = true, [ZONE] = true, [EMPTY] = true, [MULTIPLE] = true };
static const bool granted_retrieve[EXTENDED_BYTES] = { [RELATIONAL] = true };

static const bool *granted_for(const char *sop_class)
{
	if (is_in(sop_class, find_classes, NELEM(find_classes)))
		return granted_find;
	if (is_in(sop_class, move_classes, NELEM(move_classes)) || is_in(sop_class, get_classes, NELEM(get_classes)))
		return granted_retrieve;
	return NULL;
}

/* The answer is as long as the question. */
static enum err answer_extended(struct arena *a, const struct assoc_request *rq, struct assoc_answer *ans)
{
	struct negotiate_extended *out = arena_alloc(a, rq->extended_count * sizeof(*out));
	if (!out && rq->extended_count)
		return ERR_NOMEM;
	ans->extended = out;
	for (unsigned i = 0; i < rq->extended_count; i++) {
		const struct negotiate_extended *x = &rq->extended[i];
		const bool *granted = granted_for(x->sop_class);
		if (!x->info.len || !granted)
			continue;
		uint8_t *info = arena_alloc(a, x->info.len);
		if (!info)
			return ERR_NOMEM;
		for (size_t k = 0; k < x->info.len && k < EXTENDED_BYTES; k++)
			info[k] = x->info.p[k] == 1 && granted[k];
		out[ans->extended_count++] = (struct negotiate_extended){ x->sop_class, bytes_of(info, x->info.len) };
	}
	return ERR_OK;
}

static bool is_granted(struct bytes info, size_t byte)
{
	return byte < info.len && info.p[byte] == 1;
}

struct query_extended accept_extended(const struct assoc_answer *ans, const char *sop_class)
{
	for (unsigned i = 0; i < ans->extended_count; i++) {
		struct bytes info = ans->extended[i].info;
		if (!strcmp(ans->extended[i].sop_class, sop_class))
			return (struct query_extended){ .relational = is_granted(info, RELATIONAL), .combined = is_granted(info, COMBINED),
			                                .fuzzy = is_granted(info, FUZZY), .zone = is_granted(info, ZONE), .empty = is_granted(info, EMPTY) };
	}
	return (struct query_extended){ 0 };
}

const char *accept_decide(struct server *sv, const char *address, struct arena *a, const struct assoc_request *rq, struct assoc_answer *ans)
{
	const struct conf *conf = sv->conf;
	if (strcmp(rq->application_context, UID_APPLICATION_CONTEXT))
		return reject(ans, PERMANENT, BY_USER, APPLICATION_CONTEXT, "the application context is not DICOM's");
	if (conf->check_called && strcmp(rq->called, conf->aet))
		return reject(ans, PERMANENT, BY_USER, CALLED_UNKNOWN, "the called AE title is not ours");
	if (!conf->accept_any_calling && !conf_node_by_aet(conf, rq->calling)) {
		ingest_note_unknown(sv->ingest, rq->calling, rq->called, address);
		return reject(ans, PERMANENT, BY_USER, CALLING_UNKNOWN, "the calling AE title is not known here; see `pacs node pending`");
	}
	if (sv->sessions > conf->max_associations)
		return reject(ans, TRANSIENT, BY_PRESENTATION, LOCAL_LIMIT, "max_associations are open");
	struct choice choice = { sv, rq };
	struct negotiate_policy policy = { .pick = pick, .arg = &choice, .max_ops = conf->max_operations };
	if (negotiate_decide(a, rq, &policy, ans) || answer_extended(a, rq, ans))
		return reject(ans, TRANSIENT, BY_PRESENTATION, LOCAL_LIMIT, "no memory for the answer");
	ans->accept = true;
	return NULL;
}
