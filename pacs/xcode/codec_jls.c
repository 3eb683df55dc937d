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

/* The decoder writes what DICOM has: no sign to be extended, the same width, colour by pixel. */
static bool is_as_native(const struct image_desc *d, const charls_frame_info *f, charls_interleave_mode mode)
{
	unsigned bits = (unsigned)f->bits_per_sample;
	return (!d->is_signed || bits == d->allocated) && (bits > 8) == (d->allocated > 8) && (d->samples == 1 || mode != CHARLS_INTERLEAVE_MODE_NONE);
}

static enum err decode_opened(const struct image_desc *d, charls_jpegls_decoder *dec, uint8_t *out, struct why *why)
{
	charls_frame_info info;
	charls_interleave_mode mode;
	size_t len;
	int32_t near_by = 0;
	charls_jpegls_errc c = charls_jpegls_decoder_read_header(dec);
	if (!c)
		c = charls_jpegls_decoder_get_frame_info(dec, &info);
	if (!c)
		c = charls_jpegls_decoder_get_interleave_mode(dec, &mode);
	if (!c)
		c = charls_jpegls_decoder_get_near_lossless(dec, 0, &near_by);
	if (!c)
		c = charls_jpegls_decoder_get_destination_size(dec, 0, &len);
	if (c)
		return fail(why, ERR_FORMAT, "JPEG-LS header: %s", charls_get_error_message(c));
	enum err e = check_frame(d, &info, why);
	if (e)
		return e;
	if (is_as_native(d, &info, mode) && len == image_frame_bytes(d)) {
		c = charls_jpegls_decoder_decode_to_buffer(dec, out, len, 0);
		if (!c && near_by)
			limit_to_stored(d, out);
		return c ? fail(why, ERR_FORMAT, "JPEG-LS: %s", charls_get_error_message(c)) : ERR_OK;
	}
	uint8_t *raw = malloc(len);
	if (!raw)
		return fail(why, ERR_NOMEM, "no memory for a frame of %zu bytes", len);
	c = charls_jpegls_decoder_decode_to_buffer(dec, raw, len, 0);
	if (c)
		e = fail(why, ERR_FORMAT, "JPEG-LS: %s", charls_get_error_message(c));
	else
		arrange(d, raw, (unsigned)info.bits_per_sample, d->samples > 1 && mode == CHARLS_INTERLEAVE_MODE_NONE, out);
	if (!c && near_by)
		limit_to_stored(d, out);
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

/* ---- encoding ---- */

static charls_jpegls_errc encode_opened(const struct image_desc *d, charls_jpegls_encoder *enc, unsigned near_by, const void *samples, uint8_t *to, size_t room, size_t *len)
{
	const charls_frame_info info = { d->columns, d->rows, (int32_t)d->stored, (int32_t)d->samples };
	charls_jpegls_errc c = charls_jpegls_encoder_set_frame_info(enc, &info);
	if (!c && d->samples > 1)
		c = charls_jpegls_encoder_set_interleave_mode(enc, CHARLS_INTERLEAVE_MODE_LINE);
	if (!c && near_by)
		c = charls_jpegls_encoder_set_near_lossless(enc, (int32_t)near_by);
	if (!c)
		c = charls_jpegls_encoder_set_destination_buffer(enc, to, room);
	if (!c)
		c = charls_jpegls_encoder_encode_from_buffer(enc, samples, (size_t)d->rows * d->columns * d->samples * (d->stored > 8 ? 2 : 1), 0);
	return c ? c : charls_jpegls_encoder_get_bytes_written(enc, len);
}

/* Noise becomes longer than it was: then there is a second try with twice the room. */
static enum err encode_samples(const struct image_desc *d, unsigned near_by, const void *samples, struct buf *out, struct why *why)
{
	size_t base = out->len, room = (size_t)image_frame_bytes(d) + 4096, len = 0;
	charls_jpegls_errc c = CHARLS_JPEGLS_ERRC_DESTINATION_BUFFER_TOO_SMALL;
	for (unsigned n = 0; n < 2 && c == CHARLS_JPEGLS_ERRC_DESTINATION_BUFFER_TOO_SMALL; n++, room *= 2) {
		out->len = base;
		uint8_t *to = buf_extend(out, room);
		charls_jpegls_encoder *enc = to ? charls_jpegls_encoder_create() : NULL;
		if (!enc)
			return fail(why, ERR_NOMEM, "no memory for a JPEG-LS encoder");
		c = encode_opened(d, enc, near_by, samples, to, room, &len);
		charls_jpegls_encoder_destroy(enc);
	}
	out->len = base + (c ? 0 : len);
	return c ? fail(why, ERR_MISMATCH, "JPEG-LS encoding: %s", charls_get_error_message(c)) : ERR_OK;
}

/* What CharLS reads: without sign bits above the stored ones, and one byte where 8 bits are enough. */
static void *unsigned_samples(const struct image_desc *d, const uint8_t *native)
{
	size_t n = (size_t)d->rows * d->columns * d->samples;
	uint32_t mask = (1u << d->stored) - 1;
	uint8_t *copy = malloc(n * (d->stored > 8 ? 2 : 1));
	for (size_t i = 0; copy && i < n; i++) {
		uint32_t v = (d->allocated == 8 ? native[i] : le16(native + 2 * i)) & mask;
		if (d->stored > 8)
			put_le16(copy + 2 * i, (uint16_t)v);
		else
			copy[i] = (uint8_t)v;
	}
	return copy;
}

enum err jls_encode(const struct image_desc *d, const struct ts *ts, unsigned level, const uint8_t *native, struct buf *out, struct why *why)
{
	bool is_narrow = d->stored <= 8 && d->allocated > 8, has_sign_bits = d->is_signed && d->stored < d->allocated;
	unsigned near_by = level, most = ((1u << d->stored) - 1) / 2;
	(void)ts;
	enum err e = check_unused_bits(d, native, why);
	if (e)
		return e;
	if (near_by > most)
		near_by = most;
	if (!is_narrow && !has_sign_bits)
		return encode_samples(d, near_by, native, out, why);
	void *copy = unsigned_samples(d, native);
	e = copy ? encode_samples(d, near_by, copy, out, why) : fail(why, ERR_NOMEM, "no memory for the samples of a frame");
	free(copy);
	return e;
}
