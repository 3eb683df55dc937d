/* codec_impl - one function for each library that codec.c chooses from. Private to pacs/xcode. */
#ifndef PACS_XCODE_CODEC_IMPL_H
#define PACS_XCODE_CODEC_IMPL_H

#include "pacs/xcode/codec.h"

/* All: one code stream to image_frame_bytes(d) bytes, little endian, colour by pixel; what the stream says about size
 * and components must agree with d (ERR_FORMAT). photometric_out is d's already and is changed only by colour conversion. */
enum err jpeg_decode(const struct image_desc *d, struct bytes stream, uint8_t *out, char photometric_out[17], struct why *why) MUST_USE;
enum err jls_decode(const struct image_desc *d, struct bytes stream, uint8_t *out, struct why *why) MUST_USE;
enum err j2k_decode(const struct image_desc *d, struct bytes stream, uint8_t *out, struct why *why) MUST_USE;
enum err ht_decode(const struct image_desc *d, struct bytes stream, uint8_t *out, struct why *why) MUST_USE;
enum err plain_decode(const struct image_desc *d, struct bytes in, uint8_t *out, struct why *why) MUST_USE;         /* native bytes */
enum err deflated_decode(const struct image_desc *d, struct bytes in, uint8_t *out, struct why *why) MUST_USE;

/* All: as those above, halved; d is of the whole picture, `small` of what is wanted. ERR_UNSUPPORTED: not in this stream. */
enum err jpeg_decode_small(const struct image_desc *d, const struct image_desc *small, unsigned halvings, struct bytes stream, uint8_t *out, char photometric_out[17], struct why *why) MUST_USE;
enum err j2k_decode_small(const struct image_desc *d, const struct image_desc *small, unsigned halvings, struct bytes stream, uint8_t *out, struct why *why) MUST_USE;
enum err ht_decode_small(const struct image_desc *d, const struct image_desc *small, unsigned halvings, struct bytes stream, uint8_t *out, struct why *why) MUST_USE;

/* All: codec_plan() allowed it. level 0: reversible. */
enum err jpeg_encode(const struct image_desc *d, const struct ts *ts, unsigned level, const uint8_t *native, struct buf *out, struct why *why) MUST_USE;
enum err jls_encode(const struct image_desc *d, const struct ts *ts, unsigned level, const uint8_t *native, struct buf *out, struct why *why) MUST_USE;
enum err j2k_encode(const struct image_desc *d, const struct ts *ts, unsigned level, const uint8_t *native, struct buf *out, struct why *why) MUST_USE;
enum err ht_encode(const struct image_desc *d, const struct ts *ts, unsigned level, const uint8_t *native, struct buf *out, struct why *why) MUST_USE;
enum err rle_encode(const struct image_desc *d, const struct ts *ts, unsigned level, const uint8_t *native, struct buf *out, struct why *why) MUST_USE;
enum err plain_encode(const struct image_desc *d, const struct ts *ts, unsigned level, const uint8_t *native, struct buf *out, struct why *why) MUST_USE;
enum err deflated_encode(const struct image_desc *d, const struct ts *ts, unsigned level, const uint8_t *native, struct buf *out, struct why *why) MUST_USE;

/* Of one sample, the bits above Bits Stored, which must be clear; of a signed one, those that must be like their neighbour above. */
uint32_t unused_bits(const struct image_desc *d);
/* ERR_UNSUPPORTED when the stored bits are not the lowest. */
enum err check_high_bit(const struct image_desc *d, struct why *why) MUST_USE;
/* Both: ERR_UNSUPPORTED when bits above Bits Stored carry something: an overlay, or a sign that is not extended. A stream of
 * that precision has no room for them, and losing them is not ours to decide. */
enum err check_unused_bits(const struct image_desc *d, const uint8_t *native, struct why *why) MUST_USE;

/* After a lossy decoder whose stream has a higher precision than Bits Stored: what it gives beyond them becomes the largest value.
 * Left alone, the bit above would be cut off by whoever shows it, and the brightest pixel become black. Unsigned samples only. */
void limit_to_stored(const struct image_desc *d, uint8_t *samples);

/* One sample of `bits` bits into its place, sign-extended when the image is signed. */
static inline void put_sample(const struct image_desc *d, uint8_t *out, size_t at, unsigned bits, uint32_t v)
{
	if (d->is_signed && bits < 32 && v >> (bits - 1) & 1)
		v |= UINT32_MAX << bits;
	if (d->allocated == 8)
		out[at] = (uint8_t)v;
	else if (d->allocated == 16)
		put_le16(out + 2 * at, (uint16_t)v);
	else
		put_le32(out + 4 * at, v);
}

#endif
