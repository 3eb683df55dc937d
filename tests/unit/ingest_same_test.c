#include <sys/mman.h>

#include "db/index_reader.h"
#include "pacs/xcode/transcode.h"
#include "tests/lib/images.h"
#include "tests/lib/t.h"

static char dir[64];
static struct why why;
static struct loop *loop;
static struct conf *conf;
static struct ingest *ingest;

/* ---- a node that runs for some images ---- */

static struct ingest_result last;
static unsigned submitted, answered;

static void on_done(void *arg, struct ingest_job *job, const struct ingest_result *r)
{
	(void)arg;
	last = *r;
	free(job);
	if (++answered == submitted)
		loop_stop(loop);
}

static void fresh(void)
{
	char cmd[300];
	snprintf(cmd, sizeof(cmd), "rm -rf %s && mkdir -p %s/spool %s/run", dir, dir, dir);
	CHECK_INT(system(cmd), 0);
}

/* As storescp gives it, without a process of its own. */
static enum err decoder_err;
static unsigned decoded;
static enum err decode_here(void *arg, int fd, char out[33], struct why *reason)
{
	struct xcode_result r = { .err = decoder_err };
	off_t size = lseek(fd, 0, SEEK_END);
	void *p = mmap(NULL, (size_t)size, PROT_READ, MAP_PRIVATE, fd, 0);
	(void)arg;
	decoded++;
	if (!r.err)
		r.err = transcode_digest(bytes_of(p, (size_t)size), 0, &r);
	munmap(p, (size_t)size);
	memcpy(out, r.pixel_digest, 33);
	return r.err ? fail(reason, r.err, "%s", r.why.text) : ERR_OK;
}
static bool has_decoder;

static void start(void)
{
	submitted = answered = 0;
	CHECK_INT(loop_new(&loop), ERR_OK);
	CHECK_OK(ingest_start(loop, conf, &ingest, &why), why);
	const struct ingest_decoder decoder = { decode_here, NULL };
	if (has_decoder)
		ingest_use_decoder(ingest, &decoder);
	keep_running(loop);
}

static void submit(struct ingest_job *j, void (*done)(void *, struct ingest_job *, const struct ingest_result *))
{
	j->done = done;
	ingest_submit(ingest, j);
	submitted++;
}

static void finish(void)
{
	loop_run(loop);
	ingest_stop(&ingest);
	let_end();
	loop_run(loop);
	loop_free(&loop);
}

static struct ingest_result one(struct ingest_job *j)
{
	start();
	submit(j, on_done);
	finish();
	return last;
}

static struct ingest_result store(const struct image *im)
{
	return one(image_job(dir, im, "x"));
}

static struct index_instance kept(const char *sop)
{
	struct index_reader *r;
	struct index_instance i = { 0 };
	CHECK_OK(index_reader_open(dir, &r, &why), why);
	CHECK_OK(index_get_by_uid(r, sop, &i, &why), why);
	index_reader_close(&r);
	return i;
}

static uint64_t conflicts(void)
{
	struct index_reader *r;
	struct index_counts c = { 0 };
	CHECK_OK(index_reader_open(dir, &r, &why), why);
	CHECK_OK(index_counts(r, &c, &why), why);
	index_reader_close(&r);
	return c.conflicts;
}

/* What the router does: the codec makes a JPEG 2000 of the kept file, and ingest swaps them. */
static void compress(const char *sop)
{
	struct index_instance k = kept(sop);
	struct xcode_result r;
	int fd;
	uint64_t size;
	char path[400];
	CHECK_OK(object_open(dir, k.oid, &fd, &size, &why), why);
	void *map = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
	CHECK(map != MAP_FAILED);
	snprintf(path, sizeof(path), "%s/spool/coded", dir);
	int out = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	CHECK_OK(transcode(bytes_of(map, size), out, ts_find(TS_J2K_LOSSLESS), &r), r.why);
	munmap(map, size);
	close(fd);
	close(out);
	struct ingest_job *j = calloc(1, sizeof(*j));
	snprintf(j->path, sizeof(j->path), "spool/coded");
	snprintf(j->ts.s, sizeof(j->ts.s), "%s", TS_J2K_LOSSLESS);
	memcpy(j->digest, r.digest, sizeof(j->digest));
	memcpy(j->pixel_digest, r.pixel_digest, sizeof(j->pixel_digest));
	j->size = r.size;
	j->dataset_at = r.dataset_at;
	j->is_replace = true;
	j->replace_instance = k.instance;
	j->replace_oid = k.oid;
	CHECK_INT(one(j).outcome, INGEST_REPLACED);
}

/* ---- tests ---- */

static const struct image kinds[] = {
	{ .side = 8 }, { .side = 9, .frames = 3 }, { .side = 9, .bits = 8 }, { .side = 9, .bits = 8, .is_rgb = true },
	{ .side = 9, .bits = 8, .frames = 2, .is_rgb = true, .is_by_plane = true }, { .side = 300, .bits = 8, .is_rgb = true, .is_by_plane = true },
	{ .side = 330, .bits = 16 },
};
static const char *const plain[] = { TS_IMPLICIT_LE, TS_EXPLICIT_LE, TS_EXPLICIT_BE };

static struct image kind(size_t i)
{
	struct image im = kinds[i];
	im.study = "1.2";
	im.series = "1.2.1";
	im.sop = "1.2.1.1";
	im.seed = 3;
	return im;
}

TEST(compressed, "what was compressed meanwhile is the same image, in whatever plain encoding it comes again")
{
	for (size_t i = 0; i < NELEM(kinds); i++) {
		struct image im = kind(i);
		fresh();
		CHECK_INT(store(&im).outcome, INGEST_STORED);
		compress(im.sop);
		for (size_t k = 0; k < NELEM(plain); k++) {
			im.ts = plain[k];
			CHECK_INT(store(&im).outcome, INGEST_SAME);
		}
		CHECK_INT(conflicts(), 0);
		CHECK_INT(files_in(dir, "store/0000/000"), 1);
		CHECK_INT(files_in(dir, "spool"), 0);
		struct index_instance now = kept(im.sop);
		CHECK_STR(now.ts.s, TS_J2K_LOSSLESS);
		CHECK(object_is_whole(dir, &now));
		if (t_bad)
			printf("# kind %zu\n", i);
	}
}

TEST(other, "one sample or one text more than compression changes makes it another image")
{
	for (size_t i = 0; i < NELEM(kinds); i++) {
		struct image im = kind(i);
		fresh();
		store(&im);
		compress(im.sop);
		im.ts = TS_IMPLICIT_LE;
		im.seed = 4;
		CHECK_INT(store(&im).outcome, INGEST_CONFLICT);
		im.seed = 3;
		im.name = "OTHER^NAME";
		CHECK_INT(store(&im).outcome, INGEST_CONFLICT);
		CHECK_INT(conflicts(), 2);
		CHECK_INT(files_in(dir, "store/0000/000"), 3);
	}
}

TEST(damaged, "a damaged compressed file is never taken for whole: what comes is kept")
{
	struct image im = kind(0);
	fresh();
	store(&im);
	compress(im.sop);
	struct index_instance k = kept(im.sop);
	int fd = open(object_path(dir, k.oid).s, O_RDWR);
	CHECK_INT(pwrite(fd, "!", 1, (off_t)k.size - 20), 1);       /* inside the code stream */
	close(fd);
	im.ts = TS_IMPLICIT_LE;
	CHECK_INT(store(&im).outcome, INGEST_REPAIRED);
	k = kept(im.sop);
	CHECK_STR(k.ts.s, TS_IMPLICIT_LE);
	CHECK(object_is_whole(dir, &k));
	/* Its row still tells the header that came first, in another encoding than the file has now. */
	im.ts = TS_EXPLICIT_BE;
	CHECK_INT(store(&im).outcome, INGEST_SAME);
	CHECK_INT(truncate(object_path(dir, k.oid).s, (off_t)k.size - 2), 0);
	CHECK_INT(store(&im).outcome, INGEST_CONFLICT);
	CHECK_INT(files_in(dir, "store/0000/000"), 2);
}

TEST(coded_twice, "without a digest of its samples a compressed image is not compared, and both are kept")
{
	struct image im = kind(0);
	fresh();
	store(&im);
	struct index_instance k = kept(im.sop);
	struct ingest_job *j = image_job(dir, &im, "coded");
	snprintf(j->ts.s, sizeof(j->ts.s), "%s", TS_J2K_LOSSLESS);   /* as a clinic's own compression would come */
	j->digest[0] = j->digest[0] == '0' ? '1' : '0';
	CHECK_INT(one(j).outcome, INGEST_CONFLICT);
	CHECK_INT(kept(im.sop).oid, k.oid);
	CHECK_INT(files_in(dir, "store/0000/000"), 2);
}

/* The image as another node sends it that has compressed it. */
static struct ingest_job *coded_job(const struct image *im, const char *ts)
{
	struct ingest_job *j = image_job(dir, im, "plain");
	char *file, path[400];
	size_t len;
	struct xcode_result r;
	struct image_file f;
	snprintf(path, sizeof(path), "%s/%s", dir, j->path);
	CHECK_OK(durable_slurp(path, 64 << 20, &file, &len, &why), why);
	CHECK_INT(unlink(path), 0);
	snprintf(j->path, sizeof(j->path), "spool/coded");
	snprintf(path, sizeof(path), "%s/%s", dir, j->path);
	int out = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	CHECK_OK(transcode(bytes_of(file, len), out, ts_find(ts), &r), r.why);
	close(out);
	free(file);
	CHECK_OK(durable_slurp(path, 64 << 20, &file, &len, &why), why);
	CHECK_OK(image_file_init(&f, bytes_of(file, len), &why), why);
	snprintf(j->ts.s, sizeof(j->ts.s), "%s", ts);
	memcpy(j->digest, r.digest, sizeof(j->digest));
	j->size = len;
	j->dataset_at = r.dataset_at;
	j->encoding = DS_EXPLICIT_LE;
	free((void *)(uintptr_t)j->header.p);
	uint8_t *header = malloc(f.header_len);
	memcpy(header, f.data.p, f.header_len);
	j->header = bytes_of(header, f.header_len);
	image_file_fini(&f);
	free(file);
	return j;
}

static const char *const reversible[] = { TS_J2K_LOSSLESS, TS_JPEGLS_LOSSLESS, TS_HTJ2K_LOSSLESS_RPCL, TS_RLE, TS_JPEG_LOSSLESS_SV1 };

TEST(decoded, "with a decoder two reversible encodings of the same samples are the same image, whichever came first")
{
	has_decoder = true;
	for (size_t i = 0; i < NELEM(kinds); i++)
		for (size_t first = 0; first <= NELEM(reversible); first++) {
			struct image im = kind(i);
			fresh();
			CHECK_INT((first ? one(coded_job(&im, reversible[first - 1])) : store(&im)).outcome, INGEST_STORED);
			for (size_t k = 0; k < NELEM(reversible); k++)
				CHECK_INT(one(coded_job(&im, reversible[k])).outcome, INGEST_SAME);
			CHECK_INT(store(&im).outcome, INGEST_SAME);
			im.seed = 4;
			CHECK_INT(one(coded_job(&im, reversible[0])).outcome, INGEST_CONFLICT);
			im.seed = 3;
			im.name = "OTHER^NAME";
			CHECK_INT(one(coded_job(&im, reversible[1])).outcome, INGEST_CONFLICT);
			CHECK_INT(conflicts(), 2);
			CHECK_INT(files_in(dir, "spool"), 0);
			if (t_bad)
				printf("# kind %zu, %s first\n", i, first ? reversible[first - 1] : "plain");
			if (t_bad)
				return;
		}
	has_decoder = false;
}

TEST(undecoded, "what the decoder cannot tell, and what is lossy, is kept beside the other")
{
	struct image im = kind(2);
	has_decoder = true;
	fresh();
	store(&im);
	decoder_err = ERR_TIMEOUT;
	CHECK_INT(one(coded_job(&im, TS_J2K_LOSSLESS)).outcome, INGEST_CONFLICT);
	decoder_err = ERR_OK;
	decoded = 0;
	CHECK_INT(one(coded_job(&im, TS_HTJ2K)).outcome, INGEST_CONFLICT);
	CHECK_INT(decoded, 0);
	CHECK_INT(conflicts(), 2);
	has_decoder = false;
}

/* The second thread stands still: the file that it is to read is a pipe that nobody writes to, until the others
 * are stored. */
static char pipe_path[400];
static int pipe_fd;

static void on_other(void *arg, struct ingest_job *job, const struct ingest_result *r)
{
	CHECK_INT(r->outcome, INGEST_STORED);
	on_done(arg, job, r);
	if (answered == 2)
		pipe_fd = open(pipe_path, O_WRONLY | O_CLOEXEC);
}

TEST(not_held_up, "while an image is compared with the kept one, others are stored")
{
	struct image im = kind(0);
	fresh();
	store(&im);
	struct ingest_job *slow = image_job(dir, &im, "slow");
	slow->digest[0] = slow->digest[0] == '0' ? '1' : '0';
	snprintf(pipe_path, sizeof(pipe_path), "%s/%s", dir, slow->path);
	CHECK_INT(unlink(pipe_path), 0);
	CHECK_INT(mkfifo(pipe_path, 0600), 0);
	start();
	submit(slow, on_done);
	im.sop = "1.2.1.2";
	submit(image_job(dir, &im, "b"), on_other);
	im.sop = "1.2.1.3";
	submit(image_job(dir, &im, "c"), on_other);
	finish();
	CHECK_INT(answered, 3);
	CHECK_INT(last.outcome, INGEST_CONFLICT);        /* the slow one, last of all */
	close(pipe_fd);
}

int main(void)
{
	snprintf(dir, sizeof(dir), "/tmp/ingest_same.%ld", (long)getpid());
	conf = image_conf(dir);
	RUN(compressed);
	RUN(other);
	RUN(damaged);
	RUN(coded_twice);
	RUN(decoded);
	RUN(undecoded);
	RUN(not_held_up);
	char cmd[300];
	snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	CHECK_INT(system(cmd), 0);
	conf_unref(&conf);
	return t_done();
}
