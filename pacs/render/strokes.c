#include "pacs/render/strokes.h"

#include <math.h>
#include <stdlib.h>

#include "pacs/base/bounds.h"

enum { ROUND = 96, CROSS = 6 };

struct strokes strokes_begin(struct picture *p, uint8_t value, bool is_filled)
{
	return (struct strokes){ .p = p, .value = value, .is_filled = is_filled };
}

static void dot(const struct picture *p, double x, double y, uint8_t value)
{
	if (x >= 0 && y >= 0 && x < p->width && y < p->height)
		memset(p->p + ((size_t)y * p->width + (size_t)x) * p->channels, value, p->channels);
}

/* Thicker on a large picture, which somebody will see smaller. */
static double pen_of(const struct picture *p)
{
	return 1 + (p->width < p->height ? p->width : p->height) / 1024;
}

static void line(const struct picture *p, double x1, double y1, double x2, double y2, uint8_t value, double pen)
{
	double dx = x2 - x1, dy = y2 - y1, steps = ceil(fmax(fabs(dx), fabs(dy)));
	if (steps < 1)
		steps = 1;
	for (double i = 0; i <= steps; i++)
		for (double w = 0; w < pen; w++) {
			double off = w - (pen - 1) / 2, x = x1 + dx * i / steps, y = y1 + dy * i / steps;
			if (fabs(dx) > fabs(dy))
				dot(p, x, y + off, value);
			else
				dot(p, x + off, y, value);
		}
}

static bool is_sane(double x, double y)
{
	return fabs(x) < 4.0 * BOUND_PICTURE_SIDE && fabs(y) < 4.0 * BOUND_PICTURE_SIDE;       /* false for what is no number */
}

static void stroke(const struct strokes *s, double x1, double y1, double x2, double y2)
{
	double pen = pen_of(s->p);
	if (s->value > 127)
		line(s->p, x1 + pen, y1 + pen, x2 + pen, y2 + pen, 0, pen);
	line(s->p, x1, y1, x2, y2, s->value, pen);
}

static void keep(struct strokes *s, double x, double y)
{
	if (s->n == s->cap) {
		unsigned cap = s->cap ? 2 * s->cap : 64;
		double *grown = cap <= 4 * BOUND_PICTURE_POINTS ? realloc(s->at, 2 * cap * sizeof(*grown)) : NULL;
		if (!grown)
			return;
		s->at = grown;
		s->cap = cap;
	}
	s->at[2 * s->n] = x;
	s->at[2 * s->n++ + 1] = y;
}

void strokes_to(struct strokes *s, double x, double y)
{
	if (!is_sane(x, y))
		return;
	if (s->has_pen)
		stroke(s, s->x, s->y, x, y);
	if (s->is_filled)
		keep(s, x, y);
	s->has_pen = true;
	s->x = x;
	s->y = y;
}

void strokes_cross(struct strokes *s, double x, double y)
{
	double arm = CROSS * pen_of(s->p);
	if (!is_sane(x, y))
		return;
	stroke(s, x - arm, y, x + arm, y);
	stroke(s, x, y - arm, x, y + arm);
}

void strokes_ellipse(struct strokes *s, double x, double y, double ax, double ay, double bx, double by,
                     void (*fn)(void *arg, struct strokes *to, double x, double y), void *arg)
{
	for (unsigned i = 0; i <= ROUND; i++) {
		double t = 2 * 3.14159265358979 * (i % ROUND) / ROUND;
		fn(arg, s, x + ax * cos(t) + bx * sin(t), y + ay * cos(t) + by * sin(t));
	}
}

double strokes_curve(double a, double b, double c, double d, double t)
{
	return 0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t * t + (3 * b - a - 3 * c + d) * t * t * t);
}

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return x < y ? -1 : x > y;
}

/* One row: from each odd crossing to the next. */
static void fill_row(const struct strokes *s, unsigned y, double *cuts)
{
	unsigned n = 0;
	for (unsigned i = 0, k = s->n - 1; i < s->n; k = i++) {
		double x1 = s->at[2 * i], y1 = s->at[2 * i + 1], x2 = s->at[2 * k], y2 = s->at[2 * k + 1];
		if ((y1 > y + 0.5) != (y2 > y + 0.5))
			cuts[n++] = x1 + (x2 - x1) * (y + 0.5 - y1) / (y2 - y1);
	}
	qsort(cuts, n, sizeof(*cuts), ascending);
	for (unsigned i = 0; i + 1 < n; i += 2)
		for (double x = fmax(ceil(cuts[i] - 0.5), 0); x < fmin(cuts[i + 1] - 0.5, s->p->width); x++)
			dot(s->p, x, y, s->value);
}

void strokes_end(struct strokes *s)
{
	double *cuts = s->is_filled && s->n >= 3 ? malloc(s->n * sizeof(*cuts)) : NULL;
	for (unsigned y = 0; cuts && y < s->p->height; y++)
		fill_row(s, y, cuts);
	free(cuts);
	free(s->at);
	s->at = NULL;
}
