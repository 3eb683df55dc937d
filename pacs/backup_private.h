/* backup_private - what backup and restore share: paths, copying with a digest, manifests. */
#ifndef PACS_BACKUP_PRIVATE_H
#define PACS_BACKUP_PRIVATE_H

#include "db/survey.h"
#include "pacs/backup.h"
#include "pacs/store/pace.h"

enum { BACKUP_PAGE = 4096 };
struct backup_path { char s[4096 + 512]; };
struct backup_path backup_path(const char *dir, const char *fmt, ...) PRINTF(2, 3);
/* Where an object stands, in a data folder and in a copy. */
struct backup_path backup_object(const char *root, uint64_t oid);

struct backup_copy {
	uint64_t dataset_at;             /* the digest is that of the bytes from here on */
	const char *digest;              /* expected; "" or NULL: any */
	uint64_t size;                   /* expected, when digest is given */
	struct pace *pace;               /* may be NULL */
};
/* Copies to a new file (not synced) and fills digest. ERR_MISMATCH: other bytes than expected; `to` is then gone.
 * to NULL: only reads and compares. */
enum err backup_copy_file(const char *from, const char *to, const struct backup_copy *c, char digest[33], uint64_t *size, struct why *why) MUST_USE;

/* The manifest of a generation. The reference is the caller's. ERR_FORMAT, ERR_MISMATCH: not whole. */
enum err backup_manifest_read(const char *generation_dir, json_t **out, struct why *why) MUST_USE;
enum err backup_manifest_write(const char *generation_dir, const json_t *m, struct why *why) MUST_USE;
/* Names of generations, oldest first; the caller frees with json_decref. */
json_t *backup_generations(const char *to, struct why *why);
enum err backup_sync_file(const char *path, struct why *why) MUST_USE;
/* A folder and all below it. */
void     backup_remove_tree(const char *dir);

#endif
