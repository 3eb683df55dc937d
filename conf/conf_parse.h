/* conf_parse - the text of a pacs.conf to a struct conf, telling every problem that it finds.
 *
 * libconfuse reads the grammar; it ends at the first mistake of grammar or the first unknown name. Mistakes
 * of value and of sense are all found in one run.
 */
#ifndef PACS_CONF_CONF_PARSE_H
#define PACS_CONF_CONF_PARSE_H

#include "conf/conf.h"

/* A text may have at most so many bytes. */
enum { CONF_TEXT_MAX = 4 << 20 };

/* tell() gets each problem as "file:line: sentence"; may be NULL. ERR_CONFIG: why has the first, and how many more. */
enum err conf_parse(const char *dir, const char *text, size_t len, void (*tell)(void *arg, const char *problem), void *arg,
                    struct conf **out, struct why *why) MUST_USE;
/* As conf_load(), with tell(). */
enum err conf_load_telling(const char *dir, void (*tell)(void *arg, const char *problem), void *arg, struct conf **out, struct why *why) MUST_USE;

#endif
