#include "pacs/render/shutter.h"

#include <math.h>
#include <stdlib.h>

#include "pacs/base/bounds.h"
#include "pacs/render/overlay.h"

enum { VERTICES_MAX = 1024 };

/* Pixels are counted from 1; the edges themselves are hidden, what is between them is seen. */
struct shutter {
	double left, right, upper, lower;
	bool has_rectangle, has_circle;
	double row, column, radius, aspect;
	unsigned vertices;
	double at[2 * VERTICES_MAX];     /* row, column */
};

static double number(const struct dataset *ds, uint32_t tag, unsigned n, double fallback)
{
	double v;
	return dataset_double_n(ds, tag, n, &v) && isfinite(v) ? v : fallback;
}

static void read_shapes(const struct dataset *ds, const struct image_desc *d, struct shutter *s)
{
	const char *shape;
	for (unsigned i = 0; *(shape = dataset_str_n(ds, TAG(0x0018, 0x1600), i)); i++) {
		if (!strcmp(shape, "RECTANGULAR")) {
			s->has_rectangle = true;
			s->left = number(ds, TAG(0x0018, 0x1602), 0, 0);
			s->right = number(ds, TAG(0x0018, 0x1604), 0, d->columns + 1.0);
			s->upper = number(ds, TAG(0x0018, 0x1606), 0, 0);
			s->lower = number(ds, TAG(0x0018, 0x1608), 0, d->rows + 1.0);
		} else if (!strcmp(shape, "CIRCULAR")) {
			s->row = number(ds, TAG(0x0018, 0x1610), 0, 0);
			s->column = number(ds, TAG(0x0018, 0x1610), 1, 0);
			s->radius = number(ds, TAG(0x0018, 0x1612), 0, 0);
			s->has_circle = s->radius > 0;
		} else if (!strcmp(shape, "POLYGONAL")) {
			double v;
			unsigned n = 0;
			while (n < 2 * VERTICES_MAX && dataset_double_n(ds, TAG(0x0018, 0x1620), n, &v))
				s->at[n++] = v;
			s->vertices = n / 2 >= 3 ? n / 2 : 0;
		}
	}
}

/* Where the row y cuts the polygon's edges: the pixel is inside behind an odd number of them. */
static bool is_in_polygon(const struct shutter *s, double x, double y)
{
	bool in = false;
	for (unsigned i = 0, k = s->vertices - 1; i < s->vertices; k = i++) {
		double y1 = s->at[2 * i], x1 = s->at[2 * i + 1], y2 = s->at[2 * k], x2 = s->at[2 * k + 1];
		if ((y1 > y) != (y2 > y) && x < (x2 - x1) * (y - y1) / (y2 - y1) + x1)
			in = !in;
	}
	return in;
}

static bool is_seen(const struct shutter *s, double x, double y)
{
	if (s->has_rectangle && !(x > s->left && x < s->right && y > s->upper && y < s->lower))
		return false;
	double dx = x - s->column, dy = (y - s->row) * s->aspect;
	if (s->has_circle && dx * dx + dy * dy > s->radius * s->radius)
		return false;
	return !s->vertices || is_in_polygon(s, x, y);
}

static void hide(struct picture *p, unsigned x, unsigned y, uint8_t value)
{
	memset(p->p + ((size_t)y * p->width + x) * p->channels, value, p->channels);
}

/* A P-value of 16 bits. */
static uint8_t value_of(const struct dataset *from)
{
	int64_t v;
	return dataset_int(from, TAG(0x0018, 0x1622), &v) ? (uint8_t)((v & 0xffff) >> 8) : 0;
}

struct hiding { struct picture *p; uint8_t value; };
static void hide_set(void *arg, unsigned x, unsigned y)
{
	struct hiding *h = arg;
	hide(h->p, x, y, h->value);
}

/* The bits that are set hide (PS3.3 C.7.6.15.1). */
static void hide_bitmap(const struct dataset *from, const struct image_desc *d, struct hiding *h)
{
	struct overlay o;
	int64_t group;
	if (dataset_int(from, TAG(0x0018, 0x1623), &group) && group >= 0x6000 && group <= 0x601E && overlay_read(from, (unsigned)(group - 0x6000) / 2, d, &o) && !o.is_embedded)
		overlay_each(&o, d, 0, NULL, hide_set, h);
}

enum err shutter_apply(const struct dataset *from, const struct image_desc *d, double aspect, struct picture *p, struct why *why)
{
	if (!dataset_has(from, TAG(0x0018, 0x1600)))
		return ERR_OK;
	struct shutter *s = calloc(1, sizeof(*s));
	struct hiding h = { p, value_of(from) };
	if (!s)
		return fail(why, ERR_NOMEM, "no memory for a shutter");
	s->aspect = aspect;
	read_shapes(from, d, s);
	if (s->has_rectangle || s->has_circle || s->vertices)
		for (unsigned y = 0; y < p->height; y++)
			for (unsigned x = 0; x < p->width; x++)
				if (!is_seen(s, x + 1.0, y + 1.0))
					hide(p, x, y, h.value);
	free(s);
	hide_bitmap(from, d, &h);
	return ERR_OK;
}
