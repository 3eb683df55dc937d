/* N-GET, N-SET and N-ACTION on work items (PS3.4 annex CC). C-FIND is in ups_find.c. */
#include "storescp/ups.h"

#include <stdlib.h>
#include <string.h>

#include "pacs/base/log.h"
#include "pacs/dicom/dataset_text.h"
#include "storescp/ups_match.h"

/* Which operation exists for which class (PS3.4 table CC.2-1); N-CREATE and request-cancel are not offered. */
static const struct { const char *uid; uint16_t fields[4]; } classes[] = {
	{ UID_UPS_PUSH,  { DIMSE_N_GET_RQ, DIMSE_N_ACTION_RQ } },
	{ UID_UPS_PULL,  { DIMSE_N_GET_RQ, DIMSE_N_ACTION_RQ, DIMSE_N_SET_RQ, DIMSE_C_FIND_RQ } },
	{ UID_UPS_WATCH, { DIMSE_N_GET_RQ, DIMSE_N_ACTION_RQ, DIMSE_C_FIND_RQ } },
	{ UID_UPS_QUERY, { DIMSE_C_FIND_RQ } },
};
enum { ACTION_CHANGE_STATE = 1 };        /* on UPS Pull only */

static int find_class(const char *uid)
{
	for (size_t i = 0; i < NELEM(classes); i++)
		if (strcmp(classes[i].uid, uid) == 0)
			return (int)i;
	return -1;
}

bool ups_is_sop_class(const char *uid)
{
	return find_class(uid) >= 0;
}

static const char *abstract_syntax(const struct session *s, uint8_t context_id)
{
	const struct assoc_context *pc = conn_context(s->conn, context_id);

	return pc ? pc->abstract_syntax.s : "";
}

bool ups_may(struct session *s, uint8_t context_id, const struct dimse *rq)
{
	int class = find_class(abstract_syntax(s, context_id));

	/* The command names UPS Push whatever the context is for; those who name the context's class are understood too. */
	if (!ups_is_sop_class(rq->sop_class.s)) {
		session_respond(s, context_id, rq, UPS_NO_CLASS, "the command's SOP class is not UPS");
		return false;
	}
	for (size_t i = 0; class >= 0 && i < NELEM(classes[class].fields); i++)
		if (classes[class].fields[i] == rq->field)
			return true;
	session_respond(s, context_id, rq, STATUS_UNRECOGNISED_OPERATION, "no such operation for this SOP class");
	return false;
}

struct dataset *ups_read(struct session *s, uint8_t context_id, const struct dimse *rq, struct arena *a, struct bytes data)
{
	const struct assoc_context *pc = conn_context(s->conn, context_id);
	const struct conf_node *node = conf_node_by_aet(s->server->conf, s->calling);
	const char *charset = node && node->charset[0] ? node->charset : s->server->conf->charset;
	struct dataset *ds = NULL;
	struct why why = { "" };
	enum err e = dataset_parse(a, data, ds_encoding_of(pc->ts), &ds, &why);

	if (!e)
		e = dataset_to_utf8(ds, charset);
	if (!e)
		return ds;
	session_respond(s, context_id, rq, e == ERR_NOMEM || e == ERR_LIMIT ? STATUS_OUT_OF_RESOURCES : STATUS_CANNOT_UNDERSTAND, "the data set cannot be read");
	return NULL;
}

/* ---- N-GET: reads work.db on a reader thread ---- */

struct get {
	struct operation op;
	char dir[sizeof(((struct conf *)0)->dir)];
	enum ds_encoding enc;
	struct arena arena;
	struct buf answer;
	bool found;
	enum err err;
	struct why why;
};

static bool get_item(void *arg, const struct item_row *row, const struct dataset *ds)
{
	struct get *g = arg;
	struct dataset *out = dataset_new(&g->arena);

	(void)row;
	g->found = true;
	g->err = out ? ups_pick(ds, g->op.rq.attributes, g->op.rq.attribute_count, out) : ERR_NOMEM;
	if (!g->err)
		g->err = dataset_write(out, g->enc, &g->answer);
	return false;
}

static void get_work(void *arg, struct index_reader *ix)
{
	struct get *g = arg;
	struct items_reader *r = NULL;
	struct items_filter f = { .uid = g->op.rq.sop_instance.s };
	int64_t last;

	(void)ix;
	enum err e = items_reader_open(g->dir, &r, &g->why);
	if (!e)
		e = items_page(r, &f, 0, 1, &g->arena, get_item, g, &last, &g->why);
	items_reader_close(&r);
	if (e)
		g->err = e;
}

static void get_answer(struct get *g, struct session *s)
{
	struct dimse rsp = dimse_response(&g->op.rq, STATUS_SUCCESS);

	if (g->err) {
		log_event(LOG_ERROR, "ups_get_failed", "assoc", log_num((long long)conn_id(s->conn)).s, "item", g->op.rq.sop_instance.s,
		          "error", err_name(g->err), "why", g->why.text, NULL);
		session_respond(s, g->op.context_id, &g->op.rq, STATUS_PROCESSING_FAILURE, "the work list cannot be read");
	} else if (!g->found) {
		session_respond(s, g->op.context_id, &g->op.rq, UPS_NO_SUCH, ups_status_text(UPS_NO_SUCH));
	} else {
		rsp.has_data = true;
		enum err e = conn_send(s->conn, g->op.context_id, &rsp, buf_view(&g->answer));
		if (e && e != ERR_CLOSED)
			conn_abort(s->conn, "an answer could not be queued");
	}
}

static void get_done(void *arg)
{
	struct get *g = arg;

	if (g->op.session)
		get_answer(g, g->op.session);
	operation_end(&g->op);
	buf_fini(&g->answer);
	arena_fini(&g->arena);
	free(g);
}

/* The reader thread has it; get_done() frees it. */
static void get_gone(struct operation *op)
{
	(void)op;
}

static const struct operation_class get_class = { .name = "UPS N-GET", .gone = get_gone };

static void get_start(struct session *s, uint8_t context_id, const struct dimse *rq, struct bytes data)
{
	struct get *g;

	(void)data;
	if (!ups_may(s, context_id, rq))
		return;
	g = calloc(1, sizeof(*g));
	if (!g) {
		session_respond(s, context_id, rq, STATUS_OUT_OF_RESOURCES, "no memory");
		return;
	}
	memcpy(g->dir, s->server->conf->dir, sizeof(g->dir));
	g->enc = ds_encoding_of(conn_context(s->conn, context_id)->ts);
	arena_init(&g->arena, UPS_ARENA);
	buf_init(&g->answer, BOUND_SEND_QUEUE);
	operation_begin(&g->op, &get_class, s, context_id, rq);
	enum err e = readers_run(s->server->readers, get_work, get_done, g);
	if (e) {
		g->err = e;
		get_done(g);
	}
}

/* ---- N-SET and N-ACTION: the router writes ---- */

static void set_start(struct session *s, uint8_t context_id, const struct dimse *rq, struct bytes data)
{
	struct arena a;

	if (!ups_may(s, context_id, rq))
		return;
	arena_init(&a, UPS_ARENA);
	struct dataset *ds = ups_read(s, context_id, rq, &a, data);
	if (ds) {
		const char *transaction = dataset_str(ds, TAG_TRANSACTION_UID);
		dataset_remove(ds, TAG_TRANSACTION_UID);
		ups_relay(s, context_id, rq, "ups.set", NULL, transaction, ds);
	}
	arena_fini(&a);
}

static void change_state(struct session *s, uint8_t context_id, const struct dimse *rq, const struct dataset *ds)
{
	const char *state = dataset_str(ds, TAG_STEP_STATE);
	const char *transaction = dataset_str(ds, TAG_TRANSACTION_UID);
	enum item_state to;

	if (!item_state_parse(state, &to))
		session_respond(s, context_id, rq, state[0] ? UPS_BAD_VALUE : UPS_MISSING_VALUE, "no state in (0074,1000)");
	else if (transaction[0] && !uid_is_legal(transaction))
		session_respond(s, context_id, rq, UPS_BAD_VALUE, "the Transaction UID is not a UID");
	else
		ups_relay(s, context_id, rq, "ups.state", state, transaction, NULL);
}

static void action_start(struct session *s, uint8_t context_id, const struct dimse *rq, struct bytes data)
{
	struct arena a;

	if (!ups_may(s, context_id, rq))
		return;
	if (rq->action_type != ACTION_CHANGE_STATE || strcmp(abstract_syntax(s, context_id), UID_UPS_PULL) != 0) {
		session_respond(s, context_id, rq, UPS_NO_ACTION, "offered: action 1, change state, on UPS Pull");
		return;
	}
	arena_init(&a, UPS_ARENA);
	struct dataset *ds = ups_read(s, context_id, rq, &a, data);
	if (ds)
		change_state(s, context_id, rq, ds);
	arena_fini(&a);
}

const struct service service_ups_get = { .field = DIMSE_N_GET_RQ, .start = get_start };
const struct service service_ups_set = { .field = DIMSE_N_SET_RQ, .start = set_start };
const struct service service_ups_action = { .field = DIMSE_N_ACTION_RQ, .start = action_start };
