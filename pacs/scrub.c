#include "pacs/scrub.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "pacs/base/clock.h"
#include "pacs/base/durable.h"
#include "pacs/command.h"
#include "pacs/repair.h"

enum { SAVE_EVERY_S = 30, RETRY_S = 60, STATE_MAX = 65536, LOWEST_RATE = 65536, DAY_S = 86400 };

struct scrub {
	struct conf *conf;               /* reference */
	sigset_t signals;
	bool stop, reload;
	uint64_t saved_ns;
	/* the state */
	json_int_t next, pass_started, images, bytes, found, last_done, last_found;
	json_int_t images_before, bytes_before;  /* of this pass, before this run */
};

uint64_t scrub_rate(uint64_t all_bytes, unsigned days, uint64_t max_rate)
{
	uint64_t rate = days ? all_bytes / ((uint64_t)days * DAY_S * 4 / 5) + 1 : max_rate;
	if (rate < LOWEST_RATE)
		rate = LOWEST_RATE;
	return max_rate && rate > max_rate ? max_rate : rate;
}

/* ---- the state ---- */

static void state_path(const char *dir, char out[4400])
{
	snprintf(out, 4400, "%.4096s/" SCRUB_STATE, dir);
}

json_t *scrub_state_read(const char *dir)
{
	char path[4400], *text;
	size_t len;
	state_path(dir, path);
	if (durable_slurp(path, STATE_MAX, &text, &len, NULL))
		return NULL;
	json_t *o = json_loadb(text, len, 0, NULL);
	free(text);
	return o;
}

static void load(struct scrub *s)
{
	json_t *o = scrub_state_read(s->conf->dir);
	const struct { const char *key; json_int_t *value; } fields[] = {
		{ "next", &s->next }, { "pass_started", &s->pass_started }, { "images", &s->images }, { "bytes", &s->bytes },
		{ "found", &s->found }, { "last_done", &s->last_done }, { "last_found", &s->last_found },
	};
	for (size_t i = 0; i < NELEM(fields); i++)
		*fields[i].value = json_integer_value(json_object_get(o, fields[i].key));
	json_decref(o);
}

static void save(struct scrub *s)
{
	char path[4400];
	struct why why;
	state_path(s->conf->dir, path);
	json_t *o = json_pack("{s:I,s:I,s:I,s:I,s:I,s:I,s:I}", "next", s->next, "pass_started", s->pass_started, "images", s->images, "bytes", s->bytes,
	                      "found", s->found, "last_done", s->last_done, "last_found", s->last_found);
	char *text = json_dumps(o, JSON_COMPACT);
	if (text && durable_replace(path, text, strlen(text), 0644, &why))
		log_event(LOG_WARN, "scrub_state_not_written", "why", why.text, NULL);
	free(text);
	json_decref(o);
	s->saved_ns = clock_mono_ns();
}

/* ---- signals ---- */

static void take_signal(struct scrub *s, uint64_t wait_ns)
{
	struct timespec t = { (time_t)(wait_ns / 1000000000), (long)(wait_ns % 1000000000) };
	int sig = sigtimedwait(&s->signals, NULL, &t);
	s->stop |= sig == SIGTERM || sig == SIGINT;
	s->reload |= sig == SIGHUP;
}

/* ---- a pass ---- */

static void on_finding(void *arg, const struct verify_finding *f)
{
	struct scrub *s = arg;
	char did[256];
	(void)repair_finding(s->conf, f, did, sizeof(did));
	s->found++;
	log_event(verify_is_damage(f->fault) ? LOG_ERROR : LOG_WARN, "scrub_found", "fault", verify_fault_name(f->fault), "file", f->path, "sop", f->sop_uid,
	          "calling", f->calling, "why", f->why.text, "did", did[0] ? did : NULL, NULL);
	save(s);
}

static bool on_progress(void *arg, const struct verify_progress *p)
{
	struct scrub *s = arg;
	s->next = (json_int_t)p->next_oid;
	s->images = s->images_before + (json_int_t)p->files;
	s->bytes = s->bytes_before + (json_int_t)p->bytes;
	if (clock_mono_ns() - s->saved_ns >= (uint64_t)SAVE_EVERY_S * 1000000000u)
		save(s);
	take_signal(s, 0);
	return !s->stop && !s->reload;
}

static void begin_pass(struct scrub *s)
{
	s->next = s->images = s->bytes = s->found = 0;
	s->pass_started = clock_wall_ms();
	save(s);
}

static void end_pass(struct scrub *s)
{
	s->last_done = clock_wall_ms();
	s->last_found = s->found;
	s->next = 0;
	log_event(s->found ? LOG_WARN : LOG_INFO, "scrub_pass_done", "images", log_num(s->images).s, "bytes", log_num(s->bytes).s, "found", log_num(s->found).s,
	          "hours", log_num((s->last_done - s->pass_started) / 3600000).s, NULL);
	save(s);
}

static uint64_t all_bytes(struct index_reader *ix)
{
	struct survey *v = NULL;
	uint64_t files = 0, bytes = 0;
	if (!survey_open(ix, &v, NULL) && survey_total(v, &files, &bytes, NULL))
		bytes = 0;
	survey_close(&v);
	return bytes;
}

/* From where it was to the end; false: it could not be done, or a signal came. */
static bool pass(struct scrub *s)
{
	struct index_reader *ix = NULL;
	struct verify_progress p;
	struct why why = { "" };
	enum err e = index_reader_open(s->conf->dir, &ix, &why);
	if (!e) {
		struct verify_options o = { .dir = s->conf->dir, .first = (uint64_t)s->next, .young_s = VERIFY_YOUNG_S, .on_finding = on_finding, .on_progress = on_progress, .arg = s };
		o.rate = scrub_rate(all_bytes(ix), s->conf->scrub_days, (uint64_t)s->conf->scrub_rate_mb * 1000000);
		s->images_before = s->images;
		s->bytes_before = s->bytes;
		e = verify_run(ix, &o, &p, &why);
	}
	index_reader_close(&ix);
	if (e && e != ERR_CANCELLED)
		log_event(LOG_WARN, "scrub_stopped", "why", why.text, NULL);
	if (e)
		save(s);
	return !e;
}

/* ---- the program ---- */

static void be_humble(void)
{
	enum { IOPRIO_WHO_PROCESS = 1, IOPRIO_CLASS_IDLE = 3, IOPRIO_CLASS_SHIFT = 13 };
	(void)setpriority(PRIO_PROCESS, 0, 19);
	(void)sched_setscheduler(0, SCHED_IDLE, &(struct sched_param){ 0 });
	(void)syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, IOPRIO_CLASS_IDLE << IOPRIO_CLASS_SHIFT);
}

static void reload(struct scrub *s)
{
	struct conf *conf = NULL;
	struct why why;
	s->reload = false;
	if (conf_load(s->conf->dir, &conf, &why))
		return;                  /* the other programs say so */
	conf_unref(&s->conf);
	s->conf = conf;
}

/* When the next pass is due, in ms from now; 0: now (or one is under way); INT64_MAX: never. */
static int64_t due_in_ms(const struct scrub *s)
{
	int64_t period = (int64_t)s->conf->scrub_days * DAY_S * 1000, now = clock_wall_ms();
	if (!period)
		return INT64_MAX;
	if (!s->pass_started || s->pass_started > now || s->last_done < s->pass_started)
		return 0;
	return s->pass_started + period > now ? s->pass_started + period - now : 0;
}

static void run(struct scrub *s)
{
	while (!s->stop) {
		int64_t due = due_in_ms(s);
		if (s->reload) {
			reload(s);
		} else if (due > 0) {
			take_signal(s, due > DAY_S * 1000ll ? DAY_S * 1000000000ull : (uint64_t)due * 1000000);
		} else {
			if (!s->pass_started || s->last_done >= s->pass_started || s->pass_started > clock_wall_ms())
				begin_pass(s);
			if (pass(s))
				end_pass(s);
			else if (!s->stop && !s->reload)
				take_signal(s, RETRY_S * 1000000000ull);
		}
	}
}

enum exit_code cmd_scrub(struct app *app, int argc, char **argv)
{
	struct scrub s = { .stop = false };
	enum exit_code code;
	if (!args_read(app, argc, argv, NULL, 0) || !args_want_words(app, "scrub", 0, 0))
		return EXIT_USAGE;
	sigemptyset(&s.signals);
	sigaddset(&s.signals, SIGTERM);
	sigaddset(&s.signals, SIGINT);
	sigaddset(&s.signals, SIGHUP);
	sigprocmask(SIG_BLOCK, &s.signals, NULL);
	if (!app_conf(app, &s.conf, &code))
		return EXIT_FAILED;      /* not 78: that would stop the node */
	log_init("scrub", s.conf->log_level);
	be_humble();
	load(&s);
	run(&s);
	save(&s);
	conf_unref(&s.conf);
	return EXIT_DONE;
}
