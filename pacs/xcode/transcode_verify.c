#include <math.h>

#include "pacs/xcode/transcode_impl.h"

/* ---- lossy: how far are the samples from what they were? ---- */

struct distance {
	uint32_t largest;
	double squares;                  /* summed */
	uint64_t samples;
};

static int64_t sample_at(const struct image_desc *d, const uint8_t *p, size_t i)
{
	if (d->allocated == 8)
		return d->is_signed ? (int8_t)p[i] : p[i];
	return d->is_signed ? (int16_t)le16(p + 2 * i) : le16(p + 2 * i);
}

static void measure(const struct image_desc *d, const uint8_t *a, const uint8_t *b, struct distance *out)
{
	size_t n = (size_t)d->rows * d->columns * d->samples;
	for (size_t i = 0; i < n; i++) {
		int64_t off = sample_at(d, a, i) - sample_at(d, b, i);
		uint32_t far = (uint32_t)(off < 0 ? -off : off);
		if (far > out->largest)
			out->largest = far;
		out->squares += (double)far * far;
	}
	out->samples += n;
}

static enum err judge(struct work *w, const struct distance *d)
{
	double peak = (double)((1ull << w->in.desc.stored) - 1), mean = d->samples ? d->squares / (double)d->samples : 0;
	double db = mean > 0 ? 10 * log10(peak * peak / mean) : 999;
	w->r->largest_error = d->largest;
	w->r->psnr_db = (unsigned)(db < 999 ? db : 999);
	if (!strcmp(w->how->to->uid, TS_JPEGLS_NEAR) && d->largest > w->how->level)
		return fail(&w->r->why, ERR_MISMATCH, "a sample is off by %u, the bound is %u", d->largest, w->how->level);
	if (db < TRANSCODE_LOSSY_DB)
		return fail(&w->r->why, ERR_MISMATCH, "what decodes is another picture: %.1f dB of peak signal to noise, wanted are %d", db, TRANSCODE_LOSSY_DB);
	return ERR_OK;
}

/* ---- frame by frame ---- */

/* A native source is asked again, sample by sample; a compressed one was digested while it was written, since
 * decoding it twice would tell nothing new. */
static enum err compare_frame(struct work *w, unsigned n, struct distance *far)
{
	const uint8_t *samples;
	if (w->in.is_encapsulated && !is_lossy(w))
		return ERR_OK;
	enum err e = transcode_frame(w, n, &samples);
	if (e)
		return e;
	if (is_lossy(w))
		measure(&w->in.desc, samples, w->other, far);
	else if (memcmp(samples, w->other, w->frame_len))
		return fail(&w->r->why, ERR_MISMATCH, "frame %u decodes to other samples than were encoded", n + 1);
	return ERR_OK;
}

static enum err compare_frames(struct work *w, struct image_file *back, struct digest *seen)
{
	char photometric[17];
	struct distance far = { 0 };
	for (unsigned n = 0; n < back->desc.frames; n++) {
		enum err e = image_file_frame(back, n, w->other, photometric, &w->r->why);
		if (e)
			return e;
		digest_add(seen, bytes_of(w->other, w->frame_len));
		e = compare_frame(w, n, &far);
		if (e)
			return e;
	}
	digest_hex(seen, w->r->pixel_digest);
	if (is_lossy(w))
		return judge(w, &far);
	if (!w->in.is_encapsulated)
		return ERR_OK;
	char written[33];
	digest_hex(w->samples, written);
	return strcmp(written, w->r->pixel_digest) ? fail(&w->r->why, ERR_MISMATCH, "samples read back are not those written") : ERR_OK;
}

static enum err compare_image(struct work *w, struct image_file *back)
{
	/* Of lossy HTJ2K two decoders round differently, and the digest is to be that of the one that is always asked. */
	back->ask_other_library = !is_lossy(w);
	enum err e = image_file_index(back, &w->r->why);
	if (!e && (back->desc.frames != w->in.desc.frames || image_frame_bytes(&back->desc) != w->frame_len))
		e = fail(&w->r->why, ERR_MISMATCH, "read back %u frames of %llu bytes", back->desc.frames, (unsigned long long)image_frame_bytes(&back->desc));
	struct digest *seen = e ? NULL : digest_new();
	if (!e && !seen)
		e = fail(&w->r->why, ERR_NOMEM, "no memory for a digest");
	if (!e)
		e = compare_frames(w, back, seen);
	digest_free(&seen);
	return e;
}

enum err transcode_digest_bytes(struct work *w, struct bytes data, char out[33])
{
	struct digest *d = digest_new();
	if (!d)
		return fail(&w->r->why, ERR_NOMEM, "no memory for a digest");
	digest_add(d, data);
	digest_hex(d, out);
	digest_free(&d);
	return ERR_OK;
}

/* A decoder's failure on our own output is our failure: the original is fine, and nobody shall hear "unsupported". */
static enum err as_mismatch(enum err e)
{
	return e == ERR_FORMAT || e == ERR_UNSUPPORTED ? ERR_MISMATCH : e;
}

enum err transcode_verify(struct work *w)
{
	struct bytes file;
	struct image_file back;
	enum err e = out_file_map(&w->out, &file, &w->r->why);
	if (e)
		return e;
	e = image_file_init(&back, file, &w->r->why);
	if (!e && (strcmp(back.ts->uid, w->how->to->uid) || back.has_pixels != w->in.has_pixels))
		e = fail(&w->r->why, ERR_MISMATCH, "the output reads back as another kind of object");
	if (!e && strcmp(back.meta.sop_instance.s, w->r->sop_instance.s))
		e = fail(&w->r->why, ERR_MISMATCH, "the output reads back as another instance");
	if (!e && w->in.frames)
		e = compare_image(w, &back);
	if (!e)
		e = transcode_digest_bytes(w, bytes_of(file.p + back.meta.dataset_at, file.len - back.meta.dataset_at), w->r->digest);
	w->r->dataset_at = back.meta.dataset_at;
	w->r->size = file.len;
	image_file_fini(&back);
	out_file_unmap(&file);
	return as_mismatch(e);
}
