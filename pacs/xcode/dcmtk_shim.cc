#include "dcmtk/config/osconfig.h"
#include "dcmtk/dcmdata/dctk.h"
#include "dcmtk/dcmdata/dcpixseq.h"
#include "dcmtk/dcmdata/dcpxitem.h"
#include "dcmtk/dcmdata/dcrledrg.h"
#include "dcmtk/dcmdata/dcrleenc.h"
#include "dcmtk/dcmjpeg/djcparam.h"
#include "dcmtk/dcmjpeg/djdecode.h"
#include "dcmtk/dcmjpeg/djeijg12.h"
#include "dcmtk/dcmjpeg/djeijg16.h"
#include "dcmtk/dcmjpeg/djeijg8.h"

#include <cstring>
#include <exception>
#include <memory>
#include <mutex>
#include <new>

#include "pacs/xcode/dcmtk_shim.h"

namespace {

/* DCMTK registers codecs in a table of the process, once. */
std::once_flag warm;

void warm_up()
{
	OFLog::configure(OFLogger::OFF_LOG_LEVEL);
	DJDecoderRegistration::registerCodecs(EDC_lossyOnly, EUC_never, EPC_colorByPixel);
	DcmRLEDecoderRegistration::registerCodecs(OFFalse, OFFalse);
	dcmDataDict.rdlock();
	dcmDataDict.rdunlock();
}

enum err refuse(struct why *why, const char *what, const OFCondition &c)
{
	return fail(why, c == EC_MemoryExhausted ? ERR_NOMEM : ERR_FORMAT, "DCMTK, %s: %s", what, c.text());
}

OFCondition put_header(DcmDataset &ds, const struct dcmtk_image *im)
{
	const struct { DcmTagKey key; Uint16 v; } numbers[] = {
		{ DCM_SamplesPerPixel, im->samples }, { DCM_Rows, im->rows }, { DCM_Columns, im->columns }, { DCM_BitsAllocated, im->allocated },
		{ DCM_BitsStored, im->stored }, { DCM_HighBit, im->high_bit }, { DCM_PixelRepresentation, Uint16(im->is_signed) }, { DCM_PlanarConfiguration, 0 },
	};
	for (const auto &n : numbers) {
		if (n.key == DCM_PlanarConfiguration && im->samples == 1)
			continue;
		OFCondition c = ds.putAndInsertUint16(DcmTag(n.key, EVR_US), n.v);
		if (c.bad())
			return c;
	}
	OFCondition c = ds.putAndInsertString(DcmTag(DCM_PhotometricInterpretation, EVR_CS), im->photometric);
	if (c.good())
		c = ds.putAndInsertString(DcmTag(DCM_SOPClassUID, EVR_UI), UID_SecondaryCaptureImageStorage);
	return c;
}

/* An empty offset table and one fragment. What insert() takes belongs to the sequence. */
OFCondition put_fragment(DcmPixelSequence *seq, const uint8_t *p, size_t len)
{
	auto *item = new DcmPixelItem(DcmTag(DCM_PixelItemTag, EVR_OB));
	OFCondition c = p ? item->putUint8Array(p, static_cast<unsigned long>(len)) : EC_Normal;
	if (c.good())
		c = seq->insert(item);
	if (c.bad())
		delete item;
	return c;
}

OFCondition put_stream(DcmDataset &ds, E_TransferSyntax xfer, const uint8_t *p, size_t len)
{
	auto *seq = new DcmPixelSequence(DcmTag(DCM_PixelData, EVR_OB));
	OFCondition c = put_fragment(seq, nullptr, 0);
	if (c.good())
		c = put_fragment(seq, p, len);
	if (c.bad()) {
		delete seq;
		return c;
	}
	auto *pixels = new DcmPixelData(DcmTag(DCM_PixelData, EVR_OB));
	pixels->putOriginalRepresentation(xfer, nullptr, seq);
	c = ds.insert(pixels, OFTrue);
	if (c.bad())
		delete pixels;
	return c;
}

OFCondition take_samples(DcmDataset &ds, uint16_t allocated, const uint8_t **p, size_t *len)
{
	unsigned long count = 0;
	OFCondition c;
	if (allocated == 8) {
		const Uint8 *v = nullptr;
		c = ds.findAndGetUint8Array(DCM_PixelData, v, &count);
		*p = v;
		*len = count;
		if (c.good())
			return c;
	}
	const Uint16 *v = nullptr;
	c = ds.findAndGetUint16Array(DCM_PixelData, v, &count);
	*p = reinterpret_cast<const uint8_t *>(v);
	*len = size_t(count) * 2;
	return c;
}

enum err decode(const struct dcmtk_image *im, const uint8_t *stream, size_t len, uint8_t *out, size_t out_len, char photometric_out[17], struct why *why)
{
	DcmDataset ds;
	const E_TransferSyntax xfer = DcmXfer(im->ts).getXfer();
	OFCondition c = put_header(ds, im);
	if (c.good())
		c = put_stream(ds, xfer, stream, len);
	if (c.bad())
		return refuse(why, "header", c);
	c = ds.chooseRepresentation(EXS_LittleEndianExplicit, nullptr);
	if (c.bad())
		return refuse(why, "decoding", c);
	const uint8_t *p = nullptr;
	size_t have = 0;
	c = take_samples(ds, im->allocated, &p, &have);
	if (c.bad() || !p)
		return refuse(why, "samples", c);
	if (have < out_len)
		return fail(why, ERR_FORMAT, "DCMTK decoded %zu bytes, wanted %zu", have, out_len);
	memcpy(out, p, out_len);
	OFString photometric;
	/* Of grey DCMTK says MONOCHROME2 after 12-bit JPEG, whatever it was; nothing is inverted on the way. */
	if (im->samples > 1 && ds.findAndGetOFString(DCM_PhotometricInterpretation, photometric).good() && photometric.size() <= 16)
		memcpy(photometric_out, photometric.c_str(), photometric.size() + 1);
	return ERR_OK;
}

using put_fn = void (*)(void *arg, const uint8_t *p, size_t len);

template <class Codec> std::unique_ptr<DJEncoder> make_encoder(const DJCodecParameter &cp, const struct dcmtk_jpeg *how)
{
	if (how->quality)
		return std::make_unique<Codec>(cp, EJM_sequential, static_cast<Uint8>(how->quality));
	return std::make_unique<Codec>(cp, EJM_lossless, static_cast<int>(how->predictor), 0);
}

/* DCMTK's own frame encoders, below its data sets: those would scale or window the samples of a lossy image first. */
enum err encode_jpeg(const struct dcmtk_jpeg *how, const uint8_t *native, put_fn put, void *arg, struct why *why)
{
	const DJCodecParameter cp(ECC_lossyYCbCr, EDC_never, EUC_never, EPC_colorByPixel, OFFalse, OFFalse, OFFalse, OFTrue);
	const EP_Interpretation kind = how->samples == 3 ? EPI_RGB : EPI_Monochrome2;
	std::unique_ptr<DJEncoder> codec = how->precision == 8 ? make_encoder<DJCompressIJG8Bit>(cp, how)
	                                 : how->precision == 12 ? make_encoder<DJCompressIJG12Bit>(cp, how)
	                                 : std::make_unique<DJCompressIJG16Bit>(cp, EJM_lossless, static_cast<int>(how->predictor), 0);
	auto *samples = const_cast<uint8_t *>(native);   /* DCMTK reads them only */
	Uint8 *stream = nullptr;
	Uint32 len = 0;
	OFCondition c = how->precision == 8 ? codec->encode(how->columns, how->rows, kind, how->samples, static_cast<Uint8 *>(samples), stream, len)
	                                    : codec->encode(how->columns, how->rows, kind, how->samples, reinterpret_cast<Uint16 *>(samples), stream, len);
	std::unique_ptr<Uint8[]> owned(stream);
	if (c.bad() || !stream)
		return refuse(why, "encoding JPEG", c);
	put(arg, stream, len);
	return ERR_OK;
}

enum err encode_plane(const struct dcmtk_plane *plane, put_fn put, void *arg, struct why *why)
{
	DcmRLEEncoder rle(1);
	for (size_t y = 0; y < plane->rows; y++) {
		const uint8_t *p = plane->first + y * plane->columns * plane->step;
		for (size_t x = 0; x < plane->columns; x++)
			rle.add(p[x * plane->step]);
		rle.flush();
	}
	if (rle.fail())
		return fail(why, ERR_NOMEM, "DCMTK: no memory for an RLE segment");
	std::unique_ptr<uint8_t[]> whole(new uint8_t[rle.size() + 1]);
	rle.write(whole.get());
	put(arg, whole.get(), rle.size());
	return ERR_OK;
}

/* Nothing that C++ throws leaves this file. */
template <class Work> enum err guarded(struct why *why, Work work)
{
	try {
		dcmtk_warm_up();
		return work();
	} catch (const std::bad_alloc &) {
		return fail(why, ERR_NOMEM, "DCMTK: no memory");
	} catch (const std::exception &x) {
		return fail(why, ERR_FORMAT, "DCMTK: %s", x.what());
	} catch (...) {
		return fail(why, ERR_FORMAT, "DCMTK: an exception of unknown kind");
	}
}

}

void dcmtk_warm_up(void)
{
	std::call_once(warm, warm_up);
}

enum err dcmtk_decode(const struct dcmtk_image *im, const uint8_t *stream, size_t len, uint8_t *out, size_t out_len, char photometric_out[17], struct why *why)
{
	return guarded(why, [&] { return decode(im, stream, len, out, out_len, photometric_out, why); });
}

enum err dcmtk_jpeg_encode(const struct dcmtk_jpeg *how, const uint8_t *native, put_fn put, void *arg, struct why *why)
{
	return guarded(why, [&] { return encode_jpeg(how, native, put, arg, why); });
}

enum err dcmtk_rle_segment(const struct dcmtk_plane *plane, put_fn put, void *arg, struct why *why)
{
	return guarded(why, [&] { return encode_plane(plane, put, arg, why); });
}
