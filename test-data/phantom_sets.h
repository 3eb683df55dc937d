/* phantom_sets - the tables of phantom.c: which objects make up which set. */
#ifndef TEST_DATA_PHANTOM_SETS_H
#define TEST_DATA_PHANTOM_SETS_H

#include "pacs/dicom/uid.h"

#define SOP_CR "1.2.840.10008.5.1.4.1.1.1"
#define SOP_DX "1.2.840.10008.5.1.4.1.1.1.1"
#define SOP_CT "1.2.840.10008.5.1.4.1.1.2"
#define SOP_US "1.2.840.10008.5.1.4.1.1.6.1"
#define SOP_US_MULTI "1.2.840.10008.5.1.4.1.1.3.1"
#define SOP_SC "1.2.840.10008.5.1.4.1.1.7"

enum picture { PIC_CHEST, PIC_HAND, PIC_FAN, PIC_RAMP };
enum text { TEXT_UTF8, TEXT_GB18030, TEXT_GBK_UNDECLARED, TEXT_IR58, TEXT_ASCII };
static const char *const declared[] = { "ISO_IR 192", "GB18030", "", "\\ISO 2022 IR 58", "" };

struct kind {
	const char *file, *sop_class, *modality, *ts, *photometric, *description;
	enum picture picture;
	enum text text;
	unsigned study;              /* objects of one run with the same number are one study */
	unsigned columns, rows, frames, samples, allocated, stored;
	bool is_signed, is_planar, has_overlay_bits;
};

static const struct kind demo_set[] = {
	{ "dr_chest.dcm", SOP_DX, "DX", TS_EXPLICIT_LE, "MONOCHROME2", "CHEST PA", PIC_CHEST, TEXT_UTF8, 1, 3000, 3000, 1, 1, 16, 14, 0, 0, 0 },
	{ "dr_hand.dcm", SOP_DX, "DX", TS_EXPLICIT_LE, "MONOCHROME2", "HAND", PIC_HAND, TEXT_UTF8, 1, 3000, 3000, 1, 1, 16, 14, 0, 0, 0 },
	{ "cr_hand.dcm", SOP_CR, "CR", TS_IMPLICIT_LE, "MONOCHROME1", "HAND", PIC_HAND, TEXT_GB18030, 2, 1760, 2140, 1, 1, 16, 12, 0, 0, 0 },
	{ "us_still.dcm", SOP_US, "US", TS_EXPLICIT_LE, "RGB", "HEART", PIC_FAN, TEXT_GBK_UNDECLARED, 3, 1024, 768, 1, 3, 8, 8, 0, 0, 0 },
	{ "us_cine.dcm", SOP_US_MULTI, "US", TS_EXPLICIT_LE, "RGB", "HEART", PIC_FAN, TEXT_GBK_UNDECLARED, 3, 640, 480, 60, 3, 8, 8, 0, 0, 0 },
	{ "small.dcm", SOP_CR, "CR", TS_EXPLICIT_LE, "MONOCHROME2", "HAND", PIC_HAND, TEXT_IR58, 4, 128, 136, 1, 1, 16, 12, 0, 0, 0 },
};

static const struct kind bench_set[] = {
	{ "bench_dr.dcm", SOP_DX, "DX", TS_EXPLICIT_LE, "MONOCHROME2", "CHEST PA", PIC_CHEST, TEXT_UTF8, 11, 2544, 2544, 1, 1, 16, 14, 0, 0, 0 },
	{ "bench_us.dcm", SOP_US, "US", TS_EXPLICIT_LE, "RGB", "HEART", PIC_FAN, TEXT_GB18030, 12, 640, 480, 1, 3, 8, 8, 0, 0, 0 },
	{ "bench_small.dcm", SOP_CR, "CR", TS_EXPLICIT_LE, "MONOCHROME2", "HAND", PIC_HAND, TEXT_ASCII, 13, 128, 138, 1, 1, 16, 12, 0, 0, 0 },
};

static const struct kind test_set[] = {
	{ "t_explicit.dcm", SOP_DX, "DX", TS_EXPLICIT_LE, "MONOCHROME2", "CHEST PA", PIC_CHEST, TEXT_UTF8, 21, 200, 240, 1, 1, 16, 14, 0, 0, 0 },
	{ "t_implicit.dcm", SOP_DX, "DX", TS_IMPLICIT_LE, "MONOCHROME2", "CHEST PA", PIC_CHEST, TEXT_GB18030, 22, 200, 240, 1, 1, 16, 14, 0, 0, 0 },
	{ "t_bigendian.dcm", SOP_CR, "CR", TS_EXPLICIT_BE, "MONOCHROME2", "HAND", PIC_HAND, TEXT_ASCII, 23, 200, 240, 1, 1, 16, 12, 0, 0, 0 },
	{ "t_deflated.dcm", SOP_CR, "CR", TS_DEFLATED_LE, "MONOCHROME2", "HAND", PIC_HAND, TEXT_UTF8, 24, 200, 240, 1, 1, 16, 12, 0, 0, 0 },
	{ "t_odd5x7.dcm", SOP_SC, "OT", TS_EXPLICIT_LE, "MONOCHROME2", "ODD SIZE", PIC_RAMP, TEXT_UTF8, 25, 5, 7, 1, 1, 8, 8, 0, 0, 0 },
	{ "t_odd5x7_rgb.dcm", SOP_SC, "OT", TS_EXPLICIT_LE, "RGB", "ODD SIZE", PIC_RAMP, TEXT_UTF8, 25, 5, 7, 1, 3, 8, 8, 0, 0, 0 },
	{ "t_u8.dcm", SOP_CR, "CR", TS_EXPLICIT_LE, "MONOCHROME2", "8 BIT", PIC_RAMP, TEXT_UTF8, 25, 96, 64, 1, 1, 8, 8, 0, 0, 0 },
	{ "t_u10.dcm", SOP_CR, "CR", TS_EXPLICIT_LE, "MONOCHROME1", "10 BIT", PIC_RAMP, TEXT_UTF8, 25, 96, 64, 1, 1, 16, 10, 0, 0, 0 },
	{ "t_u12.dcm", SOP_CR, "CR", TS_EXPLICIT_LE, "MONOCHROME2", "12 BIT", PIC_RAMP, TEXT_UTF8, 25, 96, 64, 1, 1, 16, 12, 0, 0, 0 },
	{ "t_u16.dcm", SOP_CR, "CR", TS_EXPLICIT_LE, "MONOCHROME2", "16 BIT", PIC_RAMP, TEXT_UTF8, 25, 96, 64, 1, 1, 16, 16, 0, 0, 0 },
	{ "t_s12.dcm", SOP_CT, "CT", TS_EXPLICIT_LE, "MONOCHROME2", "12 BIT SIGNED", PIC_RAMP, TEXT_UTF8, 25, 96, 64, 1, 1, 16, 12, 1, 0, 0 },
	{ "t_s16.dcm", SOP_CT, "CT", TS_EXPLICIT_LE, "MONOCHROME2", "16 BIT SIGNED", PIC_RAMP, TEXT_UTF8, 25, 96, 64, 1, 1, 16, 16, 1, 0, 0 },
	{ "t_overlay.dcm", SOP_CR, "CR", TS_EXPLICIT_LE, "MONOCHROME2", "OVERLAY BIT", PIC_RAMP, TEXT_UTF8, 25, 96, 64, 1, 1, 16, 12, 0, 0, 1 },
	{ "t_planar.dcm", SOP_US, "US", TS_EXPLICIT_LE, "RGB", "BY PLANE", PIC_FAN, TEXT_GBK_UNDECLARED, 26, 160, 120, 1, 3, 8, 8, 0, 1, 0 },
	{ "t_cine.dcm", SOP_US_MULTI, "US", TS_EXPLICIT_LE, "RGB", "HEART", PIC_FAN, TEXT_GBK_UNDECLARED, 26, 160, 120, 10, 3, 8, 8, 0, 0, 0 },
	{ "t_cine_mono.dcm", SOP_US_MULTI, "US", TS_EXPLICIT_LE, "MONOCHROME2", "HEART", PIC_FAN, TEXT_IR58, 27, 161, 121, 7, 1, 8, 8, 0, 0, 0 },
	{ "t_name_trail5c.dcm", SOP_CR, "CR", TS_EXPLICIT_LE, "MONOCHROME2", "HAND", PIC_HAND, TEXT_GB18030, 28, 64, 64, 1, 1, 16, 12, 0, 0, 0 },
};

static const struct kind cine500_set[] = {
	{ "cine500.dcm", SOP_US_MULTI, "US", TS_EXPLICIT_LE, "RGB", "HEART", PIC_FAN, TEXT_UTF8, 31, 640, 480, 600, 3, 8, 8, 0, 0, 0 },
};

static const struct set { const char *name; const struct kind *kinds; size_t count; bool in_all; } sets[] = {
	{ "demo", demo_set, NELEM(demo_set), true },
	{ "bench", bench_set, NELEM(bench_set), true },
	{ "test", test_set, NELEM(test_set), true },
	{ "cine500", cine500_set, NELEM(cine500_set), false },
};

#endif
