/* show - one frame of a DICOM file on the terminal, or as a PNG or JPEG; see help.c. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "pacs/base/durable.h"
#include "pacs/dicom/charset_detect.h"
#include "viewer-cli/image.h"
#include "viewer-cli/screen.h"
#include "viewer-cli/viewer.h"

enum { QUALITY = 92, FILE_MAX = 1 << 30 };

struct show {
	const char *file, *png, *jpeg, *state;
	unsigned frame;          /* from 1 */
	unsigned thumbnail;      /* the longer side; 0: none is wanted */
	struct render_options render;
};

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

/* "C,W", "#N", or a name; a number alone is half of the first. */
static bool read_window(const char *s, struct grey_choice *c)
{
	char *end;
	*c = (struct grey_choice){ .is_inverted = c->is_inverted };
	if (*s == '#') {
		const char *rest = "";
		return read_count(s + 1, &rest, &c->number) && !*rest;
	}
	c->centre = strtod(s, &end);
	if (end != s && *end == ',') {
		s = end + 1;
		c->width = strtod(s, &end);
		c->has_window = end != s && *end == 0 && c->width > 0;
		return c->has_window;
	}
	c->name = s;
	return *s && (end == s || *end);
}

static bool read_option(int c, struct show *s)
{
	const char *rest = "";
	switch (c) {
	case 'p': s->png = optarg; return true;
	case 'j': s->jpeg = optarg; return true;
	case 'w': return read_window(optarg, &s->render.grey);
	case 'f': return read_count(optarg, &rest, &s->frame) && !*rest;
	case 's': return read_count(optarg, &rest, &s->render.max_width) && *rest == 'x' && read_count(rest + 1, &rest, &s->render.max_height) && !*rest;
	case 't': return read_count(optarg, &rest, &s->thumbnail) && !*rest;
	case 'S': s->state = optarg; return true;
	case 'i': s->render.grey.is_inverted = true; return true;
	case 'o': s->render.no_overlays = true; return true;
	case 'h': s->render.no_shutter = true; return true;
	case 'a': s->render.as_stored = true; return true;
	case 'e': s->render.may_enlarge = true; return true;
	default: return false;
	}
}

static bool read_arguments(int argc, char **argv, struct show *s)
{
	static const struct option options[] = {
		{ "png", required_argument, NULL, 'p' },     { "jpeg", required_argument, NULL, 'j' },      { "window", required_argument, NULL, 'w' },
		{ "frame", required_argument, NULL, 'f' },   { "size", required_argument, NULL, 's' },      { "thumbnail", required_argument, NULL, 't' },
		{ "state", required_argument, NULL, 'S' },   { "invert", no_argument, NULL, 'i' },          { "no-overlays", no_argument, NULL, 'o' },
		{ "no-shutter", no_argument, NULL, 'h' },    { "as-stored", no_argument, NULL, 'a' },       { "enlarge", no_argument, NULL, 'e' }, { 0 },
	};
	optind = 0;      /* begin anew: main has read options before the command */
	for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;)
		if (!read_option(c, s))
			return false;
	s->file = argv[optind];
	return optind + 1 == argc && !(s->thumbnail && s->state);
}

/* ---- out ---- */

static enum err write_file(const char *path, const struct buf *b, struct why *why)
{
	FILE *f = fopen(path, "wbe");
	if (!f)
		return fail_errno(why, ERR_IO, "writing %s", path);
	bool bad = fwrite(b->p, 1, b->len, f) != b->len;
	int saved = errno;
	bad |= fclose(f) != 0;
	if (bad && !errno)
		errno = saved;
	return bad ? fail_errno(why, ERR_IO, "writing %s", path) : ERR_OK;
}

static enum err write_picture(const struct show *s, const struct picture *p, struct why *why)
{
	struct buf b;
	buf_init(&b, FILE_MAX);
	enum err e = s->png ? picture_png(p, &b, why) : picture_jpeg(p, QUALITY, &b, why);
	if (!e)
		e = write_file(s->png ? s->png : s->jpeg, &b, why);
	buf_fini(&b);
	return e;
}

static void print_text(void *arg, const struct element *text)
{
	struct charset_verdict charset;
	struct buf b;
	buf_init(&b, BOUND_ELEMENT);
	charset_judge(arg, "", NULL, &charset);
	charset_read(&charset, text->vr, text->value, &b);
	/* A text of somebody's shall not steer the terminal. */
	for (const unsigned char *p = (const unsigned char *)buf_cstr(&b); *p; p++)
		putchar(*p < ' ' && *p != '\n' && *p != '\t' ? ' ' : *p == 0x7f ? ' ' : *p);
	putchar('\n');
	buf_fini(&b);
}

static enum err put_picture(const struct show *s, const struct picture *p, struct dataset *state_ds, struct why *why)
{
	enum err e = s->png || s->jpeg ? write_picture(s, p, why) : screen_print(p, stdout, why);
	if (!e && s->render.state)
		state_texts(s->render.state, print_text, state_ds);
	return e;
}

/* ---- in ---- */

static enum err draw(struct show *s, struct frame *f, struct picture *out, struct why *why)
{
	if (s->thumbnail) {
		s->render.max_width = s->render.max_height = s->thumbnail;
		/* Their places are told in pixels of the whole picture. */
		s->render.no_overlays |= f->is_small;
		s->render.no_shutter |= f->is_small;
	}
	return render_frame(f->header, &f->desc, f->photometric, f->samples, &s->render, out, why);
}

static enum err show_image(struct show *s, struct image *im, struct dataset *state_ds, struct why *why)
{
	struct picture p = { .p = NULL };
	struct state state;
	struct frame f;
	s->render.frame = s->frame - 1;
	enum err e = frame_load(&f, im, s->frame - 1, s->thumbnail, why);
	if (!e && state_ds) {
		e = state_read(state_ds, im->file.meta.sop_instance.s, s->frame - 1, &state, why);
		s->render.state = &state;
	}
	if (!e)
		e = draw(s, &f, &p, why);
	if (!e)
		e = put_picture(s, &p, state_ds, why);
	picture_fini(&p);
	frame_fini(&f);
	return e;
}

static enum err show_file(struct show *s, struct why *why)
{
	struct dataset *state_ds = NULL;
	struct arena a;
	struct image im = { .map = NULL };
	arena_init(&a, BOUND_PICTURE_HEADER);
	enum err e = s->state ? image_read_state(s->state, &a, &state_ds, why) : ERR_OK;
	if (!e)
		e = image_open(&im, s->file, why);
	if (!e)
		e = show_image(s, &im, state_ds, why);
	image_close(&im);
	arena_fini(&a);
	return e;
}

int viewer_show(int argc, char **argv)
{
	struct show s = { .frame = 1 };
	struct why why = { "" };
	if (!read_arguments(argc, argv, &s)) {
		viewer_help("show");
		return VIEWER_USAGE;
	}
	if (!s.png && !s.jpeg && !s.render.max_width)
		screen_size(&s.render.max_width, &s.render.max_height);
	if (show_file(&s, &why))
		return viewer_fail("showing %s: %s", s.file, why.text);
	return VIEWER_OK;
}
