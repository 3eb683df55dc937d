/* list_find - C-FIND on a list that work.db holds: work items (ups_find.c), the modality worklist (mwl.c).
 *
 * Pages of rows are read and matched on a reader thread; the loop sends what a page gave when the connection has room, and then
 * asks for the next page. No statement stays open between pages: the place is the id of the last row seen, so a row comes once,
 * as it stands when its page is read.
 */
#ifndef STORESCP_LIST_FIND_H
#define STORESCP_LIST_FIND_H

#include "pacs/base/buf.h"
#include "pacs/dicom/dataset.h"
#include "storescp/service.h"

enum { LIST_ARENA = 32 << 20, LIST_PAGE = 64 };

struct list_find;
struct list_source {
	const char *name;                                        /* "UPS C-FIND" */
	const char *event;                                       /* of a failure, in the log */
	/* On a reader thread: opens (once) and reads at most LIST_PAGE rows behind f->after, gives each to list_find_row(). */
	enum err (*page)(struct list_find *f, struct why *why);
	void (*close)(struct list_find *f);                      /* the source's reader, if it was opened */
	bool in_callers_charset;                                 /* answers in the set of the calling node, else ISO_IR 192 */
};

struct list_find {
	struct operation op;
	const struct list_source *source;
	char dir[sizeof(((struct conf *)0)->dir)];
	enum ds_encoding enc;
	char charset[64];                /* to answer in; "" ASCII or ISO_IR 192 */
	struct arena keys_arena;
	struct dataset *keys;            /* UTF-8, in keys_arena: what is asked for */
	struct dataset *match_keys;      /* what must match: the same, unless filter() takes something out */
	bool is_busy;                    /* a thread or a function below holds it: gone() must not free it */
	bool is_cancelled, is_last;
	/* the page */
	struct arena arena;              /* for the source too; released by it after each row */
	struct buf answers;              /* each as 32-bit length and bytes */
	unsigned seen, count;
	int64_t after;
	enum err err;
	struct why why;
};

/* `f` heads a zeroed, malloc'd struct of the caller's, who has checked the request. Takes it: it is freed when all is over. keys are
 * parsed from data and checked; a refusal is answered. `filter` (may be NULL) is called when the keys are there. */
void list_find_start(struct list_find *f, const struct list_source *source, struct session *s, uint8_t context_id, const struct dimse *rq, struct bytes data,
                     void (*filter)(struct list_find *f));
/* Reader thread: matches and answers one row; false: the page is full (or failed), stop. */
bool list_find_row(struct list_find *f, int64_t id, const struct dataset *ds);
/* The source knows by itself that this row does not match. Always true. */
bool list_find_skip(struct list_find *f, int64_t id);

#endif
