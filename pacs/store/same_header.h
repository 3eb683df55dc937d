/* same_header - do two headers say the same, whatever their encoding? Pure.
 *
 * Not compared: group lengths, padding of text, how long a sequence says it is, and the VR, which implicit VR does not
 * tell: a private sequence that came as bytes is read as one. Everything else must be equal byte for byte.
 * When in doubt the answer is no.
 */
#ifndef PACS_STORE_SAME_HEADER_H
#define PACS_STORE_SAME_HEADER_H

#include "pacs/dicom/dataset.h"

/* b_is_coded: b stands before reversibly compressed pixels, a before native ones. Then YBR_RCT in b is RGB in a, and
 * Planar Configuration says nothing (PS3.5 section 8.2.4: compressed samples are always by pixel). Scratch memory is
 * taken from the arenas of the two. */
bool same_header(const struct dataset *a, const struct dataset *b, bool b_is_coded);
/* Of two headers in front of any reversible forms of pixels, whose decoded samples are compared by somebody else: what the
 * form alone decides is compared as decoding leaves it (YBR_RCT is RGB, YBR_FULL_422 is YBR_FULL, no planar configuration). */
bool same_header_of_samples(const struct dataset *a, const struct dataset *b);

#endif
