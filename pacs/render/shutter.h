/* shutter - what is to be hidden around the picture (PS3.3 C.7.6.11, C.7.6.15): rectangle, circle, polygon, bitmap. */
#ifndef PACS_RENDER_SHUTTER_H
#define PACS_RENDER_SHUTTER_H

#include "pacs/dicom/dataset.h"
#include "pacs/render/picture.h"
#include "pacs/xcode/codec.h"

/* p is a picture of the whole frame. from: the header, or a presentation state. Several shapes hide what any of them hides. */
enum err shutter_apply(const struct dataset *from, const struct image_desc *d, double aspect, struct picture *p, struct why *why) MUST_USE;

#endif
