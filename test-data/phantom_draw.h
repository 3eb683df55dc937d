/* phantom_draw - the pictures of phantom.c: anatomy from soft ellipses, ultrasound fans, noise.
 *
 * Pure: a picture is a function of its seed. Values are 0..1; the caller scales them to its bits.
 */
#ifndef TEST_DATA_PHANTOM_DRAW_H
#define TEST_DATA_PHANTOM_DRAW_H

#include <math.h>
#include <stdint.h>
#include <stdlib.h>

struct rng { uint64_t s; };

static inline uint64_t rng_next(struct rng *r)
{
	uint64_t z = (r->s += 0x9E3779B97F4A7C15ULL);    /* splitmix64 */
	z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9ULL;
	z = (z ^ z >> 27) * 0x94D049BB133111EBULL;
	return z ^ z >> 31;
}

/* About normal, mean 0, sigma 1: four 16-bit uniforms. */
static inline float rng_normal(struct rng *r)
{
	uint64_t v = rng_next(r);
	int sum = (int)(v & 0xffff) + (int)(v >> 16 & 0xffff) + (int)(v >> 32 & 0xffff) + (int)(v >> 48);
	return ((float)sum - 131070.0f) / 37837.0f;
}

/* An ellipse (ring 0) or a band along its edge (ring: half width); places and radii in parts of the side. */
struct shape { float cx, cy, rx, ry, turn, soft, add, ring; };

static inline float clamp01(float v)
{
	return v < 0 ? 0 : v > 1 ? 1 : v;
}

/* 1 inside, 0 outside, smooth between. */
static inline float shape_at(const struct shape *s, float x, float y)
{
	float dx = x - s->cx, dy = y - s->cy, c = cosf(s->turn), n = sinf(s->turn);
	float u = (dx * c + dy * n) / s->rx, v = (dy * c - dx * n) / s->ry;
	float d = sqrtf(u * u + v * v) - 1.0f;
	if (s->ring > 0)
		d = fabsf(d) - s->ring;
	float t = clamp01(0.5f - d / s->soft);
	return t * t * (3 - 2 * t);
}

static inline void draw_shape(float *grid, unsigned side, const struct shape *s)
{
	float reach = (s->rx > s->ry ? s->rx : s->ry) * (1 + s->ring + s->soft);
	float n = (float)side;
	int x0 = (int)((s->cx - reach) * n), x1 = (int)((s->cx + reach) * n) + 1;
	int y0 = (int)((s->cy - reach) * n), y1 = (int)((s->cy + reach) * n) + 1;
	for (int y = y0 < 0 ? 0 : y0; y < y1 && y < (int)side; y++)
		for (int x = x0 < 0 ? 0 : x0; x < x1 && x < (int)side; x++)
			grid[(unsigned)y * side + (unsigned)x] += s->add * shape_at(s, (float)x / n, (float)y / n);
}

/* A chest seen from behind: trunk, lungs, heart, spine, ribs, collar bones. Bone bright, air dark. */
static inline void draw_chest(float *grid, unsigned side)
{
	static const struct shape body[] = {
		{ 0.50f, 0.62f, 0.44f, 0.62f, 0, 0.08f, 0.46f, 0 },
		{ 0.30f, 0.46f, 0.15f, 0.30f, 0.10f, 0.16f, -0.27f, 0 },
		{ 0.70f, 0.46f, 0.15f, 0.30f, -0.10f, 0.16f, -0.27f, 0 },
		{ 0.56f, 0.60f, 0.14f, 0.13f, 0.5f, 0.14f, 0.20f, 0 },
		{ 0.50f, 0.50f, 0.035f, 0.55f, 0, 0.25f, 0.16f, 0 },
		{ 0.33f, 0.14f, 0.17f, 0.018f, -0.18f, 0.4f, 0.12f, 0 },
		{ 0.67f, 0.14f, 0.17f, 0.018f, 0.18f, 0.4f, 0.12f, 0 },
		{ 0.40f, 0.46f, 0.05f, 0.08f, 0.3f, 0.9f, 0.07f, 0 },
		{ 0.60f, 0.44f, 0.05f, 0.08f, -0.3f, 0.9f, 0.07f, 0 },
	};
	for (unsigned i = 0; i < sizeof(body) / sizeof(body[0]); i++)
		draw_shape(grid, side, &body[i]);
	for (unsigned i = 0; i < 20; i++) {
		bool left = i & 1;
		float k = (float)(i / 2);
		struct shape rib = { left ? 0.33f : 0.67f, 0.20f + 0.062f * k, 0.20f, 0.055f + 0.004f * k, left ? -0.35f : 0.35f, 0.10f, 0.055f, 0.07f };
		draw_shape(grid, side, &rib);
	}
	for (unsigned i = 0; i < 11; i++) {
		struct shape vertebra = { 0.50f, 0.08f + 0.085f * (float)i, 0.032f, 0.030f, 0, 0.3f, 0.05f, 0 };
		draw_shape(grid, side, &vertebra);
	}
}

/* A hand: palm, five fingers of three bones each, wrist. */
static inline void draw_hand(float *grid, unsigned side)
{
	static const struct shape soft[] = {
		{ 0.50f, 0.66f, 0.19f, 0.20f, 0, 0.15f, 0.25f, 0 },
		{ 0.50f, 0.92f, 0.13f, 0.16f, 0, 0.15f, 0.18f, 0 },
		{ 0.46f, 0.90f, 0.035f, 0.15f, 0.03f, 0.2f, 0.28f, 0 },
		{ 0.55f, 0.90f, 0.028f, 0.15f, -0.03f, 0.2f, 0.28f, 0 },
	};
	for (unsigned i = 0; i < sizeof(soft) / sizeof(soft[0]); i++)
		draw_shape(grid, side, &soft[i]);
	for (int f = 0; f < 5; f++) {
		float lean = ((float)f - 2) * 0.16f + (f == 0 ? -0.35f : 0), along = f == 0 ? 0.62f : 0.56f;
		float cx = 0.50f + 0.085f * ((float)f - 2), step = f == 0 ? 0.09f : 0.125f - 0.008f * fabsf((float)f - 2);
		float middle = 0.02f + 1.5f * step;
		struct shape flesh = { cx + middle * sinf(lean), along + 0.06f - middle * cosf(lean), 0.036f, 2.1f * step, lean, 0.3f, 0.22f, 0 };
		draw_shape(grid, side, &flesh);
		for (int b = 0; b < 4; b++) {
			float d = 0.02f + step * (float)b * (1 - 0.07f * (float)b);
			struct shape bone = { cx + d * sinf(lean), along + 0.06f - d * cosf(lean), 0.016f - 0.001f * (float)b, step * 0.44f, lean, 0.35f, 0.30f, 0 };
			draw_shape(grid, side, &bone);
		}
	}
}

/* The grid (gw x gw) at a fine place, linear between its points. */
static inline float grid_at(const float *grid, unsigned gw, float x, float y)
{
	unsigned ix = (unsigned)x, iy = (unsigned)y;
	if (ix > gw - 2)
		ix = gw - 2;
	if (iy > gw - 2)
		iy = gw - 2;
	const float *p = grid + (size_t)iy * gw + ix;
	float fx = x - (float)ix, fy = y - (float)iy;
	float top = p[0] + (p[1] - p[0]) * fx, low = p[gw] + (p[gw + 1] - p[gw]) * fx;
	return top + (low - top) * fy;
}

/* An exposure of w x h samples of `bits` bits: anatomy, quantum noise that grows with the light, collimator edges. */
static inline void draw_exposure(uint16_t *out, unsigned w, unsigned h, unsigned bits, bool hand, bool invert, uint64_t seed)
{
	unsigned gw = (w > h ? w : h) / 4 + 2;
	float *grid = calloc((size_t)gw * gw, sizeof(*grid));
	if (!grid)
		abort();
	(hand ? draw_hand : draw_chest)(grid, gw);
	struct rng rng = { seed };
	float max = (float)((1u << bits) - 1), scale_x = (float)(gw - 1) / (float)w, scale_y = (float)(gw - 1) / (float)h;
	unsigned edge_x = w / 40, edge_y = h / 50;
	for (unsigned y = 0; y < h; y++)
		for (unsigned x = 0; x < w; x++) {
			float v = 0.10f + 0.75f * grid_at(grid, gw, (float)x * scale_x, (float)y * scale_y);
			if (x < edge_x || x >= w - edge_x || y < edge_y || y >= h - edge_y)
				v = 0.02f;
			v += (0.0004f + 0.0012f * (1 - v)) * rng_normal(&rng);
			v = clamp01(v);
			out[(size_t)y * w + x] = (uint16_t)((invert ? 1 - v : v) * max + 0.5f);
		}
	free(grid);
}

/* The place of a point in an ultrasound fan; depth < 0 outside. */
struct fan { float depth, angle; };

static inline struct fan fan_at(unsigned x, unsigned y, unsigned w, unsigned h)
{
	float dx = ((float)x - 0.5f * (float)w) / (float)h, dy = (float)y / (float)h + 0.06f;
	struct fan f = { sqrtf(dx * dx + dy * dy), atan2f(dx, dy) };
	if (f.depth < 0.12f || f.depth > 0.98f || fabsf(f.angle) > 0.68f)
		f.depth = -1;
	return f;
}

/* One ultrasound frame, 3 bytes a pixel: speckle in a fan, a beating ventricle, a Doppler box, a grey bar.
 * phase 0..1 is the place in the heart cycle. */
static inline void draw_fan(uint8_t *rgb, unsigned w, unsigned h, float phase, uint64_t seed)
{
	struct rng rng = { seed };
	float beat = 1 - 0.22f * sinf(phase * 6.2831853f);
	struct shape wall = { 0.48f, 0.55f, 0.15f * beat, 0.26f * beat, 0.35f, 0.16f, 1, 0.16f };
	struct shape blood = { 0.48f, 0.55f, 0.13f * beat, 0.23f * beat, 0.35f, 0.14f, 1, 0 };
	for (unsigned y = 0; y < h; y++)
		for (unsigned x = 0; x < w; x++, rgb += 3) {
			struct fan f = fan_at(x, y, w, h);
			rgb[0] = rgb[1] = rgb[2] = 0;
			if (x > w - w / 24 && y > h / 8 && y < h / 2)
				rgb[0] = rgb[1] = rgb[2] = (uint8_t)(255 - (y - h / 8) * 255 / (h / 2 - h / 8));
			if (f.depth < 0)
				continue;
			float px = (float)x / (float)w, py = (float)y / (float)h;
			float echo = 0.24f + 0.10f * sinf(f.depth * 31) + 0.55f * shape_at(&wall, px, py);
			float in = shape_at(&blood, px, py);
			echo = echo * (1 - 0.9f * in) * (1 - 0.45f * f.depth) * (1 + 0.30f * rng_normal(&rng));
			rgb[0] = rgb[1] = rgb[2] = (uint8_t)(clamp01(echo) * 250);
			if (in > 0.5f && py < 0.6f && py > 0.4f) {
				float flow = sinf(phase * 6.2831853f) * in;
				rgb[0] = (uint8_t)(flow > 0 ? 60 + 190 * flow : 20);
				rgb[1] = 20;
				rgb[2] = (uint8_t)(flow < 0 ? 60 - 190 * flow : 20);
			}
		}
}

#endif
