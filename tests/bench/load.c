/* load - a load generator: one image becomes many, over N associations, every status checked.
 *
 *   load --port P [--host H] [--called A] [--calling A] [--associations N] [--count M] [--per-study K] FILE
 *        sends M images in all, over N associations at once, one operation at a time on each;
 *        --scatter: UIDs in no order, as machines make them that take random numbers;
 *        --acked LIST: adds the SOP Instance UID of each that was answered 0000 to the file LIST
 *   load --idle N --port P ...         opens N associations, prints "idle N", holds them until stdin ends
 *   load --expand DIR --count M [--per-study K] FILE
 *        writes M files with UIDs of their own instead of sending (for clients that send files)
 *   load --as-is --port P FILE...
 *        sends each file unchanged on an association of its own; prints "STATUS FILE" for each
 *
 * The data set is cut into PDUs once; for each image only its UIDs are written over, in place and in the
 * same length. So the generator costs a copy to the socket and nothing more.
 *
 * Prints one line:  images=M ok=M failed=0 seconds=S images_per_s=R mb_per_s=B p50_ms=.. p99_ms=.. max_ms=..
 * Exit 0 only if every answer was 0000.
 */
#include <errno.h>
#include <getopt.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pacs/base/clock.h"
#include "tests/lib/scu.h"

struct options {
	struct wire_target target;
	const char *expand, *file, *acked;
	unsigned associations, count, per_study, idle;
	bool as_is, scatter;
};

struct worker {
	pthread_t thread;
	const struct options *o;
	const struct scu_image *im;
	FILE *acked;                     /* of all workers, or NULL; stdio has its own lock */
	unsigned first, count;
	unsigned ok, failed;
	double *ms;                      /* latency of each */
	struct why why;
};

static void die(const char *what, const char *why)
{
	fprintf(stderr, "load: %s: %s\n", what, why);
	exit(2);
}

static void *work(void *arg)
{
	struct worker *w = arg;
	struct scu s;
	struct uid sop;
	uint16_t status;
	if (scu_open(&s, &w->o->target, w->im, &w->why)) {
		w->failed = w->count;
		return NULL;
	}
	for (unsigned i = 0; i < w->count; i++) {
		uint64_t t0 = clock_mono_ns();
		enum err e = scu_store(&s, w->first + i, w->o->per_study, &status, &sop);
		w->ms[i] = (double)(clock_mono_ns() - t0) / 1e6;
		if (!e && !status) {
			w->ok++;
			if (w->acked)
				fprintf(w->acked, "%s\n", sop.s);
			continue;
		}
		fail(&w->why, e, e ? "the line broke at image %u" : "image %u was answered %04x", i, e ? 0u : (unsigned)status);
		if (e) {
			w->failed += w->count - i;
			break;
		}
		w->failed++;
	}
	scu_close(&s, true);
	return NULL;
}

/* ---- the three jobs ---- */

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return x < y ? -1 : x > y;
}

static int run_load(const struct options *o, const struct scu_image *im)
{
	struct worker *w = calloc(o->associations, sizeof(*w));
	double *ms = calloc(o->count + 1, sizeof(*ms));
	FILE *acked = o->acked ? fopen(o->acked, "a") : NULL;
	if (!w || !ms)
		die("memory", "none");
	if (o->acked && !acked)
		die(o->acked, strerror(errno));
	uint64_t t0 = clock_mono_ns();
	for (unsigned i = 0, first = 0; i < o->associations; i++) {
		unsigned n = o->count / o->associations + (i < o->count % o->associations);
		w[i] = (struct worker){ .o = o, .im = im, .acked = acked, .first = first, .count = n, .ms = ms + first };
		first += n;
		if (pthread_create(&w[i].thread, NULL, work, &w[i]))
			die("thread", strerror(errno));
	}
	unsigned ok = 0, failed = 0;
	for (unsigned i = 0; i < o->associations; i++) {
		pthread_join(w[i].thread, NULL);
		ok += w[i].ok;
		failed += w[i].failed;
		if (w[i].why.text[0])
			fprintf(stderr, "load: association %u: %s\n", i, w[i].why.text);
	}
	double s = (double)(clock_mono_ns() - t0) / 1e9;
	if (acked && fclose(acked))
		die(o->acked, strerror(errno));
	qsort(ms, o->count, sizeof(*ms), compare);
	printf("images=%u ok=%u failed=%u seconds=%.3f images_per_s=%.1f mb_per_s=%.1f p50_ms=%.2f p99_ms=%.2f max_ms=%.2f\n", o->count, ok, failed, s,
	       ok / s, (double)ok * (double)(im->file_len - im->data_at) / 1e6 / s, ms[o->count / 2], ms[o->count * 99 / 100], ms[o->count - 1]);
	free(w);
	free(ms);
	return failed ? 1 : 0;
}

static int run_idle(const struct options *o, const struct scu_image *im)
{
	unsigned open_now = 0;
	struct why why = { "" };
	struct scu *s = calloc(o->idle, sizeof(*s));
	char c;
	for (unsigned i = 0; i < o->idle; i++)
		if (s && !scu_open(&s[open_now], &o->target, im, &why)) {
			buf_fini(&s[open_now].framed);   /* nothing will be sent */
			open_now++;
		}
	printf("idle %u of %u%s%s\n", open_now, o->idle, why.text[0] ? ": " : "", why.text);
	fflush(stdout);
	while (read(STDIN_FILENO, &c, 1) > 0)
		;
	for (unsigned i = 0; i < open_now; i++)
		scu_close(&s[i], true);
	free(s);
	return open_now == o->idle ? 0 : 1;
}

static int run_expand(const struct options *o, struct scu_image *im)
{
	char path[4096], old[BOUND_UID + 1], sop[BOUND_UID + 1];
	memcpy(old, im->meta.sop_instance.s, sizeof(old));
	for (unsigned i = 0; i < o->count; i++) {
		scu_image_stamp(im, im->file + im->data_at, i, o->per_study, sop);
		/* The meta group names the instance too. */
		for (size_t at = 0; at + strlen(old) <= im->data_at; at++)
			if (!memcmp(im->file + at, old, strlen(old)))
				memcpy(im->file + at, sop, strlen(sop));
		memcpy(old, sop, sizeof(old));
		snprintf(path, sizeof(path), "%s/%06u.dcm", o->expand, i);
		FILE *f = fopen(path, "wb");
		if (!f || fwrite(im->file, 1, im->file_len, f) != im->file_len || fclose(f))
			die(path, strerror(errno));
	}
	return 0;
}

static int run_as_is(const struct options *o, char **files)
{
	int rc = 0;
	for (; *files; files++) {
		struct scu_image im;
		struct scu s;
		struct why why = { "" };
		uint16_t status;
		enum err e = scu_image_load(&im, *files, true, &why);
		if (!e && !(e = scu_open(&s, &o->target, &im, &why))) {
			if ((e = scu_store_as_is(&s, &status)))
				fail(&why, e, "the line broke");
			scu_close(&s, true);
		}
		if (e)
			printf("---- %s: %s\n", *files, why.text);
		else
			printf("%04x %s\n", status, *files);
		rc |= e || status;
		scu_image_free(&im);
	}
	return rc;
}

static void parse_options(int argc, char **argv, struct options *o)
{
	static const struct option longs[] = {
		{ "host", 1, NULL, 'h' }, { "port", 1, NULL, 'p' }, { "called", 1, NULL, 'c' }, { "calling", 1, NULL, 'a' },
		{ "associations", 1, NULL, 'n' }, { "count", 1, NULL, 'm' }, { "per-study", 1, NULL, 'k' }, { "idle", 1, NULL, 'i' },
		{ "expand", 1, NULL, 'x' }, { "as-is", 0, NULL, 's' }, { "acked", 1, NULL, 'l' }, { "scatter", 0, NULL, 'r' }, { 0 },
	};
	*o = (struct options){ .target = { .host = "127.0.0.1", .called = "ANY-SCP", .calling = "LOAD" }, .associations = 1, .count = 100, .per_study = 20 };
	for (int c; (c = getopt_long(argc, argv, "", longs, NULL)) != -1; ) {
		unsigned long n = optarg ? strtoul(optarg, NULL, 10) : 0;
		switch (c) {
		case 'h': o->target.host = optarg; break;
		case 'p': o->target.port = (unsigned)n; break;
		case 'c': o->target.called = optarg; break;
		case 'a': o->target.calling = optarg; break;
		case 'n': o->associations = (unsigned)n; break;
		case 'm': o->count = (unsigned)n; break;
		case 'k': o->per_study = (unsigned)n; break;
		case 'i': o->idle = (unsigned)n; break;
		case 'x': o->expand = optarg; break;
		case 's': o->as_is = true; break;
		case 'l': o->acked = optarg; break;
		case 'r': o->scatter = true; break;
		default: die("usage", "load --port P [--associations N] [--count M] FILE; see tests/bench/load.c");
		}
	}
	if ((optind + 1 != argc && !o->as_is) || !o->count || !o->associations || !o->per_study || (!o->target.port && !o->expand))
		die("usage", "load --port P [--associations N] [--count M] FILE; see tests/bench/load.c");
	o->file = argv[optind];
}

int main(int argc, char **argv)
{
	struct options o;
	struct scu_image im;
	struct why why = { "" };
	parse_options(argc, argv, &o);
	if (o.as_is)
		return run_as_is(&o, argv + optind);
	if (scu_image_load(&im, o.file, false, &why))
		die(o.file, why.text);
	im.scatter = o.scatter;
	int rc = o.expand ? run_expand(&o, &im) : o.idle ? run_idle(&o, &im) : run_load(&o, &im);
	scu_image_free(&im);
	return rc;
}
