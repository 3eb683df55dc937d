/* scu - a blocking C-STORE client for tests and benchmarks, independent of pacs/net.
 *
 * An image is loaded once; its data set is cut into PDUs once for each association; for each send only
 * its UIDs are written over, in place and in the same length. So the client costs a copy to the socket.
 *
 * Threads  an image may be shared; an scu belongs to one thread.
 */
#ifndef TESTS_LIB_SCU_H
#define TESTS_LIB_SCU_H

#include "pacs/base/buf.h"
#include "pacs/dicom/part10.h"
#include "tests/lib/wire.h"

enum { SCU_SPOTS = 16 };
struct scu_image {
	char *file;                      /* owned: the Part 10 file */
	size_t file_len, data_at;
	struct part10 meta;
	struct uid study, series;
	size_t spot[3][SCU_SPOTS];       /* offsets in the data set of SOP, Series, Study Instance UID */
	unsigned spots[3];
	unsigned long run;               /* tells runs apart */
	bool scatter;                    /* the numbers in its UIDs are not in order: they fall all over an index */
};
/* With as_is the image will only be sent as it stands: its UIDs need not be found. */
enum err scu_image_load(struct scu_image *im, const char *path, bool as_is, struct why *why) MUST_USE;
void     scu_image_free(struct scu_image *im);
/* Writes the UIDs of image number n (study n / per_study) over those in `data` (a data set like im's); sop gets 65 bytes. */
void     scu_image_stamp(const struct scu_image *im, char *data, unsigned long n, unsigned per_study, char *sop);

struct scu {
	int fd;
	const struct scu_image *im;
	struct buf framed, cmd;          /* owned */
	uint16_t message_id;
};
enum err scu_open(struct scu *s, const struct wire_target *t, const struct scu_image *im, struct why *why) MUST_USE;
/* Sends image number n and waits for the answer. ERR_CLOSED: the line broke, nothing is known of the image.
 * *sop is what was sent. */
enum err scu_store(struct scu *s, unsigned long n, unsigned per_study, uint16_t *status, struct uid *sop) MUST_USE;
/* The image as it stands. */
enum err scu_store_as_is(struct scu *s, uint16_t *status) MUST_USE;
/* Releases when `politely`, and frees. */
void     scu_close(struct scu *s, bool politely);

#endif
