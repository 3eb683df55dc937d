#include "viewer-cli/drawing.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "pacs/dicom/charset_detect.h"
#include "viewer-cli/screen.h"
#include "viewer-cli/text.h"

enum { TEXT_MAX = 64 << 20, STATE_ARENA = 64 << 20 };

struct kept {
	char path[512];
	unsigned frame;
	bool has_image, has_frame;
	struct image image;
	struct frame decoded;
	char state_path[512];
	struct arena state_arena;
	struct dataset *state;           /* in it; NULL none */
};
struct drawing { struct kept of[2]; };

struct drawing *drawing_new(void)
{
	return calloc(1, sizeof(struct drawing));
}

static void forget_frame(struct kept *k)
{
	if (k->has_frame)
		frame_fini(&k->decoded);
	k->has_frame = false;
}

static void forget(struct kept *k)
{
	forget_frame(k);
	if (k->has_image)
		image_close(&k->image);
	k->has_image = false;
}

static void forget_state(struct kept *k)
{
	if (k->state)
		arena_fini(&k->state_arena);
	k->state = NULL;
}

void drawing_free(struct drawing **d)
{
	if (!*d)
		return;
	for (unsigned i = 0; i < 2; i++) {
		forget(&(*d)->of[i]);
		forget_state(&(*d)->of[i]);
	}
	free(*d);
	*d = NULL;
}

static enum err load(struct kept *k, const struct drawing_job *job, struct why *why)
{
	enum err e = ERR_OK;
	if (!k->has_image || strcmp(k->path, job->path) != 0) {
		forget(k);
		memcpy(k->path, job->path, sizeof(k->path));
		e = image_open(&k->image, job->path, why);
		k->has_image = true;
		if (e) {
			forget(k);
			return e;
		}
	}
	if (k->has_frame && k->frame == job->frame)
		return ERR_OK;
	forget_frame(k);
	k->frame = job->frame;
	e = frame_load(&k->decoded, &k->image, job->frame, 0, why);
	k->has_frame = true;
	if (e)
		forget_frame(k);
	return e;
}

static enum err load_state(struct kept *k, const char *path, struct why *why)
{
	if (k->state && !strcmp(k->state_path, path))
		return ERR_OK;
	forget_state(k);
	memcpy(k->state_path, path, sizeof(k->state_path));
	arena_init(&k->state_arena, STATE_ARENA);
	enum err e = image_read_state(path, &k->state_arena, &k->state, why);
	if (e) {
		arena_fini(&k->state_arena);
		k->state = NULL;
	}
	return e;
}

struct words { struct drawing_job *job; struct charset_verdict charset; };

/* One after the other, as far as there is room. */
static void add_text(void *arg, const struct element *text)
{
	struct words *w = arg;
	struct buf b;
	buf_init(&b, BOUND_ELEMENT);
	charset_read(&w->charset, text->vr, text->value, &b);
	size_t at = strlen(w->job->says);
	snprintf(w->job->says + at, sizeof(w->job->says) - at, "%s%s", at ? "; " : "", buf_cstr(&b));
	buf_fini(&b);
}

/* *out is the state, or NULL where it is not for this frame: then that is said. */
static enum err find_state(struct kept *k, struct drawing_job *job, struct state *s, const struct state **out, struct why *why)
{
	struct words w = { .job = job };
	*out = NULL;
	if (!job->state[0])
		return ERR_OK;
	enum err e = load_state(k, job->state, why);
	if (!e)
		e = state_read(k->state, k->image.file.meta.sop_instance.s, job->frame, s, why);
	if (e == ERR_NOT_FOUND) {
		snprintf(job->says, sizeof(job->says), "%s", _("The presentation state is not for this frame."));
		return ERR_OK;
	}
	if (e)
		return e;
	charset_judge(k->state, "", NULL, &w.charset);
	state_texts(s, add_text, &w);
	*out = s;
	return ERR_OK;
}

static void find_window(const struct frame *f, struct drawing_job *job, const struct grey_choice *c)
{
	struct grey_window w;
	struct grey g;
	struct why why;
	struct drawn *d = &job->drawn;
	while (grey_window_at(f->header, d->windows + 1, &w))
		d->windows++;
	d->is_grey = f->desc.samples == 1 && strcmp(f->photometric, "PALETTE COLOR") && grey_read(f->header, &f->desc, f->samples, c, &g, &why) == ERR_OK;
	if (d->is_grey && g.voi == VOI_LUT) {
		/* A table has no window; the range that it is for is where keys begin. */
		g.width = g.voi_lut.entries;
		g.centre = g.voi_lut.first + g.width / 2;
	}
	d->centre = d->is_grey ? g.centre : 0;
	d->width = d->is_grey ? g.width : 0;
}

/* The part of the image that is seen keeps its shape; what would be beyond an edge moves in. Of an image under a presentation
 * state, all is the area that it shows, which may reach outside. */
static struct view seen(struct drawing_job *job, const struct picture *p, const struct state *state, double aspect)
{
	const struct look *l = &job->look;
	struct view v = { .width = p->width, .height = p->height };
	if (state)
		state_area(state, &v, &aspect);
	double x = v.x, y = v.y, width = v.width, height = v.height;
	job->drawn.turns = v.turns;
	job->drawn.is_flipped = v.is_flipped;
	v.turns = look_turns(l, &job->drawn);
	v.is_flipped = look_flips(l, &job->drawn);
	v.width = width / l->zoom;
	v.height = height / l->zoom;
	v.x = x + fmin(width - v.width, fmax(0, l->x * width - v.width / 2));
	v.y = y + fmin(height - v.height, fmax(0, l->y * height - v.height / 2));
	view_fit(&v, aspect, job->rect.columns * job->cell_width, job->rect.lines * job->cell_height, true);
	return v;
}

enum err drawing_run(struct drawing *d, struct drawing_job *job, struct why *why)
{
	struct kept *k = &d->of[job->pane & 1];
	struct picture p = { .p = NULL };
	buf_init(&job->text, TEXT_MAX);
	job->drawn = (struct drawn){ .is_grey = false };
	job->says[0] = 0;
	enum err e = load(k, job, why);
	struct state s;
	const struct state *state = NULL;
	if (!e)
		e = find_state(k, job, &s, &state, why);
	if (e)
		return e;
	const struct frame *f = &k->decoded;
	struct render_options o = { .frame = job->frame, .no_overlays = job->look.no_overlays, .state = state };
	o.grey = (struct grey_choice){ .has_window = job->look.has_window, .centre = job->look.centre, .width = job->look.width, .number = job->look.number, .is_inverted = job->look.is_inverted };
	struct grey_choice shown = o.grey;
	shown.state = state ? state->ds : NULL;
	shown.state_voi = state ? state->voi : NULL;
	find_window(f, job, &shown);
	e = render_light(f->header, &f->desc, f->photometric, f->samples, &o, &p, why);
	if (!e) {
		struct view v = seen(job, &p, state, render_aspect(f->header));
		e = view_take(&v, &p, why);
		if (!e && state && !job->look.no_overlays)
			state_draw(state, &v, &p);
	}
	if (!e)
		e = screen_draw(&p, job->rect.column, job->rect.line, job->rect.columns, job->rect.lines, &job->text, &job->is_graphic, why);
	picture_fini(&p);
	return e;
}
