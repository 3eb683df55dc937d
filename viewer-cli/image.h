/* image - a DICOM file on disk as frames to look at: mapped, described, decoded one frame at a time. */
#ifndef VIEWER_CLI_IMAGE_H
#define VIEWER_CLI_IMAGE_H

#include "pacs/render/render.h"
#include "pacs/xcode/image_file.h"

struct image {
	struct image_file file;
	void *map;                       /* owned, map_len bytes */
	size_t map_len;
};
/* A frame decoded; its header is that of frame_header_read(). */
struct frame {
	struct arena arena;
	struct dataset *header;          /* in the arena */
	struct image_desc desc;          /* smaller than the image's when it was read small */
	char photometric[17];
	uint8_t *samples;                /* owned */
	bool is_small;
};

/* close also after a failure. ERR_IO, ERR_FORMAT, ERR_UNSUPPORTED (there is no image in it, or one that cannot be decoded). */
enum err image_open(struct image *im, const char *path, struct why *why) MUST_USE;
void     image_close(struct image *im);
/* at_least: 0, or the longer side of the thumbnail that it is for: the code stream then gives as few pixels as it can without
 * coming short of that. number: from 0. fini also after a failure. */
enum err frame_load(struct frame *f, struct image *im, unsigned number, unsigned at_least, struct why *why) MUST_USE;
void     frame_fini(struct frame *f);

/* A data set alone, for a presentation state: at most 16 MB. */
enum err image_read_state(const char *path, struct arena *a, struct dataset **out, struct why *why) MUST_USE;

#endif
