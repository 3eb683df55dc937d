#include <errno.h>
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pacs/base/clock.h"
#include "pacs/base/durable.h"
#include "pacs/demo.h"

enum { WATCH_S = 240 };

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *f)
{
	(void)st;
	(void)type;
	(void)f;
	return remove(path);
}

static bool find_bin(struct demo *d)
{
	ssize_t n = readlink("/proc/self/exe", d->bin, sizeof(d->bin) - 1);
	d->bin[n > 0 ? n : 0] = '\0';
	char *slash = strrchr(d->bin, '/');
	if (slash)
		*slash = '\0';
	return slash;
}

static bool make_dir(struct demo *d, const char *dir)
{
	struct why why;
	char temp[PATH_MAX];
	const char *base = getenv("TMPDIR");
	snprintf(temp, sizeof(temp), "%s/pacs-demo.XXXXXX", base && *base ? base : "/tmp");
	if (!dir && !(dir = mkdtemp(temp))) {
		say_error("a temporary folder cannot be made: %s", strerror(errno));
		return false;
	}
	enum err e = durable_mkdirs(dir, &why);
	if (!e && !realpath(dir, d->dir))
		e = fail_errno(&why, ERR_IO, "%s", dir);
	if (e)
		say_failure(e, &why);
	return !e;
}

/* Tools that the demo cannot do without; `make run` installs them. */
static bool has_tools(bool once)
{
	static const char *const tools[] = { "storescu", "gdcmconv", "gdcmraw" };
	for (size_t i = 0; i < (once ? NELEM(tools) : 1); i++)
		if (!demo_program_exists(tools[i])) {
			say_error("%s is not installed; `make deps` installs all that is needed", tools[i]);
			return false;
		}
	return true;
}

/* The readers' keys belong to the demo, not to the person who runs it. */
static void set_reader_home(const struct demo *d)
{
	char home[PATH_MAX + 16];
	snprintf(home, sizeof(home), "%s/reader-keys", d->dir);
	setenv("XDG_STATE_HOME", home, 1);
}

static bool show(struct demo *d)
{
	demo_say(d, "Three nodes on this machine, in %s:", d->dir);
	if (!demo_nodes_start(d) || !demo_images_find(d))
		return false;
	demo_say(d, "\nA modality sends them to the clinic with storescu:");
	bool all = demo_images_send(d) && demo_watch(d, WATCH_S);
	if (d->is_interrupted)
		return false;
	demo_step(d, all, "every image went its way in %.1f s", demo_now_s(d));
	if (!demo_read_cases(d))
		return false;
	if (d->once) {
		demo_say(d, "\nEach image, by asking the nodes and by fetching it back:");
		demo_verify_images(d);
	}
	return !d->is_interrupted;
}

static enum exit_code run(struct demo *d)
{
	bool shown = show(d);
	enum exit_code code = d->failed || (!shown && !d->is_interrupted) || (d->once && d->is_interrupted) ? EXIT_FAILED : EXIT_DONE;
	if (d->steps && !d->is_interrupted)
		demo_say(d, "\n%u of %u steps were as they should be", d->steps - d->failed, d->steps);
	if (shown && !d->once) {
		demo_print_next(d);
		while (demo_pause(d, 60000))
			;
		printf("\nstopping the nodes ...\n");
	}
	demo_nodes_stop(d);
	if (code && d->once)
		d->keep = true;
	return code;
}

enum exit_code cmd_demo(struct app *app, int argc, char **argv)
{
	static struct demo d = {         /* 400 kB: too much for a stack */
		.nodes = { { .aet = "CLINIC1", .name = "clinic", .level = LEVEL_CLINIC }, { .aet = "COUNTY1", .name = "county", .level = LEVEL_COUNTY },
		           { .aet = "PROVINCE1", .name = "province", .level = LEVEL_PROVINCE } },
	};
	const char *dir = NULL;
	const struct arg_option options[] = { { "--once", NULL, &d.once }, { "--keep", NULL, &d.keep }, { "--dir", &dir, NULL } };
	if (!args_read(app, argc, argv, options, NELEM(options)) || !args_want_words(app, "demo", 0, 0))
		return EXIT_USAGE;
	d.is_terminal = isatty(STDOUT_FILENO);
	d.is_own_dir = !dir;
	if (!has_tools(d.once) || !find_bin(&d) || !demo_signals_open(&d) || !make_dir(&d, dir))
		return EXIT_FAILED;
	set_reader_home(&d);
	enum exit_code code = run(&d);
	if (d.is_own_dir && !d.keep)
		nftw(d.dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	else
		printf("the folders are kept in %s\n", d.dir);
	return code;
}
