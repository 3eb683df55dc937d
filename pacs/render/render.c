#include "pacs/render/render.h"

#include <math.h>
#include <stdlib.h>

#include "pacs/render/overlay.h"
#include "pacs/render/shutter.h"

enum { WHITE = 255 };

/* ---- grey ---- */

static void draw_grey(const struct grey *g, const uint8_t *samples, size_t n, uint8_t *out)
{
	const struct image_desc *d = g->d;
	if (d->allocated == 32) {
		for (size_t i = 0; i < n; i++)
			out[i] = grey_light(g, grey_word(d, samples, i));
		return;
	}
	uint8_t table[65536];
	for (uint32_t w = 0; w < 1u << d->allocated; w++)
		table[w] = grey_light(g, w);
	for (size_t i = 0; i < n; i++)
		out[i] = table[grey_word(d, samples, i)];
}

/* The values from the palette's first on are colours (PS3.3 C.7.6.19). */
static bool has_supplement(const struct dataset *header, const struct image_desc *d)
{
	const char *how = dataset_str(header, TAG(0x0008, 0x9205));
	return d->samples == 1 && (!strcmp(how, "MIXED") || !strcmp(how, "COLOR")) && dataset_has(header, TAG(0x0028, 0x1101));
}

static void draw_mixed(const struct grey *g, const struct palette *l, const uint8_t *samples, size_t n, uint8_t *out)
{
	for (size_t i = 0; i < n; i++, out += 3) {
		uint32_t word = grey_word(g->d, samples, i);
		int64_t v = grey_stored(g->d, word);
		if (v >= l->of[0].first)
			palette_at(l, v, out);
		else
			memset(out, grey_light(g, word), 3);
	}
}

/* ---- colour ---- */

static uint8_t channel_at(const struct image_desc *d, const uint8_t *samples, size_t i)
{
	uint32_t v = (uint32_t)grey_stored(d, grey_word(d, samples, i));
	return (uint8_t)(d->stored > 8 ? v >> (d->stored - 8) : d->stored == 8 ? v : v * 255 / ((1u << d->stored) - 1));
}

static void draw_colour(const struct image_desc *d, const uint8_t *samples, size_t n, bool is_ybr, uint8_t *out)
{
	if (d->allocated == 8 && d->stored == 8)
		memcpy(out, samples, 3 * n);
	else
		for (size_t i = 0; i < 3 * n; i++)
			out[i] = channel_at(d, samples, i);
	if (is_ybr)
		codec_to_rgb(out, n);
}

static enum err draw_palette(const struct dataset *header, const struct image_desc *d, const uint8_t *samples, size_t n, uint8_t *out, struct why *why)
{
	struct palette l;
	if (!palette_read(header, d->is_signed, &l))
		return fail(why, ERR_UNSUPPORTED, "PALETTE COLOR without a palette that makes sense");
	for (size_t i = 0; i < n; i++)
		palette_at(&l, grey_stored(d, grey_word(d, samples, i)), out + 3 * i);
	return ERR_OK;
}

/* ---- overlays ---- */

struct painting { struct picture *p; };

static void paint(void *arg, unsigned x, unsigned y)
{
	const struct painting *t = arg;
	memset(t->p->p + ((size_t)y * t->p->width + x) * t->p->channels, WHITE, t->p->channels);
}

/* A state switches the image's planes on by naming a layer for them, and may bring its own (PS3.3 C.11.7); one that is its
 * shutter is no overlay. */
static bool is_switched_on(const struct state *s, unsigned plane)
{
	return !s || *dataset_str(s->ds, (uint32_t)(0x6000 + 2 * plane) << 16 | 0x1001);
}

static void draw_overlays(const struct dataset *header, const struct image_desc *d, const uint8_t *samples, const struct render_options *o, struct picture *p)
{
	struct painting t = { p };
	struct overlay v;
	for (unsigned n = 0; n < OVERLAY_PLANES; n++) {
		if (!is_switched_on(o->state, n))
			continue;
		if (o->state && overlay_read(o->state->ds, n, d, &v) && !v.is_embedded)
			overlay_each(&v, d, o->frame, samples, paint, &t);
		else if (overlay_read(header, n, d, &v))
			overlay_each(&v, d, o->frame, samples, paint, &t);
	}
}

/* ---- the frame ---- */

static enum err draw_one_sample(const struct dataset *header, const struct image_desc *d, const uint8_t *samples, const struct render_options *o, struct picture *out, struct why *why)
{
	size_t n = (size_t)d->rows * d->columns;
	struct grey_choice c = o->grey;
	struct palette l;
	struct grey g;
	c.state = o->state ? o->state->ds : NULL;
	c.state_voi = o->state ? o->state->voi : NULL;
	enum err e = grey_read(header, d, samples, &c, &g, why);
	if (e)
		return e;
	if (out->channels == 1) {
		draw_grey(&g, samples, n, out->p);
		return ERR_OK;
	}
	if (!palette_read(header, d->is_signed, &l))
		return fail(why, ERR_UNSUPPORTED, "a supplemental palette that makes no sense");
	draw_mixed(&g, &l, samples, n, out->p);
	return ERR_OK;
}

static enum err draw(const struct dataset *header, const struct image_desc *d, const char *photometric, const uint8_t *samples, const struct render_options *o, struct picture *out, struct why *why)
{
	bool is_ybr = !strcmp(photometric, "YBR_FULL") || !strcmp(photometric, "YBR_FULL_422");
	if (d->samples == 1 && !strcmp(photometric, "PALETTE COLOR"))
		return draw_palette(header, d, samples, (size_t)d->rows * d->columns, out->p, why);
	if (d->samples == 1 && strcmp(photometric, "MONOCHROME2") && strcmp(photometric, "MONOCHROME1"))
		return fail(why, ERR_UNSUPPORTED, "one sample a pixel as %s; known are MONOCHROME1, MONOCHROME2 and PALETTE COLOR", photometric);
	if (d->samples == 1)
		return draw_one_sample(header, d, samples, o, out, why);
	if (!is_ybr && strcmp(photometric, "RGB"))
		return fail(why, ERR_UNSUPPORTED, "colour as %s; known are RGB, YBR_FULL, YBR_FULL_422, YBR_ICT, YBR_RCT and PALETTE COLOR", photometric);
	draw_colour(d, samples, (size_t)d->rows * d->columns, is_ybr, out->p);
	if (o->grey.is_inverted)
		for (size_t i = 0, n = (size_t)d->rows * d->columns * 3; i < n; i++)
			out->p[i] = (uint8_t)~out->p[i];
	return ERR_OK;
}

enum err render_light(const struct dataset *header, const struct image_desc *d, const char *photometric, const uint8_t *samples,
                      const struct render_options *o, struct picture *out, struct why *why)
{
	bool is_colour = d->samples == 3 || !strcmp(photometric, "PALETTE COLOR") || has_supplement(header, d);
	enum err e = picture_init(out, d->columns, d->rows, is_colour ? 3 : 1, why);
	if (!e)
		e = draw(header, d, photometric, samples, o, out, why);
	if (!e && !o->no_overlays)
		draw_overlays(header, d, samples, o, out);
	if (!e && !o->no_shutter)
		e = shutter_apply(o->state ? o->state->ds : header, d, render_aspect(header), out, why);
	if (e)
		picture_fini(out);
	return e;
}

/* ---- what is seen of it ---- */

static bool ratio(const struct dataset *header, uint32_t tag, double *out)
{
	double down, across;
	if (!dataset_double_n(header, tag, 0, &down) || !dataset_double_n(header, tag, 1, &across) || !(down > 0) || !(across > 0))
		return false;
	*out = down / across;
	return *out > 0.05 && *out < 20;         /* else it is a slip of somebody's keyboard */
}

double render_aspect(const struct dataset *header)
{
	static const uint32_t tags[] = { TAG(0x0028, 0x0034), TAG(0x0028, 0x0030), TAG(0x0018, 0x1164), TAG(0x0018, 0x2010) };
	double aspect;
	for (size_t i = 0; i < NELEM(tags); i++)
		if (ratio(header, tags[i], &aspect))
			return aspect;
	return 1;
}

enum err render_frame(const struct dataset *header, const struct image_desc *d, const char *photometric, const uint8_t *samples,
                      const struct render_options *o, struct picture *out, struct why *why)
{
	enum err e = render_light(header, d, photometric, samples, o, out, why);
	if (e)
		return e;
	struct view v = { .width = out->width, .height = out->height };
	double aspect = o->as_stored ? 1 : render_aspect(header);
	if (o->state)
		state_area(o->state, &v, &aspect);
	view_fit(&v, aspect, o->max_width, o->max_height, o->may_enlarge);
	e = view_take(&v, out, why);
	if (!e && o->state)
		state_draw(o->state, &v, out);
	if (e)
		picture_fini(out);
	return e;
}
