#include <turbojpeg.h>

#include "pacs/xcode/codec_impl.h"

/* Extra bytes between markers are harmless; every other warning means samples that nobody encoded. */
static bool is_harmless(tjhandle h)
{
	return tjGetErrorCode(h) == TJERR_WARNING && strstr(tjGetErrorStr2(h), "extraneous bytes");
}

static enum err decode_opened(const struct image_desc *d, tjhandle h, struct bytes stream, uint8_t *out, char photometric_out[17], struct why *why)
{
	int width, height, subsampling, space;
	if (tjDecompressHeader3(h, stream.p, stream.len, &width, &height, &subsampling, &space))
		return fail(why, ERR_FORMAT, "JPEG header: %s", tjGetErrorStr2(h));
	unsigned samples = space == TJCS_GRAY ? 1 : space == TJCS_RGB || space == TJCS_YCbCr ? 3 : 4;
	if (width != (int)d->columns || height != (int)d->rows || samples != d->samples)
		return fail(why, ERR_FORMAT, "JPEG of %d x %d x %u, header says %u x %u x %u", width, height, samples, d->columns, d->rows, d->samples);
	int format = samples == 1 ? TJPF_GRAY : TJPF_RGB;
	if (tjDecompress2(h, stream.p, stream.len, out, width, 0, height, format, TJFLAG_ACCURATEDCT) && !is_harmless(h))
		return fail(why, ERR_FORMAT, "JPEG: %s", tjGetErrorStr2(h));
	/* The stream knows its colour space better than the header (APP14, JFIF, component names). */
	if (samples == 3)
		memcpy(photometric_out, "RGB", 4);
	return ERR_OK;
}

enum err jpeg_decode(const struct image_desc *d, struct bytes stream, uint8_t *out, char photometric_out[17], struct why *why)
{
	if (d->allocated != 8)
		return fail(why, ERR_FORMAT, "JPEG of 8 bits, allocated are %u", d->allocated);
	tjhandle h = tjInitDecompress();
	if (!h)
		return fail(why, ERR_NOMEM, "no memory for a JPEG decoder");
	enum err e = decode_opened(d, h, stream, out, photometric_out, why);
	tjDestroy(h);
	return e;
}
