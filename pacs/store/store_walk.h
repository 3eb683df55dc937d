/* store_walk - the names that stand in DIR/store, whatever the index says. Blocking. */
#ifndef PACS_STORE_STORE_WALK_H
#define PACS_STORE_STORE_WALK_H

#include "pacs/base/err.h"

/* The buckets (oid / 4096) that have a directory, ascending. */
struct store_buckets { uint64_t *bucket; size_t count; };
/* on_strange gets the path (relative to DIR) of each name on the way that is none of ours; may be NULL. No store: none. */
enum err store_buckets_read(const char *dir, struct store_buckets *out, void (*on_strange)(void *arg, const char *path), void *arg, struct why *why) MUST_USE;
void     store_buckets_free(struct store_buckets *b);

/* Each name in a bucket, in no order; is_object: "HHHHHHHHHHHH.dcm", with its number. fn returns false to stop.
 * ERR_NOT_FOUND: there is no such directory. */
enum err store_walk_bucket(const char *dir, uint64_t bucket, bool (*fn)(void *arg, const char *path, bool is_object, uint64_t oid), void *arg,
                           struct why *why) MUST_USE;

/* The number in an object's file name; false: not such a name. */
bool store_name_oid(const char *name, uint64_t *oid);

#endif
