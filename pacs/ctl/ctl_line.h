/* ctl_line - the lines of the control protocol, the same for both sides. Pure. */
#ifndef PACS_CTL_CTL_LINE_H
#define PACS_CTL_CTL_LINE_H

#include <jansson.h>

#include "pacs/base/buf.h"

/* One JSON object as a line behind what is in out. Takes the reference. ERR_NOMEM, ERR_LIMIT. */
enum err ctl_line_add(struct buf *out, json_t *object) MUST_USE;
/* A whole line of an answer: ERR_OK, ERR_PROTO when it is none, or the server's error with its message. *answer is set only on ERR_OK. */
enum err ctl_line_answer(const char *line, size_t len, json_t **answer, struct why *why) MUST_USE;

#endif
