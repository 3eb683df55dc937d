#include "pacs/pixels_check.h"

#include <unistd.h>

#include "pacs/store/object.h"

static enum pixels_found judge(const struct index_instance *i, const struct xcode_result *r, struct why *why)
{
	if (strcmp(r->digest, i->digest)) {
		fail(why, ERR_MISMATCH, "the file's bytes have digest %s, the index says %s", r->digest, i->digest);
		return PIXELS_BAD;
	}
	if (!i->pixel_digest[0])
		return PIXELS_DECODE;
	if (!strcmp(r->pixel_digest, i->pixel_digest))
		return PIXELS_EQUAL;
	fail(why, ERR_MISMATCH, "the samples have digest %s, %s when they were compressed", r->pixel_digest, i->pixel_digest);
	return PIXELS_BAD;
}

enum pixels_found pixels_check(struct worker *w, const char *dir, const struct index_instance *i, struct why *why)
{
	struct job job = { .in_fd = -1, .out_fd = -1 };
	struct xcode_result r;
	uint64_t size;
	if (object_open(dir, i->oid, &job.in_fd, &size, why))
		return PIXELS_BAD;
	worker_do(w, &job, &r);
	close(job.in_fd);
	if (!r.err)
		return judge(i, &r, why);
	*why = r.why;
	return r.err == ERR_UNSUPPORTED ? PIXELS_NONE : PIXELS_BAD;
}
