/* grey - how one stored sample becomes light: the greyscale chain of PS3.3 C.11 and PS3.4 annex N.
 *
 * Bits stored -> padding -> modality LUT or slope -> VOI window or LUT -> presentation LUT or shape -> 0..255.
 * Pure; luts are lent from the data sets they were read from.
 */
#ifndef PACS_RENDER_GREY_H
#define PACS_RENDER_GREY_H

#include "pacs/render/lut.h"
#include "pacs/xcode/codec.h"

enum voi { VOI_LINEAR, VOI_LINEAR_EXACT, VOI_SIGMOID, VOI_LUT };

struct grey {
	const struct image_desc *d;
	struct lut modality, voi_lut, shape_lut;
	double slope, intercept;
	enum voi voi;
	double centre, width;
	bool has_padding, is_inverted;
	int64_t pad_low, pad_high;
};

/* What the caller wants instead of the header's first. */
struct grey_choice {
	bool has_window;
	double centre, width;
	unsigned number;                 /* from 1: the header's windows, then its VOI LUTs; 0: no choice */
	const char *name;                /* of one of them; NULL: no choice */
	bool is_inverted;
	/* The data set that says the modality LUT, VOI and shape in the header's place; NULL: the header. What is missing in it
	 * is then "as it comes", not what the header says (PS3.4 N.2.1). */
	const struct dataset *state;
	const struct dataset *state_voi;         /* the item of its Softcopy VOI LUT Sequence that applies; NULL none */
};

/* samples: of the frame, for its own range where nothing else is said. ERR_USAGE: a window that is none;
 * ERR_NOT_FOUND: no window of that number or name, with those that there are. */
enum err grey_read(const struct dataset *header, const struct image_desc *d, const uint8_t *samples, const struct grey_choice *c,
                   struct grey *out, struct why *why) MUST_USE;

/* The bits between High Bit and Bits Stored below it, with their sign. */
int64_t  grey_stored(const struct image_desc *d, uint32_t word);
uint8_t  grey_light(const struct grey *g, uint32_t word);
static inline uint32_t grey_word(const struct image_desc *d, const uint8_t *samples, size_t i)
{
	return d->allocated == 8 ? samples[i] : d->allocated == 16 ? le16(samples + 2 * i) : le32(samples + 4 * i);
}

/* ---- what there is to choose from ---- */
struct grey_window { const char *name; double centre, width; bool is_lut; };
/* Window or VOI LUT `number` (from 1) of the header; false beyond the end. The name is lent from the header's arena. */
bool     grey_window_at(const struct dataset *header, unsigned number, struct grey_window *out);

#endif
