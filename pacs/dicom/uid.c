#include "pacs/dicom/uid.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#define STORAGE "1.2.840.10008.5.1.4.1.1."
#define SYNTAX "1.2.840.10008.1.2"

/* PS3.6 table A-1, storage service classes; retired ones are taken, never made. */
static const struct sop_class storage[] = {
	{ STORAGE "1", "Computed Radiography Image" },
	{ STORAGE "1.1", "Digital X-Ray Image - For Presentation" },
	{ STORAGE "1.1.1", "Digital X-Ray Image - For Processing" },
	{ STORAGE "1.2", "Digital Mammography X-Ray Image - For Presentation" },
	{ STORAGE "1.2.1", "Digital Mammography X-Ray Image - For Processing" },
	{ STORAGE "1.3", "Digital Intra-Oral X-Ray Image - For Presentation" },
	{ STORAGE "1.3.1", "Digital Intra-Oral X-Ray Image - For Processing" },
	{ STORAGE "2", "CT Image" },
	{ STORAGE "2.1", "Enhanced CT Image" },
	{ STORAGE "2.2", "Legacy Converted Enhanced CT Image" },
	{ STORAGE "3", "Ultrasound Multi-frame Image" },
	{ STORAGE "3.1", "Ultrasound Multi-frame Image" },
	{ STORAGE "4", "MR Image" },
	{ STORAGE "4.1", "Enhanced MR Image" },
	{ STORAGE "4.2", "MR Spectroscopy" },
	{ STORAGE "4.3", "Enhanced MR Color Image" },
	{ STORAGE "4.4", "Legacy Converted Enhanced MR Image" },
	{ STORAGE "5", "Nuclear Medicine Image" },
	{ STORAGE "6", "Ultrasound Image" },
	{ STORAGE "6.1", "Ultrasound Image" },
	{ STORAGE "6.2", "Enhanced US Volume" },
	{ STORAGE "7", "Secondary Capture Image" },
	{ STORAGE "7.1", "Multi-frame Single Bit Secondary Capture Image" },
	{ STORAGE "7.2", "Multi-frame Grayscale Byte Secondary Capture Image" },
	{ STORAGE "7.3", "Multi-frame Grayscale Word Secondary Capture Image" },
	{ STORAGE "7.4", "Multi-frame True Color Secondary Capture Image" },
	{ STORAGE "8", "Standalone Overlay" },
	{ STORAGE "9", "Standalone Curve" },
	{ STORAGE "9.1", "Waveform - Trial" },
	{ STORAGE "9.1.1", "12-lead ECG Waveform" },
	{ STORAGE "9.1.2", "General ECG Waveform" },
	{ STORAGE "9.1.3", "Ambulatory ECG Waveform" },
	{ STORAGE "9.1.4", "General 32-bit ECG Waveform" },
	{ STORAGE "9.2.1", "Hemodynamic Waveform" },
	{ STORAGE "9.3.1", "Cardiac Electrophysiology Waveform" },
	{ STORAGE "9.4.1", "Basic Voice Audio Waveform" },
	{ STORAGE "9.4.2", "General Audio Waveform" },
	{ STORAGE "9.5.1", "Arterial Pulse Waveform" },
	{ STORAGE "9.6.1", "Respiratory Waveform" },
	{ STORAGE "9.6.2", "Multi-channel Respiratory Waveform" },
	{ STORAGE "9.7.1", "Routine Scalp Electroencephalogram Waveform" },
	{ STORAGE "9.7.2", "Electromyogram Waveform" },
	{ STORAGE "9.7.3", "Electrooculogram Waveform" },
	{ STORAGE "9.7.4", "Sleep Electroencephalogram Waveform" },
	{ STORAGE "9.8.1", "Body Position Waveform" },
	{ STORAGE "10", "Standalone Modality LUT" },
	{ STORAGE "11", "Standalone VOI LUT" },
	{ STORAGE "11.1", "Grayscale Softcopy Presentation State" },
	{ STORAGE "11.2", "Color Softcopy Presentation State" },
	{ STORAGE "11.3", "Pseudo-Color Softcopy Presentation State" },
	{ STORAGE "11.4", "Blending Softcopy Presentation State" },
	{ STORAGE "11.5", "XA/XRF Grayscale Softcopy Presentation State" },
	{ STORAGE "11.6", "Grayscale Planar MPR Volumetric Presentation State" },
	{ STORAGE "11.7", "Compositing Planar MPR Volumetric Presentation State" },
	{ STORAGE "11.8", "Advanced Blending Presentation State" },
	{ STORAGE "11.9", "Volume Rendering Volumetric Presentation State" },
	{ STORAGE "11.10", "Segmented Volume Rendering Volumetric Presentation State" },
	{ STORAGE "11.11", "Multiple Volume Rendering Volumetric Presentation State" },
	{ STORAGE "12.1", "X-Ray Angiographic Image" },
	{ STORAGE "12.1.1", "Enhanced XA Image" },
	{ STORAGE "12.2", "X-Ray Radiofluoroscopic Image" },
	{ STORAGE "12.2.1", "Enhanced XRF Image" },
	{ STORAGE "12.3", "X-Ray Angiographic Bi-Plane Image" },
	{ STORAGE "13.1.1", "X-Ray 3D Angiographic Image" },
	{ STORAGE "13.1.2", "X-Ray 3D Craniofacial Image" },
	{ STORAGE "13.1.3", "Breast Tomosynthesis Image" },
	{ STORAGE "13.1.4", "Breast Projection X-Ray Image - For Presentation" },
	{ STORAGE "13.1.5", "Breast Projection X-Ray Image - For Processing" },
	{ STORAGE "14.1", "Intravascular Optical Coherence Tomography Image - For Presentation" },
	{ STORAGE "14.2", "Intravascular Optical Coherence Tomography Image - For Processing" },
	{ STORAGE "20", "Nuclear Medicine Image" },
	{ STORAGE "30", "Parametric Map" },
	{ STORAGE "66", "Raw Data" },
	{ STORAGE "66.1", "Spatial Registration" },
	{ STORAGE "66.2", "Spatial Fiducials" },
	{ STORAGE "66.3", "Deformable Spatial Registration" },
	{ STORAGE "66.4", "Segmentation" },
	{ STORAGE "66.5", "Surface Segmentation" },
	{ STORAGE "66.6", "Tractography Results" },
	{ STORAGE "67", "Real World Value Mapping" },
	{ STORAGE "68.1", "Surface Scan Mesh" },
	{ STORAGE "68.2", "Surface Scan Point Cloud" },
	{ STORAGE "77.1", "VL Image - Trial" },
	{ STORAGE "77.1.1", "VL Endoscopic Image" },
	{ STORAGE "77.1.1.1", "Video Endoscopic Image" },
	{ STORAGE "77.1.2", "VL Microscopic Image" },
	{ STORAGE "77.1.2.1", "Video Microscopic Image" },
	{ STORAGE "77.1.3", "VL Slide-Coordinates Microscopic Image" },
	{ STORAGE "77.1.4", "VL Photographic Image" },
	{ STORAGE "77.1.4.1", "Video Photographic Image" },
	{ STORAGE "77.1.5.1", "Ophthalmic Photography 8 Bit Image" },
	{ STORAGE "77.1.5.2", "Ophthalmic Photography 16 Bit Image" },
	{ STORAGE "77.1.5.3", "Stereometric Relationship" },
	{ STORAGE "77.1.5.4", "Ophthalmic Tomography Image" },
	{ STORAGE "77.1.5.5", "Wide Field Ophthalmic Photography Stereographic Projection Image" },
	{ STORAGE "77.1.5.6", "Wide Field Ophthalmic Photography 3D Coordinates Image" },
	{ STORAGE "77.1.5.7", "Ophthalmic Optical Coherence Tomography En Face Image" },
	{ STORAGE "77.1.5.8", "Ophthalmic Optical Coherence Tomography B-scan Volume Analysis" },
	{ STORAGE "77.1.6", "VL Whole Slide Microscopy Image" },
	{ STORAGE "77.1.7", "Dermoscopic Photography Image" },
	{ STORAGE "77.2", "VL Multi-frame Image - Trial" },
	{ STORAGE "78.1", "Lensometry Measurements" },
	{ STORAGE "78.2", "Autorefraction Measurements" },
	{ STORAGE "78.3", "Keratometry Measurements" },
	{ STORAGE "78.4", "Subjective Refraction Measurements" },
	{ STORAGE "78.5", "Visual Acuity Measurements" },
	{ STORAGE "78.6", "Spectacle Prescription Report" },
	{ STORAGE "78.7", "Ophthalmic Axial Measurements" },
	{ STORAGE "78.8", "Intraocular Lens Calculations" },
	{ STORAGE "79.1", "Macular Grid Thickness and Volume Report" },
	{ STORAGE "80.1", "Ophthalmic Visual Field Static Perimetry Measurements" },
	{ STORAGE "81.1", "Ophthalmic Thickness Map" },
	{ STORAGE "82.1", "Corneal Topography Map" },
	{ STORAGE "88.1", "Text SR - Trial" },
	{ STORAGE "88.2", "Audio SR - Trial" },
	{ STORAGE "88.3", "Detail SR - Trial" },
	{ STORAGE "88.4", "Comprehensive SR - Trial" },
	{ STORAGE "88.11", "Basic Text SR" },
	{ STORAGE "88.22", "Enhanced SR" },
	{ STORAGE "88.33", "Comprehensive SR" },
	{ STORAGE "88.34", "Comprehensive 3D SR" },
	{ STORAGE "88.35", "Extensible SR" },
	{ STORAGE "88.40", "Procedure Log" },
	{ STORAGE "88.50", "Mammography CAD SR" },
	{ STORAGE "88.59", "Key Object Selection Document" },
	{ STORAGE "88.65", "Chest CAD SR" },
	{ STORAGE "88.67", "X-Ray Radiation Dose SR" },
	{ STORAGE "88.68", "Radiopharmaceutical Radiation Dose SR" },
	{ STORAGE "88.69", "Colon CAD SR" },
	{ STORAGE "88.70", "Implantation Plan SR" },
	{ STORAGE "88.71", "Acquisition Context SR" },
	{ STORAGE "88.72", "Simplified Adult Echo SR" },
	{ STORAGE "88.73", "Patient Radiation Dose SR" },
	{ STORAGE "88.74", "Planned Imaging Agent Administration SR" },
	{ STORAGE "88.75", "Performed Imaging Agent Administration SR" },
	{ STORAGE "88.76", "Enhanced X-Ray Radiation Dose SR" },
	{ STORAGE "90.1", "Content Assessment Results" },
	{ STORAGE "91.1", "Microscopy Bulk Simple Annotations" },
	{ STORAGE "104.1", "Encapsulated PDF" },
	{ STORAGE "104.2", "Encapsulated CDA" },
	{ STORAGE "104.3", "Encapsulated STL" },
	{ STORAGE "104.4", "Encapsulated OBJ" },
	{ STORAGE "104.5", "Encapsulated MTL" },
	{ STORAGE "128", "Positron Emission Tomography Image" },
	{ STORAGE "128.1", "Legacy Converted Enhanced PET Image" },
	{ STORAGE "129", "Standalone PET Curve" },
	{ STORAGE "130", "Enhanced PET Image" },
	{ STORAGE "131", "Basic Structured Display" },
	{ STORAGE "200.1", "CT Defined Procedure Protocol" },
	{ STORAGE "200.2", "CT Performed Procedure Protocol" },
	{ STORAGE "200.3", "Protocol Approval" },
	{ STORAGE "200.7", "XA Defined Procedure Protocol" },
	{ STORAGE "200.8", "XA Performed Procedure Protocol" },
	{ STORAGE "481.1", "RT Image" },
	{ STORAGE "481.2", "RT Dose" },
	{ STORAGE "481.3", "RT Structure Set" },
	{ STORAGE "481.4", "RT Beams Treatment Record" },
	{ STORAGE "481.5", "RT Plan" },
	{ STORAGE "481.6", "RT Brachy Treatment Record" },
	{ STORAGE "481.7", "RT Treatment Summary Record" },
	{ STORAGE "481.8", "RT Ion Plan" },
	{ STORAGE "481.9", "RT Ion Beams Treatment Record" },
	{ STORAGE "481.10", "RT Physician Intent" },
	{ STORAGE "481.11", "RT Segment Annotation" },
	{ STORAGE "481.12", "RT Radiation Set" },
	{ STORAGE "481.13", "C-Arm Photon-Electron Radiation" },
	{ STORAGE "481.14", "Tomotherapeutic Radiation" },
	{ STORAGE "481.15", "Robotic-Arm Radiation" },
	{ STORAGE "481.16", "RT Radiation Record Set" },
	{ STORAGE "481.17", "RT Radiation Salvage Record" },
	{ STORAGE "481.18", "Tomotherapeutic Radiation Record" },
	{ STORAGE "481.19", "C-Arm Photon-Electron Radiation Record" },
	{ STORAGE "481.20", "Robotic Radiation Record" },
	{ STORAGE "481.21", "RT Radiation Set Delivery Instruction" },
	{ STORAGE "481.22", "RT Treatment Preparation" },
	{ STORAGE "501.1", "DICOS CT Image" },
	{ STORAGE "501.2.1", "DICOS Digital X-Ray Image - For Presentation" },
	{ STORAGE "501.2.2", "DICOS Digital X-Ray Image - For Processing" },
	{ STORAGE "501.3", "DICOS Threat Detection Report" },
	{ STORAGE "501.4", "DICOS 2D AIT" },
	{ STORAGE "501.5", "DICOS 3D AIT" },
	{ STORAGE "501.6", "DICOS Quadrupole Resonance (QR)" },
	{ STORAGE "601.1", "Eddy Current Image" },
	{ STORAGE "601.2", "Eddy Current Multi-frame Image" },
	{ "1.2.840.10008.5.1.4.34.1", "RT Beams Delivery Instruction (Trial)" },
	{ "1.2.840.10008.5.1.4.34.7", "RT Beams Delivery Instruction" },
	{ "1.2.840.10008.5.1.4.34.10", "RT Brachy Application Setup Delivery Instruction" },
	{ "1.2.840.10008.5.1.1.27", "Stored Print" },
	{ "1.2.840.10008.5.1.1.29", "Hardcopy Grayscale Image" },
	{ "1.2.840.10008.5.1.1.30", "Hardcopy Color Image" },
	{ "1.2.840.10008.5.1.4.38.1", "Hanging Protocol" },
	{ "1.2.840.10008.5.1.4.39.1", "Color Palette" },
	{ "1.2.840.10008.5.1.4.43.1", "Generic Implant Template" },
	{ "1.2.840.10008.5.1.4.44.1", "Implant Assembly Template" },
	{ "1.2.840.10008.5.1.4.45.1", "Implant Template Group" },
};

/* Explicit, big endian, deflated, encapsulated. JPIP (.94 .95 .204 .205) and the retired MIME and XML
 * syntaxes have no pixel data or no data set in the file and are not taken. */
static const struct ts syntaxes[] = {
	{ SYNTAX, "Implicit VR Little Endian", false, false, false, false, TS_REVERSIBLE },
	{ SYNTAX ".1", "Explicit VR Little Endian", true, false, false, false, TS_REVERSIBLE },
	{ SYNTAX ".1.98", "Encapsulated Uncompressed Explicit VR Little Endian", true, false, false, true, TS_REVERSIBLE },
	{ SYNTAX ".1.99", "Deflated Explicit VR Little Endian", true, false, true, false, TS_REVERSIBLE },
	{ SYNTAX ".2", "Explicit VR Big Endian", true, true, false, false, TS_REVERSIBLE },
#define ENCAPSULATED(suffix, name, lossy) { SYNTAX suffix, name, true, false, false, true, lossy }
	ENCAPSULATED(".4.50", "JPEG Baseline", TS_LOSSY),
	ENCAPSULATED(".4.51", "JPEG Extended", TS_LOSSY),
	ENCAPSULATED(".4.52", "JPEG Extended, process 3 and 5", TS_LOSSY),
	ENCAPSULATED(".4.53", "JPEG Spectral Selection, process 6 and 8", TS_LOSSY),
	ENCAPSULATED(".4.54", "JPEG Spectral Selection, process 7 and 9", TS_LOSSY),
	ENCAPSULATED(".4.55", "JPEG Full Progression, process 10 and 12", TS_LOSSY),
	ENCAPSULATED(".4.56", "JPEG Full Progression, process 11 and 13", TS_LOSSY),
	ENCAPSULATED(".4.57", "JPEG Lossless, process 14", TS_REVERSIBLE),
	ENCAPSULATED(".4.58", "JPEG Lossless, process 15", TS_REVERSIBLE),
	ENCAPSULATED(".4.59", "JPEG Extended Hierarchical, process 16 and 18", TS_LOSSY),
	ENCAPSULATED(".4.60", "JPEG Extended Hierarchical, process 17 and 19", TS_LOSSY),
	ENCAPSULATED(".4.61", "JPEG Spectral Selection Hierarchical, process 20 and 22", TS_LOSSY),
	ENCAPSULATED(".4.62", "JPEG Spectral Selection Hierarchical, process 21 and 23", TS_LOSSY),
	ENCAPSULATED(".4.63", "JPEG Full Progression Hierarchical, process 24 and 26", TS_LOSSY),
	ENCAPSULATED(".4.64", "JPEG Full Progression Hierarchical, process 25 and 27", TS_LOSSY),
	ENCAPSULATED(".4.65", "JPEG Lossless Hierarchical, process 28", TS_REVERSIBLE),
	ENCAPSULATED(".4.66", "JPEG Lossless Hierarchical, process 29", TS_REVERSIBLE),
	ENCAPSULATED(".4.70", "JPEG Lossless, process 14 selection value 1", TS_REVERSIBLE),
	ENCAPSULATED(".4.80", "JPEG-LS Lossless", TS_REVERSIBLE),
	ENCAPSULATED(".4.81", "JPEG-LS Near-lossless", TS_LOSSY),
	ENCAPSULATED(".4.90", "JPEG 2000 Lossless Only", TS_REVERSIBLE),
	ENCAPSULATED(".4.91", "JPEG 2000", TS_EITHER),
	ENCAPSULATED(".4.92", "JPEG 2000 Part 2 Lossless Only", TS_REVERSIBLE),
	ENCAPSULATED(".4.93", "JPEG 2000 Part 2", TS_EITHER),
	ENCAPSULATED(".4.100", "MPEG2 Main Profile, Main Level", TS_LOSSY),
	ENCAPSULATED(".4.100.1", "Fragmentable MPEG2 Main Profile, Main Level", TS_LOSSY),
	ENCAPSULATED(".4.101", "MPEG2 Main Profile, High Level", TS_LOSSY),
	ENCAPSULATED(".4.101.1", "Fragmentable MPEG2 Main Profile, High Level", TS_LOSSY),
	ENCAPSULATED(".4.102", "MPEG-4 AVC/H.264 High Profile, Level 4.1", TS_LOSSY),
	ENCAPSULATED(".4.102.1", "Fragmentable MPEG-4 AVC/H.264 High Profile, Level 4.1", TS_LOSSY),
	ENCAPSULATED(".4.103", "MPEG-4 AVC/H.264 BD-compatible, Level 4.1", TS_LOSSY),
	ENCAPSULATED(".4.103.1", "Fragmentable MPEG-4 AVC/H.264 BD-compatible, Level 4.1", TS_LOSSY),
	ENCAPSULATED(".4.104", "MPEG-4 AVC/H.264 High Profile 2D, Level 4.2", TS_LOSSY),
	ENCAPSULATED(".4.104.1", "Fragmentable MPEG-4 AVC/H.264 High Profile 2D, Level 4.2", TS_LOSSY),
	ENCAPSULATED(".4.105", "MPEG-4 AVC/H.264 High Profile 3D, Level 4.2", TS_LOSSY),
	ENCAPSULATED(".4.105.1", "Fragmentable MPEG-4 AVC/H.264 High Profile 3D, Level 4.2", TS_LOSSY),
	ENCAPSULATED(".4.106", "MPEG-4 AVC/H.264 Stereo High Profile, Level 4.2", TS_LOSSY),
	ENCAPSULATED(".4.106.1", "Fragmentable MPEG-4 AVC/H.264 Stereo High Profile, Level 4.2", TS_LOSSY),
	ENCAPSULATED(".4.107", "HEVC/H.265 Main Profile, Level 5.1", TS_LOSSY),
	ENCAPSULATED(".4.108", "HEVC/H.265 Main 10 Profile, Level 5.1", TS_LOSSY),
	ENCAPSULATED(".4.110", "JPEG XL Lossless", TS_REVERSIBLE),
	ENCAPSULATED(".4.111", "JPEG XL JPEG Recompression", TS_LOSSY),
	ENCAPSULATED(".4.112", "JPEG XL", TS_EITHER),
	ENCAPSULATED(".4.201", "HTJ2K Lossless Only", TS_REVERSIBLE),
	ENCAPSULATED(".4.202", "HTJ2K RPCL Lossless Only", TS_REVERSIBLE),
	ENCAPSULATED(".4.203", "HTJ2K", TS_EITHER),
	ENCAPSULATED(".5", "RLE Lossless", TS_REVERSIBLE),
	ENCAPSULATED(".8.1", "Deflated Image Frame", TS_REVERSIBLE),
#undef ENCAPSULATED
};

static const struct sop_class services[] = {
	{ UID_APPLICATION_CONTEXT, "DICOM Application Context" },
	{ UID_VERIFICATION, "Verification" },
	{ UID_PATIENT_ROOT_FIND, "Patient Root Query/Retrieve - FIND" },
	{ UID_PATIENT_ROOT_MOVE, "Patient Root Query/Retrieve - MOVE" },
	{ UID_PATIENT_ROOT_GET, "Patient Root Query/Retrieve - GET" },
	{ UID_STUDY_ROOT_FIND, "Study Root Query/Retrieve - FIND" },
	{ UID_STUDY_ROOT_MOVE, "Study Root Query/Retrieve - MOVE" },
	{ UID_STUDY_ROOT_GET, "Study Root Query/Retrieve - GET" },
	{ UID_UPS_PUSH, "Unified Procedure Step - Push" },
	{ UID_UPS_WATCH, "Unified Procedure Step - Watch" },
	{ UID_UPS_PULL, "Unified Procedure Step - Pull" },
	{ UID_UPS_EVENT, "Unified Procedure Step - Event" },
	{ UID_UPS_QUERY, "Unified Procedure Step - Query" },
};

const struct ts *ts_table(size_t *count)
{
	*count = NELEM(syntaxes);
	return syntaxes;
}

const struct ts *ts_find(const char *uid)
{
	for (size_t i = 0; i < NELEM(syntaxes); i++)
		if (!strcmp(syntaxes[i].uid, uid))
			return &syntaxes[i];
	return NULL;
}

const struct sop_class *sop_storage_table(size_t *count)
{
	*count = NELEM(storage);
	return storage;
}

const struct sop_class *sop_storage_find(const char *uid)
{
	for (size_t i = 0; i < NELEM(storage); i++)
		if (!strcmp(storage[i].uid, uid))
			return &storage[i];
	return NULL;
}

const char *uid_name(const char *uid)
{
	const struct sop_class *s = sop_storage_find(uid);
	const struct ts *t = s ? NULL : ts_find(uid);
	if (s || t)
		return s ? s->name : t->name;
	for (size_t i = 0; i < NELEM(services); i++)
		if (!strcmp(services[i].uid, uid))
			return services[i].name;
	return uid;
}

enum err uid_take(struct uid *out, struct bytes raw)
{
	while (raw.len && (raw.p[raw.len - 1] == ' ' || raw.p[raw.len - 1] == '\0'))
		raw.len--;
	while (raw.len && raw.p[0] == ' ') {
		raw.p++;
		raw.len--;
	}
	memset(out->s, 0, sizeof(out->s));
	if (raw.len > BOUND_UID)
		return ERR_LIMIT;
	if (raw.len)
		memcpy(out->s, raw.p, raw.len);
	return ERR_OK;
}

bool uid_is_legal(const char *s)
{
	size_t len = strlen(s);
	if (!len || len > BOUND_UID)
		return false;
	for (const char *c = s; ; c++) {
		size_t digits = strspn(c, "0123456789");
		if (!digits || (digits > 1 && *c == '0'))
			return false;
		c += digits;
		if (!*c)
			return true;
		if (*c != '.')
			return false;
	}
}

enum err uid_new(struct uid *out)
{
	uint8_t r[16];
	if (getrandom(r, sizeof(r), 0) != (ssize_t)sizeof(r))
		return ERR_IO;
	r[6] = (uint8_t)((r[6] & 0x0F) | 0x40);          /* RFC 4122: version 4 */
	r[8] = (uint8_t)((r[8] & 0x3F) | 0x80);          /* its variant */
	char digits[40];
	size_t n = sizeof(digits);
	bool left = true;
	while (left) {                                   /* 128 bits to decimal: divide by ten, keep the rest */
		unsigned rest = 0;
		left = false;
		for (size_t i = 0; i < sizeof(r); i++) {
			unsigned v = rest << 8 | r[i];
			r[i] = (uint8_t)(v / 10);
			rest = v % 10;
			left |= r[i] != 0;
		}
		digits[--n] = (char)('0' + rest);
	}
	snprintf(out->s, sizeof(out->s), "2.25.%.*s", (int)(sizeof(digits) - n), digits + n);
	return ERR_OK;
}
