#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pacs/base/durable.h"
#include "pacs/export_private.h"

enum { ALIVE_MS = 3600000 };

/* ---- one after the other ---- */

void export_stop(struct export *x, enum err e)
{
	if (!x->err)
		x->err = e;
	loop_timer_free(&x->alive);              /* the loop runs out */
}

void export_pass_over(struct export *x, const char *why, bool is_bad)
{
	struct export_result *r = x->result;
	size_t i = 0;
	if (x->fd >= 0)
		close(x->fd);
	x->fd = -1;
	while (i < EXPORT_REASONS - 1 && r->reasons[i].count && strncmp(r->reasons[i].why, why, sizeof(r->reasons[i].why) - 1))
		i++;
	if (!r->reasons[i].count)
		snprintf(r->reasons[i].why, sizeof(r->reasons[i].why), "%.*s", (int)sizeof(r->reasons[i].why) - 1, why);
	r->reasons[i].count++;
	r->reasons[i].is_bad |= is_bad;
	if (is_bad)
		r->bad++;
	else
		r->refused++;
	export_next(x);
}

/* False: there is none. */
static bool next_study(struct export *x)
{
	const struct export_study *of = x->picks.of;
	if (x->study + 1 >= x->picks.count)
		return false;
	x->study++;
	x->has_named_study = x->has_named_series = false;
	if (!x->study || strcmp(of[x->study].patient, of[x->study - 1].patient)) {
		x->has_named_patient = false;
		export_subject(x);
	}
	x->err = export_pick_items(x, &x->why);
	return true;
}

static void next(void *arg)
{
	struct export *x = arg;
	if (x->o->on_progress && !x->o->on_progress(x->o->arg, x->looked_at, x->picks.objects, x->result->bytes)) {
		fail(&x->why, ERR_CANCELLED, "stopped; nothing was left at %s", x->o->to);
		export_stop(x, ERR_CANCELLED);
		return;
	}
	x->item++;
	x->looked_at++;
	while (!x->err && x->item >= x->item_count)
		if (!next_study(x)) {
			export_stop(x, ERR_OK);
			return;
		}
	if (x->err) {
		export_stop(x, x->err);
		return;
	}
	if (x->item && strcmp(x->items[x->item].series.s, x->items[x->item - 1].series.s))
		x->has_named_series = false;
	x->is_again = false;
	export_object(x);
}

/* By way of the loop, so that a thousand refusals are no thousand calls deep. */
void export_next(struct export *x)
{
	if (loop_post(x->loop, next, x)) {
		fail(&x->why, ERR_NOMEM, "no memory");
		export_stop(x, ERR_NOMEM);
	}
}

/* ---- begin ---- */

/* The timer is there so that the loop does not run out while a codec works. */
static void on_alive(void *arg)
{
	(void)arg;
}

static enum err start_codecs(struct export *x, struct why *why)
{
	char self[4096], worker[4096 + 16];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	self[n > 0 ? n : 0] = '\0';
	char *slash = strrchr(self, '/');
	snprintf(worker, sizeof(worker), "%.*s/xcode-worker", slash ? (int)(slash - self) : 1, slash ? self : ".");
	struct xcode_limits limits = { .workers = 1, .memory_bytes = (uint64_t)x->conf->worker_memory_mb << 20, .timeout_s = x->conf->worker_timeout_s };
	enum err e = loop_new(&x->loop);
	if (!e)
		e = xcode_new(x->loop, worker, &limits, &x->xcode);
	if (!e)
		e = loop_timer_new(x->loop, on_alive, x, &x->alive);
	if (e)
		return fail(why, e, "starting the export: %s", err_name(e));
	loop_timer_start(x->alive, ALIVE_MS, ALIVE_MS);
	return ERR_OK;
}

static enum err open_map(struct export *x, struct why *why)
{
	if (!x->o->map)
		return ERR_OK;
	int fd = open(x->o->map, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return errno == EEXIST ? fail(why, ERR_EXISTS, "%s is there already and is never changed: name another file for --map", x->o->map)
		                       : fail_errno(why, ERR_IO, "making %s", x->o->map);
	x->has_map = true;
	x->map = fdopen(fd, "w");
	if (!x->map) {
		close(fd);
		return fail(why, ERR_NOMEM, "no memory for %s", x->o->map);
	}
	fputs("patient_id\tpatient_name\tsubject\tstudy\tnew_study\tseries\tnew_series\tinstance\tnew_instance\n", x->map);
	return ERR_OK;
}

static enum err begin(struct export *x, struct why *why)
{
	enum err e = index_reader_open(x->conf->dir, &x->index, why);
	if (!e)
		e = export_pick(x, why);
	if (!e)
		e = export_target_open(&x->target, x->o->to, x->o->is_zip, why);
	if (!e)
		e = open_map(x, why);
	if (!e && x->o->with_dicomdir && dicomdir_write_begin(&x->directory, "EXPORT"))
		e = fail(why, ERR_NOMEM, "no memory for a directory");
	return e ? e : start_codecs(x, why);
}

/* ---- end ---- */

static enum err put_directory(struct export *x, struct why *why)
{
	struct bytes file;
	char draft[PATH_MAX];
	if (!x->o->with_dicomdir)
		return ERR_OK;
	enum err e = dicomdir_write_end(&x->directory, &file);
	if (e)
		return fail(why, e, "the directory has over %d bytes: export in parts", BOUND_DICOMDIR);
	export_target_draft(&x->target, "directory", draft);
	int fd = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	if (fd < 0)
		return fail_errno(why, ERR_IO, "making %s", draft);
	e = durable_pwrite(fd, file.p, file.len, 0, why);
	close(fd);
	return e ? e : export_target_take(&x->target, draft, "DICOMDIR", true, why);
}

static enum err close_map(struct export *x, struct why *why)
{
	if (!x->map)
		return ERR_OK;
	bool is_bad = fflush(x->map) || ferror(x->map) || fsync(fileno(x->map));
	fclose(x->map);
	x->map = NULL;
	return is_bad ? fail_errno(why, ERR_IO, "writing %s", x->o->map) : ERR_OK;
}

static enum err finish(struct export *x, struct why *why)
{
	const struct export_result *r = x->result;
	if (!r->objects)
		return fail(why, ERR_NOT_FOUND, "no image may or can go out%s%s%s", r->reasons[0].count ? ": " : "", r->reasons[0].why,
		            r->refused > x->leaked ? " (see --accept-burned-in)" : "");
	enum err e = put_directory(x, why);
	if (!e)
		e = close_map(x, why);
	return e ? e : export_target_finish(&x->target, why);
}

static void end(struct export *x, enum err e)
{
	if (x->map)
		fclose(x->map);
	if (e && x->has_map)
		(void)unlink(x->o->map);
	if (x->fd >= 0)
		close(x->fd);
	export_target_fini(&x->target);
	dicomdir_write_fini(&x->directory);
	index_reader_close(&x->index);
	export_pick_free(&x->picks);
	free(x->items);
	loop_timer_free(&x->alive);
	xcode_free(&x->xcode);
	loop_free(&x->loop);
	free(x);
}

enum err export_run(const struct conf *conf, const struct export_options *o, struct export_result *out, struct why *why)
{
	struct export *x = calloc(1, sizeof(*x));
	*out = (struct export_result){ .objects = 0 };
	if (!x)
		return fail(why, ERR_NOMEM, "no memory for an export");
	x->conf = conf;
	x->o = o;
	x->result = out;
	x->fd = -1;
	x->target = (struct export_target){ .lock_fd = -1, .zip_fd = -1 };
	x->study = SIZE_MAX;             /* before the first */
	x->looked_at = UINT64_MAX;
	enum err e = begin(x, why);
	if (!e) {
		export_next(x);
		loop_run(x->loop);
		*why = x->why;
		e = x->err;
	}
	if (!e)
		e = finish(x, why);
	if (e == ERR_FULL)
		fail(why, e, "the disk of %s is full: nothing was left there", o->to);
	end(x, e);
	return e;
}
