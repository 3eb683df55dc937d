#include "storescp/control_adopt.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pacs/base/durable.h"
#include "pacs/base/log.h"
#include "pacs/store/object_scan.h"

enum { AT_ONCE = 4 };            /* of the pool's eight threads */

/*   waiting -> on the pool (read, sync) -> with ingest -> answered, freed
 *
 * From adopter_ask() to its end it counts as one of the server's operations: storescp does not stop before it is answered. */
struct adoption {
	STAILQ_ENTRY(adoption) link;
	struct adopter *adopter;
	struct ctl_request *rq;
	char dir[sizeof(((struct conf *)0)->dir)];
	enum err err;
	struct why why;
	struct ingest_job job;
};

bool adopter_is_spool_path(const char *path)
{
	return !strncmp(path, "spool/", 6) && path[6] && path[6] != '.' && !strchr(path + 6, '/') && strlen(path) < sizeof(((struct ingest_job *)0)->path);
}

/* ---- the end ---- */

static void end(struct adoption *a)
{
	struct server *sv = a->adopter->server;
	free((void *)(uintptr_t)a->job.header.p);
	free(a);
	sv->operations--;
	server_check_quiet(sv);
}

static void refuse(struct adoption *a, enum err e, const char *text)
{
	log_event(LOG_WARN, "not_adopted", "calling", a->job.calling, "sop", a->job.sop_instance.s, "error", err_name(e), "why", text, NULL);
	ctl_refuse(a->rq, e, text);
	end(a);
}

static void ingested(void *arg, struct ingest_job *job, const struct ingest_result *r)
{
	static const char *const names[] = {
		[INGEST_STORED] = "stored", [INGEST_SAME] = "same", [INGEST_REPAIRED] = "repaired", [INGEST_CONFLICT] = "conflict",
		[INGEST_QUARANTINED] = "quarantined", [INGEST_REPLACED] = "stored", [INGEST_FAILED] = NULL,
	};
	struct adoption *a = arg;
	const char *outcome = names[r->outcome];
	if (!outcome) {
		refuse(a, r->err ? r->err : ERR_IO, r->why.text);
		return;
	}
	if (r->outcome == INGEST_STORED)
		stored_kinds_note(a->adopter->server->kinds, &job->sop_class, &job->ts);
	log_event(LOG_DEBUG, "adopted", "calling", job->calling, "sop", job->sop_instance.s, "ts", job->ts.s, "outcome", outcome, "why", r->why.text, NULL);
	ctl_answer(a->rq, json_pack("{s:s,s:s,s:s,s:I}", "outcome", outcome, "why", r->why.text, "study", r->study_uid.s, "instance", (json_int_t)r->instance));
	end(a);
}

/* ---- on the pool ---- */

static enum err take_header(struct ingest_job *j, const struct walker *w, struct why *why)
{
	struct bytes h = walker_header(w);
	uint8_t *copy = malloc(h.len ? h.len : 1);
	if (!copy)
		return fail(why, ERR_NOMEM, "no memory for a header");
	if (h.len)
		memcpy(copy, h.p, h.len);
	j->header = bytes_of(copy, h.len);
	j->encoding = walker_encoding(w);
	j->has_pixel_data = walker_has_pixel_data(w);
	return ERR_OK;
}

static void take_meta(struct ingest_job *j, const struct object_scan *s)
{
	j->size = s->size;
	j->dataset_at = s->meta.dataset_at;
	memcpy(j->digest, s->digest, sizeof(j->digest));
	snprintf(j->ts.s, sizeof(j->ts.s), "%s", s->ts->uid);
	j->sop_class = s->meta.sop_class;
	j->sop_instance = s->meta.sop_instance;
	memcpy(j->calling, s->meta.source_aet, sizeof(j->calling));
	memcpy(j->address, s->meta.origin.address, sizeof(j->address));
	j->received_ms = s->meta.origin.received_ms;
}

/* A data set that cannot be read goes to quarantine like one from the network: it has a digest, and its meta group is ours. */
static enum err read_file(struct adoption *a, int fd)
{
	const struct object_scan_options whole = { .header_only = false };
	struct object_scan s;
	struct ingest_job *j = &a->job;
	enum err e = object_scan(fd, &whole, &s, &a->why);
	bool is_odd = (e == ERR_FORMAT || e == ERR_LIMIT) && s.digest[0] && s.ts;
	if (is_odd)
		j->quarantine_reason = e == ERR_LIMIT ? "the header is over the limit" : "the data set cannot be read";
	if (!e || is_odd) {
		take_meta(j, &s);
		e = take_header(j, s.walker, &a->why);
	}
	object_scan_fini(&s);
	return e;
}

static void work(void *arg)
{
	struct adoption *a = arg;
	struct stat st;
	char path[sizeof(a->dir) + sizeof(a->job.path) + 1];
	snprintf(path, sizeof(path), "%s/%s", a->dir, a->job.path);
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0) {
		a->err = fail_errno(&a->why, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "opening %s", a->job.path);
		return;
	}
	if (fstat(fd, &st))
		a->err = fail_errno(&a->why, ERR_IO, "looking at %s", a->job.path);
	else if (!S_ISREG(st.st_mode))
		a->err = fail(&a->why, ERR_USAGE, "%s is no file", a->job.path);
	else
		a->err = durable_sync(fd, a->job.path, &a->why);
	if (!a->err)
		a->err = read_file(a, fd);
	close(fd);
}

/* ---- on the loop ---- */

static void work_back(void *arg);

static void start_next(struct adopter *ad)
{
	while (ad->running < AT_ONCE && !STAILQ_EMPTY(&ad->waiting)) {
		struct adoption *a = STAILQ_FIRST(&ad->waiting);
		STAILQ_REMOVE_HEAD(&ad->waiting, link);
		if (!loop_work(ad->server->loop, work, work_back, a)) {
			ad->running++;
			continue;
		}
		refuse(a, ERR_NOMEM, "no memory for a job of the file pool");
	}
}

static void work_back(void *arg)
{
	struct adoption *a = arg;
	struct adopter *ad = a->adopter;
	struct server *sv = ad->server;
	const struct conf_node *node = conf_node_by_aet(sv->conf, a->job.calling);
	ad->running--;
	start_next(ad);
	if (!a->err && spool_is_low(sv->spool))
		a->err = fail(&a->why, ERR_FULL, "less than the reserve of %lu MB is free", sv->conf->reserve_mb);
	if (a->err) {
		refuse(a, a->err, a->why.text);
		return;
	}
	snprintf(a->job.called, sizeof(a->job.called), "%s", sv->conf->aet);
	snprintf(a->job.charset, sizeof(a->job.charset), "%s", node && node->charset[0] ? node->charset : sv->conf->charset);
	a->job.duplicate = node ? node->duplicate : DUPLICATE_KEEP_FIRST;
	a->job.done = ingested;
	a->job.arg = a;
	ingest_submit(sv->ingest, &a->job);
}

void adopter_init(struct adopter *a, struct server *sv)
{
	*a = (struct adopter){ .server = sv };
	STAILQ_INIT(&a->waiting);
}

void adopter_ask(struct adopter *ad, struct ctl_request *rq, const json_t *body)
{
	const char *path = json_string_value(json_object_get(body, "path"));
	if (!path || !adopter_is_spool_path(path)) {
		ctl_refuse(rq, ERR_USAGE, "adopt needs path, spool/NAME");
		return;
	}
	if (ad->server->stopping) {
		ctl_refuse(rq, ERR_CLOSED, "the node is stopping");
		return;
	}
	struct adoption *a = calloc(1, sizeof(*a));
	if (!a) {
		ctl_refuse(rq, ERR_NOMEM, "no memory");
		return;
	}
	a->adopter = ad;
	a->rq = rq;
	snprintf(a->dir, sizeof(a->dir), "%s", ad->server->conf->dir);
	snprintf(a->job.path, sizeof(a->job.path), "%s", path);
	ad->server->operations++;
	STAILQ_INSERT_TAIL(&ad->waiting, a, link);
	start_next(ad);
}
