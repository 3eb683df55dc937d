/* export_private - what the files of the export share.
 *
 *   export.c         the run: its loop, one object after the other, its end
 *   export_pick.c    which studies, in the order of a directory
 *   export_object.c  one object: from its source to its place in the target
 *   export_deid.c    the same without its patient, and the proof
 *   export_target.c  a room of its own
 *
 * One thread: sources read on the loop's pool, everything else is done in their callbacks, as nobody else waits here.
 */
#ifndef PACS_EXPORT_PRIVATE_H
#define PACS_EXPORT_PRIVATE_H

#include <stdio.h>

#include "pacs/export.h"
#include "pacs/export_target.h"
#include "pacs/media/deid_check.h"
#include "pacs/media/dicomdir_write.h"
#include "pacs/send/source.h"

struct export_study { struct uid uid; char *patient; char *name, *id, *issuer, *birth_date; char date[9]; unsigned instances; };   /* patient: by which they are grouped */
struct export_picks {
	struct export_study *of;         /* owned, by patient, date, UID */
	size_t count, cap;
	uint64_t objects;
};
struct export_item { uint64_t instance; struct uid series; };

struct export {
	const struct conf *conf;
	const struct export_options *o;
	struct export_result *result;
	struct loop *loop;
	struct loop_timer *alive;        /* the loop runs as long as there is work */
	struct xcode *xcode;
	struct index_reader *index;
	struct export_picks picks;
	struct export_target target;
	struct dicomdir_writer directory;
	FILE *map;                       /* NULL: none */
	bool has_map;                    /* the file is ours */
	enum err err;
	struct why why;
	/* where it is */
	size_t study;                    /* of picks; the items are its */
	struct export_item *items;
	size_t item_count, item_cap, item;
	unsigned patient_no, study_no, series_no, object_no;     /* of names; 0 none yet below the one above */
	bool has_named_patient, has_named_study, has_named_series;       /* the present ones have their number */
	struct deid_subject subject;
	unsigned subject_no;
	uint64_t looked_at;
	uint64_t leaked;                 /* of those refused: something of the patient was found after cleaning */
	/* the object in hand */
	struct index_instance instance;
	struct source source;
	int fd;                          /* its draft; -1 none */
	char draft[PATH_MAX];
	uint64_t size;                   /* of the draft */
	uint64_t dataset_at;
	const struct ts *ts;             /* it goes out in */
	bool is_again;                   /* tried a second time */
};

/* ---- export_pick.c ---- */
enum err export_pick(struct export *x, struct why *why) MUST_USE;
void     export_pick_free(struct export_picks *p);
/* The items of x->study, by series. */
enum err export_pick_items(struct export *x, struct why *why) MUST_USE;

/* ---- export.c ---- */
/* The object in hand is done, or passed over for a reason; the next one follows. */
void     export_next(struct export *x);
void     export_pass_over(struct export *x, const char *why, bool is_bad);
/* The run ends here. */
void     export_stop(struct export *x, enum err e);

/* ---- export_object.c ---- */
void     export_object(struct export *x);
/* The elements before pixel data of a Part 10 file; *raw is the caller's to free, *ds lives in the arena. at: of the data set; end: where they end. */
enum err export_read_head(int fd, uint64_t at, uint64_t size, const struct ts *ts, struct arena *a, uint8_t **raw, struct dataset **ds, uint64_t *end, struct why *why) MUST_USE;

/* ---- export_deid.c ---- */
void     export_subject(struct export *x);
/* NULL: it may go out. */
const char *export_refusal(struct export *x);
/* The draft becomes a clean one; x->fd, x->size are of that. */
enum err export_clean(struct export *x) MUST_USE;

#endif
