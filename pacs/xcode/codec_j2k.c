#include <openjpeg.h>
#include <stdio.h>

#include "pacs/xcode/codec_impl.h"

/* Threads pay from about a megapixel; more than two would take the machine from those who receive. */
enum { THREADS = 2, WORTH_THREADS = 1 << 20 };

static void use_threads(opj_codec_t *codec, const struct image_desc *d)
{
	if (image_frame_bytes(d) >= WORTH_THREADS)
		opj_codec_set_threads(codec, THREADS);
}

/* ---- messages: the library's last error becomes the why ---- */

static void on_error(const char *text, void *arg)
{
	struct why *why = arg;
	snprintf(why->text, sizeof(why->text), "JPEG 2000: %.*s", (int)strcspn(text, "\n"), text);
}

static void on_message(const char *text, void *arg)
{
	(void)text, (void)arg;
}

static void set_handlers(opj_codec_t *codec, struct why *said)
{
	snprintf(said->text, sizeof(said->text), "JPEG 2000: no reason given");
	opj_set_error_handler(codec, on_error, said);
	opj_set_warning_handler(codec, on_message, NULL);
	opj_set_info_handler(codec, on_message, NULL);
}

/* ---- reading from and writing to memory ---- */

struct source { struct bytes b; size_t at; };

static OPJ_SIZE_T source_read(void *to, OPJ_SIZE_T n, void *arg)
{
	struct source *s = arg;
	size_t left = s->b.len - s->at;
	if (left == 0)
		return (OPJ_SIZE_T)-1;
	if (n > left)
		n = left;
	memcpy(to, s->b.p + s->at, n);
	s->at += n;
	return n;
}

static OPJ_OFF_T source_skip(OPJ_OFF_T n, void *arg)
{
	struct source *s = arg;
	if (n < 0 || (uint64_t)n > s->b.len - s->at)
		return -1;
	s->at += (size_t)n;
	return n;
}

static OPJ_BOOL source_seek(OPJ_OFF_T to, void *arg)
{
	struct source *s = arg;
	if (to < 0 || (uint64_t)to > s->b.len)
		return OPJ_FALSE;
	s->at = (size_t)to;
	return OPJ_TRUE;
}

struct sink { struct buf *b; size_t base, at; };       /* base: where the stream begins in b */

static OPJ_SIZE_T sink_write(void *from, OPJ_SIZE_T n, void *arg)
{
	struct sink *s = arg;
	size_t at = s->base + s->at, over = at + n > s->b->len ? at + n - s->b->len : 0;
	if (over && !buf_extend(s->b, over))
		return (OPJ_SIZE_T)-1;
	memcpy(s->b->p + at, from, n);
	s->at += n;
	return n;
}

static OPJ_BOOL sink_seek(OPJ_OFF_T to, void *arg)
{
	struct sink *s = arg;
	if (to < 0 || (uint64_t)to > s->b->len - s->base)
		return OPJ_FALSE;
	s->at = (size_t)to;
	return OPJ_TRUE;
}

static OPJ_OFF_T sink_skip(OPJ_OFF_T n, void *arg)
{
	struct sink *s = arg;
	return sink_seek((OPJ_OFF_T)s->at + n, arg) ? n : -1;
}

/* ---- decoding ---- */

static enum err check_image(const struct image_desc *d, const opj_image_t *im, struct why *why)
{
	if (im->numcomps != d->samples)
		return fail(why, ERR_FORMAT, "JPEG 2000 of %u components, header says %u", im->numcomps, d->samples);
	for (unsigned c = 0; c < im->numcomps; c++) {
		const opj_image_comp_t *k = &im->comps[c];
		if (k->w != d->columns || k->h != d->rows || k->dx != 1 || k->dy != 1)
			return fail(why, ERR_FORMAT, "JPEG 2000 component of %u x %u, header says %u x %u", k->w, k->h, d->columns, d->rows);
		if (k->prec > d->allocated || k->prec < 1)
			return fail(why, ERR_FORMAT, "JPEG 2000 of %u bits, allocated are %u", k->prec, d->allocated);
	}
	return ERR_OK;
}

static void take_samples(const struct image_desc *d, const opj_image_t *im, uint8_t *out)
{
	size_t pixels = (size_t)d->rows * d->columns;
	for (unsigned c = 0; c < d->samples; c++) {
		const opj_image_comp_t *k = &im->comps[c];
		uint32_t mask = k->prec < 32 ? (1u << k->prec) - 1 : UINT32_MAX;
		/* The header's sign is believed, not the stream's: many disagree. */
		for (size_t i = 0; i < pixels; i++)
			put_sample(d, out, i * d->samples + c, k->prec, (uint32_t)k->data[i] & mask);
	}
}

/* The 9/7 wavelet: what comes out is near what went in. */
static bool is_irreversible(opj_codec_t *codec)
{
	opj_codestream_info_v2_t *info = opj_get_cstr_info(codec);
	bool is = info && info->m_default_tile_info.tccp_info && info->m_default_tile_info.tccp_info[0].qmfbid == 0;
	opj_destroy_cstr_info(&info);
	return is;
}

static enum err decode_stream(const struct image_desc *d, const struct image_desc *small, unsigned halvings, opj_codec_t *codec, opj_stream_t *stream, uint8_t *out, struct why *said, struct why *why)
{
	opj_dparameters_t p;
	opj_image_t *im = NULL;
	opj_set_default_decoder_parameters(&p);
	set_handlers(codec, said);
	enum err e = ERR_OK;
	if (!opj_setup_decoder(codec, &p) || !opj_decoder_set_strict_mode(codec, OPJ_TRUE))
		e = fail(why, ERR_FORMAT, "%s", said->text);
	/* Before the header is read: behind it the library has made its tile decoder and takes no threads any more. */
	if (!e)
		use_threads(codec, d);
	if (!e && !opj_read_header(stream, codec, &im))
		e = fail(why, ERR_FORMAT, "%s", said->text);
	/* Before decoding: a lying header must not make us allocate what its stream asks for. */
	if (!e)
		e = check_image(d, im, why);
	if (!e && halvings && !opj_set_decoded_resolution_factor(codec, halvings))
		e = fail(why, ERR_UNSUPPORTED, "no smaller picture in it: %s", said->text);
	if (!e && (!opj_decode(codec, stream, im) || !opj_end_decompress(codec, stream)))
		e = fail(why, ERR_FORMAT, "%s", said->text);
	for (unsigned c = 0; !e && c < im->numcomps; c++)
		if (!im->comps[c].data)
			e = fail(why, ERR_FORMAT, "JPEG 2000 component %u has no samples", c);
	if (!e)
		e = check_image(small, im, why);
	if (!e)
		take_samples(small, im, out);
	if (!e && im->comps[0].prec > d->stored && is_irreversible(codec))
		limit_to_stored(small, out);
	opj_image_destroy(im);
	return e;
}

enum err j2k_decode(const struct image_desc *d, struct bytes stream, uint8_t *out, struct why *why)
{
	return j2k_decode_small(d, d, 0, stream, out, why);
}

enum err j2k_decode_small(const struct image_desc *d, const struct image_desc *small, unsigned halvings, struct bytes stream, uint8_t *out, struct why *why)
{
	struct source src = { stream, 0 };
	struct why said;
	bool is_jp2 = stream.len >= 8 && !memcmp(stream.p + 4, "jP  ", 4);       /* boxes around the stream: wrong, but seen */
	opj_codec_t *codec = opj_create_decompress(is_jp2 ? OPJ_CODEC_JP2 : OPJ_CODEC_J2K);
	opj_stream_t *s = opj_stream_create(1 << 18, OPJ_TRUE);
	enum err e;
	if (!codec || !s) {
		e = fail(why, ERR_NOMEM, "no memory for a JPEG 2000 decoder");
		goto out;
	}
	opj_stream_set_user_data(s, &src, NULL);
	opj_stream_set_user_data_length(s, stream.len);
	opj_stream_set_read_function(s, source_read);
	opj_stream_set_skip_function(s, source_skip);
	opj_stream_set_seek_function(s, source_seek);
	e = decode_stream(d, small, halvings, codec, s, out, &said, why);
out:
	opj_stream_destroy(s);
	opj_destroy_codec(codec);
	return e;
}

/* ---- encoding ---- */

#define SPREAD(type) \
	do { \
		const type *v = (const type *)(const void *)native + c; \
		for (size_t i = 0; i < pixels; i++) \
			to[i] = v[i * d->samples]; \
	} while (0)

static void give_samples(const struct image_desc *d, const uint8_t *native, opj_image_t *im)
{
	size_t pixels = (size_t)d->rows * d->columns;
	for (unsigned c = 0; c < d->samples; c++) {
		int32_t *to = im->comps[c].data;
		if (d->allocated == 8 && d->is_signed)
			SPREAD(int8_t);
		else if (d->allocated == 8)
			SPREAD(uint8_t);
		else if (d->is_signed)
			SPREAD(int16_t);
		else
			SPREAD(uint16_t);
	}
}

static enum err image_new(const struct image_desc *d, opj_image_t **out, struct why *why)
{
	opj_image_cmptparm_t parts[3];
	memset(parts, 0, sizeof(parts));
	for (unsigned c = 0; c < d->samples; c++)
		parts[c] = (opj_image_cmptparm_t){ .dx = 1, .dy = 1, .w = d->columns, .h = d->rows, .prec = d->stored, .bpp = d->stored, .sgnd = d->is_signed };
	*out = opj_image_create(d->samples, parts, d->samples == 3 ? OPJ_CLRSPC_SRGB : OPJ_CLRSPC_GRAY);
	if (!*out)
		return fail(why, ERR_NOMEM, "no memory for an image of %u x %u", d->columns, d->rows);
	(*out)->x1 = d->columns;
	(*out)->y1 = d->rows;
	return ERR_OK;
}

/* One tile, one layer; as many halvings as the shorter side bears, at most five. Reversible 5/3, or 9/7 cut at `ratio`
 * bytes in for one out. */
static void choose(const struct image_desc *d, unsigned ratio, opj_cparameters_t *p)
{
	unsigned side = d->rows < d->columns ? d->rows : d->columns;
	opj_set_default_encoder_parameters(p);
	p->irreversible = ratio != 0;
	p->tcp_numlayers = 1;
	/* The library counts from the stored bits, we from the bytes that they take. */
	p->tcp_rates[0] = (float)ratio * (float)d->stored / (float)d->allocated;
	p->cp_disto_alloc = 1;
	p->numresolution = 1;
	while (p->numresolution < 6 && side >> p->numresolution)
		p->numresolution++;
	p->tcp_mct = d->samples == 3 && !strcmp(d->photometric, "RGB");
}

static enum err encode_stream(const struct image_desc *d, unsigned ratio, opj_image_t *im, opj_codec_t *codec, opj_stream_t *s, struct why *why)
{
	opj_cparameters_t p;
	struct why said;
	choose(d, ratio, &p);
	set_handlers(codec, &said);
	use_threads(codec, d);
	if (!opj_setup_encoder(codec, &p, im) || !opj_start_compress(codec, im, s) || !opj_encode(codec, s) || !opj_end_compress(codec, s))
		return fail(why, ERR_NOMEM, "encoding: %s", said.text);
	return ERR_OK;
}

static enum err encode_image(const struct image_desc *d, unsigned ratio, opj_image_t *im, struct buf *out, struct why *why)
{
	struct sink sink = { out, out->len, 0 };
	opj_codec_t *codec = opj_create_compress(OPJ_CODEC_J2K);
	opj_stream_t *s = opj_stream_create(1 << 18, OPJ_FALSE);
	enum err e;
	if (codec && s) {
		opj_stream_set_user_data(s, &sink, NULL);
		opj_stream_set_write_function(s, sink_write);
		opj_stream_set_skip_function(s, sink_skip);
		opj_stream_set_seek_function(s, sink_seek);
		e = encode_stream(d, ratio, im, codec, s, why);
	} else {
		e = fail(why, ERR_NOMEM, "no memory for a JPEG 2000 encoder");
	}
	opj_stream_destroy(s);
	opj_destroy_codec(codec);
	return e;
}

enum err j2k_encode(const struct image_desc *d, const struct ts *ts, unsigned level, const uint8_t *native, struct buf *out, struct why *why)
{
	opj_image_t *im = NULL;
	(void)ts;
	enum err e = check_unused_bits(d, native, why);
	if (!e)
		e = image_new(d, &im, why);
	if (!e) {
		give_samples(d, native, im);
		e = encode_image(d, level, im, out, why);
	}
	opj_image_destroy(im);
	return e;
}
