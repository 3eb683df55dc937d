/* model - what `viewer-cli read` shows and what a key means: events in, state and wishes out.
 *
 * Pure: it draws nothing, waits for nothing and knows no network; it can be tested key by key. Texts in it are English and are
 * translated where they are drawn; `message` is translated already.
 */
#ifndef VIEWER_CLI_MODEL_H
#define VIEWER_CLI_MODEL_H

#include "viewer-cli/folder.h"
#include "viewer-cli/keys.h"
#include "viewer-cli/work.h"

enum model_mode { MODE_LIST, MODE_CASE };
enum model_dialog { DIALOG_NONE, DIALOG_HELP, DIALOG_COMPLETE, DIALOG_RELEASE, DIALOG_QUIT };
enum row_mark { ROW_OLD, ROW_NEW, ROW_CHANGED };
enum case_stage { CASE_NONE, CASE_CLAIMING, CASE_PULLING, CASE_PRIORS, CASE_READY, CASE_ENDING };

struct model_row {
	struct work_entry e;
	enum row_mark mark;
	bool is_mine;                    /* claimed from here */
};

/* How an image is looked at. */
struct look {
	double zoom;                     /* 1: all of it */
	double x, y;                     /* the middle of what is seen, as part of the image */
	unsigned turns;
	bool is_flipped, is_inverted, no_overlays;
	bool has_window;
	double centre, width;
	unsigned number;                 /* of the image's windows; 0: its first */
	unsigned state;                  /* of the image's presentation states, from 1; 0: as the image itself says */
};
/* How it was drawn. */
struct drawn {
	bool is_grey;
	double centre, width;            /* of the window that was used */
	unsigned windows;                /* that the image has */
	unsigned turns;                  /* of the presentation state; the look's come behind them */
	bool is_flipped;
};
struct pane {
	int image;                       /* of the folder; -1 none */
	unsigned frame;                  /* from 0 */
	struct look look;
	struct drawn drawn;              /* the last time */
};

struct model {
	unsigned columns, lines;
	enum model_mode mode;
	enum model_dialog dialog;
	char message[400];
	/* the list */
	struct model_row *rows;          /* owned */
	size_t rows_n, at, top;
	bool is_listed;                  /* an answer has come */
	char trouble[320];               /* why the last one did not; "" it did */
	/* the case */
	enum case_stage stage;
	struct model_row open;           /* the row that was opened */
	struct pull_count_view { unsigned stored, all; uint64_t bytes; bool is_prior; } pulled;
	const struct folder *folder;     /* lent until model_folder() gives another */
	struct pane panes[2];
	unsigned focus;
	bool is_side_by_side, is_playing;
	bool is_touched;                 /* the reader has done something with an image */
	int64_t next_frame_ms;           /* when the cine goes on */
	unsigned preset;
};

/* What the caller is to do. Bits. */
enum {
	WISH_QUIT = 1, WISH_REFRESH = 2, WISH_OPEN = 4, WISH_COMPLETE = 8, WISH_RELEASE = 16, WISH_CLOSE = 32, WISH_REDRAW = 64,
};
enum { RELEASE_REASONS = 4 };

void model_init(struct model *m, unsigned columns, unsigned lines);
void model_fini(struct model *m);

unsigned model_key(struct model *m, unsigned key, int64_t now_ms);
/* Which of the reasons was chosen: a word for case_release(). */
const char *model_reason(const struct model *m, unsigned key);
unsigned model_resize(struct model *m, unsigned columns, unsigned lines);
/* Time goes on: the cine's next frame. */
unsigned model_tick(struct model *m, int64_t now_ms);
/* Milliseconds until model_tick() has something to do; -1: nothing waits for time. */
int      model_wait_ms(const struct model *m, int64_t now_ms);

/* The list came; rows is the model's from now on. What is new or other than before is marked. */
void     model_listed(struct model *m, struct model_row *rows, size_t n);
void     model_list_failed(struct model *m, const char *why);
/* The case: what became of the claim, of the images, of its end. */
void     model_claimed(struct model *m);
void     model_claim_failed(struct model *m, const char *why);
void     model_progress(struct model *m, unsigned stored, unsigned all, uint64_t bytes, bool is_prior);
unsigned model_folder(struct model *m, const struct folder *f);
void     model_stage(struct model *m, enum case_stage stage);
void     model_ended(struct model *m, const char *said);
void     model_end_failed(struct model *m, const char *why);
void     model_say(struct model *m, const char *words);

/* What a drawing found. says: words of the presentation state that was not applied the time before; "" none. */
void     model_drawn(struct model *m, unsigned pane, const struct drawn *d, const char *says);
/* The look behind a presentation state's turns: both as one. */
unsigned look_turns(const struct look *l, const struct drawn *d);
bool     look_flips(const struct look *l, const struct drawn *d);

const struct folder_image *model_image(const struct model *m, unsigned pane);    /* NULL: none */
const struct folder_state *model_state(const struct model *m, unsigned pane);    /* that is applied; NULL: none */

#endif
