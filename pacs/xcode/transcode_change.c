#include <stdio.h>

#include "pacs/xcode/transcode_impl.h"

#define TAG_PHOTOMETRIC TAG(0x0028, 0x0004)
#define TAG_PLANAR TAG(0x0028, 0x0006)
#define TAG_LOSSY TAG(0x0028, 0x2110)
#define TAG_LOSSY_RATIO TAG(0x0028, 0x2112)
#define TAG_LOSSY_METHOD TAG(0x0028, 0x2114)

enum { VALUE_LETTERS = 1024 };

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

/* A value more behind those of earlier steps. */
static enum err append(struct work *w, uint32_t tag, const char *value)
{
	char text[VALUE_LETTERS];
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
	enum err e = change_derived(w);
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
	arena_init(&w->change.arena, HEADER_ARENA);
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
