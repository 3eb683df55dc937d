#include "pacs/xcode/transcode.h"

enum { HEADER_ARENA = 8 * BOUND_HEADER };

static const struct new_pixels nothing;

static bool is_changed(const struct image_file *in, const struct new_pixels *c)
{
	return (c->photometric[0] && strcmp(c->photometric, in->desc.photometric)) || c->has_planar;
}

/* The changed elements as they will stand in the file, in tag order. */
static enum err put_changes(struct dataset *ds, const struct new_pixels *c)
{
	enum err e = dataset_put_str(ds, TAG(0x0028, 0x0004), c->photometric);
	if (!e && c->has_planar)
		e = dataset_put_us(ds, TAG(0x0028, 0x0006), 0);
	return e;
}

static enum err encode_change(const struct new_pixels *c, uint32_t tag, enum ds_encoding enc, struct buf *out)
{
	struct arena a;
	arena_init(&a, 1 << 16);
	struct dataset *all = dataset_new(&a), *one = dataset_new(&a);
	enum err e = all && one ? put_changes(all, c) : ERR_NOMEM;
	const struct element *el = e ? NULL : dataset_find(all, tag);
	if (el)
		e = dataset_copy(one, el);
	if (el && !e)
		e = dataset_write(one, enc, out);
	arena_fini(&a);
	return e;
}

/* ---- same encoding: byte for byte ---- */

static enum err add_change(struct out_file *out, const struct new_pixels *c, uint32_t tag, enum ds_encoding enc)
{
	struct buf b;
	buf_init(&b, 1 << 12);
	enum err e = encode_change(c, tag, enc, &b);
	if (!e)
		out_file_add(out, buf_view(&b));
	buf_fini(&b);
	return e;
}

/* Elements 0028,0004 and 0028,0006 go where the old ones stood, or where they belong when there were none. */
static enum err copy_changed(const struct image_file *in, const struct new_pixels *c, struct out_file *out, struct why *why)
{
	static const uint32_t tags[] = { TAG(0x0028, 0x0004), TAG(0x0028, 0x0006) };
	struct bytes head = bytes_of(in->data.p, in->header_len);
	size_t at = 0, next = 0;
	struct span s;
	enum err e;
	while ((e = scan_next(head, in->enc, &at, &s, why)) == ERR_OK) {
		for (; next < NELEM(tags) && tags[next] <= s.head.tag; next++)
			if ((e = add_change(out, c, tags[next], in->enc)))
				return fail(why, e, "changing element %08x", tags[next]);
		/* The group's length no longer holds. */
		if (s.head.tag != tags[0] && !(s.head.tag == tags[1] && c->has_planar) && s.head.tag != TAG(0x0028, 0x0000))
			out_file_add(out, bytes_of(in->data.p + s.at, s.end - s.at));
	}
	for (; e == ERR_END && next < NELEM(tags); next++)
		if ((e = add_change(out, c, tags[next], in->enc)))
			return fail(why, e, "adding element %08x", tags[next]);
		else
			e = ERR_END;
	return e == ERR_END ? ERR_OK : e;
}

/* ---- another encoding: parsed and written anew ---- */

static enum err rewrite(struct bytes data, enum ds_encoding from, enum ds_encoding to, const struct new_pixels *c, struct out_file *out, struct why *why)
{
	struct arena a;
	struct buf b;
	struct dataset *ds = NULL;
	arena_init(&a, HEADER_ARENA);
	buf_init(&b, HEADER_ARENA);
	enum err e = dataset_parse(&a, data, from, &ds, why);
	if (!e && c->photometric[0] && (e = put_changes(ds, c)))
		e = fail(why, e, "no room to change the header");
	if (!e && (e = dataset_write(ds, to, &b)))
		e = fail(why, e, "a header of over %d bytes", HEADER_ARENA);
	if (!e)
		out_file_add(out, buf_view(&b));
	buf_fini(&b);
	arena_fini(&a);
	return e;
}

static enum err copy_head(const struct image_file *in, const struct ts *to, const struct new_pixels *c, struct out_file *out, struct why *why)
{
	struct bytes head = bytes_of(in->data.p, in->header_len);
	if (in->enc != ds_encoding_of(to))
		return rewrite(head, in->enc, ds_encoding_of(to), is_changed(in, c) ? c : &nothing, out, why);
	if (is_changed(in, c))
		return copy_changed(in, c, out, why);
	out_file_add(out, head);
	return ERR_OK;
}

enum err transcode_head(const struct image_file *in, const struct ts *to, const struct new_pixels *change, struct out_file *out, struct why *why)
{
	struct part10 meta = in->meta;
	struct buf b;
	buf_init(&b, 1 << 16);
	enum err e = uid_take(&meta.transfer_syntax, bytes_str(to->uid));
	meta.origin.pixel_digest[0] = '\0';      /* of what is written now, see note_pixels() */
	if (!e)
		e = part10_write(&meta, &b);
	if (e)
		e = fail(why, e, "writing the meta header");
	else
		out_file_add(out, buf_view(&b));
	buf_fini(&b);
	return e ? e : copy_head(in, to, change, out, why);
}

enum err transcode_tail(const struct image_file *in, const struct ts *to, struct out_file *out, struct why *why)
{
	size_t at = in->has_pixels ? in->pixels.end : in->header_len;
	struct bytes tail = bytes_of(in->data.p + at, in->data.len - at);
	if (in->enc == ds_encoding_of(to)) {
		out_file_add(out, tail);
		return ERR_OK;
	}
	/* Pixel data as floating point: a parsed data set has no place for it. */
	if (!in->has_pixels && tail.len)
		return fail(why, ERR_UNSUPPORTED, "pixel data of a kind that only %s keeps", in->ts->name);
	return tail.len ? rewrite(tail, in->enc, ds_encoding_of(to), &nothing, out, why) : ERR_OK;
}
