#include "pacs/xcode/transcode_impl.h"

#define TAG_LOSSY_RATIO TAG(0x0028, 0x2112)

static bool is_any(const struct header_change *c)
{
	return c->put->first || c->drops;
}

static bool is_dropped(const struct header_change *c, uint32_t tag)
{
	for (size_t i = 0; i < c->drops; i++)
		if (c->drop[i] == tag)
			return true;
	return dataset_has(c->put, tag);
}

/* A group's length no longer holds when something in the group changes. */
static bool is_stale_length(const struct header_change *c, uint32_t tag)
{
	if (TAG_ELEMENT(tag) != 0)
		return false;
	for (const struct element *el = c->put->first; el; el = el->next)
		if (TAG_GROUP(el->tag) == TAG_GROUP(tag))
			return true;
	return c->drops && TAG_GROUP(tag) == 0x0028;
}

/* Where the ratio's text stands: it is the last value of its element, and as long as RATIO_LETTERS. */
static void note_ratio(struct work *w, const struct element *el, uint64_t end)
{
	if (el->tag == TAG_LOSSY_RATIO)
		w->change.ratio_at = end - (el->value.len & 1) - RATIO_LETTERS;
}

/* ---- same encoding: byte for byte ---- */

static enum err add_change(struct work *w, const struct element *el)
{
	struct arena a;
	struct buf b;
	arena_init(&a, HEADER_ARENA);
	buf_init(&b, HEADER_ARENA);
	struct dataset *one = dataset_new(&a);
	enum err e = one ? dataset_copy(one, el) : ERR_NOMEM;
	if (!e)
		e = dataset_write(one, w->in.enc, &b);
	if (!e)
		out_file_add(&w->out, buf_view(&b));
	if (!e)
		note_ratio(w, el, w->out.at);
	buf_fini(&b);
	arena_fini(&a);
	return e ? fail(&w->r->why, e, "changing element %08x", el->tag) : ERR_OK;
}

/* New elements go where the old ones stood, or where they belong when there were none. */
static enum err copy_changed(struct work *w)
{
	struct bytes head = bytes_of(w->in.data.p, w->in.header_len);
	const struct element *next = w->change.put->first;
	size_t at = 0;
	struct span s;
	enum err e;
	while ((e = scan_next(head, w->in.enc, &at, &s, &w->r->why)) == ERR_OK) {
		for (; next && next->tag <= s.head.tag; next = next->next)
			if ((e = add_change(w, next)))
				return e;
		if (!is_dropped(&w->change, s.head.tag) && !is_stale_length(&w->change, s.head.tag))
			out_file_add(&w->out, bytes_of(w->in.data.p + s.at, s.end - s.at));
	}
	for (; e == ERR_END && next; next = next->next) {
		enum err failed = add_change(w, next);
		if (failed)
			return failed;
	}
	return e == ERR_END ? ERR_OK : e;
}

/* ---- another encoding: parsed and written anew ---- */

static enum err apply(const struct header_change *c, struct dataset *ds)
{
	enum err e = ERR_OK;
	for (size_t i = 0; i < c->drops; i++)
		dataset_remove(ds, c->drop[i]);
	for (const struct element *el = c->put->first; el && !e; el = el->next) {
		dataset_remove(ds, el->tag);
		e = dataset_copy(ds, el);
	}
	return e;
}

/* The ratio's place in what was written: encapsulated, so explicit little endian, and a short VR. */
static void find_ratio(struct work *w, struct bytes written, uint64_t at)
{
	const struct element *el = dataset_find(w->change.put, TAG_LOSSY_RATIO);
	struct span s;
	size_t next = 0;
	while (el && scan_next(written, DS_EXPLICIT_LE, &next, &s, NULL) == ERR_OK)
		if (s.head.tag == TAG_LOSSY_RATIO)
			note_ratio(w, el, at + s.end);
}

static enum err rewrite(struct work *w, struct bytes data, bool is_head)
{
	struct arena a;
	struct buf b;
	struct dataset *ds = NULL;
	arena_init(&a, HEADER_ARENA);
	buf_init(&b, HEADER_ARENA);
	enum err e = dataset_parse(&a, data, w->in.enc, &ds, &w->r->why);
	if (!e && is_head && (e = apply(&w->change, ds)))
		e = fail(&w->r->why, e, "no room to change the header");
	if (!e && (e = dataset_write(ds, ds_encoding_of(w->how->to), &b)))
		e = fail(&w->r->why, e, "a header of over %d bytes", HEADER_ARENA);
	if (!e && is_head)
		find_ratio(w, buf_view(&b), w->out.at);
	if (!e)
		out_file_add(&w->out, buf_view(&b));
	buf_fini(&b);
	arena_fini(&a);
	return e;
}

static enum err copy_head(struct work *w)
{
	struct bytes head = bytes_of(w->in.data.p, w->in.header_len);
	if (w->in.enc != ds_encoding_of(w->how->to))
		return rewrite(w, head, true);
	if (is_any(&w->change))
		return copy_changed(w);
	out_file_add(&w->out, head);
	return ERR_OK;
}

enum err transcode_head(struct work *w)
{
	struct part10 meta = w->in.meta;
	struct buf b;
	buf_init(&b, 1 << 16);
	enum err e = uid_take(&meta.transfer_syntax, bytes_str(w->how->to->uid));
	meta.sop_instance = w->r->sop_instance;
	meta.origin.pixel_digest[0] = '\0';      /* of what is written now, see note_pixels() */
	meta.origin.has_written = false;         /* it is synced before it gets a name */
	if (!e)
		e = part10_write(&meta, &b);
	if (e)
		e = fail(&w->r->why, e, "writing the meta header");
	else
		out_file_add(&w->out, buf_view(&b));
	buf_fini(&b);
	if (!e && w->how->to->is_deflated)
		out_file_deflate(&w->out);
	return e ? e : copy_head(w);
}

enum err transcode_tail(struct work *w)
{
	const struct image_file *in = &w->in;
	size_t at = in->has_pixels ? in->pixels.end : in->header_len;
	struct bytes tail = bytes_of(in->data.p + at, in->data.len - at);
	if (in->enc == ds_encoding_of(w->how->to)) {
		out_file_add(&w->out, tail);
		return ERR_OK;
	}
	/* Pixel data as floating point: a parsed data set has no place for it. */
	if (!in->has_pixels && tail.len)
		return fail(&w->r->why, ERR_UNSUPPORTED, "pixel data of a kind that only %s keeps", in->ts->name);
	return tail.len ? rewrite(w, tail, false) : ERR_OK;
}
