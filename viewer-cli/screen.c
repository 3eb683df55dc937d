#include "viewer-cli/screen.h"

#include <chafa.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { COLUMNS = 80, LINES = 24, CELL_WIDTH = 10, CELL_HEIGHT = 20 };

struct cells { int columns, lines, width, height; };     /* of the screen; of one cell in pixels */

static struct cells measure(void)
{
	struct winsize w = { 0 };
	struct cells c = { COLUMNS, LINES, CELL_WIDTH, CELL_HEIGHT };
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) || w.ws_col == 0 || w.ws_row == 0)
		return c;
	c.columns = w.ws_col;
	c.lines = w.ws_row;
	if (w.ws_xpixel >= w.ws_col && w.ws_ypixel >= w.ws_row) {
		c.width = w.ws_xpixel / w.ws_col;
		c.height = w.ws_ypixel / w.ws_row;
	}
	return c;
}

void screen_size(unsigned *width, unsigned *height)
{
	struct cells c = measure();
	*width = (unsigned)(c.columns * c.width);
	*height = (unsigned)(c.lines * c.height);
}

static bool can(const ChafaTermInfo *t, ChafaTermSeq seq)
{
	return chafa_term_info_have_seq(t, seq);
}

static ChafaPixelMode choose_pixels(const ChafaTermInfo *t)
{
	return can(t, CHAFA_TERM_SEQ_BEGIN_KITTY_IMMEDIATE_IMAGE_V1) ? CHAFA_PIXEL_MODE_KITTY
		: can(t, CHAFA_TERM_SEQ_BEGIN_SIXELS) ? CHAFA_PIXEL_MODE_SIXELS : CHAFA_PIXEL_MODE_SYMBOLS;
}

static ChafaCanvasMode choose_colours(const ChafaTermInfo *t)
{
	return can(t, CHAFA_TERM_SEQ_SET_COLOR_FGBG_DIRECT) ? CHAFA_CANVAS_MODE_TRUECOLOR
		: can(t, CHAFA_TERM_SEQ_SET_COLOR_FGBG_256) ? CHAFA_CANVAS_MODE_INDEXED_240
		: can(t, CHAFA_TERM_SEQ_SET_COLOR_FGBG_16) ? CHAFA_CANVAS_MODE_INDEXED_16 : CHAFA_CANVAS_MODE_FGBG;
}

static void choose_geometry(ChafaCanvasConfig *config, const struct picture *p, const struct cells *c, int columns, int lines)
{
	gint width = columns, height = lines;
	chafa_calc_canvas_geometry((gint)p->width, (gint)p->height, &width, &height, (gfloat)c->width / (gfloat)c->height, TRUE, FALSE);
	chafa_canvas_config_set_geometry(config, width, height);
	chafa_canvas_config_set_cell_geometry(config, c->width, c->height);
}

static void choose_symbols(ChafaCanvasConfig *config, bool is_plain)
{
	ChafaSymbolMap *map = chafa_symbol_map_new();
	chafa_symbol_map_add_by_tags(map, is_plain ? CHAFA_SYMBOL_TAG_ASCII : CHAFA_SYMBOL_TAG_BLOCK | CHAFA_SYMBOL_TAG_HALF | CHAFA_SYMBOL_TAG_QUAD | CHAFA_SYMBOL_TAG_SPACE);
	chafa_canvas_config_set_symbol_map(config, map);
	chafa_symbol_map_unref(map);
}

static ChafaTermInfo *detect(void)
{
	gchar **env = g_get_environ();
	/* A screenful is drawn in milliseconds; threads of its own would take the processor from codecs. */
	chafa_set_n_threads(1);
	ChafaTermInfo *t = chafa_term_db_detect(chafa_term_db_get_default(), env);
	g_strfreev(env);
	return t;
}

static ChafaCanvasConfig *configure(const struct picture *p, const ChafaTermInfo *t, const struct cells *cells, int columns, int lines, bool is_plain)
{
	ChafaCanvasConfig *config = chafa_canvas_config_new();
	chafa_canvas_config_set_pixel_mode(config, is_plain ? CHAFA_PIXEL_MODE_SYMBOLS : choose_pixels(t));
	chafa_canvas_config_set_canvas_mode(config, is_plain ? CHAFA_CANVAS_MODE_FGBG : choose_colours(t));
	choose_geometry(config, p, cells, columns, lines);
	choose_symbols(config, is_plain);
	return config;
}

/* libchafa has no grey of one byte. */
static enum err paint(const struct picture *p, ChafaCanvas *canvas, struct why *why)
{
	size_t n = (size_t)p->width * p->height;
	guint8 *rgb = g_try_malloc(3 * n);
	if (!rgb)
		return fail(why, ERR_NOMEM, "no memory for a picture of %u x %u", p->width, p->height);
	for (size_t i = 0; i < 3 * n; i++)
		rgb[i] = p->channels == 3 ? p->p[i] : p->p[i / 3];
	chafa_canvas_draw_all_pixels(canvas, CHAFA_PIXEL_RGB8, rgb, (gint)p->width, (gint)p->height, (gint)(3 * p->width));
	g_free(rgb);
	return ERR_OK;
}

enum err screen_print(const struct picture *p, FILE *out, struct why *why)
{
	bool is_plain = !isatty(fileno(out));
	struct cells cells = measure();
	ChafaTermInfo *t = detect();
	/* One line is left for the prompt. */
	ChafaCanvasConfig *config = configure(p, t, &cells, cells.columns, cells.lines > 2 ? cells.lines - 1 : 1, is_plain);
	ChafaCanvas *canvas = chafa_canvas_new(config);
	enum err e = paint(p, canvas, why);
	if (!e) {
		GString *text = chafa_canvas_print(canvas, t);
		if (fwrite(text->str, 1, text->len, out) != text->len || fputc('\n', out) == EOF)
			e = fail_errno(why, ERR_IO, "writing to the terminal");
		g_string_free(text, TRUE);
	}
	chafa_canvas_unref(canvas);
	chafa_canvas_config_unref(config);
	chafa_term_info_unref(t);
	return e;
}

struct screen_cells screen_cells(void)
{
	struct cells c = measure();
	return (struct screen_cells){ (unsigned)c.columns, (unsigned)c.lines, (unsigned)c.width, (unsigned)c.height };
}

/* Symbols come as lines; each is put where it belongs. */
static void place_lines(const char *text, size_t len, unsigned column, unsigned line, struct buf *out)
{
	for (const char *end = text + len; text < end; line++) {
		const char *newline = memchr(text, '\n', (size_t)(end - text)), *stop = newline ? newline : end;
		buf_printf(out, "\033[%u;%uH", line + 1, column + 1);
		buf_add(out, text, (size_t)(stop - text));
		text = newline ? newline + 1 : end;
	}
	buf_add_str(out, "\033[0m");
}

enum err screen_draw(const struct picture *p, unsigned column, unsigned line, unsigned columns, unsigned lines, struct buf *out, bool *is_graphic, struct why *why)
{
	struct cells cells = measure();
	ChafaTermInfo *t = detect();
	ChafaCanvasConfig *config = configure(p, t, &cells, (int)columns, (int)lines, false);
	gint width, height;
	chafa_canvas_config_get_geometry(config, &width, &height);
	*is_graphic = chafa_canvas_config_get_pixel_mode(config) != CHAFA_PIXEL_MODE_SYMBOLS;
	ChafaCanvas *canvas = chafa_canvas_new(config);
	enum err e = paint(p, canvas, why);
	column += (columns - (unsigned)width) / 2;
	line += (lines - (unsigned)height) / 2;
	if (!e) {
		GString *text = chafa_canvas_print(canvas, t);
		if (*is_graphic)
			buf_printf(out, "\033[%u;%uH", line + 1, column + 1), buf_add(out, text->str, text->len);
		else
			place_lines(text->str, text->len, column, line, out);
		g_string_free(text, TRUE);
		if (buf_err(out))
			e = fail(why, buf_err(out), "a picture of over %zu bytes for the terminal", out->max);
	}
	chafa_canvas_unref(canvas);
	chafa_canvas_config_unref(config);
	chafa_term_info_unref(t);
	return e;
}
