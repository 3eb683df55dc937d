/* decoder - digests of decoded samples for ingest, each by a codec worker process of its own.
 *
 * A process that has decoded a hostile object is not asked about another one: it could say what makes two images look the
 * same, and the second would be dropped. So a fresh one is started for each object and ended behind it; this is done for
 * resends in another encoding only.
 */
#ifndef STORESCP_DECODER_H
#define STORESCP_DECODER_H

#include "pacs/store/ingest.h"
#include "pacs/xcode/worker.h"

struct decoder {
	struct worker worker;            /* of ingest's second thread */
};

/* path is borrowed. */
void     decoder_init(struct decoder *d, const char *worker_path, const struct xcode_limits *limits);
struct ingest_decoder decoder_for_ingest(struct decoder *d);
/* Before ingest_stop(): what runs ends at once, and nothing more begins. */
void     decoder_stop(struct decoder *d);
void     decoder_fini(struct decoder *d);        /* after ingest_stop() */

#endif
