#include "pacs/render/view.h"

#include <math.h>
#include <stdlib.h>

#include "pacs/base/bounds.h"

enum { ONE = 1 << 14 };          /* weights are parts of this */

static unsigned whole(double v)
{
	v = floor(v + 0.5);
	return v < 1 ? 1 : v > BOUND_PICTURE_SIDE ? BOUND_PICTURE_SIDE : (unsigned)v;
}

void view_fit(struct view *v, double aspect, unsigned max_width, unsigned max_height, bool may_enlarge)
{
	double w = aspect < 1 ? v->width / aspect : v->width, h = aspect > 1 ? v->height * aspect : v->height, by = may_enlarge ? INFINITY : 1;
	if (v->turns & 1) {
		double t = w;
		w = h;
		h = t;
	}
	if (max_width && w * by > max_width)
		by = max_width / w;
	if (max_height && h * by > max_height)
		by = max_height / h;
	if (!isfinite(by))
		by = 1;
	v->out_width = whole(w * by);
	v->out_height = whole(h * by);
}

/* ---- one axis: which source pixels an output pixel is made of, and by which parts ---- */

struct taps { unsigned first, n; };
struct axis {
	struct taps *taps;               /* owned; one for each output pixel */
	uint16_t *parts;                 /* owned; room for `most` of each */
	unsigned most, out;
};

static void axis_fini(struct axis *a)
{
	free(a->taps);
	free(a->parts);
}

static void put_mean(struct taps *t, uint16_t *parts, double from, double to, unsigned side)
{
	double low = from < 0 ? 0 : from, high = to > side ? side : to;
	unsigned left = ONE;
	if (high <= low)
		return;
	t->first = (unsigned)low;
	for (unsigned i = t->first; i < side && i < high; i++, t->n++) {
		double share = (i + 1 < high ? i + 1 : high) - (i > low ? i : low);
		unsigned part = (unsigned)(share / (to - from) * ONE + 0.5);
		parts[t->n] = (uint16_t)(part < left ? part : left);
		left -= parts[t->n];
	}
	/* A flat picture stays what it is: what rounding took goes to the middle, unless a part lies outside. */
	if (from >= 0 && to <= side)
		parts[t->n / 2] = (uint16_t)(parts[t->n / 2] + left);
}

static void put_line(struct taps *t, uint16_t *parts, double centre, unsigned side)
{
	if (centre < 0 || centre >= side)
		return;
	double at = centre - 0.5;
	at = at < 0 ? 0 : at > side - 1 ? side - 1 : at;
	t->first = (unsigned)at;
	unsigned second = (unsigned)((at - t->first) * ONE + 0.5);
	t->n = second && t->first + 1 < side ? 2 : 1;
	parts[0] = (uint16_t)(t->n == 2 ? ONE - second : ONE);
	parts[1] = (uint16_t)second;
}

static enum err axis_init(struct axis *a, double from, double len, unsigned side, unsigned out, struct why *why)
{
	double step = len / out;
	*a = (struct axis){ .most = (unsigned)(step > side ? side : step) + 3, .out = out };
	a->taps = calloc(out, sizeof(*a->taps));
	a->parts = calloc((size_t)out * a->most, sizeof(*a->parts));
	if (!a->taps || !a->parts)
		return fail(why, ERR_NOMEM, "no memory to scale to %u", out);
	for (unsigned i = 0; i < out; i++) {
		uint16_t *parts = a->parts + (size_t)i * a->most;
		if (step >= 1)
			put_mean(&a->taps[i], parts, from + i * step, from + (i + 1) * step, side);
		else
			put_line(&a->taps[i], parts, from + (i + 0.5) * step, side);
	}
	return ERR_OK;
}

/* Rows first, to 16 bits so that nothing is rounded twice. */
static void scale_row(const struct axis *x, const uint8_t *in, unsigned ch, uint16_t *out)
{
	for (unsigned i = 0; i < x->out; i++) {
		const uint16_t *part = x->parts + (size_t)i * x->most;
		const uint8_t *p = in + (size_t)x->taps[i].first * ch;
		for (unsigned c = 0; c < ch; c++) {
			uint32_t sum = 0;
			for (unsigned k = 0; k < x->taps[i].n; k++)
				sum += (uint32_t)part[k] * p[k * ch + c];
			out[i * ch + c] = (uint16_t)(sum >> 6);          /* 255 times 256 */
		}
	}
}

static void add_row(const uint16_t *in, uint16_t part, size_t n, uint32_t *sum)
{
	for (size_t i = 0; i < n; i++)
		sum[i] += (uint32_t)part * in[i];
}

static void scale_rows(const struct axis *x, const struct axis *y, const struct picture *in, struct picture *out, uint16_t *row, uint32_t *sum)
{
	size_t n = (size_t)out->width * in->channels;
	unsigned have = UINT32_MAX;              /* the source row that `row` holds */
	for (unsigned j = 0; j < y->out; j++) {
		const struct taps *t = &y->taps[j];
		memset(sum, 0, n * sizeof(*sum));
		for (unsigned k = 0; k < t->n; k++) {
			if (have != t->first + k)
				scale_row(x, in->p + (size_t)(t->first + k) * in->width * in->channels, in->channels, row);
			have = t->first + k;
			add_row(row, y->parts[(size_t)j * y->most + k], n, sum);
		}
		for (size_t i = 0; i < n; i++)
			out->p[(size_t)j * n + i] = (uint8_t)((sum[i] + (1u << 21)) >> 22);
	}
}

static enum err scale(const struct view *v, const struct picture *in, struct picture *out, struct why *why)
{
	struct axis x = { 0 }, y = { 0 };
	size_t n = (size_t)out->width * out->channels;
	uint16_t *row = malloc(n * sizeof(*row));
	uint32_t *sum = malloc(n * sizeof(*sum));
	enum err e = row && sum ? ERR_OK : fail(why, ERR_NOMEM, "no memory to scale a picture");
	if (!e)
		e = axis_init(&x, v->x, v->width, in->width, out->width, why);
	if (!e)
		e = axis_init(&y, v->y, v->height, in->height, out->height, why);
	if (!e)
		scale_rows(&x, &y, in, out, row, sum);
	axis_fini(&x);
	axis_fini(&y);
	free(row);
	free(sum);
	return e;
}

/* ---- turning: of what is small already ---- */

static void turn(const struct view *v, const struct picture *in, struct picture *out)
{
	unsigned w = in->width, h = in->height, ch = in->channels;
	for (unsigned y = 0; y < h; y++)
		for (unsigned x = 0; x < w; x++) {
			unsigned fx = v->is_flipped ? w - 1 - x : x, tx = fx, ty = y;
			if (v->turns == 1)
				tx = h - 1 - y, ty = fx;
			else if (v->turns == 2)
				tx = w - 1 - fx, ty = h - 1 - y;
			else if (v->turns == 3)
				tx = y, ty = w - 1 - fx;
			memcpy(out->p + ((size_t)ty * out->width + tx) * ch, in->p + ((size_t)y * w + x) * ch, ch);
		}
}

static bool is_as_it_is(const struct view *v, const struct picture *p)
{
	return v->x == 0 && v->y == 0 && v->width == p->width && v->height == p->height && (v->turns & 1 ? v->out_height : v->out_width) == p->width &&
	       (v->turns & 1 ? v->out_width : v->out_height) == p->height;
}

static void replace(struct picture *p, struct picture *by)
{
	picture_fini(p);
	*p = *by;
}

enum err view_take(const struct view *v, struct picture *p, struct why *why)
{
	struct picture out;
	enum err e = ERR_OK;
	if (!is_as_it_is(v, p)) {
		bool is_side = v->turns & 1;
		e = picture_init(&out, is_side ? v->out_height : v->out_width, is_side ? v->out_width : v->out_height, p->channels, why);
		if (!e)
			e = scale(v, p, &out, why);
		replace(p, &out);
	}
	if (!e && (v->turns || v->is_flipped)) {
		e = picture_init(&out, v->out_width, v->out_height, p->channels, why);
		if (!e)
			turn(v, p, &out);
		replace(p, &out);
	}
	return e;
}

void view_point(const struct view *v, double x, double y, double *out_x, double *out_y)
{
	double w = v->turns & 1 ? v->out_height : v->out_width, h = v->turns & 1 ? v->out_width : v->out_height;
	double sx = (x - v->x) / v->width * w, sy = (y - v->y) / v->height * h;
	if (v->is_flipped)
		sx = w - sx;
	*out_x = v->turns == 0 ? sx : v->turns == 1 ? h - sy : v->turns == 2 ? w - sx : sy;
	*out_y = v->turns == 0 ? sy : v->turns == 1 ? sx : v->turns == 2 ? h - sy : w - sx;
}
