#include "pacs/render/overlay.h"

#include "pacs/base/bounds.h"
#include "pacs/render/grey.h"

static int64_t number(const struct dataset *ds, uint32_t tag, int64_t fallback)
{
	int64_t v;
	return dataset_int(ds, tag, &v) ? v : fallback;
}

/* Row and column of the origin, both from 1. */
static void read_origin(const struct dataset *ds, uint32_t tag, struct overlay *o)
{
	const struct element *el = dataset_find(ds, tag);
	if (!el || el->value.len < 4)
		return;
	o->y = (int16_t)le16(el->value.p) - 1;
	o->x = (int16_t)le16(el->value.p + 2) - 1;
}

bool overlay_read(const struct dataset *ds, unsigned n, const struct image_desc *d, struct overlay *o)
{
	uint32_t base = (uint32_t)(0x6000 + 2 * n) << 16;
	const struct element *data = dataset_find(ds, base | 0x3000);
	int64_t rows = number(ds, base | 0x0010, 0), columns = number(ds, base | 0x0011, 0), frames = number(ds, base | 0x0015, 1);
	int64_t allocated = number(ds, base | 0x0100, 1), bit = number(ds, base | 0x0102, 0), first = number(ds, base | 0x0051, 1);
	if (rows < 1 || columns < 1 || rows > BOUND_IMAGE_SIDE || columns > BOUND_IMAGE_SIDE || frames < 1 || frames > BOUND_FRAMES || first < 1 || first > BOUND_FRAMES)
		return false;
	*o = (struct overlay){ .rows = (unsigned)rows, .columns = (unsigned)columns, .frames = (unsigned)frames, .first_frame = (unsigned)first - 1, .group = (uint16_t)(base >> 16) };
	o->is_roi = !strcmp(dataset_str(ds, base | 0x0040), "R");
	o->is_embedded = !data;
	read_origin(ds, base | 0x0050, o);
	if (data) {
		o->bits = data->value;
		return data->value.len >= ((uint64_t)rows * columns * frames + 7) / 8;
	}
	/* Bits that carry samples are no overlay, whatever stands here. */
	bool is_free = bit >= 0 && bit < d->allocated && (bit > d->high_bit || bit + d->stored < d->high_bit + 1);
	o->bit = (unsigned)bit;
	return allocated == d->allocated && d->samples == 1 && is_free && o->rows == d->rows && o->columns == d->columns;
}

static bool is_set(const struct overlay *o, const struct image_desc *d, unsigned of_frame, const uint8_t *samples, unsigned x, unsigned y)
{
	size_t i = (size_t)y * o->columns + x;
	if (o->is_embedded)
		return grey_word(d, samples, i) >> o->bit & 1;
	i += (size_t)of_frame * o->rows * o->columns;
	return o->bits.p[i / 8] >> (i % 8) & 1;
}

void overlay_each(const struct overlay *o, const struct image_desc *d, unsigned frame, const uint8_t *samples,
                  void (*fn)(void *arg, unsigned x, unsigned y), void *arg)
{
	/* A bitmap of one frame stands on all of them; a series of bitmaps on those it names (PS3.3 C.9.2.1.3). */
	unsigned of_frame = o->is_embedded || o->frames == 1 ? 0 : frame - o->first_frame;
	if (!o->is_embedded && o->frames > 1 && (frame < o->first_frame || of_frame >= o->frames))
		return;
	int ox = o->is_embedded ? 0 : o->x, oy = o->is_embedded ? 0 : o->y;
	for (unsigned y = 0; y < o->rows; y++)
		for (unsigned x = 0; x < o->columns; x++) {
			int ix = ox + (int)x, iy = oy + (int)y;
			if (ix >= 0 && iy >= 0 && ix < (int)d->columns && iy < (int)d->rows && is_set(o, d, of_frame, samples, x, y))
				fn(arg, (unsigned)ix, (unsigned)iy);
		}
}
