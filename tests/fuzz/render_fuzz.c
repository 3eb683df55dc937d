/* A file, drawn in every way that its first bytes ask for: as an image, and as a presentation state of itself. No decoder takes part. */
#include "pacs/render/frame_header.h"
#include "pacs/render/render.h"

#include "tests/fuzz/fuzz.h"

enum { PIXELS_MAX = 1 << 16 };

static void count_text(void *arg, const struct element *text)
{
	*(size_t *)arg += text->value.len;
}

static void draw(const struct image_file *f, const struct dataset *header, const uint8_t *samples, const struct render_options *o)
{
	struct picture p;
	struct why why;
	if (render_frame(header, &f->desc, f->desc.photometric, samples, o, &p, &why))
		return;
	MUST(p.p && p.width >= 1 && p.height >= 1 && p.width <= BOUND_PICTURE_SIDE && p.height <= BOUND_PICTURE_SIDE);
	unsigned sum = 0;
	for (size_t i = 0; i < (size_t)p.width * p.height * p.channels; i++)
		sum += p.p[i];
	MUST(sum <= 255u * p.width * p.height * p.channels || sum > 0);
	picture_fini(&p);
}

static void draw_all(struct image_file *f, const uint8_t *how)
{
	static const char *const names[] = { NULL, "SOFT", "" };
	struct why why;
	struct arena a;
	struct dataset *header, *whole = NULL;
	char photometric[17];
	unsigned frame = how[0] % f->desc.frames;
	uint8_t *samples = malloc((size_t)image_frame_bytes(&f->desc));
	MUST(samples);
	arena_init(&a, 16 << 20);
	if (image_file_frame(f, frame, samples, photometric, &why) == ERR_OK && frame_header_read(f, frame, &a, &header, &why) == ERR_OK) {
		struct render_options o = { .frame = frame, .no_overlays = how[1] & 1, .as_stored = how[1] & 2, .max_width = how[2] * 3u, .max_height = how[3],
		                            .may_enlarge = how[1] & 4, .no_shutter = how[1] & 8 };
		o.grey.number = how[1] >> 6;
		o.grey.name = names[how[3] % 3];
		o.grey.is_inverted = how[1] & 16;
		if (!o.max_width || !o.max_height)
			o.may_enlarge = false;
		draw(f, header, samples, &o);
		if (dataset_parse(&a, bytes_of(f->data.p, f->header_len), f->enc, &whole, &why) == ERR_OK) {
			struct state s;
			size_t texts = 0;
			if (state_read(whole, f->meta.sop_instance.s, frame, &s, &why))
				s = (struct state){ .ds = whole, .voi = dataset_item(whole, TAG(0x0028, 0x3110), 0), .area = dataset_item(whole, TAG(0x0070, 0x005A), 0),
				                    .sop = f->meta.sop_instance.s, .frame = frame, .turns = how[2] & 3 };
			o.state = &s;
			o.max_width = o.max_height = 256;
			draw(f, header, samples, &o);
			state_texts(&s, count_text, &texts);
			MUST(texts <= f->data.len);
		}
	}
	arena_fini(&a);
	free(samples);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct image_file f;
	struct why why;
	if (size < 4)
		return 0;
	bool good = image_file_init(&f, bytes_of(data + 4, size - 4), &why) == ERR_OK && image_file_index(&f, &why) == ERR_OK;
	if (good && !f.is_encapsulated && (uint64_t)f.desc.rows * f.desc.columns <= PIXELS_MAX)
		draw_all(&f, data);
	image_file_fini(&f);
	return 0;
}
