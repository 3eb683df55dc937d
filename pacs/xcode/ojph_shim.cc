#include <openjph/ojph_arch.h>
#include <openjph/ojph_base.h>
#include <openjph/ojph_codestream.h>
#include <openjph/ojph_file.h>
#include <openjph/ojph_mem.h>
#include <openjph/ojph_message.h>
#include <openjph/ojph_params.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <exception>
#include <new>

#include "pacs/xcode/ojph_shim.h"

namespace {

using ojph::ui32;
using ojph::si32;

/* ---- messages ---- */

/* OpenJPH 0.9 prints what is wrong and throws something without words; handlers of one's own are taken and never asked.
 * So it prints into this memory, one for the process, and the last line is the reason that is told. */
class messages {
	char text[512] = "";
	FILE *stream;
public:
	messages() : stream(fmemopen(text, sizeof(text), "w"))
	{
		if (!stream)
			throw std::bad_alloc();
		setvbuf(stream, nullptr, _IONBF, 0);
		ojph::set_info_stream(stream);
		ojph::set_warning_stream(stream);
		ojph::set_error_stream(stream);
	}
	void forget()
	{
		flockfile(stream);
		rewind(stream);
		text[0] = 0;
		funlockfile(stream);
	}
	/* "ojph error 0x00050044 at ojph_params.cpp:566: the words" */
	enum err tell(struct why *why, const char *otherwise)
	{
		flockfile(stream);
		text[sizeof(text) - 1] = 0;
		const char *at = strstr(text, ".cpp:"), *words = at ? strstr(at, ": ") : nullptr;
		words = words ? words + 2 : otherwise;
		fail(why, ERR_FORMAT, "HTJ2K: %.*s", static_cast<int>(strcspn(words, "\n")), words);
		funlockfile(stream);
		forget();
		return ERR_FORMAT;
	}
};

messages &said()
{
	static messages m;
	return m;
}

/* ---- encoding ---- */

struct sink : ojph::outfile_base {
	void (*put)(void *arg, const void *p, size_t len);
	void *arg;
	ojph::si64 at = 0;
	sink(void (*put_to)(void *, const void *, size_t), void *a) : put(put_to), arg(a) {}
	size_t write(const void *p, size_t len) override
	{
		put(arg, p, len);
		at += static_cast<ojph::si64>(len);
		return len;
	}
	ojph::si64 tell() override { return at; }
};

/* Gives what bits the samples use; of signed ones, where neighbouring bits differ. */
template <class T> ui32 spread(const T *from, ui32 step, ui32 n, si32 *to)
{
	si32 seen = 0;
	for (ui32 i = 0; i < n; i++) {
		const si32 v = from[static_cast<size_t>(i) * step];
		to[i] = v;
		seen |= static_cast<T>(-1) < 0 ? v ^ v >> 1 : v;
	}
	return static_cast<ui32>(seen);
}

/* One component of one row. */
ui32 give_line(const struct ojph_image *im, const uint8_t *native, ui32 y, ui32 c, si32 *to)
{
	const size_t at = static_cast<size_t>(y) * im->columns * im->samples + c;
	if (im->allocated == 8 && im->is_signed)
		return spread(reinterpret_cast<const int8_t *>(native) + at, im->samples, im->columns, to);
	if (im->allocated == 8)
		return spread(native + at, im->samples, im->columns, to);
	if (im->is_signed)
		return spread(reinterpret_cast<const int16_t *>(native) + at, im->samples, im->columns, to);
	return spread(reinterpret_cast<const uint16_t *>(native) + at, im->samples, im->columns, to);
}

/* Until the smallest picture has no side over 64 (PS3.5 section 10.18). */
ui32 decompositions(const struct ojph_image *im)
{
	ui32 side = std::max(im->columns, im->rows), n = 0;
	while (n < 32 && (side >> n) > 64)
		n++;
	return n;
}

void describe(ojph::codestream &cs, const struct ojph_image *im)
{
	ojph::param_siz siz = cs.access_siz();
	siz.set_image_extent(ojph::point(im->columns, im->rows));
	siz.set_num_components(im->samples);
	for (ui32 c = 0; c < im->samples; c++)
		siz.set_component(c, ojph::point(1, 1), im->precision, im->is_signed);
	ojph::param_cod cod = cs.access_cod();
	cod.set_num_decomposition(decompositions(im));
	cod.set_block_dims(64, 64);
	cod.set_progression_order("RPCL");
	cod.set_color_transform(im->has_colour_transform);
	cod.set_reversible(im->step <= 0);
	if (im->step > 0)
		cs.access_qcd().set_irrev_quant(static_cast<float>(im->step / std::ldexp(1.0, static_cast<int>(im->precision))));
	cs.set_planar(false);
}

enum err encode(const struct ojph_image *im, const uint8_t *native, sink &out, size_t *gap_at, struct why *why)
{
	ojph::codestream cs;
	describe(cs, im);
	cs.write_headers(&out);
	static const uint8_t zeros[64] = { 0 };
	*gap_at = static_cast<size_t>(out.at);
	out.put(out.arg, zeros, std::min(im->gap, sizeof(zeros)));
	ui32 c = 0;
	ojph::line_buf *line = cs.exchange(nullptr, c);
	for (ui32 y = 0; y < im->rows; y++)
		for (ui32 k = 0; k < im->samples; k++) {
			if (give_line(im, native, y, c, line->i32) & im->unused)
				return fail(why, ERR_UNSUPPORTED, "bits above the %u stored are in use", im->precision);
			line = cs.exchange(line, c);
		}
	cs.flush();
	return ERR_OK;
}

/* ---- decoding ---- */

enum err check(ojph::codestream &cs, const struct ojph_image *im, struct why *why)
{
	ojph::param_siz siz = cs.access_siz();
	const ojph::point to = siz.get_image_extent(), from = siz.get_image_offset();
	if (siz.get_num_components() != im->samples)
		return fail(why, ERR_FORMAT, "HTJ2K of %u components, header says %u", siz.get_num_components(), im->samples);
	if (to.x - from.x != im->columns || to.y - from.y != im->rows)
		return fail(why, ERR_FORMAT, "HTJ2K of %u x %u, header says %u x %u", to.x - from.x, to.y - from.y, im->columns, im->rows);
	for (ui32 c = 0; c < im->samples; c++) {
		const ojph::point step = siz.get_downsampling(c);
		if (step.x != 1 || step.y != 1)
			return fail(why, ERR_FORMAT, "HTJ2K component %u is subsampled", c);
		if (siz.get_bit_depth(c) < 1 || siz.get_bit_depth(c) > im->allocated)
			return fail(why, ERR_FORMAT, "HTJ2K of %u bits, allocated are %u", siz.get_bit_depth(c), im->allocated);
	}
	return ERR_OK;
}

template <class T> void gather(const si32 *from, si32 low, si32 high, bool extend, unsigned precision, ui32 step, ui32 n, T *to)
{
	for (ui32 i = 0; i < n; i++) {
		si32 v = std::min(std::max(from[i], low), high);
		if (extend && (v >> (precision - 1) & 1))
			v |= static_cast<si32>(~0u << precision);
		to[static_cast<size_t>(i) * step] = static_cast<T>(v);
	}
}

enum err decode(const struct ojph_image *im, const uint8_t *stream, size_t len, uint8_t *out, struct why *why)
{
	ojph::mem_infile in;
	ojph::codestream cs;
	in.open(stream, len);
	cs.read_headers(&in);
	enum err e = check(cs, im, why);
	if (e)
		return e;
	ui32 columns = im->columns, rows = im->rows;
	if (im->halvings) {
		if (im->halvings > cs.access_cod().get_num_decompositions())
			return fail(why, ERR_UNSUPPORTED, "HTJ2K of %u resolutions, not halved %u times", cs.access_cod().get_num_decompositions(), im->halvings);
		cs.restrict_input_resolution(im->halvings, im->halvings);
		columns = im->small_columns;
		rows = im->small_rows;
	}
	cs.set_planar(false);
	cs.create();
	for (ui32 y = 0; y < rows; y++)
		for (ui32 k = 0; k < im->samples; k++) {
			ui32 c = 0;
			const ojph::line_buf *line = cs.pull(c);
			if (!line || c >= im->samples || line->size < columns)
				return fail(why, ERR_FORMAT, "HTJ2K ends in row %u of %u", y + 1, rows);
			const unsigned precision = cs.access_siz().get_bit_depth(c);
			const bool is_signed = cs.access_siz().is_signed(c);
			const si32 low = is_signed ? -(1 << (precision - 1)) : 0, high = low + static_cast<si32>((1u << precision) - 1);
			const size_t at = static_cast<size_t>(y) * columns * im->samples + c;
			const bool extend = im->is_signed && !is_signed;       /* the header's sign is believed: many streams lack it */
			if (im->allocated == 8)
				gather(line->i32, low, high, extend, precision, im->samples, columns, out + at);
			else
				gather(line->i32, low, high, extend, precision, im->samples, columns, reinterpret_cast<uint16_t *>(out) + at);
		}
	cs.close();
	return ERR_OK;
}

/* Nothing that C++ throws leaves this file; OpenJPH throws words where it has no memory. */
template <class Work> enum err guarded(struct why *why, Work work)
{
	try {
		said().forget();
		return work();
	} catch (const std::bad_alloc &) {
		return fail(why, ERR_NOMEM, "HTJ2K: no memory");
	} catch (const std::exception &x) {
		return said().tell(why, x.what());
	} catch (const char *text) {
		return fail(why, ERR_NOMEM, "HTJ2K: %s", text);
	} catch (...) {
		return fail(why, ERR_FORMAT, "HTJ2K: an exception of unknown kind");
	}
}

}

enum err ojph_encode(const struct ojph_image *im, const uint8_t *native, void (*put)(void *arg, const void *p, size_t len), void *arg,
                     size_t *gap_at, struct why *why)
{
	return guarded(why, [&] {
		sink out(put, arg);
		size_t unused;
		return encode(im, native, out, gap_at ? gap_at : &unused, why);
	});
}

enum err ojph_decode(const struct ojph_image *im, const uint8_t *stream, size_t len, uint8_t *out, struct why *why)
{
	return guarded(why, [&] { return decode(im, stream, len, out, why); });
}
