/* job - what is said between the archive and its codec worker, over a SOCK_SEQPACKET pair.
 *
 *   job     "2 TRANSFER-SYNTAX-UID LEVEL\n", with two descriptors by SCM_RIGHTS: input, output
 *           "2 digest 0\n", with one: input
 *   answer  "2 ERR SIZE DATASET_AT DIGEST PIXEL_DIGEST BYTES_IN BYTES_OUT ENCODE_MS VERIFY_MS SOP_INSTANCE LARGEST_ERROR PSNR_DB WHY\n"
 *
 * One packet each; numbers are decimal, an empty text is "-", WHY is the rest of the line. The archive does not
 * believe the worker: an answer that does not parse is ERR_PROTO.
 */
#ifndef PACS_XCODE_JOB_H
#define PACS_XCODE_JOB_H

#include "pacs/xcode/xcode.h"

enum { JOB_PACKET = 1024 };

struct job {
	struct uid to;           /* "": only digests are wanted, and out_fd is -1 */
	unsigned level;
	int in_fd, out_fd;       /* owned by who received it */
};

enum err job_send(int sock, const struct job *j, struct why *why) MUST_USE;
/* ERR_END: the other side closed. ERR_PROTO: no job. */
enum err job_receive(int sock, struct job *out, struct why *why) MUST_USE;
enum err answer_send(int sock, const struct xcode_result *r) MUST_USE;
/* ERR_CLOSED: the worker is gone. */
enum err answer_receive(int sock, struct xcode_result *out, struct why *why) MUST_USE;

#endif
