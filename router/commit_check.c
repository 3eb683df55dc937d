#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pacs/base/clock.h"
#include "pacs/base/durable.h"
#include "pacs/base/fault.h"
#include "pacs/base/log.h"
#include "conf/conf.h"
#include "db/commit_duty.h"
#include "pacs/ctl/commit_json.h"
#include "pacs/store/digest.h"
#include "pacs/store/object.h"
#include "router/commit.h"
#include "router/errand.h"

/* One duty at a time: hashing is bounded by the disk. It goes in slices, so that a large request does not keep a thread of the
 * pool, and the router's end does not wait for it. */
enum { SLICE_OBJECTS = 100, SLICE_BYTES = 128 << 20, RETRY_MS = 1000, SAME_ASSOCIATION_MS = 10000 };

struct checking {
	struct router *router;
	struct conf *conf;               /* a reference */
	struct commit_duty duty;         /* its refs are owned */
	size_t at;                       /* the next reference to look at */
	enum err err;                    /* of the pool's work */
	struct why why;
};

struct commit_check {
	struct loop_timer *retry;
	bool is_running, again;
};

static void check_next(struct router *r);

/* ---- one object: is what the index says of it true of the disk? ---- */

/* A row stands for a moment before its file is synced (pacs/store/ingest_sync.c), and who asks so early is promised something too. */
static enum err sync_it(const struct checking *c, int fd, uint64_t oid, struct why *why)
{
	enum err e = durable_sync(fd, "a file that is to be committed", why);
	return e ? e : durable_sync_dir(object_bucket(c->conf->dir, oid).s, why);
}

static uint16_t check_file(const struct checking *c, const struct index_instance *what, uint64_t *bytes)
{
	char digest[33];
	uint64_t size;
	int fd;
	struct why why = { "" };
	enum err e = object_open(c->conf->dir, what->oid, &fd, &size, &why);
	if (e)
		return COMMIT_PROCESSING_FAILURE;
	*bytes += size;
	e = size == what->size ? object_digest(fd, what->dataset_at, digest, &why) : fail(&why, ERR_MISMATCH, "the file has %llu bytes, the index says %llu",
	                                                                               (unsigned long long)size, (unsigned long long)what->size);
	if (!e)
		e = sync_it(c, fd, what->oid, &why);
	close(fd);
	if (!e && strcmp(digest, what->digest))
		e = fail(&why, ERR_MISMATCH, "the bytes hash to %s, the index says %s", digest, what->digest);
	if (e)
		log_event(LOG_ERROR, "kept_file_damaged", "sop", what->sop_uid.s, "oid", log_num((long long)what->oid).s, "why", why.text, NULL);
	return e ? COMMIT_PROCESSING_FAILURE : COMMIT_GOOD;
}

static bool is_storage(const struct conf *conf, const char *sop_class)
{
	for (size_t i = 0; i < conf->storage_class_count; i++)
		if (!strcmp(conf->storage_classes[i], sop_class))
			return true;
	return sop_storage_find(sop_class) != NULL;
}

static enum err check_one(struct checking *c, struct index_reader *ix, struct commit_ref *ref, uint64_t *bytes)
{
	struct index_instance what, later;
	enum err e = index_get_by_uid(ix, ref->sop_instance.s, &what, &c->why);
	if (e == ERR_NOT_FOUND) {
		ref->reason = is_storage(c->conf, ref->sop_class.s) ? COMMIT_NO_SUCH_INSTANCE : COMMIT_CLASS_UNSUPPORTED;
		return ERR_OK;
	}
	if (e)
		return e;
	if (strcmp(what.sop_class.s, ref->sop_class.s)) {
		ref->reason = COMMIT_CLASS_CONFLICT;
		return ERR_OK;
	}
	ref->reason = check_file(c, &what, bytes);
	/* Compression may have put another file in its place meanwhile. */
	if (ref->reason && !index_get_by_uid(ix, ref->sop_instance.s, &later, NULL) && later.oid != what.oid)
		ref->reason = check_file(c, &later, bytes);
	return ERR_OK;
}

/* ---- the pool ---- */

static void slice_work(void *arg)
{
	struct checking *c = arg;
	struct index_reader *ix = NULL;
	uint64_t bytes = 0;
	size_t end = c->at + SLICE_OBJECTS < c->duty.refs.count ? c->at + SLICE_OBJECTS : c->duty.refs.count;
	c->err = index_reader_open(c->conf->dir, &ix, &c->why);
	while (!c->err && c->at < end && bytes < SLICE_BYTES) {
		c->err = check_one(c, ix, &c->duty.refs.refs[c->at], &bytes);
		c->at += !c->err;
	}
	index_reader_close(&ix);
}

/* ---- the loop ---- */

static void checking_free(struct checking *c)
{
	commit_refs_free(&c->duty.refs);
	conf_unref(&c->conf);
	free(c);
}

/* The duty is looked for again: soon, or when somebody says so. */
static void over(struct checking *c, bool soon)
{
	struct router *r = c->router;
	struct commit_check *k = r->commit_check;
	bool again = k->again || soon;
	checking_free(c);
	k->is_running = k->again = false;
	if (again && !r->is_stopping)
		check_next(r);
}

static void failed(struct checking *c, enum err e, const struct why *why)
{
	log_event(LOG_ERROR, "commitment_not_checked", "calling", c->duty.calling, "transaction", c->duty.refs.transaction.s, "error", err_name(e), "why", why->text, NULL);
	if (!c->router->is_stopping)
		loop_timer_start(c->router->commit_check->retry, RETRY_MS, 0);
	over(c, false);
}

/* ---- the answer on the same association ---- */

struct same {
	struct router *router;
	struct commit_duty duty;         /* its refs are owned */
	char words[161];                 /* why it was not given */
	bool is_done;
};

static void report_on_same(struct same *s);

static void same_free(struct same *s)
{
	commit_refs_free(&s->duty.refs);
	free(s);
}

/* One more that is owed to this caller: an association on which it takes results is a chance for all of them, and the only one
 * when pacs.conf has no address of it. */
static enum err more_work(void *arg, struct work *w, struct index_reader *ix, struct why *why)
{
	struct same *s = arg;
	struct commit_duty d;
	int64_t next, now_ms = clock_wall_ms();
	(void)ix;
	enum err e = duty_next_report(w, s->duty.calling, now_ms, &d, &next, why);
	if (e)
		return e;
	memcpy(d.origin, s->duty.origin, sizeof(d.origin));
	commit_refs_free(&s->duty.refs);
	s->duty = d;
	return duty_reporting(w, d.id, d.origin, now_ms + SAME_ASSOCIATION_MS, why);
}

static void more_done(void *arg, enum err e, const struct why *why)
{
	struct same *s = arg;
	if (e && e != ERR_END)
		log_event(LOG_ERROR, "report_not_found", "calling", s->duty.calling, "error", err_name(e), "why", why->text, NULL);
	if (e || s->router->is_stopping)
		same_free(s);
	else
		report_on_same(s);
}

static enum err same_work(void *arg, struct work *w, struct index_reader *ix, struct why *why)
{
	const struct same *s = arg;
	(void)ix;
	if (s->is_done)
		return duty_reported(w, s->duty.id, clock_wall_ms(), why);
	return duty_elsewhere(w, s->duty.id, s->words, why);
}

static void same_done(void *arg, enum err e, const struct why *why)
{
	struct same *s = arg;
	if (e)           /* it comes due by itself after SAME_ASSOCIATION_MS, and may then be reported twice */
		log_event(LOG_ERROR, "report_not_saved", "calling", s->duty.calling, "error", err_name(e), "why", why->text, NULL);
	if (e || !s->is_done || s->router->is_stopping || work_run(s->router->work, more_work, more_done, s)) {
		errands_wake(s->router, ERRAND_REPORT, NULL);
		same_free(s);
	}
}

static void same_answered(void *arg, enum err e, const json_t *answer, const struct why *why)
{
	struct same *s = arg;
	const struct conf_node *node = conf_node_by_aet(s->router->conf, s->duty.calling);
	s->is_done = !e && json_integer_value(json_object_get(answer, "status")) == 0;
	if (s->is_done)
		crash_point("router_reported");
	else
		snprintf(s->words, sizeof(s->words), "%.80s%s", e ? why->text : "refused on the association of its request",
		         node && node->host[0] ? "" : "; pacs.conf has no host and port for it");
	log_event(LOG_INFO, "commitment_reported", "calling", s->duty.calling, "transaction", s->duty.refs.transaction.s,
	          "same_association", s->is_done ? "yes" : "no", "why", s->is_done ? NULL : s->words, NULL);
	if (s->router->is_stopping || work_run(s->router->work, same_work, same_done, s))
		same_free(s);
}

/* storescp knows whether the association is still there. Takes s. */
static void report_on_same(struct same *s)
{
	char path[sizeof(s->router->conf->dir) + 32];
	json_t *body = commit_json_write(&s->duty.refs, true);
	snprintf(path, sizeof(path), "%s/run/storescp.sock", s->router->conf->dir);
	if (body) {
		json_object_set_new(body, "op", json_string("commit.report"));
		json_object_set_new(body, "calling", json_string(s->duty.calling));
		json_object_set_new(body, "origin", json_string(s->duty.origin));
		if (!ctl_call_async(s->router->loop, path, body, SAME_ASSOCIATION_MS, same_answered, s))
			return;
	}
	same_free(s);    /* it is due by itself, after SAME_ASSOCIATION_MS */
}

static bool begin_same(struct checking *c)
{
	struct same *s = c->duty.origin[0] && !c->router->is_stopping ? calloc(1, sizeof(*s)) : NULL;
	if (!s)
		return false;
	s->router = c->router;
	s->duty = c->duty;
	c->duty.refs = (struct commit_refs){ 0 };        /* s has them */
	report_on_same(s);
	return true;
}

static enum err checked_work(void *arg, struct work *w, struct index_reader *ix, struct why *why)
{
	struct checking *c = arg;
	int64_t now_ms = clock_wall_ms();
	(void)ix;
	crash_point("router_checked");
	return duty_checked(w, &c->duty, c->duty.origin[0] ? now_ms + SAME_ASSOCIATION_MS : now_ms, now_ms, why);
}

static void checked_done(void *arg, enum err e, const struct why *why)
{
	struct checking *c = arg;
	if (e) {
		failed(c, e, why);
		return;
	}
	log_event(LOG_INFO, "commitment_checked", "calling", c->duty.calling, "transaction", c->duty.refs.transaction.s, "objects", log_num((long long)c->duty.refs.count).s,
	          "all_good", commit_event_type(&c->duty.refs) == COMMIT_EVENT_SUCCESS ? "yes" : "no", NULL);
	if (!begin_same(c))
		errands_wake(c->router, ERRAND_REPORT, NULL);
	over(c, true);
}

static void slice_done(void *arg)
{
	struct checking *c = arg;
	enum err e = c->err;
	if (c->router->is_stopping) {
		over(c, false);
		return;
	}
	if (!e && c->at < c->duty.refs.count)
		e = loop_work(c->router->loop, slice_work, slice_done, c);
	else if (!e)
		e = work_run(c->router->work, checked_work, checked_done, c);
	if (e)
		failed(c, e, &c->why);
}

/* A Transaction UID that is another request's: nothing of it is looked at. */
static void begin(struct checking *c)
{
	enum err e;
	for (size_t i = 0; i < c->duty.refs.count; i++)
		c->duty.refs.refs[i].reason = c->duty.is_duplicate ? COMMIT_DUPLICATE_TRANSACTION : 0;
	e = c->duty.is_duplicate ? work_run(c->router->work, checked_work, checked_done, c) : loop_work(c->router->loop, slice_work, slice_done, c);
	if (e)
		failed(c, e, &(struct why){ "no memory" });
}

static enum err next_work(void *arg, struct work *w, struct index_reader *ix, struct why *why)
{
	struct checking *c = arg;
	(void)ix;
	return duty_next_unchecked(w, &c->duty, why);
}

static void next_done(void *arg, enum err e, const struct why *why)
{
	struct checking *c = arg;
	if (e && e != ERR_END)
		failed(c, e, why);
	else if (e || c->router->is_stopping)
		over(c, false);
	else
		begin(c);
}

static void check_next(struct router *r)
{
	struct commit_check *k = r->commit_check;
	if (k->is_running) {
		k->again = true;
		return;
	}
	struct checking *c = calloc(1, sizeof(*c));
	if (c) {
		c->router = r;
		c->conf = conf_ref(r->conf);
		k->is_running = true;
		if (!work_run(r->work, next_work, next_done, c))
			return;
		k->is_running = false;
		checking_free(c);
	}
	loop_timer_start(k->retry, RETRY_MS, 0);
}

static void on_retry(void *arg)
{
	check_next(arg);
}

void commit_check_wake(struct router *r)
{
	if (r->commit_check && !r->is_stopping)
		check_next(r);
}

/* ---- taking a request ---- */

struct asked {
	struct router *router;
	struct ctl_request *rq;
	struct commit_duty duty;
	enum duty_added added;
};

static enum err asked_work(void *arg, struct work *w, struct index_reader *ix, struct why *why)
{
	struct asked *a = arg;
	(void)ix;
	return duty_add(w, &a->duty, clock_wall_ms(), &a->added, why);
}

static void asked_done(void *arg, enum err e, const struct why *why)
{
	struct asked *a = arg;
	uint16_t status = e ? STATUS_PROCESSING_FAILURE : a->added == DUTY_FULL ? 0x0213 : STATUS_SUCCESS;
	log_event(status ? LOG_WARN : LOG_INFO, "commitment_asked", "calling", a->duty.calling, "transaction", a->duty.refs.transaction.s,
	          "objects", log_num((long long)a->duty.refs.count).s, "known", a->added == DUTY_KNOWN ? "yes" : NULL, "why", e ? why->text : NULL, NULL);
	ctl_answer(a->rq, json_pack("{s:i,s:s}", "status", (int)status, "comment",
	           e ? "the request cannot be kept" : a->added == DUTY_FULL ? "too many of your requests wait for their results to be taken" : ""));
	if (!status)
		commit_check_wake(a->router);
	commit_refs_free(&a->duty.refs);
	free(a);
}

static bool digest_refs(const struct commit_refs *refs, char out[33])
{
	struct digest *d = digest_new();
	for (size_t i = 0; d && i < refs->count; i++) {
		digest_add(d, bytes_of(refs->refs[i].sop_class.s, strlen(refs->refs[i].sop_class.s) + 1));
		digest_add(d, bytes_of(refs->refs[i].sop_instance.s, strlen(refs->refs[i].sop_instance.s) + 1));
	}
	if (d)
		digest_hex(d, out);
	digest_free(&d);
	return out[0];
}

void commit_asked_ctl(struct router *r, struct ctl_request *rq, const json_t *body)
{
	const char *calling = json_string_value(json_object_get(body, "calling")), *origin = json_string_value(json_object_get(body, "origin"));
	struct asked *a = calloc(1, sizeof(*a));
	enum err e = a ? commit_json_read(body, false, &a->duty.refs) : ERR_NOMEM;
	if (!e && (!calling || !calling[0] || strlen(calling) > BOUND_AET || !origin || strlen(origin) >= sizeof(a->duty.origin)))
		e = ERR_USAGE;
	if (!e) {
		a->router = r;
		a->rq = rq;
		snprintf(a->duty.calling, sizeof(a->duty.calling), "%s", calling);
		snprintf(a->duty.origin, sizeof(a->duty.origin), "%s", origin);
		e = digest_refs(&a->duty.refs, a->duty.digest) ? work_run(r->work, asked_work, asked_done, a) : ERR_NOMEM;
	}
	if (!e)
		return;
	if (a)
		commit_refs_free(&a->duty.refs);
	free(a);
	ctl_refuse(rq, e, e == ERR_NOMEM ? "no memory" : "commit.asked needs transaction, calling, origin and refs (class, instance, ...)");
}

/* ---- the room ---- */

enum err commit_check_start(struct router *r, struct why *why)
{
	r->commit_check = calloc(1, sizeof(*r->commit_check));
	if (!r->commit_check || loop_timer_new(r->loop, on_retry, r, &r->commit_check->retry))
		return fail(why, ERR_NOMEM, "no memory");
	check_next(r);
	return ERR_OK;
}

void commit_check_stop(struct router *r)
{
	if (r->commit_check && r->commit_check->retry)
		loop_timer_free(&r->commit_check->retry);
}

void commit_check_fini(struct router *r)
{
	free(r->commit_check);
	r->commit_check = NULL;
}
