#include "pacs/dicom/dataset.h"

#include "pacs/dicom/dataset_impl.h"
#include "pacs/dicom/head.h"

enum { SHORT_MAX = 65534 };      /* the longest even value that a 16-bit length can tell */

static enum err write_elements(const struct dataset *ds, enum ds_encoding enc, struct buf *out, unsigned depth);

static void put16(struct buf *out, uint16_t v, enum ds_encoding enc)
{
	if (enc == DS_EXPLICIT_BE)
		buf_add_be16(out, v);
	else
		buf_add_le16(out, v);
}

static void put32(struct buf *out, uint32_t v, enum ds_encoding enc)
{
	if (enc == DS_EXPLICIT_BE)
		buf_add_be32(out, v);
	else
		buf_add_le32(out, v);
}

static void put_tag(struct buf *out, uint32_t tag, enum ds_encoding enc)
{
	put16(out, TAG_GROUP(tag), enc);
	put16(out, TAG_ELEMENT(tag), enc);
}

/* A 32-bit length that is not known yet: its place. */
static size_t open_length(struct buf *out, enum ds_encoding enc)
{
	put32(out, 0, enc);
	return out->len;
}

static void close_length(struct buf *out, size_t body_at, enum ds_encoding enc)
{
	if (buf_err(out))
		return;
	uint32_t len = (uint32_t)(out->len - body_at);
	if (enc == DS_EXPLICIT_BE)
		put_be32(out->p + body_at - 4, len);
	else
		put_le32(out->p + body_at - 4, len);
}

static enum err write_sequence(const struct element *el, enum ds_encoding enc, struct buf *out, unsigned depth)
{
	if (enc != DS_IMPLICIT_LE)
		buf_add(out, "SQ\0\0", 4);
	size_t sequence = open_length(out, enc);
	for (const struct item *i = el->items; i; i = i->next) {
		put_tag(out, TAG_ITEM, enc);
		size_t item = open_length(out, enc);
		enum err e = write_elements(i->ds, enc, out, depth + 1);
		if (e)
			return e;
		close_length(out, item, enc);
	}
	close_length(out, sequence, enc);
	return ERR_OK;
}

static void write_length(vr_t vr, uint32_t len, enum ds_encoding enc, struct buf *out)
{
	if (enc == DS_IMPLICIT_LE) {
		buf_add_le32(out, len);
		return;
	}
	buf_add_byte(out, (uint8_t)(vr >> 8));
	buf_add_byte(out, (uint8_t)vr);
	if (vr_has_long_length(vr)) {
		buf_add_le16(out, 0);
		put32(out, len, enc);
	} else {
		put16(out, (uint16_t)len, enc);
	}
}

static enum err write_value(const struct element *el, enum ds_encoding enc, struct buf *out)
{
	vr_t vr = el->vr;
	size_t len = el->value.len + (el->value.len & 1);
	if (len >= LENGTH_UNDEFINED)
		return ERR_LIMIT;
	/* PS3.5 section 6.2.2: as UN, rather than cut. UN is little endian inside, so it is not swapped. */
	if (!vr_has_long_length(vr) && len > SHORT_MAX)
		vr = VR_UN;
	write_length(vr, (uint32_t)len, enc, out);
	uint8_t *at = buf_extend(out, len);
	if (!at || !el->value.len)
		return buf_err(out);
	memcpy(at, el->value.p, el->value.len);
	if (len > el->value.len)
		at[len - 1] = vr_pad(el->vr);
	if (enc == DS_EXPLICIT_BE)
		dataset_swap(at, len, vr_swap_unit(vr));
	return ERR_OK;
}

static enum err write_elements(const struct dataset *ds, enum ds_encoding enc, struct buf *out, unsigned depth)
{
	if (depth > BOUND_DEPTH)
		return ERR_LIMIT;
	for (const struct element *el = ds->first; el; el = el->next) {
		put_tag(out, el->tag, enc);
		enum err e = el->vr == VR_SQ ? write_sequence(el, enc, out, depth) : write_value(el, enc, out);
		if (e)
			return e;
	}
	return buf_err(out);
}

enum err dataset_write(const struct dataset *ds, enum ds_encoding enc, struct buf *out)
{
	return write_elements(ds, enc, out, 0);
}
