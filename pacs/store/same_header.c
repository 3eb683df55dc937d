#include "pacs/store/same_header.h"

#include "pacs/dicom/head.h"

#define TAG_PHOTOMETRIC TAG(0x0028, 0x0004)
#define TAG_PLANAR TAG(0x0028, 0x0006)

static bool same_datasets(const struct dataset *a, const struct dataset *b, unsigned depth);

/* ---- values ---- */

static struct bytes without_padding(struct bytes v)
{
	while (v.len && (v.p[v.len - 1] == ' ' || v.p[v.len - 1] == '\0'))
		v.len--;
	return v;
}

/* Text on one side and not told to be something else on the other. */
static bool is_text(const struct element *a, const struct element *b)
{
	return vr_is_string(a->vr) ? vr_is_string(b->vr) || b->vr == VR_UN : a->vr == VR_UN && vr_is_string(b->vr);
}

/* A value of odd length, and the same with the byte that makes it even. */
static bool is_padded(struct bytes odd, struct bytes even)
{
	return (odd.len & 1) && even.len == odd.len + 1 && (even.p[odd.len] == ' ' || even.p[odd.len] == '\0') &&
	       bytes_equal(odd, bytes_of(even.p, odd.len));
}

static bool same_values(const struct element *a, const struct element *b)
{
	if (bytes_equal(a->value, b->value))
		return true;
	if (is_text(a, b))
		return bytes_equal(without_padding(a->value), without_padding(b->value));
	return is_padded(a->value, b->value) || is_padded(b->value, a->value);
}

/* ---- sequences ---- */

/* The items in bytes of unknown VR (implicit VR inside, PS3.5 section 6.2.2 note 2): read as the value of a sequence
 * that the dictionary knows. False: they are none. */
static bool as_items(const struct dataset *ds, const struct element *el, const struct item **out)
{
	static const uint32_t some_sequence = TAG(0x0008, 0x1140);
	struct dataset *parsed;
	*out = el->items;
	if (el->vr == VR_SQ || !el->value.len)
		return true;
	uint8_t *raw = el->value.len < LENGTH_UNDEFINED ? arena_alloc(ds->arena, el->value.len + 8) : NULL;
	if (el->vr != VR_UN || !raw)
		return false;
	put_le16(raw, TAG_GROUP(some_sequence));
	put_le16(raw + 2, TAG_ELEMENT(some_sequence));
	put_le32(raw + 4, (uint32_t)el->value.len);
	memcpy(raw + 8, el->value.p, el->value.len);
	if (dataset_parse(ds->arena, bytes_of(raw, el->value.len + 8), DS_IMPLICIT_LE, &parsed, NULL))
		return false;
	const struct element *sequence = dataset_find(parsed, some_sequence);
	if (!sequence || sequence->vr != VR_SQ)
		return false;
	*out = sequence->items;
	return true;
}

static bool same_elements(const struct dataset *in_a, const struct element *a, const struct dataset *in_b, const struct element *b, unsigned depth)
{
	const struct item *ia, *ib;
	if (a->vr != VR_SQ && b->vr != VR_SQ)
		return same_values(a, b);
	if (!as_items(in_a, a, &ia) || !as_items(in_b, b, &ib))
		return false;
	for (; ia && ib; ia = ia->next, ib = ib->next)
		if (!same_datasets(ia->ds, ib->ds, depth + 1))
			return false;
	return !ia && !ib;
}

static bool same_datasets(const struct dataset *a, const struct dataset *b, unsigned depth)
{
	const struct element *ea = a->first, *eb = b->first;
	if (depth > BOUND_DEPTH)
		return false;
	for (; ea && eb; ea = ea->next, eb = eb->next)
		if (ea->tag != eb->tag || !same_elements(a, ea, b, eb, depth))
			return false;
	return !ea && !eb;
}

/* ---- what compression changes ---- */

static const struct element *skip_planar(const struct element *el)
{
	return el && el->tag == TAG_PLANAR ? el->next : el;
}

static bool is_rgb_coded(const struct dataset *a, const struct dataset *b)
{
	return !strcmp(dataset_str(a, TAG_PHOTOMETRIC), "RGB") && !strcmp(dataset_str(b, TAG_PHOTOMETRIC), "YBR_RCT");
}

/* All but planar configuration, and photometric interpretation when that is known to be the same. */
static bool same_but_form(const struct dataset *a, const struct dataset *b, bool is_same_photometric)
{
	const struct element *ea = skip_planar(a->first), *eb = skip_planar(b->first);
	for (; ea && eb; ea = skip_planar(ea->next), eb = skip_planar(eb->next))
		if (ea->tag != eb->tag || (!(is_same_photometric && ea->tag == TAG_PHOTOMETRIC) && !same_elements(a, ea, b, eb, 0)))
			return false;
	return !ea && !eb;
}

bool same_header(const struct dataset *a, const struct dataset *b, bool b_is_coded)
{
	return b_is_coded ? same_but_form(a, b, is_rgb_coded(a, b)) : same_datasets(a, b, 0);
}

static const char *decoded_photometric(const struct dataset *ds)
{
	const char *s = dataset_str(ds, TAG_PHOTOMETRIC);
	return !strcmp(s, "YBR_RCT") ? "RGB" : !strcmp(s, "YBR_FULL_422") ? "YBR_FULL" : s;
}

bool same_header_of_samples(const struct dataset *a, const struct dataset *b)
{
	return same_but_form(a, b, !strcmp(decoded_photometric(a), decoded_photometric(b)));
}
