#include "viewer-cli/compose.h"

#include <stdio.h>

#include "pacs/base/table.h"
#include "viewer-cli/text.h"

enum { HEAD_LINES = 2, FOOT_LINES = 3, LEAST_COLUMNS = 20, LEAST_LINES = 8 };

/* ---- pieces ---- */

/* left and right on one line, the right one giving way. */
static void both_ends(struct buf *out, const char *left, const char *right, unsigned columns)
{
	unsigned r = text_width(right);
	if (r + 8 > columns)
		r = 0;
	text_fit(out, left, columns - r, false);
	if (r)
		text_fit(out, right, r, true);
}

/* "20260301081530..." as "03-01 08:15". */
static void short_time(const char *dt, char out[16])
{
	out[0] = 0;
	if (strlen(dt) >= 12)
		snprintf(out, 16, "%.2s-%.2s %.2s:%.2s", dt + 4, dt + 6, dt + 8, dt + 10);
}

/* ---- the list ---- */

struct column { const char *head; unsigned width, least; bool right; };
enum { C_MARK, C_PRIORITY, C_PATIENT, C_ID, C_SEX, C_BORN, C_MODALITY, C_IMAGES, C_DUE, C_LIST, C_NOTE, COLUMNS };
/* least: the screen's columns from which on it is shown. */
static const struct column columns[COLUMNS] = {
	[C_MARK] = { "", 2, 0, false },                  [C_PRIORITY] = { N_("Priority"), 8, 60, false }, [C_PATIENT] = { N_("Patient"), 22, 0, false },
	[C_ID] = { N_("ID"), 14, 70, false },            [C_SEX] = { N_("Sex"), 4, 60, false },           [C_BORN] = { N_("Born"), 10, 90, false },
	[C_MODALITY] = { N_("Modality"), 9, 40, false }, [C_IMAGES] = { N_("Images"), 6, 50, true },      [C_DUE] = { N_("Due"), 12, 50, false },
	[C_LIST] = { N_("List"), 16, 110, false },       [C_NOTE] = { N_("Note"), 24, 130, false },
};

/* DICOM's words as a reader's. */
static const struct { const char *dicom, *word; } words[] = {
	{ "HIGH", N_("urgent") }, { "MEDIUM", N_("normal") }, { "LOW", N_("low") },
	{ "M", N_("male") }, { "F", N_("female") }, { "O", N_("other") },
};

static const char *word_of(const char *dicom)
{
	for (size_t i = 0; i < NELEM(words); i++)
		if (!strcmp(words[i].dicom, dicom))
			return _(words[i].word);
	return dicom;
}

/* The first component group that is not in Latin letters is what a Chinese reader reads; ^ is a blank. */
static void name_of(const char *pn, char out[330])
{
	const char *best = pn, *eq = strchr(pn, '=');
	char latin[330];
	snprintf(latin, sizeof(latin), "%s", pn);
	if (eq)
		latin[eq - pn] = 0;
	if (eq && eq[1] && eq[1] != '=')
		best = eq + 1;
	else
		best = latin;
	snprintf(out, 330, "%s", best);
	char *end = strchr(out, '=');
	if (end)
		*end = 0;
	for (char *p = out; *p; p++)
		*p = *p == '^' ? ' ' : *p;
	for (size_t n = strlen(out); n && out[n - 1] == ' '; n--)
		out[n - 1] = 0;
}

static const char *mark_of(const struct model_row *r)
{
	return r->is_mine ? "▶" : r->mark == ROW_NEW ? "+" : r->mark == ROW_CHANGED ? "*" : "";
}

static void cell_text(const struct model_row *r, unsigned c, char *out, size_t size)
{
	char time[16], name[330];
	switch (c) {
	case C_MARK: snprintf(out, size, "%s", mark_of(r)); break;
	case C_PRIORITY: snprintf(out, size, "%s", word_of(r->e.priority)); break;
	case C_PATIENT: name_of(r->e.patient, name); snprintf(out, size, "%s", name); break;
	case C_ID: snprintf(out, size, "%s", r->e.patient_id); break;
	case C_SEX: snprintf(out, size, "%s", word_of(r->e.sex)); break;
	case C_BORN: snprintf(out, size, strlen(r->e.birth_date) == 8 ? "%.4s-%.2s-%.2s" : "%s", r->e.birth_date, r->e.birth_date + 4, r->e.birth_date + 6); break;
	case C_MODALITY: snprintf(out, size, "%s", r->e.modality); break;
	case C_IMAGES: snprintf(out, size, "%u", r->e.images); break;
	case C_DUE: short_time(r->e.expected, time); snprintf(out, size, "%s", time); break;
	case C_LIST: snprintf(out, size, "%s", r->e.label); break;
	default: snprintf(out, size, "%s", r->e.comments); break;
	}
}

/* r NULL: the heads. */
static void row_line(const struct model *m, const struct model_row *r, struct buf *out)
{
	unsigned left = m->columns;
	char cell[400];
	for (unsigned c = 0; c < COLUMNS && left; c++) {
		const struct column *k = &columns[c];
		if (m->columns < k->least)
			continue;
		if (r)
			cell_text(r, c, cell, sizeof(cell));
		else
			snprintf(cell, sizeof(cell), "%s", *k->head ? _(k->head) : "");
		unsigned width = k->width < left ? k->width : left;
		text_fit(out, cell, width, k->right);
		left -= width;
		text_fit(out, "", left < 2 ? left : c ? 2 : 0, false);
		left -= left < 2 ? left : c ? 2 : 0;
	}
	text_fit(out, "", left, false);
}

static enum line_style list_line(const struct model *m, unsigned n, struct buf *out)
{
	size_t at = m->top + n - HEAD_LINES;
	if (n == 1) {
		row_line(m, NULL, out);
		return LINE_DIM;
	}
	if (at >= m->rows_n) {
		bool says = n == HEAD_LINES && m->rows_n == 0;
		text_fit(out, says ? m->is_listed ? _("  Nothing is waiting to be read.") : _("  Asking the node ...") : "", m->columns, false);
		return LINE_PLAIN;
	}
	const struct model_row *r = &m->rows[at];
	row_line(m, r, out);
	return at == m->at ? LINE_SELECTED : r->is_mine ? LINE_MINE : r->mark != ROW_OLD ? LINE_NEW : !strcmp(r->e.priority, "HIGH") ? LINE_URGENT : LINE_PLAIN;
}

/* ---- the case ---- */

static void date_text(const char *da, char out[16])
{
	snprintf(out, 16, strlen(da) == 8 ? "%.4s-%.2s-%.2s" : "%s", da, strlen(da) == 8 ? da + 4 : "", strlen(da) == 8 ? da + 6 : "");
}

/* One line above each picture: which study, series and image it is. */
static void pane_head(const struct model *m, unsigned pane, unsigned width, struct buf *out)
{
	const struct folder_image *im = model_image(m, pane);
	char line[500] = "", date[16];
	if (im) {
		struct folder_place p = folder_place(m->folder, m->panes[pane].image);
		bool is_prior = strcmp(im->study.s, m->open.e.study.s) != 0;
		date_text(im->study_date, date);
		snprintf(line, sizeof(line), "%s%s %s %s  %u/%u %s  %u/%u", m->is_side_by_side && m->focus == pane ? "● " : "  ",
		         is_prior ? _("Prior") : _("Case"), date, im->modality, p.series, p.series_n, im->series_text[0] ? im->series_text : im->study_text, p.image, p.image_n);
	}
	text_fit(out, line, width, false);
}

static void status_text(const struct model *m, char *out, size_t size)
{
	const struct pane *p = &m->panes[m->focus];
	const struct folder_image *im = model_image(m, m->focus);
	size_t at = 0;
	out[0] = 0;
	if (!im)
		return;
	if (im->frames > 1)
		at += (size_t)snprintf(out + at, size - at, "%s %u/%u%s  ", _("Frame"), p->frame + 1, im->frames, m->is_playing ? " ▶" : "");
	if (p->drawn.is_grey)
		at += (size_t)snprintf(out + at, size - at, "%s %.0f / %.0f  ", _("Centre/width"), p->drawn.centre, p->drawn.width);
	at += (size_t)snprintf(out + at, size - at, "%.0f %%", p->look.zoom * 100);
	if (p->look.is_inverted)
		at += (size_t)snprintf(out + at, size - at, "  %s", _("inverted"));
	if (p->look.turns || p->look.is_flipped)
		at += (size_t)snprintf(out + at, size - at, "  %s", p->look.is_flipped ? _("flipped") : _("turned"));
	unsigned states = folder_states(m->folder, im->sop.s);
	if (model_state(m, m->focus))
		at += (size_t)snprintf(out + at, size - at, "  %s %u/%u %s", _("Presentation state"), p->look.state, states, model_state(m, m->focus)->label);
	else if (states)
		at += (size_t)snprintf(out + at, size - at, "  %s: %u (a)", _("Presentation states"), states);
	at = at < size ? at : size;
	if (m->folder->others)
		at += (size_t)snprintf(out + at, size - at, "  %u %s", m->folder->others, _("objects of this case cannot be shown here"));
	if (p->look.no_overlays && at < size)
		snprintf(out + at, size - at, "  %s", _("no overlays"));
}

static void stage_text(const struct model *m, char *out, size_t size)
{
	const struct pull_count_view *c = &m->pulled;
	out[0] = 0;
	if (m->stage == CASE_CLAIMING)
		snprintf(out, size, "%s", _("Claiming the case ..."));
	else if (m->stage == CASE_PULLING)
		snprintf(out, size, _("Bringing images: %u of %u, %.1f MB"), c->stored, c->all, (double)c->bytes / 1e6);
	else if (m->stage == CASE_PRIORS && c->is_prior)
		snprintf(out, size, _("Bringing earlier studies: %u of %u"), c->stored, c->all);
	else if (m->stage == CASE_PRIORS)
		snprintf(out, size, "%s", _("Looking for earlier studies ..."));
	else if (m->stage == CASE_ENDING)
		snprintf(out, size, "%s", _("Telling the node ..."));
}

static enum line_style case_line(const struct model *m, unsigned n, struct buf *out)
{
	struct cells_rect r;
	if (n == 1) {
		unsigned half = m->is_side_by_side ? m->columns / 2 : m->columns;
		pane_head(m, 0, half, out);
		if (m->is_side_by_side)
			pane_head(m, 1, m->columns - half, out);
		return LINE_DIM;
	}
	if (compose_picture(m, 0, &r) || compose_picture(m, 1, &r))
		return LINE_PICTURE;
	char line[200] = "";
	if (n == m->lines / 2) {
		stage_text(m, line, sizeof(line));
		if (!line[0] && m->folder && !m->folder->n)
			snprintf(line, sizeof(line), "%s", _("There is no image in this case that can be shown."));
	}
	unsigned w = text_width(line);
	text_fit(out, "", w < m->columns ? (m->columns - w) / 2 : 0, false);
	text_fit(out, line, m->columns - (w < m->columns ? (m->columns - w) / 2 : 0), false);
	return LINE_PLAIN;
}

bool compose_picture(const struct model *m, unsigned pane, struct cells_rect *out)
{
	if (m->mode != MODE_CASE || m->dialog == DIALOG_HELP || !model_image(m, pane) || (pane == 1 && !m->is_side_by_side))
		return false;
	if (m->columns < LEAST_COLUMNS || m->lines < LEAST_LINES)
		return false;
	unsigned half = m->columns / 2;
	*out = (struct cells_rect){ pane ? half : 0, HEAD_LINES, !m->is_side_by_side ? m->columns : pane ? m->columns - half : half - 1, m->lines - HEAD_LINES - FOOT_LINES };
	return true;
}

/* ---- help ---- */

static const struct { const char *keys, *says; enum model_mode mode; } help[] = {
	{ "↑ ↓ PgUp PgDn", N_("choose a case"), MODE_LIST },
	{ "Enter", N_("claim the case and bring its images"), MODE_LIST },
	{ "r", N_("ask the node again now"), MODE_LIST },
	{ "▶ + *", N_("claimed by you; new; changed"), MODE_LIST },
	{ "q  Ctrl-C", N_("leave"), MODE_LIST },
	{ "n p  PgDn PgUp", N_("next and previous image"), MODE_CASE },
	{ "] [", N_("next and previous series"), MODE_CASE },
	{ "}", N_("next study: the case, its priors"), MODE_CASE },
	{ "s  Tab", N_("side by side with a prior; other side"), MODE_CASE },
	{ ". ,  Space", N_("next and previous frame; play the cine"), MODE_CASE },
	{ "w W  l L", N_("window narrower, wider; level down, up"), MODE_CASE },
	{ "1 ... 9  v", N_("the image's own windows; presets for CT"), MODE_CASE },
	{ "a", N_("apply the next presentation state, or none"), MODE_CASE },
	{ "+ -  0  ← ↑ → ↓", N_("zoom; as at first; move"), MODE_CASE },
	{ "i f t o", N_("invert, flip, turn, overlays on and off"), MODE_CASE },
	{ "c  x", N_("complete the case; give it back"), MODE_CASE },
	{ "b  Esc", N_("back to the list; the case stays claimed"), MODE_CASE },
	{ "q  Ctrl-C", N_("leave"), MODE_CASE },
};

static void help_line(const struct model *m, unsigned n, struct buf *out)
{
	unsigned at = 2, left = m->columns, width;
	if (n == 1)
		text_fit(out, "", left, false);
	for (size_t i = 0; i < NELEM(help) && n != 1; i++) {
		if (help[i].mode != m->mode || at++ != n)
			continue;
		width = left < 22 ? left : 22;
		text_fit(out, "  ", width < 2 ? width : 2, false);
		text_fit(out, help[i].keys, width < 2 ? 0 : width - 2, false);
		text_fit(out, _(help[i].says), left - width, false);
		return;
	}
	if (n != 1)
		text_fit(out, n == at + 1 ? _("  Any key goes back.") : "", left, false);
}

/* ---- top and bottom ---- */

static void title(const struct model *m, const struct viewer_options *o, struct buf *out)
{
	char left[700], right[200], name[330], born[16];
	size_t mine = 0;
	if (m->mode == MODE_CASE) {
		name_of(m->open.e.patient, name);
		date_text(m->open.e.birth_date, born);
		snprintf(left, sizeof(left), " %s  %s  %s  %s  %s", name, m->open.e.patient_id, word_of(m->open.e.sex), born, m->open.e.description);
		snprintf(right, sizeof(right), "%s ", m->open.e.accession);
	} else {
		for (size_t i = 0; i < m->rows_n; i++)
			mine += m->rows[i].is_mine;
		snprintf(left, sizeof(left), _(" Reading list of %s"), o->called);
		snprintf(right, sizeof(right), _("%zu waiting, %zu yours "), m->rows_n - mine, mine);
	}
	both_ends(out, left, right, m->columns);
}

static enum line_style ask(const struct model *m, struct buf *out)
{
	const char *says = m->dialog == DIALOG_COMPLETE ? _(" Complete this case? y: yes, any other key: no")
		: m->dialog == DIALOG_RELEASE ? _(" Give back: 1 not mine  2 image quality  3 specialist  4 images missing")
		: _(" Leave? The case stays claimed. y: yes, any other key: no");
	text_fit(out, says, m->columns, false);
	return LINE_ASK;
}

static enum line_style message_line(const struct model *m, struct buf *out)
{
	char line[600];
	if (m->dialog == DIALOG_COMPLETE || m->dialog == DIALOG_RELEASE || m->dialog == DIALOG_QUIT)
		return ask(m, out);
	line[0] = ' ';
	line[1] = 0;
	if (m->message[0])
		snprintf(line, sizeof(line), " %s", m->message);
	else if (m->mode == MODE_LIST && m->trouble[0])
		snprintf(line, sizeof(line), _(" The node does not answer: %s"), m->trouble);
	else if (m->mode == MODE_CASE)
		stage_text(m, line + 1, sizeof(line) - 1);
	text_fit(out, line, m->columns, false);
	return m->message[0] || m->trouble[0] ? LINE_ASK : LINE_PLAIN;
}

static void keys_line(const struct model *m, struct buf *out)
{
	text_fit(out, m->mode == MODE_LIST ? _(" Enter open   r refresh   ? keys   q leave") : _(" ? keys  n p image  w W l L window  s prior  c complete  x give back  b list"), m->columns, false);
}

enum line_style compose_line(const struct model *m, const struct viewer_options *o, unsigned n, struct buf *out)
{
	char status[300];
	if (n == 0) {
		title(m, o, out);
		return LINE_BAR;
	}
	if (n + 1 == m->lines) {
		keys_line(m, out);
		return LINE_DIM;
	}
	if (n + 2 == m->lines)
		return message_line(m, out);
	if (m->dialog == DIALOG_HELP) {
		help_line(m, n, out);
		return LINE_PLAIN;
	}
	if (m->mode == MODE_LIST)
		return list_line(m, n, out);
	if (n + 3 == m->lines) {
		status_text(m, status, sizeof(status));
		text_fit(out, " ", 1, false);
		text_fit(out, status, m->columns - 1, false);
		return LINE_DIM;
	}
	return case_line(m, n, out);
}
