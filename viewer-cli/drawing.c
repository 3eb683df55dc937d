#include "viewer-cli/drawing.h"

#include <stdlib.h>

#include "viewer-cli/screen.h"

enum { TEXT_MAX = 64 << 20 };

struct kept {
	char path[512];
	unsigned frame;
	bool has_image, has_frame;
	struct image image;
	struct frame decoded;
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

void drawing_free(struct drawing **d)
{
	if (!*d)
		return;
	forget(&(*d)->of[0]);
	forget(&(*d)->of[1]);
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

static void find_window(const struct frame *f, struct drawing_job *job, const struct grey_choice *c)
{
	struct grey_window w;
	struct grey g;
	struct why why;
	job->windows = 0;
	while (grey_window_at(f->header, job->windows + 1, &w))
		job->windows++;
	job->is_grey = f->desc.samples == 1 && strcmp(f->photometric, "PALETTE COLOR") && grey_read(f->header, &f->desc, f->samples, c, &g, &why) == ERR_OK;
	if (job->is_grey && g.voi == VOI_LUT) {
		/* A table has no window; the range that it is for is where keys begin. */
		g.width = g.voi_lut.entries;
		g.centre = g.voi_lut.first + g.width / 2;
	}
	job->centre = job->is_grey ? g.centre : 0;
	job->width = job->is_grey ? g.width : 0;
}

/* The part of the image that is seen keeps its shape; what would be beyond an edge moves in. */
static struct view seen(const struct drawing_job *job, const struct picture *p, double aspect)
{
	const struct look *l = &job->look;
	struct view v = { .width = p->width / l->zoom, .height = p->height / l->zoom, .turns = l->turns, .is_flipped = l->is_flipped };
	v.x = l->x * p->width - v.width / 2;
	v.y = l->y * p->height - v.height / 2;
	v.x = v.x < 0 ? 0 : v.x > p->width - v.width ? p->width - v.width : v.x;
	v.y = v.y < 0 ? 0 : v.y > p->height - v.height ? p->height - v.height : v.y;
	view_fit(&v, aspect, job->rect.columns * job->cell_width, job->rect.lines * job->cell_height, true);
	return v;
}

enum err drawing_run(struct drawing *d, struct drawing_job *job, struct why *why)
{
	struct kept *k = &d->of[job->pane & 1];
	struct picture p = { .p = NULL };
	buf_init(&job->text, TEXT_MAX);
	enum err e = load(k, job, why);
	if (e)
		return e;
	const struct frame *f = &k->decoded;
	struct render_options o = { .frame = job->frame, .no_overlays = job->look.no_overlays };
	o.grey = (struct grey_choice){ .has_window = job->look.has_window, .centre = job->look.centre, .width = job->look.width, .number = job->look.number, .is_inverted = job->look.is_inverted };
	find_window(f, job, &o.grey);
	e = render_light(f->header, &f->desc, f->photometric, f->samples, &o, &p, why);
	if (!e) {
		struct view v = seen(job, &p, render_aspect(f->header));
		e = view_take(&v, &p, why);
	}
	if (!e)
		e = screen_draw(&p, job->rect.column, job->rect.line, job->rect.columns, job->rect.lines, &job->text, &job->is_graphic, why);
	picture_fini(&p);
	return e;
}
