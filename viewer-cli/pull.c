/* pull: the images of an item, or of a study, by C-GET into a directory. What is to come is known before (the item's input
 * references, or a query), and each image is checked off: anything that is missing at the end is an error. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pacs/base/durable.h"
#include "viewer-cli/case.h"
#include "viewer-cli/lock.h"
#include "viewer-cli/pull_file.h"
#include "viewer-cli/wanted.h"

enum { UIDS_PER_GET = 200, STATUS_REFUSED = STATUS_CANNOT_UNDERSTAND };

struct pull {
	const struct pull_job *job;
	const struct viewer_options *o;
	struct client *client;
	const struct assoc_context *get;
	struct wanted *wanted;
	struct pull_file *file;          /* the image that is coming; NULL: its bytes are not wanted */
	struct dimse store;              /* its request */
	uint8_t store_context;
	struct pull_count count;         /* failed: as the node counts them */
};

static void tell(struct pull *p)
{
	if (p->job->progress)
		p->job->progress(p->job->arg, &p->count);
}

/* ---- the association: C-GET, and each storage class with each syntax in a context of its own, so that the node may
 * send every image as it is kept ---- */

static const char *const syntaxes[] = {
	TS_EXPLICIT_LE, TS_J2K_LOSSLESS, TS_J2K, TS_JPEG_BASELINE, TS_JPEG_LOSSLESS_SV1, TS_JPEG_LOSSLESS, TS_JPEG_EXTENDED, TS_JPEGLS_LOSSLESS,
	TS_JPEGLS_NEAR, TS_RLE, TS_HTJ2K_LOSSLESS, TS_HTJ2K_LOSSLESS_RPCL, TS_HTJ2K, TS_IMPLICIT_LE, TS_DEFLATED_LE, TS_EXPLICIT_BE,
	"1.2.840.10008.1.2.4.100", "1.2.840.10008.1.2.4.101", "1.2.840.10008.1.2.4.102", "1.2.840.10008.1.2.4.103",
};

struct proposal {
	struct negotiate_context contexts[BOUND_CONTEXTS];
	struct negotiate_role roles[BOUND_CONTEXTS];
	unsigned contexts_n, roles_n;
	const char *ts[NELEM(syntaxes)];
};

static void propose(struct proposal *p, const char *uid, const char **ts, unsigned n)
{
	if (p->contexts_n < BOUND_CONTEXTS) {
		p->contexts[p->contexts_n] = (struct negotiate_context){ .id = (uint8_t)(2 * p->contexts_n + 1), .abstract_syntax = uid, .ts = ts, .ts_count = n };
		p->contexts_n++;
	}
}

static void propose_class(void *arg, const char *sop_class, unsigned classes)
{
	struct proposal *p = arg;
	/* As many contexts for each class as there is room for; the last takes all the syntaxes that are left. */
	unsigned each = (BOUND_CONTEXTS - 1) / classes;

	if (p->contexts_n == BOUND_CONTEXTS)
		return;                  /* more than 127 classes in one study: wanted_missing() will tell */
	each = each == 0 ? 1 : each > NELEM(syntaxes) ? (unsigned)NELEM(syntaxes) : each;
	for (unsigned i = 0; i < each; i++)
		propose(p, sop_class, &p->ts[i], i + 1 < each ? 1 : (unsigned)NELEM(syntaxes) - i);
	p->roles[p->roles_n++] = (struct negotiate_role){ .sop_class = sop_class, .scu = false, .scp = true };
}

static enum err open_get(struct pull *p, struct why *why)
{
	struct proposal *pr = calloc(1, sizeof(*pr));
	struct client_peer peer = { p->o->host, p->o->port, p->o->called, p->o->calling, p->o->cancel };

	if (!pr)
		return fail(why, ERR_NOMEM, "no memory");
	memcpy(pr->ts, syntaxes, sizeof(pr->ts));
	propose(pr, UID_STUDY_ROOT_GET, pr->ts, 1);
	wanted_classes(p->wanted, propose_class, pr);
	struct assoc_request rq = { .contexts = pr->contexts, .context_count = pr->contexts_n, .roles = pr->roles, .role_count = pr->roles_n };
	enum err e = client_open(&peer, &rq, &p->client, why);
	if (!e && !(p->get = client_context(p->client, UID_STUDY_ROOT_GET)))
		e = fail(why, ERR_UNSUPPORTED, "%s gives no images by C-GET", p->o->called);
	free(pr);
	return e;
}

/* ---- images as they come: C-STORE requests inside the C-GET ---- */

static void refuse(struct pull *p, const struct why *why)
{
	p->count.refused++;
	if (p->job->refused)
		p->job->refused(p->job->arg, p->store.sop_instance.s, why);
}

static void begin_image(struct pull *p, const struct client_event *ev)
{
	const struct assoc_context *pc = client_context_by_id(p->client, ev->context_id);
	struct why why = { "" };
	enum err e = ERR_OK;

	p->store = ev->cmd;
	p->store_context = ev->context_id;
	if (!pc || !wanted_has(p->wanted, ev->cmd.sop_instance.s))
		e = fail(&why, ERR_MISMATCH, "it was not asked for");
	if (!e)
		e = pull_file_begin(p->o->out_dir, &ev->cmd, pc->ts, p->o->called, &p->file, &why);
	if (e)
		refuse(p, &why);
}

/* The node counts what it was not told to have arrived. */
static enum err end_image(struct pull *p, struct why *why)
{
	struct dimse rsp = dimse_response(&p->store, STATUS_REFUSED);
	struct why bad = { "" };
	bool is_kept = false;

	if (p->file) {
		is_kept = pull_file_end(&p->file, &bad) == ERR_OK;
		rsp.status = is_kept ? STATUS_SUCCESS : STATUS_OUT_OF_RESOURCES;
	}
	if (is_kept && wanted_check_off(p->wanted, p->store.sop_instance.s)) {
		p->count.stored++;
		tell(p);
	}
	if (bad.text[0])
		refuse(p, &bad);
	return client_send(p->client, p->store_context, &rsp, (struct bytes){ 0 }, why);
}

static enum err take_data(struct pull *p, const struct client_event *ev, struct why *why)
{
	if (p->file)
		pull_file_write(p->file, ev->data);
	p->count.bytes += ev->data.len;
	return ev->is_last && p->store.field ? end_image(p, why) : ERR_OK;
}

/* ---- one C-GET ---- */

static void count(struct pull *p, const struct dimse *rsp, uint16_t *status)
{
	p->count.failed += rsp->failed;
	*status = rsp->status;
}

/* Serves what comes until the last response. */
static enum err serve(struct pull *p, uint16_t message_id, uint16_t *status, struct why *why)
{
	struct client_event ev;
	enum err e;

	while (!(e = client_next(p->client, &ev, why))) {
		if (ev.kind == CLIENT_DATA) {
			e = take_data(p, &ev, why);
		} else if (ev.cmd.field == DIMSE_C_STORE_RQ) {
			begin_image(p, &ev);
			if (!ev.cmd.has_data)
				e = fail(why, ERR_PROTO, "an image without a data set");
		} else if (ev.cmd.field != DIMSE_C_GET_RSP || ev.cmd.message_id != message_id) {
			e = fail(why, ERR_PROTO, "%s came in the middle of C-GET", dimse_field_name(ev.cmd.field));
		} else {
			p->store.field = 0;      /* the list of failed images, when there is one, is no image */
			if (!dimse_status_is_pending(ev.cmd.status)) {
				count(p, &ev.cmd, status);
				return client_skip(p->client, &ev, why);
			}
			e = client_skip(p->client, &ev, why);
		}
		if (e)
			return e;
	}
	return e;
}

static enum err get(struct pull *p, const struct dataset *keys, struct why *why)
{
	struct dimse rq = { .field = DIMSE_C_GET_RQ, .has_data = true, .message_id = client_message_id(p->client) };
	struct buf b;
	uint16_t status = 0;

	buf_init(&b, BOUND_IDENTIFIER);
	enum err e = uid_take(&rq.sop_class, bytes_str(UID_STUDY_ROOT_GET));
	if (!e)
		e = dataset_write(keys, ds_encoding_of(p->get->ts), &b);
	if (!e)
		e = client_send(p->client, p->get->id, &rq, buf_view(&b), why);
	else
		fail(why, e, "the request does not fit");
	buf_fini(&b);
	if (!e)
		e = serve(p, rq.message_id, &status, why);
	if (!e && !dimse_status_is_done(status))
		e = fail(why, ERR_CONFLICT, "the node ended C-GET with %04x", status);
	return e;
}

static enum err get_all(struct pull *p, struct why *why)
{
	struct arena a;
	enum err e = ERR_OK;

	arena_init(&a, BOUND_IDENTIFIER);
	for (unsigned at = 0; !e; ) {
		struct arena_mark mark = arena_mark(&a);
		struct dataset *keys = dataset_new(&a);
		e = keys ? wanted_request(p->wanted, &at, UIDS_PER_GET, keys) : fail(why, ERR_NOMEM, "no memory");
		if (!e)
			e = get(p, keys, why);
		arena_release(&a, mark);
	}
	arena_fini(&a);
	return e == ERR_END ? ERR_OK : e;
}

enum err case_pull(const struct pull_job *job, struct pull_count *count, struct why *why)
{
	const struct viewer_options *o = job->o;
	struct pull p = { .job = job, .o = o, .wanted = wanted_new() };
	enum err e = p.wanted ? durable_mkdirs(o->out_dir, why) : fail(why, ERR_NOMEM, "no memory");

	if (!e)
		e = job->study ? wanted_of_study(o, job->study, p.wanted, why) : wanted_of_item(o, job->item, p.wanted, why);
	if (!e) {
		p.count.all = wanted_count(p.wanted);
		tell(&p);
		e = open_get(&p, why);
	}
	if (!e)
		e = get_all(&p, why);
	pull_file_discard(&p.file);
	client_close(&p.client);
	if (!e)
		e = durable_sync_dir(o->out_dir, why);
	p.count.missing = p.wanted ? wanted_missing(p.wanted) : 0;
	wanted_free(&p.wanted);
	*count = p.count;
	return e;
}

/* ---- the command ---- */

static void show_progress(void *arg, const struct pull_count *c)
{
	if (*(const bool *)arg && c->stored)
		fprintf(stderr, "\r%u of %u images, %.1f MB ", c->stored, c->all, (double)c->bytes / 1e6);
}

static void show_refused(void *arg, const char *sop, const struct why *why)
{
	fprintf(stderr, "%sviewer-cli: image %s: %s\n", *(const bool *)arg ? "\n" : "", sop, why->text);
}

/* The item that is named, or the only one that is claimed here. */
static enum err choose(const struct viewer_options *o, struct pull_job *job, struct lock *only, struct why *why)
{
	job->study = o->study;
	job->item = o->count ? o->args[0] : NULL;
	if (job->study || job->item)
		return ERR_OK;
	enum err e = lock_only(o->called, only, why);
	job->item = only->item.s;
	return e;
}

int viewer_pull(const struct viewer_options *o)
{
	bool is_terminal = isatty(STDERR_FILENO);
	struct pull_job job = { .o = o, .progress = show_progress, .refused = show_refused, .arg = &is_terminal };
	struct pull_count c = { .all = 0 };
	struct why why = { "" };
	struct lock only;

	if (!o->out_dir || o->count > (o->study ? 0 : 1))
		return viewer_help("pull"), VIEWER_USAGE;
	enum err e = choose(o, &job, &only, &why);
	if (!e)
		e = case_pull(&job, &c, &why);
	if (is_terminal && c.stored)
		fputc('\n', stderr);
	if (c.all)
		printf("%u of %u images, %.1f MB, in %s\n", c.stored, c.all, (double)c.bytes / 1e6, o->out_dir);
	if (e)
		return viewer_fail("%s", why.text);
	if (c.missing || c.failed || c.refused)
		return viewer_fail("%u images are missing; the node counts %u failed, %u were refused here", c.missing, c.failed, c.refused);
	return VIEWER_OK;
}
