#include "pacs/xcode/transcode_impl.h"

#include <stdlib.h>

#include "pacs/base/clock.h"

static unsigned us_since(uint64_t start_ns)
{
	return (unsigned)((clock_mono_ns() - start_ns) / 1000);
}

/* ---- what is to be done ---- */

static enum err check_memory(const struct image_file *in, const struct ts *to, uint64_t memory, struct why *why)
{
	uint64_t from = in->is_encapsulated ? codec_memory(&in->desc, in->ts) : 0, into = codec_memory(&in->desc, to);
	uint64_t need = (from > into ? from : into) + 2 * image_frame_bytes(&in->desc);
	if (!memory || need <= memory)
		return ERR_OK;
	return fail(why, ERR_LIMIT, "an image of %u x %u needs up to %llu MB as %s, and worker_memory is %llu MB", in->desc.columns, in->desc.rows,
	            (unsigned long long)(need >> 20), to->name, (unsigned long long)(memory >> 20));
}

static enum err take_frames(struct work *w)
{
	enum err e = image_file_index(&w->in, &w->r->why);
	if (!e)
		e = check_memory(&w->in, w->how->to, w->how->memory, &w->r->why);
	if (e)
		return e;
	w->frame_len = (size_t)image_frame_bytes(&w->in.desc);
	w->frame = malloc(w->frame_len);
	w->other = malloc(w->frame_len);
	w->samples = digest_new();
	if (!w->frame || !w->other || !w->samples)
		return fail(&w->r->why, ERR_NOMEM, "no memory for frames of %zu bytes", w->frame_len);
	return ERR_OK;
}

/* What the samples are: known after a frame is decoded, and the header stands before it. */
static enum err look_at_samples(struct work *w)
{
	if (w->in.is_encapsulated)
		return image_file_frame(&w->in, 0, w->frame, w->photometric, &w->r->why);
	bool is_packed = w->in.desc.samples == 3 && !strcmp(w->in.desc.photometric, "YBR_FULL_422");
	memcpy(w->photometric, is_packed ? "YBR_FULL" : w->in.desc.photometric, is_packed ? sizeof("YBR_FULL") : sizeof(w->photometric));
	return ERR_OK;
}

static struct image_desc samples_desc(const struct work *w)
{
	struct image_desc d = w->in.desc;
	memcpy(d.photometric, w->photometric, sizeof(d.photometric));
	d.planar = 0;
	return d;
}

static enum err plan_encode(struct work *w)
{
	enum err e = take_frames(w);
	if (!e)
		e = look_at_samples(w);
	if (e)
		return e;
	struct image_desc d = samples_desc(w);
	return codec_plan(&d, w->how->to, w->how->level, &w->plan, &w->r->why);
}

static enum err plan_decode(struct work *w)
{
	enum err e = take_frames(w);
	if (e)
		return e;
	uint64_t len = (uint64_t)w->frame_len * w->in.desc.frames;
	if (len >= LENGTH_UNDEFINED - 1)
		return fail(&w->r->why, ERR_UNSUPPORTED, "%llu bytes of samples do not fit a native length", (unsigned long long)len);
	return look_at_samples(w);
}

/* Native to native copies whatever is there, be it an image or not; its description only serves the check. */
static enum err plan_copy(struct work *w)
{
	enum err e = w->in.has_pixels ? take_frames(w) : ERR_OK;
	if (e == ERR_UNSUPPORTED || e == ERR_FORMAT || e == ERR_LIMIT)
		frame_index_free(&w->in.frames);
	return e == ERR_NOMEM ? e : ERR_OK;
}

static enum err plan(struct work *w)
{
	const struct ts *to = w->how->to;
	if (!strcmp(to->uid, w->in.ts->uid) && !w->how->level)
		return fail(&w->r->why, ERR_UNSUPPORTED, "it is %s already", to->name);
	if (encodes(w))
		return plan_encode(w);
	if (to->is_encapsulated || !codec_can_decode(to))
		return fail(&w->r->why, ERR_UNSUPPORTED, "no way to write %s", to->name);
	return w->in.is_encapsulated ? plan_decode(w) : plan_copy(w);
}

enum err transcode_frame(struct work *w, unsigned n, const uint8_t **out)
{
	const uint8_t *view = w->plan.wants_rgb ? NULL : image_file_view(&w->in, n);
	char photometric[17];
	*out = view ? view : w->frame;
	if (view)
		return ERR_OK;
	enum err e = image_file_frame(&w->in, n, w->frame, photometric, &w->r->why);
	if (!e && w->in.is_encapsulated && strcmp(photometric, w->photometric))
		e = fail(&w->r->why, ERR_FORMAT, "frame %u decodes to %s, the first to %s", n + 1, photometric, w->photometric);
	if (!e && w->plan.wants_rgb)
		codec_to_rgb(w->frame, w->frame_len / 3);
	return e;
}

/* ---- doing it ---- */

static enum err write_object(struct work *w)
{
	enum err e = change_plan(w);
	if (!e)
		e = transcode_head(w);
	if (!e)
		e = transcode_pixels(w);
	if (!e)
		e = transcode_tail(w);
	out_file_deflate_end(&w->out);
	if (!e)
		e = out_file_flush(&w->out, &w->r->why);
	if (!e && w->change.ratio_at)
		e = change_ratio(w);
	return e;
}

/* The samples are known when they were compared; their place in the meta group was left open. */
static enum err note_pixels(struct work *w)
{
	struct bytes file;
	if (!w->r->pixel_digest[0])
		return ERR_OK;
	enum err e = out_file_map(&w->out, &file, &w->r->why);
	if (e)
		return e;
	size_t at = part10_pixel_digest_at(bytes_of(file.p, (size_t)w->r->dataset_at));
	out_file_unmap(&file);
	return at ? out_file_correct(&w->out, at, bytes_of((const uint8_t *)w->r->pixel_digest, 32), &w->r->why) : ERR_OK;
}

static enum err work(struct work *w, struct bytes in)
{
	uint64_t start = clock_mono_ns();
	enum err e = image_file_init(&w->in, in, &w->r->why);
	struct part10 *meta = &w->in.meta;
	/* What was received first is told by the file from now on, as these bytes will go. */
	if (!e && meta->origin.received_ms && !meta->origin.received_digest[0])
		e = transcode_digest_bytes(w, bytes_of(in.p + meta->dataset_at, in.len - meta->dataset_at), meta->origin.received_digest);
	if (!e && meta->origin.has_written && strcmp(meta->origin.written_digest, meta->origin.received_digest))
		e = fail(&w->r->why, ERR_MISMATCH, "the data set hashes to %s, the file's own head says %s: its bytes have changed", meta->origin.received_digest,
		         meta->origin.written_digest[0] ? meta->origin.written_digest : "nothing");
	if (!e)
		e = plan(w);
	if (!e)
		e = write_object(w);
	w->r->encode_us = us_since(start);
	start = clock_mono_ns();
	if (!e)
		e = transcode_verify(w);
	if (!e)
		e = note_pixels(w);
	w->r->verify_us = us_since(start);
	return e;
}

enum err transcode_as(struct bytes in, int out_fd, const struct transcode_how *how, struct xcode_result *r)
{
	struct work w = { .how = how, .r = r };
	memset(r, 0, sizeof(*r));
	out_file_init(&w.out, out_fd);
	r->err = work(&w, in);
	digest_free(&w.samples);
	free(w.frame);
	free(w.other);
	change_fini(&w.change);
	out_file_fini(&w.out);
	image_file_fini(&w.in);
	return r->err;
}

enum err transcode(struct bytes in, int out_fd, const struct ts *to, struct xcode_result *r)
{
	const struct transcode_how how = { .to = to };
	return transcode_as(in, out_fd, &how, r);
}

/* ---- only looking ---- */

static enum err digest_frames(struct image_file *f, struct digest *d, struct why *why)
{
	size_t len = (size_t)image_frame_bytes(&f->desc);
	uint8_t *frame = malloc(len);
	char photometric[17];
	enum err e = frame ? ERR_OK : fail(why, ERR_NOMEM, "no memory for a frame of %zu bytes", len);
	for (unsigned n = 0; !e && n < f->desc.frames; n++) {
		const uint8_t *view = image_file_view(f, n);
		if (!view)
			e = image_file_frame(f, n, frame, photometric, why);
		if (!e)
			digest_add(d, bytes_of(view ? view : frame, len));
	}
	free(frame);
	return e;
}

static enum err look(struct bytes in, uint64_t memory, struct image_file *f, struct xcode_result *r)
{
	enum err e = image_file_init(f, in, &r->why);
	if (!e)
		e = image_file_index(f, &r->why);
	if (!e)
		e = check_memory(f, f->ts, memory, &r->why);
	struct digest *pixels = digest_new(), *bytes = digest_new();
	if (!e && (!pixels || !bytes))
		e = fail(&r->why, ERR_NOMEM, "no memory for a digest");
	if (!e)
		e = digest_frames(f, pixels, &r->why);
	if (!e) {
		digest_hex(pixels, r->pixel_digest);
		digest_add(bytes, bytes_of(in.p + f->meta.dataset_at, in.len - f->meta.dataset_at));
		digest_hex(bytes, r->digest);
		r->dataset_at = f->meta.dataset_at;
		r->size = in.len;
		r->pixel_bytes_in = f->pixels.value.len;
		r->pixel_bytes_out = image_frame_bytes(&f->desc) * f->desc.frames;
		r->sop_instance = f->meta.sop_instance;
	}
	digest_free(&pixels);
	digest_free(&bytes);
	return e;
}

enum err transcode_digest(struct bytes in, uint64_t memory, struct xcode_result *r)
{
	struct image_file f;
	uint64_t start = clock_mono_ns();
	memset(r, 0, sizeof(*r));
	r->err = look(in, memory, &f, r);
	image_file_fini(&f);
	r->verify_us = us_since(start);
	return r->err;
}
