#include <charls/charls.h>
#include <stdlib.h>

#include "pacs/xcode/codec_impl.h"

static enum err check_frame(const struct image_desc *d, const charls_frame_info *f, struct why *why)
{
	if (f->width != d->columns || f->height != d->rows || f->component_count != (int32_t)d->samples)
		return fail(why, ERR_FORMAT, "JPEG-LS of %u x %u x %d, header says %u x %u x %u", f->width, f->height, f->component_count, d->columns, d->rows, d->samples);
	if (f->bits_per_sample < 2 || f->bits_per_sample > 16 || f->bits_per_sample > (int32_t)d->allocated)
		return fail(why, ERR_FORMAT, "JPEG-LS of %d bits, allocated are %u", f->bits_per_sample, d->allocated);
	return ERR_OK;
}

/* From the decoder's own order (by plane when not interleaved) and width to DICOM's. */
static void arrange(const struct image_desc *d, const uint8_t *in, unsigned bits, bool by_plane, uint8_t *out)
{
	size_t pixels = (size_t)d->rows * d->columns;
	for (size_t i = 0; i < pixels; i++)
		for (unsigned s = 0; s < d->samples; s++) {
			size_t from = by_plane ? s * pixels + i : i * d->samples + s;
			put_sample(d, out, i * d->samples + s, bits, bits > 8 ? (uint32_t)le16(in + 2 * from) : in[from]);
		}
}

static enum err decode_opened(const struct image_desc *d, charls_jpegls_decoder *dec, uint8_t *out, struct why *why)
{
	charls_frame_info info;
	charls_interleave_mode mode;
	size_t len;
	charls_jpegls_errc c = charls_jpegls_decoder_read_header(dec);
	if (!c)
		c = charls_jpegls_decoder_get_frame_info(dec, &info);
	if (!c)
		c = charls_jpegls_decoder_get_interleave_mode(dec, &mode);
	if (!c)
		c = charls_jpegls_decoder_get_destination_size(dec, 0, &len);
	if (c)
		return fail(why, ERR_FORMAT, "JPEG-LS header: %s", charls_get_error_message(c));
	enum err e = check_frame(d, &info, why);
	if (e)
		return e;
	uint8_t *raw = malloc(len);
	if (!raw)
		return fail(why, ERR_NOMEM, "no memory for a frame of %zu bytes", len);
	c = charls_jpegls_decoder_decode_to_buffer(dec, raw, len, 0);
	if (c)
		e = fail(why, ERR_FORMAT, "JPEG-LS: %s", charls_get_error_message(c));
	else
		arrange(d, raw, (unsigned)info.bits_per_sample, d->samples > 1 && mode == CHARLS_INTERLEAVE_MODE_NONE, out);
	free(raw);
	return e;
}

enum err jls_decode(const struct image_desc *d, struct bytes stream, uint8_t *out, struct why *why)
{
	charls_jpegls_decoder *dec = charls_jpegls_decoder_create();
	if (!dec)
		return fail(why, ERR_NOMEM, "no memory for a JPEG-LS decoder");
	charls_jpegls_errc c = charls_jpegls_decoder_set_source_buffer(dec, stream.p, stream.len);
	enum err e = c ? fail(why, ERR_FORMAT, "JPEG-LS: %s", charls_get_error_message(c)) : decode_opened(d, dec, out, why);
	charls_jpegls_decoder_destroy(dec);
	return e;
}
