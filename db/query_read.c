#include "db/query_impl.h"

#include "pacs/dicom/charset_detect.h"

/* Elements that steer the query or that every answer has anyway. */
static bool is_no_key(uint32_t tag)
{
	return tag == TAG_SPECIFIC_CHARACTER_SET || tag == TAG_QUERY_LEVEL || tag == TAG_RETRIEVE_AE || tag == TAG_AVAILABILITY ||
	       tag == TAG(0x0008, 0x0053) || tag == TAG(0x0088, 0x0130) || tag == TAG(0x0008, 0x0201) || TAG_GROUP(tag) < 0x0008 ||
	       TAG_ELEMENT(tag) == 0;
}

static vr_t vr_of_key(const struct element *el, const struct attribute *at)
{
	const struct dict_entry *d = dict_find(el->tag);

	if (at)
		return at->vr;
	return d ? d->vr : el->vr;
}

static bool is_binary(vr_t vr)
{
	return !vr_is_string(vr) && vr != VR_UI;
}

/* The key's value as UTF-8; NULL when out of memory. */
static const char *key_text(struct arena *a, const struct dataset *ds, const struct element *el, vr_t vr, const struct charset_verdict *text)
{
	struct buf b;
	int64_t number;

	if (!el->value.len)
		return "";
	buf_init(&b, BOUND_IDENTIFIER);
	if (!is_binary(vr))
		charset_read(text, vr, el->value, &b);
	else if (dataset_int(ds, el->tag, &number))
		buf_printf(&b, "%lld", (long long)number);
	const char *s = buf_cstr(&b);
	size_t len = strlen(s);
	while (len && *s == ' ')
		s++, len--;
	while (len && s[len - 1] == ' ')
		len--;
	const char *out = buf_err(&b) ? NULL : arena_strn(a, s, len);
	buf_fini(&b);
	return out;
}

static bool is_creator(uint32_t tag)
{
	return TAG_IS_PRIVATE(tag) && TAG_ELEMENT(tag) >= 0x10 && TAG_ELEMENT(tag) <= 0xFF;
}

static enum key_way way_of(const struct keys *k, const struct attribute *at, uint32_t tag)
{
	if (at && at->level <= k->level)
		return KEY_COLUMN;
	if (at)
		return k->relational ? KEY_LOWER : KEY_UNSUPPORTED;
	return is_creator(tag) ? KEY_CREATOR : KEY_HEADER;
}

static enum err add_key(struct keys *k, struct arena *a, struct key key)
{
	struct key *copy = arena_alloc(a, sizeof(*copy));

	if (!copy || !key.text)
		return ERR_NOMEM;
	*copy = key;
	*k->end = copy;
	k->end = &copy->next;
	return ERR_OK;
}

static enum err add_unique_keys(struct keys *k, struct arena *a, const struct dataset *identifier)
{
	for (int level = k->root == QUERY_PATIENT_ROOT ? QUERY_PATIENT : QUERY_STUDY; level <= (int)k->level; level++) {
		const struct attribute *at = attribute_unique((enum query_level)level);
		if (dataset_has(identifier, at->tag))
			continue;
		enum err e = add_key(k, a, (struct key){ .tag = at->tag, .vr = at->vr, .text = "", .attribute = at, .way = KEY_COLUMN });
		if (e)
			return e;
	}
	return ERR_OK;
}

/* What the asking node is known to want, else what it declares, else what senders here use. */
static const char *charset_for(const struct dataset *identifier, const struct query_options *o)
{
	const char *declared = dataset_str(identifier, TAG_SPECIFIC_CHARACTER_SET);

	if (o->answer_charset && *o->answer_charset)
		return o->answer_charset;
	return *declared || !o->sender_charset ? declared : o->sender_charset;
}

/* What reading keys needs, at the top or in an item. */
struct reading {
	struct arena *a;
	struct charset_verdict text;         /* how the identifier is to be read */
	const struct query_options *o;
	bool no_memory;
};

/* The creator of a private key's block, by the element that reserves it. */
static const char *creator_of(struct reading *rd, const struct dataset *ds, uint32_t tag)
{
	if (!TAG_IS_PRIVATE(tag) || TAG_ELEMENT(tag) < 0x1000)
		return NULL;
	const struct element *el = dataset_find(ds, TAG(TAG_GROUP(tag), TAG_ELEMENT(tag) >> 8));
	const char *s = el ? key_text(rd->a, ds, el, VR_LO, &rd->text) : NULL;
	rd->no_memory |= el && !s;
	return s && *s ? s : NULL;
}

static struct key *read_items(struct reading *rd, const struct element *el);

static struct key read_key(struct reading *rd, const struct dataset *ds, const struct element *el, const struct attribute *at)
{
	vr_t vr = vr_of_key(el, at);
	struct key k = { .tag = el->tag, .vr = vr, .attribute = at, .text = "", .creator = creator_of(rd, ds, el->tag) };

	if (vr == VR_SQ)
		k.items = read_items(rd, el);
	else
		k.text = key_text(rd->a, ds, el, vr, &rd->text);
	rd->no_memory |= !k.text;
	k.is_empty = rd->o->extended.empty && k.text && !strcmp(k.text, "\"\"");
	k.is_fuzzy = rd->o->extended.fuzzy && vr == VR_PN && !k.is_empty;
	return k;
}

/* The keys of a sequence key's item; it has one (PS3.4 C.2.2.2.6), of more the first counts. */
static struct key *read_items(struct reading *rd, const struct element *el)
{
	struct key *first = NULL, **end = &first;

	for (const struct element *in = el->items ? el->items->ds->first : NULL; in && !rd->no_memory; in = in->next) {
		if (TAG_ELEMENT(in->tag) == 0)
			continue;
		struct key *k = arena_alloc(rd->a, sizeof(*k));
		rd->no_memory |= !k;
		if (!k)
			break;
		*k = read_key(rd, el->items->ds, in, NULL);
		k->way = is_creator(in->tag) ? KEY_CREATOR : KEY_HEADER;
		*end = k;
		end = &k->next;
	}
	return first;
}

enum err query_keys_read(struct keys *k, struct arena *a, const struct dataset *identifier, const struct query_options *o, struct why *why)
{
	struct reading rd = { .a = a, .o = o };
	enum err e;

	*k = (struct keys){ .root = o->root, .relational = o->extended.relational, .charset = charset_for(identifier, o), .pinyin = o->pinyin };
	k->end = &k->first;
	charset_judge(identifier, "", o->sender_charset, &rd.text);
	e = query_level_read(identifier, o->root, &k->level, why);
	if (e)
		return e;
	for (const struct element *el = identifier->first; el && !e; el = el->next) {
		if (is_no_key(el->tag))
			continue;
		const struct attribute *at = attribute_find(el->tag);
		struct key key = read_key(&rd, identifier, el, at);
		key.way = way_of(k, at, el->tag);
		e = rd.no_memory ? ERR_NOMEM : add_key(k, a, key);
	}
	if (!e)
		e = add_unique_keys(k, a, identifier);
	return e ? fail(why, e, "no memory for the keys") : query_keys_time(k, identifier, o, why);
}
