#include "viewer-cli/model.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "viewer-cli/text.h"

enum { CINE_MS = 100, CINE_LEAST_MS = 20 };

static const struct look as_it_is = { .zoom = 1, .x = 0.5, .y = 0.5 };

void model_init(struct model *m, unsigned columns, unsigned lines)
{
	*m = (struct model){ .columns = columns, .lines = lines };
	for (unsigned i = 0; i < 2; i++)
		m->panes[i] = (struct pane){ .image = -1, .look = as_it_is };
}

void model_fini(struct model *m)
{
	free(m->rows);
	m->rows = NULL;
}

void model_say(struct model *m, const char *words)
{
	snprintf(m->message, sizeof(m->message), "%s", words);
}

/* ---- the list ---- */

static unsigned page(const struct model *m)
{
	return m->lines > 6 ? m->lines - 5 : 1;          /* title, heads, rule, message, keys */
}

static void keep_in_sight(struct model *m)
{
	if (m->at >= m->rows_n)
		m->at = m->rows_n ? m->rows_n - 1 : 0;
	if (m->at < m->top)
		m->top = m->at;
	if (m->at >= m->top + page(m))
		m->top = m->at - page(m) + 1;
}

static const struct model_row *find_row(const struct model *m, const char *uid)
{
	for (size_t i = 0; i < m->rows_n; i++)
		if (!strcmp(m->rows[i].e.uid.s, uid))
			return &m->rows[i];
	return NULL;
}

static bool is_other(const struct model_row *a, const struct model_row *b)
{
	return strcmp(a->e.state, b->e.state) || strcmp(a->e.priority, b->e.priority) || strcmp(a->e.expected, b->e.expected) ||
	       strcmp(a->e.patient, b->e.patient) || strcmp(a->e.comments, b->e.comments) || a->e.images != b->e.images;
}

void model_listed(struct model *m, struct model_row *rows, size_t n)
{
	char selected[sizeof(m->rows->e.uid.s)] = "";
	size_t at = m->at;
	if (m->at < m->rows_n)
		memcpy(selected, m->rows[m->at].e.uid.s, sizeof(selected));
	for (size_t i = 0; i < n; i++) {
		const struct model_row *was = find_row(m, rows[i].e.uid.s);
		rows[i].mark = !m->is_listed ? ROW_OLD : !was ? ROW_NEW : is_other(was, &rows[i]) ? ROW_CHANGED : was->mark;
		if (!strcmp(rows[i].e.uid.s, selected))
			at = i;
	}
	free(m->rows);
	m->rows = rows;
	m->rows_n = n;
	m->at = at;
	m->is_listed = true;
	m->trouble[0] = 0;
	keep_in_sight(m);
}

void model_list_failed(struct model *m, const char *why)
{
	snprintf(m->trouble, sizeof(m->trouble), "%s", why);
}

/* ---- the case ---- */

static void open_case(struct model *m, const struct model_row *row)
{
	m->open = *row;
	m->mode = MODE_CASE;
	m->stage = row->is_mine ? CASE_PULLING : CASE_CLAIMING;
	m->folder = NULL;
	m->focus = 0;
	m->is_side_by_side = m->is_playing = m->is_touched = false;
	m->pulled = (struct pull_count_view){ .all = row->e.images };
	for (unsigned i = 0; i < 2; i++)
		m->panes[i] = (struct pane){ .image = -1, .look = as_it_is };
}

static void close_case(struct model *m)
{
	m->mode = MODE_LIST;
	m->stage = CASE_NONE;
	m->folder = NULL;
	m->is_playing = false;
	m->panes[0].image = m->panes[1].image = -1;
}

void model_claimed(struct model *m)
{
	m->open.is_mine = true;
	m->stage = CASE_PULLING;
}

void model_claim_failed(struct model *m, const char *why)
{
	close_case(m);
	model_say(m, why);
}

void model_stage(struct model *m, enum case_stage stage)
{
	if (m->mode == MODE_CASE && m->stage != CASE_ENDING)
		m->stage = stage;
}

void model_progress(struct model *m, unsigned stored, unsigned all, uint64_t bytes, bool is_prior)
{
	m->pulled = (struct pull_count_view){ stored, all, bytes, is_prior };
}

void model_ended(struct model *m, const char *said)
{
	close_case(m);
	model_say(m, said);
}

void model_end_failed(struct model *m, const char *why)
{
	m->stage = CASE_READY;
	model_say(m, why);
}

const struct folder_image *model_image(const struct model *m, unsigned pane)
{
	int at = m->panes[pane].image;
	return m->folder && at >= 0 && at < (int)m->folder->n ? &m->folder->images[at] : NULL;
}

const struct folder_state *model_state(const struct model *m, unsigned pane)
{
	const struct folder_image *im = model_image(m, pane);
	return im ? folder_state(m->folder, im->sop.s, m->panes[pane].look.state) : NULL;
}

static int find_image(const struct folder *f, const char *sop)
{
	for (unsigned i = 0; i < f->n; i++)
		if (!strcmp(f->images[i].sop.s, sop))
			return (int)i;
	return -1;
}

/* The same state under the number that it has now; 0: it is gone. */
static unsigned find_state(const struct folder *f, const char *sop, const char *path)
{
	const struct folder_state *s;
	for (unsigned n = 1; (s = folder_state(f, sop, n)); n++)
		if (!strcmp(s->path, path))
			return n;
	return 0;
}

/* More images may have come: what is looked at stays what is looked at, once somebody looks; until then the first is shown. */
unsigned model_folder(struct model *m, const struct folder *f)
{
	for (unsigned i = 0; i < 2; i++) {
		const struct folder_image *was = model_image(m, i);
		const struct folder_state *state = model_state(m, i);
		m->panes[i].image = was ? find_image(f, was->sop.s) : -1;
		m->panes[i].look.state = state ? find_state(f, was->sop.s, state->path) : 0;
	}
	m->folder = f;
	if ((m->panes[0].image < 0 || !m->is_touched) && f->n)
		m->panes[0].image = 0;
	if (m->panes[1].image < 0 && m->is_side_by_side)
		m->panes[1].image = folder_study(f, m->panes[0].image);
	return WISH_REDRAW;
}

void model_drawn(struct model *m, unsigned pane, const struct drawn *d, const char *says)
{
	m->panes[pane].drawn = *d;
	if (*says)
		model_say(m, says);
}

/* ---- keys on an image ---- */

static const struct { const char *name; double centre, width; } presets[] = {
	{ N_("soft tissue"), 40, 400 }, { N_("lung"), -600, 1500 }, { N_("bone"), 300, 1500 }, { N_("brain"), 40, 80 }, { N_("abdomen"), 60, 350 },
};

static void set_window(struct pane *p, double centre, double width)
{
	p->look.has_window = true;
	p->look.centre = centre;
	p->look.width = width < 1 ? 1 : width;
	/* Told back by the next drawing; until then more keys reckon from here. */
	p->drawn.centre = centre;
	p->drawn.width = p->look.width;
}

static unsigned next_preset(struct model *m, struct pane *p)
{
	const struct folder_image *im = model_image(m, m->focus);
	if (!im || strcmp(im->modality, "CT")) {
		model_say(m, _("Presets are for CT. 1 to 9: the image's own windows."));
		return 0;
	}
	m->preset = (m->preset + 1) % NELEM(presets);
	set_window(p, presets[m->preset].centre, presets[m->preset].width);
	model_say(m, _(presets[m->preset].name));
	return WISH_REDRAW;
}

unsigned look_turns(const struct look *l, const struct drawn *d)
{
	return (l->turns + (l->is_flipped ? 4 - d->turns : d->turns)) & 3;
}

bool look_flips(const struct look *l, const struct drawn *d)
{
	return l->is_flipped != d->is_flipped;
}

/* Which way on the image is right (1, 0) or down (0, 1) on the screen. */
static unsigned pan(struct pane *p, double x, double y)
{
	static const int way[4][4] = { { 1, 0, 0, 1 }, { 0, 1, -1, 0 }, { -1, 0, 0, -1 }, { 0, -1, 1, 0 } };
	struct look *l = &p->look;
	const int *w = way[look_turns(l, &p->drawn)];
	double dx = (w[0] * x + w[1] * y) / l->zoom / 5, dy = (w[2] * x + w[3] * y) / l->zoom / 5;
	l->x = fmin(1, fmax(0, l->x + (look_flips(l, &p->drawn) ? -dx : dx)));
	l->y = fmin(1, fmax(0, l->y + dy));
	return WISH_REDRAW;
}

static unsigned go(struct model *m, struct pane *p, int image)
{
	if (image < 0 || image == p->image)
		return 0;
	const struct folder *f = m->folder;
	/* Another series is another kind of picture: its own window, all of it. */
	if (p->image < 0 || strcmp(f->images[image].series.s, f->images[p->image].series.s) != 0)
		p->look = (struct look){ .zoom = 1, .x = 0.5, .y = 0.5, .no_overlays = p->look.no_overlays };
	/* A state goes along only where it names the next image too; another of the same number is another. */
	const struct folder_state *state = p->image < 0 ? NULL : folder_state(f, f->images[p->image].sop.s, p->look.state);
	p->look.state = state ? find_state(f, f->images[image].sop.s, state->path) : 0;
	p->image = image;
	p->frame = 0;
	return WISH_REDRAW;
}

static unsigned step_frame(struct model *m, struct pane *p, int by)
{
	const struct folder_image *im = model_image(m, m->focus);
	if (!im || im->frames < 2)
		return 0;
	p->frame = (unsigned)(((int64_t)p->frame + by + im->frames) % im->frames);
	return WISH_REDRAW;
}

static unsigned frame_ms(const struct model *m)
{
	const struct folder_image *im = model_image(m, m->focus);
	unsigned ms = im && im->frame_ms ? im->frame_ms : CINE_MS;
	return ms < CINE_LEAST_MS ? CINE_LEAST_MS : ms;
}

static unsigned play(struct model *m, int64_t now_ms)
{
	const struct folder_image *im = model_image(m, m->focus);
	if (!im || im->frames < 2) {
		model_say(m, _("This image has one frame only."));
		return 0;
	}
	m->is_playing = !m->is_playing;
	m->next_frame_ms = now_ms + frame_ms(m);
	return WISH_REDRAW;
}

static unsigned toggle_sides(struct model *m)
{
	m->is_side_by_side = !m->is_side_by_side;
	m->is_playing = false;
	m->focus = 0;
	if (m->is_side_by_side && m->panes[1].image < 0 && m->folder)
		m->panes[1].image = folder_study(m->folder, m->panes[0].image);
	return WISH_REDRAW;
}

/* The window: narrower, wider, darker, brighter, by parts of its width. */
static unsigned window_key(struct pane *p, unsigned key)
{
	double step = p->drawn.width / 10 < 1 ? 1 : p->drawn.width / 10;
	if (!p->drawn.is_grey)
		return 0;
	set_window(p, p->drawn.centre + (key == 'l' ? -step : key == 'L' ? step : 0), p->drawn.width + (key == 'w' ? -step : key == 'W' ? step : 0));
	return WISH_REDRAW;
}

static unsigned number_key(struct model *m, struct pane *p, unsigned n)
{
	if (n > 1 && n > p->drawn.windows) {
		char words[120];
		snprintf(words, sizeof(words), _("This image has %u windows."), p->drawn.windows);
		model_say(m, words);
		return 0;
	}
	p->look.has_window = false;
	p->look.number = p->drawn.windows ? n : 0;
	return WISH_REDRAW;
}

/* The next presentation state, and behind the last the image by itself. Each begins as it was made. */
static unsigned next_state(struct model *m, struct pane *p)
{
	const struct folder_image *im = model_image(m, m->focus);
	unsigned n = im ? folder_states(m->folder, im->sop.s) : 0;
	if (!n) {
		model_say(m, _("No presentation state is for this image."));
		return 0;
	}
	p->look = (struct look){ .zoom = 1, .x = 0.5, .y = 0.5, .no_overlays = p->look.no_overlays, .state = (p->look.state + 1) % (n + 1) };
	if (!p->look.state)
		model_say(m, _("Without presentation state."));
	return WISH_REDRAW;
}

static unsigned zoom_by(struct look *l, double by)
{
	l->zoom = fmin(32, fmax(1, l->zoom * by));
	if (l->zoom < 1.01)
		l->x = l->y = 0.5;
	return WISH_REDRAW;
}

static unsigned look_key(struct model *m, unsigned key)
{
	struct pane *p = &m->panes[m->focus];
	struct look *l = &p->look;
	switch (key) {
	case 'w': case 'W': case 'l': case 'L': return window_key(p, key);
	case 'v': return next_preset(m, p);
	case 'a': return next_state(m, p);
	case '+': case '=': return zoom_by(l, 1.25);
	case '-': return zoom_by(l, 0.8);
	case '0': *l = as_it_is; return WISH_REDRAW;
	case KEY_LEFT: return pan(p, -1, 0);
	case KEY_RIGHT: return pan(p, 1, 0);
	case KEY_UP: return pan(p, 0, -1);
	case KEY_DOWN: return pan(p, 0, 1);
	case 'i': l->is_inverted = !l->is_inverted; return WISH_REDRAW;
	case 'o': l->no_overlays = !l->no_overlays; return WISH_REDRAW;
	case 't': l->turns = (l->turns + 1) & 3; return WISH_REDRAW;
	/* What is seen changes sides: a flip behind the turn. */
	case 'f': l->is_flipped = !l->is_flipped; l->turns = (4 - l->turns) & 3; return WISH_REDRAW;
	default: return key >= '1' && key <= '9' ? number_key(m, p, key - '0') : 0;
	}
}

static unsigned way_key(struct model *m, unsigned key, int64_t now_ms)
{
	struct pane *p = &m->panes[m->focus];
	const struct folder *f = m->folder;
	m->is_touched = true;
	switch (key) {
	case 'n': case KEY_PAGE_DOWN: return go(m, p, folder_step(f, p->image, 1));
	case 'p': case KEY_PAGE_UP: return go(m, p, folder_step(f, p->image, -1));
	case ']': return go(m, p, folder_series(f, p->image, 1));
	case '[': return go(m, p, folder_series(f, p->image, -1));
	case '}': return go(m, p, folder_study(f, p->image));
	case '.': m->is_playing = false; return step_frame(m, p, 1);
	case ',': m->is_playing = false; return step_frame(m, p, -1);
	case ' ': return play(m, now_ms);
	case 's': return toggle_sides(m);
	case KEY_TAB:
		if (m->is_side_by_side) {
			m->focus = !m->focus;
			m->is_playing = false;
		}
		return WISH_REDRAW;
	default: return look_key(m, key);
	}
}

static unsigned case_key(struct model *m, unsigned key, int64_t now_ms)
{
	bool is_settled = m->stage != CASE_CLAIMING && m->stage != CASE_ENDING;
	switch (key) {
	case 'b': case KEY_ESCAPE: case KEY_BACKSPACE:
		if (m->stage == CASE_ENDING)
			return 0;
		if (m->open.is_mine)
			model_say(m, _("The case stays claimed; it is marked in the list."));
		close_case(m);
		return WISH_CLOSE | WISH_REFRESH;
	case 'c': case 'x':
		if (is_settled)
			m->dialog = key == 'c' ? DIALOG_COMPLETE : DIALOG_RELEASE;
		return 0;
	default: return m->folder ? way_key(m, key, now_ms) : 0;
	}
}

/* ---- keys in the list and in dialogs ---- */

static unsigned list_key(struct model *m, unsigned key)
{
	size_t last = m->rows_n ? m->rows_n - 1 : 0, step = page(m);
	switch (key) {
	case KEY_UP: case 'k': m->at -= m->at > 0; break;
	case KEY_DOWN: case 'j': m->at += m->at < last; break;
	case KEY_PAGE_UP: m->at -= m->at < step ? m->at : step; break;
	case KEY_PAGE_DOWN: m->at = m->at + step > last ? last : m->at + step; break;
	case KEY_HOME: case 'g': m->at = 0; break;
	case KEY_END: case 'G': m->at = last; break;
	case 'r': return WISH_REFRESH;
	case KEY_ENTER:
		if (m->at < m->rows_n) {
			open_case(m, &m->rows[m->at]);
			return WISH_OPEN;
		}
		break;
	default: return 0;
	}
	/* What has been looked over is no news any more. */
	for (size_t i = 0; i < m->rows_n; i++)
		m->rows[i].mark = ROW_OLD;
	keep_in_sight(m);
	return 0;
}

static const char *const reasons[RELEASE_REASONS] = { "rejected", "quality", "specialist", "incomplete" };

const char *model_reason(const struct model *m, unsigned key)
{
	(void)m;
	return key >= '1' && key < '1' + RELEASE_REASONS ? reasons[key - '1'] : NULL;
}

static unsigned dialog_key(struct model *m, unsigned key)
{
	enum model_dialog d = m->dialog;
	m->dialog = DIALOG_NONE;
	if (d == DIALOG_COMPLETE && (key == 'y' || key == 'Y')) {
		m->stage = CASE_ENDING;
		return WISH_COMPLETE;
	}
	if (d == DIALOG_RELEASE && model_reason(m, key)) {
		m->stage = CASE_ENDING;
		return WISH_RELEASE;
	}
	if (d == DIALOG_QUIT && (key == 'y' || key == 'Y' || key == 'q'))
		return WISH_QUIT;
	return WISH_REDRAW;
}

unsigned model_key(struct model *m, unsigned key, int64_t now_ms)
{
	m->message[0] = 0;
	if (key == KEY_CTRL_C)
		return WISH_QUIT;
	if (m->dialog != DIALOG_NONE)
		return dialog_key(m, key);
	if (key == '?') {
		m->dialog = DIALOG_HELP;
		m->is_playing = false;
		return WISH_REDRAW;
	}
	if (key == KEY_CTRL_L)
		return WISH_REDRAW;
	if (key == 'q') {
		if (m->mode == MODE_LIST)
			return WISH_QUIT;
		m->dialog = DIALOG_QUIT;
		return 0;
	}
	return m->mode == MODE_LIST ? list_key(m, key) : case_key(m, key, now_ms);
}

unsigned model_resize(struct model *m, unsigned columns, unsigned lines)
{
	m->columns = columns;
	m->lines = lines;
	keep_in_sight(m);
	return WISH_REDRAW;
}

/* ---- time ---- */

unsigned model_tick(struct model *m, int64_t now_ms)
{
	const struct folder_image *im = model_image(m, m->focus);
	if (!m->is_playing || m->dialog != DIALOG_NONE || !im || now_ms < m->next_frame_ms)
		return 0;
	/* A terminal that is slower than the cine loses frames, not time. */
	int64_t ms = frame_ms(m), late = (now_ms - m->next_frame_ms) / ms;
	m->next_frame_ms += (late + 1) * ms;
	m->panes[m->focus].frame = (unsigned)((m->panes[m->focus].frame + 1 + late) % im->frames);
	return WISH_REDRAW;
}

int model_wait_ms(const struct model *m, int64_t now_ms)
{
	if (!m->is_playing || m->dialog != DIALOG_NONE)
		return -1;
	return now_ms >= m->next_frame_ms ? 0 : (int)(m->next_frame_ms - now_ms);
}
