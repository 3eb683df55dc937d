/* ingest_bench - spool and ingest alone, without a network: how many images a second become durable.
 *
 *   ingest_bench DIR COUNT SIDE WINDOW     DIR on the disk to be measured; must not be there yet
 *
 * Not right after removing many files: for five seconds ext4 searches around inodes just freed
 * (recently_deleted), which costs it most of its speed.
 *
 * WINDOW images are on their way at once; each is SIDE x SIDE x 16 bit. Prints images/s and MB/s. */
#include <stdint.h>

#include "pacs/base/clock.h"
#include "pacs/store/spool.h"
#include "tests/lib/images.h"

enum { SLOTS = 256, PIECE = 131072 };

struct slot {
	struct spool_file *f;
	struct ingest_job *job;
	size_t at;
	uint8_t *header;                         /* with this image's own UID */
};

static struct {
	struct loop *loop;
	struct spool *spool;
	struct ingest *ingest;
	struct buf header, pixels, meta;
	size_t uid_at;                           /* where the SOP Instance UID's last 10 digits stand in the header */
	unsigned count, begun, done;
	struct slot slots[SLOTS];
} b;

static void begin(struct slot *s);

static void die(const char *what, const struct why *why)
{
	fprintf(stderr, "ingest_bench: %s: %s\n", what, why ? why->text : "");
	exit(1);
}

static void on_stored(void *arg, struct ingest_job *job, const struct ingest_result *r)
{
	struct slot *s = arg;
	if (r->outcome != INGEST_STORED)
		die("not stored", &r->why);
	free(job);
	if (++b.done == b.count)
		loop_stop(b.loop);
	else if (b.begun < b.count)
		begin(s);
}

static void on_spooled(void *arg, const struct spool_done *d)
{
	struct slot *s = arg;
	if (d->err)
		die("spool", &d->why);
	ingest_job_take(s->job, d);
	ingest_submit(b.ingest, s->job);
}

static void write_on(void *arg)
{
	struct slot *s = arg;
	while (s->at < b.pixels.len) {
		size_t n = b.pixels.len - s->at < PIECE ? b.pixels.len - s->at : PIECE;
		enum err e = spool_write(s->f, bytes_of(b.pixels.p + s->at, n), NULL);
		s->at += n;
		if (e == ERR_BUSY)
			return;
		if (e)
			die("write", NULL);
	}
	spool_finish(&s->f, on_spooled, on_spooled, s);
}

static void begin(struct slot *s)
{
	struct ingest_job *j = s->job = calloc(1, sizeof(*j));
	struct why why;
	char digits[11];
	snprintf(digits, sizeof(digits), "%010u", 1000000000 + b.begun++);
	uint8_t *h = malloc(b.header.len);
	memcpy(h, b.header.p, b.header.len);
	memcpy(h + b.uid_at, digits, 10);
	j->header = bytes_of(h, b.header.len);
	j->encoding = DS_EXPLICIT_LE;
	j->has_pixel_data = true;
	snprintf(j->ts.s, sizeof(j->ts.s), TS_EXPLICIT_LE);
	snprintf(j->sop_class.s, sizeof(j->sop_class.s), IMAGE_CLASS);
	snprintf(j->sop_instance.s, sizeof(j->sop_instance.s), "1.2.1.%s", digits);
	snprintf(j->calling, sizeof(j->calling), "BENCH");
	j->done = on_stored;
	j->arg = s;
	s->at = 0;
	if (spool_begin(b.spool, buf_view(&b.meta), part10_written_digest_at(buf_view(&b.meta)), SLOTS <= 2, write_on, s, &s->f, &why))
		die("begin", &why);
	enum err e = spool_write(s->f, j->header, NULL);
	if (e == ERR_OK)
		write_on(s);
	else if (e != ERR_BUSY)
		die("write", NULL);
}

int main(int argc, char **argv)
{
	struct why why = { "" };
	if (argc != 5)
		return 2;
	char cmd[300];
	unsigned window = (unsigned)atoi(argv[4]);
	snprintf(cmd, sizeof(cmd), "mkdir '%s' && mkdir '%s/spool' '%s/run'", argv[1], argv[1], argv[1]);
	if (system(cmd) || window > SLOTS)
		return 2;
	struct conf *conf = image_conf(argv[1]);
	struct image im = { .study = "1.2.840.113619.2.30.1.1762295590.1623.978668949.886", .series = "1.2.840.113619.2.30.1.1762295590.1623.978668949.887",
	                    .sop = "1.2.1.1000000000", .side = (unsigned)atoi(argv[3]) };
	struct part10 meta = { .source_aet = "BENCH" };
	snprintf(meta.transfer_syntax.s, sizeof(meta.transfer_syntax.s), TS_EXPLICIT_LE);
	b.count = (unsigned)atoi(argv[2]);
	buf_init(&b.header, 1 << 20);
	buf_init(&b.pixels, 1 << 30);
	buf_init(&b.meta, 1 << 20);
	image_encode(&im, &b.header, &b.pixels);
	uint8_t *uid = memmem(b.header.p, b.header.len, "1.2.1.1000000000", 16);
	b.uid_at = (size_t)(uid - b.header.p) + 6;
	if (part10_write(&meta, &b.meta) || loop_new(&b.loop) || ingest_start(b.loop, conf, &b.ingest, &why) ||
	    spool_open(b.loop, argv[1], 0, &b.spool, &why))
		die("start", &why);
	keep_running(b.loop);
	uint64_t t = clock_mono_ns();
	for (unsigned i = 0; i < window && i < b.count; i++)
		begin(&b.slots[i]);
	loop_run(b.loop);
	double s = (double)(clock_mono_ns() - t) / 1e9, bytes = (double)b.count * (double)(b.meta.len + b.header.len + b.pixels.len);
	printf("%u images of %.0f kB, %u at once: %.0f images/s, %.1f MB/s\n", b.count, bytes / b.count / 1000, window, b.count / s, bytes / 1e6 / s);
	ingest_stop(&b.ingest);
	spool_close(&b.spool);
	let_end();
	conf_unref(&conf);
	return 0;
}
