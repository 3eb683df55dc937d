/* The model of `viewer-cli read` key by key, and the lines that it is composed to. */
#include <math.h>

#include "pacs/base/table.h"
#include "pacs/render/view.h"
#include "viewer-cli/compose.h"

#include "tests/lib/t.h"

static struct model m;
static const struct viewer_options options = { .called = "COUNTY" };

static struct model_row row(const char *uid, const char *patient, bool is_mine)
{
	struct model_row r = { .is_mine = is_mine };
	snprintf(r.e.uid.s, sizeof(r.e.uid.s), "%s", uid);
	snprintf(r.e.study.s, sizeof(r.e.study.s), "1.%s", uid);
	snprintf(r.e.patient, sizeof(r.e.patient), "%s", patient);
	snprintf(r.e.state, sizeof(r.e.state), "%s", is_mine ? "IN PROGRESS" : "SCHEDULED");
	snprintf(r.e.priority, sizeof(r.e.priority), "MEDIUM");
	r.e.images = 3;
	return r;
}

static void list(const char *const *uids, size_t n)
{
	struct model_row *rows = calloc(n + 1, sizeof(*rows));
	for (size_t i = 0; i < n; i++)
		rows[i] = row(uids[i], "Zhang^San=张^三", false);
	model_listed(&m, rows, n);
}

static void begin(void)
{
	static const char *const uids[] = { "1", "2", "3" };
	model_fini(&m);
	model_init(&m, 100, 30);
	list(uids, 3);
}

static unsigned keys(const char *s)
{
	unsigned wishes = 0;
	for (; *s; s++)
		wishes |= model_key(&m, *s == '\n' ? KEY_ENTER : (unsigned)*s, 1000);
	return wishes;
}

/* Two series of the case (1: two images; 2: a cine of ten frames of 40 ms) and a prior of one. */
static struct folder_image images[4];
static struct folder folder = { .images = images, .n = 4 };
static void fill_folder(void)
{
	static const struct { const char *study, *series, *sop; unsigned frames, ms; } of[4] = {
		{ "1.1", "a", "x1", 1, 0 }, { "1.1", "a", "x2", 1, 0 }, { "1.1", "b", "x3", 10, 40 }, { "9.9", "c", "x4", 1, 0 },
	};
	memset(images, 0, sizeof(images));
	for (unsigned i = 0; i < 4; i++) {
		strcpy(images[i].study.s, of[i].study);
		strcpy(images[i].series.s, of[i].series);
		strcpy(images[i].sop.s, of[i].sop);
		strcpy(images[i].study_date, i < 3 ? "20260301" : "20250101");
		strcpy(images[i].modality, "DX");
		images[i].frames = of[i].frames;
		images[i].frame_ms = of[i].ms;
	}
}

static void begin_case(void)
{
	begin();
	fill_folder();
	keys("\n");
	model_claimed(&m);
	model_folder(&m, &folder);
	model_stage(&m, CASE_READY);
	model_drawn(&m, 0, &(struct drawn){ .is_grey = true, .centre = 100, .width = 50, .windows = 2 }, "");
}

static const char *line(unsigned n)
{
	static char text[2000];          /* lent until the next call */
	struct buf b;
	buf_init(&b, sizeof(text) - 1);
	compose_line(&m, &options, n, &b);
	snprintf(text, sizeof(text), "%s", buf_cstr(&b));
	buf_fini(&b);
	return text;
}

static bool says(unsigned n, const char *text)
{
	if (strstr(line(n), text))
		return true;
	printf("# line %u: \"%s\"\n", n, line(n));
	return false;
}

/* ---- the list ---- */

TEST(moves, "keys move in the list and stop at its ends")
{
	begin();
	keys("kjj");
	CHECK_INT(m.at, 2);
	keys("jj");
	CHECK_INT(m.at, 2);
	keys("g");
	CHECK_INT(m.at, 0);
	model_key(&m, KEY_PAGE_DOWN, 0);
	CHECK_INT(m.at, 2);
}

TEST(stays, "a list that comes anew keeps the selected case selected, marks what is new, and forgets the mark when it was looked over")
{
	static const char *const longer[] = { "0", "1", "2", "3" };
	begin();
	CHECK_INT(m.rows[0].mark, ROW_OLD);
	keys("j");
	list(longer, 4);
	CHECK_STR(m.rows[m.at].e.uid.s, "2");
	CHECK_INT(m.rows[0].mark, ROW_NEW);
	CHECK_INT(m.rows[1].mark, ROW_OLD);
	list(longer, 4);
	CHECK_INT(m.rows[0].mark, ROW_NEW);
	keys("j");
	CHECK_INT(m.rows[0].mark, ROW_OLD);
}

TEST(changed, "a case that is other than before is marked")
{
	begin();
	struct model_row *rows = calloc(1, sizeof(*rows));
	rows[0] = row("1", "Zhang^San=张^三", false);
	strcpy(rows[0].e.priority, "HIGH");
	model_listed(&m, rows, 1);
	CHECK_INT(m.rows[0].mark, ROW_CHANGED);
}

TEST(shorter, "when cases go, the selection stays inside the list; an empty one opens nothing")
{
	static const char *const one[] = { "1" };
	begin();
	keys("jj");
	list(one, 1);
	CHECK_INT(m.at, 0);
	list(NULL, 0);
	CHECK_INT(keys("\n"), 0);
	CHECK_INT(m.mode, MODE_LIST);
}

TEST(scrolls, "a list longer than the screen scrolls with the selection")
{
	begin();
	model_resize(&m, 100, 7);
	keys("jj");
	CHECK_INT(m.top, 1);
	CHECK(says(2, "张 三"));
	model_resize(&m, 100, 30);
	keys("g");
	CHECK_INT(m.top, 0);
}

/* ---- the case ---- */

TEST(opens, "Enter claims what waits and pulls what is claimed already")
{
	begin();
	CHECK_INT(keys("\n"), WISH_OPEN);
	CHECK_INT(m.stage, CASE_CLAIMING);
	begin();
	m.rows[0].is_mine = true;
	CHECK_INT(keys("\n"), WISH_OPEN);
	CHECK_INT(m.stage, CASE_PULLING);
}

TEST(refused, "a claim that fails goes back to the list and says why")
{
	begin();
	keys("\n");
	model_claim_failed(&m, "somebody was faster");
	CHECK_INT(m.mode, MODE_LIST);
	CHECK(says(m.lines - 2, "somebody was faster"));
}

TEST(asks, "a case ends only after a yes; while it ends no key starts another end")
{
	begin_case();
	CHECK_INT(keys("cn"), WISH_REDRAW);
	CHECK_INT(m.stage, CASE_READY);
	CHECK_INT(keys("cy") & WISH_COMPLETE, WISH_COMPLETE);
	CHECK_INT(keys("cyx1b") & ~(unsigned)WISH_REDRAW, 0);
	model_end_failed(&m, "the node said no");
	CHECK_INT(m.mode, MODE_CASE);
	CHECK_INT(keys("x9"), WISH_REDRAW);
	CHECK_INT(keys("x3") & WISH_RELEASE, WISH_RELEASE);
	CHECK_STR(model_reason(&m, '3'), "specialist");
	CHECK(!model_reason(&m, '9'));
	model_ended(&m, "given back");
	CHECK_INT(m.mode, MODE_LIST);
}

TEST(not_before, "before it is claimed a case can be neither completed nor given back")
{
	begin();
	keys("\n");
	CHECK_INT(keys("cyx1"), 0);
	CHECK_INT(m.stage, CASE_CLAIMING);
}

TEST(leaves, "Escape goes back to the list, q asks in a case, Ctrl-C asks nobody")
{
	begin_case();
	CHECK_INT(model_key(&m, KEY_ESCAPE, 0), WISH_CLOSE | WISH_REFRESH);
	CHECK_INT(keys("q"), WISH_QUIT);
	begin_case();
	CHECK_INT(keys("q"), 0);
	CHECK_INT(keys("n"), WISH_REDRAW);
	CHECK_INT(keys("qy"), WISH_QUIT);
	CHECK_INT(model_key(&m, KEY_CTRL_C, 0), WISH_QUIT);
}

/* ---- images ---- */

TEST(ways, "n p ] [ } go through images, series and studies and stop at the ends of a study")
{
	static const struct { const char *keys; int image; } cases[] = {
		{ "n", 1 }, { "nn", 2 }, { "nnn", 2 }, { "p", 0 }, { "]", 2 }, { "]]", 2 }, { "][", 0 }, { "n]", 2 }, { "n]p", 1 }, { "}", 3 }, { "}n", 3 }, { "}}", 0 }, { "n[", 0 },
	};
	for (size_t i = 0; i < NELEM(cases); i++) {
		begin_case();
		keys(cases[i].keys);
		if (m.panes[0].image != cases[i].image)
			T_FAIL("\"%s\": image %d, wanted %d", cases[i].keys, m.panes[0].image, cases[i].image);
	}
}

TEST(keeps_look, "the next image of a series is seen as the one before, another series as at first")
{
	begin_case();
	keys("i+n");
	CHECK(m.panes[0].look.is_inverted && m.panes[0].look.zoom > 1);
	keys("]");
	CHECK(!m.panes[0].look.is_inverted && m.panes[0].look.zoom == 1);
}

TEST(more_images, "images that come later do not move what is looked at; before somebody has looked the first is shown")
{
	static struct folder_image later[5];
	static const struct folder more = { .images = later, .n = 5 };
	begin_case();
	keys("n");
	memcpy(later + 1, images, sizeof(images));
	later[0] = images[0];
	strcpy(later[0].sop.s, "x0");
	model_folder(&m, &more);
	CHECK_STR(model_image(&m, 0)->sop.s, "x2");
	begin_case();
	later[0] = images[1];
	later[1] = images[0];
	model_folder(&m, &more);
	CHECK_STR(model_image(&m, 0)->sop.s, "x2");
}

TEST(windows, "w W l L reckon from what was drawn; a number goes back to the image's own")
{
	begin_case();
	keys("W");
	CHECK(m.panes[0].look.has_window && m.panes[0].look.width == 55 && m.panes[0].look.centre == 100);
	keys("l");
	CHECK(m.panes[0].look.centre == 94.5);
	keys("2");
	CHECK(!m.panes[0].look.has_window);
	CHECK_INT(m.panes[0].look.number, 2);
	keys("3");
	CHECK_STR(m.message, "This image has 2 windows.");
	model_drawn(&m, 0, &(struct drawn){ .is_grey = false }, "");
	CHECK_INT(keys("w"), 0);
	for (int i = 0; i < 100; i++)
		model_drawn(&m, 0, &(struct drawn){ .is_grey = true, .centre = 5, .width = m.panes[0].drawn.width, .windows = 1 }, ""), keys("w");
	CHECK(m.panes[0].look.width >= 1);
}

TEST(presets, "presets are for CT only")
{
	begin_case();
	keys("v");
	CHECK(!m.panes[0].look.has_window);
	strcpy(images[0].modality, "CT");
	keys("v");
	CHECK(m.panes[0].look.has_window && m.panes[0].look.width == 1500);
}

TEST(turns, "after turning and flipping, right is still right on the screen")
{
	/* Keys, and how the middle of what is seen moves on the image by an arrow to the right. */
	static const struct { const char *keys; int x, y; } cases[] = {
		{ "", 1, 0 }, { "t", 0, -1 }, { "tt", -1, 0 }, { "ttt", 0, 1 }, { "f", -1, 0 }, { "tf", 0, 1 }, { "ft", 0, -1 }, { "ff", 1, 0 },
	};
	for (size_t i = 0; i < NELEM(cases); i++) {
		begin_case();
		keys("++++");
		keys(cases[i].keys);
		struct look was = m.panes[0].look;
		model_key(&m, KEY_RIGHT, 0);
		double dx = m.panes[0].look.x - was.x, dy = m.panes[0].look.y - was.y;
		if ((dx > 0) - (dx < 0) != cases[i].x || (dy > 0) - (dy < 0) != cases[i].y)
			T_FAIL("\"%s\": moved %g, %g", cases[i].keys, dx, dy);
		/* A view says the same: what is right of the middle on the image stands there on the screen. */
		struct view v = { .width = 10, .height = 10, .turns = was.turns, .is_flipped = was.is_flipped };
		double x, y;
		view_fit(&v, 1, 0, 0, false);
		view_point(&v, 5 + cases[i].x, 5 + cases[i].y, &x, &y);
		if (x <= 5.5 || y != 5)
			T_FAIL("\"%s\": the view has it at %g, %g", cases[i].keys, x, y);
	}
}

TEST(states, "a goes through the states of this image, newest first, and back to none; what is told goes with it")
{
	static struct uid first[] = { { "x1" }, { "x2" } }, second[] = { { "x1" } };
	static struct folder_state of[] = { { .path = "arrow", .made = "20260301", .label = "ARROW", .sops = second, .sops_n = 1 }, { .path = "lung", .made = "20260302", .label = "LUNG", .sops = first, .sops_n = 2 } };
	static struct folder with_states = { .images = images, .n = 4, .states = of, .states_n = 2 };
	begin_case();
	keys("a");
	CHECK(says(m.lines - 2, "No presentation state is for this image."));
	folder_states_sort(&with_states);
	model_folder(&m, &with_states);
	CHECK(says(m.lines - 3, "Presentation states: 2 (a)") && !model_state(&m, 0));
	keys("wa");
	CHECK_STR(model_state(&m, 0)->label, "LUNG");
	CHECK(!m.panes[0].look.has_window);
	CHECK(says(m.lines - 3, "Presentation state 1/2 LUNG"));
	keys("a");
	CHECK_STR(model_state(&m, 0)->label, "ARROW");
	/* The next image has one state only. */
	keys("n");
	CHECK(!model_state(&m, 0) && says(m.lines - 3, "Presentation states: 1 (a)"));
	keys("ap");
	CHECK_STR(model_state(&m, 0)->label, "LUNG");
	/* The first state of one image and the first of the next are two. */
	of[0].sops = second;
	of[0].sops_n = 1;
	of[1].sops = first;
	of[1].sops_n = 2;
	keys("n");
	CHECK(!model_state(&m, 0));
	keys("p");
	CHECK(!model_state(&m, 0));
	of[0].sops = first;
	of[0].sops_n = 2;
	of[1].sops = second;
	of[1].sops_n = 1;
	keys("aaa");
	CHECK(!model_state(&m, 0) && says(m.lines - 2, "Without presentation state."));
	/* A newer state comes while one is applied. */
	static struct folder_state later[] = { { .path = "new", .made = "20260309", .label = "NEW", .sops = first, .sops_n = 2 }, { .label = "?" }, { .label = "?" } };
	static const struct folder with_more = { .images = images, .n = 4, .states = later, .states_n = 3 };
	memcpy(later + 1, of, sizeof(of));
	keys("a");
	CHECK_STR(model_state(&m, 0)->label, "LUNG");
	model_folder(&m, &with_more);
	CHECK_STR(model_state(&m, 0)->label, "LUNG");
	CHECK(says(m.lines - 3, "Presentation state 2/3 LUNG"));
	keys("]");
	CHECK(!strstr(line(m.lines - 3), "resentation"));
}

TEST(state_turns, "behind the turns of a presentation state, right is still right on the screen")
{
	for (unsigned i = 0; i < 8; i++)
		for (unsigned k = 0; k < 8; k++) {
			struct drawn d = { .turns = i & 3, .is_flipped = i > 3 };
			begin_case();
			model_drawn(&m, 0, &d, "");
			keys("++++");
			m.panes[0].look.turns = k & 3;
			m.panes[0].look.is_flipped = k > 3;
			struct look was = m.panes[0].look;
			model_key(&m, KEY_RIGHT, 0);
			double dx = m.panes[0].look.x - was.x, dy = m.panes[0].look.y - was.y, x, y, x2, y2;
			/* The state's view, and the look's on what that shows. */
			struct view v = { .width = 10, .height = 10, .turns = d.turns, .is_flipped = d.is_flipped };
			struct view u = { .width = 10, .height = 10, .turns = was.turns, .is_flipped = was.is_flipped };
			view_fit(&v, 1, 0, 0, false);
			view_fit(&u, 1, 0, 0, false);
			view_point(&v, 5 + 10 * dx, 5 + 10 * dy, &x, &y);
			view_point(&u, x, y, &x2, &y2);
			CHECK(x2 > 5.5 && fabs(y2 - 5) < 1e-9);
		}
}

TEST(frames, "frames go round; a cine goes by time, loses frames when it is late, and stops for a step or help")
{
	begin_case();
	keys("],");
	CHECK_INT(m.panes[0].frame, 9);
	keys(".");
	CHECK_INT(m.panes[0].frame, 0);
	CHECK_INT(model_wait_ms(&m, 1000), -1);
	keys(" ");
	CHECK_INT(model_wait_ms(&m, 1010), 30);
	CHECK_INT(model_tick(&m, 1039), 0);
	CHECK_INT(model_tick(&m, 1040), WISH_REDRAW);
	CHECK_INT(m.panes[0].frame, 1);
	CHECK_INT(model_tick(&m, 1165), WISH_REDRAW);
	CHECK_INT(m.panes[0].frame, 4);
	CHECK_INT(model_wait_ms(&m, 1165), 35);
	keys("?");
	CHECK_INT(model_wait_ms(&m, 1165), -1);
	keys("x  .");
	CHECK(!m.is_playing);
	begin_case();
	keys(" ");
	CHECK(!m.is_playing);
}

TEST(sides, "side by side shows the prior; Tab chooses the side that keys mean")
{
	struct cells_rect a, b;
	begin_case();
	CHECK(compose_picture(&m, 0, &a) && !compose_picture(&m, 1, &b));
	CHECK_INT(a.columns, 100);
	keys("s");
	CHECK_INT(m.panes[1].image, 3);
	CHECK(compose_picture(&m, 0, &a) && compose_picture(&m, 1, &b));
	CHECK(a.column + a.columns < b.column + 1 && b.column + b.columns <= 100);
	model_key(&m, KEY_TAB, 0);
	keys("i");
	CHECK(m.panes[1].look.is_inverted && !m.panes[0].look.is_inverted);
	CHECK(says(1, "Prior 2025-01-01"));
	keys("s");
	CHECK_INT(m.focus, 0);
}

/* ---- the screen ---- */

TEST(wide, "every line is as wide as the screen, whatever is on it, at every size")
{
	static const char *const ways[] = { "", "?", "\n", "q" };
	for (size_t k = 0; k < 6; k++)
		for (unsigned columns = 1; columns < 160; columns += 7)
			for (unsigned lines = 1; lines < 40; lines += 3) {
				if (k < 4) {
					begin();
					keys(ways[k]);
				} else {
					begin_case();
					keys(k == 4 ? "s" : "x");
				}
				model_resize(&m, columns, lines);
				for (unsigned n = 0; n < lines; n++) {
					struct buf b;
					buf_init(&b, 1 << 16);
					enum line_style s = compose_line(&m, &options, n, &b);
					unsigned w = text_width(buf_cstr(&b));
					if (s != LINE_PICTURE && w != columns)
						T_FAIL("%zu: line %u of %u x %u is %u wide: \"%s\"", k, n, columns, lines, w, buf_cstr(&b));
					buf_fini(&b);
				}
				struct cells_rect r;
				if (compose_picture(&m, 0, &r) && (r.column + r.columns > columns || r.line + r.lines > lines))
					T_FAIL("a picture beyond %u x %u", columns, lines);
			}
}

TEST(shown, "names are shown as they are read, and control characters of somebody's do not reach the terminal")
{
	begin();
	CHECK(says(0, "Reading list of COUNTY"));
	CHECK(says(0, "3 waiting, 0 yours"));
	CHECK(says(2, "张 三"));
	strcpy(m.rows[0].e.patient, "Li^Si");
	CHECK(says(2, "Li Si"));
	strcpy(m.rows[0].e.patient, "A\033[2J\nB");
	CHECK(!strchr(line(2), '\033') && !strchr(line(2), '\n'));
}

TEST(told, "progress, the window, frames and what cannot be shown are told")
{
	begin();
	fill_folder();
	keys("\n");
	model_claimed(&m);
	model_progress(&m, 2, 7, 3000000, false);
	CHECK(says(m.lines - 2, "Bringing images: 2 of 7, 3.0 MB"));
	begin_case();
	CHECK(says(m.lines - 3, "Centre/width 100 / 50"));
	static const struct folder with_others = { .images = images, .n = 4, .others = 2 };
	model_folder(&m, &with_others);
	CHECK(says(m.lines - 3, "2 objects of this case cannot be shown here"));
	keys("]");
	CHECK(says(m.lines - 3, "Frame 1/10"));
	CHECK(says(1, "2/2"));
}

int main(void)
{
	RUN(moves);
	RUN(stays);
	RUN(changed);
	RUN(shorter);
	RUN(scrolls);
	RUN(opens);
	RUN(refused);
	RUN(asks);
	RUN(not_before);
	RUN(leaves);
	RUN(ways);
	RUN(keeps_look);
	RUN(more_images);
	RUN(windows);
	RUN(presets);
	RUN(turns);
	RUN(states);
	RUN(state_turns);
	RUN(frames);
	RUN(sides);
	RUN(wide);
	RUN(shown);
	RUN(told);
	model_fini(&m);
	return t_done();
}
