/* show - one frame of a DICOM file on the terminal, or as a PNG.
 *
 *   viewer-cli show FILE [--png OUT] [--window CENTRE,WIDTH] [--frame N] [--size WxH]
 */
#include <fcntl.h>
#include <getopt.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pacs/xcode/image_file.h"
#include "viewer-cli/screen.h"
#include "viewer-cli/viewer.h"

struct show {
	const char *file, *png;
	unsigned frame;          /* from 1 */
	struct render_options render;
};

static const char usage[] = "usage: viewer-cli show FILE [--png OUT] [--window CENTRE,WIDTH] [--frame N] [--size WxH]\n";

static bool read_window(const char *s, struct render_options *o)
{
	char *end;
	o->centre = strtod(s, &end);
	if (end == s || *end != ',')
		return false;
	s = end + 1;
	o->width = strtod(s, &end);
	o->has_window = end != s && *end == 0 && o->width > 0;
	return o->has_window;
}

static bool read_count(const char *s, const char **rest, unsigned *out)
{
	char *end;
	unsigned long v = strtoul(s, &end, 10);
	if (end == s || *s == '-' || v < 1 || v > BOUND_FRAMES)
		return false;
	*out = (unsigned)v;
	*rest = end;
	return true;
}

static bool read_option(int c, struct show *s)
{
	const char *rest = "";
	switch (c) {
	case 'p': s->png = optarg; return true;
	case 'w': return read_window(optarg, &s->render);
	case 'f': return read_count(optarg, &rest, &s->frame) && !*rest;
	case 's': return read_count(optarg, &rest, &s->render.max_width) && *rest == 'x' && read_count(rest + 1, &rest, &s->render.max_height) && !*rest;
	default: return false;
	}
}

static bool read_arguments(int argc, char **argv, struct show *s)
{
	static const struct option options[] = {
		{ "png", required_argument, NULL, 'p' }, { "window", required_argument, NULL, 'w' },
		{ "frame", required_argument, NULL, 'f' }, { "size", required_argument, NULL, 's' }, { 0 },
	};
	optind = 0;      /* begin anew: main has read options before the command */
	for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;)
		if (!read_option(c, s))
			return false;
	s->file = argv[optind];
	return optind + 1 == argc;
}

static enum err print_picture(const struct show *s, const struct picture *p, struct why *why)
{
	return s->png ? png_write(p, s->png, why) : screen_print(p, stdout, why);
}

static enum err show_frame(struct show *s, struct image_file *f, struct why *why)
{
	char photometric[17];
	struct picture p = { 0 };
	enum err e = image_file_index(f, why);
	if (!e && s->frame > f->desc.frames)
		e = fail(why, ERR_NOT_FOUND, "frame %u of %u", s->frame, f->desc.frames);
	if (e)
		return e;
	uint8_t *samples = malloc((size_t)image_frame_bytes(&f->desc));
	if (!samples)
		return fail(why, ERR_NOMEM, "no memory for a frame of %llu bytes", (unsigned long long)image_frame_bytes(&f->desc));
	e = image_file_frame(f, s->frame - 1, samples, photometric, why);
	if (!e)
		e = render_frame(f->header, &f->desc, photometric, samples, &s->render, &p, why);
	if (!e)
		e = print_picture(s, &p, why);
	picture_fini(&p);
	free(samples);
	return e;
}

static enum err show_file(struct show *s, struct why *why)
{
	struct image_file f;
	struct stat st;
	int fd = open(s->file, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return fail_errno(why, ERR_IO, "opening it");
	void *p = fstat(fd, &st) || st.st_size == 0 ? MAP_FAILED : mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	if (p == MAP_FAILED)
		return fail(why, ERR_FORMAT, "no file with anything in it");
	enum err e = image_file_init(&f, bytes_of(p, (size_t)st.st_size), why);
	if (!e)
		e = show_frame(s, &f, why);
	image_file_fini(&f);
	munmap(p, (size_t)st.st_size);
	return e;
}

int viewer_show(int argc, char **argv)
{
	struct show s = { .frame = 1 };
	struct why why = { "" };
	if (!read_arguments(argc, argv, &s)) {
		fputs(usage, stderr);
		return VIEWER_USAGE;
	}
	if (!s.png && !s.render.max_width)
		screen_size(&s.render.max_width, &s.render.max_height);
	if (show_file(&s, &why))
		return viewer_fail("showing %s: %s", s.file, why.text);
	return VIEWER_OK;
}
