#include "storescp/control.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pacs/ctl/conf_reload.h"
#include "pacs/ctl/ctl.h"
#include "storescp/commitment.h"
#include "storescp/control_adopt.h"
#include "storescp/control_patient.h"
#include "pacs/store/ingest_repair.h"

struct control {
	struct server *server;
	struct ctl_server *ctl;
	struct conf *first;              /* reference: what the program was started with */
	struct adopter adopter;
};

/* ---- reload ---- */

static void use_conf(void *arg, struct conf *conf)
{
	struct server *sv = arg;
	if (sv->stopping) {
		conf_unref(&conf);
		return;
	}
	conf_unref(&sv->conf);
	sv->conf = conf;
	spool_set_reserve(sv->spool, (uint64_t)conf->reserve_mb << 20);
}

static void reload(struct server *sv, struct ctl_request *rq)
{
	conf_reload(sv->loop, sv->conf->dir, rq, use_conf, sv);
}

void control_reload(struct control *c)
{
	reload(c->server, NULL);
}

/* ---- replace ---- */

struct replace {
	struct ingest_job job;
	struct ctl_request *rq;
};

static void replaced(void *arg, struct ingest_job *job, const struct ingest_result *r)
{
	struct replace *rp = arg;
	(void)job;
	if (r->outcome == INGEST_REPLACED)
		ctl_answer(rp->rq, json_pack("{s:I}", "instance", (json_int_t)r->instance));
	else
		ctl_refuse(rp->rq, r->err ? r->err : ERR_CONFLICT, r->why.text);
	free(rp);
}

static void replace(struct control *c, struct ctl_request *rq, const json_t *body)
{
	json_int_t instance, oid, size, dataset_at;
	const char *path, *ts, *digest, *pixel_digest;
	json_t *b = json_copy((json_t *)(uintptr_t)body);        /* unpacking needs it not const */
	struct replace *rp = calloc(1, sizeof(*rp));
	if (!b || !rp) {
		ctl_refuse(rq, ERR_NOMEM, "no memory");
	} else if (json_unpack(b, "{s:I,s:I,s:s,s:s,s:I,s:I,s:s,s:s}", "instance", &instance, "oid", &oid, "path", &path, "ts", &ts,
	                       "size", &size, "dataset_at", &dataset_at, "digest", &digest, "pixel_digest", &pixel_digest)) {
		ctl_refuse(rq, ERR_USAGE, "replace needs instance, oid, path, ts, size, dataset_at, digest, pixel_digest");
	} else if (!adopter_is_spool_path(path) || !ts_find(ts) || strlen(digest) != 32 || strlen(pixel_digest) > 32) {
		ctl_refuse(rq, ERR_USAGE, "replace: path must be spool/NAME, ts a known transfer syntax, digests 32 hex digits");
	} else {
		struct ingest_job *j = &rp->job;
		snprintf(j->path, sizeof(j->path), "%s", path);
		snprintf(j->ts.s, sizeof(j->ts.s), "%s", ts);
		snprintf(j->digest, sizeof(j->digest), "%s", digest);
		snprintf(j->pixel_digest, sizeof(j->pixel_digest), "%s", pixel_digest);
		j->size = (uint64_t)size;
		j->dataset_at = (uint64_t)dataset_at;
		j->is_replace = true;
		j->replace_instance = (uint64_t)instance;
		j->replace_oid = (uint64_t)oid;
		j->done = replaced;
		j->arg = rp;
		rp->rq = rq;
		ingest_submit(c->server->ingest, j);
		rp = NULL;
	}
	json_decref(b);
	free(rp);
}

/* ---- repair ---- */

struct repair {
	struct ingest_repair job;
	struct ctl_request *rq;
};

static void repaired(void *arg, struct ingest_repair *job)
{
	struct repair *r = arg;
	if (job->err)
		ctl_refuse(r->rq, job->err, job->why.text);
	else
		ctl_answer(r->rq, json_pack("{s:s,s:b}", "did", job->did, "changed", (int)job->is_changed));
	free(r);
}

static void take_text(const json_t *body, const char *key, char *out, size_t cap)
{
	const char *s = json_string_value(json_object_get(body, key));
	snprintf(out, cap, "%s", s ? s : "");
}

static void repair(struct control *c, struct ctl_request *rq, const json_t *body)
{
	const char *what = json_string_value(json_object_get(body, "what"));
	struct repair *r = calloc(1, sizeof(*r));
	if (!r) {
		ctl_refuse(rq, ERR_NOMEM, "no memory");
	} else if (!what || !ingest_repair_parse(what, &r->job.kind)) {
		ctl_refuse(rq, ERR_USAGE, "repair needs what (file, orphan, header, counters, retire, hold, unhold), and instance, oid or study");
		free(r);
	} else {
		r->job.instance = (uint64_t)json_integer_value(json_object_get(body, "instance"));
		r->job.oid = (uint64_t)json_integer_value(json_object_get(body, "oid"));
		take_text(body, "study", r->job.study_uid, sizeof(r->job.study_uid));
		take_text(body, "class", r->job.class_name, sizeof(r->job.class_name));
		take_text(body, "reason", r->job.reason, sizeof(r->job.reason));
		take_text(body, "who", r->job.who, sizeof(r->job.who));
		r->job.last_received_ms = json_integer_value(json_object_get(body, "last"));
		r->job.done = repaired;
		r->job.arg = r;
		r->rq = rq;
		ingest_repair_submit(c->server->ingest, &r->job);
	}
}

/* ---- the rest ---- */

/* The options that a running program cannot change, as far as pacs.conf now says something else. */
static json_t *at_next_start(const struct conf *first, const struct conf *now)
{
	json_t *names = json_array();
	if (first->port != now->port)
		json_array_append_new(names, json_string("port"));
	if (strcmp(first->listen, now->listen))
		json_array_append_new(names, json_string("listen"));
	if (first->compress_workers != now->compress_workers)
		json_array_append_new(names, json_string("compress_workers"));
	if (first->worker_memory_mb != now->worker_memory_mb)
		json_array_append_new(names, json_string("worker_memory"));
	if (first->worker_timeout_s != now->worker_timeout_s)
		json_array_append_new(names, json_string("worker_timeout"));
	return names;
}

static void status(struct control *c, struct ctl_request *rq)
{
	struct server *sv = c->server;
	ctl_answer(rq, json_pack("{s:i,s:i,s:I,s:I,s:b,s:i,s:o}", "associations", (int)sv->sessions, "operations", (int)sv->operations,
	                         "stored", (json_int_t)sv->stored, "failed", (json_int_t)sv->failed,
	                         "disk_low", (int)spool_is_low(sv->spool), "pid", (int)getpid(),
	                         "at_next_start", at_next_start(c->first, sv->conf)));
}

static void forget(struct control *c, struct ctl_request *rq, const json_t *body)
{
	const char *calling = json_string_value(json_object_get(body, "calling"));
	if (!calling) {
		ctl_refuse(rq, ERR_USAGE, "node.forget needs calling");
		return;
	}
	ingest_forget_unknown(c->server->ingest, calling);
	ctl_answer(rq, NULL);
}

static void handle(void *arg, struct ctl_request *rq, const char *op, const json_t *body)
{
	struct control *c = arg;
	if (!strcmp(op, "ping"))
		ctl_answer(rq, NULL);
	else if (!strcmp(op, "status"))
		status(c, rq);
	else if (!strcmp(op, "reload"))
		reload(c->server, rq);
	else if (!strcmp(op, "replace"))
		replace(c, rq, body);
	else if (!strcmp(op, "node.forget"))
		forget(c, rq, body);
	else if (!strcmp(op, "commit.report"))
		commitment_report(c->server, rq, body);
	else if (!strcmp(op, "patient.apply"))
		control_patient_apply(c->server, rq, body);
	else if (!strcmp(op, "repair"))
		repair(c, rq, body);
	else if (!strcmp(op, "adopt"))
		adopter_ask(&c->adopter, rq, body);
	else
		ctl_refuse(rq, ERR_USAGE, "storescp knows ping, status, reload, replace, node.forget, commit.report, patient.apply, repair, adopt");
}

enum err control_open(struct server *sv, struct control **out, struct why *why)
{
	char path[sizeof(sv->conf->dir) + 32];
	struct control *c = calloc(1, sizeof(*c));
	if (!c)
		return fail(why, ERR_NOMEM, "no memory");
	c->server = sv;
	c->first = conf_ref(sv->conf);
	adopter_init(&c->adopter, sv);
	snprintf(path, sizeof(path), "%s/run/storescp.sock", sv->conf->dir);
	enum err e = ctl_server_open(sv->loop, path, handle, c, &c->ctl, why);
	if (!e) {
		*out = c;
		return e;
	}
	conf_unref(&c->first);
	free(c);
	return e;
}

void control_close(struct control **c)
{
	if (!*c)
		return;
	ctl_server_close(&(*c)->ctl);
	conf_unref(&(*c)->first);
	free(*c);
	*c = NULL;
}
