/* Lists for the admin: on the pool, with a reader of their own. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pacs/orders/order_json.h"
#include "router/ordering.h"

enum { LIST_DEFAULT = 100, LIST_MAX = 10000, RAW_SHOWN = 64 << 10 };

struct listing {
	struct ctl_request *rq;
	struct conf *conf;
	json_t *body, *rows;             /* owned */
	const char *key;                 /* of the rows in the answer */
	struct orders_filter filter;     /* strings in body */
	unsigned limit;
	enum err err;
	struct why why;
};

static const char *text(const json_t *body, const char *key)
{
	const char *s = json_string_value(json_object_get(body, key));
	return s ? s : "";
}

static bool add_order(void *arg, const struct order_row *row)
{
	struct listing *l = arg;
	json_t *o = order_to_json(&row->o);
	json_t *more = json_pack("{s:I,s:s,s:s,s:s,s:s,s:s,s:I,s:I}", "id", (json_int_t)row->id, "state", order_state_name(row->state), "source", row->source,
	                         "note", row->note, "matched", row->matched.s, "how", row->how, "created", (json_int_t)row->created_ms, "changed_at", (json_int_t)row->changed_ms);
	if (o && more)
		json_object_update(o, more);
	json_decref(more);
	return o && !json_array_append_new(l->rows, o);
}

static bool add_study(void *arg, const struct order_study *s)
{
	struct listing *l = arg;
	return !json_array_append_new(l->rows, json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:i,s:I}", "study", s->study_uid.s, "how", s->how, "accession", s->accession,
	                              "patient_id", s->patient_id, "date", s->date, "modality", s->modality, "candidates", (int)s->candidates, "at", (json_int_t)s->at_ms));
}

/* The raw text is shown as it came, as far as it is UTF-8; bytes that are none become ?. */
static bool add_message(void *arg, const struct order_message *m)
{
	struct listing *l = arg;
	size_t n = m->raw.len < RAW_SHOWN ? m->raw.len : RAW_SHOWN;
	char *raw = malloc(n + 1);
	if (!raw)
		return false;
	memcpy(raw, m->raw.p, n);
	raw[n] = '\0';
	for (size_t i = 0; i < n; i++)
		if (raw[i] == '\r')
			raw[i] = '\n';
		else if ((uint8_t)raw[i] < ' ' && raw[i] != '\n')
			raw[i] = '?';
	json_t *shown = json_string(raw);
	for (size_t i = 0; !shown && i < n; i++)
		if ((uint8_t)raw[i] > 0x7E)
			raw[i] = '?';
	json_t *o = json_pack("{s:I,s:I,s:s,s:s,s:s,s:s,s:o}", "id", (json_int_t)m->id, "at", (json_int_t)m->at_ms, "from", m->from, "type", m->type,
	                      "control", m->control, "reason", m->reason, "raw", shown ? shown : json_string(raw));
	free(raw);
	return o && !json_array_append_new(l->rows, o);
}

static void list_work(void *arg)
{
	struct listing *l = arg;
	struct orders_reader *r = NULL;
	enum err e = orders_reader_open(l->conf->dir, &r, &l->why);
	if (!e && !strcmp(l->key, "orders"))
		e = orders_list(r, &l->filter, l->limit, add_order, l, &l->why);
	else if (!e && !strcmp(l->key, "studies"))
		e = orders_unmatched(r, l->limit, add_study, l, &l->why);
	else if (!e)
		e = orders_messages(r, l->limit, add_message, l, &l->why);
	orders_reader_close(&r);
	l->err = e;
}

static void list_free(struct listing *l)
{
	json_decref(l->rows);
	json_decref(l->body);
	conf_unref(&l->conf);
	free(l);
}

static void list_done(void *arg)
{
	struct listing *l = arg;
	if (l->err)
		ctl_refuse(l->rq, l->err, l->why.text);
	else
		ctl_answer(l->rq, json_pack("{s:O}", l->key, l->rows));
	list_free(l);
}

static enum err read_filter(struct listing *l, struct why *why)
{
	const json_t *states = json_object_get(l->body, "states");
	for (size_t i = 0; i < json_array_size(states); i++) {
		const char *word = json_string_value(json_array_get(states, i));
		enum order_state s;
		if (!word || !order_state_parse(word, &s))
			return fail(why, ERR_USAGE, "states of an order are SCHEDULED, STARTED, COMPLETED, DISCONTINUED, CANCELED");
		l->filter.states |= 1u << s;
	}
	l->filter.from = text(l->body, "from");
	l->filter.to = text(l->body, "to");
	l->filter.accession = text(l->body, "accession");
	l->filter.patient_id = text(l->body, "patient");
	return ERR_OK;
}

void ordering_list(struct router *r, struct ctl_request *rq, const char *op, const json_t *body)
{
	json_int_t limit = json_integer_value(json_object_get(body, "limit"));
	struct listing *l = calloc(1, sizeof(*l));
	struct why why = { "no memory" };
	if (!l) {
		ctl_refuse(rq, ERR_NOMEM, why.text);
		return;
	}
	l->rq = rq;
	l->conf = conf_ref(r->conf);
	l->body = json_deep_copy(body);
	l->rows = json_array();
	l->key = !strcmp(op, "order.list") ? "orders" : !strcmp(op, "order.unmatched") ? "studies" : "messages";
	l->limit = limit > 0 && limit <= LIST_MAX ? (unsigned)limit : LIST_DEFAULT;
	enum err e = l->body && l->rows ? read_filter(l, &why) : ERR_NOMEM;
	if (!e)
		e = loop_work(r->loop, list_work, list_done, l);
	if (!e)
		return;
	ctl_refuse(rq, e, why.text);
	list_free(l);
}
