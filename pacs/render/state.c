#include "pacs/render/state.h"

#include <math.h>
#include <stdlib.h>

#include "pacs/base/bounds.h"
#include "pacs/render/strokes.h"

#define TAG_REFERENCED_IMAGES TAG(0x0008, 0x1140)
#define TAG_GRAPHIC_LAYER TAG(0x0070, 0x0002)

/* ---- what applies ---- */

static bool names_frame(const struct dataset *ref, unsigned frame)
{
	double n;
	if (!dataset_has(ref, TAG(0x0008, 0x1160)) || !*dataset_str(ref, TAG(0x0008, 0x1160)))
		return true;
	for (unsigned i = 0; dataset_double_n(ref, TAG(0x0008, 0x1160), i, &n); i++)
		if ((unsigned)n == frame + 1)
			return true;
	return false;
}

static bool names_image(const struct dataset *ds, const char *sop, unsigned frame)
{
	const struct dataset *ref;
	for (unsigned i = 0; (ref = dataset_item(ds, TAG_REFERENCED_IMAGES, i)); i++)
		if (!strcmp(dataset_str(ref, TAG(0x0008, 0x1155)), sop) && names_frame(ref, frame))
			return true;
	return false;
}

/* An item without references is for all images of the state. */
static bool applies(const struct state *s, const struct dataset *item)
{
	return !dataset_item(item, TAG_REFERENCED_IMAGES, 0) || names_image(item, s->sop, s->frame);
}

static const struct dataset *find_item(const struct state *s, uint32_t sequence)
{
	const struct dataset *item;
	for (unsigned i = 0; (item = dataset_item(s->ds, sequence, i)); i++)
		if (applies(s, item))
			return item;
	return NULL;
}

static bool is_of_state(const struct dataset *ds, const char *sop, unsigned frame)
{
	const struct dataset *series;
	for (unsigned i = 0; (series = dataset_item(ds, TAG(0x0008, 0x1115), i)); i++)
		if (names_image(series, sop, frame))
			return true;
	return false;
}

enum err state_read(const struct dataset *ds, const char *sop, unsigned frame, struct state *out, struct why *why)
{
	int64_t degrees;
	if (!dataset_has(ds, TAG(0x0008, 0x1115)) || !dataset_has(ds, TAG(0x0070, 0x005A)))
		return fail(why, ERR_UNSUPPORTED, "no softcopy presentation state: it names no images or no displayed area");
	if (!is_of_state(ds, sop, frame))
		return fail(why, ERR_NOT_FOUND, "the presentation state is for other images than %s, frame %u", sop, frame + 1);
	*out = (struct state){ .ds = ds, .sop = sop, .frame = frame };
	out->voi = find_item(out, TAG(0x0028, 0x3110));
	out->area = find_item(out, TAG(0x0070, 0x005A));
	out->is_flipped = !strcmp(dataset_str(ds, TAG(0x0070, 0x0041)), "Y");
	if (!dataset_int(ds, TAG(0x0070, 0x0042), &degrees))
		degrees = 0;
	out->turns = (unsigned)(degrees / 90) & 3;
	/* The standard turns and then flips (PS3.3 C.10.6); a view flips first. */
	if (out->is_flipped)
		out->turns = (4 - out->turns) & 3;
	return ERR_OK;
}

/* ---- the area ---- */

static bool corner(const struct dataset *area, uint32_t tag, int32_t *x, int32_t *y)
{
	const struct element *el = dataset_find(area, tag);
	if (!el || el->value.len < 8)
		return false;
	*x = (int32_t)le32(el->value.p);
	*y = (int32_t)le32(el->value.p + 4);
	return *x > -BOUND_PICTURE_SIDE && *x < BOUND_IMAGE_SIDE + BOUND_PICTURE_SIDE && *y > -BOUND_PICTURE_SIDE && *y < BOUND_IMAGE_SIDE + BOUND_PICTURE_SIDE;
}

/* Corners are pixels, counted from 1 and seen themselves; a turn may have made the top left one any of the four. */
void state_area(const struct state *s, struct view *v, double *aspect)
{
	int32_t x1, y1, x2, y2;
	double down, across;
	v->turns = s->turns;
	v->is_flipped = s->is_flipped;
	if (!s->area)
		return;
	if (corner(s->area, TAG(0x0070, 0x0052), &x1, &y1) && corner(s->area, TAG(0x0070, 0x0053), &x2, &y2)) {
		v->x = (x1 < x2 ? x1 : x2) - 1;
		v->y = (y1 < y2 ? y1 : y2) - 1;
		v->width = abs(x2 - x1) + 1;
		v->height = abs(y2 - y1) + 1;
	}
	uint32_t tag = dataset_has(s->area, TAG(0x0070, 0x0101)) ? TAG(0x0070, 0x0101) : TAG(0x0070, 0x0102);
	if (dataset_double_n(s->area, tag, 0, &down) && dataset_double_n(s->area, tag, 1, &across) && down > 0 && across > 0)
		*aspect = down / across;
}

/* ---- graphics ---- */

static uint8_t layer_value(const struct state *s, const char *layer)
{
	const struct dataset *item;
	int64_t v;
	for (unsigned i = 0; (item = dataset_item(s->ds, TAG(0x0070, 0x0060), i)); i++)
		if (!strcmp(dataset_str(item, TAG_GRAPHIC_LAYER), layer) && dataset_int(item, TAG(0x0070, 0x0066), &v))
			return (uint8_t)((v & 0xffff) >> 8);
	return 255;
}

static float float_at(const struct element *el, unsigned n)
{
	uint32_t raw = le32(el->value.p + 4 * (size_t)n);
	float f;
	memcpy(&f, &raw, sizeof(f));
	return f;
}

/* Which corner of the picture is 0\0 and 1\1 of DISPLAY units: those of what is shown. */
static void to_picture(const struct view *v, bool is_display, double *x, double *y)
{
	if (is_display) {
		*x *= v->out_width;
		*y *= v->out_height;
	} else {
		view_point(v, *x, *y, x, y);
	}
}

struct drawing { const struct view *v; struct picture *p; bool is_display; };

static void add(void *arg, struct strokes *to, double x, double y)
{
	const struct drawing *d = arg;
	to_picture(d->v, d->is_display, &x, &y);
	strokes_to(to, x, y);
}

static void draw_object(const struct dataset *object, uint8_t value, struct drawing *d)
{
	const struct element *data = dataset_find(object, TAG(0x0070, 0x0022));
	const char *type = dataset_str(object, TAG(0x0070, 0x0023));
	unsigned n = data && data->value.len / 8 <= BOUND_PICTURE_POINTS ? (unsigned)(data->value.len / 8) : 0;
	struct strokes k = strokes_begin(d->p, value, !strcmp(dataset_str(object, TAG(0x0070, 0x0024)), "Y"));
	d->is_display = !strcmp(dataset_str(object, TAG(0x0070, 0x0005)), "DISPLAY");
	double at[8];
	for (unsigned i = 0; i < 8 && i < 2 * n; i++)
		at[i] = float_at(data, i);
	if (!strcmp(type, "POINT") && n >= 1) {
		double x = at[0], y = at[1];
		to_picture(d->v, d->is_display, &x, &y);
		strokes_cross(&k, x, y);
	} else if (!strcmp(type, "CIRCLE") && n >= 2) {
		double r = hypot(at[2] - at[0], at[3] - at[1]);
		strokes_ellipse(&k, at[0], at[1], r, 0, 0, r, add, d);
	} else if (!strcmp(type, "ELLIPSE") && n >= 4) {
		double x = (at[0] + at[2]) / 2, y = (at[1] + at[3]) / 2;
		strokes_ellipse(&k, x, y, at[2] - x, at[3] - y, at[6] - x, at[7] - y, add, d);
	} else if (!strcmp(type, "POLYLINE") || !strcmp(type, "INTERPOLATED")) {
		bool is_curve = type[0] == 'I';
		for (unsigned i = 0; i < n; i++)
			if (is_curve && i + 1 < n)
				for (unsigned part = 0; part < 8; part++) {
					unsigned a = i ? i - 1 : i, b = i + 1, c = i + 2 < n ? i + 2 : b;
					double t = part / 8.0;
					add(d, &k, strokes_curve(float_at(data, 2 * a), float_at(data, 2 * i), float_at(data, 2 * b), float_at(data, 2 * c), t),
					    strokes_curve(float_at(data, 2 * a + 1), float_at(data, 2 * i + 1), float_at(data, 2 * b + 1), float_at(data, 2 * c + 1), t));
				}
			else
				add(d, &k, float_at(data, 2 * i), float_at(data, 2 * i + 1));
	}
	strokes_end(&k);
}

void state_draw(const struct state *s, const struct view *v, struct picture *p)
{
	const struct dataset *note, *object;
	struct drawing d = { .v = v, .p = p };
	for (unsigned i = 0; (note = dataset_item(s->ds, TAG(0x0070, 0x0001), i)); i++) {
		if (!applies(s, note))
			continue;
		uint8_t value = layer_value(s, dataset_str(note, TAG_GRAPHIC_LAYER));
		for (unsigned k = 0; (object = dataset_item(note, TAG(0x0070, 0x0009), k)); k++)
			draw_object(object, value, &d);
	}
}

void state_texts(const struct state *s, void (*fn)(void *arg, const struct element *text), void *arg)
{
	const struct dataset *note, *object;
	for (unsigned i = 0; (note = dataset_item(s->ds, TAG(0x0070, 0x0001), i)); i++)
		for (unsigned k = 0; applies(s, note) && (object = dataset_item(note, TAG(0x0070, 0x0008), k)); k++) {
			const struct element *text = dataset_find(object, TAG(0x0070, 0x0006));
			if (text && text->value.len)
				fn(arg, text);
		}
}
