#include "pacs/xcode/codec.h"

/* A number of the pixel module; `fallback` when it is absent or no number. */
static int64_t number(const struct dataset *header, uint16_t element, int64_t fallback)
{
	int64_t v;
	return dataset_int(header, TAG(0x0028, element), &v) ? v : fallback;
}

static enum err check_bits(int64_t allocated, int64_t stored, int64_t high, struct why *why)
{
	if (allocated != 8 && allocated != 16 && allocated != 32)
		return fail(why, ERR_UNSUPPORTED, "Bits Allocated %lld, known are 8, 16 and 32", (long long)allocated);
	if (stored < 1 || stored > allocated || high < stored - 1 || high >= allocated)
		return fail(why, ERR_UNSUPPORTED, "Bits Stored %lld, High Bit %lld in %lld allocated", (long long)stored, (long long)high, (long long)allocated);
	return ERR_OK;
}

static enum err check_size(int64_t rows, int64_t columns, int64_t samples, int64_t frames, struct why *why)
{
	if (rows < 1 || rows > BOUND_IMAGE_SIDE || columns < 1 || columns > BOUND_IMAGE_SIDE)
		return fail(why, ERR_UNSUPPORTED, "%lld rows of %lld columns: no image", (long long)rows, (long long)columns);
	if (samples != 1 && samples != 3)
		return fail(why, ERR_UNSUPPORTED, "%lld samples per pixel, known are 1 and 3", (long long)samples);
	if (frames < 1 || frames > BOUND_FRAMES)
		return fail(why, ERR_UNSUPPORTED, "%lld frames, limit %d", (long long)frames, BOUND_FRAMES);
	return ERR_OK;
}

static void read_photometric(const struct dataset *header, struct image_desc *d)
{
	const char *s = dataset_str(header, TAG(0x0028, 0x0004));
	if (!*s)
		s = d->samples == 3 ? "RGB" : "MONOCHROME2";
	size_t n = strnlen(s, sizeof(d->photometric) - 1);
	memcpy(d->photometric, s, n);
	d->photometric[n] = 0;
}

enum err image_desc_read(const struct dataset *header, struct image_desc *out, struct why *why)
{
	int64_t rows = number(header, 0x0010, 0), columns = number(header, 0x0011, 0);
	int64_t samples = number(header, 0x0002, 1), frames = number(header, 0x0008, 1);
	int64_t allocated = number(header, 0x0100, 0), stored = number(header, 0x0101, allocated);
	int64_t high = number(header, 0x0102, stored - 1);

	if (frames == 0)
		frames = 1;      /* some single images say 0 */
	enum err e = check_size(rows, columns, samples, frames, why);
	if (!e)
		e = check_bits(allocated, stored, high, why);
	if (e)
		return e;
	*out = (struct image_desc){
		.rows = (unsigned)rows, .columns = (unsigned)columns, .samples = (unsigned)samples, .frames = (unsigned)frames,
		.allocated = (unsigned)allocated, .stored = (unsigned)stored, .high_bit = (unsigned)high,
		.is_signed = number(header, 0x0103, 0) == 1, .planar = number(header, 0x0006, 0) == 1 && samples > 1,
	};
	read_photometric(header, out);
	if (image_frame_bytes(out) > BOUND_XCODE_BYTES)
		return fail(why, ERR_UNSUPPORTED, "a frame of %llu bytes, limit %llu", (unsigned long long)image_frame_bytes(out), (unsigned long long)BOUND_XCODE_BYTES);
	return ERR_OK;
}

uint64_t image_frame_bytes(const struct image_desc *d)
{
	uint64_t bytes;
	if (__builtin_mul_overflow((uint64_t)d->rows * d->columns, (uint64_t)d->samples * (d->allocated / 8), &bytes))
		return 0;
	return bytes;
}
