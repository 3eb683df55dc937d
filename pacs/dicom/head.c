#include "pacs/dicom/head.h"

static bool is_capital(uint8_t c)
{
	return c >= 'A' && c <= 'Z';
}

static uint32_t tag_at(const uint8_t *p, bool is_big)
{
	return is_big ? TAG(be16(p), be16(p + 2)) : TAG(le16(p), le16(p + 2));
}

vr_t head_implied_vr(uint32_t tag)
{
	if (TAG_ELEMENT(tag) == 0)
		return VR_UL;
	if (TAG_IS_PRIVATE(tag))
		return TAG_ELEMENT(tag) >= 0x10 && TAG_ELEMENT(tag) <= 0xFF ? VR_LO : VR_UN;
	const struct dict_entry *e = dict_find(tag);
	return e ? e->vr : VR_UN;
}

static void read_short_length(const uint8_t *p, bool is_big, struct head *h)
{
	h->len = is_big ? be16(p + 6) : le16(p + 6);
	h->len_size = 2;
}

/* Where no VR stands, or none that is known. Capitals are a VR newer than this table, which has
 * the long form (PS3.5 section 6.2.2); if its reserved bytes are not zero it is a misspelt short one.
 * No letters at all: an implicit element in the midst of explicit ones, or a blank VR. */
static void read_strange_vr(const uint8_t *p, bool is_big, struct head *h)
{
	bool has_zeros = p[6] == 0 && p[7] == 0;
	h->vr = VR_UN;
	if (is_capital(p[4]) && is_capital(p[5]) && has_zeros) {
		h->size = 12;
	} else if (has_zeros && p[5] < ' ') {
		h->len = is_big ? be32(p + 4) : le32(p + 4);
		h->vr = head_implied_vr(h->tag);
	} else {
		read_short_length(p, is_big, h);
	}
}

static void read_explicit(const uint8_t *p, bool is_big, struct head *h)
{
	h->vr = VR(p[4], p[5]);
	if (!vr_is_known(h->vr))
		read_strange_vr(p, is_big, h);
	else if (vr_has_long_length(h->vr))
		h->size = 12;
	else
		read_short_length(p, is_big, h);
}

static enum head_body body_of(const struct head *h)
{
	if (TAG_GROUP(h->tag) == 0xFFFE)
		return BODY_NONE;
	if (h->len != LENGTH_UNDEFINED)
		return BODY_VALUE;
	return h->vr == VR_OB || h->vr == VR_OW || h->vr == VR_OF || h->vr == VR_OD || h->vr == VR_OL || h->vr == VR_OV
		? BODY_FRAGMENTS : BODY_SEQUENCE;
}

enum err head_read(const uint8_t *p, size_t have, enum ds_encoding enc, struct head *out)
{
	if (have < 8)
		return ERR_MORE;
	bool is_big = enc == DS_EXPLICIT_BE;
	struct head h = { .tag = tag_at(p, is_big), .size = 8, .len_size = 4, .inside = enc };

	if (TAG_GROUP(h.tag) == 0xFFFE) {
		h.len = is_big ? be32(p + 4) : le32(p + 4);
	} else if (enc == DS_IMPLICIT_LE) {
		h.len = le32(p + 4);
		h.vr = head_implied_vr(h.tag);
	} else {
		read_explicit(p, is_big, &h);
	}
	if (h.size == 12) {
		if (have < 12)
			return ERR_MORE;
		h.len = is_big ? be32(p + 8) : le32(p + 8);
	}
	h.body = body_of(&h);
	if (h.body == BODY_SEQUENCE && h.vr == VR_UN)
		h.inside = DS_IMPLICIT_LE;
	*out = h;
	return ERR_OK;
}

static bool is_public(uint32_t tag)
{
	return dict_find(tag) != NULL;
}

enum ds_encoding head_detect(const uint8_t p[8], enum ds_encoding announced, bool is_item)
{
	bool is_big = announced == DS_EXPLICIT_BE, has_vr = vr_is_known(VR(p[4], p[5]));
	uint32_t tag = tag_at(p, is_big);

	if (TAG_GROUP(tag) == 0xFFFE)
		return announced;
	if (!is_item && has_vr && !is_public(tag) && is_public(tag_at(p, !is_big)))
		return is_big ? DS_EXPLICIT_LE : DS_EXPLICIT_BE;
	if (!is_item && is_big && !is_public(tag) && is_public(tag_at(p, false)))
		return DS_IMPLICIT_LE;
	/* Read as implicit, a VR would be a length of 16 kB and more; in the dictionary's words, or
	 * with a length behind it, it is a VR. */
	if (announced == DS_IMPLICIT_LE && has_vr && (head_implied_vr(tag) == VR(p[4], p[5]) || p[6] || p[7]))
		return DS_EXPLICIT_LE;
	if (announced == DS_EXPLICIT_LE && !is_capital(p[4]) && p[6] == 0 && p[7] == 0 && is_public(tag))
		return DS_IMPLICIT_LE;
	return announced;
}
