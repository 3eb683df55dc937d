/* Lossy compression makes another object of an image. Here is what its header says of where it comes from; what the image said of
 * earlier steps stays. */
#include <stdio.h>

#include "pacs/base/durable.h"
#include "pacs/xcode/transcode_impl.h"

#define TAG_IMAGE_TYPE TAG(0x0008, 0x0008)
#define TAG_REFERENCED_SERIES TAG(0x0008, 0x1115)
#define TAG_REFERENCED_INSTANCES TAG(0x0008, 0x114A)
#define TAG_DERIVATION TAG(0x0008, 0x2111)
#define TAG_SOURCE_IMAGES TAG(0x0008, 0x2112)
#define TAG_REFERENCED_SOPS TAG(0x0008, 0x1199)
#define TAG_FRAME_TYPE TAG(0x0008, 0x9007)
#define TAG_DERIVATION_IMAGE TAG(0x0008, 0x9124)
#define TAG_SOURCE_EVIDENCE TAG(0x0008, 0x9154)
#define TAG_DERIVATION_CODES TAG(0x0008, 0x9215)
#define TAG_SHARED_GROUPS TAG(0x5200, 0x9229)
#define TAG_FRAME_GROUPS TAG(0x5200, 0x9230)

enum { DERIVATION_LETTERS = 1024 };      /* ST */

static enum err new_instance(struct work *w)
{
	char hex[33];
	uint8_t bits[16];
	struct digest *d = digest_new();
	if (!d)
		return fail(&w->r->why, ERR_NOMEM, "no memory for a digest");
	digest_add(d, bytes_str(w->in.meta.sop_instance.s));
	digest_add(d, bytes_of("", 1));
	digest_add(d, bytes_str(w->how->to->uid));
	digest_add(d, bytes_of(&w->how->level, sizeof(w->how->level)));
	digest_hex(d, hex);
	digest_free(&d);
	for (unsigned i = 0; i < 16; i++) {
		unsigned v;
		if (sscanf(hex + 2 * i, "%2x", &v) != 1)
			return ERR_MISMATCH;
		bits[i] = (uint8_t)v;
	}
	uid_of_digest(bits, &w->r->sop_instance);
	return dataset_put_str(w->change.put, TAG_SOP_INSTANCE_UID, w->r->sop_instance.s);
}

/* ---- what is said of the source, in the image or in a group of its frames ---- */

static enum err put_code(struct dataset *in, uint32_t sequence, const char *value, const char *meaning)
{
	struct dataset *item = dataset_add_item(in, sequence);
	enum err e = item ? dataset_put_str(item, TAG(0x0008, 0x0100), value) : ERR_NOMEM;
	if (!e)
		e = dataset_put_str(item, TAG(0x0008, 0x0102), "DCM");
	return e ? e : dataset_put_str(item, TAG(0x0008, 0x0104), meaning);
}

/* PS3.3 section 10.8: the source as class and instance, in a new item. */
static enum err add_reference(const struct work *w, struct dataset *in, uint32_t sequence, struct dataset **out)
{
	struct dataset *item = dataset_add_item(in, sequence);
	enum err e = item ? dataset_put_str(item, TAG(0x0008, 0x1150), w->in.meta.sop_class.s) : ERR_NOMEM;
	*out = item;
	return e ? e : dataset_put_str(item, TAG(0x0008, 0x1155), w->in.meta.sop_instance.s);
}

/* PS3.3 sections C.7.6.1.1.4 and C.7.6.16.2.6: behind the steps that were there before. */
static enum err add_step(const struct work *w, struct dataset *in)
{
	struct dataset *source;
	enum err e = put_code(in, TAG_DERIVATION_CODES, "113040", "Lossy Compression");
	if (!e)
		e = add_reference(w, in, TAG_SOURCE_IMAGES, &source);
	return e ? e : put_code(source, TAG(0x0040, 0xA170), "121320", "Uncompressed predecessor");
}

/* Without the UIDs of its levels it has no place in a hierarchy that could be told. */
static bool has_levels(const struct dataset *was)
{
	return *dataset_str(was, TAG_SERIES_UID) && *dataset_str(was, TAG_STUDY_UID);
}

/* ---- the image ---- */

/* Ophthalmic photographs alone need a value 3 when they are derived (PS3.3 section C.8.17.2.1.4); its terms may be extended. */
static bool needs_flavour(const struct work *w)
{
	static const char classes[] = "1.2.840.10008.5.1.4.1.1.77.1.5.", numbers[] = "1256";
	const char *uid = w->in.meta.sop_class.s;
	return !strncmp(uid, classes, sizeof(classes) - 1) && uid[sizeof(classes) - 1] && !uid[sizeof(classes)] && strchr(numbers, uid[sizeof(classes) - 1]);
}

static enum err put_image_type(struct work *w, const struct dataset *was)
{
	char type[DERIVATION_LETTERS];
	const char *second = dataset_str_n(was, TAG_IMAGE_TYPE, 1), *rest = strchr(dataset_str(was, TAG_IMAGE_TYPE), '\\');
	if (needs_flavour(w) && !dataset_str_n(was, TAG_IMAGE_TYPE, 2)[0]) {
		const char *fourth = dataset_str_n(was, TAG_IMAGE_TYPE, 3);
		snprintf(type, sizeof(type), "DERIVED\\%s\\LOSSY%s%s", *second ? second : "SECONDARY", *fourth ? "\\" : "", fourth);
	} else {
		snprintf(type, sizeof(type), "DERIVED%s", rest ? rest : "\\SECONDARY");
	}
	return dataset_put_str(w->change.put, TAG_IMAGE_TYPE, type);
}

static enum err put_description(struct work *w, const struct dataset *was)
{
	char text[DERIVATION_LETTERS + 1];
	const char *before = dataset_str(was, TAG_DERIVATION);
	snprintf(text, sizeof(text), "Lossy compression: %s, level %u%s", w->how->to->name, w->how->level, *before ? "; before that: " : "");
	size_t at = strlen(text), n = strlen(before);
	if (n <= DERIVATION_LETTERS - at)        /* whole or not at all: a cut could fall into a character */
		memcpy(text + at, before, n + 1);
	return dataset_put_str(w->change.put, TAG_DERIVATION, text);
}

/* A sequence as it was, to be added to. */
static enum err keep(struct work *w, const struct dataset *was, uint32_t tag)
{
	const struct element *el = dataset_find(was, tag);
	return el && el->vr == VR_SQ ? dataset_copy(w->change.put, el) : ERR_OK;
}

/* The item of a sequence whose `tag` has this value, made where there is none. NULL: no memory. */
static struct dataset *item_with(struct dataset *in, uint32_t sequence, uint32_t tag, const char *value)
{
	struct dataset *item;
	for (unsigned i = 0; (item = dataset_item(in, sequence, i)); i++)
		if (!strcmp(dataset_str(item, tag), value))
			return item;
	item = dataset_add_item(in, sequence);
	return item && dataset_put_str(item, tag, value) == ERR_OK ? item : NULL;
}

/* The source, in its series: the sequence of instances has two names. */
static enum err add_to_series(const struct work *w, const struct dataset *was, struct dataset *in, uint32_t instances)
{
	struct dataset *series = item_with(in, TAG_REFERENCED_SERIES, TAG_SERIES_UID, dataset_str(was, TAG_SERIES_UID)), *instance;
	return series ? add_reference(w, series, instances, &instance) : ERR_NOMEM;
}

/* PS3.3 section C.12.2: an instance that is referred to stands in its series there too. */
static enum err put_series(struct work *w, const struct dataset *was)
{
	enum err e = keep(w, was, TAG_REFERENCED_SERIES);
	return e ? e : add_to_series(w, was, w->change.put, TAG_REFERENCED_INSTANCES);
}

/* ---- the frames of an enhanced image ---- */

/* Frame Type says of each frame what Image Type says of all (PS3.3 section C.8.16.1). */
static enum err derive_frame_type(struct dataset *macro)
{
	char type[DERIVATION_LETTERS];
	const char *rest = strchr(dataset_str(macro, TAG_FRAME_TYPE), '\\');
	if (!dataset_has(macro, TAG_FRAME_TYPE))
		return ERR_OK;
	snprintf(type, sizeof(type), "DERIVED%s", rest ? rest : "\\PRIMARY");
	return dataset_put_str(macro, TAG_FRAME_TYPE, type);
}

static enum err derive_group(const struct work *w, struct dataset *group, bool *says_source)
{
	enum err e = ERR_OK;
	bool has_steps = dataset_has(group, TAG_DERIVATION_IMAGE);       /* none, as yet, is a way to tell them too */
	for (struct element *el = group->first; el && !e; el = el->next)
		for (struct item *i = el->items; i && !e; i = i->next)
			e = derive_frame_type(i->ds);
	*says_source |= has_steps;
	if (!has_steps || e)
		return e;
	struct dataset *step = dataset_add_item(group, TAG_DERIVATION_IMAGE);
	return step ? add_step(w, step) : ERR_NOMEM;
}

/* All instances that Source Image Sequences in the groups name, by study and series (PS3.3 table C.17-3). */
static enum err put_evidence(struct work *w, const struct dataset *was)
{
	enum err e = keep(w, was, TAG_SOURCE_EVIDENCE);
	struct dataset *study = e ? NULL : item_with(w->change.put, TAG_SOURCE_EVIDENCE, TAG_STUDY_UID, dataset_str(was, TAG_STUDY_UID));
	return study ? add_to_series(w, was, study, TAG_REFERENCED_SOPS) : e ? e : ERR_NOMEM;
}

static enum err derive_groups(struct work *w, const struct dataset *was)
{
	static const uint32_t sequences[] = { TAG_SHARED_GROUPS, TAG_FRAME_GROUPS };
	bool says_source = false;
	enum err e = ERR_OK;
	for (size_t i = 0; i < NELEM(sequences) && !e; i++) {
		e = keep(w, was, sequences[i]);
		const struct element *el = e ? NULL : dataset_find(w->change.put, sequences[i]);
		for (struct item *group = el ? el->items : NULL; group && !e; group = group->next)
			e = derive_group(w, group->ds, &says_source);
	}
	struct dataset *shared = e ? NULL : dataset_item(w->change.put, TAG_SHARED_GROUPS, 0);
	if (shared && !says_source) {
		struct dataset *step = dataset_add_item(shared, TAG_DERIVATION_IMAGE);
		e = step ? add_step(w, step) : ERR_NOMEM;
		says_source = true;
	}
	return e || !says_source || !has_levels(was) ? e : put_evidence(w, was);
}

enum err change_derived(struct work *w)
{
	struct arena a;
	struct dataset *was;
	arena_init(&a, HEADER_ARENA);
	enum err e = dataset_parse(&a, bytes_of(w->in.data.p, w->in.header_len), w->in.enc, &was, &w->r->why);
	if (e == ERR_FORMAT) {
		w->r->why.text[0] = '\0';
		e = ERR_OK;              /* what could be read of it is what others can read too */
	}
	if (!e)
		e = new_instance(w);
	if (!e)
		e = put_image_type(w, was);
	if (!e)
		e = put_description(w, was);
	if (!e)
		e = keep(w, was, TAG_DERIVATION_CODES);
	if (!e)
		e = keep(w, was, TAG_SOURCE_IMAGES);
	if (!e)
		e = add_step(w, w->change.put);
	if (!e && has_levels(was))
		e = put_series(w, was);
	if (!e)
		e = derive_groups(w, was);
	arena_fini(&a);
	return e;
}
