#include "storescp/decoder.h"

static enum err digest(void *arg, int fd, char out[33], struct why *why)
{
	struct decoder *d = arg;
	const struct job job = { .in_fd = fd, .out_fd = -1 };
	struct xcode_result r;
	worker_do(&d->worker, &job, &r);
	worker_stop(&d->worker);
	memcpy(out, r.pixel_digest, sizeof(r.pixel_digest));
	if (!r.err && !r.pixel_digest[0])
		r.err = fail(&r.why, ERR_UNSUPPORTED, "there are no samples");
	if (r.err && why)
		*why = r.why;
	return r.err;
}

void decoder_init(struct decoder *d, const char *worker_path, const struct xcode_limits *limits)
{
	worker_init(&d->worker, worker_path, limits);
}

struct ingest_decoder decoder_for_ingest(struct decoder *d)
{
	return (struct ingest_decoder){ digest, d };
}

void decoder_stop(struct decoder *d)
{
	worker_kill(&d->worker);
}

void decoder_fini(struct decoder *d)
{
	worker_stop(&d->worker);
	worker_fini(&d->worker);
}
