/* zip_out - a zip archive written as a stream: entry after entry, each once. Blocking.
 *
 * The caller opens, syncs and names the file. Zip64 where it is needed.
 */
#ifndef PACS_MEDIA_ZIP_OUT_H
#define PACS_MEDIA_ZIP_OUT_H

#include "pacs/base/bytes.h"
#include "pacs/base/err.h"

struct zip_out;

/* fd is borrowed. ERR_FULL, ERR_IO from every call: the archive cannot be finished any more. */
enum err zip_out_open(int fd, struct zip_out **out, struct why *why) MUST_USE;
/* deflated: packed; else stored, for what is compressed already. size must be what is written then. */
enum err zip_out_begin(struct zip_out *z, const char *name, uint64_t size, bool deflated, struct why *why) MUST_USE;
enum err zip_out_write(struct zip_out *z, struct bytes b, struct why *why) MUST_USE;
/* The directory of the archive; nothing can be added behind it. */
enum err zip_out_finish(struct zip_out *z, struct why *why) MUST_USE;
void     zip_out_free(struct zip_out **z);

#endif
