#include "pacs/render/grey.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define TAG_WINDOW_CENTRE TAG(0x0028, 0x1050)
#define TAG_WINDOW_WIDTH TAG(0x0028, 0x1051)
#define TAG_WINDOW_NAME TAG(0x0028, 0x1055)
#define TAG_VOI_SEQUENCE TAG(0x0028, 0x3010)
#define TAG_LUT_DESCRIPTOR TAG(0x0028, 0x3002)
#define TAG_LUT_NAME TAG(0x0028, 0x3003)
#define TAG_LUT_DATA TAG(0x0028, 0x3006)

/* ---- the chain ---- */

int64_t grey_stored(const struct image_desc *d, uint32_t word)
{
	uint64_t v = word >> (d->high_bit + 1 - d->stored) & (((uint64_t)1 << d->stored) - 1);
	return d->is_signed && v >> (d->stored - 1) ? (int64_t)v - ((int64_t)1 << d->stored) : (int64_t)v;
}

static bool is_padding(const struct grey *g, int64_t v)
{
	return g->has_padding && v >= g->pad_low && v <= g->pad_high;
}

static double modality(const struct grey *g, int64_t v)
{
	return g->modality.entries ? lut_at(&g->modality, v) : g->slope * (double)v + g->intercept;
}

/* 0..1 (PS3.3 C.11.2.1.2, C.11.2.1.3). */
static double window(const struct grey *g, double x)
{
	double c = g->centre, w = g->width;
	if (g->voi == VOI_SIGMOID)
		return 1 / (1 + exp(-4 * (x - c) / w));
	if (g->voi == VOI_LINEAR) {
		c -= 0.5;
		w -= 1;
	}
	if (x <= c - w / 2)
		return 0;
	return x > c + w / 2 ? 1 : (x - c) / w + 0.5;
}

/* A presentation LUT takes what the VOI gave, spread over its entries (PS3.3 C.11.4). */
static double present(const struct grey *g, double y)
{
	const struct lut *l = &g->shape_lut;
	if (l->entries)
		y = lut_part(l, l->first + (int64_t)floor(y * (l->entries - 1) + 0.5));
	return g->is_inverted ? 1 - y : y;
}

uint8_t grey_light(const struct grey *g, uint32_t word)
{
	int64_t v = grey_stored(g->d, word);
	if (is_padding(g, v))
		return 0;
	double x = modality(g, v);
	double y = g->voi == VOI_LUT ? lut_part(&g->voi_lut, (int64_t)floor(x + 0.5)) : window(g, x);
	y = present(g, y < 0 ? 0 : y > 1 ? 1 : y);
	return (uint8_t)(y * 255 + 0.5);
}

/* ---- what the header says ---- */

static void read_padding(const struct dataset *header, struct grey *g)
{
	int64_t a, b;
	const struct element *el = dataset_find(header, TAG(0x0028, 0x0120));
	if (!el || el->value.len < 2 || !dataset_int(header, TAG(0x0028, 0x0120), &a))
		return;
	if (!dataset_int(header, TAG(0x0028, 0x0121), &b))
		b = a;
	/* US or SS by the pixels, whatever VR stands there. */
	if (g->d->is_signed) {
		a = (int16_t)a;
		b = (int16_t)b;
	}
	g->has_padding = true;
	g->pad_low = a < b ? a : b;
	g->pad_high = a < b ? b : a;
}

static void read_modality(const struct dataset *from, struct grey *g)
{
	const struct dataset *item = dataset_item(from, TAG(0x0028, 0x3000), 0);
	if (item)
		g->modality = lut_read(item, TAG_LUT_DESCRIPTOR, TAG_LUT_DATA, g->d->is_signed);
	if (!dataset_double_n(from, TAG(0x0028, 0x1053), 0, &g->slope) || g->slope == 0 || !isfinite(g->slope))
		g->slope = 1;
	if (!dataset_double_n(from, TAG(0x0028, 0x1052), 0, &g->intercept) || !isfinite(g->intercept))
		g->intercept = 0;
}

/* MONOCHROME1 and INVERSE say the same of an image; together they do not cancel each other (PS3.3 C.8.11.3.1.2). A state has
 * the last word on polarity: MONOCHROME1 is then nothing but its INVERSE. */
static void read_shape(const struct dataset *header, const struct grey_choice *c, struct grey *g)
{
	const struct dataset *from = c->state ? c->state : header;
	const struct dataset *item = dataset_item(from, TAG(0x2050, 0x0010), 0);
	if (item)
		g->shape_lut = lut_read(item, TAG_LUT_DESCRIPTOR, TAG_LUT_DATA, false);
	g->is_inverted = !strcmp(dataset_str(from, TAG(0x2050, 0x0020)), "INVERSE");
	if (!c->state && !strcmp(g->d->photometric, "MONOCHROME1"))
		g->is_inverted = true;
	g->is_inverted ^= c->is_inverted;
}

static enum voi voi_function(const struct dataset *from)
{
	const char *s = dataset_str(from, TAG(0x0028, 0x1056));
	return !strcmp(s, "SIGMOID") ? VOI_SIGMOID : !strcmp(s, "LINEAR_EXACT") ? VOI_LINEAR_EXACT : VOI_LINEAR;
}

static bool is_window(enum voi voi, double centre, double width)
{
	return isfinite(centre) && isfinite(width) && (voi == VOI_LINEAR ? width >= 1 : width > 0);
}

bool grey_window_at(const struct dataset *header, unsigned number, struct grey_window *out)
{
	unsigned n = 0;
	*out = (struct grey_window){ .name = "" };
	for (unsigned i = 0; dataset_double_n(header, TAG_WINDOW_CENTRE, i, &out->centre) && dataset_double_n(header, TAG_WINDOW_WIDTH, i, &out->width); i++)
		if (is_window(voi_function(header), out->centre, out->width) && ++n == number) {
			out->name = dataset_str_n(header, TAG_WINDOW_NAME, i);
			return true;
		}
	const struct dataset *item = number > n ? dataset_item(header, TAG_VOI_SEQUENCE, number - n - 1) : NULL;
	if (!item)
		return false;
	*out = (struct grey_window){ .name = dataset_str(item, TAG_LUT_NAME), .is_lut = true };
	return true;
}

static bool take_window(const struct dataset *from, unsigned number, struct grey *g)
{
	struct grey_window w;
	unsigned luts = 0, before = number;
	if (!grey_window_at(from, number, &w))
		return false;
	g->voi = voi_function(from);
	g->centre = w.centre;
	g->width = w.width;
	if (!w.is_lut)
		return true;
	while (before > 1 && grey_window_at(from, before - 1, &w) && w.is_lut) {
		before--;
		luts++;
	}
	g->voi_lut = lut_read(dataset_item(from, TAG_VOI_SEQUENCE, luts), TAG_LUT_DESCRIPTOR, TAG_LUT_DATA, g->d->is_signed || g->intercept < 0);
	g->voi = VOI_LUT;
	return g->voi_lut.entries != 0;
}

static unsigned number_of_name(const struct dataset *from, const char *name)
{
	struct grey_window w;
	for (unsigned n = 1; grey_window_at(from, n, &w); n++)
		if (!strcmp(w.name, name))
			return n;
	return 0;
}

static enum err no_such_window(const struct dataset *from, const struct grey_choice *c, struct why *why)
{
	char names[200] = "";
	struct grey_window w;
	size_t at = 0;
	unsigned n = 0;
	while (grey_window_at(from, n + 1, &w)) {
		n++;
		if (w.name[0] && at < sizeof(names))
			at += (size_t)snprintf(names + at, sizeof(names) - at, " \"%s\"", w.name);
	}
	if (c->name)
		return fail(why, ERR_NOT_FOUND, "no window is named \"%s\"; there are %u:%s", c->name, n, names[0] ? names : " without names");
	return fail(why, ERR_NOT_FOUND, "window %u of %u", c->number, n);
}

/* ---- the range of what there is ---- */

static void span_window(struct grey *g, double low, double high)
{
	if (low > high)
		low = high = 0;
	/* All of one value: it is black, as in a window of one grey level. */
	g->voi = VOI_LINEAR_EXACT;
	g->width = high > low ? high - low : 1;
	g->centre = high > low ? (low + high) / 2 : low + 0.5;
}

static void see(const struct grey *g, uint32_t word, double *low, double *high)
{
	int64_t v = grey_stored(g->d, word);
	if (is_padding(g, v))
		return;
	double x = modality(g, v);
	*low = x < *low ? x : *low;
	*high = x > *high ? x : *high;
}

/* No window anywhere: from the darkest to the brightest that is no padding. */
static enum err window_of_frame(struct grey *g, const uint8_t *samples, struct why *why)
{
	size_t n = (size_t)g->d->rows * g->d->columns;
	double low = INFINITY, high = -INFINITY;
	if (g->d->allocated == 32) {
		for (size_t i = 0; i < n; i++)
			see(g, grey_word(g->d, samples, i), &low, &high);
		span_window(g, low, high);
		return ERR_OK;
	}
	bool *seen = calloc(65536, sizeof(*seen));
	if (!seen)
		return fail(why, ERR_NOMEM, "no memory");
	for (size_t i = 0; i < n; i++)
		seen[grey_word(g->d, samples, i)] = true;
	for (uint32_t w = 0; w < 65536; w++)
		if (seen[w])
			see(g, w, &low, &high);
	free(seen);
	span_window(g, low, high);
	return ERR_OK;
}

/* A state without a VOI shows all that its modality can give (PS3.4 N.2.1.2: identity). */
static void window_of_bits(struct grey *g)
{
	int64_t least = g->d->is_signed ? -((int64_t)1 << (g->d->stored - 1)) : 0, most = least + (((int64_t)1 << g->d->stored) - 1);
	double a = modality(g, least), b = modality(g, most);
	if (g->modality.entries) {
		a = 0;
		b = (double)((1u << g->modality.bits) - 1);
	}
	span_window(g, a < b ? a : b, a < b ? b : a);
}

static enum err read_voi(const struct dataset *header, const uint8_t *samples, const struct grey_choice *c, struct grey *g, struct why *why)
{
	const struct dataset *from = c->state_voi ? c->state_voi : header;
	unsigned number = c->name ? number_of_name(from, c->name) : c->number;
	bool is_chosen = c->name || c->number;
	if (is_chosen)
		return number && take_window(from, number, g) ? ERR_OK : no_such_window(from, c, why);
	if (c->state && !c->state_voi) {
		window_of_bits(g);
		return ERR_OK;
	}
	/* The first that makes sense: a table that does not leads to the frame's own range. */
	return take_window(from, 1, g) ? ERR_OK : window_of_frame(g, samples, why);
}

enum err grey_read(const struct dataset *header, const struct image_desc *d, const uint8_t *samples, const struct grey_choice *c,
                   struct grey *g, struct why *why)
{
	*g = (struct grey){ .d = d };
	read_padding(header, g);
	read_modality(c->state ? c->state : header, g);
	read_shape(header, c, g);
	if (!c->has_window)
		return read_voi(header, samples, c, g, why);
	g->voi = voi_function(c->state_voi ? c->state_voi : header);
	g->centre = c->centre;
	g->width = c->width;
	return is_window(g->voi, g->centre, g->width) ? ERR_OK : fail(why, ERR_USAGE, "a window of width %g", g->width);
}
