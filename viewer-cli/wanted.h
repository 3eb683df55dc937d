/* wanted - the images that a pull is to bring, and which of them have come. */
#ifndef VIEWER_CLI_WANTED_H
#define VIEWER_CLI_WANTED_H

#include "viewer-cli/viewer.h"
#include "viewer-cli/work.h"

struct wanted;
struct wanted *wanted_new(void);                 /* NULL: no memory */
void     wanted_free(struct wanted **w);
enum err wanted_add(struct wanted *w, const char *study, const char *series, const char *sop_class, const char *sop) MUST_USE;

/* The input references of a work item. ERR_NOT_FOUND: it names no images. */
enum err wanted_of_item(const struct viewer_options *o, const char *item, struct wanted *w, struct why *why) MUST_USE;
/* All images of a study, asked by C-FIND, series by series. ERR_NOT_FOUND: the node has none. */
enum err wanted_of_study(const struct viewer_options *o, const char *study, struct wanted *w, struct why *why) MUST_USE;

unsigned wanted_count(const struct wanted *w);
unsigned wanted_missing(const struct wanted *w);
bool     wanted_has(const struct wanted *w, const char *sop);
/* True when it comes for the first time. */
bool     wanted_check_off(struct wanted *w, const char *sop);
/* fn once for each SOP class that occurs; `classes` is how many there are. When the node left the class of an image empty:
 * for each that a reader may meet. */
void     wanted_classes(const struct wanted *w, void (*fn)(void *arg, const char *sop_class, unsigned classes), void *arg);
/* The next image-level identifier: at most max images of one series. ERR_END: all have been asked for. Begin with *at = 0. */
enum err wanted_request(const struct wanted *w, unsigned *at, unsigned max, struct dataset *out) MUST_USE;

#endif
