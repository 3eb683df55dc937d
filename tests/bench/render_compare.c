/* render_compare - one of our pictures beside one that another program drew, grey level by grey level.
 *
 *   render_compare how FILE                      what the picture is made by, for choosing the other program's options:
 *                                                KIND FRAMES VOI CENTRE WIDTH SLOPE INTERCEPT WINDOWS IS_ENHANCED HAS_PADDING IS_SEGMENTED PHOTOMETRIC
 *   render_compare diff FILE FRAME PNM [C,W|N] [plain]   MAX OVER TOTAL: greatest difference, samples that differ by more than 1, samples.
 *                                                plain: without overlays; state=FILE: as a presentation state says, not fitted or turned
 *   render_compare time FILE SIDE                milliseconds: HEADER DECODE LIGHT VIEW PNG, the best of five each
 */
#include <stdio.h>
#include <stdlib.h>

#include "pacs/base/bounds.h"
#include "pacs/base/clock.h"
#include "viewer-cli/image.h"

static int complain(const struct why *why)
{
	printf("error %s\n", why->text);
	return 1;
}

static unsigned windows(const struct dataset *header)
{
	struct grey_window w;
	unsigned n = 0;
	while (grey_window_at(header, n + 1, &w) && !w.is_lut)
		n++;
	return n;
}

static void print_how(const struct image *im, const struct frame *f)
{
	static const char *const names[] = { "linear", "exact", "sigmoid", "lut" };
	const struct grey_choice first = { .number = 0 };
	struct grey_window w;
	struct grey g = { .d = NULL };
	struct why why;
	bool is_grey = f->desc.samples == 1 && strcmp(f->photometric, "PALETTE COLOR");
	if (is_grey && grey_read(f->header, &f->desc, f->samples, &first, &g, &why))
		is_grey = false;
	printf("%s %u %s %.10g %.10g %.10g %.10g %u %d %d %d %s\n", is_grey ? "grey" : f->desc.samples == 3 ? "colour" : "palette", im->file.desc.frames,
	       !is_grey ? "none" : !grey_window_at(f->header, 1, &w) ? "range" : names[g.voi], g.centre, g.width, g.slope, g.intercept, windows(f->header),
	       windows(f->header) != windows(im->file.header), g.has_padding, dataset_has(f->header, TAG(0x0028, 0x1221)), f->desc.photometric);
}

static int how(const char *path)
{
	struct image im;
	struct frame f = { .samples = NULL };
	struct why why;
	enum err e = image_open(&im, path, &why);
	if (!e)
		e = frame_load(&f, &im, 0, 0, &why);
	if (e)
		complain(&why);
	else
		print_how(&im, &f);
	frame_fini(&f);
	image_close(&im);
	return e != ERR_OK;
}

/* P5 or P6 of 8 bits. */
static bool read_pnm(const char *path, struct picture *p)
{
	FILE *f = fopen(path, "rb");
	unsigned kind, max;
	struct why why;
	bool good = f && fscanf(f, "P%u %u %u %u", &kind, &p->width, &p->height, &max) == 4 && max == 255 && fgetc(f) != EOF && (kind == 5 || kind == 6);
	if (good && picture_init(p, p->width, p->height, kind == 6 ? 3 : 1, &why) == ERR_OK)
		good = fread(p->p, p->channels, (size_t)p->width * p->height, f) == (size_t)p->width * p->height;
	if (f)
		fclose(f);
	return good;
}

static int diff(const struct picture *a, struct picture *b)
{
	struct picture x = *a;
	struct why why;
	size_t over = 0, n;
	int most = 0;
	if (a->width != b->width || a->height != b->height)
		return printf("size %u x %u, the other is %u x %u\n", a->width, a->height, b->width, b->height), 1;
	if (x.channels != b->channels && (x.channels == 3 || picture_to_rgb(&x, &why)) && picture_to_rgb(b, &why))
		return complain(&why);
	n = (size_t)x.width * x.height * x.channels;
	for (size_t i = 0; i < n; i++) {
		int by = abs(x.p[i] - b->p[i]);
		most = by > most ? by : most;
		over += by > 1;
	}
	printf("%d %zu %zu\n", most, over, n);
	return over != 0;
}

/* The state's greyscale chain alone: what the other program draws is not fitted to the displayed area. */
static enum err use_state(const char *path, const struct image *im, struct render_options *o, struct state *s, struct arena *a, struct why *why)
{
	struct dataset *ds;
	enum err e = image_read_state(path, a, &ds, why);
	if (!e)
		e = state_read(ds, im->file.meta.sop_instance.s, o->frame, s, why);
	o->state = s;
	return e;
}

static void choose(const char *what, struct render_options *o)
{
	if (!strcmp(what, "plain"))
		o->no_overlays = true;
	else if (sscanf(what, "%lf,%lf", &o->grey.centre, &o->grey.width) == 2)
		o->grey.has_window = true;
	else
		o->grey.number = (unsigned)atoi(what);
}

/* ---- how long each step takes ---- */

enum { STEPS = 5, RUNS = 5 };

static void lap(uint64_t *since, double *best)
{
	uint64_t now = clock_mono_ns();
	double ms = (double)(now - *since) / 1e6;
	*best = *best == 0 || ms < *best ? ms : *best;
	*since = now;
}

static enum err run_once(const char *path, unsigned side, double best[STEPS], struct why *why)
{
	const struct render_options o = { .frame = 0 };
	struct image im;
	struct frame f = { .samples = NULL };
	struct picture p = { .p = NULL };
	struct buf b;
	buf_init(&b, 1 << 30);
	uint64_t since = clock_mono_ns();
	enum err e = image_open(&im, path, why);
	lap(&since, &best[0]);
	if (!e)
		e = frame_load(&f, &im, 0, 0, why);
	lap(&since, &best[1]);
	if (!e)
		e = render_light(f.header, &f.desc, f.photometric, f.samples, &o, &p, why);
	lap(&since, &best[2]);
	struct view v = { .width = p.width, .height = p.height };
	view_fit(&v, 1, side, side, false);
	if (!e)
		e = view_take(&v, &p, why);
	lap(&since, &best[3]);
	if (!e)
		e = picture_png(&p, &b, why);
	lap(&since, &best[4]);
	buf_fini(&b);
	picture_fini(&p);
	frame_fini(&f);
	image_close(&im);
	return e;
}

static int time_steps(const char *path, unsigned side)
{
	double best[STEPS] = { 0 };
	struct why why;
	for (unsigned i = 0; i < RUNS; i++)
		if (run_once(path, side, best, &why))
			return complain(&why);
	printf("%.1f %.1f %.1f %.1f %.1f\n", best[0], best[1], best[2], best[3], best[4]);
	return 0;
}

int main(int argc, char **argv)
{
	struct image im;
	struct frame f = { .samples = NULL };
	struct picture ours = { .p = NULL }, theirs = { .p = NULL };
	struct render_options o = { .as_stored = true, .no_shutter = true };
	struct why why;
	if (argc == 3 && !strcmp(argv[1], "how"))
		return how(argv[2]);
	if (argc == 4 && !strcmp(argv[1], "time"))
		return time_steps(argv[2], (unsigned)atoi(argv[3]));
	if (argc < 5 || strcmp(argv[1], "diff"))
		return fprintf(stderr, "usage: render_compare how FILE | diff FILE FRAME PNM [C,W|N] [plain]\n"), 2;
	const char *state_path = NULL;
	struct state state;
	struct arena a;
	arena_init(&a, BOUND_PICTURE_HEADER);
	for (int i = 5; i < argc; i++)
		if (!strncmp(argv[i], "state=", 6))
			state_path = argv[i] + 6;
		else
			choose(argv[i], &o);
	o.frame = (unsigned)atoi(argv[3]) - 1;
	enum err e = image_open(&im, argv[2], &why);
	if (!e)
		e = frame_load(&f, &im, o.frame, 0, &why);
	if (!e && state_path)
		e = use_state(state_path, &im, &o, &state, &a, &why);
	if (!e)
		e = (state_path ? render_light : render_frame)(f.header, &f.desc, f.photometric, f.samples, &o, &ours, &why);
	if (!e && !read_pnm(argv[4], &theirs))
		e = fail(&why, ERR_FORMAT, "%s is no PNM of 8 bits", argv[4]);
	int rc = e ? complain(&why) : diff(&ours, &theirs);
	picture_fini(&theirs);
	frame_fini(&f);
	image_close(&im);
	arena_fini(&a);
	return rc;
}
