/* xcode - have an object transcoded by a sandboxed worker process.
 *
 * The worker (build/bin/xcode-worker) gets three descriptors and nothing else: a socket for jobs and results, and with
 * each job the input object (read-only) and the output file (read-write, since it reads back what it wrote; already
 * open in DIR/spool). It has seccomp, no paths, no network, rlimits for memory and time. A worker that crashes, hangs
 * or lies costs itself only.
 *
 * Verified: when the target is compressed the worker decodes what it wrote and compares each sample with the
 * original before it says ok; the digest of the decoded samples comes back.
 */
#ifndef PACS_XCODE_XCODE_H
#define PACS_XCODE_XCODE_H

#include "pacs/dicom/uid.h"
#include "pacs/net/loop.h"

struct xcode;    /* a small set of workers, started on demand, one job each at a time */

/* worker_path: the program. Limits from conf. */
struct xcode_limits {
	unsigned workers;
	uint64_t memory_bytes;
	unsigned timeout_s;
	bool is_background;      /* only what nobody else wants of the processors and the disk; else merely less than others */
};
enum err xcode_new(struct loop *l, const char *worker_path, const struct xcode_limits *lim, struct xcode **out) MUST_USE;
void     xcode_free(struct xcode **x);           /* kills workers; every open job gets ERR_CANCELLED */

struct xcode_result {
	enum err err;                            /* ERR_UNSUPPORTED: cannot or need not (why says); ERR_MISMATCH: verification failed;
	                                          * ERR_LIMIT, ERR_NOMEM: it would need, or needed, more memory than the limit;
	                                          * ERR_TIMEOUT, ERR_CLOSED: the worker hung or died */
	struct why why;
	uint64_t size, dataset_at;               /* of the output file */
	char digest[33];                         /* XXH3-128 of its data set bytes */
	char pixel_digest[33];                   /* XXH3-128 of the decoded samples, frames in order */
	uint64_t pixel_bytes_in, pixel_bytes_out;
	unsigned encode_us, verify_us;
	struct uid sop_instance;                 /* of the output: another one than the input's after lossy compression */
	unsigned largest_error, psnr_db;         /* of lossy compression; both 0 else */
};
/* in_fd, out_fd are dup'ed; the output is a whole Part 10 file in `to` with the same SOP Instance UID, all attributes
 * kept but those that must change (photometric, planar). Not synced: the caller adopts it. done on the loop thread. */
enum err xcode_submit(struct xcode *x, int in_fd, int out_fd, const struct ts *to,
                      void (*done)(void *arg, const struct xcode_result *r), void *arg) MUST_USE;
/* The same with a level (pacs/dicom/recipe.h): not 0 makes another, lossy object. */
enum err xcode_submit_level(struct xcode *x, int in_fd, int out_fd, const struct ts *to, unsigned level,
                            void (*done)(void *arg, const struct xcode_result *r), void *arg) MUST_USE;
/* Decodes the object as it stands: the digests of its bytes and of its samples. Nothing is written. */
enum err xcode_submit_digest(struct xcode *x, int in_fd, void (*done)(void *arg, const struct xcode_result *r), void *arg) MUST_USE;

#endif
