/* fill - an index of N million images without their files, as ingest would have made it.
 *
 *   fill DIR --studies N [--mean M] [--seed S]
 *
 * Each image is a header that a machine could have sent (tests/lib/county.h); it is parsed and decoded by ingest's own
 * code and goes into the index through the index writer, in the order of its study's date, in transactions of thousands
 * where ingest has hundreds, and nothing is synced before the end. A second thread reads the headers. The files are not there: nothing can be retrieved.
 *
 * DIR is a data folder without an index.db (made if need be). Prints images, studies, images/s, the size of the index per
 * image and what each table takes.
 */
#include <errno.h>
#include <getopt.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "db/schema.h"
#include "db/work_keep.h"
#include "pacs/base/clock.h"
#include "tests/lib/county.h"
#include "tests/lib/indexed.h"

enum { TRANSACTION = 20000, BLOCK = 256, BLOCKS = 8 };

/* One block of studies: their headers, read into records by the second thread while the first one writes the last. */
struct block {
	unsigned long count;                     /* studies */
	struct buf headers;
	struct indexed indexed;
	struct made { struct ingest_job job; struct index_record record; } *made;
	size_t made_count, made_cap;
};

static struct {
	struct county county;
	struct block blocks[BLOCKS];
	unsigned long head, tail;                /* blocks made and taken */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	uint64_t images;                         /* written */
	uint64_t oid;                            /* of the last record made */
} f = { .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER };

static void die(const char *what, const char *why)
{
	fprintf(stderr, "fill: %s: %s\n", what, why);
	exit(1);
}

/* ---- the second thread: records ---- */

static struct made *next_made(struct block *b)
{
	if (b->made_count == b->made_cap) {
		b->made_cap = b->made_cap ? 2 * b->made_cap : 4096;
		b->made = realloc(b->made, b->made_cap * sizeof(*b->made));
		if (!b->made)
			die("memory", "none");
	}
	return &b->made[b->made_count++];
}

static void make_image(struct block *b, const struct county_study *s, unsigned image, struct bytes header)
{
	struct made *m = next_made(b);
	struct ingest_job *job = &m->job;
	struct why why;

	*job = (struct ingest_job){ .size = header.len + 344 + 2 * 2048 * 2048, .dataset_at = 344 };
	snprintf(job->ts.s, sizeof(job->ts.s), TS_EXPLICIT_LE);
	snprintf(job->calling, sizeof(job->calling), "%s", s->calling);
	snprintf(job->charset, sizeof(job->charset), "GB18030");
	snprintf(job->address, sizeof(job->address), "10.0.%u.7:40000", s->site);
	snprintf(job->digest, sizeof(job->digest), "%016llx%016llx", (unsigned long long)(s->number * 0x9E3779B97F4A7C15u + image),
	         (unsigned long long)((s->number ^ 0xABCDEFu) * 0xBF58476D1CE4E5B9u));
	b->indexed.oid = f.oid++;
	if (indexed_record(&b->indexed, job, header, &m->record, &why))
		die("a record", why.text);
}

/* The buffer and the array move while they grow: what points into them is set once both are whole. */
static void make_block(struct block *b, unsigned long first)
{
	static struct county_study studies[BLOCK];
	static size_t ends[BLOCK][COUNTY_IMAGES_MAX];
	size_t at = 0;

	b->count = f.county.studies - first < BLOCK ? f.county.studies - first : BLOCK;
	b->made_count = 0;
	buf_reset(&b->headers);
	indexed_forget(&b->indexed);
	for (unsigned long n = 0; n < b->count; n++) {
		county_study(&f.county, first + n, &studies[n]);
		if (county_headers(&f.county, &studies[n], &b->headers, ends[n]))
			die("a header", "cannot be written");
	}
	for (unsigned long n = 0; n < b->count; n++)
		for (unsigned i = 0; i < studies[n].images; at = ends[n][i++])
			make_image(b, &studies[n], i, bytes_of(b->headers.p + at, ends[n][i] - at));
	for (size_t i = 0; i < b->made_count; i++) {
		struct made *m = &b->made[i];
		m->record.ts = m->job.ts.s;
		m->record.digest = m->job.digest;
		m->record.pixel_digest = m->job.pixel_digest;
		m->record.calling = m->job.calling;
		m->record.address = m->job.address;
		if (!m->record.sop_class[0])
			m->record.sop_class = m->job.sop_class.s;
	}
}

static void *make_blocks(void *arg)
{
	(void)arg;
	for (unsigned long first = 0; first < f.county.studies; first += BLOCK) {
		pthread_mutex_lock(&f.lock);
		while (f.head - f.tail == BLOCKS)
			pthread_cond_wait(&f.changed, &f.lock);
		pthread_mutex_unlock(&f.lock);
		struct block *b = &f.blocks[f.head % BLOCKS];
		make_block(b, first);
		pthread_mutex_lock(&f.lock);
		f.head++;
		pthread_cond_signal(&f.changed);
		pthread_mutex_unlock(&f.lock);
	}
	return NULL;
}

/* ---- the first thread: rows ---- */

static void add_image(struct index_writer *w, const struct made *m)
{
	struct why why;
	uint64_t instance;
	int64_t seq;

	if (index_add(w, &m->record, &instance, &seq, &why))
		die("an image", why.text);
}

static void progress(uint64_t began, bool is_end)
{
	double s = (double)(clock_mono_ns() - began) / 1e9;

	fprintf(stderr, "\rfill: %.2f million images, %.0f/s%s", (double)f.images / 1e6, (double)f.images / s, is_end ? "\n" : " ");
}

static void fill(struct index_writer *w)
{
	struct why why;
	uint64_t began = clock_mono_ns();
	unsigned in_transaction = 0;

	for (unsigned long done = 0; done < f.county.studies; done += BLOCK) {
		pthread_mutex_lock(&f.lock);
		while (f.head == f.tail)
			pthread_cond_wait(&f.changed, &f.lock);
		pthread_mutex_unlock(&f.lock);
		struct block *b = &f.blocks[f.tail % BLOCKS];
		if (!in_transaction && index_begin(w, &why))
			die("begin", why.text);
		for (size_t i = 0; i < b->made_count; i++)
			add_image(w, &b->made[i]);
		in_transaction += (unsigned)b->made_count;
		f.images += b->made_count;
		if (in_transaction >= TRANSACTION || done + BLOCK >= f.county.studies) {
			if (index_commit(w, &why))
				die("commit", why.text);
			index_checkpoint(w);
			in_transaction = 0;
			progress(began, false);
		}
		pthread_mutex_lock(&f.lock);
		f.tail++;
		pthread_cond_signal(&f.changed);
		pthread_mutex_unlock(&f.lock);
	}
	progress(began, true);
}

static unsigned long number(const char *s)
{
	char *end;
	unsigned long n = strtoul(s, &end, 10);

	if (*end || !n)
		die("usage", "fill DIR --studies N [--mean M] [--seed S]");
	return n;
}

/* What a node that has received all this would have planned: else its router would do the work of fifteen years in the first hour. */
static void note_planned(const char *dir)
{
	struct index_reader *ix;
	struct index_identity id;
	struct work *w;
	struct uid last;
	struct why why = { "" };
	bool is_new;
	char path[4200];
	snprintf(path, sizeof(path), "%s/run", dir);
	if (mkdir(path, 0750) && errno != EEXIST)
		die(path, strerror(errno));
	enum err e = index_reader_open(dir, &ix, &why);
	if (!e)
		e = index_identity(ix, &id, &why);
	if (!e)
		e = index_arrival_uid(ix, id.last_seq, &last, &why);
	if (!e)
		e = work_open(dir, &w, &why);
	if (!e)
		e = work_begin(w, &why);
	if (!e)
		e = work_know_index(w, ix, &is_new, &why);
	if (!e)
		e = work_set_cursor(w, id.last_seq, &why);
	if (!e)
		e = work_note_planned(w, clock_wall_ms(), last.s, &why);
	if (!e)
		e = work_commit(w, &why);
	if (e)
		die("work.db", why.text);
	work_close(&w);
	index_reader_close(&ix);
}

int main(int argc, char **argv)
{
	static const struct option longs[] = { { "studies", 1, NULL, 'n' }, { "mean", 1, NULL, 'm' }, { "seed", 1, NULL, 's' }, { 0 } };
	struct index_writer *w;
	struct why why;
	char path[4200];
	struct stat st;
	pthread_t maker;

	f.county = (struct county){ .seed = 1, .studies = 0, .mean_images = 7 };
	for (int c; (c = getopt_long(argc, argv, "", longs, NULL)) != -1; )
		switch (c) {
		case 'n': f.county.studies = number(optarg); break;
		case 'm': f.county.mean_images = (unsigned)number(optarg); break;
		case 's': f.county.seed = number(optarg); break;
		default: die("usage", "fill DIR --studies N [--mean M] [--seed S]");
		}
	if (optind + 1 != argc || !f.county.studies)
		die("usage", "fill DIR --studies N [--mean M] [--seed S]");
	snprintf(path, sizeof(path), "%s/" INDEX_FILE, argv[optind]);
	if (!stat(path, &st))
		die(path, "there is an index already");
	if (mkdir(argv[optind], 0750) && errno != EEXIST)
		die(argv[optind], strerror(errno));
	for (size_t i = 0; i < BLOCKS; i++) {
		buf_init(&f.blocks[i].headers, 256 << 20);
		indexed_init(&f.blocks[i].indexed);
	}
	uint64_t began = clock_mono_ns();
	if (index_writer_open(argv[optind], &w, &why) || index_bulk_begin(w, &why))
		die(path, why.text);
	if (pthread_create(&maker, NULL, make_blocks, NULL))
		die("thread", "cannot start");
	fill(w);
	pthread_join(maker, NULL);
	if (index_bulk_end(w, &why))
		die(path, why.text);
	index_writer_close(&w);
	note_planned(argv[optind]);
	double s = (double)(clock_mono_ns() - began) / 1e9;
	if (stat(path, &st))
		die(path, strerror(errno));
	printf("images=%llu studies=%lu seconds=%.1f images_per_s=%.0f bytes=%lld bytes_per_image=%.0f\n", (unsigned long long)f.images,
	       f.county.studies, s, (double)f.images / s, (long long)st.st_size, (double)st.st_size / (double)f.images);
	return 0;
}
