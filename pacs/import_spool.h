/* import_spool - one object on its way into a node: copied into DIR/spool, synced, adopted. Blocking; a copy belongs to one thread.
 *
 *   begin -> add ... -> adopt -> fini
 *
 * Files are named spool/import-XXXXXX, which storescp gives to none of its own (in-, send-, job-). Whatever happens, fini leaves no file.
 */
#ifndef PACS_IMPORT_SPOOL_H
#define PACS_IMPORT_SPOOL_H

#include "conf/conf.h"
#include "pacs/dicom/part10.h"
#include "pacs/store/digest.h"

struct import_copy {
	const struct conf *conf;         /* borrowed */
	int fd;                          /* owned; -1 none */
	char path[64];                   /* relative to DIR; "" none, or the owner has it */
	uint64_t size;
	struct digest *digest;           /* owned; of the data set so far */
	size_t digest_at;                /* its place in the meta group (part10.h); 0: it stands there */
};

/* meta: as the file's shall be; sender and time of receipt are put in here, and at the end the digest of what was written. ERR_FULL: also when the node's reserve is reached. */
enum err import_copy_begin(struct import_copy *c, const struct conf *conf, const char *calling, struct part10 *meta, struct why *why) MUST_USE;
enum err import_copy_add(struct import_copy *c, struct bytes piece, struct why *why) MUST_USE;
void     import_copy_fini(struct import_copy *c);

/* Syncs and asks. While the node is not there (ERR_CLOSED), or was restarted and emptied its spool, copies the file anew and asks again,
 * for at most patience_s seconds or until may_wait(arg) says no. ERR_OK: outcome is storescp's word, why its reason, if any. */
enum err import_copy_adopt(struct import_copy *c, unsigned patience_s, bool (*may_wait)(void *arg), void *arg, char outcome[16], struct why *why) MUST_USE;

/* Removes what an import before this one left. */
void     import_spool_clean(const char *dir);

#endif
