#include "viewer-cli/image.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pacs/base/bounds.h"
#include "pacs/base/durable.h"
#include "pacs/render/frame_header.h"

enum { STATE_MAX = 16 << 20 };

static enum err map_file(struct image *im, const char *path, struct why *why)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return fail_errno(why, ERR_IO, "opening it");
	im->map = fstat(fd, &st) || st.st_size == 0 ? MAP_FAILED : mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	if (im->map == MAP_FAILED) {
		im->map = NULL;
		return fail(why, ERR_FORMAT, "no file with anything in it");
	}
	im->map_len = (size_t)st.st_size;
	return ERR_OK;
}

enum err image_open(struct image *im, const char *path, struct why *why)
{
	memset(im, 0, sizeof(*im));
	enum err e = map_file(im, path, why);
	if (e)
		return e;
	e = image_file_init(&im->file, bytes_of(im->map, im->map_len), why);
	return e ? e : image_file_index(&im->file, why);
}

void image_close(struct image *im)
{
	if (!im->map)
		return;
	image_file_fini(&im->file);
	munmap(im->map, im->map_len);
	im->map = NULL;
}

/* How often the longer side can be halved and still be enough. */
static unsigned halvings_for(const struct image_desc *d, unsigned at_least)
{
	unsigned side = d->rows > d->columns ? d->rows : d->columns, n = 0;
	while (at_least && side >> (n + 1) >= at_least && n < 8)
		n++;
	return n;
}

static enum err decode(struct frame *f, struct image *im, unsigned number, unsigned at_least, struct why *why)
{
	struct why unused;
	f->desc = im->file.desc;
	for (unsigned n = halvings_for(&f->desc, at_least); n; n--)
		if (image_file_frame_small(&im->file, number, n, f->samples, &f->desc, f->photometric, &unused) == ERR_OK) {
			f->is_small = true;
			return ERR_OK;
		}
	f->desc = im->file.desc;
	return image_file_frame(&im->file, number, f->samples, f->photometric, why);
}

enum err frame_load(struct frame *f, struct image *im, unsigned number, unsigned at_least, struct why *why)
{
	const struct image_desc *d = &im->file.desc;
	memset(f, 0, sizeof(*f));
	arena_init(&f->arena, 2 * (size_t)BOUND_PICTURE_HEADER);
	if (number >= d->frames)
		return fail(why, ERR_NOT_FOUND, "frame %u of %u", number + 1, d->frames);
	enum err e = frame_header_read(&im->file, number, &f->arena, &f->header, why);
	if (e)
		return e;
	f->samples = malloc((size_t)image_frame_bytes(d));
	if (!f->samples)
		return fail(why, ERR_NOMEM, "no memory for a frame of %llu bytes", (unsigned long long)image_frame_bytes(d));
	return decode(f, im, number, at_least, why);
}

void frame_fini(struct frame *f)
{
	arena_fini(&f->arena);
	free(f->samples);
	f->samples = NULL;
}

enum err image_read_state(const char *path, struct arena *a, struct dataset **out, struct why *why)
{
	char *text;
	size_t len;
	struct part10 meta;
	enum err e = durable_slurp(path, STATE_MAX, &text, &len, why);
	if (e)
		return e;
	struct bytes all = bytes_of(text, len);
	e = part10_read(all, &meta, why);
	const struct ts *ts = e ? NULL : ts_find(meta.transfer_syntax.s);
	if (!e && (!ts || ts->is_deflated))
		e = fail(why, ERR_UNSUPPORTED, "a presentation state in %s", ts ? ts->name : meta.transfer_syntax.s);
	if (!e)
		e = dataset_parse(a, bytes_of(all.p + meta.dataset_at, len - meta.dataset_at), ds_encoding_of(ts), out, why);
	free(text);
	return e == ERR_MORE ? fail(why, ERR_FORMAT, "the file ends within its meta header") : e;
}
