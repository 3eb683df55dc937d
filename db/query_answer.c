#include "db/query_impl.h"

#include <stdlib.h>

#include "pacs/dicom/charset.h"

static bool all_ascii(const struct answer_value *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (v[i].text && !text_is_ascii(bytes_str(v[i].text)))
			return false;
		for (const struct answer_item *it = v[i].items; it; it = it->next)
			if (!all_ascii(it->v, it->n))
				return false;
	}
	return true;
}

/* Binary numbers; a text that is none leaves the element empty. */
static enum err put_number(struct dataset *ds, const struct answer_value *v)
{
	uint8_t le[4];
	char *end;
	long long value = strtoll(v->text, &end, 10);
	bool is_short = v->vr == VR_US || v->vr == VR_SS;
	bool is_number = end != v->text && (is_short || v->vr == VR_UL || v->vr == VR_SL);

	put_le32(le, (uint32_t)value);
	return dataset_put(ds, v->tag, v->vr, bytes_of(le, !is_number ? 0 : is_short ? 2 : 4));
}

static enum err put(struct dataset *ds, const struct answer_value *v, const char *charset, struct buf *tmp, struct why *why);

static enum err put_items(struct dataset *ds, const struct answer_value *v, const char *charset, struct buf *tmp, struct why *why)
{
	enum err e = dataset_put_empty_sequence(ds, v->tag);

	for (const struct answer_item *it = v->items; it && !e; it = it->next) {
		struct dataset *item = dataset_add_item(ds, v->tag);
		e = item ? ERR_OK : ERR_NOMEM;
		for (size_t i = 0; i < it->n && !e; i++)
			e = put(item, &it->v[i], charset, tmp, why);
	}
	return e;
}

/* Binary values as they stand in the header, under the tag that was asked for. */
static enum err put_raw(struct dataset *ds, const struct answer_value *v)
{
	return dataset_put(ds, v->tag, v->vr, v->raw->value);
}

static enum err put(struct dataset *ds, const struct answer_value *v, const char *charset, struct buf *tmp, struct why *why)
{
	if (v->vr == VR_SQ)
		return put_items(ds, v, charset, tmp, why);
	if (v->raw)
		return put_raw(ds, v);
	if (!vr_is_string(v->vr) && v->vr != VR_UI)
		return put_number(ds, v);
	if (!vr_is_text(v->vr) || text_is_ascii(bytes_str(v->text)))
		return dataset_put(ds, v->tag, v->vr, bytes_str(v->text));
	buf_reset(tmp);
	enum err e = charset_from_utf8(charset, v->vr, v->text, tmp, why);
	if (!e)
		e = buf_err(tmp);
	return e ? e : dataset_put(ds, v->tag, v->vr, buf_view(tmp));
}

static enum err build_in(struct arena *a, const struct answer_value *v, size_t n, const char *charset, struct dataset **out, struct why *why)
{
	struct dataset *ds = dataset_new(a);
	struct buf tmp;
	enum err e = ds ? ERR_OK : ERR_NOMEM;

	buf_init(&tmp, BOUND_IDENTIFIER);
	if (!e && *charset)
		e = dataset_put_str(ds, TAG_SPECIFIC_CHARACTER_SET, charset);
	for (size_t i = 0; i < n && !e; i++)
		e = put(ds, &v[i], charset, &tmp, why);
	buf_fini(&tmp);
	*out = ds;
	return e;
}

enum err query_answer_build(struct arena *a, const struct answer_value *v, size_t n, const char *charset, struct dataset **out, struct why *why)
{
	struct arena_mark m = arena_mark(a);

	if (all_ascii(v, n))
		return build_in(a, v, n, "", out, why);
	if (*charset && charset_is_known(charset)) {
		if (!build_in(a, v, n, charset, out, NULL))
			return ERR_OK;
		arena_release(a, m);
	}
	return build_in(a, v, n, "ISO_IR 192", out, why);
}
