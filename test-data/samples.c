/* samples - the decoded samples of a DICOM file on stdout: little endian, colour by pixel, frames in order.
 *
 *   samples FILE | sha256sum
 *
 * The photometric interpretation of what comes out is told on stderr. Exit code 1: not decoded, with the reason.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pacs/xcode/image_file.h"

static enum err print_frames(struct image_file *f, struct why *why)
{
	char photometric[17] = "";
	enum err e = image_file_index(f, why);
	if (e)
		return e;
	size_t len = (size_t)image_frame_bytes(&f->desc);
	uint8_t *frame = malloc(len);
	if (!frame)
		return fail(why, ERR_NOMEM, "a frame of %zu bytes", len);
	for (unsigned n = 0; !e && n < f->desc.frames; n++) {
		e = image_file_frame(f, n, frame, photometric, why);
		if (!e && fwrite(frame, 1, len, stdout) != len)
			e = fail_errno(why, ERR_IO, "writing");
	}
	free(frame);
	fprintf(stderr, "%s\n", photometric);
	return e;
}

int main(int argc, char **argv)
{
	struct why why = { "" };
	struct image_file f;
	struct stat st;
	int fd = argc == 2 ? open(argv[1], O_RDONLY | O_CLOEXEC) : -1;
	if (fd < 0 || fstat(fd, &st) || st.st_size == 0) {
		fputs("usage: samples FILE\n", stderr);
		return 2;
	}
	void *p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED)
		return 2;
	enum err e = image_file_init(&f, bytes_of(p, (size_t)st.st_size), &why);
	if (!e)
		e = print_frames(&f, &why);
	image_file_fini(&f);
	munmap(p, (size_t)st.st_size);
	close(fd);
	if (e)
		fprintf(stderr, "samples: %s: %s\n", err_name(e), why.text);
	return e ? 1 : 0;
}
