/* frame_header - what the picture of one frame needs of a file's header, as single images have it.
 *
 * Groups 0008, 0018 and 0020 (short values), the sequences of 0018 and 0028, 2050 and the overlays; of an enhanced object the
 * functional groups of this frame, shared ones under its own, put where a single image has their attributes (PS3.3 C.7.6.16).
 * Memory   the caller's arena; BOUND_PICTURE_HEADER of elements.
 */
#ifndef PACS_RENDER_FRAME_HEADER_H
#define PACS_RENDER_FRAME_HEADER_H

#include "pacs/xcode/image_file.h"

/* frame: from 0. ERR_LIMIT, ERR_FORMAT, ERR_NOMEM. */
enum err frame_header_read(const struct image_file *f, unsigned frame, struct arena *a, struct dataset **out, struct why *why) MUST_USE;

#endif
