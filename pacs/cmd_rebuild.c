#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "db/retain.h"
#include "db/snapshot.h"
#include "pacs/base/clock.h"
#include "pacs/base/durable.h"
#include "pacs/base/table.h"
#include "pacs/command.h"
#include "pacs/folder.h"
#include "pacs/output.h"
#include "pacs/progress.h"
#include "pacs/store/rebuild.h"

struct run { struct progress progress; unsigned pass; };

/* Ctrl-C: the old index stays. A signal has no other way to tell. */
static volatile sig_atomic_t interrupted;
static void on_interrupt(int sig) { (void)sig; interrupted = 1; }

static bool on_progress(void *arg, unsigned pass, uint64_t done, uint64_t all, uint64_t bytes)
{
	struct run *r = arg;
	if (pass != r->pass) {
		progress_clear(&r->progress);
		progress_init(&r->progress, pass == 1 ? "looking at files" : "indexing");
		r->pass = pass;
	}
	progress_show(&r->progress, done, all, bytes);
	return !interrupted;
}

static void on_bad(void *arg, const char *path, const char *why)
{
	struct run *r = arg;
	progress_clear(&r->progress);
	say_error("%s is not indexed: %s", path, why);
}

struct path { char s[PATH_MAX + 64]; };
static struct path in(const struct conf *conf, const char *name)
{
	struct path p;
	snprintf(p.s, sizeof(p.s), "%.4000s/%s", conf->dir, name);
	return p;
}

static void drop_new(const struct conf *conf)
{
	static const char *const names[] = { "rebuild/index.db", "rebuild/index.db-wal", "rebuild/index.db-shm" };
	for (size_t i = 0; i < NELEM(names); i++)
		unlink(in(conf, names[i]).s);
	rmdir(in(conf, "rebuild").s);
}

/* The locks of the supervisor and of ingest: nobody works here, and nobody begins to. */
static enum err lock_node(const struct conf *conf, int fds[2], struct why *why)
{
	enum err e = folder_lock(conf->dir, &fds[0], why);
	if (e)
		return e;
	fds[1] = open(in(conf, "run/ingest.lock").s, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	if (fds[1] >= 0 && !flock(fds[1], LOCK_EX | LOCK_NB))
		return ERR_OK;
	close(fds[0]);
	if (fds[1] >= 0)
		close(fds[1]);
	return fail(why, ERR_BUSY, "a storescp works in %s; stop the node first", conf->dir);
}

/* What the old index has in its log goes into its file, when that can be done: the two then go as one. Else the log is put
 * aside, for it must not be taken for the new one's. */
static void settle_old(const struct conf *conf)
{
	struct index_writer *old = NULL;
	if (access(in(conf, "index.db").s, F_OK))
		return;
	if (index_writer_open(conf->dir, &old, NULL))
		(void)rename(in(conf, "index.db-wal").s, in(conf, "index.db.old-wal").s);
	index_writer_close(&old);
	unlink(in(conf, "index.db-shm").s);
}

/* One rename is the change: before it the old index is there, after it the new one. The old one stays under another name. */
static enum err swap(const struct conf *conf, struct why *why)
{
	struct path new = in(conf, "rebuild/index.db"), now = in(conf, "index.db"), old = in(conf, "index.db.old");
	int fd = open(new.s, O_RDONLY | O_CLOEXEC);
	enum err e = fd < 0 ? fail_errno(why, ERR_IO, "opening %s", new.s) : durable_sync(fd, new.s, why);
	if (fd >= 0)
		close(fd);
	if (e)
		return e;
	settle_old(conf);
	unlink(old.s);
	if (!access(now.s, F_OK) && link(now.s, old.s))
		return fail_errno(why, ERR_IO, "keeping the old index as %s", old.s);
	if (rename(new.s, now.s))
		return fail_errno(why, ERR_IO, "renaming %s", new.s);
	return durable_sync_dir(conf->dir, why);
}

static enum exit_code report(const struct app *app, const struct rebuild_result *r, uint64_t ms)
{
	enum exit_code code = r->bad ? EXIT_DAMAGE : EXIT_DONE;
	double per_s = ms ? (double)r->files * 1000 / (double)ms : 0;
	if (app->json) {
		enum exit_code e = output_json(json_pack("{s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:i}", "files", (json_int_t)r->files, "bytes", (json_int_t)r->bytes, "images", (json_int_t)r->images,
		                                         "conflicts", (json_int_t)r->conflicts, "garbage", (json_int_t)r->garbage, "quarantined", (json_int_t)r->quarantined,
		                                         "bad", (json_int_t)r->bad, "ms", (json_int_t)ms, "per_s", (int)per_s));
		return e ? e : code;
	}
	printf("%llu images from %llu files, %s, in %.1f s: %.0f files/s\n", (unsigned long long)r->images, (unsigned long long)r->files, size_text(r->bytes).s,
	       (double)ms / 1000, per_s);
	if (r->conflicts || r->garbage || r->quarantined)
		printf("%llu kept beside another, %llu that the next start removes, %llu in quarantine\n", (unsigned long long)r->conflicts, (unsigned long long)r->garbage,
		       (unsigned long long)r->quarantined);
	puts("The old index is index.db.old; remove it when the node runs well.");
	return code;
}

static void carry_over(const struct conf *conf, const char *into)
{
	struct why why = { "" };
	enum err e = retain_carry_over(conf->dir, into, &why);
	if (e && e != ERR_NOT_FOUND)
		say_error("holds and the trail of retention could not be taken over from the old index (%s); set holds again before `pacs retention --apply`", why.text);
}

static enum exit_code rebuild(const struct app *app, const struct conf *conf, unsigned threads)
{
	struct run run = { .pass = 0 };
	struct path into = in(conf, "rebuild");
	struct rebuild_options o = { .into = into.s, .threads = threads, .on_progress = on_progress, .on_bad = on_bad, .arg = &run };
	struct rebuild_result r;
	struct why why = { "" };
	uint64_t started = clock_mono_ns();
	sigaction(SIGINT, &(struct sigaction){ .sa_handler = on_interrupt }, NULL);
	progress_init(&run.progress, "");
	drop_new(conf);
	enum err e = durable_mkdirs(into.s, &why);
	if (!e)
		e = rebuild_run(conf, &o, &r, &why);
	progress_clear(&run.progress);
	uint64_t ms = (clock_mono_ns() - started) / 1000000;
	if (!e)
		carry_over(conf, into.s);
	if (!e)
		e = db_check_whole(in(conf, "rebuild/index.db").s, &why);
	if (!e)
		e = swap(conf, &why);
	drop_new(conf);
	return e ? say_failure(e, &why) : report(app, &r, ms);
}

enum exit_code cmd_rebuild(struct app *app, int argc, char **argv)
{
	const char *text = NULL;
	unsigned long threads = 2;
	const struct arg_option options[] = { { "--threads", &text, NULL } };
	if (!args_read(app, argc, argv, options, NELEM(options)) || !args_want_words(app, "rebuild", 0, 0) || !args_number("--threads", text, 1, 16, &threads))
		return EXIT_USAGE;
	enum exit_code code;
	struct conf *conf;
	struct why why = { "" };
	int fds[2];
	if (!app_conf(app, &conf, &code))
		return code;
	enum err e = lock_node(conf, fds, &why);
	if (e) {
		code = say_failure(e, &why);
	} else {
		code = rebuild(app, conf, (unsigned)threads);
		close(fds[1]);
		close(fds[0]);
	}
	conf_unref(&conf);
	return code;
}
