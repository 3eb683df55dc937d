#include "pacs/xcode/render.h"

#include <math.h>
#include <stdlib.h>

#include "pacs/xcode/render_lut.h"

enum voi { VOI_LINEAR, VOI_LINEAR_EXACT, VOI_SIGMOID, VOI_LUT };

/* How one grey sample becomes light. */
struct grey {
	const struct image_desc *d;
	struct lut modality, voi_lut;
	double slope, intercept;
	enum voi voi;
	double centre, width;
	bool has_padding, is_inverted;
	int64_t pad_low, pad_high;
};

/* ---- stored bits ---- */

static uint32_t word_at(const struct image_desc *d, const uint8_t *samples, size_t i)
{
	return d->allocated == 8 ? samples[i] : d->allocated == 16 ? le16(samples + 2 * i) : le32(samples + 4 * i);
}

/* The bits between High Bit and Bits Stored below it, with their sign. */
static int64_t stored_value(const struct image_desc *d, uint32_t word)
{
	uint64_t v = word >> (d->high_bit + 1 - d->stored) & (((uint64_t)1 << d->stored) - 1);
	return d->is_signed && v >> (d->stored - 1) ? (int64_t)v - ((int64_t)1 << d->stored) : (int64_t)v;
}

static bool is_padding(const struct grey *g, int64_t v)
{
	return g->has_padding && v >= g->pad_low && v <= g->pad_high;
}

/* ---- the chain ---- */

static double modality(const struct grey *g, int64_t v)
{
	return g->modality.entries ? lut_at(&g->modality, (int32_t)v) : g->slope * (double)v + g->intercept;
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

static uint8_t light(const struct grey *g, uint32_t word)
{
	int64_t v = stored_value(g->d, word);
	if (is_padding(g, v))
		return 0;
	double x = modality(g, v), y;
	if (g->voi == VOI_LUT)
		y = (double)lut_at(&g->voi_lut, (int32_t)x) / (double)((1u << g->voi_lut.bits) - 1);
	else
		y = window(g, x);
	y = y < 0 ? 0 : y > 1 ? 1 : y;
	return (uint8_t)((g->is_inverted ? 1 - y : y) * 255 + 0.5);
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

static void read_modality(const struct dataset *header, struct grey *g)
{
	const struct dataset *item = dataset_item(header, TAG(0x0028, 0x3000), 0);
	if (item)
		g->modality = lut_read(item, TAG(0x0028, 0x3002), TAG(0x0028, 0x3006), g->d->is_signed);
	if (!dataset_double_n(header, TAG(0x0028, 0x1053), 0, &g->slope) || g->slope == 0)
		g->slope = 1;
	if (!dataset_double_n(header, TAG(0x0028, 0x1052), 0, &g->intercept))
		g->intercept = 0;
}

static enum voi voi_function(const struct dataset *header)
{
	const char *s = dataset_str(header, TAG(0x0028, 0x1056));
	return !strcmp(s, "SIGMOID") ? VOI_SIGMOID : !strcmp(s, "LINEAR_EXACT") ? VOI_LINEAR_EXACT : VOI_LINEAR;
}

/* No window anywhere: from the darkest to the brightest that is no padding. */
static void window_of_frame(struct grey *g, const uint8_t *samples)
{
	size_t n = (size_t)g->d->rows * g->d->columns;
	double low = INFINITY, high = -INFINITY;
	for (size_t i = 0; i < n; i++) {
		int64_t v = stored_value(g->d, word_at(g->d, samples, i));
		if (is_padding(g, v))
			continue;
		double x = modality(g, v);
		low = x < low ? x : low;
		high = x > high ? x : high;
	}
	if (low > high)
		low = high = 0;
	g->voi = VOI_LINEAR_EXACT;
	g->width = high > low ? high - low : 1;
	g->centre = (low + high) / 2;
}

static bool is_window(enum voi voi, double width)
{
	return voi == VOI_LINEAR ? width >= 1 : width > 0;
}

static void read_voi(const struct dataset *header, const uint8_t *samples, struct grey *g)
{
	const struct dataset *item = dataset_item(header, TAG(0x0028, 0x3010), 0);
	g->voi = voi_function(header);
	if (dataset_double_n(header, TAG(0x0028, 0x1050), 0, &g->centre) && dataset_double_n(header, TAG(0x0028, 0x1051), 0, &g->width) && is_window(g->voi, g->width))
		return;
	if (item)
		g->voi_lut = lut_read(item, TAG(0x0028, 0x3002), TAG(0x0028, 0x3006), g->d->is_signed || g->intercept < 0);
	if (g->voi_lut.entries)
		g->voi = VOI_LUT;
	else
		window_of_frame(g, samples);
}

static enum err read_grey(const struct dataset *header, const struct image_desc *d, const uint8_t *samples, const struct render_options *o, struct grey *g, struct why *why)
{
	*g = (struct grey){ .d = d, .is_inverted = !strcmp(d->photometric, "MONOCHROME1") };
	read_padding(header, g);
	read_modality(header, g);
	if (!o->has_window) {
		read_voi(header, samples, g);
		return ERR_OK;
	}
	g->voi = voi_function(header);
	g->centre = o->centre;
	g->width = o->width;
	return is_window(g->voi, g->width) ? ERR_OK : fail(why, ERR_USAGE, "a window of width %g", g->width);
}

/* ---- whole frames ---- */

static void draw_grey(const struct grey *g, const uint8_t *samples, size_t n, uint8_t *out)
{
	if (g->d->allocated == 32) {
		for (size_t i = 0; i < n; i++)
			out[i] = light(g, word_at(g->d, samples, i));
		return;
	}
	uint8_t table[65536];
	for (uint32_t w = 0; w < 1u << g->d->allocated; w++)
		table[w] = light(g, w);
	for (size_t i = 0; i < n; i++)
		out[i] = table[word_at(g->d, samples, i)];
}

static uint8_t channel_at(const struct image_desc *d, const uint8_t *samples, size_t i)
{
	uint32_t v = (uint32_t)stored_value(d, word_at(d, samples, i));
	return (uint8_t)(d->stored > 8 ? v >> (d->stored - 8) : v);
}

static uint8_t byte_of(double v)
{
	return (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v + 0.5);
}

/* PS3.3 C.7.6.3.1.2. */
static void ybr_to_rgb(uint8_t p[3])
{
	double y = p[0], cb = p[1] - 128.0, cr = p[2] - 128.0;
	p[0] = byte_of(y + 1.402 * cr);
	p[1] = byte_of(y - 0.344136 * cb - 0.714136 * cr);
	p[2] = byte_of(y + 1.772 * cb);
}

static void draw_colour(const struct image_desc *d, const uint8_t *samples, size_t n, bool is_ybr, uint8_t *out)
{
	for (size_t i = 0; i < n; i++, out += 3) {
		for (unsigned s = 0; s < 3; s++)
			out[s] = channel_at(d, samples, 3 * i + s);
		if (is_ybr)
			ybr_to_rgb(out);
	}
}

static enum err draw_palette(const struct dataset *header, const struct image_desc *d, const uint8_t *samples, size_t n, uint8_t *out, struct why *why)
{
	struct lut l[3];
	for (unsigned s = 0; s < 3; s++) {
		l[s] = lut_read_palette(header, s, d->is_signed);
		if (!l[s].entries)
			return fail(why, ERR_UNSUPPORTED, "PALETTE COLOR without a palette that makes sense");
	}
	for (size_t i = 0; i < n; i++)
		for (unsigned s = 0; s < 3; s++) {
			unsigned v = lut_at(&l[s], (int32_t)stored_value(d, word_at(d, samples, i)));
			*out++ = (uint8_t)(l[s].bits > 8 ? v >> (l[s].bits - 8) : v);
		}
	return ERR_OK;
}

static enum err draw(const struct dataset *header, const struct image_desc *d, const char *photometric, const uint8_t *samples, const struct render_options *o, struct picture *out, struct why *why)
{
	size_t n = (size_t)d->rows * d->columns;
	struct grey g;
	if (d->samples == 3) {
		bool is_ybr = !strncmp(photometric, "YBR", 3);
		if (!is_ybr && strcmp(photometric, "RGB"))
			return fail(why, ERR_UNSUPPORTED, "colour as %s", photometric);
		draw_colour(d, samples, n, is_ybr, out->p);
		return ERR_OK;
	}
	if (out->channels == 3)
		return draw_palette(header, d, samples, n, out->p, why);
	enum err e = read_grey(header, d, samples, o, &g, why);
	if (!e)
		draw_grey(&g, samples, n, out->p);
	return e;
}

/* ---- smaller ---- */

/* The mean of the source pixels that fall on each pixel; columns and rows are cut at whole source pixels. */
static void shrink(const struct picture *in, struct picture *out)
{
	unsigned ch = in->channels;
	for (unsigned y = 0; y < out->height; y++) {
		unsigned y0 = (unsigned)((uint64_t)y * in->height / out->height), y1 = (unsigned)((uint64_t)(y + 1) * in->height / out->height);
		for (unsigned x = 0; x < out->width; x++) {
			unsigned x0 = (unsigned)((uint64_t)x * in->width / out->width), x1 = (unsigned)((uint64_t)(x + 1) * in->width / out->width);
			for (unsigned c = 0; c < ch; c++) {
				uint64_t sum = 0, count = (uint64_t)(y1 - y0) * (x1 - x0);
				for (unsigned j = y0; j < y1; j++)
					for (unsigned i = x0; i < x1; i++)
						sum += in->p[((size_t)j * in->width + i) * ch + c];
				out->p[((size_t)y * out->width + x) * ch + c] = (uint8_t)((sum + count / 2) / count);
			}
		}
	}
}

static unsigned scaled(unsigned side, double by)
{
	double v = floor(side * by + 0.5);
	return v < 1 ? 1 : (unsigned)v;
}

static enum err fit(struct picture *p, const struct render_options *o, struct why *why)
{
	double by = 1;
	if (o->max_width && p->width > o->max_width)
		by = (double)o->max_width / p->width;
	if (o->max_height && p->height * by > o->max_height)
		by = (double)o->max_height / p->height;
	if (by >= 1)
		return ERR_OK;
	struct picture small = { scaled(p->width, by), scaled(p->height, by), p->channels, NULL };
	small.p = malloc((size_t)small.width * small.height * small.channels);
	if (!small.p)
		return fail(why, ERR_NOMEM, "no memory for a picture of %u x %u", small.width, small.height);
	shrink(p, &small);
	picture_fini(p);
	*p = small;
	return ERR_OK;
}

enum err render_frame(const struct dataset *header, const struct image_desc *d, const char *photometric, const uint8_t *samples,
                      const struct render_options *o, struct picture *out, struct why *why)
{
	*out = (struct picture){ d->columns, d->rows, d->samples == 3 || !strcmp(photometric, "PALETTE COLOR") ? 3 : 1, NULL };
	out->p = malloc((size_t)d->columns * d->rows * out->channels);
	if (!out->p)
		return fail(why, ERR_NOMEM, "no memory for a picture of %u x %u", d->columns, d->rows);
	enum err e = draw(header, d, photometric, samples, o, out, why);
	if (!e)
		e = fit(out, o, why);
	if (e)
		picture_fini(out);
	return e;
}

void picture_fini(struct picture *p)
{
	free(p->p);
	p->p = NULL;
}
