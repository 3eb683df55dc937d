#include "pacs/dicom/coerce.h"

#include <string.h>

#include "pacs/base/bounds.h"
#include "pacs/dicom/charset.h"
#include "pacs/dicom/dataset_text.h"

#define TAG_ORIGINAL_ATTRIBUTES TAG(0x0400, 0x0561)
#define TAG_ISSUER TAG(0x0010, 0x0021)
#define TAG_BIRTH_DATE TAG(0x0010, 0x0030)
#define TAG_SEX TAG(0x0010, 0x0040)
enum { HEAD_END = 0x04000562, PIXELS = 0x7FE00000, ARENA = 192 << 20 };
#define UNDEFINED 0xFFFFFFFFu

/* ---- walking over elements ---- */

struct cursor {
	struct bytes raw;
	size_t at;
	enum ds_encoding enc;
	struct why *why;
};

static uint32_t u16_at(const struct cursor *c, size_t at)
{
	return c->enc == DS_EXPLICIT_BE ? be16(c->raw.p + at) : le16(c->raw.p + at);
}

static uint32_t u32_at(const struct cursor *c, size_t at)
{
	return c->enc == DS_EXPLICIT_BE ? be32(c->raw.p + at) : le32(c->raw.p + at);
}

/* Tag, length and bytes of the header at the cursor. Items and delimiters have no VR. */
static enum err read_header(const struct cursor *c, bool is_explicit, uint32_t *tag, uint32_t *len, size_t *head)
{
	size_t left = c->raw.len - c->at;
	if (left < 8)
		return ERR_MORE;
	*tag = u16_at(c, c->at) << 16 | u16_at(c, c->at + 2);
	*head = 8;
	if (!is_explicit || TAG_GROUP(*tag) == 0xFFFE) {
		*len = u32_at(c, c->at + 4);
		return ERR_OK;
	}
	vr_t vr = VR(c->raw.p[c->at + 4], c->raw.p[c->at + 5]);
	if (!vr_has_long_length(vr)) {
		*len = u16_at(c, c->at + 6);
		return ERR_OK;
	}
	if (left < 12)
		return ERR_MORE;
	*head = 12;
	*len = u32_at(c, c->at + 8);
	return ERR_OK;
}

static enum err skip_items(struct cursor *c, bool is_explicit, unsigned depth);

/* Past one element. UN of undefined length holds implicit VR (PS3.5 6.2.2). */
static enum err skip_element(struct cursor *c, bool is_explicit, unsigned depth)
{
	uint32_t tag, len;
	size_t head;
	enum err e = read_header(c, is_explicit, &tag, &len, &head);
	if (e)
		return e;
	bool is_unknown = is_explicit && head == 12 && c->raw.p[c->at + 4] == 'U' && c->raw.p[c->at + 5] == 'N';
	if (len == UNDEFINED) {
		c->at += head;
		return skip_items(c, is_explicit && !is_unknown, depth + 1);
	}
	if (len > c->raw.len - c->at - head)
		return ERR_MORE;
	c->at += head + len;
	return ERR_OK;
}

static enum err skip_item_content(struct cursor *c, bool is_explicit, unsigned depth)
{
	for (;;) {
		uint32_t tag, len;
		size_t head;
		enum err e = read_header(c, is_explicit, &tag, &len, &head);
		if (e)
			return e;
		if (tag == TAG_ITEM_END) {
			c->at += head;
			return ERR_OK;
		}
		if ((e = skip_element(c, is_explicit, depth)))
			return e;
	}
}

static enum err skip_items(struct cursor *c, bool is_explicit, unsigned depth)
{
	if (depth > BOUND_DEPTH)
		return fail(c->why, ERR_LIMIT, "sequences nest over %d deep", BOUND_DEPTH);
	for (;;) {
		uint32_t tag, len;
		size_t head;
		enum err e = read_header(c, is_explicit, &tag, &len, &head);
		if (e)
			return e;
		if (tag != TAG_ITEM && tag != TAG_SEQUENCE_END)
			return fail(c->why, ERR_FORMAT, "(%04x,%04x) stands where an item was expected", TAG_GROUP(tag), TAG_ELEMENT(tag));
		c->at += head;
		if (tag == TAG_SEQUENCE_END)
			return ERR_OK;
		if (len == UNDEFINED) {
			e = skip_item_content(c, is_explicit, depth);
			if (e)
				return e;
		} else if (len > c->raw.len - c->at) {
			return ERR_MORE;
		} else {
			c->at += len;
		}
	}
}

enum err coerce_boundary(struct bytes raw, bool is_whole, enum ds_encoding enc, uint32_t limit, size_t *at, struct why *why)
{
	struct cursor c = { .raw = raw, .enc = enc, .why = why };
	for (;;) {
		uint32_t tag, len;
		size_t head;
		*at = c.at;
		if (is_whole && c.at == raw.len)
			return ERR_OK;
		enum err e = read_header(&c, enc != DS_IMPLICIT_LE, &tag, &len, &head);
		if (!e && tag >= limit)
			return ERR_OK;
		if (!e)
			e = skip_element(&c, enc != DS_IMPLICIT_LE, 0);
		if (e == ERR_MORE && is_whole)
			return fail(why, ERR_FORMAT, "the data set is cut at byte %zu of %zu", c.at, raw.len);
		if (e)
			return e;
	}
}

/* ---- the values ---- */

struct coercion {
	struct dataset *ds, *old;        /* old: what was replaced */
	const char *charset, *sender;
	bool must_be_utf8;               /* the declared set lacks a character */
	enum err e;
};

static bool is_equal(const struct coercion *c, uint32_t tag, const char *value)
{
	const struct element *el = dataset_find(c->ds, tag);
	const struct dict_entry *d = dict_find(tag);
	struct buf text;
	buf_init(&text, 1 << 16);
	if (el)
		charset_to_utf8(c->charset, c->sender, d ? d->vr : VR_LO, el->value, &text);
	bool same = !strcmp(buf_cstr(&text), value);
	buf_fini(&text);
	return same;
}

static void replace(struct coercion *c, uint32_t tag, const char *value)
{
	const struct element *el = dataset_find(c->ds, tag);
	const struct dict_entry *d = dict_find(tag);
	struct buf raw;
	if (c->e || is_equal(c, tag, value))
		return;
	/* An attribute that was not there is told as one that was empty. */
	c->e = el ? dataset_copy(c->old, el) : dataset_put(c->old, tag, 0, (struct bytes){ 0 });
	buf_init(&raw, 1 << 16);
	enum err e = charset_from_utf8(c->charset, d->vr, value, &raw, NULL);
	if (e == ERR_UNSUPPORTED) {
		c->must_be_utf8 = true;
		buf_reset(&raw);
		buf_add_str(&raw, value);
	}
	if (!c->e)
		c->e = dataset_put(c->ds, tag, 0, buf_view(&raw));
	buf_fini(&raw);
}

static void replace_all(struct coercion *c, const struct coerce_patient *p)
{
	bool is_other = p->patient_id[0] && !is_equal(c, TAG_PATIENT_ID, p->patient_id);
	if (p->name[0])
		replace(c, TAG_PATIENT_NAME, p->name);
	if (p->patient_id[0])
		replace(c, TAG_PATIENT_ID, p->patient_id);
	if (p->issuer[0] || (is_other && dataset_has(c->ds, TAG_ISSUER)))
		replace(c, TAG_ISSUER, p->issuer);
	if (p->birth_date[0])
		replace(c, TAG_BIRTH_DATE, p->birth_date);
	if (p->sex[0])
		replace(c, TAG_SEX, p->sex);
	for (size_t i = 0; i < p->value_count; i++)
		replace(c, p->values[i].tag, p->values[i].text);
}

static enum err add_original(struct coercion *c, const struct coerce_patient *p)
{
	struct dataset *item = dataset_add_item(c->ds, TAG_ORIGINAL_ATTRIBUTES), *values;
	enum err e = item ? dataset_put_str(item, TAG(0x0400, 0x0562), p->when) : ERR_NOMEM;
	if (!e)
		e = dataset_put_str(item, TAG(0x0400, 0x0563), p->by);
	if (!e)
		e = dataset_put_str(item, TAG(0x0400, 0x0564), "");
	if (!e)
		e = dataset_put_str(item, TAG(0x0400, 0x0565), p->reason ? p->reason : "COERCE");
	if (e)
		return e;
	values = dataset_add_item(item, TAG(0x0400, 0x0550));
	e = values ? ERR_OK : ERR_NOMEM;
	for (const struct element *el = c->old->first; !e && el; el = el->next)
		e = dataset_copy(values, el);
	return e;
}

/* What was replaced is UTF-8 already, among text that still stands in the old set: so it is taken out, and put in again behind it. */
static enum err to_utf8(struct coercion *c, const struct coerce_patient *p)
{
	struct coercion again = { .ds = c->ds, .old = dataset_new(c->ds->arena), .charset = "ISO_IR 192", .sender = "" };
	if (!again.old)
		return ERR_NOMEM;
	enum err e = ERR_OK;
	for (const struct element *el = c->old->first; !e && el; el = el->next)
		e = dataset_put(c->ds, el->tag, 0, (struct bytes){ 0 });
	if (!e)
		e = dataset_to_utf8(c->ds, c->sender);
	if (!e)
		e = dataset_put_str(c->ds, TAG_SPECIFIC_CHARACTER_SET, "ISO_IR 192");
	if (!e)
		replace_all(&again, p);
	return e ? e : again.e;
}

static enum err coerce(struct arena *a, struct bytes head, enum ds_encoding enc, const char *sender, const struct coerce_patient *p, bool may_convert,
                       struct buf *out, bool *needs_more, struct why *why)
{
	struct coercion c = { .sender = sender, .old = dataset_new(a) };
	enum err e = c.old ? dataset_parse(a, head, enc, &c.ds, why) : ERR_NOMEM;
	if (e)
		return e;
	/* Groups of commands and of file meta information are no part of a data set, and written first they would mislead a reader. */
	while (c.ds->first && TAG_GROUP(c.ds->first->tag) < 0x0008)
		dataset_remove(c.ds, c.ds->first->tag);
	c.charset = dataset_has(c.ds, TAG_SPECIFIC_CHARACTER_SET) ? dataset_str(c.ds, TAG_SPECIFIC_CHARACTER_SET) : "";
	replace_all(&c, p);
	if (c.e || !c.old->first)
		return c.e ? c.e : ERR_EXISTS;
	*needs_more = c.must_be_utf8 && !may_convert;
	if (*needs_more)
		return ERR_OK;
	e = add_original(&c, p);
	if (!e && c.must_be_utf8)
		e = to_utf8(&c, p);
	return e ? e : dataset_write(c.ds, enc, out);
}

enum err coerce_head(struct bytes raw, bool is_whole, enum ds_encoding enc, const char *sender_charset, const struct coerce_patient *p,
                     struct buf *out, size_t *used, struct why *why)
{
	static const uint32_t limits[] = { HEAD_END, PIXELS };
	bool needs_more = true;
	enum err e = ERR_OK;
	for (size_t i = 0; !e && needs_more && i < NELEM(limits); i++) {
		struct arena a;
		e = coerce_boundary(raw, is_whole, enc, limits[i], used, why);
		if (e)
			return e;
		arena_init(&a, ARENA);
		e = coerce(&a, bytes_of(raw.p, *used), enc, sender_charset, p, limits[i] == PIXELS, out, &needs_more, why);
		arena_fini(&a);
	}
	return e;
}
