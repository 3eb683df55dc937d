/* folder - what a folder of pulled images holds, in the order in which a reader looks: the case's study first, then the priors,
 * newest first; series and images by their numbers. Softcopy presentation states are kept beside the images that they are for.
 * Other files are counted, not shown. */
#ifndef VIEWER_CLI_FOLDER_H
#define VIEWER_CLI_FOLDER_H

#include "pacs/dicom/uid.h"

struct folder_image {
	char path[512];
	struct uid study, series, sop;
	char study_date[9], study_time[17], modality[17], series_text[65], study_text[65];
	int64_t series_number, number;
	unsigned frames;
	unsigned frame_ms;               /* of a cine; 0: it does not say */
};
struct folder_state {
	char path[512], label[65];       /* its Content Description, or else its Content Label */
	char made[22];                   /* Presentation Creation Date and Time, as they are */
	struct uid *sops;                /* owned; the images that it names */
	unsigned sops_n;
};
struct folder {
	struct folder_image *images;     /* owned */
	unsigned n, others;
	struct folder_state *states;     /* owned; newest first */
	unsigned states_n;
};

/* study: the case's. *out is the caller's, also when there is nothing in it. ERR_IO. */
enum err folder_read(const char *dir, const char *study, struct folder **out, struct why *why) MUST_USE;
void     folder_free(struct folder **f);

/* ---- presentation states ---- */
/* False: the file is none that can be applied. fini only after true. */
bool     folder_state_read(const char *path, struct folder_state *out);
void     folder_state_fini(struct folder_state *s);
void     folder_states_sort(struct folder *f);
/* How many are for this image; number 1, 2 ... of them, NULL: there is none. */
unsigned folder_states(const struct folder *f, const char *sop);
const struct folder_state *folder_state(const struct folder *f, const char *sop, unsigned number);

/* ---- finding one's way; -1: there is none ---- */
/* `by` images further in the same study, stopping at its ends. */
int      folder_step(const struct folder *f, int at, int by);
/* The first image of the series `by` (1, -1) further in the same study. */
int      folder_series(const struct folder *f, int at, int by);
/* The first image of the next study behind that of `at`, the first again behind the last. */
int      folder_study(const struct folder *f, int at);
/* Which series and image of how many. */
struct folder_place { unsigned series, series_n, image, image_n; };
struct folder_place folder_place(const struct folder *f, int at);

#endif
