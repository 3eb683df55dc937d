#include <stdio.h>

#include "pacs/base/durable.h"
#include "pacs/xcode/transcode_impl.h"

#define TAG_IMAGE_TYPE TAG(0x0008, 0x0008)
#define TAG_DERIVATION TAG(0x0008, 0x2111)
#define TAG_SOURCE_IMAGES TAG(0x0008, 0x2112)
#define TAG_DERIVATION_CODES TAG(0x0008, 0x9215)
#define TAG_PHOTOMETRIC TAG(0x0028, 0x0004)
#define TAG_PLANAR TAG(0x0028, 0x0006)
#define TAG_LOSSY TAG(0x0028, 0x2110)
#define TAG_LOSSY_RATIO TAG(0x0028, 0x2112)
#define TAG_LOSSY_METHOD TAG(0x0028, 0x2114)

enum { CHANGE_ARENA = 1 << 18, DERIVATION_LETTERS = 1024 };      /* ST */

void change_fini(struct header_change *c)
{
	arena_fini(&c->arena);
}

/* PS3.3 section C.7.6.1.1.5.2. */
static const char *method_of(const struct ts *ts)
{
	static const struct { const char *ts, *method; } methods[] = {
		{ TS_JPEG_BASELINE, "ISO_10918_1" }, { TS_JPEG_EXTENDED, "ISO_10918_1" }, { TS_JPEGLS_NEAR, "ISO_14495_1" },
		{ TS_J2K, "ISO_15444_1" }, { TS_HTJ2K, "ISO_15444_15" },
	};
	for (size_t i = 0; i < NELEM(methods); i++)
		if (!strcmp(methods[i].ts, ts->uid))
			return methods[i].method;
	return "";
}

/* ---- lossy: another object ---- */

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

static enum err put_code(struct dataset *in, uint32_t sequence, const char *value, const char *meaning)
{
	struct dataset *item = dataset_add_item(in, sequence);
	enum err e = item ? dataset_put_str(item, TAG(0x0008, 0x0100), value) : ERR_NOMEM;
	if (!e)
		e = dataset_put_str(item, TAG(0x0008, 0x0102), "DCM");
	return e ? e : dataset_put_str(item, TAG(0x0008, 0x0104), meaning);
}

/* PS3.3 section C.7.6.1.1.4: where it comes from. */
static enum err put_source(struct work *w)
{
	struct dataset *item = dataset_add_item(w->change.put, TAG_SOURCE_IMAGES);
	enum err e = item ? dataset_put_str(item, TAG(0x0008, 0x1150), w->in.meta.sop_class.s) : ERR_NOMEM;
	if (!e)
		e = dataset_put_str(item, TAG(0x0008, 0x1155), w->in.meta.sop_instance.s);
	return e ? e : put_code(item, TAG(0x0040, 0xA170), "121320", "Uncompressed predecessor");
}

static enum err put_derivation(struct work *w)
{
	char text[DERIVATION_LETTERS + 1], type[DERIVATION_LETTERS];
	const char *before = dataset_str(w->in.header, TAG_DERIVATION), *rest = strchr(dataset_str(w->in.header, TAG_IMAGE_TYPE), '\\');
	struct dataset *put = w->change.put;
	snprintf(text, sizeof(text), "Lossy compression: %s, level %u%s", w->how->to->name, w->how->level, *before ? "; before that: " : "");
	size_t at = strlen(text), n = strlen(before);
	if (n <= DERIVATION_LETTERS - at)        /* whole or not at all: a cut could fall into a character */
		memcpy(text + at, before, n + 1);
	snprintf(type, sizeof(type), "DERIVED%s", rest ? rest : "\\SECONDARY");
	enum err e = dataset_put_str(put, TAG_IMAGE_TYPE, type);
	if (!e)
		e = dataset_put_str(put, TAG_DERIVATION, text);
	if (!e)
		e = put_code(put, TAG_DERIVATION_CODES, "113040", "Lossy Compression");
	return e ? e : put_source(w);
}

/* A value more behind those of earlier steps. */
static enum err append(struct work *w, uint32_t tag, const char *value)
{
	char text[DERIVATION_LETTERS];
	const char *before = dataset_str(w->in.header, tag);
	int n = snprintf(text, sizeof(text), "%s%s%s", before, *before ? "\\" : "", value);
	return n < 0 || (size_t)n >= sizeof(text) ? ERR_LIMIT : dataset_put_str(w->change.put, tag, text);
}

/* The ratio is a run of blanks until it is known. */
static enum err put_lossy(struct work *w)
{
	char blanks[RATIO_LETTERS + 1];
	snprintf(blanks, sizeof(blanks), "%*s", RATIO_LETTERS, "1");
	enum err e = dataset_put_str(w->change.put, TAG_LOSSY, "01");
	if (!e)
		e = append(w, TAG_LOSSY_RATIO, blanks);
	return e ? e : append(w, TAG_LOSSY_METHOD, method_of(w->how->to));
}

static void drop(struct header_change *c, uint16_t element)
{
	c->drop[c->drops++] = TAG(0x0028, element);
}

static enum err plan_lossy(struct work *w)
{
	static const uint16_t extremes[] = { 0x0106, 0x0107, 0x0108, 0x0109, 0x0110, 0x0111 };
	for (size_t i = 0; i < NELEM(extremes); i++)
		drop(&w->change, extremes[i]);
	if (w->in.desc.samples > 1) {
		drop(&w->change, 0x0120);
		drop(&w->change, 0x0121);
	}
	enum err e = new_instance(w);
	if (!e)
		e = put_derivation(w);
	return e ? e : put_lossy(w);
}

/* ---- all of it ---- */

static enum err put_form(struct work *w)
{
	const char *photometric = encodes(w) ? w->plan.photometric : w->photometric;
	enum err e = ERR_OK;
	if (photometric[0] && strcmp(photometric, w->in.desc.photometric))
		e = dataset_put_str(w->change.put, TAG_PHOTOMETRIC, photometric);
	if (!e && w->in.desc.samples > 1 && (encodes(w) || w->in.is_encapsulated))
		e = dataset_put_us(w->change.put, TAG_PLANAR, 0);
	return e;
}

enum err change_plan(struct work *w)
{
	arena_init(&w->change.arena, CHANGE_ARENA);
	w->change.put = dataset_new(&w->change.arena);
	w->r->sop_instance = w->in.meta.sop_instance;
	enum err e = w->change.put ? ERR_OK : ERR_NOMEM;
	if (!e && w->in.frames && (encodes(w) || w->in.is_encapsulated))
		e = put_form(w);
	if (!e && is_lossy(w))
		e = plan_lossy(w);
	return e && !w->r->why.text[0] ? fail(&w->r->why, e, "no room for the changes of the header") : e;
}

enum err change_ratio(struct work *w)
{
	char text[32];
	double ratio = w->coded_bytes ? (double)w->frame_len * w->in.desc.frames / (double)w->coded_bytes : 1;
	snprintf(text, sizeof(text), "%*.2f", RATIO_LETTERS, ratio < 999999 ? ratio : 999999);
	return out_file_correct(&w->out, w->change.ratio_at, bytes_of(text, RATIO_LETTERS), &w->r->why);
}
