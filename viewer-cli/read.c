/* read - the reading list and its cases on the whole terminal.
 *
 * One thread looks at keys, signals and what the others have done; it never waits for the network or a codec. Three threads of tasks
 * do that: the desk (list, claim, complete, release), the images (pull, priors) and the drawing. The model (model.h) decides
 * everything; this file carries its wishes to the tasks and their results back.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "pacs/base/clock.h"
#include "viewer-cli/case.h"
#include "viewer-cli/drawing.h"
#include "viewer-cli/guard.h"
#include "viewer-cli/lock.h"
#include "viewer-cli/priors.h"
#include "viewer-cli/screen.h"
#include "viewer-cli/tasks.h"
#include "viewer-cli/text.h"

enum { LIST_MS = 5000, ESCAPE_MS = 50, END_MS = 1500, KEYS_MAX = 256 };

struct pull_task;
struct reader {
	const struct viewer_options *o;
	const char *dir;
	struct model model;
	struct tasks *desk, *images, *drawings;
	int wake_fd, signal_fd;
	bool is_ending;
	atomic_bool give_up;             /* for the desk: set at the end */
	/* the list */
	bool is_listing;
	int64_t next_list_ms;
	/* the case */
	unsigned case_number;            /* results of another case are dropped */
	struct pull_task *pulling;       /* until its done */
	struct folder *folder;           /* what the model looks at */
	/* pictures */
	struct drawing *drawing;         /* of the drawing thread */
	bool is_drawing, is_due[2];
	struct drawing_job last[2];      /* what was drawn where; its text is not kept */
	/* the screen */
	struct buf out, *lines;          /* lines: what stands on it, with its style in front */
	unsigned lines_n;
	bool repaint;
	uint8_t keys[KEYS_MAX];
	size_t keys_n;
};

static int64_t now_ms(void)
{
	return (int64_t)(clock_mono_ns() / 1000000);
}

/* ---- the list ---- */

struct list_task { struct task task; struct reader *r; struct model_row *rows; size_t n; enum err err; struct why why; };

static void add_rows(struct list_task *t, const struct work_entry *e, size_t n, bool only_mine)
{
	struct lock lock;
	struct model_row *grown = realloc(t->rows, (t->n + n + 1) * sizeof(*grown));
	if (!grown) {
		t->err = fail(&t->why, ERR_NOMEM, "no memory for %zu items", t->n + n);
		return;
	}
	t->rows = grown;
	for (size_t i = 0; i < n; i++) {
		bool is_mine = only_mine && lock_load(e[i].uid.s, &lock, NULL) == ERR_OK;
		if (is_mine || !only_mine)
			t->rows[t->n++] = (struct model_row){ .e = e[i], .is_mine = is_mine };
	}
}

/* First what is claimed from here, then what waits. */
static void run_list(struct task *task)
{
	static const char *const states[] = { "IN PROGRESS", "SCHEDULED" };
	struct list_task *t = (struct list_task *)task;
	struct work_client *w = NULL;
	t->err = work_client_open(t->r->o, &w, &t->why);
	for (size_t i = 0; i < NELEM(states) && !t->err; i++) {
		struct work_filter f = { .state = states[i], .group = t->r->o->group, .patient = t->r->o->patient };
		struct work_entry *entries = NULL;
		size_t n = 0;
		t->err = work_client_list(w, &f, &entries, &n, &t->why);
		if (!t->err)
			add_rows(t, entries, n, i == 0);
		free(entries);
	}
	work_client_close(&w);
}

static void listed(struct task *task)
{
	struct list_task *t = (struct list_task *)task;
	t->r->is_listing = false;
	t->r->next_list_ms = now_ms() + LIST_MS;
	if (t->err)
		model_list_failed(&t->r->model, t->why.text);
	else
		model_listed(&t->r->model, t->rows, t->n);
	if (t->err)
		free(t->rows);
	free(t);
}

static void refresh(struct reader *r)
{
	struct list_task *t = r->is_listing ? NULL : calloc(1, sizeof(*t));
	if (!t)
		return;
	*t = (struct list_task){ .task = { .run = run_list, .done = listed }, .r = r };
	r->is_listing = true;
	tasks_give(r->desk, &t->task);
}

/* ---- images of the case ---- */

struct pull_task {
	struct task task;
	struct reader *r;
	unsigned case_number;
	struct work_entry entry;
	struct viewer_options o;
	char dir[600];
	atomic_bool cancel;
	bool is_prior;
	unsigned scanned;                /* images when the folder was looked through last */
	enum err err;
	struct why why;
	struct pull_count count;
	unsigned bad_priors;
};

/* News on the way, for the thread of the screen. */
struct news { struct reader *r; unsigned case_number; struct pull_count count; bool is_prior; enum case_stage stage; struct folder *folder; };

static void take_folder(struct reader *r, struct folder *f)
{
	struct folder *old = r->folder;
	r->folder = f;
	model_folder(&r->model, f);
	r->is_due[0] = r->is_due[1] = true;
	folder_free(&old);
}

static void take_news(void *arg)
{
	struct news *n = arg;
	struct reader *r = n->r;
	if (n->case_number != r->case_number || r->model.mode != MODE_CASE) {
		folder_free(&n->folder);
	} else {
		model_stage(&r->model, n->stage);
		model_progress(&r->model, n->count.stored, n->count.all, n->count.bytes, n->is_prior);
		if (n->folder)
			take_folder(r, n->folder);
	}
	free(n);
}

static void send_news(struct pull_task *t, const struct pull_count *c, enum case_stage stage, bool scan)
{
	struct news *n = calloc(1, sizeof(*n));
	struct why why;
	if (!n)
		return;
	*n = (struct news){ .r = t->r, .case_number = t->case_number, .count = *c, .is_prior = t->is_prior, .stage = stage };
	if (scan && folder_read(t->dir, t->entry.study.s, &n->folder, &why))
		folder_free(&n->folder);
	tasks_report(t->task.on, take_news, n);
}

/* The folder is looked through when the first image is there, and again when there are twice as many. */
static void pulled_one(void *arg, const struct pull_count *c)
{
	struct pull_task *t = arg;
	bool scan = !t->is_prior && c->stored && c->stored >= 2 * t->scanned;
	if (scan)
		t->scanned = c->stored;
	send_news(t, c, t->is_prior ? CASE_PRIORS : CASE_PULLING, scan);
}

static void pull_priors(struct pull_task *t)
{
	struct uid studies[PRIORS_MAX];
	struct why why;
	unsigned n = 0;
	if (priors_find(&t->o, &t->entry, studies, &n, &why))
		t->bad_priors++;
	for (unsigned i = 0; i < n && !atomic_load(&t->cancel); i++) {
		struct pull_job job = { .o = &t->o, .study = studies[i].s, .progress = pulled_one, .arg = t };
		struct pull_count c;
		if (case_pull(&job, &c, &why) || c.missing)
			t->bad_priors++;
		send_news(t, &c, CASE_PRIORS, true);
	}
}

static void run_pull(struct task *task)
{
	struct pull_task *t = (struct pull_task *)task;
	struct pull_job job = { .o = &t->o, .item = t->entry.uid.s, .progress = pulled_one, .arg = t };
	t->err = case_pull(&job, &t->count, &t->why);
	if (t->err == ERR_CANCELLED || atomic_load(&t->cancel))
		return;
	send_news(t, &t->count, CASE_PRIORS, true);
	t->is_prior = true;
	pull_priors(t);
}

static void pulled(struct task *task)
{
	struct pull_task *t = (struct pull_task *)task;
	struct reader *r = t->r;
	char words[400];
	if (r->pulling == t)
		r->pulling = NULL;
	if (t->case_number == r->case_number && r->model.mode == MODE_CASE && !r->is_ending) {
		model_stage(&r->model, CASE_READY);
		if (t->err)
			model_say(&r->model, t->why.text);
		else if (t->count.missing || t->count.refused) {
			snprintf(words, sizeof(words), _("%u of %u images did not come. Do not report on this case as if it were whole."), t->count.missing, t->count.all);
			model_say(&r->model, words);
		} else if (t->bad_priors) {
			model_say(&r->model, _("Not all earlier studies could be brought."));
		}
	}
	free(t);
}

static void pull(struct reader *r)
{
	struct pull_task *t = calloc(1, sizeof(*t));
	if (!t) {
		model_claim_failed(&r->model, "no memory");
		return;
	}
	t->task = (struct task){ .run = run_pull, .done = pulled };
	t->r = r;
	t->case_number = r->case_number;
	t->entry = r->model.open.e;
	snprintf(t->dir, sizeof(t->dir), "%s/%u", r->dir, r->case_number);
	t->o = *r->o;
	t->o.out_dir = t->dir;
	t->o.cancel = &t->cancel;
	r->pulling = t;
	tasks_give(r->images, &t->task);
}

static void leave_case(struct reader *r)
{
	if (r->pulling)
		atomic_store(&r->pulling->cancel, true);
	r->pulling = NULL;
	r->case_number++;
	r->model.folder = NULL;
	folder_free(&r->folder);
	r->repaint = true;
}

/* ---- claim, complete, release ---- */

struct desk_task {
	struct task task;
	struct reader *r;
	unsigned case_number;
	unsigned wish;
	char uid[BOUND_UID + 1], *args[1];
	struct viewer_options o;
	enum err err;
	struct why why;
};

static void run_desk(struct task *task)
{
	struct desk_task *t = (struct desk_task *)task;
	struct work_client *w = NULL;
	struct uid done;
	uint16_t status;
	if (t->wish == WISH_COMPLETE)
		t->err = case_complete(&t->o, &done, &t->why);
	else if (t->wish == WISH_RELEASE)
		t->err = case_release(&t->o, &done, &t->why);
	else {
		t->err = work_client_open(t->r->o, &w, &t->why);
		if (!t->err)
			t->err = case_claim(w, t->r->o, t->uid, &status, &t->why);
		work_client_close(&w);
		if (t->err == ERR_EXISTS)
			t->err = ERR_OK;         /* claimed from here before: go on with it */
		else if (t->err == ERR_CONFLICT && status == UPS_IN_PROGRESS)
			fail(&t->why, ERR_CONFLICT, "%s", _("Another reader has just claimed this case."));
	}
}

static void desk_done(struct task *task)
{
	struct desk_task *t = (struct desk_task *)task;
	struct reader *r = t->r;
	bool is_current = t->case_number == r->case_number && r->model.mode == MODE_CASE && !r->is_ending;
	if (!is_current && t->err)
		model_say(&r->model, t->why.text);
	else if (is_current && t->wish == WISH_OPEN && t->err) {
		model_claim_failed(&r->model, t->why.text);
		leave_case(r);
	} else if (is_current && t->wish == WISH_OPEN) {
		model_claimed(&r->model);
		pull(r);
	} else if (is_current && t->err) {
		model_end_failed(&r->model, t->why.text);
	} else if (is_current) {
		model_ended(&r->model, t->wish == WISH_COMPLETE ? _("The case is completed.") : _("The case was given back."));
		leave_case(r);
	}
	if (!r->is_ending)
		refresh(r);
	free(t);
}

static void ask_desk(struct reader *r, unsigned wish, const char *reason)
{
	struct desk_task *t = calloc(1, sizeof(*t));
	if (!t) {
		model_end_failed(&r->model, "no memory");
		return;
	}
	t->task = (struct task){ .run = run_desk, .done = desk_done };
	t->r = r;
	t->wish = wish;
	t->case_number = r->case_number;
	snprintf(t->uid, sizeof(t->uid), "%s", r->model.open.e.uid.s);
	t->args[0] = t->uid;
	t->o = *r->o;
	t->o.args = t->args;
	t->o.count = 1;
	t->o.reason = reason;
	tasks_give(r->desk, &t->task);
}

/* ---- pictures ---- */

struct draw_task { struct task task; struct reader *r; unsigned case_number; struct drawing_job job; enum err err; struct why why; };

static void run_drawing(struct task *task)
{
	struct draw_task *t = (struct draw_task *)task;
	t->err = drawing_run(t->r->drawing, &t->job, &t->why);
}

/* Another image, turn or place leaves other cells empty: what stood there goes first. */
static bool is_other_shape(const struct drawing_job *a, const struct drawing_job *b)
{
	return strcmp(a->path, b->path) || strcmp(a->state, b->state) || a->look.turns != b->look.turns || memcmp(&a->rect, &b->rect, sizeof(a->rect));
}

static bool is_same_state(const struct drawing_job *a, const struct drawing_job *b)
{
	return !strcmp(a->state, b->state) && !strcmp(a->path, b->path) && a->frame == b->frame;
}

static void clear_rect(struct buf *out, const struct cells_rect *c, bool is_graphic)
{
	if (is_graphic)
		buf_add_str(out, "\033_Ga=d\033\\");
	for (unsigned y = 0; y < c->lines; y++)
		buf_printf(out, "\033[0m\033[%u;%uH\033[%uX", c->line + y + 1, c->column + 1, c->columns);
}

static void drawn(struct task *task)
{
	struct draw_task *t = (struct draw_task *)task;
	struct reader *r = t->r;
	struct cells_rect now;
	r->is_drawing = false;
	if (t->case_number == r->case_number && compose_picture(&r->model, t->job.pane, &now) && !memcmp(&now, &t->job.rect, sizeof(now))) {
		if (t->err || is_other_shape(&t->job, &r->last[t->job.pane]))
			clear_rect(&r->out, &now, t->job.is_graphic);
		if (t->err)
			model_say(&r->model, t->why.text);
		else
			buf_add(&r->out, t->job.text.p, t->job.text.len);
		if (!t->err)
			model_drawn(&r->model, t->job.pane, &t->job.drawn, is_same_state(&t->job, &r->last[t->job.pane]) ? "" : t->job.says);
		r->last[t->job.pane] = t->job;
	}
	buf_fini(&t->job.text);
	free(t);
}

static void draw_pane(struct reader *r, unsigned pane)
{
	const struct folder_image *im = model_image(&r->model, pane);
	struct screen_cells c = screen_cells();
	struct cells_rect rect;
	struct draw_task *t = im && compose_picture(&r->model, pane, &rect) ? calloc(1, sizeof(*t)) : NULL;
	r->is_due[pane] = false;
	if (!t)
		return;
	*t = (struct draw_task){ .task = { .run = run_drawing, .done = drawn }, .r = r, .case_number = r->case_number };
	t->job = (struct drawing_job){ .pane = pane, .frame = r->model.panes[pane].frame, .look = r->model.panes[pane].look, .rect = rect,
	                               .cell_width = c.width, .cell_height = c.height };
	memcpy(t->job.path, im->path, sizeof(t->job.path));
	const struct folder_state *state = model_state(&r->model, pane);
	if (state)
		memcpy(t->job.state, state->path, sizeof(t->job.state));
	r->is_drawing = true;
	tasks_give(r->drawings, &t->task);
}

/* One at a time, so that a key that is held down draws what is wanted now, not what was. */
static void draw_due(struct reader *r)
{
	for (unsigned i = 0; i < 2 && !r->is_drawing; i++)
		if (r->is_due[i])
			draw_pane(r, i);
}

/* ---- the text on the screen ---- */

static const char *const styles[] = {
	[LINE_PLAIN] = "", [LINE_BAR] = "\033[7m", [LINE_SELECTED] = "\033[1;7m", [LINE_NEW] = "\033[32m", [LINE_MINE] = "\033[36m",
	[LINE_URGENT] = "\033[31m", [LINE_DIM] = "\033[2m", [LINE_ASK] = "\033[1;33m", [LINE_PICTURE] = "",
};

static bool same(const struct buf *a, const struct buf *b)
{
	return bytes_equal(buf_view(a), buf_view(b));
}

static bool make_lines(struct reader *r)
{
	if (r->lines_n == r->model.lines)
		return true;
	for (unsigned i = 0; i < r->lines_n; i++)
		buf_fini(&r->lines[i]);
	free(r->lines);
	r->lines = calloc(r->model.lines, sizeof(*r->lines));
	r->lines_n = r->lines ? r->model.lines : 0;
	for (unsigned i = 0; i < r->lines_n; i++)
		buf_init(&r->lines[i], 1 << 16);
	return r->lines != NULL;
}

static void paint_line(struct reader *r, unsigned n)
{
	struct buf text, line;
	buf_init(&text, 1 << 16);
	buf_init(&line, 1 << 16);
	enum line_style s = compose_line(&r->model, r->o, n, &text);
	buf_add_byte(&line, (uint8_t)s);
	buf_add(&line, text.p, text.len);
	if (r->repaint || !same(&line, &r->lines[n])) {
		bool was_text = r->lines[n].len && r->lines[n].p[0] != LINE_PICTURE;
		if (s != LINE_PICTURE)
			buf_printf(&r->out, "\033[%u;1H\033[0m%s%s\033[0m", n + 1, styles[s], buf_cstr(&text));
		else if (was_text)
			buf_printf(&r->out, "\033[%u;1H\033[0m\033[2K", n + 1);
		buf_fini(&r->lines[n]);
		r->lines[n] = line;
	} else {
		buf_fini(&line);
	}
	buf_fini(&text);
}

static void flush_out(struct reader *r)
{
	const uint8_t *p = r->out.p;
	size_t n = r->out.len;
	while (n) {
		ssize_t did = write(STDOUT_FILENO, p, n);
		if (did < 0 && errno == EINTR)
			continue;
		if (did <= 0) {
			r->is_ending = true;     /* the terminal is gone */
			break;
		}
		p += did;
		n -= (size_t)did;
	}
	buf_reset(&r->out);
}

static void paint(struct reader *r)
{
	struct buf pictures = r->out;
	if (!make_lines(r))
		return;
	/* Text goes first: it clears the lines that a picture then stands on. */
	buf_init(&r->out, pictures.max);
	if (r->repaint) {
		buf_add_str(&r->out, r->last[0].is_graphic ? "\033_Ga=d\033\\\033[0m\033[2J" : "\033[0m\033[2J");
		r->is_due[0] = r->is_due[1] = true;
		r->last[0].path[0] = r->last[1].path[0] = 0;
	}
	for (unsigned i = 0; i < r->lines_n; i++)
		paint_line(r, i);
	if (!r->repaint)
		buf_add(&r->out, pictures.p, pictures.len);
	buf_fini(&pictures);
	r->repaint = false;
	flush_out(r);
}

/* ---- events ---- */

static void carry_out(struct reader *r, unsigned wishes, unsigned key)
{
	if (wishes & WISH_QUIT)
		r->is_ending = true;
	if (wishes & WISH_CLOSE)
		leave_case(r);
	if (wishes & WISH_REFRESH)
		refresh(r);
	if (wishes & WISH_OPEN) {
		r->repaint = true;
		if (r->model.open.is_mine)
			pull(r);
		else
			ask_desk(r, WISH_OPEN, NULL);
	}
	if (wishes & WISH_COMPLETE)
		ask_desk(r, WISH_COMPLETE, NULL);
	if (wishes & WISH_RELEASE)
		ask_desk(r, WISH_RELEASE, model_reason(&r->model, key));
	if (wishes & WISH_REDRAW)
		r->is_due[0] = r->is_due[1] = true;
}

static void take_keys(struct reader *r, bool is_all)
{
	unsigned key;
	size_t n;
	while (r->keys_n && (n = keys_next(bytes_of(r->keys, r->keys_n), is_all, &key)) > 0) {
		bool was_help = r->model.dialog == DIALOG_HELP, was_wide = r->model.is_side_by_side;
		r->keys_n -= n;
		memmove(r->keys, r->keys + n, r->keys_n);
		carry_out(r, model_key(&r->model, key, now_ms()), key);
		r->repaint |= was_help != (r->model.dialog == DIALOG_HELP) || was_wide != r->model.is_side_by_side || key == KEY_CTRL_L;
	}
}

static void read_keys(struct reader *r)
{
	ssize_t n = read(STDIN_FILENO, r->keys + r->keys_n, sizeof(r->keys) - r->keys_n);
	if (n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN))
		r->is_ending = true;
	if (n > 0)
		r->keys_n += (size_t)n;
	take_keys(r, r->keys_n == sizeof(r->keys));
}

static void resize(struct reader *r)
{
	struct screen_cells c = screen_cells();
	carry_out(r, model_resize(&r->model, c.columns, c.lines), 0);
	r->repaint = true;
}

static void read_signals(struct reader *r)
{
	struct signalfd_siginfo s;
	while (read(r->signal_fd, &s, sizeof(s)) == (ssize_t)sizeof(s))
		if (s.ssi_signo == SIGWINCH)
			resize(r);
		else
			r->is_ending = true;
}

static int wait_ms(const struct reader *r)
{
	int64_t now = now_ms(), until_list = r->is_listing || r->model.mode != MODE_LIST ? INT32_MAX : r->next_list_ms - now;
	int cine = r->is_drawing ? -1 : model_wait_ms(&r->model, now);
	int64_t ms = until_list < 0 ? 0 : until_list;
	if (cine >= 0 && cine < ms)
		ms = cine;
	if (r->keys_n && ms > ESCAPE_MS)
		ms = ESCAPE_MS;
	return ms >= INT32_MAX ? -1 : (int)ms;
}

static void turn(struct reader *r)
{
	struct pollfd fds[] = { { .fd = STDIN_FILENO, .events = POLLIN }, { .fd = r->signal_fd, .events = POLLIN }, { .fd = r->wake_fd, .events = POLLIN } };
	uint64_t count;
	int n = poll(fds, NELEM(fds), wait_ms(r));
	if (n > 0 && fds[1].revents)
		read_signals(r);
	if (n > 0 && fds[0].revents)
		read_keys(r);
	else if (n == 0)
		take_keys(r, true);
	if (n > 0 && fds[2].revents && read(r->wake_fd, &count, sizeof(count)) > 0) {
		tasks_poll(r->desk);
		tasks_poll(r->images);
		tasks_poll(r->drawings);
	}
	if (!r->is_drawing)
		carry_out(r, model_tick(&r->model, now_ms()), 0);
	if (r->model.mode == MODE_LIST && !r->is_listing && now_ms() >= r->next_list_ms)
		refresh(r);
	if (r->is_ending)
		return;
	paint(r);
	draw_due(r);
}

/* ---- from beginning to end ---- */

static enum err begin(struct reader *r, struct why *why)
{
	sigset_t mask;
	struct screen_cells c = screen_cells();
	sigemptyset(&mask);
	sigaddset(&mask, SIGWINCH);
	sigaddset(&mask, SIGTERM);
	sigaddset(&mask, SIGHUP);
	sigaddset(&mask, SIGINT);
	sigprocmask(SIG_BLOCK, &mask, NULL);
	r->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	r->signal_fd = signalfd(-1, &mask, SFD_NONBLOCK | SFD_CLOEXEC);
	r->drawing = drawing_new();
	if (r->wake_fd < 0 || r->signal_fd < 0 || !r->drawing)
		return fail_errno(why, ERR_NOMEM, "beginning");
	buf_init(&r->out, 256 << 20);
	model_init(&r->model, c.columns, c.lines);
	enum err e = tasks_new(r->wake_fd, &r->desk, why);
	if (!e)
		e = tasks_new(r->wake_fd, &r->images, why);
	return e ? e : tasks_new(r->wake_fd, &r->drawings, why);
}

/* False: a thread still waits for something; the process ends with it, and nothing is freed under its feet. */
static bool end(struct reader *r)
{
	r->is_ending = true;
	atomic_store(&r->give_up, true);
	if (r->pulling)
		atomic_store(&r->pulling->cancel, true);
	bool all = tasks_stop(&r->drawings, END_MS);
	all &= tasks_stop(&r->images, END_MS);
	all &= tasks_stop(&r->desk, END_MS);
	if (!all)
		return false;
	drawing_free(&r->drawing);
	r->model.folder = NULL;
	folder_free(&r->folder);
	model_fini(&r->model);
	buf_fini(&r->out);
	for (unsigned i = 0; i < r->lines_n; i++)
		buf_fini(&r->lines[i]);
	free(r->lines);
	return true;
}

static int on_screen(void *arg, const char *dir)
{
	struct viewer_options o = *(const struct viewer_options *)arg;
	struct reader r = { .o = &o, .dir = dir, .repaint = true };
	struct why why = { "" };
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC), words = dup(STDERR_FILENO);
	o.cancel = &r.give_up;
	enum err e = begin(&r, &why);
	if (e) {
		viewer_fail("%s", why.text);
		return VIEWER_FAILED;
	}
	/* What a library prints would stand in the middle of a picture. */
	if (null >= 0)
		dup2(null, STDERR_FILENO);
	guard_take_screen();
	paint(&r);
	refresh(&r);
	while (!r.is_ending)
		turn(&r);
	end(&r);
	if (words >= 0)
		dup2(words, STDERR_FILENO);
	return VIEWER_OK;
}

int viewer_read(const struct viewer_options *o)
{
	struct viewer_options copy = *o;
	if (o->count)
		return viewer_help("read"), VIEWER_USAGE;
	text_init();
	return guard_run(on_screen, &copy);
}
