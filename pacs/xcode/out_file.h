/* out_file - write a file front to back through a small buffer, then correct bytes within it and map it for reading.
 *
 * From out_file_deflate() to out_file_deflate_end() what is added is deflated on its way (PS3.5 annex A.5: raw, padded
 * to an even length); nothing in it can be corrected. */
#ifndef PACS_XCODE_OUT_FILE_H
#define PACS_XCODE_OUT_FILE_H

#include "pacs/base/buf.h"

enum { OUT_FILE_BUFFER = 1 << 20 };

/* Errors are sticky; out_file_flush() tells the first. */
struct out_file {
	int fd;                  /* borrowed; read-write */
	uint64_t at;             /* bytes given so far */
	struct buf pending;
	enum err err;
	struct why why;
	struct z_stream_s *deflate;      /* owned; NULL: bytes go out as they come */
};

void     out_file_init(struct out_file *o, int fd);
void     out_file_fini(struct out_file *o);
void     out_file_add(struct out_file *o, struct bytes b);
void     out_file_le32(struct out_file *o, uint32_t v);
void     out_file_deflate(struct out_file *o);
void     out_file_deflate_end(struct out_file *o);
enum err out_file_flush(struct out_file *o, struct why *why) MUST_USE;
/* Over bytes that were flushed before. */
enum err out_file_correct(struct out_file *o, uint64_t at, struct bytes b, struct why *why) MUST_USE;
/* The file as it now is, from the page cache; out_file_unmap() when done. */
enum err out_file_map(struct out_file *o, struct bytes *out, struct why *why) MUST_USE;
void     out_file_unmap(struct bytes *b);

#endif
