/* index_cache - what the index writer remembers of recent studies, series and terms, so that a stream of
 * images of one study asks the database nothing.
 *
 * Counters of a study or series collect here during a transaction and are written once before its commit.
 * Direct-mapped: a slot holds one entry, a newcomer's slot is given up by whoever had it. After a
 * rollback everything is forgotten, because ids may have been part of it.
 *
 * Memory   fixed, about 600 kB; part of the writer.
 */
#ifndef DB_INDEX_CACHE_H
#define DB_INDEX_CACHE_H

#include "pacs/base/bounds.h"
#include "pacs/dicom/uid.h"

enum { CACHE_STUDIES = 256, CACHE_SERIES = 512, CACHE_TERMS = 128, CACHE_TEXTS = 32, CACHE_TEXT = 260 };

struct cached_study {
	int64_t id;                      /* 0: empty slot */
	char uid[BOUND_UID + 1];
	char patient_id[CACHE_TEXT], issuer[CACHE_TEXT];     /* of its patient, cut */
	char modalities[129];
	bool is_dirty;
	int64_t series, instances, bytes;                    /* still to be added */
	int64_t first_received_ms, last_received_ms;         /* of these; images come in another order than they were begun in */
};
struct cached_series {
	int64_t id, study;
	char uid[BOUND_UID + 1];
	bool is_dirty;
	int64_t instances, bytes;
};
struct cached_term {
	int64_t id;
	char text[BOUND_UID + 1];
};
/* Of `pacs check text`: one sender, day and case. */
struct cached_text {
	char calling[BOUND_AET + 1], said[12], how[12], declared[24], found[24], study_uid[BOUND_UID + 1];
	int day;                         /* YYYYMMDD; 0: empty slot */
	int64_t objects, studies;        /* still to be added; objects 0: clean */
};
struct index_cache {
	struct cached_study studies[CACHE_STUDIES];
	struct cached_series series[CACHE_SERIES];
	struct cached_term terms[CACHE_TERMS];
	struct cached_text texts[CACHE_TEXTS];
};

/* The slot where an entry of this key stands or would stand. */
struct cached_study *cache_study(struct index_cache *c, const char *study_uid);
struct cached_series *cache_series(struct index_cache *c, const char *series_uid, int64_t study);
struct cached_term *cache_term(struct index_cache *c, const char *text);
struct cached_text *cache_text(struct index_cache *c, const struct cached_text *like);

#endif
