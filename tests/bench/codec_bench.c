/* codec_bench - the reversible codecs on given images: ratio, speed on one core, and the worker beside the bare library.
 *
 *   codec_bench [--worker PROGRAM] [--runs N] [--codec NAME] NAME=FILE[,FILE...] ...
 *
 * For each set and codec one line, tab-separated: bytes of samples, ratio, MB/s of encoding and of decoding for each
 * second of processor time, MB/s (wall) of the library called on samples in memory and of whole jobs through the worker
 * without their verification, the latter in percent of the former, MB/s of verification. The best of N runs counts, for
 * both; files that are not reversibly encoded are left out.
 *
 * The library is called here as its manual says, by code of its own: what the product does around it is what is measured.
 */
#include <charls/charls.h>
#include <fcntl.h>
#include <getopt.h>
#include <openjpeg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "pacs/base/clock.h"
#include "pacs/base/log.h"
#include "pacs/xcode/ojph_shim.h"
#include "pacs/xcode/transcode.h"
#include "pacs/xcode/worker.h"

enum { THREADS = 2 };            /* as the product gives OpenJPEG */

struct picture {
	struct image_desc d;
	struct bytes file;               /* explicit LE, whole */
	const uint8_t *samples;          /* frames one after another */
	size_t frame_len;
};

struct sums { uint64_t in, out; double library_s, cpu_s, decode_cpu_s, job_s, verify_s; };

static double cpu_now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double wall_now(void)
{
	return (double)clock_mono_ns() / 1e9;
}

/* ---- the bare libraries; each gives the length of the stream ---- */

static uint8_t *room;            /* for streams */
static size_t room_len, filled;

static void collect(void *arg, const void *p, size_t len)
{
	(void)arg;
	if (len > room_len - filled)
		abort();
	memcpy(room + filled, p, len);
	filled += len;
}

static size_t bare_jls(const struct picture *im, const uint8_t *frame)
{
	const charls_frame_info info = { im->d.columns, im->d.rows, (int32_t)im->d.stored, (int32_t)im->d.samples };
	charls_jpegls_encoder *enc = charls_jpegls_encoder_create();
	size_t len = 0;
	if (!enc || charls_jpegls_encoder_set_frame_info(enc, &info) ||
	    charls_jpegls_encoder_set_interleave_mode(enc, im->d.samples > 1 ? CHARLS_INTERLEAVE_MODE_LINE : CHARLS_INTERLEAVE_MODE_NONE) ||
	    charls_jpegls_encoder_set_destination_buffer(enc, room, room_len) || charls_jpegls_encoder_encode_from_buffer(enc, frame, im->frame_len, 0) ||
	    charls_jpegls_encoder_get_bytes_written(enc, &len))
		len = 0;
	charls_jpegls_encoder_destroy(enc);
	return len;
}

static size_t bare_ht(const struct picture *im, const uint8_t *frame)
{
	const struct ojph_image o = { .columns = im->d.columns, .rows = im->d.rows, .samples = im->d.samples, .allocated = im->d.allocated,
	                              .precision = im->d.stored, .is_signed = im->d.is_signed,
	                              .has_colour_transform = im->d.samples == 3 && !strcmp(im->d.photometric, "RGB") };
	filled = 0;
	return ojph_encode(&o, frame, collect, NULL, NULL, NULL) ? 0 : filled;
}

static OPJ_SIZE_T on_write(void *p, OPJ_SIZE_T n, void *arg)
{
	size_t *at = arg;
	if (n > room_len - *at)
		return (OPJ_SIZE_T)-1;
	memcpy(room + *at, p, n);
	*at += n;
	filled = *at > filled ? *at : filled;
	return n;
}

static OPJ_BOOL on_seek(OPJ_OFF_T to, void *arg)
{
	*(size_t *)arg = (size_t)to;
	return OPJ_TRUE;
}

static OPJ_OFF_T on_skip(OPJ_OFF_T n, void *arg)
{
	*(size_t *)arg += (size_t)n;
	return n;
}

static size_t bare_j2k(const struct picture *im, const uint8_t *frame)
{
	opj_image_cmptparm_t parts[3];
	opj_cparameters_t p;
	size_t pixels = (size_t)im->d.rows * im->d.columns, at = 0;
	memset(parts, 0, sizeof(parts));
	for (unsigned c = 0; c < im->d.samples; c++)
		parts[c] = (opj_image_cmptparm_t){ .dx = 1, .dy = 1, .w = im->d.columns, .h = im->d.rows, .prec = im->d.stored, .bpp = im->d.stored, .sgnd = im->d.is_signed };
	opj_image_t *o = opj_image_create(im->d.samples, parts, im->d.samples == 3 ? OPJ_CLRSPC_SRGB : OPJ_CLRSPC_GRAY);
	o->x1 = im->d.columns;
	o->y1 = im->d.rows;
	for (unsigned c = 0; c < im->d.samples; c++)
		for (size_t i = 0; i < pixels; i++) {
			size_t k = i * im->d.samples + c;
			o->comps[c].data[i] = im->d.allocated == 8 ? frame[k] : im->d.is_signed ? (int16_t)le16(frame + 2 * k) : le16(frame + 2 * k);
		}
	opj_set_default_encoder_parameters(&p);
	p.tcp_numlayers = 1;
	p.cp_disto_alloc = 1;
	p.tcp_mct = im->d.samples == 3 && !strcmp(im->d.photometric, "RGB");
	opj_codec_t *codec = opj_create_compress(OPJ_CODEC_J2K);
	opj_stream_t *s = opj_stream_create(1 << 18, OPJ_FALSE);
	opj_stream_set_user_data(s, &at, NULL);
	opj_stream_set_write_function(s, on_write);
	opj_stream_set_seek_function(s, on_seek);
	opj_stream_set_skip_function(s, on_skip);
	filled = 0;
	if (im->frame_len >= 1 << 20)
		opj_codec_set_threads(codec, THREADS);
	bool ok = opj_setup_encoder(codec, &p, o) && opj_start_compress(codec, o, s) && opj_encode(codec, s) && opj_end_compress(codec, s);
	opj_stream_destroy(s);
	opj_destroy_codec(codec);
	opj_image_destroy(o);
	return ok ? filled : 0;
}

static const struct codec { const char *name, *ts; size_t (*bare)(const struct picture *im, const uint8_t *frame); } codecs[] = {
	{ "jpeg2000", TS_J2K_LOSSLESS, bare_j2k }, { "htj2k", TS_HTJ2K_LOSSLESS_RPCL, bare_ht }, { "jpegls", TS_JPEGLS_LOSSLESS, bare_jls },
};

/* ---- pictures ---- */

static struct bytes map_file(int fd)
{
	struct stat st;
	void *p = fstat(fd, &st) || !st.st_size ? MAP_FAILED : mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
	return p == MAP_FAILED ? (struct bytes){ NULL, 0 } : bytes_of(p, (size_t)st.st_size);
}

/* As an explicit LE object in memory, whatever it was; false: left out. */
static bool open_picture(const char *path, struct picture *out)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), native = memfd_create("native", MFD_CLOEXEC);
	struct bytes in = fd < 0 ? (struct bytes){ NULL, 0 } : map_file(fd);
	struct image_file f;
	struct xcode_result r;
	struct why why;
	close(fd);
	if (!in.p || image_file_init(&f, in, &why))
		return false;
	bool is_explicit = !strcmp(f.ts->uid, TS_EXPLICIT_LE), is_good = f.ts->lossy == TS_REVERSIBLE && f.has_pixels;
	image_file_fini(&f);
	if (!is_good || (!is_explicit && transcode(in, native, ts_find(TS_EXPLICIT_LE), &r)))
		return false;
	out->file = is_explicit ? in : map_file(native);
	close(native);
	if (image_file_init(&f, out->file, &why) || image_file_index(&f, &why) || !image_file_view(&f, 0))
		return false;
	out->d = f.desc;
	out->samples = image_file_view(&f, 0);
	out->frame_len = (size_t)image_frame_bytes(&f.desc);
	return true;     /* f stays: the process is short */
}

/* ---- measuring ---- */

static double best(double a, double b)
{
	return a == 0 || b < a ? b : a;
}

static bool measure_library(const struct codec *c, const struct picture *im, struct sums *one)
{
	double wall = wall_now(), cpu = cpu_now();
	one->out = 0;
	for (unsigned n = 0; n < im->d.frames; n++) {
		size_t len = c->bare(im, im->samples + n * im->frame_len);
		if (!len)
			return false;
		one->out += len;
	}
	one->library_s = best(one->library_s, wall_now() - wall);
	one->cpu_s = best(one->cpu_s, cpu_now() - cpu);
	return true;
}

static bool measure_decoding(const struct codec *c, const struct picture *im, struct sums *one)
{
	struct buf stream;
	struct image_desc coded = im->d;
	struct codec_plan plan;
	uint8_t *out = malloc(im->frame_len);
	char photometric[17];
	buf_init(&stream, 4 * im->frame_len + (1 << 20));
	bool ok = out && !codec_plan(&im->d, ts_find(c->ts), 0, &plan, NULL) && !codec_encode(&im->d, ts_find(c->ts), im->samples, &stream, NULL);
	if (ok) {
		memcpy(coded.photometric, plan.photometric, sizeof(coded.photometric));
		double cpu = cpu_now();
		ok = !codec_decode(&coded, ts_find(c->ts), buf_view(&stream), out, photometric, NULL);
		one->decode_cpu_s = best(one->decode_cpu_s, (cpu_now() - cpu) * im->d.frames);
	}
	buf_fini(&stream);
	free(out);
	return ok;
}

static bool measure_worker(const struct codec *c, struct worker *w, const struct picture *im, struct sums *one)
{
	struct job job = { .in_fd = memfd_create("in", MFD_CLOEXEC), .out_fd = memfd_create("out", MFD_CLOEXEC) };
	struct xcode_result r;
	bool ok = write(job.in_fd, im->file.p, im->file.len) == (ssize_t)im->file.len && !uid_take(&job.to, bytes_str(c->ts));
	double start = wall_now();
	worker_do(w, &job, &r);
	double took = wall_now() - start;
	close(job.in_fd);
	close(job.out_fd);
	if (!ok || r.err) {
		if (r.err != ERR_UNSUPPORTED)
			fprintf(stderr, "codec_bench: %s: %s\n", c->name, r.why.text);
		return false;
	}
	one->job_s = best(one->job_s, took - r.verify_us / 1e6);
	one->verify_s = best(one->verify_s, r.verify_us / 1e6);
	return true;
}

static void add_picture(const struct codec *c, struct worker *w, const struct picture *im, unsigned runs, struct sums *sum)
{
	struct sums one = { .in = im->frame_len * im->d.frames };
	for (unsigned n = 0; n < runs; n++)
		if (!measure_worker(c, w, im, &one) || !measure_library(c, im, &one) || !measure_decoding(c, im, &one))
			return;
	sum->in += one.in;
	sum->out += one.out;
	sum->library_s += one.library_s;
	sum->cpu_s += one.cpu_s;
	sum->decode_cpu_s += one.decode_cpu_s;
	sum->job_s += one.job_s;
	sum->verify_s += one.verify_s;
}

static double per_s(uint64_t bytes, double s)
{
	return s > 0 ? (double)bytes / 1e6 / s : 0;
}

static void do_set(char *arg, struct worker *w, unsigned runs, const char *only)
{
	enum { MOST = 256 };
	static struct picture pictures[MOST];    /* static: large */
	char *files = strchr(arg, '='), *save = NULL;
	size_t count = 0;
	if (!files)
		return;
	*files++ = 0;
	for (char *f = strtok_r(files, ",", &save); f && count < MOST; f = strtok_r(NULL, ",", &save))
		count += open_picture(f, &pictures[count]);
	for (size_t i = 0; i < count; i++)
		room_len = 2 * pictures[i].frame_len + (1 << 20) > room_len ? 2 * pictures[i].frame_len + (1 << 20) : room_len;
	free(room);
	room = malloc(room_len);
	if (!room)
		abort();
	memset(room, 1, room_len);
	for (size_t k = 0; k < NELEM(codecs); k++) {
		struct sums sum = { 0 };
		if (only && strcmp(only, codecs[k].name))
			continue;
		for (size_t i = 0; i < count; i++)
			add_picture(&codecs[k], w, &pictures[i], runs, &sum);
		printf("%s\t%s\t%llu\t%.2f\t%.1f\t%.1f\t%.1f\t%.1f\t%.1f\t%.1f\n", arg, codecs[k].name, (unsigned long long)sum.in,
		       sum.out ? (double)sum.in / (double)sum.out : 0, per_s(sum.in, sum.cpu_s), per_s(sum.in, sum.decode_cpu_s), per_s(sum.in, sum.library_s),
		       per_s(sum.in, sum.job_s), sum.job_s > 0 ? 100 * sum.library_s / sum.job_s : 0, per_s(sum.in, sum.verify_s));
		fflush(stdout);
	}
}

int main(int argc, char **argv)
{
	static const struct option options[] = { { "worker", required_argument, NULL, 'w' }, { "runs", required_argument, NULL, 'r' }, { "codec", required_argument, NULL, 'c' },
	                                         { 0 } };
	const struct xcode_limits limits = { .workers = 1, .memory_bytes = 4096ull << 20, .timeout_s = 600 };
	const char *program = "build/bin/xcode-worker", *only = NULL;
	unsigned runs = 3;
	struct worker w;
	for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
		if (c == 'w')
			program = optarg;
		else if (c == 'r')
			runs = (unsigned)strtoul(optarg, NULL, 10);
		else if (c == 'c')
			only = optarg;
		else
			return 2;
	}
	if (optind == argc) {
		fputs("usage: codec_bench [--worker PROGRAM] [--runs N] [--codec NAME] NAME=FILE[,FILE...] ...\n", stderr);
		return 2;
	}
	log_init("codec_bench", LOG_ERROR);
	worker_init(&w, program, &limits);
	for (int i = optind; i < argc; i++)
		do_set(argv[i], &w, runs ? runs : 1, only);
	worker_stop(&w);
	worker_fini(&w);
	free(room);
	return 0;
}
