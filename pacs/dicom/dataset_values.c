/* Values of elements as text and numbers. */
#include "pacs/dicom/dataset.h"

#include <math.h>
#include <stdlib.h>

#include "pacs/dicom/head.h"

/* What a value is read as: the file's VR, but UN of a public tag as the dictionary has it. */
static vr_t vr_for_reading(const struct element *el)
{
	return el->vr == VR_UN ? head_implied_vr(el->tag) : el->vr;
}

static struct bytes strip(struct bytes v, bool keep_leading)
{
	while (v.len && (v.p[v.len - 1] == ' ' || v.p[v.len - 1] == '\0'))
		v.len--;
	while (!keep_leading && v.len && *v.p == ' ') {
		v.p++;
		v.len--;
	}
	return v;
}

static bool is_paragraph(vr_t vr)
{
	return vr == VR_ST || vr == VR_LT || vr == VR_UT;
}

const char *dataset_str(const struct dataset *ds, uint32_t tag)
{
	const struct element *el = dataset_find(ds, tag);
	if (!el || el->vr == VR_SQ)
		return "";
	struct bytes v = strip(el->value, is_paragraph(vr_for_reading(el)));
	const char *s = v.len ? arena_strn(ds->arena, v.p, v.len) : NULL;
	return s ? s : "";
}

/* The n-th of the values between backslashes, stripped; empty beyond the end. */
static struct bytes nth_text(const struct element *el, unsigned n)
{
	struct bytes v = el->value;
	for (;;) {
		const uint8_t *cut = v.len ? memchr(v.p, '\\', v.len) : NULL;
		if (n-- == 0)
			return strip(bytes_of(v.p, cut ? (size_t)(cut - v.p) : v.len), false);
		if (!cut)
			return (struct bytes){ NULL, 0 };
		v = bytes_of(cut + 1, v.len - (size_t)(cut + 1 - v.p));
	}
}

const char *dataset_str_n(const struct dataset *ds, uint32_t tag, unsigned n)
{
	const struct element *el = dataset_find(ds, tag);
	if (!el || el->vr == VR_SQ)
		return "";
	struct bytes v = nth_text(el, n);
	const char *s = v.len ? arena_strn(ds->arena, v.p, v.len) : NULL;
	return s ? s : "";
}

/* Some write a comma for the decimal point. */
static bool parse_text(struct bytes v, double *out)
{
	char text[64], *end;
	if (v.len == 0 || v.len >= sizeof(text))
		return false;
	for (size_t i = 0; i < v.len; i++)
		text[i] = v.p[i] == ',' ? '.' : (char)v.p[i];
	text[v.len] = '\0';
	if (strspn(text, "0123456789+-.eE ") != v.len)
		return false;
	*out = strtod(text, &end);
	return end != text && *end == '\0' && isfinite(*out);
}

static bool read_int(vr_t vr, const uint8_t *p, int64_t *out)
{
	switch (vr) {
	case VR_US: *out = le16(p); return true;
	case VR_SS: *out = (int16_t)le16(p); return true;
	case VR_UL: *out = le32(p); return true;
	case VR_SL: *out = (int32_t)le32(p); return true;
	case VR_AT: *out = TAG(le16(p), le16(p + 2)); return true;
	case VR_SV:
	case VR_UV: *out = (int64_t)le64(p); return true;
	default: return false;
	}
}

static size_t width(vr_t vr)
{
	return vr == VR_US || vr == VR_SS ? 2 : vr == VR_SV || vr == VR_UV || vr == VR_FD || vr == VR_OD ? 8 : 4;
}

static bool read_double(vr_t vr, const uint8_t *p, double *out)
{
	int64_t whole;
	if (vr == VR_FL || vr == VR_OF) {
		uint32_t raw = le32(p);
		float f;
		memcpy(&f, &raw, sizeof(f));
		*out = (double)f;
	} else if (vr == VR_FD || vr == VR_OD) {
		uint64_t raw = le64(p);
		memcpy(out, &raw, sizeof(*out));
	} else if (read_int(vr, p, &whole)) {
		*out = (double)whole;
	} else {
		return false;
	}
	return isfinite(*out);
}

bool dataset_int(const struct dataset *ds, uint32_t tag, int64_t *out)
{
	const struct element *el = dataset_find(ds, tag);
	if (!el || el->vr == VR_SQ)
		return false;
	vr_t vr = vr_for_reading(el);
	if (!vr_is_string(vr))
		return el->value.len >= width(vr) && read_int(vr, el->value.p, out);
	double v;
	if (!parse_text(nth_text(el, 0), &v) || v != floor(v) || fabs(v) > 9007199254740992.0)
		return false;
	*out = (int64_t)v;
	return true;
}

bool dataset_double_n(const struct dataset *ds, uint32_t tag, unsigned n, double *out)
{
	const struct element *el = dataset_find(ds, tag);
	if (!el || el->vr == VR_SQ)
		return false;
	vr_t vr = vr_for_reading(el);
	if (vr_is_string(vr))
		return parse_text(nth_text(el, n), out);
	return el->value.len / width(vr) > n && read_double(vr, el->value.p + n * width(vr), out);
}
