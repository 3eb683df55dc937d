/* study_edit - `pacs study tag|merge|split|delete|edits|revert`: what a person does when a study is wrong.
 *
 * The router checks and writes the entry (router/edits.h); this waits until the index has applied it.
 */
#ifndef PACS_STUDY_EDIT_H
#define PACS_STUDY_EDIT_H

#include "pacs/command.h"

bool           study_edit_is(int argc, char **argv);     /* the first word is one of ours */
enum exit_code study_edit(struct app *app, int argc, char **argv);

/* ---- study_edits.c ---- */
/* The corrections that name a study (NULL: all), oldest first, as rows; NULL: no memory, or work.db cannot be read (an empty list when
 * there is none). */
json_t *study_edits_rows(const char *dir, const char *study_uid, struct why *why);
enum exit_code study_edits_list(const struct app *app, const char *dir, const char *study_uid);

#endif
