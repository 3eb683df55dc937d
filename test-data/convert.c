/* convert - have the codec worker change the syntax of files, as the archive has it done.
 *
 *   convert --to CODEC|explicit|implicit|UID[:LEVEL] [--worker PROGRAM] [--memory MB] [--timeout S] IN OUT [IN OUT]...
 *   convert --digest IN...
 *
 * CODEC: a name of pacs.conf (jpeg2000, jpeg:90); j2k is jpeg2000.
 * One line a file: err, sizes of pixel data, ratio, MB/s of encoding and checking, pixel digest, largest error, why.
 * Exit code 1: one of them failed.
 */
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "pacs/dicom/recipe.h"
#include "pacs/xcode/xcode.h"

enum { KEEP_AWAKE_MS = 1000 };

struct run {
	struct loop *loop;
	struct xcode *xcode;
	struct loop_timer *awake;        /* jobs of the worker do not keep a loop running */
	const struct ts *to;             /* NULL: digests only */
	unsigned level;
	char **files;
	int count, next, failed;
};

static double mb_per_second(uint64_t bytes, unsigned us)
{
	return (double)bytes / (us ? us : 1);
}

static void start_next(void *arg);

static void print_result(const struct xcode_result *r, const char *name)
{
	double ratio = r->pixel_bytes_out ? (double)r->pixel_bytes_in / (double)r->pixel_bytes_out : 0;
	printf("%s\t%s\t%llu\t%llu\t%.2f\t%.1f\t%.1f\t%s\t%u\t%s\n", name, err_name(r->err), (unsigned long long)r->pixel_bytes_in, (unsigned long long)r->pixel_bytes_out,
	       ratio, mb_per_second(r->pixel_bytes_in, r->encode_us), mb_per_second(r->pixel_bytes_in, r->verify_us), r->pixel_digest,
	       r->largest_error, r->why.text);
}

static void on_done(void *arg, const struct xcode_result *r)
{
	struct run *run = arg;
	print_result(r, run->files[run->next]);
	run->failed += r->err != ERR_OK;
	run->next += run->to ? 2 : 1;
	start_next(run);
}

static bool submit(struct run *run, int in, const char *out_name)
{
	if (!run->to)
		return !xcode_submit_digest(run->xcode, in, on_done, run);
	int out = open(out_name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	bool ok = out >= 0 && !xcode_submit_level(run->xcode, in, out, run->to, run->level, on_done, run);
	if (out >= 0)
		close(out);
	return ok;
}

static void start_next(void *arg)
{
	struct run *run = arg;
	if (run->next + (run->to ? 1 : 0) >= run->count) {
		xcode_free(&run->xcode);
		loop_timer_free(&run->awake);
		loop_stop(run->loop);
		return;
	}
	int in = open(run->files[run->next], O_RDONLY | O_CLOEXEC);
	if (in < 0 || !submit(run, in, run->files[run->next + 1])) {
		perror(run->files[run->next]);
		exit(1);
	}
	close(in);
}

static void do_nothing(void *arg)
{
	(void)arg;
}

static bool read_target(char *name, struct run *run)
{
	static const struct { const char *name, *uid; } more[] = { { "j2k", TS_J2K_LOSSLESS }, { "explicit", TS_EXPLICIT_LE }, { "implicit", TS_IMPLICIT_LE } };
	struct recipe recipe;
	struct why why;
	for (size_t i = 0; i < NELEM(more); i++)
		if (!strcmp(more[i].name, name))
			run->to = ts_find(more[i].uid);
	if (!run->to && name[0] == '1') {
		char *level = strchr(name, ':');
		run->level = level ? (unsigned)strtoul(level + 1, NULL, 10) : 0;
		name[strcspn(name, ":")] = 0;
		run->to = ts_find(name);
	}
	if (!run->to && recipe_parse(name, &recipe, &why) == ERR_OK) {
		run->to = recipe.ts;
		run->level = recipe.level;
	}
	return run->to != NULL;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "to", required_argument, NULL, 't' }, { "worker", required_argument, NULL, 'w' }, { "memory", required_argument, NULL, 'm' },
		{ "timeout", required_argument, NULL, 's' }, { "digest", no_argument, NULL, 'd' }, { 0 },
	};
	struct xcode_limits limits = { .workers = 1, .memory_bytes = 2048ull << 20, .timeout_s = 300 };
	const char *worker = "build/bin/xcode-worker";
	struct run run = { 0 };
	bool is_known = false;

	for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
		if (c == 't')
			is_known = read_target(optarg, &run);
		else if (c == 'd')
			is_known = true;
		else if (c == 'w')
			worker = optarg;
		else if (c == 'm')
			limits.memory_bytes = strtoull(optarg, NULL, 10) << 20;
		else if (c == 's')
			limits.timeout_s = (unsigned)strtoul(optarg, NULL, 10);
		else
			is_known = false;
	}
	run.files = argv + optind;
	run.count = argc - optind;
	if (!is_known || run.count < 1 || (run.to && run.count % 2)) {
		fputs("usage: convert --to CODEC|explicit|implicit|UID[:LEVEL] [--worker PROGRAM] [--memory MB] [--timeout S] IN OUT [IN OUT]...\n"
		      "       convert --digest IN...\n", stderr);
		return 2;
	}
	if (loop_new(&run.loop) || xcode_new(run.loop, worker, &limits, &run.xcode) || loop_timer_new(run.loop, do_nothing, &run, &run.awake))
		return 1;
	loop_timer_start(run.awake, KEEP_AWAKE_MS, KEEP_AWAKE_MS);
	start_next(&run);
	loop_run(run.loop);
	loop_free(&run.loop);
	return run.failed ? 1 : 0;
}
