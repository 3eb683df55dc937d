/* conf_sample - the text of a new pacs.conf: every option explained, its default shown. Pure. */
#ifndef PACS_CONF_CONF_SAMPLE_H
#define PACS_CONF_CONF_SAMPLE_H

#include "conf/conf.h"
#include "pacs/base/buf.h"

/* The three values that `pacs init` asks for stand in it as set; everything else as a comment. */
void conf_sample(struct buf *out, const char *aet, enum conf_level level, unsigned port);

#endif
