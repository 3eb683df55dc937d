/* conf_edit - changing pacs.conf by command: its text is edited, the rest of it and its comments stay.
 *
 * One editor at a time (a lock on DIR/run/conf.lock). The new text takes the old one's place, durably, only
 * after it was read and found right; otherwise nothing changes.
 */
#ifndef PACS_CONF_CONF_EDIT_H
#define PACS_CONF_CONF_EDIT_H

#include <limits.h>

#include "conf/conf.h"
#include "pacs/base/buf.h"

struct conf_edit {
	char dir[PATH_MAX], path[PATH_MAX];
	int lock_fd;
	struct buf text;
	struct conf *conf;       /* what the file said when it was opened */
};

/* Waits for the lock. ERR_CONFIG: the file is already wrong; mend it first. */
enum err conf_edit_open(struct conf_edit *e, const char *dir, struct why *why) MUST_USE;
void     conf_edit_close(struct conf_edit *e);   /* without save: nothing has changed */

struct conf_pair { const char *name, *value; };  /* value NULL: left out */
/* kind is "node" or "route". ERR_EXISTS, ERR_USAGE (a name that is none). */
enum err conf_edit_add_section(struct conf_edit *e, const char *kind, const char *name, const struct conf_pair *pairs, size_t count, struct why *why) MUST_USE;
enum err conf_edit_remove_section(struct conf_edit *e, const char *kind, const char *name, struct why *why) MUST_USE;      /* ERR_NOT_FOUND */
enum err conf_edit_set(struct conf_edit *e, const char *option, const char *value, struct why *why) MUST_USE;
/* Reads the new text, and when it is right writes it. */
enum err conf_edit_save(struct conf_edit *e, struct why *why) MUST_USE;

#endif
