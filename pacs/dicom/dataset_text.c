#include "pacs/dicom/dataset_text.h"

#include "pacs/base/bounds.h"
#include "pacs/dicom/charset.h"
#include "pacs/dicom/charset_detect.h"

static enum err to_utf8(struct dataset *ds, const char *outer, const char *sender_default, struct buf *tmp)
{
	const char *own = dataset_has(ds, TAG_SPECIFIC_CHARACTER_SET) ? dataset_str(ds, TAG_SPECIFIC_CHARACTER_SET) : outer;
	struct charset_verdict text;
	enum err e = ERR_OK;

	charset_judge(ds, own, sender_default, &text);
	for (struct element *el = ds->first; el && !e; el = el->next) {
		for (struct item *i = el->items; i && !e; i = i->next)
			e = to_utf8(i->ds, own, sender_default, tmp);
		if (e || !vr_is_text(el->vr) || text_is_ascii(el->value))
			continue;
		buf_reset(tmp);
		charset_read(&text, el->vr, el->value, tmp);
		if (tmp->len % 2)
			buf_add_byte(tmp, ' ');
		e = buf_err(tmp);
		if (!e)
			el->value = arena_bytes(ds->arena, buf_view(tmp));
		if (!e && tmp->len && !el->value.p)
			e = ERR_NOMEM;
	}
	dataset_remove(ds, TAG_SPECIFIC_CHARACTER_SET);
	return e;
}

enum err dataset_to_utf8(struct dataset *ds, const char *sender_default)
{
	struct buf tmp;

	buf_init(&tmp, BOUND_IDENTIFIER);
	enum err e = to_utf8(ds, "", sender_default, &tmp);
	buf_fini(&tmp);
	return e;
}

static bool is_ascii(const struct dataset *ds)
{
	for (const struct element *el = ds->first; el; el = el->next) {
		if (vr_is_text(el->vr) && !text_is_ascii(el->value))
			return false;
		for (const struct item *i = el->items; i; i = i->next)
			if (!is_ascii(i->ds))
				return false;
	}
	return true;
}

enum err dataset_say_charset(struct dataset *ds)
{
	return is_ascii(ds) ? ERR_OK : dataset_put_str(ds, TAG_SPECIFIC_CHARACTER_SET, "ISO_IR 192");
}

/* ---- from UTF-8 ---- */

static enum err encode(struct dataset *ds, const char *charset, struct buf *tmp)
{
	enum err e = ERR_OK;

	for (struct element *el = ds->first; el && !e; el = el->next) {
		for (struct item *i = el->items; i && !e; i = i->next)
			e = encode(i->ds, charset, tmp);
		if (e || !vr_is_text(el->vr) || text_is_ascii(el->value))
			continue;
		buf_reset(tmp);
		buf_add(tmp, el->value.p, el->value.len);
		struct buf out;
		buf_init(&out, BOUND_IDENTIFIER);
		e = charset_from_utf8(charset, el->vr, buf_cstr(tmp), &out, NULL);
		if (!e && out.len % 2)
			buf_add_byte(&out, ' ');
		if (!e && !(e = buf_err(&out))) {
			struct bytes copy = arena_bytes(ds->arena, buf_view(&out));
			if (copy.p)
				el->value = copy;
			else
				e = ERR_NOMEM;
		}
		buf_fini(&out);
	}
	return e;
}

/* Can every text be written in this set? Asked before anything is changed. */
static bool fits(const struct dataset *ds, const char *charset, struct buf *tmp)
{
	for (const struct element *el = ds->first; el; el = el->next) {
		for (const struct item *i = el->items; i; i = i->next)
			if (!fits(i->ds, charset, tmp))
				return false;
		if (!vr_is_text(el->vr) || text_is_ascii(el->value))
			continue;
		struct buf out;
		buf_init(&out, BOUND_IDENTIFIER);
		buf_reset(tmp);
		buf_add(tmp, el->value.p, el->value.len);
		enum err e = charset_from_utf8(charset, el->vr, buf_cstr(tmp), &out, NULL);
		buf_fini(&out);
		if (e)
			return false;
	}
	return true;
}

enum err dataset_from_utf8(struct dataset *ds, const char *charset)
{
	struct buf tmp;
	enum err e;

	if (is_ascii(ds) || !charset[0] || !strcmp(charset, "ISO_IR 192") || !charset_is_known(charset))
		return dataset_say_charset(ds);
	buf_init(&tmp, BOUND_IDENTIFIER);
	if (fits(ds, charset, &tmp)) {
		e = encode(ds, charset, &tmp);
		if (!e)
			e = dataset_put_str(ds, TAG_SPECIFIC_CHARACTER_SET, charset);
	} else {
		e = dataset_say_charset(ds);
	}
	buf_fini(&tmp);
	return e;
}
